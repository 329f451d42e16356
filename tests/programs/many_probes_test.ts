/** A program with 10,000 static probes, which the assembler makes. */

import { assertEquals } from "@std/assert";
import { run } from "../cli/command.ts";
import { runTraced, runUntraced, testWith, Workshop } from "./real_program.ts";

const PROBES = 10_000;

/** A program that calls 10,000 functions, each with a probe of its own and of the next function's semaphore. */
function source(): string {
  const functions = Array.from({ length: PROBES }, (_, i) => `
f${i}: mov $${i}, %ecx
  cmpw $0, sem${i}(%rip)
  je 1f
p${i}: nop
  incl hits(%rip)
1: ret
.type f${i}, @function
.size f${i}, . - f${i}
.pushsection .note.stapsdt, "", "note"
.balign 4
.long 8, 4f - 3f, 3
.asciz "stapsdt"
3: .quad p${i}, _.stapsdt.base, sem${i}
.asciz "many", "probe__${i}", "-4@%ecx 4@$${PROBES - i}"
4: .balign 4
.popsection
.pushsection .probes, "aw", "progbits"
sem${i}: .short 0
.popsection`);
  return `.text
.globl main
main: push %rbp
${Array.from({ length: PROBES }, (_, i) => `  call f${i}`).join("\n")}
  mov hits(%rip), %esi
  lea text(%rip), %rdi
  xor %eax, %eax
  call printf@PLT
  xor %eax, %eax
  pop %rbp
  ret
.type main, @function
.size main, . - main
${functions.join("")}
.pushsection .stapsdt.base, "a", "progbits"
_.stapsdt.base: .space 1
.popsection
.data
hits: .long 0
text: .asciz "%d listened to\\n"
.section .note.GNU-stack, "", @progbits
`;
}

testWith(["gcc"], "Session lists and enables 10,000 static probes of a program, which fire once each", async () => {
  using workshop = new Workshop();
  const assembler = workshop.write("many.s", source());
  const program = `${workshop.path}/many`;
  assertEquals(runUntraced(["gcc", "-o", program, assembler]), { status: 0, stdout: "", stderr: "" });
  const listed = await run(["usdt", "list", program]);
  assertEquals([listed.code, listed.stderr, listed.stdout.split("\n").length], [0, "", PROBES + 2]);
  assertEquals(listed.stdout.split("\n")[PROBES]?.trim().split(/ +/).slice(1), [
    ...["many", "many", `f${PROBES - 1}`, `probe-${PROBES - 1}(int32_t,`, "uint32_t)"],
  ]);
  const seen: number[] = [];
  const { hits, probes, unplaced, warnings, outcome } = await runTracedAll(program, seen);
  assertEquals([probes.all, hits.all, unplaced, warnings], [PROBES, PROBES, [], []]);
  assertEquals(outcome.stdout, `${PROBES} listened to\n`);
  assertEquals(runUntraced([program]).stdout, "0 listened to\n");
  assertEquals(seen, Array.from({ length: PROBES }, (_, i) => i * PROBES + PROBES - i));
});

function runTracedAll(program: string, seen: number[]) {
  return runTraced([program], { all: "many$target:::" }, {
    handlers: { all: (_session, hit) => void seen.push(hit.arg(0) * PROBES + hit.arg(1)) },
  });
}
