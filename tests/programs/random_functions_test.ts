/**
 * Functions of random instructions, all of which are probed at once: their results and how often each instruction was hit are the
 * same, whichever way hits are performed.
 */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../isa/x86_64/random.ts";
import { rounds } from "../support.ts";
import { runBoth, testWith, Workshop } from "./real_program.ts";

const FUNCTIONS = 24;
const LEAVES = 4;
const INSTRUCTIONS = 50;
/** How often the program calls each function. */
const CALLS = 8;
const SEEDS = rounds(4, 60);
const EVERYTHING = { functions: "pid$target:a.out:f[0-9]*:", leaves: "pid$target:a.out:leaf[0-9]*:" };

/** The registers that instructions use, by their names for 8, 4, 2 and 1 bytes; rdi has the state, r11 counts rounds of loops. */
const REGISTERS: readonly (readonly string[])[] = [
  ["rax", "eax", "ax", "al"],
  ["rcx", "ecx", "cx", "cl"],
  ["rdx", "edx", "dx", "dl"],
  ["rsi", "esi", "si", "sil"],
  ...[8, 9, 10].map((number) => [`r${number}`, `r${number}d`, `r${number}w`, `r${number}b`]),
];
const SUFFIXES = ["q", "l", "w", "b"];
const CONDITIONS = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "l", "ge", "le", "g"];
/** Slots of the red zone that no push or call reaches, as the functions have them. */
const RED_ZONE = [-40, -64, -88, -120];

