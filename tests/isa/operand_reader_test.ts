/** Values of operands on an invented thread. */

import { assert, assertEquals } from "@std/assert";
import type { WordMemory } from "../../lib/isa/isa.ts";
import { compileOperand } from "../../lib/isa/operand_reader.ts";
import { AARCH64 } from "../../lib/isa/aarch64/architecture.ts";
import { X86_64 } from "../../lib/isa/x86_64/architecture.ts";
import { parseOperands } from "../../lib/object/stap_operands.ts";
import type { Operand } from "../../lib/operand.ts";

const PAGE = 0x7000;
/** The bytes 0x80, 0x81, ... 0xff, 0x00, ... of one page; nothing else is mapped. */
const memory: WordMemory = {
  readWord(address, into) {
    if (address < PAGE || address + 8 > PAGE + 4096) return false;
    for (const half of [0, 1]) {
      const bytes = [3, 2, 1, 0].map((byte) => (0x80 + address - PAGE + 4 * half + byte) & 0xff);
      into[half] = bytes.reduce((value, byte) => value * 256 + byte, 0);
    }
    return true;
  },
  writeWord: () => false,
};

function makeRegisters(values: Readonly<Record<string, bigint>>): Uint32Array {
  const registers = new Uint32Array(54);
  for (const [name, value] of Object.entries(values)) {
    const register = X86_64.registers.named(name);
    const index = register?.kind === "general" ? register.index : X86_64.registers.segmentBase(name as "fs" | "gs")!;
    registers[index] = Number(value & 0xffffffffn);
    registers[index + 1] = Number(BigInt.asUintN(64, value) >> 32n);
  }
  return registers;
}

const registers = makeRegisters({
  rax: 0x8877_6655_4433_f2a1n,
  rbx: 0x7000n,
  rcx: -2n,
  rdi: 0x1_0000_0010n,
  r9: 0xffff_ffff_8000_0000n,
  fs: 0x7100n,
  rsp: 0x7ffcn,
});

/** Fetches what an operand says, as a signed number; or says why not. */
function read(operand: Operand, bias = 0): bigint | string {
  const reader = compileOperand(operand, X86_64.registers, bias);
  if (typeof reader === "string") return reader;
  const into = new Uint32Array([1, 2]);
  const readVector = (number: number, halves: Uint32Array) => {
    halves.set([number, 0x40000000]);
    return number !== 7;
  };
  const done = reader.read({ registers, memory, readVector }, into);
  if (!done) assertEquals([...into], [0, 0]);
  return done ? BigInt.asIntN(64, (BigInt(into[1]!) << 32n) | BigInt(into[0]!)) : "unreadable";
}

/** Fetches operands written for x86-64. */
function readText(text: string): (bigint | string)[] {
  return parseOperands(text, { machine: 62, bits: 64 }).map((operand) => read(operand));
}

Deno.test("compileOperand() reads registers by the size in front of them, extended by their sign", () => {
  assertEquals(readText("8@%rax -8@%rax"), [BigInt.asIntN(64, 0x8877_6655_4433_f2a1n), -0x7788_99aa_bbcc_0d5fn]);
  assertEquals(readText("4@%eax -4@%eax"), [0x4433_f2a1n, 0x4433_f2a1n]);
  assertEquals(readText("2@%ax -2@%ax"), [0xf2a1n, -0xd5fn]);
  assertEquals(readText("1@%al -1@%al 1@%ah -1@%ah"), [0xa1n, -0x5fn, 0xf2n, -0xen]);
  assertEquals(readText("-1@%eax 8@%ebx -4@%r9d 4@%r9d"), [-0x5fn, 0x7000n, -0x8000_0000n, 0x8000_0000n]);
  assertEquals(readText("8@%rip 4@%ecx 1@%dil 2@%r9w"), [0n, 0xffff_fffen, 0x10n, 0n]);
});

Deno.test("compileOperand() reads constants of their size", () => {
  assertEquals(readText("-4@$5 -4@$-3 4@$-3 -1@$255"), [5n, -3n, 0xffff_fffdn, -1n]);
  assertEquals(readText("8@$1311768467463790320 -8@$-1"), [0x123456789abcdef0n, -1n]);
});

Deno.test("compileOperand() reads memory at every alignment", () => {
  for (let offset = 0; offset < 16; offset++) {
    const low = BigInt(0x80 + offset);
    const word = Array.from({ length: 8 }, (_, i) => (low + BigInt(i)) << BigInt(8 * i)).reduce((a, b) => a | b);
    assertEquals(
      readText(`1@${offset}(%rbx) 2@${offset}(%rbx) -4@${offset}(%rbx) 8@${offset}(%rbx)`),
      [low, word & 0xffffn, BigInt.asIntN(32, word), BigInt.asIntN(64, word)],
    );
  }
});

Deno.test("compileOperand() adds base, index, displacement and segment modulo 2^64", () => {
  assertEquals(readText("1@2(%rbx,%rcx)"), [0x80n]);
  assertEquals(readText("1@16(%rbx,%rcx,8)"), [0x80n]);
  assertEquals(readText("1@%fs:-8 1@%fs:-0x100(%rcx)"), [0x78n, "unreadable"]);
  assertEquals(readText("1@%fs:(%rcx)"), [0x7en]);
  assertEquals(readText("1@0x7000(%edi) 1@0x7000(%rdi)"), [0x90n, "unreadable"]);
});

