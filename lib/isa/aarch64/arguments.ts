/**
 * The calling conventions of aarch64 Linux: functions (AAPCS64, 6.8.2) and system calls (syscall(2)).
 *
 * @module
 */

import { fromHalves } from "../../address.ts";
import type { RegisterAccess, RegisterHalves, WordMemory } from "../isa.ts";
import { namedRegister } from "./named_registers.ts";
import { PC, REGISTERS_BYTES, SP, X0, X1, X8 } from "./registers.ts";

/** How many arguments of a function are in registers: x0 to x7. */
export const REGISTER_ARGUMENTS = 8;

/** `NT_ARM_SVE` (elf.h): vectors and predicates, if the processor has SVE; and more than they take if vectors have 2048 bits. */
const NT_ARM_SVE = 0x405;
const SVE_BYTES = 1 << 14;

/** The registers that have a meaning to everyone. */
export const registerAccess: RegisterAccess = {
  pc: PC,
  sp: SP,
  result: X0,
  result2: X1,
  // x0 to x30, sp and pc, as the kernel has them.
  frames: {
    indices: new Uint8Array(Array.from({ length: 33 }, (_, number) => 2 * number)),
    fp: 29,
    sp: 31,
    pc: 32,
    link: 30,
  },
  captured: Array.from({ length: REGISTERS_BYTES / 8 }, (_, number) => 2 * number),
  // The kernel's `struct user_fpsimd_state`: 32 registers, two control words, padding.
  vectors: { sizeBytes: 528, offsetOf: (number) => 16 * number },
  clearedByCalls: { note: NT_ARM_SVE, sizeBytes: SVE_BYTES },
  named: namedRegister,
  segmentBase: () => undefined,
  argument,
  setArgument,
  prepareSystemCall,
  // What a debugger's step is made by is no program's to set.
  stepsItself: () => false,
  endSteps() {
    // Steps are made by a flag that no instruction can read.
  },
  // asm-generic/unistd.h
  systemCalls: {
    mmap: 222,
    munmap: 215,
    rtSigaction: 134,
    madvise: 233,
    memfdCreate: 279,
    ftruncate: 46,
    close: 57,
    prctl: 167,
  },
};

function argument(
  registers: RegisterHalves,
  memory: WordMemory,
  index: number,
  _atEntry: boolean,
  into: Uint32Array,
): boolean {
  if (index < REGISTER_ARGUMENTS) {
    into[0] = registers[2 * index]!;
    into[1] = registers[2 * index + 1]!;
    return true;
  }
  if (memory.readWord(stackAddress(registers, index), into)) return true;
  into[0] = 0;
  into[1] = 0;
  return false;
}

function setArgument(
  registers: RegisterHalves,
  memory: WordMemory,
  index: number,
  _atEntry: boolean,
  value: Uint32Array,
): boolean {
  const lo = value[0]!;
  const hi = value[1]!;
  if (index >= REGISTER_ARGUMENTS) return memory.writeWord(stackAddress(registers, index), lo, hi);
  registers[2 * index] = lo;
  registers[2 * index + 1] = hi;
  return true;
}

/** Where an argument is on the stack. The return address is in a register, so that nothing comes before it. */
function stackAddress(registers: RegisterHalves, index: number): number {
  return fromHalves(registers[SP]!, registers[SP + 1]!) + 8 * (index - REGISTER_ARGUMENTS);
}

/** No call is repeated: the kernel does that only for a thread that goes on where it was (do_signal in arch/arm64). */
function prepareSystemCall(registers: RegisterHalves, number: number, parameters: readonly number[]): void {
  setInteger(registers, X8, number);
  for (let i = 0; i < parameters.length; i++) setInteger(registers, 2 * i, parameters[i]!);
}

function setInteger(registers: RegisterHalves, register: number, value: number): void {
  registers[register] = value >>> 0;
  registers[register + 1] = Math.floor(value / 2 ** 32);
}
