/**
 * Instructions in states in which they have something to work on, what a processor makes of them, and how that is compared.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { PC, PSTATE, REGISTERS_BYTES, SP } from "../../../lib/isa/aarch64/registers.ts";
import type { ResumePoint } from "../../../lib/isa/isa.ts";
import type { Random } from "../x86_64/random.ts";
import {
  bytesOf,
  Cpu,
  missing,
  type Outcome,
  pcOf,
  REGION,
  registerOf,
  setRegister,
  type State,
  WINDOW_BYTES,
  Windows,
} from "./cpu.ts";
import type { Form } from "./instructions.ts";

const SIGTRAP = 5;
/** Where the instruction is. */
export const AT = toAddress(REGION.CODE + 0x1000);
/** An instruction that is no other. */
export const TRAP = 0xd420_0000;
const FLAGS = 0xf000_0000;
/** Halves of numbers at which carries and signs change. */
const CORNERS = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** An instruction in a state. */
export interface Case extends State {
  readonly name: string;
  readonly word: number;
}

/** A test that needs the processor, or another one of qemu's. */
export function testWithCpu(name: string, fn: (cpu: Cpu) => Promise<void>, model?: string): void {
  Deno.test({
    name: missing === undefined ? name : `${name} (ignored: no ${missing} here)`,
    ignore: missing !== undefined,
    fn: async () => {
      await using cpu = await Cpu.start(model);
      await fn(cpu);
    },
  });
}

/** A random state, in which the instruction has something to work on. */
export function makeCase(random: Random, form: Form): Case {
  const word = form.make(random) >>> 0;
  const registers = new Uint32Array(REGISTERS_BYTES / 4);
  // Numbers of any kind, or such whose sums carry and change their sign.
  const half = random.below(2) === 0 ? () => random.half() : () => random.pick(CORNERS);
  for (let i = 0; i < PC; i++) registers[i] = half();
  setRegister(registers, SP, REGION.STACK + 0x200);
  setRegister(registers, PC, AT);
  registers[PSTATE] = random.half() & FLAGS;
  const base = (word >>> 5) & 31;
  if (form.usesMemory && base !== 31) {
    setRegister(registers, 2 * base, random.pick([REGION.DATA, REGION.STACK, REGION.LOW]) + 0x240 + random.below(64));
  }
  if (form.usesTarget) setRegister(registers, 2 * base, REGION.CODE + 4 * random.below(0x100));
  const windows = new Windows();
  for (const bytes of windows.bytes) bytes.set(random.bytes(WINDOW_BYTES));
  return { name: form.name, word, registers, vectors: random.bytes(512), windows };
}

/** Runs the instruction itself. */
export async function runNative(cpu: Cpu, test: State & { readonly word: number }): Promise<Outcome> {
  await cpu.write(AT, bytesOf(test.word));
  const outcome = await cpu.run(test);
  await cpu.write(AT, bytesOf(TRAP));
  return withoutBranchType(outcome);
}

/** Gives a thread that has raised a fault in a slot the pc that the program knows. */
export function setBack(outcome: Outcome, slot: number, resume: readonly ResumePoint[]): void {
  const point = resume.find(({ offset }) => slot + offset === pcOf(outcome));
  if (outcome.signal === SIGTRAP || point === undefined) return;
  assert(!point.isHeld && !point.done);
  setRegister(outcome.registers, PC, point.pc);
}

/** Asserts that instructions have left the same. */
export function assertSame(outcome: Outcome, native: Outcome, context: string): void {
  assertEquals(outcome.signal, native.signal, context);
  assertEquals(outcome.registers, native.registers, context);
  assertEquals(outcome.windows, native.windows, context);
  assertEquals(outcome.vectors, native.vectors, context);
}

/** The note of an indirect branch is the processor's, and ends with the next instruction. */
export function withoutBranchType(outcome: Outcome): Outcome {
  outcome.registers[PSTATE]! &= FLAGS;
  return outcome;
}

/** What a failing test needs to say. */
export function describe({ name, word, registers }: Case): string {
  const values = Array.from({ length: PC / 2 }, (_, i) => registerOf(registers, 2 * i).toString(16));
  return `${name} (${word.toString(16)}) flags=${registers[PSTATE]!.toString(16)} ${values.join(" ")}`;
}
