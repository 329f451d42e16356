/**
 * The operands of an x86-64 instruction on a stopped thread (Intel SDM vol. 2, 2.1.5 and 2.2.1).
 *
 * Registers are given by the index of their low half. Addresses are computed as 64-bit halves, because `lea` is
 * arithmetic as often as it is an address: sums of 32-bit halves stay far below 2^53, so that nothing is lost before
 * they are cut.
 *
 * @module
 */

import { fromHalves } from "../../address.ts";
import type { RegisterHalves, WordMemory } from "../isa.ts";
import { PREFIX, type X86Instruction } from "./instruction.ts";
import { FS_BASE, GENERAL, GS_BASE } from "./registers.ts";

const HIGH = 2 ** 32;

/** Segments whose base counts in 64-bit mode. */
const SEGMENTS = PREFIX.FS | PREFIX.GS;

/**
 * Finds the register in ModRM.reg.
 *
 * @param instruction The instruction.
 * @returns Its index.
 */
export function regRegister(instruction: X86Instruction): number {
  return GENERAL[((instruction.modrm >> 3) & 7) | ((instruction.wrxb & 4) << 1)]!;
}

/**
 * Finds the register in ModRM.rm.
 *
 * @param instruction The instruction, whose ModRM.mod is 3.
 * @returns Its index.
 */
export function rmRegister(instruction: X86Instruction): number {
  return GENERAL[(instruction.modrm & 7) | ((instruction.wrxb & 1) << 3)]!;
}

/**
 * Finds the register in the low bits of the opcode.
 *
 * @param instruction The instruction.
 * @returns Its index.
 */
export function opcodeRegister(instruction: X86Instruction): number {
  return GENERAL[(instruction.opcode & 7) | ((instruction.wrxb & 1) << 3)]!;
}

/**
 * Tells whether ModRM names a register instead of memory.
 *
 * @param instruction The instruction, which has a ModRM byte.
 * @returns Whether ModRM.mod is 3.
 */
export function isRegisterForm(instruction: X86Instruction): boolean {
  return instruction.modrm >= 0xc0;
}

/**
 * Tells whether what ModRM names is the stack pointer, or is found by it.
 *
 * @param instruction The instruction, which has a ModRM byte.
 * @returns Whether it is.
 */
export function usesStackPointer({ modrm, sib, wrxb, rxb4 }: X86Instruction): boolean {
  return ((sib < 0 ? modrm : sib) & 7) === 4 && ((wrxb | rxb4) & 1) === 0;
}

/**
 * Computes the address of a memory operand, without its segment's base: what `lea` gives.
 *
 * @param instruction The instruction, with a memory operand.
 * @param registers The registers.
 * @param into Receives the low and the high half.
 */
export function effectiveAddress(instruction: X86Instruction, registers: RegisterHalves, into: Uint32Array): void {
  const { modrm, sib, wrxb, displacement } = instruction;
  let lo = displacement >>> 0;
  let hi = displacement < 0 ? 0xffffffff : 0;
  if (instruction.ripRelative) {
    const next = instruction.address + instruction.length;
    lo += next >>> 0;
    hi += Math.floor(next / HIGH);
  } else {
    const base = (sib < 0 ? modrm : sib) & 7;
    // With a SIB byte and ModRM.mod 0, the number of rbp and r13 means that there is no base.
    if (sib < 0 || base !== 5 || modrm >= 0x40) {
      const register = GENERAL[base | ((wrxb & 1) << 3)]!;
      lo += registers[register]!;
      hi += registers[register + 1]!;
    }
    if (sib >= 0) {
      const index = ((sib >> 3) & 7) | ((wrxb & 2) << 2);
      // The number of rsp means that there is no index.
      if (index !== 4) {
        const scale = 1 << (sib >> 6);
        lo += registers[GENERAL[index]!]! * scale;
        hi += registers[GENERAL[index]! + 1]! * scale;
      }
    }
  }
  into[0] = lo;
  into[1] = (instruction.prefixes & PREFIX.ADDRESS_SIZE) !== 0 ? 0 : hi + Math.floor(lo / HIGH);
}

/**
 * Reads the word that a memory operand names.
 *
 * @param instruction The instruction, with a memory operand.
 * @param registers The registers.
 * @param memory The thread's memory.
 * @param into Receives the low and the high half.
 * @returns Whether it could be read.
 */
export function readMemoryOperand(
  instruction: X86Instruction,
  registers: RegisterHalves,
  memory: WordMemory,
  into: Uint32Array,
): boolean {
  effectiveAddress(instruction, registers, into);
  const segment = instruction.prefixes & SEGMENTS;
  // Which of two segment prefixes counts depends on their order, which is not kept.
  if (segment === SEGMENTS) return false;
  if (segment !== 0) {
    const base = segment === PREFIX.FS ? FS_BASE : GS_BASE;
    const lo = into[0]! + registers[base]!;
    into[1] = into[1]! + registers[base + 1]! + Math.floor(lo / HIGH);
    into[0] = lo;
  }
  return memory.readWord(fromHalves(into[0]!, into[1]!), into);
}
