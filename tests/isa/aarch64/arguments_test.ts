/** The calling conventions and the names of registers of aarch64 on an invented thread. */

import { assert, assertEquals } from "@std/assert";
import { AARCH64 } from "../../../lib/isa/aarch64/architecture.ts";
import type { WordMemory } from "../../../lib/isa/isa.ts";
import { registerOf, setRegister } from "./cpu.ts";

const SP = 0xffff_f000_1000;
const { registers: access } = AARCH64;

/** Memory that holds at each address that address. */
class Stack implements WordMemory {
  readonly written: number[][] = [];

  readWord(address: number, into: Uint32Array): boolean {
    if (address < 0x1000) return false;
    setRegister(into, 0, address);
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
  const registers = Uint32Array.from({ length: 68 }, (_, index) => index);
  setRegister(registers, access.sp, sp);
  return registers;
}

Deno.test("registerAccess names pc, stack pointer and results of aarch64", () => {
  const { pc, sp, result, result2, vectors } = access;
  assertEquals([pc, sp, result, result2], [64, 62, 0, 2]);
  assertEquals([vectors.sizeBytes, vectors.offsetOf(0), vectors.offsetOf(31)], [528, 0, 496]);
  assertEquals(AARCH64.registersBytes, 272);
});

Deno.test("argument() fetches the first eight of aarch64 from registers, the others from the stack", () => {
  const into = new Uint32Array(2);
  for (let i = 0; i < 8; i++) {
    assert(access.argument(makeRegisters(), new Stack(), i, i % 2 === 0, into));
    assertEquals([...into], [2 * i, 2 * i + 1]);
  }
  for (const atEntry of [true, false]) {
    for (const index of [8, 11]) {
      assert(access.argument(makeRegisters(), new Stack(), index, atEntry, into));
      assertEquals(registerOf(into, 0), SP + 8 * (index - 8));
    }
  }
  assert(!access.argument(makeRegisters(0), new Stack(), 8, true, into));
  assertEquals([...into], [0, 0]);
});

Deno.test("setArgument() changes a register or the stack of aarch64", () => {
  const registers = makeRegisters();
  const memory = new Stack();
  const value = Uint32Array.of(0x11111111, 0x22222222);
  assert(access.setArgument(registers, memory, 7, true, value));
  assertEquals([...registers.subarray(14, 16)], [...value]);
  assert(access.setArgument(registers, memory, 9, true, value));
  assertEquals(memory.written, [[SP + 8, ...value]]);
  assert(!access.setArgument(makeRegisters(0), memory, 8, true, value));
});

Deno.test("prepareSystemCall() sets number and parameters of aarch64", () => {
  const registers = makeRegisters();
  const expected = makeRegisters();
  access.prepareSystemCall(registers, 222, [0x7f00_1234_5678, 2, 3, 4, -1, 6]);
  expected.set([0x1234_5678, 0x7f00, 2, 0, 3, 0, 4, 0, 0xffffffff, 0xffffffff, 6, 0], 0);
  expected.set([222, 0], 16);
  assertEquals(registers, expected);
});

Deno.test("named() knows every name of every register of aarch64", () => {
  for (let number = 0; number < 31; number++) {
    assertEquals(access.named(`x${number}`), { kind: "general", index: 2 * number, bytes: 8, isHighByte: false });
    assertEquals(access.named(`w${number}`), { kind: "general", index: 2 * number, bytes: 4, isHighByte: false });
  }
  for (let number = 0; number < 32; number++) {
    for (const size of "vqdshb") assertEquals(access.named(size + number), { kind: "vector", number });
  }
  const general = (index: number, bytes: number) => ({ kind: "general", index, bytes, isHighByte: false });
  assertEquals(access.named("sp") as unknown, general(62, 8));
  assertEquals(access.named("wsp") as unknown, general(62, 4));
  assertEquals(access.named("pc") as unknown, general(64, 8));
  assertEquals(access.named("lr"), access.named("x30"));
  assertEquals(access.named("fp"), access.named("x29"));
  for (const name of ["xzr", "wzr"]) assertEquals(access.named(name), { kind: "zero" });
  for (const name of ["", "x", "x31", "w31", "x01", "v32", "r0", "rax", "constructor", "__proto__", "q0x"]) {
    assertEquals(access.named(name), undefined, name);
  }
  assertEquals(access.segmentBase("fs"), undefined);
});
