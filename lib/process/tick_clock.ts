/**
 * The time of records: ticks of the CPU, which cost a few nanoseconds to read, as CLOCK_MONOTONIC.
 *
 * *Method.* Both clocks are read together before times are wanted. Between two readings time runs evenly; so two times are in
 * the order of their ticks, whenever they are asked for, and nothing is guessed that lies ahead. The last readings are
 * remembered for what comes late. A reading is the middle of two looks at the ticks around one at the clock, the closest pair
 * of several, so that it is right to some tens of nanoseconds.
 *
 * *Numbers.* Ticks are counted from the first reading: since the start of the machine there can be more of them than numbers
 * are exact for.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";

/** How far the first two readings lie apart at least, and all others, in nanoseconds. */
const FIRST_APART_NS = 2e5;
const APART_NS = 1000;
/** How many readings are remembered. */
const READINGS = 64;

/** See the module's comment. */
export class TickClock {
  /** The ticks of the first reading, as two halves. */
  readonly base: readonly [lo: number, hi: number];
  readonly #kernel: Kernel;
  readonly #halves = new Uint32Array(2);
  readonly #now = new Float64Array(1);
  readonly #nowBytes = new Uint8Array(this.#now.buffer);
  readonly #halvesBytes = new Uint8Array(this.#halves.buffer);
  /** The readings, the last one first. */
  readonly #ticks = new Float64Array(READINGS);
  readonly #ns = new Float64Array(READINGS);
  #readingsTotal = 1;

  /**
   * Reads both clocks.
   *
   * @param kernel The kernel's requests.
   * @throws {SystemError} `ENOSYS` on a machine whose ticks cannot be read.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.check(kernel.call.ft_ticks(this.#halvesBytes, this.#nowBytes), "read", "the clock of the CPU");
    this.base = [this.#halves[0]!, this.#halves[1]!];
    this.#ns[0] = this.#now[0]!;
  }

  /**
   * Tells the time.
   *
   * @returns The ticks since {@linkcode TickClock.base}.
   */
  now(): number {
    this.#kernel.call.ft_ticks(this.#halvesBytes, this.#nowBytes);
    const [baseLo, baseHi] = this.base;
    return (this.#halves[1]! - baseHi) * 2 ** 32 + (this.#halves[0]! - baseLo);
  }

  /** Reads both clocks again. Times up to now are exact from then on. The first call may take a moment. */
  read(): void {
    const isFirst = this.#readingsTotal === 1;
    let ticks: number;
    do ticks = this.now(); while (isFirst && this.#now[0]! - this.#ns[0]! < FIRST_APART_NS);
    if (this.#now[0]! - this.#ns[0]! < APART_NS) return;
    this.#ticks.copyWithin(1, 0);
    this.#ns.copyWithin(1, 0);
    this.#ticks[0] = ticks;
    this.#ns[0] = this.#now[0]!;
    this.#readingsTotal = Math.min(this.#readingsTotal + 1, READINGS);
  }

  /**
   * Makes a time of ticks.
   *
   * @param ticks The ticks since {@linkcode TickClock.base}, not behind the last time that it was read.
   * @returns CLOCK_MONOTONIC, in whole nanoseconds.
   */
  toNs(ticks: number): number {
    let i = 1;
    while (i < this.#readingsTotal - 1 && ticks < this.#ticks[i]!) i++;
    const nsPerTick = (this.#ns[i - 1]! - this.#ns[i]!) / (this.#ticks[i - 1]! - this.#ticks[i]!);
    return Math.round(this.#ns[i]! + (ticks - this.#ticks[i]!) * nsPerTick);
  }
}
