/**
 * What the emulation of an instruction costs, without the requests to the kernel around it. Each iteration performs
 * one instruction; the memory is a word in this process. The bytes that a mix of them leaves on the heap are printed
 * first: there must be none.
 *
 * @module
 */

import { toAddress } from "../lib/address.ts";
import type { WordMemory } from "../lib/isa/isa.ts";
import { decode } from "../lib/isa/x86_64/decode.ts";
import { displace } from "../lib/isa/x86_64/displace.ts";
import { emulate } from "../lib/isa/x86_64/emulate.ts";
import type { X86Instruction } from "../lib/isa/x86_64/instruction.ts";
import { EFLAGS, RSP } from "../lib/isa/x86_64/registers.ts";

const PC = toAddress(0x5555_5555_4000);
const SP_LO = 0xffff_e000;
const SP_HI = 0x7ffd;

/** Few enough for the young generation not to be collected in between, should there be something. */
const ALLOCATION_ROUNDS = 10_000;

/** One word of stack, whatever the address. */
class OneWord implements WordMemory {
  readonly #word = Uint32Array.of(0x5555_1234, 0x5555);

  readWord(_address: number, into: Uint32Array): boolean {
    into[0] = this.#word[0]!;
    into[1] = this.#word[1]!;
    return true;
  }

  writeWord(_address: number, lo: number, hi: number): boolean {
    this.#word[0] = lo;
    this.#word[1] = hi;
    return true;
  }
}

const ROWS = [
  ["push %rbp", [0x55]],
  ["endbr64", [0xf3, 0x0f, 0x1e, 0xfa]],
  ["mov %rsp,%rbp", [0x48, 0x89, 0xe5]],
  ["sub $0x28,%rsp", [0x48, 0x83, 0xec, 0x28]],
  ["lea 8(%rsp,%rax,4),%rdi", [0x48, 0x8d, 0x7c, 0x84, 0x08]],
  ["jne .+0x12", [0x75, 0x10]],
  ["call .+0x1234", [0xe8, 0x2f, 0x12, 0x00, 0x00]],
  ["ret", [0xc3]],
] as const;

const memory = new OneWord();
const registers = new Uint32Array(54);
registers[EFLAGS] = 0x202;

const instructions = ROWS.map(([, bytes]) => decode(Uint8Array.from(bytes), 0, PC)!);

/** Performs an instruction on the stack that it expects. */
function perform(instruction: X86Instruction): void {
  registers[RSP] = SP_LO;
  registers[RSP + 1] = SP_HI;
  emulate(instruction, registers, memory);
}

/** Performs each instruction so many times. */
function performAll(count: number): void {
  for (let i = 0; i < count; i++) {
    for (const instruction of instructions) perform(instruction);
  }
}

performAll(100_000);
const before = Deno.memoryUsage().heapUsed;
performAll(ALLOCATION_ROUNDS);
const grownBytes = Deno.memoryUsage().heapUsed - before;
console.log(`emulate(): ${(grownBytes / (ALLOCATION_ROUNDS * ROWS.length)).toFixed(3)} bytes of heap per instruction`);

ROWS.forEach(([assembly], i) => {
  const instruction = instructions[i]!;
  Deno.bench(`emulate() ${assembly}`, { group: "emulate", baseline: i === 0 }, () => perform(instruction));
});

for (
  const [assembly, bytes] of [
    ["mov 0x100(%rip),%rax", [0x48, 0x8b, 0x05, 0x00, 0x01, 0x00, 0x00]],
    ["jne .+0x12", [0x75, 0x10]],
  ] as const
) {
  const code = Uint8Array.from(bytes);
  const instruction = decode(code, 0, PC)!;
  const slot = toAddress(PC + 0x10_0000);
  Deno.bench(`displace() ${assembly}`, { group: "displace" }, () => {
    displace(instruction, code, slot);
  });
}