/** Writes random functions. */
class FunctionWriter {
  readonly #random: Random;
  readonly #lines: string[] = [];
  /** Labels that are still to come, and behind how many instructions. */
  readonly #labels: { readonly name: string; left: number }[] = [];
  #labelsTotal = 0;
  /** Whether all flags that conditions read are defined (Intel SDM vol. 1, appendix A). */
  #hasFlags = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A function that gets the state, changes the registers, and writes them back. */
  write(name: string): string {
    this.#lines.length = 0;
    this.#hasFlags = false;
    REGISTERS.forEach(([register], index) => this.#lines.push(`mov ${8 * index}(%rdi), %${register}`));
    for (const slot of RED_ZONE) this.#lines.push(`mov %rax, ${slot}(%rsp)`);
    for (let left = INSTRUCTIONS; left > 0; left--) this.#step(true);
    while (this.#labels.length > 0) this.#endLabels(Infinity);
    REGISTERS.forEach(([register], index) => this.#lines.push(`mov %${register}, ${8 * index}(%rdi)`));
    return functionOf(name, [...this.#lines, "ret"]);
  }

  /** A short function that touches no stack. */
  writeLeaf(name: string): string {
    this.#lines.length = 0;
    this.#hasFlags = false;
    for (let left = 1 + this.#random.below(5); left > 0; left--) this.#plain();
    return functionOf(name, [...this.#lines, "ret"]);
  }

  #step(mayLoop: boolean): void {
    this.#endLabels(1);
    const kind = this.#random.below(20);
    if (kind < 13) this.#plain();
    else if (kind < 15) this.#branch();
    else if (kind < 16) this.#call();
    else if (kind < 18) this.#stack();
    else if (mayLoop) this.#loop();
  }

  #plain(): void {
    const size = this.#random.below(4);
    const [from, to] = [this.#register(size), this.#register(size)];
    const suffix = SUFFIXES[size]!;
    const immediate = this.#random.below(2) === 0 ? this.#random.below(128) : this.#random.below(2 ** 31);
    const small = size === 3 ? immediate & 127 : size === 2 ? immediate & 0x7fff : immediate;
    const wide = this.#register(0);
    const makes = (text: string, hasFlags: boolean) => () => {
      this.#lines.push(text);
      this.#hasFlags = hasFlags;
    };
    const keeps = (text: string) => () => void this.#lines.push(text);
    const reads = (text: string, hasFlags?: boolean) => () => {
      this.#defineFlags();
      this.#lines.push(text);
      if (hasFlags !== undefined) this.#hasFlags = hasFlags;
    };
    const ways = [
      ...["add", "sub", "and", "or", "xor", "cmp", "test"].map((name) =>
        makes(`${name}${suffix} %${from}, %${to}`, true)
      ),
      ...["add", "sub", "xor", "cmp"].map((name) => makes(`${name}${suffix} $${small}, %${to}`, true)),
      ...["adc", "sbb"].map((name) => reads(`${name}${suffix} %${from}, %${to}`, true)),
      ...["inc", "dec"].map((name) => reads(`${name}${suffix} %${to}`, true)),
      makes(`neg${suffix} %${to}`, true),
      keeps(`not${suffix} %${to}`),
      keeps(`mov${suffix} %${from}, %${to}`),
      keeps(`mov${suffix} $${small}, %${to}`),
      keeps(`lea ${immediate & 127}(%${wide},%${this.#register(0)},4), %${this.#register(0)}`),
      keeps(`mov constant+${8 * this.#random.below(4)}(%rip), %${wide}`),
      keeps(`mov ${8 * this.#random.below(REGISTERS.length)}(%rdi), %${wide}`),
      keeps(`mov %${wide}, ${8 * this.#random.below(REGISTERS.length)}(%rdi)`),
      keeps(`movzbl %${this.#register(3)}, %${this.#register(1)}`),
      keeps(`movswq %${this.#register(2)}, %${wide}`),
      keeps(`bswap %${wide}`),
      keeps(`xchg %${wide}, %${this.#register(0)}`),
      makes(`shl $${this.#random.below(31)}, %${wide}`, false),
      makes(`ror $${this.#random.below(31)}, %${this.#register(1)}`, false),
      makes(`sar %cl, %${wide}`, false),
      makes(`imul %${wide}, %${this.#register(0)}`, false),
      makes(`lock xadd %${wide}, 16(%rdi)`, true),
      keeps(`movq %${wide}, %xmm1; paddq %xmm1, %xmm1; movq %xmm1, %${this.#register(0)}`),
      keeps(["nop", "nopw 0(%rax)", "nopl 512(%rax,%rax,1)", "endbr64"][this.#random.below(4)]!),
      reads(`set${this.#condition()} %${this.#register(3)}`),
      reads(`cmov${this.#condition()} %${wide}, %${this.#register(0)}`),
    ];
    ways[this.#random.below(ways.length)]!();
  }

  /** A branch forward, over some of the next instructions. */
  #branch(): void {
    const name = `${++this.#labelsTotal}`;
    const isAlways = this.#random.below(4) === 0;
    if (!isAlways) this.#defineFlags();
    this.#lines.push(`${isAlways ? "jmp" : `j${this.#condition()}`} .Lat${name}`);
    this.#labels.push({ name, left: 1 + this.#random.below(4) });
  }

  /** A call of a leaf, whose address does not stay in a register. */
  #call(): void {
    const leaf = `leaf${this.#random.below(LEAVES)}`;
    if (this.#random.below(2) === 0) this.#lines.push(`call ${leaf}`);
    else this.#lines.push(`lea ${leaf}(%rip), %r11`, "call *%r11", "xor %r11d, %r11d");
    this.#hasFlags = false;
  }

  #stack(): void {
    const slot = RED_ZONE[this.#random.below(RED_ZONE.length)]!;
    const [from, to] = [this.#register(0), this.#register(0)];
    const ways = [
      [`push %${from}`, `pop %${to}`],
      [`push %${from}`, `push %${to}`, `pop %${from}`, `pop %${to}`],
      [`mov %${from}, ${slot}(%rsp)`],
      [`mov ${slot}(%rsp), %${to}`],
    ];
    this.#lines.push(...ways[this.#random.below(ways.length)]!);
  }

  /** A loop of few instructions, which branches stay inside of. */
  #loop(): void {
    while (this.#labels.length > 0) this.#endLabels(Infinity);
    const name = `${++this.#labelsTotal}`;
    this.#lines.push(`mov $${1 + this.#random.below(4)}, %r11d`, `.Lat${name}:`);
    this.#hasFlags = false;
    for (let left = 1 + this.#random.below(3); left > 0; left--) this.#plain();
    this.#lines.push("dec %r11d", `jnz .Lat${name}`);
    this.#hasFlags = false;
  }

  #endLabels(steps: number): void {
    for (const label of this.#labels) label.left -= steps;
    for (const { name } of this.#labels.filter(({ left }) => left <= 0)) {
      this.#lines.push(`.Lat${name}:`);
      this.#hasFlags = false;
    }
    this.#labels.splice(0, this.#labels.length, ...this.#labels.filter(({ left }) => left > 0));
  }

  #defineFlags(): void {
    if (!this.#hasFlags) this.#lines.push(`cmp %${this.#register(0)}, %${this.#register(0)}`);
    this.#hasFlags = true;
  }

  #register(size: number): string {
    return REGISTERS[this.#random.below(REGISTERS.length)]![size]!;
  }

  #condition(): string {
    return CONDITIONS[this.#random.below(CONDITIONS.length)]!;
  }
}

function functionOf(name: string, lines: readonly string[]): string {
  const body = lines.map((line) => `  ${line}\n`).join("");
  return `.p2align 4\n.type ${name}, @function\n${name}:\n${body}.size ${name}, . - ${name}\n`;
}

/** A program that calls random functions in turn, and prints what they have made of the state. */
function source(seed: number): string {
  const writer = new FunctionWriter(new Random(seed));
  const names = Array.from({ length: FUNCTIONS }, (_, index) => `f${index}`);
  const leaves = Array.from({ length: LEAVES }, (_, index) => writer.writeLeaf(`leaf${index}`));
  const functions = names.map((name) => writer.write(name));
  const calls = names.map((name) => `  lea state(%rip), %rdi\n  call ${name}\n`).join("");
  const prints = REGISTERS.map((_, index) =>
    `  mov state+${8 * index}(%rip), %rsi\n  lea text(%rip), %rdi\n  xor %eax, %eax\n  call printf@PLT\n`
  );
  return `.text
.globl main
${
    functionOf("main", [
      `push %rbx\n  mov $${CALLS}, %ebx\n1:\n${calls}  dec %ebx\n  jnz 1b\n${prints.join("")}  pop %rbx`,
      "xor %eax, %eax",
      "ret",
    ])
  }
${leaves.join("")}${functions.join("")}
.data
.p2align 4
constant: .quad 1, 0x123456789abcdef0, -1, 0x8000000000000000
state: .quad 3, 0x7fffffffffffffff, 5, 0xfedcba9876543210, 1, 0, 0x80000000
text: .asciz "%016lx\\n"
.section .note.GNU-stack, "", @progbits
`;
}

for (let seed = 1; seed <= SEEDS; seed++) {
  testWith(
    ["cc"],
    `Session has all instructions of random functions hit as often by jumps as by traps, seed ${seed}`,
    async () => {
      using workshop = new Workshop();
      const program = `${workshop.path}/random`;
      const args = ["-o", program, workshop.write("random.s", source(seed))];
      const { success, stderr } = new Deno.Command("cc", { args }).outputSync();
      assertEquals(success, true, new TextDecoder().decode(stderr));
      const stopped = await runBoth([program], EVERYTHING);
      const counted = await runBoth([program], EVERYTHING, { count: true });
      const recorded = await runBoth([program], EVERYTHING, { recorders: {} });
      const jumps = [...counted.ways.values()].filter((reason) => reason === undefined).length;
      assert(stopped.counts.size > 1000 && jumps > 0.8 * counted.ways.size, `${jumps} jumps of ${counted.ways.size}`);
      assertEquals([...counted.counts].sort(), [...stopped.counts].sort());
      assertEquals([...recorded.counts].sort(), [...stopped.counts].sort());
    },
  );
}
