/** Jumps and pads of aarch64: what a jump takes the place of, where it can lead, and what the pad consists of. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/aarch64/decode.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { findWindow, makeJump, PAD_BYTES_LIMIT, padAddress } from "../../../lib/isa/aarch64/window.ts";
import type { CountAction, JumpWindow, PadMemory } from "../../../lib/isa/jumps.ts";
import { bytesOf } from "./cpu.ts";

const SITE = toAddress(0xaaaa_9000_1008);
const REACH = 2 ** 27;
const MEMORY: PadMemory = {
  enabled: toAddress(0x7000),
  areas: toAddress(0x8000),
  areasTotal: 4,
  areaBytes: 1 << 19,
  ring: { headOffset: 0, tailOffset: 0, cellsOffset: 0, cellsTotal: 1 },
};
const COUNT: CountAction = { kind: "count", counterOffset: 8 };

function windowOf(word: number): JumpWindow {
  const window = findWindow(bytesOf(0, word), 4, SITE);
  assert(typeof window !== "string", word.toString(16));
  return window;
}

Deno.test("findWindow() takes exactly one aarch64 instruction", () => {
  // mov x29,sp; bl .+8; ret
  for (const word of [0x9100_03fd, 0x9400_0002, 0xd65f_03c0]) {
    const { address, boundaries, code, siteOffset } = windowOf(word);
    assertEquals([address, boundaries, siteOffset], [SITE, [], 0]);
    assertEquals(code, bytesOf(word));
  }
});

Deno.test("findWindow() says why there can be no aarch64 jump", () => {
  const rows = [
    [0xd400_0001, "a system call shows where it is made"],
    [0xd420_0000, "it cannot be moved"],
    [0xc85f_7c40, "it cannot be moved"], // ldxr
    [0xd503_245f, "an indirect branch may have to find it there"], // bti c
    [0xd503_241f, "an indirect branch may have to find it there"], // bti
    [0xd503_233f, "an indirect branch may have to find it there"], // paciasp
    [0xd503_237f, "an indirect branch may have to find it there"], // pacibsp
    [0x0200_0000, "it cannot be decoded"],
  ] as const;
  for (const [word, reason] of rows) assertEquals(findWindow(bytesOf(word), 0, SITE), reason, word.toString(16));
});

Deno.test("padAddress() gives what an aarch64 jump reaches, and the branches of its copy", () => {
  const first = (word: number, from: number, to: number) => padAddress(windowOf(word), from, to);
  const nop = 0xd503_201f;
  assertEquals(
    first(nop, SITE - 2 * REACH, SITE + REACH),
    toAddress(Math.ceil((SITE - REACH + 4 + PAD_BYTES_LIMIT) / 16) * 16),
  );
  assertEquals(first(nop, SITE + 1, SITE + 64), toAddress(SITE + 8));
  assertEquals(first(nop, SITE + REACH, SITE + 2 * REACH), undefined);
  assertEquals(first(nop, SITE - 2 * REACH, SITE - REACH), undefined);
  // b .+0x7ff0000
  const target = SITE + 0x7ff_0000;
  const lowest = first(0x15ff_c000, SITE - REACH, SITE + REACH)!;
  assert(target - lowest < REACH && target - lowest > REACH - 2 * PAD_BYTES_LIMIT);
  for (let from = SITE - REACH, tries = 0; tries < 4; tries++) {
    const pad = first(nop, from, SITE - REACH + 2 * PAD_BYTES_LIMIT)!;
    from = pad + 1;
    const jump = decode(makeJump(windowOf(nop), pad), 0, SITE);
    assertEquals([jump?.flow, jump?.target], ["jump", pad]);
  }
});

Deno.test("makePad() writes an aarch64 pad", () => {
  const pad = makePad(windowOf(0x9100_03fd), toAddress(SITE - 8 + 0x1000), MEMORY, COUNT)!;
  const words = [...new Uint32Array(pad.code.buffer)].map((word) => word.toString(16).padStart(8, "0"));
  assertEquals(words, [
    "a9bf47f0", // stp x16,x17,[sp,#-16]!
    "58000190", // ldr x16,=enabled
    "b9400210", // ldr w16,[x16]
    "340000f0", // cbz w16,quiet
    "58000170", // ldr x16,=areas + 8
    "d53bd051", // mrs x17,tpidr_el0
    "d34c3631", // ubfx x17,x17,#12,#2
    "8b114e10", // add x16,x16,x17,lsl #19
    "d2800031", // mov x17,#1
    "f831021f", // stadd x17,[x16]
    "a8c147f0", // ldp x16,x17,[sp],#16
    "910003fd", // mov x29,sp
    "17fffbf7", // b SITE + 4
    ...["00007000", "00000000", "00008008", "00000000"],
  ]);
  assertEquals([pad.entry, pad.copies], [0, [44]]);
});

Deno.test("makePad() has a resume point for each place of an aarch64 pad, held from the push on", () => {
  const { resume } = makePad(windowOf(0x5400_0801), toAddress(SITE + 0x1000), MEMORY, COUNT)!;
  assertEquals(resume.map(({ offset, pc, done, isHeld }) => [offset, pc - SITE, done, isHeld]), [
    [0, 0, false, false],
    [4, 0, false, true],
    [44, 0, false, false],
    [48, 4, true, false],
    [52, 0x100, true, false],
  ]);
});

Deno.test("makePad() makes no aarch64 pad for what cannot be displaced", () => {
  for (const word of [0xd63f_03c0, 0x9c00_0803]) { // blr x30; ldr q3,.+0x100
    assertEquals(makePad(windowOf(word), toAddress(SITE + 0x400_0000), MEMORY, COUNT), undefined);
  }
});
