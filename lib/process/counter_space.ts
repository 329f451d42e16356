/**
 * Who has which counters of the areas of pads.
 *
 * *Problem.* Most pads need one counter, a histogram needs 128 in a row. Both come and go by the thousand, in any order, and
 * what thousands of single ones have left must be good for histograms again.
 *
 * *Method.* Buddies: a run has a power of two of counters, and begins at a multiple of that. A run that is too large is split
 * into halves; when both halves of one are free, they are one again.
 *
 * @module
 */

import { assert } from "../errors.ts";

/** The most counters in a row: those of a histogram. */
export const RUN_LIMIT = 128;
const ORDERS = Math.log2(RUN_LIMIT) + 1;

/** See the module's comment. */
export class CounterSpace {
  readonly #total: number;
  /** The first counters of free runs, by the logarithm of how many they have. */
  readonly #free: readonly Set<number>[] = Array.from({ length: ORDERS }, () => new Set<number>());
  /** The first counter that no run has ever had. */
  #fresh = 0;

  /**
   * Makes the space with all counters free.
   *
   * @param total How many there are.
   */
  constructor(total: number) {
    this.#total = total - total % RUN_LIMIT;
  }

  /**
   * Takes a run.
   *
   * @param count How many counters it has at least: from 1 to {@linkcode RUN_LIMIT}.
   * @returns The first one; undefined if there is no such run.
   */
  take(count: number): number | undefined {
    const order = orderOf(count);
    let larger = order;
    while (larger < ORDERS && this.#free[larger]!.size === 0) larger++;
    const first = larger < ORDERS ? this.#takeFree(larger) : this.#takeFresh();
    if (first === undefined) return undefined;
    for (let half = Math.min(larger, ORDERS - 1) - 1; half >= order; half--) this.#free[half]!.add(first + 2 ** half);
    return first;
  }

  /**
   * Gives a run back.
   *
   * @param first Its first counter.
   * @param count As many as were asked for.
   */
  give(first: number, count: number): void {
    let order = orderOf(count);
    assert(first % 2 ** order === 0 && first < this.#fresh, "only a run that was taken is given back");
    while (order < ORDERS - 1) {
      const buddy = first ^ 2 ** order;
      if (!this.#free[order]!.delete(buddy)) break;
      first = Math.min(first, buddy);
      order++;
    }
    this.#free[order]!.add(first);
  }

  #takeFree(order: number): number {
    const [first] = this.#free[order]!;
    this.#free[order]!.delete(first!);
    return first!;
  }

  #takeFresh(): number | undefined {
    if (this.#fresh >= this.#total) return undefined;
    this.#fresh += RUN_LIMIT;
    return this.#fresh - RUN_LIMIT;
  }
}

function orderOf(count: number): number {
  return Math.ceil(Math.log2(count));
}