Deno.test("compileOperand() reads the last bytes of a page, and nothing behind it", () => {
  assertEquals(readText("4@(%rsp) 1@3(%rsp) 2@3(%rsp) 8@(%rsp)"), [
    0x7f7e7d7cn,
    0x7fn,
    "unreadable",
    "unreadable",
  ]);
  assertEquals(readText("8@-1(%rax) 8@(%rcx)"), ["unreadable", "unreadable"]);
});

Deno.test("compileOperand() moves addresses in the module with it", () => {
  const operand = (place: Operand["place"]): Operand => ({
    text: "",
    sizeBytes: 8,
    signed: false,
    float: false,
    place,
  });
  const bias = 0x5555_0000_6000;
  assertEquals(read(operand({ kind: "constant", lo: 0xffff_f000, hi: 1, inModule: true }), bias), 0x5557_0000_5000n);
  const moved = { ...operand({ kind: "memory", scale: 1, displacement: 0x1000, inModule: true }), sizeBytes: 1 };
  assertEquals(read(moved, 0x6000), 0x80n);
  assertEquals(read(operand({ kind: "memory", scale: 1, displacement: 0x1000 }), 0x6000), "unreadable");
});

Deno.test("compileOperand() reads vector registers where the caller can, and leaves floats as they are", () => {
  assertEquals(readText("8f@%xmm3 -8f@%xmm7 4f@%xmm3"), [0x4000_0000_0000_0003n, "unreadable", 3n]);
  const [operand] = parseOperands("8f@%xmm3", { machine: 62, bits: 64 });
  const reader = compileOperand(operand!, X86_64.registers, 0);
  assert(typeof reader !== "string");
  assertEquals(reader.read({ registers, memory }, new Uint32Array(2)), false);
});

Deno.test("compileOperand() says why an operand has no value", () => {
  assertEquals(readText("8@%r16 8@(%foo) 8@(%rax,%xmm1) 8@%st(1) 8@%xmm16"), [
    'there is no register "r16"',
    'there is no register "foo"',
    'there is no register "xmm1"',
    'there is no register "st(1)"',
    'there is no register "xmm16"',
  ]);
  assertEquals(readText("8@sym(%rip) 8@$sym 8@?"), [
    'its symbol "sym" has not been resolved',
    'its symbol "sym" has not been resolved',
    "it is not understood",
  ]);
});

Deno.test("compileOperand() reads registers and memory of aarch64", () => {
  const arm = new Uint32Array(68);
  arm.set([0x4433_f2a1, 0x8877_6655], 2 * 1);
  arm.set([0x7008, 0], 2 * 19);
  arm.set([0xffff_fffe, 0xffff_ffff], 2 * 2);
  arm.set([0x7010, 0], 2 * 31);
  const texts = ["8@x1", "-4@w1", "8@xzr", "1@[x19]", "1@[sp, 4]", "1@[x19, w2, sxtw 1]", "8f@d3", "4@[sp, 4088]"];
  const values = texts.map((text) => {
    const [operand] = parseOperands(text, { machine: 183, bits: 64 });
    const reader = compileOperand(operand!, AARCH64.registers, 0);
    assert(typeof reader !== "string", text);
    const into = new Uint32Array(2);
    const readVector = (number: number, halves: Uint32Array) => (halves.set([number, 1]), true);
    return reader.read({ registers: arm, memory, readVector }, into) ? [...into] : "unreadable";
  });
  assertEquals(values, [
    [0x4433_f2a1, 0x8877_6655],
    [0x4433_f2a1, 0],
    [0, 0],
    [0x88, 0],
    [0x94, 0],
    [0x84, 0],
    [3, 1],
    "unreadable",
  ]);
});

Deno.test("named() knows every name of every general register", () => {
  const names = (wide: string, rest: string) => [wide, ...rest.split(" ")];
  const groups = [
    ...["a", "b", "c", "d"].map((x) => names(`r${x}x`, `e${x}x ${x}x ${x}l ${x}h`)),
    ...["si", "di", "bp", "sp"].map((x) => names(`r${x}`, `e${x} ${x} ${x}l`)),
    ...[8, 9, 10, 11, 12, 13, 14, 15].map((x) => names(`r${x}`, `r${x}d r${x}w r${x}b r${x}l`)),
  ];
  const indices = new Set<number>();
  for (const [wide, ...parts] of groups) {
    const register = X86_64.registers.named(wide!);
    assert(register?.kind === "general" && register.bytes === 8);
    indices.add(register.index);
    for (const part of parts) {
      const found = X86_64.registers.named(part);
      assert(found?.kind === "general" && found.index === register.index, part);
      const bytes = /[hlb]$/.test(part) ? 1 : /^e|d$/.test(part) ? 4 : 2;
      assertEquals([part, found.bytes, found.isHighByte], [part, bytes, part.endsWith("h")]);
    }
  }
  assertEquals(indices.size, 16);
  for (const name of ["", "x", "rsx", "eal", "r7", "r16", "sih", "rr8", "r08", "__proto__", "rconstructorax"]) {
    assertEquals(X86_64.registers.named(name), undefined, name);
  }
});
