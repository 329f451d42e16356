/** What emulation must leave to the processor, and that it changes nothing then. */

import { assert, assertEquals } from "@std/assert";
import { type Address, toAddress } from "../../../lib/address.ts";
import type { WordMemory } from "../../../lib/isa/isa.ts";
import { decode } from "../../../lib/isa/x86_64/decode.ts";
import { emulate } from "../../../lib/isa/x86_64/emulate.ts";
import { EFLAGS, FS_BASE, RAX, RBP, RCX, RDX, RIP, RSP } from "../../../lib/isa/x86_64/registers.ts";

const PC = toAddress(0x7f12_ffff_fff0);
const SP = 0x7ffd_0000_1000;

/** Memory of single words; an access to any other address fails. */
class Words implements WordMemory {
  readonly words = new Map<number, [lo: number, hi: number]>();

  readWord(address: number, into: Uint32Array): boolean {
    const word = this.words.get(address);
    if (word !== undefined) into.set(word);
    return word !== undefined;
  }

  writeWord(address: number, lo: number, hi: number): boolean {
    const known = this.words.has(address);
    if (known) this.words.set(address, [lo, hi]);
    return known;
  }
}

function makeRegisters(values: Readonly<Record<number, number>> = {}): Uint32Array {
  const registers = new Uint32Array(54);
  registers[EFLAGS] = 0x202;
  for (const [index, value] of Object.entries({ [RSP]: SP, ...values })) {
    registers[Number(index)] = value >>> 0;
    registers[Number(index) + 1] = Math.floor(value / 2 ** 32);
  }
  return registers;
}

function decodeHex(bytes: string, address: Address = PC) {
  const code = Uint8Array.from(bytes.split(" "), (byte) => parseInt(byte, 16));
  const instruction = decode(code, 0, address);
  assert(instruction !== undefined, bytes);
  return instruction;
}

/** Asserts that nothing is done, and nothing changed. */
function assertRefused(bytes: string, registers: Uint32Array, memory = new Words()): void {
  const registersBefore = registers.slice();
  const wordsBefore = new Map(memory.words);
  assert(!emulate(decodeHex(bytes), registers, memory), bytes);
  assertEquals(registers, registersBefore, bytes);
  assertEquals(memory.words, wordsBefore, bytes);
}

Deno.test("emulate() changes nothing if memory cannot be read or written", () => {
  // push, pop, ret, leave, call, call *%rax, call *(%rax), jmp *(%rax), push imm8
  for (const bytes of ["50", "58", "c3", "c9", "e8 00 10 00 00", "ff d0", "ff 10", "ff 20", "6a 01"]) {
    assertRefused(bytes, makeRegisters({ [RAX]: 0x1000, [RBP]: 0x2000 }));
  }
});

Deno.test("emulate() changes nothing if a call's target can be read but its return address not written", () => {
  const memory = new Words();
  memory.words.set(0x1000, [0x401000, 0]);
  assertRefused("ff 10", makeRegisters({ [RAX]: 0x1000 }), memory);
});

Deno.test("emulate() leaves stack pointers that are no addresses to the processor", () => {
  for (const sp of [0, 7, 2 ** 53, 2 ** 63]) assertRefused("50", makeRegisters({ [RSP]: sp }));
});

Deno.test("emulate() leaves targets outside user space to the processor", () => {
  const memory = new Words();
  memory.words.set(SP, [0, 0x8000]);
  memory.words.set(SP - 8, [0, 0]);
  memory.words.set(0x1000, [0, 0xffff_8000]);
  // ret, jmp *%rax, call *%rax, jmp *(%rdx), call *(%rdx)
  for (const bytes of ["c3", "ff e0", "ff d0", "ff 22", "ff 12"]) {
    assertRefused(bytes, makeRegisters({ [RAX]: 2 ** 47, [RDX]: 0x1000 }), memory);
  }
});

