/** The calling conventions. */

import { assert, assertEquals } from "@std/assert";
import type { WordMemory } from "../../../lib/isa/isa.ts";
import { registerAccess } from "../../../lib/isa/x86_64/arguments.ts";

/** Where the registers are in `struct user_regs_struct` of `<sys/user.h>`. */
const NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base " +
  "gs_base ds es fs gs").split(" ");
const SP = 0x7ffd_ffff_fff0;

/** A stack in which each word is its own address; below 0x1000 words fail. */
class Stack implements WordMemory {
  readonly written: number[][] = [];

  readWord(address: number, into: Uint32Array): boolean {
    if (address < 0x1000) return false;
    into[0] = address;
    into[1] = Math.floor(address / 2 ** 32);
    return true;
  }

  writeWord(address: number, lo: number, hi: number): boolean {
    if (address < 0x1000) return false;
    this.written.push([address, lo, hi]);
    return true;
  }
}

/** Registers each of which holds its place, in both halves. */
function makeRegisters(sp = SP): Uint32Array {
  const registers = Uint32Array.from({ length: 54 }, (_, index) => index);
  registers[registerAccess.sp] = sp;
  registers[registerAccess.sp + 1] = Math.floor(sp / 2 ** 32);
  return registers;
}

function indexOf(name: string): number {
  return 2 * NAMES.indexOf(name);
}

Deno.test("registerAccess names pc, stack pointer and results", () => {
  const { pc, sp, result, result2 } = registerAccess;
  assertEquals([pc, sp, result, result2], ["rip", "rsp", "rax", "rdx"].map(indexOf));
});

Deno.test("argument() fetches the first six from registers", () => {
  const into = new Uint32Array(2);
  for (const [i, name] of ["rdi", "rsi", "rdx", "rcx", "r8", "r9"].entries()) {
    assert(registerAccess.argument(makeRegisters(), new Stack(), i, i % 2 === 0, into));
    assertEquals([...into], [indexOf(name), indexOf(name) + 1]);
  }
});

Deno.test("argument() fetches the others from the stack, behind the return address at entry", () => {
  const into = new Uint32Array(2);
  const address = () => into[0]! + into[1]! * 2 ** 32;
  registerAccess.argument(makeRegisters(), new Stack(), 6, true, into);
  assertEquals(address(), SP + 8);
  registerAccess.argument(makeRegisters(), new Stack(), 9, true, into);
  assertEquals(address(), SP + 32);
  registerAccess.argument(makeRegisters(), new Stack(), 6, false, into);
  assertEquals(address(), SP);
});

Deno.test("argument() gives 0 for what cannot be read, and says so", () => {
  const into = Uint32Array.of(1, 1);
  assert(!registerAccess.argument(makeRegisters(0), new Stack(), 7, true, into));
  assertEquals([...into], [0, 0]);
});

Deno.test("setArgument() changes a register or the stack", () => {
  const registers = makeRegisters();
  const memory = new Stack();
  const value = Uint32Array.of(0x11111111, 0x22222222);
  assert(registerAccess.setArgument(registers, memory, 3, true, value));
  assertEquals([...registers.subarray(indexOf("rcx"), indexOf("rcx") + 2)], [...value]);
  assert(registerAccess.setArgument(registers, memory, 7, true, value));
  assertEquals(memory.written, [[SP + 16, ...value]]);
  assert(!registerAccess.setArgument(makeRegisters(0), memory, 7, true, value));
});

Deno.test("prepareSystemCall() sets number and parameters and prevents a restart", () => {
  const registers = makeRegisters();
  const expected = makeRegisters();
  registerAccess.prepareSystemCall(registers, 9, [0x7f00_1234_5678, 2, 3, 4, -1, 6]);
  const word = (name: string, lo: number, hi: number) => expected.set([lo, hi], indexOf(name));
  word("rax", 9, 0);
  word("rdi", 0x1234_5678, 0x7f00);
  word("rsi", 2, 0);
  word("rdx", 3, 0);
  word("r10", 4, 0);
  word("r8", 0xffffffff, 0xffffffff);
  word("r9", 6, 0);
  word("orig_rax", 0xffffffff, 0xffffffff);
  assertEquals(registers, expected);
});
