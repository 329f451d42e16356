/**
 * The buckets of D's `quantize`: powers of two to both sides of zero.
 *
 * There are 127: zero in the middle, and to both sides the powers of two up to 2^62; 2^n holds 2^n to 2^(n+1)-1, and -(2^n)
 * the same with a minus. The last one on the left holds -(2^63) as well. Values are signed 64-bit integers, which come as
 * halves.
 *
 * @module
 */

/** How many buckets there are. */
export const QUANTIZE_BUCKETS = 127;

const QUANTIZE_ZERO = 63;

/**
 * Finds the bucket for a value.
 *
 * @param lo The low half.
 * @param hi The high half.
 * @returns The bucket, 0 to 126.
 */
export function quantizeBucket(lo: number, hi: number): number {
  if (hi >= 0) return bucketOfBits(bitsOf(lo, hi), false);
  // The magnitude of a negative value is its two's complement.
  return bucketOfBits(bitsOf(-lo | 0, ~hi + (lo === 0 ? 1 : 0) | 0), true);
}

/**
 * Finds the bucket for the values whose magnitudes have so many bits.
 *
 * @param bits How many: 0 for zero alone, 63 at most; for negative values 1 to 64.
 * @param isNegative Whether the values are negative.
 * @returns The bucket, 0 to 126.
 */
export function bucketOfBits(bits: number, isNegative: boolean): number {
  return isNegative ? Math.max(QUANTIZE_ZERO - bits, 0) : QUANTIZE_ZERO + bits;
}

/**
 * Tells for what a bucket stands.
 *
 * @param bucket The bucket.
 * @returns A power of two, negative on the left, or 0; exact.
 */
export function quantizeValue(bucket: number): number {
  if (bucket === QUANTIZE_ZERO) return 0;
  return bucket > QUANTIZE_ZERO ? 2 ** (bucket - QUANTIZE_ZERO - 1) : -(2 ** (QUANTIZE_ZERO - bucket - 1));
}

/** How many bits an unsigned integer has, without the zeros in front. */
function bitsOf(lo: number, hi: number): number {
  return hi === 0 ? 32 - Math.clz32(lo) : 64 - Math.clz32(hi);
}
