/**
 * Forms of A64 instructions, each made at random by an encoder of its fields (Arm ARM, C4.1).
 *
 * @module
 */

import type { Random } from "../x86_64/random.ts";

/** A form of an instruction. */
export interface Form {
  /** Its mnemonics. */
  readonly name: string;
  /** Makes one. */
  readonly make: (random: Random) => number;
  /** Whether the register in bits 9:5 has to hold an address of data. */
  readonly usesMemory?: boolean;
  /** Whether the register in bits 9:5 has to hold an address of code. */
  readonly usesTarget?: boolean;
}

/** A register's number, often one of a few, so that two are the same. */
const register = (random: Random) => random.pick([0, 1, 2, 16, 17, 29, 30, 31, random.below(32)]);
/** One that is not number 31. */
const general = (random: Random) => random.pick([0, 1, 2, 16, 17, 29, 30, random.below(31)]);

const three = (base: number) => (random: Random) =>
  (base | register(random) | (register(random) << 5) | (register(random) << 16)) >>> 0;
const two = (base: number) => (random: Random) => (base | register(random) | (register(random) << 5)) >>> 0;
const withSize = (make: (random: Random) => number) => (random: Random) =>
  (make(random) | (random.below(2) << 31)) >>> 0;

/** A distance that leads to code, but not to the instruction itself, in instructions. */
const near = (random: Random) => random.pick([-64, -3, 2, 5, 63]);
/** One that may lead anywhere. */
const far = (random: Random, bits: number) => {
  const half = 2 ** (bits - 1);
  return random.pick([near(random), half >> 1, -half, half - 1, 3 - (half >> 2), 0x123 - half]);
};
/** The distance of a literal in the data behind the code, in instructions. */
const toData = (random: Random) => (0x8000 - 0x1000) / 4 + random.pick([0, 2, 40, 61, random.below(0x400 / 4)]);

/** Branches and addresses, which are emulated. */
export const BRANCHES: readonly Form[] = [
  { name: "b", make: (random) => 0x1400_0000 | (far(random, 26) & 0x3ff_ffff) },
  { name: "bl", make: (random) => (0x9400_0000 | (far(random, 26) & 0x3ff_ffff)) >>> 0 },
  {
    name: "b.cond",
    make: (random) => 0x5400_0000 | ((far(random, 19) & 0x7ffff) << 5) | random.below(16),
  },
  {
    name: "cbz, cbnz",
    make: withSize((random) =>
      0x3400_0000 | (random.below(2) << 24) | ((far(random, 19) & 0x7ffff) << 5) | register(random)
    ),
  },
  {
    name: "tbz, tbnz",
    make: withSize((random) =>
      0x3600_0000 | (random.below(2) << 24) | (random.below(32) << 19) | ((far(random, 14) & 0x3fff) << 5) |
      register(random)
    ),
  },
  { name: "br, ret", make: (r) => (r.pick([0xd61f_0000, 0xd65f_0000]) | (general(r) << 5)) >>> 0, usesTarget: true },
  { name: "blr", make: (random) => (0xd63f_0000 | (general(random) << 5)) >>> 0, usesTarget: true },
  {
    name: "adr, adrp",
    make: withSize((random) =>
      0x1000_0000 | (random.below(4) << 29) | ((far(random, 19) & 0x7ffff) << 5) | register(random)
    ),
  },
];

/** Loads and stores. */
const MEMORY: readonly Form[] = [
  {
    name: "ldr, str with an unsigned offset",
    make: (random) => (two(0xf900_0000)(random) | (random.below(2) << 22) | (random.below(20) << 10)) >>> 0,
  },
  {
    name: "ldr, str, ldur, stur, ldtr, sttr",
    make: (random) =>
      (two(0xf800_0000)(random) | (random.below(2) << 22) | (random.below(512) << 12) | (random.below(4) << 10)) >>> 0,
  },
  {
    name: "ldp, stp, ldnp, stnp",
    make: (random) =>
      (two(0xa800_0000)(random) | (random.below(4) << 23) | (random.below(2) << 22) | (random.below(128) << 15) |
        (register(random) << 10)) >>> 0,
  },
];

