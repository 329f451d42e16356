/**
 * 64-bit integers in arrays of 32-bit words: two's complement, low half first, without a `bigint` for each.
 *
 * @module
 */

const HALF = 2 ** 32;

/**
 * Adds to an integer in place; what does not fit is lost.
 *
 * @param words The array.
 * @param at The index of its low half.
 * @param lo The low half of what is added.
 * @param hi The high half.
 */
export function addTo(words: Int32Array, at: number, lo: number, hi: number): void {
  const low = (words[at]! >>> 0) + (lo >>> 0);
  words[at] = low | 0;
  words[at + 1] = (words[at + 1]! + hi + (low >= HALF ? 1 : 0)) | 0;
}

/**
 * Tells whether one signed integer is less than another one.
 *
 * @param lo The low half of the first.
 * @param hi The high half of the first.
 * @param otherLo The low half of the other one.
 * @param otherHi The high half of the other one.
 * @returns Whether it is.
 */
export function isLess(lo: number, hi: number, otherLo: number, otherHi: number): boolean {
  return (hi | 0) === (otherHi | 0) ? lo >>> 0 < otherLo >>> 0 : (hi | 0) < (otherHi | 0);
}
