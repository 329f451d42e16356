/**
 * Emulation of common x86-64 instructions: those that functions begin and end with, and all near transfers.
 *
 * *Problem.* A transfer cannot simply be copied elsewhere, and a copy of anything needs a slot. What is done here needs
 * neither.
 *
 * *Method.* The instruction's effect is computed on the register set in 32-bit halves. Whatever is not modelled exactly
 * (other prefixes, a program that steps itself, a target that makes the processor fault) is left to the processor by
 * returning false.
 *
 * *Invariant.* Memory comes first: a read or write that fails leaves everything as it was (fasttrap rule 129). At most
 * one word is written, after everything that can fail but itself, and registers only change behind it.
 *
 * Shadow stacks (CET) are not touched. Where a thread has one, calls and returns must not be emulated (rule 144); the
 * register set does not show it, so that is the caller's to know.
 *
 * Nothing is allocated.
 *
 * @module
 */

import { fromHalves, highHalf } from "../../address.ts";
import type { RegisterHalves, WordMemory } from "../isa.ts";
import { holds, TRAP_FLAG, ZERO_FLAG } from "./arithmetic.ts";
import { performData } from "./data.ts";
import { PREFIX, type X86Instruction } from "./instruction.ts";
import { isRegisterForm, readMemoryOperand, rmRegister } from "./operands.ts";
import { EFLAGS, RCX, RIP, RSP } from "./registers.ts";
import { push, setSp } from "./stack.ts";

/** A scratch word, which means nothing between calls. */
const word = new Uint32Array(2);

/** The high half from which on an address is not in user space, or only with five-level paging. */
const USER_END_HIGH = 0x8000;

const REPEAT = PREFIX.REP | PREFIX.REPNE;

/**
 * Performs an instruction on a stopped thread's registers and memory, pc included.
 *
 * @param instruction The decoded original instruction.
 * @param registers The registers, changed in place; the pc in it is not read.
 * @param memory The thread's memory.
 * @returns Whether it was performed. If not, nothing was changed.
 */
export function emulate(instruction: X86Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  if (instruction.encoding !== "legacy" || (instruction.prefixes & PREFIX.LOCK) !== 0) return false;
  if ((registers[EFLAGS]! & TRAP_FLAG) !== 0) return false;
  const next = instruction.address + instruction.length;
  if (instruction.flow === "next") {
    if (!isNop(instruction)) {
      if ((instruction.prefixes & (PREFIX.OPERAND_SIZE | REPEAT)) !== 0) return false;
      if (!performData(instruction, registers, memory)) return false;
    }
    setPc(registers, next);
    return true;
  }
  // Processors disagree on what the operand-size prefix does to a near transfer.
  if ((instruction.prefixes & PREFIX.OPERAND_SIZE) !== 0) return false;
  switch (instruction.flow) {
    case "jump":
      return jump(registers, instruction.target);
    case "branch":
      return branch(instruction, registers);
    case "call":
      return isUser(instruction.target) && push(registers, memory, next >>> 0, highHalf(next)) &&
        jump(registers, instruction.target);
    case "indirect-jump":
      if (!readTarget(instruction, registers, memory)) return false;
      registers[RIP] = word[0]!;
      registers[RIP + 1] = word[1]!;
      return true;
    case "indirect-call":
      if (!readTarget(instruction, registers, memory)) return false;
      if (!push(registers, memory, next >>> 0, highHalf(next))) return false;
      registers[RIP] = word[0]!;
      registers[RIP + 1] = word[1]!;
      return true;
    case "return":
      return performReturn(instruction, registers, memory);
    default:
      return false;
  }
}

/** `nop`, `pause`, the long nop and `endbr`; prefixes change their length only, but for one that makes it `xchg`. */
function isNop({ map, opcode, modrm, wrxb, prefixes }: X86Instruction): boolean {
  if (map === 0) return opcode === 0x90 && (wrxb & 1) === 0;
  if (map !== 1) return false;
  if (opcode === 0x1f) return true;
  return opcode === 0x1e && (prefixes & PREFIX.REP) !== 0 && (modrm === 0xfa || modrm === 0xfb);
}

function performReturn(instruction: X86Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  const sp = fromHalves(registers[RSP]!, registers[RSP + 1]!);
  if (!memory.readWord(sp, word) || word[1]! >= USER_END_HIGH) return false;
  // The immediate of `ret imm16` is unsigned.
  setSp(registers, sp + 8 + (instruction.opcode === 0xc2 ? instruction.immediate & 0xffff : 0));
  registers[RIP] = word[0]!;
  registers[RIP + 1] = word[1]!;
  return true;
}

/** Reads the target of an indirect transfer into the scratch word, if the thread can go there without a fault. */
function readTarget(instruction: X86Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  if (isRegisterForm(instruction)) {
    const register = rmRegister(instruction);
    word[0] = registers[register]!;
    word[1] = registers[register + 1]!;
  } else if (!readMemoryOperand(instruction, registers, memory, word)) {
    return false;
  }
  return word[1]! < USER_END_HIGH;
}

/** Performs `jcc`, or `loop` and its relatives, which decrement before they test and change no flag. */
function branch(instruction: X86Instruction, registers: RegisterHalves): boolean {
  const { opcode, target } = instruction;
  if (!isUser(target)) return false;
  const conditional = instruction.map === 1 || opcode < 0x80;
  const taken = conditional ? holds(registers[EFLAGS]!, opcode & 15) : countDown(instruction, registers);
  setPc(registers, taken ? target : instruction.address + instruction.length);
  return true;
}

/** Performs the counting of `loopne`, `loope`, `loop` and `jrcxz` (E0 to E3), and tells whether they jump. */
function countDown({ opcode, prefixes }: X86Instruction, registers: RegisterHalves): boolean {
  const narrow = (prefixes & PREFIX.ADDRESS_SIZE) !== 0;
  let lo = registers[RCX]!;
  let hi = narrow ? 0 : registers[RCX + 1]!;
  if (opcode === 0xe3) return (lo | hi) === 0;
  if (!narrow && lo === 0) hi = (hi - 1) >>> 0;
  lo = (lo - 1) >>> 0;
  registers[RCX] = lo;
  registers[RCX + 1] = hi;
  const zero = (registers[EFLAGS]! & ZERO_FLAG) !== 0;
  return (lo | hi) !== 0 && (opcode === 0xe2 || (opcode === 0xe1) === zero);
}

function jump(registers: RegisterHalves, target: number | undefined): boolean {
  if (!isUser(target)) return false;
  setPc(registers, target);
  return true;
}

/** Whether a thread can go to an address without a fault in the instruction that leads there. */
function isUser(target: number | undefined): target is number {
  return target !== undefined && highHalf(target) < USER_END_HIGH;
}

function setPc(registers: RegisterHalves, pc: number): void {
  registers[RIP] = pc >>> 0;
  registers[RIP + 1] = highHalf(pc);
}
