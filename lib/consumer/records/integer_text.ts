/**
 * 64-bit integers as text, without `bigint`.
 *
 * @module
 */

const HALF = 2 ** 32;
const MILLION = 1e6;
/** High halves from here on belong to integers of 2^53 and more. */
const HIGH_LIMIT = 2 ** 21;

/**
 * Writes an unsigned integer in decimal. A remainder of a million times 2^32 is below 2^53, so that what stands before the
 * last six digits, and these, are found exactly.
 *
 * @param lo The low half, unsigned.
 * @param hi The high half, unsigned.
 * @returns The digits.
 */
export function formatUnsigned(lo: number, hi: number): string {
  if (hi < HIGH_LIMIT) return String(hi * HALF + lo);
  const low = (hi % MILLION) * HALF + lo;
  const millions = Math.floor(hi / MILLION) * HALF + Math.floor(low / MILLION);
  return `${millions}${String(low % MILLION).padStart(6, "0")}`;
}

/**
 * Writes a signed integer in decimal.
 *
 * @param lo The low half, unsigned.
 * @param hi The high half, unsigned.
 * @returns The digits, with a minus sign if it is negative.
 */
export function formatSigned(lo: number, hi: number): string {
  if (hi < HALF / 2) return formatUnsigned(lo, hi);
  return `-${formatUnsigned(-lo >>> 0, (~hi + (lo === 0 ? 1 : 0)) >>> 0)}`;
}

/**
 * Writes an unsigned integer in hexadecimal.
 *
 * @param lo The low half, unsigned.
 * @param hi The high half, unsigned.
 * @returns The digits, in lower case.
 */
export function formatHex(lo: number, hi: number): string {
  return hi === 0 ? lo.toString(16) : hi.toString(16) + lo.toString(16).padStart(8, "0");
}

/**
 * Writes an unsigned integer in octal: 21 digits in two parts of 30 bits, and what is left above.
 *
 * @param lo The low half, unsigned.
 * @param hi The high half, unsigned.
 * @returns The digits.
 */
export function formatOctal(lo: number, hi: number): string {
  if (hi === 0) return lo.toString(8);
  const low = lo & 0x3fffffff;
  const high = hi * 4 + (lo >>> 30);
  return high.toString(8) + low.toString(8).padStart(10, "0");
}

/**
 * Cuts 64 bits to a size.
 *
 * @param lo The low half, unsigned.
 * @param hi The high half, unsigned.
 * @param sizeBytes 1, 2, 4 or 8.
 * @returns The halves of what is left, without a sign.
 */
export function cutUnsigned(lo: number, hi: number, sizeBytes: number): [lo: number, hi: number] {
  if (sizeBytes === 8) return [lo, hi];
  return [sizeBytes === 4 ? lo : lo & (sizeBytes === 2 ? 0xffff : 0xff), 0];
}
