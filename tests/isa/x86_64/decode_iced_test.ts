/**
 * The decoder against iced-x86, first over every opcode of every map with every mandatory prefix and every ModRM.reg,
 * then over random bytes.
 *
 * The decoder looks at what decides the length: map, mandatory prefix, opcode, ModRM. iced also looks at what limits
 * operands (`lock`, vector length, W, vvvv, masks, equal registers). An instruction "exists" therefore if iced accepts
 * it for some value of those bits.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Code, Decoder } from "npm:iced-x86@1.21.0";
import { decode } from "../../../lib/isa/x86_64/decode.ts";
import type { Encoding, X86Instruction } from "../../../lib/isa/x86_64/instruction.ts";
import { ADDRESS, CELL_BYTES, compareDetails, decodeIced, encode, iced, type Page, ppOf, VARIANTS } from "./iced.ts";
import { Random } from "./random.ts";

/** Instructions that iced 1.21 does not know, as `encoding map opcode pp`. */
const NEWER: readonly (readonly [which: RegExp, reason: string])[] = [
  [/^rex2 /, "APX"],
  [/^evex 4 /, "APX"],
  [/^evex 1 9[0-3] /, "APX: kmov"],
  [/^evex 2 (49 [013]|4b [123]|e. 1|f[23] 0|f5 [023]|f6 3|f7 .)$/, "APX: tiles, cmpccxadd, BMI"],
  [/^evex 3 f0 3$/, "APX: rorx"],
  [/^(vex|evex) 7 f[68] [23]$/, "USER_MSR, MSR_IMM"],
  [/^legacy 2 f8 [23]$/, "USER_MSR"],
  [/^legacy 2 8[ab] [01]$/, "MOVRS"],
  [/^vex 2 48 1$/, "AMX-TF32"],
  [/^vex 2 4a [13]$/, "AMX-MOVRS"],
  [/^vex 5 fd .$/, "AMX-FP8"],
  [/^evex 2 (4a|6d) .$/, "AMX-AVX512, AMX-MOVRS with APX"],
  [/^evex 3 (07|77) .$/, "AMX-AVX512"],
  [/^evex 1 2[ef] [23]$/, "AVX10.2: comparisons"],
  [/^evex 2 (5[01] .|52 0|67 1|74 [023]|d[23] [012]|da [23])$/, "AVX10.2: dot products, conversions, SM4"],
  [/^evex 3 (08 3|26 3|42 2|52 .|53 [01]|56 3|66 3|c2 3)$/, "AVX10.2: minmax, bf16"],
  [/^evex 5 (1[8b] .|1e 3|2e 2|2f [12]|51 1|5[89c-f] 1|6[89abcd] .|6e 2|6f [23]|74 .|7e 2)$/, "AVX10.2"],
  [/^evex 6 (2c|42|4[ce]|9[8ace]|a[8ace]|b[8ace]) 0$/, "AVX10.2: bf16"],
  [/^legacy 1 a6 2$/, "montmul, for which iced wants an address-size prefix"],
];

/** What identifies an instruction in {@linkcode NEWER}. */
function nameOf(encoding: Encoding, map: number, opcode: number, pp: number): string {
  return `${encoding} ${map} ${opcode.toString(16).padStart(2, "0")} ${pp}`;
}

function isNewer(name: string): boolean {
  return NEWER.some(([pattern]) => pattern.test(name));
}

function formatHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

const PAGES: readonly Page[] = [
  ["legacy", 0, []],
  ["legacy", 1, [0x0f]],
  ["legacy", 2, [0x0f, 0x38]],
  ["legacy", 3, [0x0f, 0x3a]],
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((map) => ["vex", map, []] as Page),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((map) => ["evex", map, []] as Page),
  ...[8, 9, 10, 11].map((map) => ["xop", map, []] as Page),
];

/** The bytes of one-byte opcodes that introduce something else. */
const ONE_BYTE_PREFIXES = new Set([
  ...[0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x62, 0x64, 0x65, 0x66, 0x67, 0xc4, 0xc5, 0xd5, 0xf0, 0xf2, 0xf3],
  ...Array.from({ length: 16 }, (_, index) => 0x40 + index),
]);

