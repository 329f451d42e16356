/**
 * Addresses in the traced process.
 *
 * User space on Linux ends below 2^57 even with five-level paging, and below 2^47 in practice; an address is therefore
 * a plain number, checked once to be an integer below 2^53, and branded so that it cannot be mixed up with an offset
 * or a count. The few addresses that do not fit (the vsyscall page) cannot be traced anyway.
 *
 * @module
 */

/** An address in the traced process: an integer from 0 to 2^53 - 1. */
export type Address = number & { readonly [brand]: true };
declare const brand: unique symbol;

const HIGH = 2 ** 32;

/**
 * Checks a number and brands it as an address.
 *
 * @param value The number.
 * @returns The same number.
 * @throws {RangeError} If it is not an integer from 0 to 2^53 - 1.
 */
export function toAddress(value: number): Address {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`Cannot use ${value} as an address: it is not an integer from 0 to 2^53 - 1`);
  }
  return value as Address;
}

/**
 * Joins the halves of a 64-bit word.
 *
 * @param lo The low 32 bits, unsigned.
 * @param hi The high 32 bits, unsigned.
 * @returns The number; inexact from 2^53 on, which {@linkcode isAddress} tells.
 */
export function fromHalves(lo: number, hi: number): number {
  return lo + hi * HIGH;
}

/**
 * Tells whether a number can be an {@linkcode Address}.
 *
 * @param value The number.
 * @returns Whether it is an integer from 0 to 2^53 - 1.
 */
export function isAddress(value: number): value is Address {
  return Number.isSafeInteger(value) && value >= 0;
}

/**
 * The high 32 bits of an address.
 *
 * @param value A non-negative integer below 2^53.
 * @returns The upper half, unsigned.
 */
export function highHalf(value: number): number {
  return Math.floor(value / HIGH);
}

/**
 * Formats an address as users and manuals write it.
 *
 * @param value The address.
 * @returns `0x` and lower-case hexadecimal digits, without leading zeros.
 */
export function formatAddress(value: number): string {
  return `0x${value.toString(16)}`;
}
