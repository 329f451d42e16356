/** Functions that look for space on their stack, as Go's compiler makes them. */

import { assertEquals } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { checksStack as checksStackOfArm } from "../../lib/isa/aarch64/stack_check.ts";
import { checksStack } from "../../lib/isa/x86_64/stack_check.ts";

/** Code from hexadecimal digits, with blanks anywhere. */
function codeOf(digits: string): Uint8Array {
  return Uint8Array.fromHex(digits.replaceAll(" ", ""));
}

Deno.test("checksStack() of x86-64 knows a look at the limit in the descriptor, and nothing else", () => {
  const rows: [string, boolean][] = [
    ["49 3b 66 10  76 29", true], // cmp 0x10(%r14),%rsp; jbe
    ["4c 8d 64 24 c8  4d 3b 66 10  76 29", true], // lea -0x38(%rsp),%r12; cmp 0x10(%r14),%r12
    ["4c 8d a4 24 70 fe ff ff  4d 3b 66 10  0f 86 b4 00 00 00", true], // lea -0x190(%rsp),%r12
    ["49 89 e4  49 81 ec 00 20 00 00  72 10  4d 3b 66 10  76 29", true], // mov %rsp,%r12; sub $0x2000,%r12; jb
    ["64 48 8b 0c 25 f8 ff ff ff  48 3b 61 10  76 29", true], // mov %fs:-8,%rcx; cmp 0x10(%rcx),%rsp
    ["49 3b 66 18  76 29", true], // cmp 0x18(%r14),%rsp
    ["48 ff c0  c3", false], // inc %rax; ret
    ["48 83 ec 20  49 3b 66 20  76 29", false], // cmp 0x20(%r14),%rsp
    ["48 3b 46 10  76 29", false], // cmp 0x10(%rsi),%rax
    ["49 3b 5e 10  76 29", false], // cmp 0x10(%r14),%rbx
    ["90 90 90 90 90  49 3b 66 10", false],
    ["06", false],
    ["", false],
  ];
  for (const [digits, expected] of rows) {
    assertEquals(checksStack(codeOf(digits), toAddress(0x40_1000)), expected, digits);
  }
});

Deno.test("checksStack() of aarch64 knows a look at the limit in the descriptor, and nothing else", () => {
  const rows: [string, boolean][] = [
    ["900b40f9 ff6330eb", true], // ldr x16, [x28, #16]; cmp sp, x16
    ["f1030cd1 900b40f9 3f0210eb", true], // sub x17, sp, #0x300; ldr x16, [x28, #16]
    ["900f40f9", true], // ldr x16, [x28, #24]
    ["910b40f9 c0035fd6", false],
    ["1f2003d5 1f2003d5 1f2003d5 1f2003d5 900b40f9", false],
    ["900b40", false],
  ];
  for (const [digits, expected] of rows) assertEquals(checksStackOfArm(codeOf(digits)), expected, digits);
});
