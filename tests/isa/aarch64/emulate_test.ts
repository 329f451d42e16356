/** What emulation of A64 must leave to the processor, and that it changes nothing then. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/aarch64/decode.ts";
import { emulate } from "../../../lib/isa/aarch64/emulate.ts";
import { PC, PSTATE, SP, X30 } from "../../../lib/isa/aarch64/registers.ts";
import type { WordMemory } from "../../../lib/isa/isa.ts";
import { Random } from "../x86_64/random.ts";
import { bytesOf, registerOf, setRegister } from "./cpu.ts";
import { COPIED } from "./instructions.ts";

const AT = toAddress(0xaaaa_ffff_fffc);
const STACK = 0xffff_f000_1000;

/** Memory of single words; an access to any other address fails. */
class Words implements WordMemory {
  readonly words = new Map<number, [lo: number, hi: number]>();
  /** Words that can be read only. */
  readonly fixed = new Set<number>();

  readWord(address: number, into: Uint32Array): boolean {
    const word = this.words.get(address);
    if (word !== undefined) into.set(word);
    return word !== undefined;
  }

  writeWord(address: number, lo: number, hi: number): boolean {
    const known = this.words.has(address) && !this.fixed.has(address);
    if (known) this.words.set(address, [lo, hi]);
    return known;
  }
}

function makeRegisters(values: Readonly<Record<number, number>> = {}): Uint32Array {
  const registers = new Uint32Array(68);
  for (const [index, value] of Object.entries({ [SP]: STACK, ...values })) setRegister(registers, Number(index), value);
  return registers;
}

function assertRefused(word: number, registers: Uint32Array, memory = new Words()): void {
  const registersBefore = registers.slice();
  const wordsBefore = new Map(memory.words);
  const instruction = decode(bytesOf(word), 0, AT);
  assert(instruction !== undefined);
  assert(!emulate(instruction, registers, memory), word.toString(16));
  assertEquals(registers, registersBefore);
  assertEquals(memory.words, wordsBefore);
}

const STP = 0xa9bf_7bfd; // stp x29,x30,[sp,#-16]!
const LDP = 0xa8c1_7bfd; // ldp x29,x30,[sp],#16

Deno.test("emulate() changes nothing if aarch64 memory cannot be read or written", () => {
  // ldr x0,[sp]; str x0,[sp]; ldr x0,[sp],#8; ldr x0,.+8
  for (const word of [STP, LDP, 0xf940_03e0, 0xf900_03e0, 0xf840_87e0, 0x5800_0040]) {
    assertRefused(word, makeRegisters());
  }
});

Deno.test("emulate() stores both words of a pair, or none", () => {
  const memory = new Words();
  memory.words.set(STACK - 16, [1, 2]);
  assertRefused(STP, makeRegisters(), memory);
  memory.words.set(STACK - 8, [3, 4]);
  memory.fixed.add(STACK - 8);
  assertRefused(STP, makeRegisters(), memory);
  memory.words.set(STACK, [5, 6]);
  assertRefused(LDP, makeRegisters(), memory);
});

Deno.test("emulate() leaves memory that is not the stack to the aarch64 processor", () => {
  const memory = new Words();
  for (const address of [STACK, STACK + 8]) memory.words.set(address, [0, 0]);
  // ldr x0,[x1]; str x0,[x1]; ldp x2,x3,[x1]; stp x2,x3,[x1]
  for (const word of [0xf940_0020, 0xf900_0020, 0xa940_0c22, 0xa900_0c22]) {
    assertRefused(word, makeRegisters({ 2: STACK }), memory);
  }
});

Deno.test("emulate() leaves a stack pointer that is not aligned to the aarch64 processor", () => {
  const memory = new Words();
  for (const address of [STACK - 8, STACK, STACK + 8]) memory.words.set(address, [0, 0]);
  assertRefused(STP, makeRegisters({ [SP]: STACK + 8 }), memory);
  assertRefused(0xf940_03e0, makeRegisters({ [SP]: STACK + 8 }), memory); // ldr x0,[sp]
});

Deno.test("emulate() leaves targets that are no code to the aarch64 processor", () => {
  // br x0, blr x0, ret x0
  for (const word of [0xd61f_0000, 0xd63f_0000, 0xd65f_0000]) {
    for (const target of [2 ** 48, 0xaaaa_0000_0002]) assertRefused(word, makeRegisters({ 0: target }));
  }
  assertRefused(0xd61f_03e0, makeRegisters()); // br xzr
});

Deno.test("emulate() leaves what is refused, and what not all processors know, to the aarch64 processor", () => {
  // brk; svc; ldxr x0,[x2]; bc.eq .+8; retaa; blraaz x0; add with a shift that there is not
  for (const word of [0xd420_0000, 0xd400_0001, 0xc85f_7c40, 0x5400_0050, 0xd65f_0bff, 0xd63f_081f, 0x0bc0_0000]) {
    assertRefused(word, makeRegisters());
  }
});

Deno.test("emulate() leaves what aarch64 slots are for to them", () => {
  const random = new Random(12);
  for (const form of COPIED) for (let i = 0; i < 20; i++) assertRefused(form.make(random) >>> 0, makeRegisters());
});

Deno.test("emulate() ends the note of an indirect branch with the aarch64 instruction", () => {
  const registers = makeRegisters({ [PSTATE]: 0x8000_1c00 });
  assert(emulate(decode(bytesOf(0xd503_245f), 0, AT)!, registers, new Words())); // bti c
  assertEquals(registers[PSTATE], 0x8000_1000);
  assertEquals(registerOf(registers, PC), AT + 4);
});

Deno.test("emulate() calls through the link register, fasttrap rule L21", () => {
  const registers = makeRegisters({ [X30]: 0xaaaa_1234_0000 });
  assert(emulate(decode(bytesOf(0xd63f_03c0), 0, AT)!, registers, new Words())); // blr x30
  assertEquals(registerOf(registers, PC), 0xaaaa_1234_0000);
  assertEquals(registerOf(registers, X30), AT + 4);
});

Deno.test("emulate() reads a literal at the end of a page without the next one", () => {
  const memory = new Words();
  memory.words.set(AT + 4 + 0xff8, [0x1111_1111, 0x8000_0000]);
  const registers = makeRegisters();
  // ldrsw x0,.+0x1000, where an aligned word ends
  assert(emulate(decode(bytesOf(0x9800_8000), 0, AT)!, registers, memory));
  assertEquals([registers[0], registers[1]], [0x8000_0000, 0xffff_ffff]);
});
