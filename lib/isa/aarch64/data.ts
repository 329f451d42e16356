/**
 * Emulation of the A64 instructions that compute on registers: moves of constants, addition and subtraction, and, or,
 * exclusive or (Arm ARM, C4.1.65 and C4.1.68). Registers are moved by `orr` with the zero register.
 *
 * Operands that are shifted are left to the processor, but for the constant of `add` and `sub`.
 *
 * @module
 */

import type { RegisterHalves } from "../isa.ts";
import { registerField } from "./instruction.ts";
import { NUMBER_31, PSTATE } from "./registers.ts";

/** The flags N, Z, C and V in pstate. */
const FLAGS = 0xf000_0000;

/** The second operand and the result, in halves. They mean nothing between calls. */
const operand = new Uint32Array(2);

/**
 * Tells whether a condition holds.
 *
 * @param pstate The low half of pstate.
 * @param condition The condition's number (Arm ARM, C1.2.4).
 * @returns Whether it does.
 */
export function holds(pstate: number, condition: number): boolean {
  const n = pstate >>> 31 === 1;
  const z = (pstate & 0x4000_0000) !== 0;
  const c = (pstate & 0x2000_0000) !== 0;
  const v = (pstate & 0x1000_0000) !== 0;
  if (condition >= 14) return true;
  const isNot = (condition & 1) === 1;
  switch (condition >> 1) {
    case 0:
      return z !== isNot;
    case 1:
      return c !== isNot;
    case 2:
      return n !== isNot;
    case 3:
      return v !== isNot;
    case 4:
      return (c && !z) !== isNot;
    case 5:
      return (n === v) !== isNot;
    default:
      return (n === v && !z) !== isNot;
  }
}

/**
 * Performs an instruction, without the pc.
 *
 * @param word The instruction.
 * @param registers The registers, changed in place.
 * @returns Whether it was performed. If not, nothing was changed.
 */
export function performData(word: number, registers: RegisterHalves): boolean {
  const isWide = word >>> 31 === 1;
  if ((word & 0x1f80_0000) === 0x1280_0000) return moveConstant(word, registers, isWide);
  if ((word & 0x1f80_0000) === 0x1100_0000) {
    const constant = (word >>> 10) & 0xfff;
    operand[0] = (word & 0x0040_0000) === 0 ? constant : constant << 12;
    operand[1] = 0;
    return add(word, registers, isWide, true);
  }
  const isUnshifted = (word & 0x00c0_fc00) === 0;
  if (!isUnshifted) return false;
  if ((word & 0x1f20_0000) === 0x0b00_0000) {
    readOperand(registers, registerField(word, 16));
    return add(word, registers, isWide, false);
  }
  if ((word & 0x1f20_0000) === 0x0a00_0000) return combine(word, registers, isWide);
  return false;
}

/** `movn`, `movz` and `movk`. */
function moveConstant(word: number, registers: RegisterHalves, isWide: boolean): boolean {
  const operation = (word >>> 29) & 3;
  const place = (word >>> 21) & 3;
  const number = registerField(word, 0);
  if (operation === 1 || (!isWide && place > 1)) return false;
  if (number === NUMBER_31) return true;
  const constant = (word >>> 5) & 0xffff;
  const shift = 16 * (place & 1);
  const half = place >> 1;
  const index = 2 * number;
  const keep = operation === 3;
  const other = keep ? registers[index + 1 - half]! : 0;
  const own = keep ? registers[index + half]! & ~(0xffff << shift) : 0;
  const flip = operation === 0 ? 0xffff_ffff : 0;
  registers[index + half] = (own | (constant << shift)) ^ flip;
  registers[index + 1 - half] = other ^ flip;
  if (!isWide) registers[index + 1] = 0;
  return true;
}

/** `add`, `adds`, `sub` and `subs`, with the operand in the scratch word. */
function add(word: number, registers: RegisterHalves, isWide: boolean, mayUseSp: boolean): boolean {
  const isSubtraction = (word & 0x4000_0000) !== 0;
  const setsFlags = (word & 0x2000_0000) !== 0;
  const source = registerField(word, 5);
  const destination = registerField(word, 0);
  const isZeroSource = source === NUMBER_31 && !mayUseSp;
  const lo = isZeroSource ? 0 : registers[2 * source]!;
  const hi = isZeroSource ? 0 : registers[2 * source + 1]!;
  const addLo = isSubtraction ? ~operand[0]! >>> 0 : operand[0]!;
  const addHi = isSubtraction ? ~operand[1]! >>> 0 : operand[1]!;
  const sumLo = lo + addLo + (isSubtraction ? 1 : 0);
  const carryLo = sumLo > 0xffff_ffff;
  const sumHi = hi + addHi + (carryLo ? 1 : 0);
  operand[0] = sumLo;
  operand[1] = isWide ? sumHi : 0;
  if (setsFlags) {
    const top = isWide ? operand[1]! : operand[0]!;
    const isZero = operand[0] === 0 && operand[1] === 0;
    const carry = isWide ? sumHi > 0xffff_ffff : carryLo;
    const overflow = (((isWide ? hi : lo) ^ top) & ((isWide ? addHi : addLo) ^ top)) >>> 31 === 1;
    setFlags(registers, top >>> 31 === 1, isZero, carry, overflow);
  }
  // Number 31 is the stack pointer where no flags are set.
  if (destination !== NUMBER_31 || (mayUseSp && !setsFlags)) writeOperand(registers, destination);
  return true;
}

/** `and`, `orr`, `eor` and `ands`. */
function combine(word: number, registers: RegisterHalves, isWide: boolean): boolean {
  const operation = (word >>> 29) & 3;
  readOperand(registers, registerField(word, 16));
  const source = registerField(word, 5);
  for (let half = 0; half < 2; half++) {
    const left = source === NUMBER_31 ? 0 : registers[2 * source + half]!;
    const right = operand[half]!;
    operand[half] = operation === 1 ? left | right : operation === 2 ? left ^ right : left & right;
  }
  if (!isWide) operand[1] = 0;
  if (operation === 3) {
    const top = isWide ? operand[1]! : operand[0]!;
    setFlags(registers, top >>> 31 === 1, operand[0] === 0 && operand[1] === 0, false, false);
  }
  const destination = registerField(word, 0);
  if (destination !== NUMBER_31) writeOperand(registers, destination);
  return true;
}

/** Reads a register, whose number 31 is zero, into the scratch word. */
function readOperand(registers: RegisterHalves, number: number): void {
  operand[0] = number === NUMBER_31 ? 0 : registers[2 * number]!;
  operand[1] = number === NUMBER_31 ? 0 : registers[2 * number + 1]!;
}

/** Writes the scratch word into a register; the stack pointer lies behind x30. */
function writeOperand(registers: RegisterHalves, number: number): void {
  registers[2 * number] = operand[0]!;
  registers[2 * number + 1] = operand[1]!;
}

function setFlags(registers: RegisterHalves, n: boolean, z: boolean, c: boolean, v: boolean): void {
  const flags = (n ? 0x8000_0000 : 0) | (z ? 0x4000_0000 : 0) | (c ? 0x2000_0000 : 0) | (v ? 0x1000_0000 : 0);
  registers[PSTATE] = (registers[PSTATE]! & ~FLAGS) | flags;
}
