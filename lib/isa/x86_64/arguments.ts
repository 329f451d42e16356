/**
 * The calling conventions of x86-64 Linux: functions and system calls (System V psABI, 3.2.3 and A.2.1).
 *
 * @module
 */

import { fromHalves } from "../../address.ts";
import type { RegisterAccess, RegisterHalves, WordMemory } from "../isa.ts";
import { TRAP_FLAG } from "./arithmetic.ts";
import { namedRegister, segmentBase } from "./named_registers.ts";
import { EFLAGS, GENERAL, ORIG_RAX, R10, R8, R9, RAX, RBP, RCX, RDI, RDX, RIP, RSI, RSP } from "./registers.ts";

/** The registers of a function's first arguments, by the indices of their low halves. */
export const ARGUMENTS: Uint8Array = new Uint8Array([RDI, RSI, RDX, RCX, R8, R9]);

/** The registers of a system call's parameters. */
const PARAMETERS = new Uint8Array([RDI, RSI, RDX, R10, R8, R9]);

/** The registers that have a meaning to everyone. */
export const registerAccess: RegisterAccess = {
  pc: RIP,
  sp: RSP,
  result: RAX,
  result2: RDX,
  frames: {
    // rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15, and the return address.
    indices: new Uint8Array([RAX, RDX, RCX, GENERAL[3]!, RSI, RDI, RBP, RSP, ...GENERAL.subarray(8), RIP]),
    fp: 6,
    sp: 7,
    pc: 16,
    link: undefined,
  },
  captured: [...GENERAL, RIP, EFLAGS],
  // The layout of fxsave (Intel SDM vol. 1, 10.5.1).
  vectors: { sizeBytes: 512, offsetOf: (number) => 160 + 16 * number },
  named: namedRegister,
  segmentBase,
  argument,
  setArgument,
  prepareSystemCall,
  stepsItself: (registers) => (registers[EFLAGS]! & TRAP_FLAG) !== 0,
  endSteps(registers) {
    registers[EFLAGS]! &= ~TRAP_FLAG;
  },
  systemCalls: {
    mmap: 9,
    munmap: 11,
    rtSigaction: 13,
    madvise: 28,
    memfdCreate: 319,
    ftruncate: 77,
    close: 3,
    prctl: 157,
  },
};

function argument(
  registers: RegisterHalves,
  memory: WordMemory,
  index: number,
  atEntry: boolean,
  into: Uint32Array,
): boolean {
  if (index < ARGUMENTS.length) {
    const register = ARGUMENTS[index]!;
    into[0] = registers[register]!;
    into[1] = registers[register + 1]!;
    return true;
  }
  if (memory.readWord(stackAddress(registers, index, atEntry), into)) return true;
  into[0] = 0;
  into[1] = 0;
  return false;
}

function setArgument(
  registers: RegisterHalves,
  memory: WordMemory,
  index: number,
  atEntry: boolean,
  value: Uint32Array,
): boolean {
  const lo = value[0]!;
  const hi = value[1]!;
  if (index >= ARGUMENTS.length) return memory.writeWord(stackAddress(registers, index, atEntry), lo, hi);
  const register = ARGUMENTS[index]!;
  registers[register] = lo;
  registers[register + 1] = hi;
  return true;
}

/** Where an argument is on the stack; at the entry of the function the return address comes before it (rule 126). */
function stackAddress(registers: RegisterHalves, index: number, atEntry: boolean): number {
  const words = index - ARGUMENTS.length + (atEntry ? 1 : 0);
  return fromHalves(registers[RSP]!, registers[RSP + 1]!) + 8 * words;
}

function prepareSystemCall(registers: RegisterHalves, number: number, parameters: readonly number[]): void {
  setInteger(registers, RAX, number);
  for (let i = 0; i < parameters.length; i++) setInteger(registers, PARAMETERS[i]!, parameters[i]!);
  // The kernel repeats an interrupted call only if this is a call's number (arch/x86/kernel/signal.c).
  setInteger(registers, ORIG_RAX, -1);
}

function setInteger(registers: RegisterHalves, register: number, value: number): void {
  registers[register] = value >>> 0;
  registers[register + 1] = Math.floor(value / 2 ** 32);
}
