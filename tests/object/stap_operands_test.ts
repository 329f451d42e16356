/** Operands of static probes: every form that compilers have been seen to write, and what is none. */

import { assert, assertEquals } from "@std/assert";
import { EM_386, EM_AARCH64, EM_X86_64 } from "../../lib/object/elf_constants.ts";
import { MAX_OPERANDS, parseOperands } from "../../lib/object/stap_operands.ts";
import { type Operand, type OperandPlace, operandType } from "../../lib/operand.ts";

const X86_64 = { machine: EM_X86_64, bits: 64 } as const;
const I386 = { machine: EM_386, bits: 32 } as const;
const ARM64 = { machine: EM_AARCH64, bits: 64 } as const;

/** The place of an operand in one line: `[fs:base+index*4-8+symbol]`, `%register`, `$hi:lo+symbol`, or the reason. */
function format(place: OperandPlace): string {
  if (place.kind === "unknown") return place.reason;
  if (place.kind === "register") return `%${place.register}`;
  const symbol = place.symbol === undefined ? "" : `+${place.symbol.name}/${place.symbol.part}`;
  if (place.kind === "constant") return `$${place.hi.toString(16)}:${place.lo.toString(16)}${symbol}`;
  const { segment, base = "", index, scale, signedIndex, displacement } = place;
  const scaled = index === undefined ? "" : `+${signedIndex ? "signed " : ""}${index}*${scale}`;
  const sign = displacement < 0 ? "" : "+";
  return `[${segment === undefined ? "" : `${segment}:`}${base}${scaled}${sign}${displacement}${symbol}]`;
}

/** The operands of a note in one line each: type and place. */
function parse(text: string, machine: { machine: number; bits: 32 | 64 }): string[] {
  return parseOperands(text, machine).map((operand: Operand) => `${operandType(operand)} ${format(operand.place)}`);
}

function assertRows(machine: { machine: number; bits: 32 | 64 }, rows: readonly [string, ...string[]][]): void {
  for (const [text, ...expected] of rows) assertEquals(parse(text, machine), expected, text);
}

Deno.test("parseOperands() understands what gcc and clang write for x86-64", () => {
  assertRows(X86_64, [
    [""],
    ["8@%rax", "uint64_t %rax"],
    ["-4@$5", "int32_t $0:5"],
    ["-4@$-3", "int32_t $ffffffff:fffffffd"],
    ["8@$1311768467463790320", "uint64_t $12345678:9abcdef0"],
    ["8@$0x7fffffffffffffff 1@$017", "uint64_t $7fffffff:ffffffff", "uint8_t $0:f"],
    ["8@-16(%rbp)", "uint64_t [rbp-16]"],
    ["-1@0(%r13,%rax)", "int8_t [r13+rax*1+0]"],
    ["4@(%rdi,%rax,4)", "uint32_t [rdi+rax*4+0]"],
    ["4@8(,%rax,8)", "uint32_t [+rax*8+8]"],
    ["1@%ah 2@%r10w -1@%dil", "uint8_t %ah", "uint16_t %r10w", "int8_t %dil"],
    ["-8f@%xmm0 4f@%esi 8f@%rax", "double %xmm0", "float %esi", "double %rax"],
    ["2@foo(%rip)", "uint16_t [+0+foo/address]"],
    ["8@sym+8(%rip)", "uint64_t [+8+sym/address]"],
    ["4@40+Sym(%rip) 4@-40+Sym(%rip)", "uint32_t [+40+Sym/address]", "uint32_t [-40+Sym/address]"],
    ["4@Sym-4(%rip)", "uint32_t [-4+Sym/address]"],
    ["-4@counter.0(%rip) 8@.LC0(%rip)", "int32_t [+0+counter.0/address]", "uint64_t [+0+.LC0/address]"],
    ["8@$60+sym 8@$sym", "uint64_t $0:3c+sym/address", "uint64_t $0:0+sym/address"],
    ["8@(sym+4)(%rip) 8@8+(4-2)(%rax)", "uint64_t [+4+sym/address]", "uint64_t [rax+10]"],
    ["8@foo@GOTPCREL(%rip)", "uint64_t $0:0+foo/address"],
    ["-4@%fs:tls@tpoff", "int32_t [fs:+0+tls/thread]"],
    ["4@%fs:tls@tpoff+4", "uint32_t [fs:+4+tls/thread]"],
    ["4@%fs:4+tls@tpoff(,%rax,4)", "uint32_t [fs:+rax*4+4+tls/thread]"],
    ["8@%fs:-8 8@%gs:40 8@%ds:(%rax)", "uint64_t [fs:-8]", "uint64_t [gs:+40]", "uint64_t [rax+0]"],
    ["4@global 4@table(,%rdx,4)", "uint32_t [+0+global/address]", "uint32_t [+rdx*4+0+table/address]"],
    ["4@4(%rsp,%riz)", "uint32_t [rsp+4]"],
    ["8@%rdi  -4@%esi\t8@%rdx ", "uint64_t %rdi", "int32_t %esi", "uint64_t %rdx"],
  ]);
});

