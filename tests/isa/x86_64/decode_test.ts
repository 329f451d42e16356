/** The decoder on single instructions, each a row of bytes with its assembly. */

import { assertEquals, assertExists, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { type Address, toAddress } from "../../../lib/address.ts";
import type { Flow } from "../../../lib/isa/isa.ts";
import { decode } from "../../../lib/isa/x86_64/decode.ts";
import { PREFIX, type X86Instruction } from "../../../lib/isa/x86_64/instruction.ts";
import { Random } from "./random.ts";

const ADDRESS = toAddress(0x401000);

function toBytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(" "), (byte) => parseInt(byte, 16));
}

function decodeHex(hex: string, address: Address = ADDRESS): X86Instruction {
  const instruction = decode(toBytes(hex), 0, address);
  assertExists(instruction, hex);
  assertEquals(instruction.length, hex.split(" ").length, hex);
  return instruction;
}

/** Instructions by flow; with a distance, the target is that far behind the instruction. */
const FLOWS: readonly (readonly [hex: string, assembly: string, flow: Flow, distance?: number])[] = [
  ["55", "push rbp", "next"],
  ["f3 0f 1e fa", "endbr64", "next"],
  ["66 66 2e 0f 1f 84 00 00 00 00 00", "data16 cs nop word [rax + rax]", "next"],
  ["f3 48 a5", "rep movsq", "next"],
  ["f4", "hlt", "next"],
  ["0f 0b", "ud2", "next"],
  ["0f b9 c0", "ud1 eax, eax", "next"],
  ["0f ff c0", "ud0 eax, eax", "next"],
  ["c6 f8 01", "xabort 1", "next"],
  ["ff 35 10 00 00 00", "push [rip + 16]", "next"],
  ["e8 fb ff ff ff", "call $", "call", -5],
  ["48 e8 00 01 00 00", "rex.w call", "call", 0x100],
  ["66 66 48 e8 10 00 00 00", "data16 data16 rex.w call (thread-local storage)", "call", 0x10],
  ["e9 ff ff ff 7f", "jmp", "jump", 0x7fffffff],
  ["f2 e9 00 00 00 00", "bnd jmp", "jump", 0],
  ["eb fe", "jmp $", "jump", -2],
  ["74 7f", "je", "branch", 0x7f],
  ["3e 75 80", "jne, predicted taken", "branch", -0x80],
  ["0f 84 00 10 00 00", "je", "branch", 0x1000],
  ["e2 00", "loop", "branch", 0],
  ["e3 05", "jrcxz", "branch", 5],
  ["67 e3 05", "jecxz", "branch", 5],
  ["ff d0", "call rax", "indirect-call"],
  ["41 ff 54 c4 08", "call [r12 + rax * 8 + 8]", "indirect-call"],
  ["3e ff e0", "notrack jmp rax", "indirect-jump"],
  ["ff 25 00 00 00 00", "jmp [rip]", "indirect-jump"],
  ["c3", "ret", "return"],
  ["f3 c3", "rep ret", "return"],
  ["f2 c3", "bnd ret", "return"],
  ["c2 08 00", "ret 8", "return"],
  ["0f 05", "syscall", "system-call"],
];

for (const [hex, assembly, flow, distance] of FLOWS) {
  Deno.test(`decode() gives the flow of ${assembly}`, () => {
    const instruction = decodeHex(hex);
    assertEquals(instruction.flow, flow);
    assertEquals(instruction.refusal, undefined);
    const target = distance === undefined ? undefined : toAddress(ADDRESS + instruction.length + distance);
    assertEquals(instruction.target, target);
  });
}

