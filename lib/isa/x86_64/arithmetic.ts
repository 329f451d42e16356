/**
 * Integer arithmetic on a stopped thread's registers, and the flags (Intel SDM vol. 1, 3.4.3).
 *
 * @module
 */

import type { RegisterHalves } from "../isa.ts";
import { EFLAGS } from "./registers.ts";

/** The flags that are looked at, as bits of the flags register. */
const CF = 0x1;
const PF = 0x4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;
const STATUS_FLAGS = CF | PF | AF | ZF | SF | OF;

/** The zero flag, which `loope` and `loopne` test. */
export const ZERO_FLAG = ZF;
/** The trap flag: the program steps itself. */
export const TRAP_FLAG = 0x100;

/** The operations, numbered as in bits 3 to 5 of their opcodes; `TEST`, which has none, comes behind. */
export const OPERATION = { ADD: 0, OR: 1, AND: 4, SUB: 5, XOR: 6, CMP: 7, TEST: 8 } as const;

const MAX = 0xffffffff;

/**
 * Performs an operation of a register and a value, and sets the flags.
 *
 * @param registers The registers, changed in place if the operation is a known one.
 * @param operation One of {@linkcode OPERATION}.
 * @param wide Whether the operands have 64 bits, not 32.
 * @param destination The index of the register.
 * @param lo The low half of the value.
 * @param hi The high half of the value; not used with 32 bits.
 * @returns Whether it was performed: false for `adc` and `sbb`.
 */
export function performOperation(
  registers: RegisterHalves,
  operation: number,
  wide: boolean,
  destination: number,
  lo: number,
  hi: number,
): boolean {
  const oldLo = registers[destination]!;
  const oldHi = registers[destination + 1]!;
  let newLo = 0;
  let newHi = 0;
  let flags = 0;
  switch (operation) {
    case OPERATION.ADD: {
      const low = oldLo + lo;
      const high = oldHi + hi + (low > MAX ? 1 : 0);
      newLo = low >>> 0;
      newHi = high >>> 0;
      if ((wide ? high : low) > MAX) flags |= CF;
      if ((wide ? (oldHi ^ newHi) & (hi ^ newHi) : (oldLo ^ newLo) & (lo ^ newLo)) < 0) flags |= OF;
      flags |= (oldLo ^ lo ^ newLo) & AF;
      break;
    }
    case OPERATION.SUB:
    case OPERATION.CMP: {
      const low = oldLo - lo;
      const high = oldHi - hi - (low < 0 ? 1 : 0);
      newLo = low >>> 0;
      newHi = high >>> 0;
      if ((wide ? high : low) < 0) flags |= CF;
      if ((wide ? (oldHi ^ hi) & (oldHi ^ newHi) : (oldLo ^ lo) & (oldLo ^ newLo)) < 0) flags |= OF;
      flags |= (oldLo ^ lo ^ newLo) & AF;
      break;
    }
    // The auxiliary carry is undefined after these three; processors clear it.
    case OPERATION.OR:
      newLo = (oldLo | lo) >>> 0;
      newHi = (oldHi | hi) >>> 0;
      break;
    case OPERATION.XOR:
      newLo = (oldLo ^ lo) >>> 0;
      newHi = (oldHi ^ hi) >>> 0;
      break;
    case OPERATION.AND:
    case OPERATION.TEST:
      newLo = (oldLo & lo) >>> 0;
      newHi = (oldHi & hi) >>> 0;
      break;
    default:
      return false;
  }
  if (!wide) newHi = 0;
  registers[EFLAGS] = (registers[EFLAGS]! & ~STATUS_FLAGS) | flags | resultFlags(newLo, newHi, wide);
  if (operation < OPERATION.CMP) {
    registers[destination] = newLo;
    registers[destination + 1] = newHi;
  }
  return true;
}

/** The flags that depend on the result alone. */
function resultFlags(lo: number, hi: number, wide: boolean): number {
  const byte = lo ^ (lo >>> 4);
  // Bit n of the constant is the parity of the four bits of n.
  let flags = ((0x6996 >> (byte & 15)) & 1) === 0 ? PF : 0;
  if ((lo | hi) === 0) flags |= ZF;
  if ((wide ? hi : lo) > 0x7fffffff) flags |= SF;
  return flags;
}

/**
 * Tests the condition of a `jcc` (Intel SDM vol. 1, appendix B).
 *
 * @param flags The flags.
 * @param condition The low four bits of its opcode.
 * @returns Whether it holds.
 */
export function holds(flags: number, condition: number): boolean {
  const negated = (condition & 1) !== 0;
  switch (condition >> 1) {
    case 0:
      return ((flags & OF) !== 0) !== negated;
    case 1:
      return ((flags & CF) !== 0) !== negated;
    case 2:
      return ((flags & ZF) !== 0) !== negated;
    case 3:
      return ((flags & (CF | ZF)) !== 0) !== negated;
    case 4:
      return ((flags & SF) !== 0) !== negated;
    case 5:
      return ((flags & PF) !== 0) !== negated;
    case 6:
      return isLess(flags) !== negated;
    default:
      return (isLess(flags) || (flags & ZF) !== 0) !== negated;
  }
}

/** Whether the flags of a comparison say "less" for signed numbers. */
function isLess(flags: number): boolean {
  return ((flags & SF) !== 0) !== ((flags & OF) !== 0);
}
