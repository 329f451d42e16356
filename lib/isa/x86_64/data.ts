/**
 * Emulation of the x86-64 instructions that are no transfers: stack, moves, `lea` and arithmetic on registers.
 *
 * @module
 */

import type { RegisterHalves, WordMemory } from "../isa.ts";
import { OPERATION, performOperation } from "./arithmetic.ts";
import type { X86Instruction } from "./instruction.ts";
import { effectiveAddress, isRegisterForm, opcodeRegister, regRegister, rmRegister } from "./operands.ts";
import { RAX } from "./registers.ts";
import { leave, pop, push } from "./stack.ts";

/** A scratch word, which means nothing between calls. */
const word = new Uint32Array(2);

/**
 * Performs an instruction, without the pc.
 *
 * @param instruction The instruction: no `nop`, with no prefix that changes its operands' size.
 * @param registers The registers, changed in place.
 * @param memory The thread's memory.
 * @returns Whether it was performed. If not, nothing was changed.
 */
export function performData(instruction: X86Instruction, registers: RegisterHalves, memory: WordMemory): boolean {
  const { opcode, immediate, wrxb } = instruction;
  if (instruction.map !== 0) return false;
  const wide = (wrxb & 8) !== 0;
  if (opcode < 0x40) return performOpcodeOperation(instruction, registers, wide);
  switch (opcode) {
    case 0x68:
    case 0x6a:
      return push(registers, memory, immediate >>> 0, signHalf(immediate));
    case 0x81:
    case 0x83:
      return isRegisterForm(instruction) &&
        performImmediate(registers, (instruction.modrm >> 3) & 7, wide, rmRegister(instruction), immediate);
    case 0x85:
      return isRegisterForm(instruction) &&
        performRegister(registers, OPERATION.TEST, wide, rmRegister(instruction), regRegister(instruction));
    case 0xa9:
      return performImmediate(registers, OPERATION.TEST, wide, RAX, immediate);
    case 0xf7:
      return isRegisterForm(instruction) && (instruction.modrm & 0x30) === 0 &&
        performImmediate(registers, OPERATION.TEST, wide, rmRegister(instruction), immediate);
    case 0x89:
      return isRegisterForm(instruction) &&
        move(registers, wide, rmRegister(instruction), regRegister(instruction));
    case 0x8b:
      return isRegisterForm(instruction) &&
        move(registers, wide, regRegister(instruction), rmRegister(instruction));
    case 0x8d:
      return loadAddress(instruction, registers, wide);
    case 0xc7:
      return isRegisterForm(instruction) && (instruction.modrm & 0x38) === 0 &&
        moveImmediate(registers, wide, rmRegister(instruction), immediate);
    case 0xc9:
      return leave(registers, memory);
  }
  const register = opcodeRegister(instruction);
  switch (opcode & 0xf8) {
    case 0x50:
      return push(registers, memory, registers[register]!, registers[register + 1]!);
    case 0x58:
      return pop(registers, memory, register);
    case 0xb8:
      // An 8-byte immediate that a number cannot hold has been rounded to one that is not safe.
      return Number.isSafeInteger(immediate) && moveImmediate(registers, wide, register, immediate);
    default:
      return false;
  }
}

/** The forms of arithmetic whose operation is in the opcode: `rm, reg`, `reg, rm` and `rax, imm32`. */
function performOpcodeOperation(instruction: X86Instruction, registers: RegisterHalves, wide: boolean): boolean {
  const operation = instruction.opcode >> 3;
  switch (instruction.opcode & 7) {
    case 1:
      return isRegisterForm(instruction) &&
        performRegister(registers, operation, wide, rmRegister(instruction), regRegister(instruction));
    case 3:
      return isRegisterForm(instruction) &&
        performRegister(registers, operation, wide, regRegister(instruction), rmRegister(instruction));
    case 5:
      return performImmediate(registers, operation, wide, RAX, instruction.immediate);
    default:
      return false;
  }
}

function performRegister(
  registers: RegisterHalves,
  operation: number,
  wide: boolean,
  destination: number,
  source: number,
): boolean {
  return performOperation(registers, operation, wide, destination, registers[source]!, registers[source + 1]!);
}

function performImmediate(
  registers: RegisterHalves,
  operation: number,
  wide: boolean,
  destination: number,
  immediate: number,
): boolean {
  return performOperation(registers, operation, wide, destination, immediate >>> 0, signHalf(immediate));
}

function move(registers: RegisterHalves, wide: boolean, destination: number, source: number): boolean {
  registers[destination] = registers[source]!;
  registers[destination + 1] = wide ? registers[source + 1]! : 0;
  return true;
}

function moveImmediate(registers: RegisterHalves, wide: boolean, destination: number, immediate: number): boolean {
  registers[destination] = immediate >>> 0;
  registers[destination + 1] = wide ? Math.floor(immediate / 2 ** 32) : 0;
  return true;
}

function loadAddress(instruction: X86Instruction, registers: RegisterHalves, wide: boolean): boolean {
  if (isRegisterForm(instruction)) return false;
  effectiveAddress(instruction, registers, word);
  const destination = regRegister(instruction);
  registers[destination] = word[0]!;
  registers[destination + 1] = wide ? word[1]! : 0;
  return true;
}

/** The high half of a sign-extended immediate of at most 32 bits. */
function signHalf(immediate: number): number {
  return immediate < 0 ? 0xffffffff : 0;
}