/** Instructions that cannot be traced, with a part of the reason. */
const REFUSALS: readonly (readonly [hex: string, assembly: string, flow: Flow, reason: string])[] = [
  ["cc", "int3", "other", "int3, which debuggers use"],
  ["cd 80", "int 0x80", "other", "software interrupt"],
  ["f1", "int1", "other", "int1, which debuggers use"],
  ["48 cf", "iretq", "other", "iret"],
  ["cb", "retf", "other", "far"],
  ["ca 08 00", "retf 8", "other", "far"],
  ["ff 18", "call far [rax]", "other", "far"],
  ["48 ff 28", "jmp far [rax]", "other", "far"],
  ["0f 34", "sysenter", "other", "sysenter"],
  ["0f 35", "sysexit", "other", "sysexit"],
  ["48 0f 07", "sysretq", "other", "sysret"],
  ["c7 f8 10 00 00 00", "xbegin", "other", "transaction"],
  ["f3 0f 01 ec", "uiret", "other", "uiret"],
  ["f2 0f 01 ca", "erets", "other", "eret"],
  ["0f 01 d7", "enclu", "other", "enclave"],
  ["66 e8 00 00 00 00", "call with 66", "call", "AMD and Intel"],
  ["66 e9 00 00 00 00", "jmp with 66", "jump", "AMD and Intel"],
  ["66 eb 00", "jmp with 66", "jump", "AMD and Intel"],
  ["66 0f 85 00 00 00 00", "jne with 66", "branch", "AMD and Intel"],
  ["66 74 00", "je with 66", "branch", "AMD and Intel"],
  ["66 c3", "ret with 66", "return", "AMD and Intel"],
  ["66 c2 08 00", "ret 8 with 66", "return", "AMD and Intel"],
  ["66 ff d0", "call ax", "indirect-call", "AMD and Intel"],
  ["66 ff 20", "jmp word [rax]", "indirect-jump", "AMD and Intel"],
];

for (const [hex, assembly, flow, reason] of REFUSALS) {
  Deno.test(`decode() refuses ${assembly} (${hex})`, () => {
    const instruction = decodeHex(hex);
    assertEquals(instruction.flow, flow);
    assertStringIncludes(instruction.refusal ?? "", reason);
  });
}

/** Bytes that are no instruction, with what they would be. */
const MISSING: readonly (readonly [hex: string, what: string])[] = [
  ["06", "push es"],
  ["ce", "into"],
  ["9a 00 00 00 00 00 00", "call far immediate"],
  ["ea 00 00 00 00 00 00", "jmp far immediate"],
  ["82 c0 00", "group 1, the copy of 80"],
  ["d6", "salc"],
  ["ff f8", "group 5, /7"],
  ["ff d8", "call far with a register"],
  ["8d c0", "lea with a register"],
  ["8f c8 00", "pop, /1"],
  ["0f 0a", "opcode 0a of map 1"],
  ["f3 0f 54 c0", "andps with F3"],
  ["0f 0f c0 00", "3DNow! 00"],
  ["66 c5 f8 77", "VEX behind 66"],
  ["f3 c5 f8 77", "VEX behind F3"],
  ["48 c5 f8 77", "VEX behind REX"],
  ["f0 62 f1 7c 48 58 c0", "EVEX behind lock"],
  ["c4 e0 78 77", "VEX map 0"],
  ["c4 e9 78 77", "VEX map 9"],
  ["8f eb 78 00 c0", "XOP map 11"],
  ["62 f0 7c 48 58 c0", "EVEX map 0"],
  ["48 d5 00 90", "REX2 behind REX"],
  ["d5 00 74 00", "je with REX2"],
  ["d5 00 e8 00 00 00 00", "call with REX2"],
  ["d5 80 84 00 00 00 00", "je in map 1 with REX2"],
  ["66 d5 00 a1 00 00 00 00 00 00 00 00", "jmpabs with 66"],
  ["d5 08 a1 00 00 00 00 00 00 00 00", "jmpabs with W"],
  ["d5 80 0f c0 0d", "3DNow! with REX2"],
  ["d5 00 0f 1f 00", "an escape behind REX2"],
  ["66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", "an instruction of 16 bytes"],
  ["66 66 66 66 66 66 66 66 66 66 66 66 66 66 66", "nothing but prefixes"],
];

for (const [hex, what] of MISSING) {
  Deno.test(`decode() finds no instruction in ${what}`, () => {
    assertEquals(decode(toBytes(`${hex} 90 90 90 90`), 0, ADDRESS), undefined);
  });
}

