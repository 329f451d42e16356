/** The choice of the instruction set. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { isaOf } from "../../lib/isa/architectures.ts";

Deno.test("isaOf() finds x86_64 by EM_X86_64", () => {
  const isa = isaOf(62);
  assertEquals([isa.name, isa.machine], ["x86_64", 62]);
  assertEquals([[...isa.trap], isa.trapPcBytes, [...isa.systemCall]], [[0xcc], 1, [0x0f, 0x05]]);
});

Deno.test("isaOf() finds aarch64 by EM_AARCH64", () => {
  const isa = isaOf(183);
  assertEquals([isa.name, isa.machine], ["aarch64", 183]);
  assertEquals([isa.trap.length, isa.trapPcBytes, isa.unitBytes], [4, 0, 4]);
});

Deno.test("isaOf() names what it does not support, D_PROC_GRAB", () => {
  for (
    const [machine, name] of [[3, "i386 (32-bit x86)"], [40, "arm (32-bit)"], [243, "riscv"], [9999, "machine 9999"]]
  ) {
    const error = assertThrows(() => isaOf(machine as number), DTraceError);
    assertEquals(error.tag, "D_PROC_GRAB");
    assertStringIncludes(error.message, `Cannot trace ${name} code`);
  }
});
