/**
 * What single steps show: a step is made with TF set in the flags (Intel SDM vol. 3, 19.3.1.4). The kernel hides that in
 * the registers and in signal frames, but two instructions save the flags while they are so: `pushf` on the stack, and
 * `syscall` in r11.
 *
 * @module
 */

import { fromHalves } from "../../address.ts";
import type { Instruction, RegisterHalves, WordMemory } from "../isa.ts";
import { TRAP_FLAG } from "./arithmetic.ts";
import type { X86Instruction } from "./instruction.ts";
import { R11, RSP } from "./registers.ts";

const PUSHF = 0x9c;

const word = new Uint32Array(2);

/** See `Isa.hideStep`. */
export function hideStep(instruction: Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  const { map, opcode, flow, encoding } = instruction as X86Instruction;
  if (flow === "system-call") {
    registers[R11]! &= ~TRAP_FLAG;
    return true;
  }
  if (encoding === "legacy" && map === 0 && opcode === PUSHF) {
    const sp = fromHalves(registers[RSP]!, registers[RSP + 1]!);
    if (memory.readWord(sp, word)) memory.writeWord(sp, word[0]! & ~TRAP_FLAG, word[1]!);
  }
  return false;
}