/** What iced does not know or does not tell: fields of instructions that are checked one by one. */
const FIELDS: readonly (readonly [hex: string, assembly: string, fields: Partial<X86Instruction>])[] = [
  ["48 8b 05 10 00 00 00", "mov rax, [rip + 16]", {
    ...{ ripRelative: true, displacement: 16, displacementOffset: 3, displacementBytes: 4, wrxb: 8, rex: true },
    ...{ encoding: "legacy", map: 0, opcode: 0x8b, opcodeOffset: 1, modrm: 5, modrmOffset: 2, sib: -1, vvvv: -1 },
  }],
  ["67 8b 05 f0 ff ff ff", "mov eax, [eip - 16]", {
    ...{ ripRelative: true, displacement: -16, displacementOffset: 3, prefixes: PREFIX.ADDRESS_SIZE },
  }],
  ["c7 05 10 00 00 00 fe ff ff ff", "mov dword [rip + 16], -2", {
    ...{ ripRelative: true, displacementOffset: 2, immediate: -2, immediateOffset: 6, immediateBytes: 4 },
  }],
  ["64 48 8b 04 25 28 00 00 00", "mov rax, fs:[40]", {
    ...{ ripRelative: false, sib: 0x25, displacement: 40, displacementOffset: 5, prefixes: PREFIX.FS },
  }],
  ["48 b8 08 07 06 05 04 03 00 00", "movabs rax, 0x30405060708", {
    ...{ immediate: 0x304_0506_0708, immediateOffset: 2, immediateBytes: 8, modrm: -1, modrmOffset: -1 },
  }],
  ["48 b8 ff ff ff ff ff ff ff ff", "movabs rax, -1", { immediate: -1, immediateBytes: 8 }],
  ["66 b8 34 12", "mov ax, 0x1234", { immediate: 0x1234, immediateBytes: 2 }],
  ["a1 08 07 06 05 04 03 00 00", "movabs eax, [0x30405060708]", {
    ...{ displacement: 0x304_0506_0708, displacementOffset: 1, displacementBytes: 8, immediateBytes: 0, flow: "next" },
  }],
  ["67 a1 08 07 06 05", "mov eax, [0x5060708]", { displacement: 0x506_0708, displacementBytes: 4 }],
  ["c8 10 00 01", "enter 16, 1", { immediate: 16, immediateOffset: 1, immediateBytes: 3 }],
  ["66 0f 78 c0 10 08", "extrq xmm0, 16, 8", { immediate: 16, immediateOffset: 4, immediateBytes: 2 }],
  ["f2 0f 78 c1 10 08", "insertq xmm0, xmm1, 16, 8", { immediateBytes: 2 }],
  ["f6 c0 80", "test al, -128", { immediate: -128, immediateBytes: 1 }],
  ["f6 d0", "not al", { immediate: 0, immediateOffset: -1, immediateBytes: 0 }],
  ["66 f7 c0 34 12", "test ax, 0x1234", { immediateBytes: 2 }],
  ["48 66 90", "a REX prefix that does not count", { rex: false, wrxb: 0, prefixes: PREFIX.OPERAND_SIZE }],
  ["0f 20 05", "mov rbp, cr0, whose mod is not looked at", { modrm: 5, ripRelative: false, displacementOffset: -1 }],
  ["f2 f3 66 0f 10 c0", "movss, by the last prefix", { map: 1, opcode: 0x10 }],
  ["0f 0f 05 10 00 00 00 b4", "pfmul mm0, [rip + 16]", {
    ...{ map: 15, opcode: 0xb4, opcodeOffset: 7, ripRelative: true, displacementOffset: 3, immediateBytes: 0 },
  }],
  ["c5 f8 28 05 10 00 00 00", "vmovaps xmm0, [rip + 16]", {
    ...{ encoding: "vex", map: 1, opcode: 0x28, opcodeOffset: 2, vvvv: 0, ripRelative: true, displacementOffset: 4 },
  }],
  ["c4 42 b1 f7 c7", "shlx r8, r15, r9", { encoding: "vex", map: 2, wrxb: 13, vvvv: 9, rex: false }],
  ["8f ea 78 10 c0 01 02 03 04", "bextr eax, eax, 0x4030201", { encoding: "xop", map: 10, immediateBytes: 4 }],
  ["8f c0", "pop rax", { encoding: "legacy", map: 0 }],
  ["62 61 7c 40 58 7c 88 01", "vaddps zmm31, zmm16, [rax + rcx * 4 + 64]", {
    ...{ encoding: "evex", map: 1, vvvv: 16, wrxb: 4, rxb4: 4, displacement: 1, displacementBytes: 1, sib: 0x88 },
  }],
  ["d5 19 89 c0", "mov r24, rax", { encoding: "rex2", map: 0, wrxb: 9, rxb4: 1, rex: true }],
  ["d5 c5 b6 07", "movzx r20d, byte [r15]", { encoding: "rex2", map: 1, opcode: 0xb6, wrxb: 5, rxb4: 4 }],
  ["d5 18 50", "pushp r16", { encoding: "rex2", opcode: 0x50, flow: "next" }],
  ["d5 18 8f c0", "popp r16", { encoding: "rex2", map: 0, opcode: 0x8f }],
  ["d5 00 a1 00 10 40 00 00 00 00 00", "jmpabs 0x401000", {
    ...{ encoding: "rex2", flow: "jump", target: ADDRESS, immediateOffset: 3, immediateBytes: 8 },
  }],
  ["62 f4 7c 18 01 c3", "add eax, ebx, eax (APX)", { encoding: "evex", map: 4, opcode: 1, vvvv: 0 }],
  ["62 fc 7d 08 81 00 34 12", "add word [r16], 0x1234 (APX)", { map: 4, rxb4: 1, immediateBytes: 2 }],
  ["62 f4 7d 08 81 05 00 00 00 00 34 12", "add word [rip], 0x1234 (APX)", { ripRelative: true, immediateBytes: 2 }],
  ["62 f4 fc 08 f7 c0 01 02 03 04", "ctest rax, 0x4030201 (APX)", { immediateBytes: 4 }],
  ["62 f4 7c 18 8f c0", "pop2 (APX)", { map: 4, opcode: 0x8f, vvvv: 0 }],
  ["c4 e7 7b f8 c0 01 02 03 04", "urdmsr rax, 0x4030201", { encoding: "vex", map: 7, immediateBytes: 4 }],
];

