/**
 * The buckets of `lquantize` and `llquantize`: which one a value falls into, and what each stands for. Those of `quantize`
 * are in `lib/quantize.ts`.
 *
 * | function | buckets |
 * | --- | --- |
 * | `lquantize` | one below the base, one for each step, one for the limit and above |
 * | `llquantize` | as on both sides of zero: what is nearer to zero than the lowest magnitude, the steps, what is beyond |
 *
 * Each magnitude of `llquantize`, from factor^m to below factor^(m+1), is divided into `steps` steps that are counted from
 * zero, so that those below factor^m are not there; no step is narrower than 1. Values are signed 64-bit integers, which
 * come as halves.
 *
 * @module
 */

const HALF = 2 ** 32;

/**
 * Finds the bucket of `lquantize` for a value.
 *
 * @param parameters Base, limit and step.
 * @param lo The low half.
 * @param hi The high half, as a signed integer.
 * @returns The bucket, 0 to the number of steps plus one.
 */
export function lquantizeBucket(parameters: readonly number[], lo: number, hi: number): number {
  const base = parameters[0]!;
  // Beyond 2^53 the number is not exact, and beyond every limit anyway.
  const value = hi * HALF + (lo >>> 0);
  if (value < base) return 0;
  const step = Math.floor((value - base) / parameters[2]!);
  return Math.min(step, lquantizeSteps(parameters)) + 1;
}

/**
 * Tells how many steps an `lquantize` has.
 *
 * @param parameters Base, limit and step.
 * @returns The number; there are two buckets more.
 */
export function lquantizeSteps([base, limit, step]: readonly number[]): number {
  return Math.floor((limit! - base!) / step!);
}

/** The lower bounds of the buckets of an `llquantize` above zero. */
export class LogLinearBounds {
  /** The bounds, ascending: the first is factor^low, the last factor^(high+1), which is where the overflow begins. */
  readonly bounds: readonly number[];
  /** For each magnitude: where it ends, the width of a step, and the bucket that its first step would have from zero. */
  readonly #magnitudes: { end: number; width: number; offset: number }[] = [];

  /**
   * Computes the bounds.
   *
   * @param parameters Factor, low and high magnitude, steps.
   */
  constructor([factor, low, high, steps]: readonly number[]) {
    const bounds: number[] = [];
    for (let magnitude = low!; magnitude <= high!; magnitude++) {
      const begin = factor! ** magnitude;
      const end = begin * factor!;
      const width = Math.max(1, Math.floor(end / steps!));
      const first = Math.floor(begin / width);
      this.#magnitudes.push({ end, width, offset: bounds.length - first });
      bounds.push(begin);
      for (let bound = (first + 1) * width; bound < end; bound += width) bounds.push(bound);
    }
    bounds.push(factor! ** (high! + 1));
    this.bounds = bounds;
  }

  /** How many buckets there are on both sides and in the middle. */
  get bucketCount(): number {
    return 2 * this.bounds.length + 1;
  }

  /**
   * Finds the bucket for a value.
   *
   * @param lo The low half.
   * @param hi The high half, as a signed integer.
   * @returns The bucket; the middle one is as many as there are bounds.
   */
  bucket(lo: number, hi: number): number {
    const value = hi * HALF + (lo >>> 0);
    const side = this.#side(Math.abs(value));
    return value < 0 ? this.bounds.length - side : this.bounds.length + side;
  }

  /** How many bounds a magnitude has reached. */
  #side(magnitude: number): number {
    if (magnitude < this.bounds[0]!) return 0;
    let start = 0;
    for (const { end, width, offset } of this.#magnitudes) {
      if (magnitude < end) return Math.max(start, offset + Math.floor(magnitude / width)) + 1;
      start = offset + Math.ceil(end / width);
    }
    return this.bounds.length;
  }
}
