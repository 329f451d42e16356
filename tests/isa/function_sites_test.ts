/** Instructions and return sites of hand-written functions. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { findFunctionSites, type FunctionSites, isInstructionStart } from "../../lib/isa/function_sites.ts";
import { AARCH64 } from "../../lib/isa/aarch64/architecture.ts";
import { X86_64 } from "../../lib/isa/x86_64/architecture.ts";

const START = toAddress(0x401000);

function findHex(bytes: string): FunctionSites {
  return findFunctionSites(X86_64, Uint8Array.from(bytes.split(" "), (byte) => parseInt(byte, 16)), START);
}

Deno.test("findFunctionSites() finds every instruction", () => {
  // push %rbp; mov %rsp,%rbp; nopw 0(%rax,%rax,1); leave; ret
  const sites = findHex("55 48 89 e5 66 2e 0f 1f 84 00 00 00 00 00 c9 c3");
  assertEquals([...sites.offsets], [0, 1, 4, 14, 15]);
  assertEquals([...sites.returns], [15]);
  assert(sites.complete);
});

Deno.test("findFunctionSites() takes returns with prefixes and immediates for returns", () => {
  const sites = findHex("c3 c2 08 00 f3 c3 f2 c3"); // ret; ret $8; repz ret; bnd ret
  assertEquals([...sites.returns], [0, 1, 4, 6]);
});

Deno.test("findFunctionSites() takes direct transfers out of the function for return sites", () => {
  // jmp .+0x1000; jne .+0x7f; je .+0x1000; jmp start; jne .+2; nop; a call and jmp to its very end
  const sites = findHex("e9 fb 0f 00 00 75 7d 0f 84 fa 0f 00 00 eb f1 75 00 90 e8 00 10 00 00 eb 00");
  assertEquals([...sites.offsets], [0, 5, 7, 13, 15, 17, 18, 23]);
  assertEquals([...sites.returns], [0, 5, 7, 23]);
});

Deno.test("findFunctionSites() takes a jump below the function for a return site", () => {
  assertEquals([...findHex("eb fd").returns], [0]);
  assertEquals([...findHex("eb fe").returns], []);
});

Deno.test("findFunctionSites() lists indirect jumps as possible returns", () => {
  const sites = findHex("ff e0 3e ff e2 ff d0 ff 24 d0"); // jmp *%rax; notrack jmp *%rdx; call *%rax; jmp *(%rax,%rdx,8)
  assertEquals([...sites.possibleReturns], [0, 2, 7]);
  assertEquals([...sites.returns], []);
});

Deno.test("findFunctionSites() keeps only what control reaches if there is data in the code", () => {
  // je 1f; jmp 2f; .long 0xc3c306c3; 1: nop; ret; 2: jmp *%rax; .byte 6
  const sites = findHex("74 06 eb 06 c3 06 c3 c3 90 c3 ff e0 06");
  assert(!sites.complete);
  assertEquals([...sites.offsets], [0, 2, 8, 9, 10]);
  assertEquals([...sites.returns], [9]);
  assertEquals([...sites.possibleReturns], [10]);
});

Deno.test("findFunctionSites() treats an instruction across the end as data", () => {
  const sites = findHex("c3 b8 00 00"); // ret; mov $..., cut off
  assert(!sites.complete);
  assertEquals([...sites.offsets], [0]);
});

Deno.test("findFunctionSites() keeps the first of two instructions that share bytes", () => {
  // je .+3; lock cmpxchg %ecx,(%rdx), whose prefix the branch skips; ret; .byte 6
  const sites = findHex("74 01 f0 0f b1 0a c3 06");
  assertEquals([...sites.offsets], [0, 2, 6]);
});

Deno.test("findFunctionSites() takes the constants of a function for data, though they look like code", () => {
  // ldr x0,1f; cbz x0,2f; bl .+0x1000; 1: .quad (nop, ret); 2: adrp x0,.; ret
  const words = [0x5800_0060, 0xb400_0080, 0x9400_0400, 0xd503_201f, 0xd65f_03c0, 0x9000_0000, 0xd65f_03c0];
  const sites = findFunctionSites(AARCH64, new Uint8Array(new Uint32Array(words).buffer), START);
  assert(!sites.complete);
  assertEquals([...sites.offsets], [0, 4, 8, 20, 24]);
  assertEquals([...sites.returns], [24]);
  // One that is elsewhere.
  const other = findFunctionSites(AARCH64, new Uint8Array(new Uint32Array([0x5800_0060, 0xd65f_03c0]).buffer), START);
  assert(other.complete);
  assertEquals([...other.offsets], [0, 4]);
});

Deno.test("findFunctionSites() finds the returns of aarch64", () => {
  // cbz x0,.+12; retaa; b .-0x1000; br x1; ret
  const words = [0xb400_0060, 0xd65f_0bff, 0x17ff_fc00, 0xd61f_0020, 0xd65f_03c0];
  const sites = findFunctionSites(AARCH64, new Uint8Array(new Uint32Array(words).buffer), START);
  assertEquals([[...sites.returns], [...sites.possibleReturns]], [[4, 8, 16], [12]]);
});

Deno.test("findFunctionSites() finds nothing in an empty function", () => {
  const sites = findFunctionSites(X86_64, new Uint8Array(0), START);
  assertEquals(sites.offsets.length, 0);
  assert(sites.complete);
});

Deno.test("isInstructionStart() is true at the first byte of an instruction only", () => {
  const sites = findHex("55 48 89 e5 c3");
  assertEquals([0, 1, 2, 3, 4, 5, -1].map((offset) => isInstructionStart(sites, offset)), [
    true,
    true,
    false,
    false,
    true,
    false,
    false,
  ]);
});