/** ModRM bytes: memory operands of each kind, and registers; all of them where ModRM.rm can matter. */
function modrmBytes(reg: number, encoding: Encoding): number[] {
  const memory = encoding !== "legacy" ? [0x00, 0x05, 0x44] : [0x00, 0x04, 0x05, 0x42, 0x44, 0x81, 0x84];
  const registers = encoding !== "legacy" ? [0xc0, 0xc1, 0xc2] : [0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
  return [...memory, ...registers].map((modrm) => modrm | reg << 3);
}

/** Compares one opcode with one mandatory prefix and one ModRM.reg. */
function compareOpcode(page: Page, pp: number, opcode: number, reg: number, random: Random): string[] {
  const modrms = modrmBytes(reg, page[0]);
  const variants = VARIANTS[page[0]];
  const buffer = new Uint8Array(modrms.length * variants * CELL_BYTES);
  for (let at = 0; at < buffer.length; at++) buffer[at] = random.below(256);
  modrms.forEach((modrm, row) => {
    for (let variant = 0; variant < variants; variant++) {
      const start = (row * variants + variant) * CELL_BYTES;
      const cell = buffer.subarray(start, start + CELL_BYTES);
      cell[encode(cell, page, pp, opcode, variant)] = modrm;
    }
  });
  const decoder = new Decoder(64, buffer, 0);
  const problems: string[] = [];
  const existing = new Set<string>();
  const decoded = new Set<string>();
  for (let cell = 0; cell < modrms.length * variants; cell++) {
    const modrm = modrms[Math.floor(cell / variants)] as number;
    const operand = modrm < 0xc0 ? "memory" : page[0] === "legacy" ? `register ${modrm & 7}` : "register";
    const start = cell * CELL_BYTES;
    const instruction = decode(buffer, start, ADDRESS);
    const length = decodeIced(decoder, cell);
    if (instruction !== undefined) decoded.add(operand);
    if (length !== 0) existing.add(operand);
    if (length === 0) continue;
    const differences = instruction?.length === length
      ? compareDetails(instruction, decoder)
      : [`length ${instruction?.length}, not ${length}`];
    if (differences.length === 0) continue;
    problems.push(`${formatHex(buffer.subarray(start, start + 15))} ${Code[iced.code]}: ${differences.join(", ")}`);
  }
  decoder.free();
  const name = nameOf(page[0], page[1], opcode, pp);
  for (const operand of decoded.symmetricDifference(existing)) {
    const isDecoded = decoded.has(operand);
    if (!isDecoded || !isNewer(name)) problems.push(`${name} /${reg} ${operand}: ${isDecoded}, not ${!isDecoded}`);
  }
  return problems;
}

for (const page of PAGES) {
  Deno.test(`decode() agrees with iced on every opcode of ${page[0]} map ${page[1]}`, () => {
    const random = new Random(page[1] + 1);
    const problems: string[] = [];
    for (let opcode = 0; opcode < 256; opcode++) {
      if (page[0] === "legacy" && page[1] === 0 && ONE_BYTE_PREFIXES.has(opcode)) continue;
      if (page[0] === "legacy" && page[1] === 1 && (opcode === 0x38 || opcode === 0x3a || opcode === 0x0f)) continue;
      for (let pp = 0; pp < 4; pp++) {
        for (let reg = 0; reg < 8; reg++) problems.push(...compareOpcode(page, pp, opcode, reg, random));
      }
    }
    assertEquals(problems.slice(0, 40), []);
  });
}

/** Kinds of random instructions: their first bytes, each chosen from a list. */
const RANDOM_KINDS: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "any bytes": [],
  "a prefix": [[0x66, 0xf2, 0xf3, 0x67, 0x2e, 0x48, 0x4d, 0xf0]],
  "two prefixes": [[0x66, 0xf2, 0xf3, 0x67, 0x64], [0x66, 0x41, 0x4f, 0xf3, 0x3e]],
  "map 1": [[0x0f]],
  "a prefix and map 1": [[0x66, 0xf2, 0xf3, 0x48, 0x67], [0x0f]],
  "a mandatory prefix, REX and map 1": [[0x66, 0xf2, 0xf3], [0x40, 0x45, 0x4c], [0x0f]],
  "map 2 or 3": [[0x66], [0x0f], [0x38, 0x3a]],
  "3DNow!": [[0x0f], [0x0f]],
  "VEX of 2 bytes": [[0xc5], [0xf8, 0xf9, 0xfa, 0xfb, 0x7d, 0xb1]],
  "VEX of 3 bytes": [[0xc4], [0xe1, 0xe2, 0xe3, 0xc1, 0x62, 0x43], [0x78, 0x79, 0x7a, 0x7b, 0x7d, 0xf9, 0xfb, 0xfd]],
  "EVEX": [[0x62], [0xf1, 0xf2, 0xf3, 0x61, 0xd5, 0x66], [0x7c, 0x7d, 0x7e, 0x7f, 0xfd, 0xfe], [0x08, 0x28, 0x4a]],
  "EVEX behind a prefix": [[0x67, 0x64, 0x66], [0x62], [0xf1, 0xf2, 0xb3], [0x7d, 0xfd, 0x7f], [0x08, 0x49, 0x18]],
  "XOP": [[0x8f], [0xe8, 0xe9, 0xea, 0x68, 0xc9], [0x78, 0xf8, 0x70]],
};

