/**
 * Random numbers that are the same in every run.
 *
 * @module
 */

/** Values at which carries and signs change. */
const CORNERS = [
  0,
  1,
  2,
  7,
  8,
  0xf,
  0x10,
  0xff,
  0x7fffffff,
  0x80000000,
  0x80000001,
  0xfffffff0,
  0xfffffffe,
  0xffffffff,
];

/** A generator (xorshift32, Marsaglia 2003). */
export class Random {
  #state: number;

  /**
   * Makes a generator.
   *
   * @param seed A positive integer.
   */
  constructor(seed: number) {
    this.#state = Math.imul(seed, 0x9e3779b1) | 1;
  }

  /** Makes an integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return Math.floor((this.#state >>> 0) / 2 ** 32 * limit);
  }

  /** Makes an unsigned 32-bit integer, one in three of them at a corner. */
  half(): number {
    return this.below(3) === 0 ? this.pick(CORNERS) : this.below(2 ** 32);
  }

  /** Makes bytes. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** Chooses one of several values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}
