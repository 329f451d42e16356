/**
 * What single steps show: a step is made with TF set in the flags (Intel SDM vol. 3, 19.3.1.4). The kernel hides that in
 * the registers and in signal frames, but two instructions save the flags while they are so: `pushf` on the stack, and
 * `syscall` in r11.
 *
 * A program steps itself by setting TF with `popf`, and is told of the end of the instruction behind that. Nothing of ours
 * may come between the two. A step over `popf` in its place is right: the kernel knows the instruction and leaves the
 * flag to it (is_setting_trap_flag in arch/x86/kernel/step.c).
 *
 * @module
 */

import { fromHalves } from "../../address.ts";
import type { Instruction, RegisterHalves, WordMemory } from "../isa.ts";
import { TRAP_FLAG } from "./arithmetic.ts";
import type { X86Instruction } from "./instruction.ts";
import { R11, RSP } from "./registers.ts";

const PUSHF = 0x9c;
const POPF = 0x9d;

const word = new Uint32Array(2);

/** See `Isa.hideStep`. */
export function hideStep(instruction: Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  if (instruction.flow === "system-call") {
    registers[R11]! &= ~TRAP_FLAG;
    return true;
  }
  if (showsSteps(instruction as X86Instruction)) {
    const sp = fromHalves(registers[RSP]!, registers[RSP + 1]!);
    if (memory.readWord(sp, word)) memory.writeWord(sp, word[0]! & ~TRAP_FLAG, word[1]!);
  }
  return false;
}

/**
 * Tells whether an instruction saves the flags on the stack, and with them that it is stepped over.
 *
 * @param instruction The instruction.
 * @returns Whether it is `pushf`.
 */
export function showsSteps({ encoding, map, opcode }: X86Instruction): boolean {
  return encoding === "legacy" && map === 0 && opcode === PUSHF;
}

/**
 * Tells whether an instruction can make the program step itself from the next one on.
 *
 * @param instruction The instruction.
 * @returns Whether it is `popf`.
 */
export function startsSteps({ encoding, map, opcode }: X86Instruction): boolean {
  return encoding === "legacy" && map === 0 && opcode === POPF;
}
