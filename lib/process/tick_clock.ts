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
/** How many ticks lie between two readings at least: counters of some machines are slow. */
const APART_TICKS = 32;
/** How many readings are remembered, a power of two: those of some 50 ms if every hit stops the thread. */
const READINGS = 4096;
const MASK = READINGS - 1;

/** See the module's comment. */
export class TickClock {
  /** The ticks of the first reading, as two halves. */
  readonly base: readonly [lo: number, hi: number];
  /** When it was read last, in ticks since the base. */
  nowTicks = 0;
  readonly #kernel: Kernel;
  readonly #halves = new Uint32Array(2);
  readonly #now = new Float64Array(1);
  readonly #nowBytes = new Uint8Array(this.#now.buffer);
  readonly #halvesBytes = new Uint8Array(this.#halves.buffer);
  /** The readings, each at its number modulo their number, and the number of the last one. */
  readonly #ticks = new Float64Array(READINGS);
  readonly #ns = new Float64Array(READINGS);
  #last = 0;
  /** Between which readings the last time was that was asked for, and how fast ticks came there. */
  #fromTicks = Infinity;
  #untilTicks = -Infinity;
  #fromNs = 0.5;
  #nsPerTick = 0.5;

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

  /** How fast the ticks come. It was read since they were first. */
  get ticksPerSecond(): number {
    const at = this.#last & MASK;
    const oldest = Math.max(0, this.#last - MASK) & MASK;
    return (this.#ticks[at]! - this.#ticks[oldest]!) / (this.#ns[at]! - this.#ns[oldest]!) * 1e9;
  }

  /** Reads both clocks again. Times up to now are exact from then on. The first call may take a moment. */
  read(): void {
    const before = this.#last & MASK;
    const apartNs = this.#last === 0 ? FIRST_APART_NS : APART_NS;
    const [baseLo, baseHi] = this.base;
    do {
      this.#kernel.call.ft_ticks(this.#halvesBytes, this.#nowBytes);
    } while (this.#last === 0 && this.#now[0]! - this.#ns[before]! < apartNs);
    this.nowTicks = (this.#halves[1]! - baseHi) * 2 ** 32 + (this.#halves[0]! - baseLo);
    if (this.#now[0]! - this.#ns[before]! < apartNs) return;
    if (this.nowTicks - this.#ticks[before]! < APART_TICKS) return;
    const at = ++this.#last & MASK;
    this.#ticks[at] = this.nowTicks;
    this.#ns[at] = this.#now[0]!;
  }

  /**
   * Makes a time of ticks.
   *
   * @param ticks The ticks since {@linkcode TickClock.base}. It was read since then.
   * @returns CLOCK_MONOTONIC, in whole nanoseconds.
   */
  toNs(ticks: number): number {
    if (!(ticks >= this.#fromTicks && ticks < this.#untilTicks)) this.#findReadings(ticks);
    return Math.round(this.#fromNs + (ticks - this.#fromTicks) * this.#nsPerTick);
  }

  /** Finds the readings between which a time is. */
  #findReadings(ticks: number): void {
    const oldest = Math.max(0, this.#last - MASK);
    let begin = this.#last - 1;
    while (begin > oldest && ticks < this.#ticks[begin & MASK]!) begin--;
    // What is older than all that is remembered is told by the longest time that is known.
    const end = ticks < this.#ticks[begin & MASK]! ? this.#last : begin + 1;
    this.#fromTicks = this.#ticks[begin & MASK]!;
    this.#untilTicks = end === begin + 1 ? this.#ticks[end & MASK]! : -Infinity;
    this.#fromNs = this.#ns[begin & MASK]!;
    this.#nsPerTick = (this.#ns[end & MASK]! - this.#fromNs) / (this.#ticks[end & MASK]! - this.#fromTicks);
  }
}
