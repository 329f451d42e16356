/**
 * Emulation of common A64 instructions: those that functions begin and end with, and all branches.
 *
 * *Problem.* What depends on the pc cannot simply be copied elsewhere, and a copy of anything needs a slot. What is done
 * here needs neither.
 *
 * *Method.* The instruction's effect is computed on the register set in 32-bit halves: branches and addresses here, moves
 * and arithmetic in `data.ts`, loads and stores in `memory.ts`. Whatever is not modelled exactly (a target that is no
 * address, pointer authentication, vectors) is left to the processor by returning false.
 *
 * *Invariants.*
 * - Memory comes first: a read or write that fails leaves everything as it was (fasttrap rule 129).
 * - The note that an indirect branch has led here (`BTYPE`) ends with the instruction. None is made of an emulated branch,
 *   so that landing pads are not checked behind it.
 *
 * Guarded control stacks are not touched. Where a thread has one, calls and returns must not be emulated (rule 144); the
 * register set does not show it, so that is the caller's to know.
 *
 * Nothing is allocated.
 *
 * @module
 */

import { highHalf, isAddress } from "../../address.ts";
import type { RegisterHalves, WordMemory } from "../isa.ts";
import { holds, performData } from "./data.ts";
import { type A64Instruction, INSTRUCTION_BYTES, registerField } from "./instruction.ts";
import { performLiteral, performMemory } from "./memory.ts";
import { BRANCH_TYPE, NUMBER_31, PC, PSTATE, X30 } from "./registers.ts";

/** The high half from which on an address is not in user space, or only with addresses of 52 bits. */
const USER_END_HIGH = 0x1_0000;

/**
 * Performs an instruction on a stopped thread's registers and memory, pc included.
 *
 * @param instruction The decoded original instruction.
 * @param registers The registers, changed in place; the pc in it is not read.
 * @param memory The thread's memory.
 * @returns Whether it was performed. If not, nothing was changed.
 */
export function emulate(instruction: A64Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  const { address, kind, refusal, target, word } = instruction;
  if (refusal !== undefined) return false;
  const next = address + INSTRUCTION_BYTES;
  switch (kind) {
    case "hint":
    case "prefetch-literal":
      return goTo(registers, next);
    case "b":
      return isUser(target) && goTo(registers, target);
    case "bl":
      return isUser(target) && setNumber(registers, X30, next) && goTo(registers, target);
    case "b.cond":
      // `bc.cond` is not known to all processors.
      return (word & 16) === 0 && branch(registers, instruction, holds(registers[PSTATE]!, word & 15));
    case "cbz":
      return branch(registers, instruction, isZero(registers, word) !== ((word & 0x0100_0000) !== 0));
    case "tbz":
      return branch(registers, instruction, !hasBit(registers, word) !== ((word & 0x0100_0000) !== 0));
    case "register":
      return branchToRegister(registers, instruction, next);
    case "adr":
    case "adrp":
      return isAddress(instruction.operand) && writeAddress(registers, word & 31, instruction.operand) &&
        goTo(registers, next);
    case "literal":
      return performLiteral(instruction, registers, memory) && goTo(registers, next);
    case "plain":
      return (performData(word, registers) || performMemory(word, registers, memory)) && goTo(registers, next);
    default:
      return false;
  }
}

function branch(registers: RegisterHalves, { address, target }: A64Instruction, taken: boolean): boolean {
  return isUser(target) && goTo(registers, taken ? target : address + INSTRUCTION_BYTES);
}

function branchToRegister(registers: RegisterHalves, { flow, word }: A64Instruction, next: number): boolean {
  const number = registerField(word, 5);
  if (number === NUMBER_31) return false;
  const lo = registers[2 * number]!;
  const hi = registers[2 * number + 1]!;
  if (hi >= USER_END_HIGH || lo % INSTRUCTION_BYTES !== 0) return false;
  if (flow === "indirect-call") setNumber(registers, X30, next);
  registers[PSTATE]! &= ~BRANCH_TYPE;
  registers[PC] = lo;
  registers[PC + 1] = hi;
  return true;
}

/** Whether the register that `cbz` and `cbnz` test is zero. */
function isZero(registers: RegisterHalves, word: number): boolean {
  const number = registerField(word, 0);
  if (number === NUMBER_31) return true;
  return registers[2 * number] === 0 && (word >>> 31 === 0 || registers[2 * number + 1] === 0);
}

/** Whether the bit that `tbz` and `tbnz` test is set. */
function hasBit(registers: RegisterHalves, word: number): boolean {
  const number = registerField(word, 0);
  if (number === NUMBER_31) return false;
  return (registers[2 * number + (word >>> 31)]! >>> registerField(word, 19) & 1) === 1;
}

/** Writes a number into a register of an instruction, unless that is the zero register. */
function writeAddress(registers: RegisterHalves, number: number, value: number): boolean {
  return number === NUMBER_31 || setNumber(registers, 2 * number, value);
}

function setNumber(registers: RegisterHalves, index: number, value: number): true {
  registers[index] = value >>> 0;
  registers[index + 1] = highHalf(value);
  return true;
}

function goTo(registers: RegisterHalves, pc: number): true {
  registers[PSTATE]! &= ~BRANCH_TYPE;
  return setNumber(registers, PC, pc);
}

/** Whether a thread can go to an address without a fault in the instruction that leads there. */
function isUser(target: number | undefined): target is number {
  return target !== undefined && highHalf(target) < USER_END_HIGH;
}
