/**
 * Integers of 64 bits as two halves.
 *
 * D computes with 64 bits whatever the type of an operand is, so that a constant of a program is a pair of unsigned
 * halves, as a register is everywhere else in this project. The compiler computes with `bigint` inside of functions that
 * say so, since it folds a constant once; what it hands on is halves.
 *
 * @module
 */

/** An integer of 64 bits; whether it has a sign is a matter of its type. */
export interface Int64 {
  /** The low 32 bits, 0 to 2^32-1. */
  readonly lo: number;
  /** The high 32 bits, 0 to 2^32-1. */
  readonly hi: number;
}

/** Nothing. */
export const ZERO: Int64 = { lo: 0, hi: 0 };

/** One, which is also what is true. */
export const ONE: Int64 = { lo: 1, hi: 0 };

/** The operators that compute a new number of two. */
export type ArithmeticOperator = "+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>";

/** The operators that compare two numbers. */
export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";

/**
 * Makes an integer of a number.
 *
 * @param value A whole number between -2^53 and 2^53.
 * @returns Its halves, in two's complement.
 */
export function int64Of(value: number): Int64 {
  const hi = Math.floor(value / 2 ** 32);
  return { lo: (value - hi * 2 ** 32) >>> 0, hi: hi >>> 0 };
}

/**
 * Makes a number of an integer.
 *
 * @param value The integer.
 * @param signed Whether it has a sign.
 * @returns The number; exact between -2^53 and 2^53.
 */
export function numberOf({ lo, hi }: Int64, signed: boolean): number {
  return (signed ? hi | 0 : hi) * 2 ** 32 + lo;
}

/**
 * Tells whether an integer is not zero.
 *
 * @param value The integer.
 * @returns Whether a bit of it is set.
 */
export function isTrue({ lo, hi }: Int64): boolean {
  return lo !== 0 || hi !== 0;
}

/**
 * Writes an integer in decimal digits.
 *
 * @param value The integer.
 * @param signed Whether it has a sign.
 * @returns The digits.
 */
export function formatInt64(value: Int64, signed: boolean): string {
  return String(toBigInt(value, signed));
}

/**
 * Makes a `bigint` of an integer.
 *
 * @param value The integer.
 * @param signed Whether it has a sign.
 * @returns The same number.
 */
export function toBigInt({ lo, hi }: Int64, signed: boolean): bigint {
  return (BigInt(signed ? hi | 0 : hi) << 32n) | BigInt(lo);
}

/**
 * Cuts a `bigint` to 64 bits.
 *
 * @param value The number.
 * @returns Its halves.
 */
export function fromBigInt(value: bigint): Int64 {
  return { lo: Number(value & 0xffffffffn), hi: Number((value >> 32n) & 0xffffffffn) };
}

/**
 * Computes with two constants, as the program would when it runs.
 *
 * @param operator The operator; for a division the right operand is not zero.
 * @param left The left operand.
 * @param right The right operand; of a shift the low six bits count.
 * @param signed Whether division, remainder and shift to the right respect a sign.
 * @returns The result, cut to 64 bits.
 */
export function arithmetic(operator: ArithmeticOperator, left: Int64, right: Int64, signed: boolean): Int64 {
  return arithmeticBigInt(operator, left, right, signed);
}

function arithmeticBigInt(operator: ArithmeticOperator, left: Int64, right: Int64, signed: boolean): Int64 {
  const a = toBigInt(left, signed);
  const b = toBigInt(right, signed);
  const results: Record<ArithmeticOperator, () => bigint> = {
    "+": () => a + b,
    "-": () => a - b,
    "*": () => a * b,
    "/": () => a / b,
    "%": () => a % b,
    "&": () => a & b,
    "|": () => a | b,
    "^": () => a ^ b,
    "<<": () => a << (b & 63n),
    ">>": () => a >> (b & 63n),
  };
  return fromBigInt(results[operator]());
}

/**
 * Compares two constants.
 *
 * @param operator The operator.
 * @param left The left operand.
 * @param right The right operand.
 * @param signed Whether both have a sign.
 * @returns Whether it is so.
 */
export function compare(operator: ComparisonOperator, left: Int64, right: Int64, signed: boolean): boolean {
  const flip = signed ? 0x80000000 : 0;
  const high = ((left.hi ^ flip) >>> 0) - ((right.hi ^ flip) >>> 0);
  const order = high !== 0 ? high : left.lo - right.lo;
  const results: Record<ComparisonOperator, boolean> = {
    "==": order === 0,
    "!=": order !== 0,
    "<": order < 0,
    "<=": order <= 0,
    ">": order > 0,
    ">=": order >= 0,
  };
  return results[operator];
}

/**
 * Negates an integer.
 *
 * @param value The integer.
 * @returns Zero minus it.
 */
export function negate(value: Int64): Int64 {
  return arithmetic("-", ZERO, value, true);
}

/**
 * Inverts all bits.
 *
 * @param value The integer.
 * @returns Its complement.
 */
export function complement({ lo, hi }: Int64): Int64 {
  return { lo: ~lo >>> 0, hi: ~hi >>> 0 };
}

/**
 * Cuts an integer to a size, and extends that by its sign or by zeros.
 *
 * @param value The integer.
 * @param sizeBytes 1, 2, 4 or 8.
 * @param signed Whether the cut integer has a sign.
 * @returns The 64 bits of a value of that size.
 */
export function cut(value: Int64, sizeBytes: number, signed: boolean): Int64 {
  if (sizeBytes >= 8) return value;
  const unused = 32 - 8 * Math.min(4, sizeBytes);
  const low = value.lo << unused;
  return signed ? { lo: (low >> unused) >>> 0, hi: low < 0 ? 0xffffffff : 0 } : { lo: (low >>> unused) >>> 0, hi: 0 };
}