/**
 * Gathers, scatters, operations on tiles and complex numbers: they need a SIB byte or registers that differ from each
 * other, which are limits of operands that {@linkcode withOtherLimits} does not change.
 */
const OTHER_LIMITS = /^(vex 2 (9[0-3]|4b|5[ce]|6c) .|evex 2 (9[0-3]|a[0-3]|c[67]) 1|evex 6 (5[67]|d[67]) .)$/;

const RANDOM_CASES = 20_000;

/**
 * Encodes an instruction again with each value of the bits that limit operands.
 *
 * @param bytes Its bytes.
 * @param instruction What the decoder gave.
 * @returns Pairs of bytes and the length that the instruction has then.
 */
function* withOtherLimits(bytes: Uint8Array, instruction: X86Instruction): Generator<[Uint8Array, number]> {
  const { encoding, map, opcode, opcodeOffset, length } = instruction;
  const cell = new Uint8Array(CELL_BYTES + 1);
  if (encoding === "legacy") {
    cell.set(bytes);
    for (let at = 0; at < opcodeOffset; at++) if (cell[at] === 0xf0) cell[at] = 0x3e;
    yield [cell, length];
    // Without REX.R, which selects control registers that do not exist.
    const rexOffset = opcodeOffset - 2;
    if (map === 1 && instruction.rex) cell[rexOffset] = (cell[rexOffset] as number) & ~4;
    yield [cell, length];
    return;
  }
  const prefixCount = bytes.findIndex((byte) => byte === 0xc4 || byte === 0xc5 || byte === 0x62 || byte === 0x8f);
  for (let variant = 0; variant < VARIANTS[encoding]; variant++) {
    cell.set(bytes.subarray(0, prefixCount));
    const encoded = encode(cell.subarray(prefixCount), [encoding, map, []], ppOf(instruction, bytes), opcode, variant);
    cell.set(bytes.subarray(opcodeOffset + 1, length), prefixCount + encoded);
    yield [cell, prefixCount + encoded + length - opcodeOffset - 1];
  }
}

/** Tells whether iced accepts an instruction for some value of the bits that limit operands. */
function existsWithOtherLimits(bytes: Uint8Array, instruction: X86Instruction): boolean {
  for (const [other, length] of withOtherLimits(bytes, instruction)) {
    const decoder = new Decoder(64, other, 0);
    const found = decodeIced(decoder, 0);
    decoder.free();
    if (found === length) return true;
  }
  return false;
}

/** Compares one random instruction; returns what differs, undefined if nothing does. */
function compareRandom(bytes: Uint8Array, length: number, decoder: Decoder): string | undefined {
  const instruction = decode(bytes, 0, ADDRESS);
  if (length !== 0) {
    if (instruction?.length !== length) return `length ${instruction?.length}, not ${length}`;
    return compareDetails(instruction, decoder).join(", ") || undefined;
  }
  if (instruction === undefined) return undefined;
  const { encoding, map, opcode } = instruction;
  const name = nameOf(encoding, map, opcode, ppOf(instruction, bytes));
  if (isNewer(name) || OTHER_LIMITS.test(name)) return undefined;
  return existsWithOtherLimits(bytes, instruction) ? undefined : `${name} exists`;
}

for (const [kind, starts] of Object.entries(RANDOM_KINDS)) {
  Deno.test(`decode() agrees with iced on random instructions: ${kind}`, () => {
    const random = new Random(1);
    const buffer = new Uint8Array(RANDOM_CASES * CELL_BYTES);
    for (let at = 0; at < buffer.length; at++) buffer[at] = random.below(256);
    for (let cell = 0; cell < RANDOM_CASES; cell++) {
      starts.forEach((choices, at) => buffer[cell * CELL_BYTES + at] = random.pick(choices));
    }
    const decoder = new Decoder(64, buffer, 0);
    const problems: string[] = [];
    let existing = 0;
    for (let cell = 0; cell < RANDOM_CASES; cell++) {
      const bytes = buffer.subarray(cell * CELL_BYTES, cell * CELL_BYTES + 15);
      const length = decodeIced(decoder, cell);
      if (length !== 0) existing++;
      const problem = compareRandom(bytes, length, decoder);
      if (problem !== undefined) problems.push(`${formatHex(bytes)}: ${problem}`);
    }
    decoder.free();
    assertEquals(problems.slice(0, 40), []);
    assertGreaterOrEqual(existing, 500);
  });
}