/** Others that are emulated. */
export const EMULATED: readonly Form[] = [
  { name: "nop, yield, dgh, bti", make: (r) => 0xd503_201f + 0x20 * r.pick([0, 1, 6, 32, 34, 36, 38]) },
  {
    name: "ldr, ldrsw literal",
    make: (random) => {
      const size = random.below(3);
      // Those of 8 bytes may not reach beyond the data.
      const distance = size === 1 ? toData(random) & ~1 : toData(random);
      return ((size << 30) | 0x1800_0000 | (distance << 5) | register(random)) >>> 0;
    },
  },
  { name: "prfm literal", make: (random) => (0xd800_0000 | (toData(random) << 5) | random.below(32)) >>> 0 },
  {
    name: "movn, movz, movk",
    make: (random) => {
      const place = random.below(4);
      const size = place > 1 ? 1 : random.below(2);
      const operation = random.pick([0, 2, 3]);
      const constant = random.pick([0, 1, 0x8000, 0xffff, random.below(0x10000)]);
      return ((size << 31) | (operation << 29) | 0x1280_0000 | (place << 21) | (constant << 5) | register(random)) >>>
        0;
    },
  },
  {
    name: "add, adds, sub, subs with a constant",
    make: withSize((random) => {
      const constant = random.pick([0, 1, 16, 0xfff, random.below(0x1000)]);
      return three(0x1100_0000)(random) & ~0x1f_0000 | (random.below(4) << 29) | (random.below(2) << 22) |
        (constant << 10);
    }),
  },
  {
    name: "add, adds, sub, subs",
    make: withSize((random) => three(0x0b00_0000)(random) | (random.below(4) << 29)),
  },
  {
    name: "and, orr, eor, ands",
    make: withSize((random) => three(0x0a00_0000)(random) | (random.below(4) << 29)),
  },
  ...MEMORY.map(({ name, make }): Form => ({
    name: `${name} on the stack`,
    make: (random) => (make(random) | (31 << 5)) >>> 0,
  })),
];

/** What is displaced and not emulated. */
export const COPIED: readonly Form[] = [
  { name: "add, sub, shifted", make: withSize((random) => three(0x0b00_0800)(random) | (random.below(4) << 29)) },
  { name: "orn, eon, bic, bics", make: withSize((random) => three(0x0a20_0000)(random) | (random.below(4) << 29)) },
  { name: "adc, sbc", make: withSize((random) => three(0x1a00_0000)(random) | (random.below(4) << 29)) },
  { name: "madd", make: withSize((random) => three(0x1b00_0000)(random) | (register(random) << 10)) },
  { name: "udiv", make: withSize(three(0x1ac0_0800)) },
  { name: "csel", make: withSize((random) => three(0x1a80_0000)(random) | (random.below(14) << 12)) },
  { name: "rbit", make: withSize(two(0x5ac0_0000)) },
  ...MEMORY.map(({ name, make }): Form => ({
    name,
    make: (random) => ((make(random) & ~(31 << 5)) | (general(random) << 5)) >>> 0,
    usesMemory: true,
  })),
  { name: "ldr w, str w", make: (r) => (two(0xb900_0000)(r) | (r.below(2) << 22)) >>> 0, usesMemory: true },
  { name: "ldrb, strb", make: (r) => two(0x3900_0000)(r) | (r.below(2) << 22), usesMemory: true },
  { name: "ldr q, str q", make: (r) => two(0x3d80_0000)(r) | (r.below(2) << 22), usesMemory: true },
  { name: "ldadd", make: (r) => (0xf820_0000 | general(r) | (general(r) << 5) | (3 << 16)) >>> 0, usesMemory: true },
  { name: "add v.4s", make: three(0x4ea0_8400) },
  { name: "fmov x, d", make: two(0x9e66_0000) },
  { name: "mrs tpidr_el0", make: (random) => (0xd53b_d040 | register(random)) >>> 0 },
  { name: "msr nzcv", make: (random) => (0xd51b_4200 | register(random)) >>> 0 },
  { name: "dmb ish", make: () => 0xd503_3bbf },
  { name: "paciasp", make: () => 0xd503_233f },
  { name: "autiasp", make: () => 0xd503_23bf },
  { name: "retaa", make: () => 0xd65f_0bff },
  { name: "braa, braaz", make: (random) => (random.pick([0xd71f_0802, 0xd61f_081f]) | (general(random) << 5)) >>> 0 },
  { name: "blraa, blraaz", make: (random) => (random.pick([0xd73f_0802, 0xd63f_081f]) | (general(random) << 5)) >>> 0 },
  {
    name: "ldr s, d, q literal",
    make: (random) => ((random.below(3) << 30) | 0x1c00_0000 | ((toData(random) & ~3) << 5) | random.below(32)) >>> 0,
  },
];
