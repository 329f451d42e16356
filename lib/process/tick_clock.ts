/**
 * The time of records: ticks of the CPU, which cost a few nanoseconds to read, as CLOCK_MONOTONIC.
 *
 * *Method.* Both clocks are read together now and then. Between two readings time runs evenly; behind the last one it goes on
 * as it has gone. A reading is the middle of two looks at the ticks around one at the clock, the closest pair of several, so
 * that it is right to some tens of nanoseconds.
 *
 * *Numbers.* Ticks are counted from the first reading: since the start of the machine there can be more of them than numbers
 * are exact for.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";

/** How far the first two readings lie apart at least, and all others, in nanoseconds. */
const FIRST_APART_NS = 2e5;
const APART_NS = 5e6;

/** See the module's comment. */
export class TickClock {
  /** The ticks of the first reading, as two halves. */
  readonly base: readonly [lo: number, hi: number];
  /** When it was read last, in ticks since the base. */
  nowTicks = 0;
  readonly #kernel: Kernel;
  readonly #halves = new Uint32Array(2);
  readonly #ns = new Float64Array(1);
  readonly #nsBytes = new Uint8Array(this.#ns.buffer);
  readonly #halvesBytes = new Uint8Array(this.#halves.buffer);
  #ticks = 0;
  #atNs = 0;
  /** Undefined until there are two readings. */
  #nsPerTick: number | undefined;

  /**
   * Reads both clocks.
   *
   * @param kernel The kernel's requests.
   * @throws {SystemError} `ENOSYS` on a machine whose ticks cannot be read.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.check(kernel.call.ft_ticks(this.#halvesBytes, this.#nsBytes), "read", "the clock of the CPU");
    this.base = [this.#halves[0]!, this.#halves[1]!];
    this.#atNs = this.#ns[0]!;
  }

  /** Reads both clocks again. Times up to now are exact from then on. The first call may take a moment. */
  read(): void {
    do {
      this.#kernel.call.ft_ticks(this.#halvesBytes, this.#nsBytes);
      const ticks = this.#ticksOf(this.#halves[0]!, this.#halves[1]!);
      this.nowTicks = ticks;
      const elapsedNs = this.#ns[0]! - this.#atNs;
      if (elapsedNs < (this.#nsPerTick === undefined ? FIRST_APART_NS : APART_NS)) continue;
      this.#nsPerTick = elapsedNs / (ticks - this.#ticks);
      this.#ticks = ticks;
      this.#atNs = this.#ns[0]!;
    } while (this.#nsPerTick === undefined);
  }

  /**
   * Makes a time of ticks.
   *
   * @param ticks The ticks since {@linkcode TickClock.base}. It was read since then.
   * @returns CLOCK_MONOTONIC, in whole nanoseconds.
   */
  toNs(ticks: number): number {
    return Math.round(this.#atNs + (ticks - this.#ticks) * (this.#nsPerTick ?? 0));
  }

  #ticksOf(lo: number, hi: number): number {
    const [baseLo, baseHi] = this.base;
    return (hi - baseHi) * 2 ** 32 + (lo - baseLo);
  }
}