Deno.test("parseOperands() understands what gcc writes for 32-bit x86", () => {
  assertRows(I386, [
    ["-4@40+Sym@GOTOFF(%ebx)", "int32_t [+40+Sym/address]"],
    ["-4@hidden@GOTOFF(%edx,%esi,4)", "int32_t [+esi*4+0+hidden/address]"],
    ["-1@text@GOTOFF(%ebx,%eax)", "int8_t [+eax*1+0+text/address]"],
    ["-1@text@GOTOFF(%eax,%ebx)", "int8_t [eax+0+text/address]"],
    ["-1@text@GOTOFF(%eax,%esi)", "int8_t either of its registers can be the one that the symbol is relative to"],
    ["4@foo@GOT(%ebx)", "uint32_t $0:0+foo/address"],
    ["-4@%gs:tls@ntpoff", "int32_t [gs:+0+tls/thread]"],
    ["-1@%ebx 2@%ebp", "int8_t %ebx", "uint16_t %ebp"],
    ["8@%ecx", "uint64_t half of it is in a register that is not named"],
    ["8f@%xmm1 8@-32(%ebp)", "double %xmm1", "uint64_t [ebp-32]"],
  ]);
});

Deno.test("parseOperands() understands what gcc writes for aarch64, whose operands hold blanks", () => {
  assertRows(ARM64, [
    ["8@x0 -4@w1 8@sp 8@xzr", "uint64_t %x0", "int32_t %w1", "uint64_t %sp", "uint64_t %xzr"],
    ["-4@[sp, 12] 8@[x0]", "int32_t [sp+12]", "uint64_t [x0+0]"],
    ["4@[x20, 12] -8@[x29,#-16]", "uint32_t [x20+12]", "int64_t [x29-16]"],
    ["1@[x4, x3] 8@[x0, x1, lsl 3]", "uint8_t [x4+x3*1+0]", "uint64_t [x0+x1*8+0]"],
    ["4@[x0, w1, sxtw 2] 4@[x0, w1, uxtw #2]", "uint32_t [x0+signed w1*4+0]", "uint32_t [x0+w1*4+0]"],
    ["-4@5 -4@-3 8@#7", "int32_t $0:5", "int32_t $ffffffff:fffffffd", "uint64_t $0:7"],
    ["8@sym+8 8@[x0, #:lo12:sym+4]", "uint64_t $0:8+sym/address", "uint64_t [x0+4+sym/low12]"],
    ["8f@d8 4f@s0 8f@x0", "double %d8", "float %s0", "double %x0"],
    ["8@[x0, 8]!", "uint64_t it is not understood"],
  ]);
});

Deno.test("parseOperands() keeps operands that it does not understand, with the reason", () => {
  assertRows(X86_64, [
    ["8@%rax 4@?? 8@%rbx", "uint64_t %rax", "uint32_t it is not understood", "uint64_t %rbx"],
    ["16@(%rax)", "unknown no integer has 16 bytes"],
    [
      "2f@%xmm0 10f@(%rax)",
      "unknown no floating-point number has 2 bytes",
      "unknown no floating-point number has 10 bytes",
    ],
    ["8@16(%rip)", "uint64_t it is relative to an instruction that is not there"],
    ["8@foo@GOTTPOFF(%rip)", 'uint64_t "@gottpoff" is not supported'],
    ["8@tls@tpoff(%rax)", "uint64_t its symbol is an offset in the thread's memory"],
    ["8@a+b(%rip)", "uint64_t it is not understood"],
    ["8@9223372036854775807(%rax)", "uint64_t its displacement is too large"],
    ["8@99999999999999999999(%rax)", "uint64_t it is not understood"],
    ["8@(%rax 8@", "uint64_t it is not understood", "uint64_t it is not understood"],
    ["8@-(4)(%rax) 8@)(", "uint64_t it is not understood", "uint64_t it is not understood"],
    ["8@$", "uint64_t it is not understood"],
    [
      "8@%rdix 8@%cr3 4@(%rex) 8@(%rax,%st)",
      ...["rdix", "cr3"].map((name) => `uint64_t there is no register "${name}"`),
      'uint32_t there is no register "rex"',
      'uint64_t there is no register "st"',
    ],
    ["8@QWORD PTR [rbp-8]", "uint64_t it is not understood"],
  ]);
  assertRows({ machine: 21, bits: 64 }, [["-4@28(31)", "int32_t operands of machine 21 are not understood"]]);
});

Deno.test("parseOperands() separates operands without sizes, as assembler probes have them, outside of brackets", () => {
  assertRows(X86_64, [["%eax 4(%rsi, %rdi) $3", "uint64_t %eax", "uint64_t it is not understood", "uint64_t $0:3"]]);
  assertRows(I386, [["%eax 4(%esi)", "uint32_t %eax", "uint32_t [esi+4]"]]);
  assertRows(ARM64, [["x0 [x1, 8] [x2]", "uint64_t %x0", "uint64_t [x1+8]", "uint64_t [x2+0]"]]);
});

Deno.test("parseOperands() is bounded and soon done, whatever the text is", () => {
  const start = performance.now();
  assertEquals(parse("1@%al ".repeat(100_000), X86_64).length, MAX_OPERANDS);
  assertEquals(parse("a ".repeat(100_000), X86_64).length, MAX_OPERANDS);
  for (const unit of [" ", "(", ")", "8@(", "+", "-", "1", "%a", "@", "8@$+", "a+", "[", "[x0,", "$1+", "8@%fs:"]) {
    for (const machine of [X86_64, I386, ARM64]) {
      parseOperands(unit.repeat(200_000), machine);
      parseOperands(`8@${unit.repeat(200_000)}`, machine);
    }
  }
  assert(performance.now() - start < 20_000, `it took ${performance.now() - start} ms`);
});
