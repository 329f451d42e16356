/**
 * The stack of a stopped thread. In 64-bit mode its words have 8 bytes and its pointer 64 bits, whatever the prefixes
 * say that emulation lets through.
 *
 * @module
 */

import { fromHalves, highHalf } from "../../address.ts";
import type { RegisterHalves, WordMemory } from "../isa.ts";
import { RBP, RSP } from "./registers.ts";

/** A scratch word, which means nothing between calls. */
const word = new Uint32Array(2);

/**
 * Pushes a word.
 *
 * @param registers The registers, changed in place.
 * @param memory The thread's memory.
 * @param lo The low half.
 * @param hi The high half.
 * @returns Whether it could be written. If not, nothing was changed.
 */
export function push(registers: RegisterHalves, memory: WordMemory, lo: number, hi: number): boolean {
  const sp = fromHalves(registers[RSP]!, registers[RSP + 1]!) - 8;
  if (!memory.writeWord(sp, lo, hi)) return false;
  setSp(registers, sp);
  return true;
}

/**
 * Pops a word into a register.
 *
 * @param registers The registers, changed in place.
 * @param memory The thread's memory.
 * @param destination The index of the register.
 * @returns Whether it could be read. If not, nothing was changed.
 */
export function pop(registers: RegisterHalves, memory: WordMemory, destination: number): boolean {
  const sp = fromHalves(registers[RSP]!, registers[RSP + 1]!);
  if (!memory.readWord(sp, word)) return false;
  setSp(registers, sp + 8);
  // Last, because what `pop %rsp` reads wins over the increment.
  registers[destination] = word[0]!;
  registers[destination + 1] = word[1]!;
  return true;
}

/**
 * Performs `leave`: the stack pointer takes the frame pointer's value, and the frame pointer is popped.
 *
 * @param registers The registers, changed in place.
 * @param memory The thread's memory.
 * @returns Whether the frame could be read. If not, nothing was changed.
 */
export function leave(registers: RegisterHalves, memory: WordMemory): boolean {
  const frame = fromHalves(registers[RBP]!, registers[RBP + 1]!);
  if (!memory.readWord(frame, word)) return false;
  setSp(registers, frame + 8);
  registers[RBP] = word[0]!;
  registers[RBP + 1] = word[1]!;
  return true;
}

/**
 * Sets the stack pointer.
 *
 * @param registers The registers, changed in place.
 * @param sp Its new value, below 2^53.
 */
export function setSp(registers: RegisterHalves, sp: number): void {
  registers[RSP] = sp >>> 0;
  registers[RSP + 1] = highHalf(sp);
}
