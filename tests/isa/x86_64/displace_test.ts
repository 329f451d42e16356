/** The contents of slots, byte by byte. */

import { assert, assertEquals } from "@std/assert";
import { type Address, toAddress } from "../../../lib/address.ts";
import type { Displacement } from "../../../lib/isa/isa.ts";
import { decode } from "../../../lib/isa/x86_64/decode.ts";
import { RCX } from "../../../lib/isa/x86_64/registers.ts";
import { displace, SLOT_BYTES } from "../../../lib/isa/x86_64/displace.ts";

const PC = toAddress(0x7f00_9000_0000);
const NEAR = toAddress(0x7f00_9000_1000);
const FAR = toAddress(0x7e00_0000_0000);

function displaceHex(bytes: string, slot: Address = NEAR): Displacement | undefined {
  const code = Uint8Array.from(bytes.split(" "), (byte) => parseInt(byte, 16));
  const instruction = decode(code, 0, PC);
  assert(instruction !== undefined, bytes);
  return displace(instruction, code, slot);
}

function hex(code: Uint8Array): string {
  return [...code].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

const RETURN_BELOW_2G = "68 05 00 00 90 c7 44 24 04 00 7f 00 00"; // push $lo(PC + 5); movl $hi(PC + 5),4(%rsp)

Deno.test("displace() writes slots within reach", () => {
  const rows = [
    ["mov %rsp,%rbp", "48 89 e5", "48 89 e5 e9 fb ef ff ff"],
    ["mov 0x100(%rip),%rax", "48 8b 05 00 01 00 00", "48 8b 05 00 f1 ff ff e9 fb ef ff ff"],
    ["cmpb $7,0x100(%rip)", "80 3d 00 01 00 00 07", "80 3d 00 f1 ff ff 07 e9 fb ef ff ff"],
    ["vaddps 0x100(%rip),%ymm1,%ymm2", "c5 f4 58 15 00 01 00 00", "c5 f4 58 15 00 f1 ff ff e9 fb ef ff ff"],
    ["movabs 0x1122334455667788,%al", "a0 88 77 66 55 44 33 22 11", "a0 88 77 66 55 44 33 22 11 e9 fb ef ff ff"],
    ["jmp .+0x12", "eb 10", "e9 0d f0 ff ff"],
    ["jmp .+0x2000", "e9 fb 1f 00 00", "e9 fb 0f 00 00"],
    ["jne .+0x12", "75 10", "75 05 e9 fb ef ff ff e9 06 f0 ff ff"],
    ["jne .+0x2000", "0f 85 fa 1f 00 00", "75 05 e9 ff ef ff ff e9 f4 0f 00 00"],
    ["loop .+0x12", "e2 10", "e2 05 e9 fb ef ff ff e9 06 f0 ff ff"],
    ["jecxz .+0x12", "67 e3 0f", "67 e3 05 e9 fb ef ff ff e9 05 f0 ff ff"],
    ["call .+0x2000", "e8 fb 1f 00 00", `${RETURN_BELOW_2G} e9 ee 0f 00 00`],
    ["call *%r12", "41 ff d4", `${RETURN_BELOW_2G.replace("05", "03")} 41 ff e4`],
    [
      "call *0x100(%rip)",
      "ff 15 00 01 00 00",
      // push mem; push (%rsp); lea 8(%rsp),%rsp; movl $lo,(%rsp); movl $hi,4(%rsp); jmp *-8(%rsp)
      "ff 35 00 f1 ff ff ff 34 24 48 8d 64 24 08 c7 04 24 06 00 00 90 c7 44 24 04 00 7f 00 00 ff 64 24 f8",
    ],
    ["jmp *0x100(%rip)", "ff 25 00 01 00 00", "ff 25 00 f1 ff ff"],
    ["jmp *(%rax,%rdx,8)", "ff 24 d0", "ff 24 d0"],
    ["ret", "c3", "c3"],
    ["bnd ret $8", "f2 c2 08 00", "f2 c2 08 00"],
    ["syscall", "0f 05", "0f 05 48 b9 02 00 00 90 00 7f 00 00 e9 f1 ef ff ff"],
    ["rep movsb", "f3 a4", "f3 a4 e9 fb ef ff ff"],
  ] as const;
  for (const [assembly, bytes, slot] of rows) assertEquals(hex(displaceHex(bytes)!.code), slot, assembly);
});

Deno.test("displace() reaches what is far through an address in the slot", () => {
  const rows = [
    ["nop", "90", "90 ff 25 00 00 00 00 01 00 00 90 00 7f 00 00"],
    ["jmp .+0x12", "eb 10", "ff 25 00 00 00 00 12 00 00 90 00 7f 00 00"],
    [
      "je .+0x12",
      "74 10",
      "74 0e ff 25 00 00 00 00 02 00 00 90 00 7f 00 00 ff 25 00 00 00 00 12 00 00 90 00 7f 00 00",
    ],
    ["call .+0x5", "e8 00 00 00 00", `${RETURN_BELOW_2G} ff 25 00 00 00 00 05 00 00 90 00 7f 00 00`],
  ] as const;
  for (const [assembly, bytes, slot] of rows) assertEquals(hex(displaceHex(bytes, FAR)!.code), slot, assembly);
});

Deno.test("displace() says what the program may know at each instruction of the slot", () => {
  const at = (offset: number, pc: number, done: boolean, stackBytes = 0, pcRegister = -1) => ({
    offset,
    pc: toAddress(PC + pc),
    done,
    stackBytes,
    pcRegister,
    isHeld: false,
  });
  const rows = [
    ["nop", "90", [at(0, 0, false), at(1, 1, true)]],
    ["jmp .+0x12", "eb 10", [at(0, 0, false)]],
    ["jne .+0x12", "75 10", [at(0, 0, false), at(2, 2, true), at(7, 0x12, true)]],
    ["jecxz .+0x12", "67 e3 0f", [at(0, 0, false), at(3, 3, true), at(8, 0x12, true)]],
    ["call .+0x2000", "e8 fb 1f 00 00", [at(0, 0, false), at(5, 0, false, 8), at(13, 0x2000, true)]],
    ["call *%rax", "ff d0", [at(0, 0, false), at(5, 0, false, 8), at(13, 0, false, 8)]],
    [
      "call *(%rax)",
      "ff 10",
      [at(0, 0, false), at(2, 0, false, 8), at(5, 0, false, 16), ...[10, 17, 25].map((o) => at(o, 0, false, 8))],
    ],
    ["ret", "c3", [at(0, 0, false)]],
    ["syscall", "0f 05", [at(0, 0, false), at(2, 2, true, 0, RCX), at(12, 2, true)]],
  ] as const;
  for (const [assembly, bytes, resume] of rows) {
    assertEquals(displaceHex(bytes)!.resume as unknown, resume, assembly);
  }
});

Deno.test("displace() refuses what a copy elsewhere cannot do", () => {
  const rows = [
    ["int3", "cc"],
    ["int $0x80", "cd 80"],
    ["xbegin", "c7 f8 00 00 00 00"],
    ["lret", "cb"],
    ["iretq", "48 cf"],
    ["popfq", "9d"],
    ["popfw", "66 9d"],
    ["call *%rsp", "ff d4"],
    ["rex2 call *%rsp", "d5 00 ff d4"],
    ["mov 0x100(%eip),%rax", "67 48 8b 05 00 01 00 00"],
    ["data16 rex.W call", "66 48 e8 00 00 00 00"],
    ["lock call", "f0 ff d0"],
    ["lock syscall", "f0 0f 05"],
  ] as const;
  for (const [assembly, bytes] of rows) assertEquals(displaceHex(bytes), undefined, assembly);
});

Deno.test("displace() refuses RIP-relative operands that the slot cannot reach", () => {
  const low = toAddress(PC - 0x7fff_0000);
  assert(displaceHex("8b 05 00 00 00 00", low) !== undefined);
  assert(displaceHex("8b 05 ff ff 00 00", low) !== undefined); // the displacement becomes 0x7fffffff
  assertEquals(displaceHex("8b 05 00 00 01 00", low), undefined);
  assertEquals(displaceHex("ff 15 00 00 01 00", low), undefined); // call *
  assertEquals(displaceHex("8b 05 00 00 00 00", FAR), undefined);
});

Deno.test("displace() drops the prefixes of a system call, whose restart goes back two bytes", () => {
  assertEquals(hex(displaceHex("48 0f 05")!.code.subarray(0, 4)), "0f 05 48 b9");
});

Deno.test("displace() never needs more than SLOT_BYTES", () => {
  // call *%cs:0x11223344(%rax,%rdx,8) with prefixes up to 15 bytes
  const longest = "2e 2e 2e 2e 2e 67 64 41 ff 94 d0 44 33 22 11";
  assertEquals(longest.split(" ").length, 15);
  const { code } = displaceHex(longest)!;
  assertEquals(code.length, 42);
  assert(code.length <= SLOT_BYTES);
});
