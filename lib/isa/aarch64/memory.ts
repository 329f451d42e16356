/**
 * Emulation of the A64 loads and stores of whole registers: of literals, and on the stack, single ones and pairs (Arm ARM,
 * C4.1.67).
 *
 * *Method.* The address is a number. What is no address (an overflow) cannot be read or written, so that the processor does
 * it. A pair is two words, and takes effect as a whole: if the second word cannot be written, the first gets back what it
 * held. Memory that other threads may look at, which must never see half a word, is left to the processor as well.
 *
 * @module
 */

import { fromHalves, highHalf, isAddress } from "../../address.ts";
import type { RegisterHalves, WordMemory } from "../isa.ts";
import { type A64Instruction, registerField, signedField } from "./instruction.ts";
import { NUMBER_31, SP } from "./registers.ts";

/** What the stack pointer must be a multiple of where it is a base, in bytes (Arm ARM, D1.3.10.2). */
const STACK_ALIGNMENT = 16;
/**
 * When the stack pointer is changed: behind the access, or never; else before it (bits 24:23 of a pair, 11:10 of a single one).
 */
const POST_INDEX = 1;
const OFFSET = 2;
/** The bit that tells loads from stores. */
const LOAD = 0x0040_0000;

/** Words that were read. They mean nothing between calls. */
const first = new Uint32Array(2);
const second = new Uint32Array(2);

/**
 * Performs the load of a literal into a general register, without the pc.
 *
 * @param instruction The instruction, of kind `literal`.
 * @param registers The registers, changed in place.
 * @param memory The thread's memory.
 * @returns Whether it was performed. If not, nothing was changed.
 */
export function performLiteral(
  { operand, word }: A64Instruction,
  registers: RegisterHalves,
  memory: WordMemory,
): boolean {
  const size = word >>> 30;
  // A literal of 4 bytes may be the last of its page: an aligned word around it is not in another one.
  const offset = size === 1 ? 0 : operand % 8;
  if (!isAddress(operand) || !memory.readWord(operand - offset, first)) return false;
  const number = registerField(word, 0);
  if (number === NUMBER_31) return true;
  const lo = first[offset / 4]!;
  registers[2 * number] = lo;
  registers[2 * number + 1] = size === 1 ? first[1]! : size === 2 ? lo >> 31 : 0;
  return true;
}

/**
 * Performs another load or store, without the pc.
 *
 * @param word The instruction.
 * @param registers The registers, changed in place.
 * @param memory The thread's memory.
 * @returns Whether it was performed. If not, nothing was changed.
 */
export function performMemory(word: number, registers: RegisterHalves, memory: WordMemory): boolean {
  if (registerField(word, 5) !== NUMBER_31 || registers[SP]! % STACK_ALIGNMENT !== 0) return false;
  if ((word & 0xfe00_0000) >>> 0 === 0xa800_0000) {
    // Mode 0 would be the access that is not worth a place in the cache, which is an ordinary one.
    const mode = (word >>> 23) & 3;
    return transferPair(word, mode === 0 ? OFFSET : mode, 8 * signedField(word, 15, 7), registers, memory);
  }
  if ((word & 0xff80_0000) >>> 0 === 0xf900_0000) {
    return transfer(word, OFFSET, 8 * ((word >>> 10) & 0xfff), registers, memory);
  }
  if ((word & 0xffa0_0000) >>> 0 === 0xf800_0000) {
    const mode = (word >>> 10) & 3;
    // Mode 2 would be the access of the kernel in the name of the user, which is an ordinary one.
    return transfer(word, mode === 0 ? OFFSET : mode, signedField(word, 12, 9), registers, memory);
  }
  return false;
}

/** `str` and `ldr` of 64 bits. */
function transfer(
  word: number,
  mode: number,
  distance: number,
  registers: RegisterHalves,
  memory: WordMemory,
): boolean {
  const number = registerField(word, 0);
  const sp = fromHalves(registers[SP]!, registers[SP + 1]!);
  const address = mode === POST_INDEX ? sp : sp + distance;
  const isLoad = (word & LOAD) !== 0;
  if (isLoad ? !memory.readWord(address, first) : !writeRegister(memory, address, registers, number)) return false;
  if (mode !== OFFSET) setSp(registers, sp + distance);
  if (isLoad) loadRegister(registers, number, first);
  return true;
}

/** `stp` and `ldp` of 64 bits. */
function transferPair(
  word: number,
  mode: number,
  distance: number,
  registers: RegisterHalves,
  memory: WordMemory,
): boolean {
  const number = registerField(word, 0);
  const number2 = registerField(word, 10);
  const isLoad = (word & LOAD) !== 0;
  // What is constrained unpredictable is the processor's to decide.
  if (isLoad && number === number2) return false;
  const sp = fromHalves(registers[SP]!, registers[SP + 1]!);
  const address = mode === POST_INDEX ? sp : sp + distance;
  if (isLoad) {
    if (!memory.readWord(address, first) || !memory.readWord(address + 8, second)) return false;
  } else if (!writePair(memory, address, registers, number, number2)) {
    return false;
  }
  if (mode !== OFFSET) setSp(registers, sp + distance);
  if (isLoad) {
    loadRegister(registers, number, first);
    loadRegister(registers, number2, second);
  }
  return true;
}

function writePair(
  memory: WordMemory,
  address: number,
  registers: RegisterHalves,
  number: number,
  number2: number,
): boolean {
  if (!memory.readWord(address, first) || !writeRegister(memory, address, registers, number)) return false;
  if (writeRegister(memory, address + 8, registers, number2)) return true;
  memory.writeWord(address, first[0]!, first[1]!);
  return false;
}

function writeRegister(memory: WordMemory, address: number, registers: RegisterHalves, number: number): boolean {
  const isZero = number === NUMBER_31;
  return memory.writeWord(address, isZero ? 0 : registers[2 * number]!, isZero ? 0 : registers[2 * number + 1]!);
}

function loadRegister(registers: RegisterHalves, number: number, value: Uint32Array): void {
  if (number === NUMBER_31) return;
  registers[2 * number] = value[0]!;
  registers[2 * number + 1] = value[1]!;
}

function setSp(registers: RegisterHalves, value: number): void {
  registers[SP] = value >>> 0;
  registers[SP + 1] = highHalf(value);
}
