/**
 * The time of day at which something happened that CLOCK_MONOTONIC tells the time of.
 *
 * The difference between the two clocks is found out again when that is {@linkcode FRESH_NS} old, so that hits in their order
 * have times in their order.
 *
 * @module
 */

import type { Kernel } from "../../../ffi/ffi.ts";

const HALF = 2 ** 32;
const MILLION = 1e6;
/** How long a difference is used, in nanoseconds. */
const FRESH_NS = 1e8;

/** See the module's comment. */
export class WallClock {
  readonly #kernel: Kernel;
  /** By how many microseconds the time of day is ahead, and up to when that is taken to be so. */
  #aheadUs = 0;
  #freshUntilNs = 0;

  /**
   * Makes a clock.
   *
   * @param kernel The kernel's requests.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Tells the time of day.
   *
   * @param timestampNs The same time by CLOCK_MONOTONIC, in nanoseconds.
   * @param into Receives the halves of nanoseconds since 1970, which no number holds exactly; they are right to a microsecond.
   */
  read(timestampNs: number, into: Uint32Array): void {
    if (timestampNs > this.#freshUntilNs) {
      const nowNs = this.#kernel.call.ft_clock_ns();
      this.#aheadUs = (performance.timeOrigin + performance.now()) * 1000 - nowNs / 1000;
      this.#freshUntilNs = nowNs + FRESH_NS;
    }
    const microseconds = Math.floor(this.#aheadUs + timestampNs / 1000);
    const milliseconds = Math.floor(microseconds / 1000);
    // In halves: milliseconds times a million, and the rest.
    const low = (milliseconds % HALF) * MILLION;
    const lo = low % HALF + (microseconds % 1000) * 1000;
    into[0] = lo % HALF;
    into[1] = Math.floor(milliseconds / HALF) * MILLION + Math.floor(low / HALF) + Math.floor(lo / HALF);
  }
}