Deno.test("emulate() leaves direct targets outside user space to the processor", () => {
  const registers = makeRegisters({ [RCX]: 5 });
  const before = registers.slice();
  const memory = new Words();
  memory.words.set(SP - 8, [0, 0]);
  // jmp, jo, loop, call
  for (const bytes of ["e9 00 00 00 7f", "0f 81 00 00 00 7f", "e2 7f", "e8 00 00 00 7f"]) {
    assert(!emulate(decodeHex(bytes, toAddress(2 ** 47 - 0x40)), registers, memory), bytes);
    assertEquals(registers, before);
    assertEquals(memory.words.get(SP - 8), [0, 0]);
  }
});

Deno.test("emulate() leaves a program that steps itself to the processor", () => {
  const registers = makeRegisters();
  registers[EFLAGS] = 0x302;
  assertRefused("90", registers);
});

Deno.test("emulate() leaves prefixes that change the operation to the processor", () => {
  const rows = [
    "66 50", // push %ax
    "66 89 c8", // mov %cx,%ax
    "66 31 c0", // xor %ax,%ax
    "66 48 c3", // data16 rex.W ret
    "41 90", // xchg %eax,%r8d
    "f3 0f 1e c8", // rdsspd %eax
    "64 65 ff 20", // jmp *%gs:(%rax), with a second segment
    "d5 10 50", // push %r16
    "11 c8", // adc %ecx,%eax
    "48 19 c8", // sbb %rcx,%rax
  ];
  const memory = new Words();
  memory.words.set(SP, [0x401000, 0]);
  memory.words.set(SP - 8, [0, 0]);
  memory.words.set(0x1000, [0x401000, 0]);
  for (const bytes of rows) assertRefused(bytes, makeRegisters({ [RAX]: 0x1000 }), memory);
});

Deno.test("emulate() leaves movabs of a constant that a number cannot hold to the processor", () => {
  assertRefused("48 b8 01 00 00 00 00 00 20 00", makeRegisters()); // 2^53 + 1
  const registers = makeRegisters();
  assert(emulate(decodeHex("48 b8 ff ff ff ff ff ff 1f 00"), registers, new Words())); // 2^53 - 1
  assertEquals([registers[RAX], registers[RAX + 1]], [0xffffffff, 0x1fffff]);
});

Deno.test("emulate() carries the pc into its high half", () => {
  const registers = makeRegisters();
  assert(emulate(decodeHex("48 b8 00 00 00 00 00 00 00 00", toAddress(0x7f12_ffff_fff8)), registers, new Words()));
  assertEquals([registers[RIP], registers[RIP + 1]], [2, 0x7f13]);
});

Deno.test("emulate() reads a call's target before it writes the return address over it", () => {
  const registers = makeRegisters();
  const memory = new Words();
  memory.words.set(SP - 8, [0x401000, 0]);
  assert(emulate(decodeHex("ff 54 24 f8"), registers, memory)); // call *-8(%rsp)
  assertEquals([registers[RIP], registers[RIP + 1]], [0x401000, 0]);
  assertEquals(memory.words.get(SP - 8), [0xffff_fff4, 0x7f12]);
});

Deno.test("emulate() decrements the counter of loop before it tests it", () => {
  // Every DTrace that emulates it has this wrong (fasttrap-semantics bug 12).
  for (const [count, taken, after] of [[1, false, [0, 0]], [0, true, [0xffffffff, 0xffffffff]]] as const) {
    const registers = makeRegisters({ [RCX]: count });
    assert(emulate(decodeHex("e2 20", toAddress(0x401000)), registers, new Words()));
    assertEquals(registers[RIP], taken ? 0x401022 : 0x401002);
    assertEquals([...registers.subarray(RCX, RCX + 2)], [...after]);
  }
});

Deno.test("emulate() adds the segment's base to the operand of an indirect jump, not to lea", () => {
  const memory = new Words();
  memory.words.set(0x7f00_0000_0010, [0x401000, 0]);
  const registers = makeRegisters({ [FS_BASE]: 0x7f00_0000_0000 });
  assert(emulate(decodeHex("64 ff 24 25 10 00 00 00"), registers, memory)); // jmp *%fs:0x10
  assertEquals([registers[RIP], registers[RIP + 1]], [0x401000, 0]);
  assert(emulate(decodeHex("64 48 8d 04 25 10 00 00 00"), registers, memory)); // lea %fs:0x10,%rax
  assertEquals([registers[RAX], registers[RAX + 1]], [0x10, 0]);
});