for (const [hex, assembly, fields] of FIELDS) {
  Deno.test(`decode() gives the fields of ${assembly}`, () => {
    const instruction = decodeHex(hex);
    assertEquals(
      Object.fromEntries(Object.keys(fields).map((name) => [name, instruction[name as keyof X86Instruction]])),
      { ...fields },
    );
  });
}

Deno.test("decode() gives no target that is no address", () => {
  assertEquals(decodeHex("e8 00 00 00 80", toAddress(0x1000)).target, undefined);
  assertEquals(decodeHex("d5 00 a1 00 00 00 00 00 00 00 80").target, undefined);
  assertEquals(decodeHex("eb 00", toAddress(Number.MAX_SAFE_INTEGER - 1)).target, undefined);
});

Deno.test("decode() finds no instruction in bytes that end too early, wherever they are cut", () => {
  for (const [hex] of [...FLOWS, ...REFUSALS, ...FIELDS]) {
    const code = toBytes(hex);
    for (let length = 0; length < code.length; length++) {
      assertEquals(decode(code.subarray(0, length), 0, ADDRESS), undefined, `${hex} cut to ${length}`);
    }
  }
});

Deno.test("decode() looks at nothing but the instruction's own bytes", () => {
  const random = new Random(7);
  for (let round = 0; round < 50_000; round++) {
    const code = random.bytes(24);
    const instruction = decode(code, 4, ADDRESS);
    if (instruction === undefined) continue;
    const end = 4 + instruction.length;
    assertEquals(decode(code.slice(4, end), 0, ADDRESS), instruction);
    assertEquals(decode(code.slice(4, end - 1), 0, ADDRESS), undefined);
  }
});

Deno.test("decode() takes any bytes and offsets without throwing", () => {
  const random = new Random(8);
  for (let round = 0; round < 200_000; round++) {
    const code = random.bytes(random.below(17));
    for (const offset of [0, code.length - 1, code.length, code.length + 1]) {
      if (offset < 0) continue;
      const instruction = decode(code, offset, ADDRESS);
      if (instruction !== undefined) assertGreaterOrEqual(code.length, offset + instruction.length);
    }
  }
});
