/** What is written over A64 instructions, and where static probes can be. */

import { assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { AARCH64 } from "../../../lib/isa/aarch64/architecture.ts";
import { bytesOf } from "./cpu.ts";

function decodeWord(word: number) {
  return AARCH64.decode(bytesOf(word), 0, toAddress(0x1000))!;
}

Deno.test("AARCH64 traps by a brk of its own, and calls the kernel by svc #0", () => {
  const { systemCall, trap, trapCode, trapPcBytes, unitBytes } = AARCH64;
  assertEquals([trap, systemCall], [bytesOf(0xd421_f4a0), bytesOf(0xd400_0001)]);
  assertEquals([trapPcBytes, trapCode, unitBytes], [0, 1, 4]);
  assertEquals(decodeWord(0xd421_f4a0).flow, "other");
});

Deno.test("firesAt() knows what is left of the call of an aarch64 probe, asksAt() of a question", () => {
  const rows = [
    ["nop", 0xd503_201f, true, true],
    ["ret", 0xd65f_03c0, true, false],
    ["mov x0,#0", 0xd280_0000, false, true],
    ["mov w0,#0", 0x5280_0000, false, true],
    ["mov w0,wzr", 0x2a1f_03e0, false, true],
    ["eor w0,w0,w0", 0x4a00_0000, false, true],
    ["mov x1,#0", 0xd280_0001, false, false],
    ["mov x0,#1", 0xd280_0020, false, false],
    ["yield", 0xd503_203f, false, false],
    ["ret x1", 0xd65f_0020, false, false],
    ["b .+8", 0x1400_0002, false, false],
  ] as const;
  for (const [assembly, word, fires, asks] of rows) {
    const instruction = decodeWord(word);
    assertEquals([AARCH64.firesAt(instruction), AARCH64.asksAt(instruction)], [fires, asks], assembly);
  }
});
