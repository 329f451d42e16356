/**
 * A timer that keeps its rate: each time is a multiple of the period behind the beginning, however late the ones before it
 * were. It goes off once for times that have been missed, and tells how many they were: a probe that fires twice at once
 * tells nothing, unless its period is shorter than those that the runtime knows.
 *
 * The first wait is for an {@linkcode Alarm}, while the first events are about to come, and the runtime's timers would have to be
 * loaded before them. Alarms go off late where the program has much to do, so all others are for those timers.
 *
 * @module
 */

import { Alarm } from "../alarm.ts";

/** How long it waits at least, in milliseconds. */
const SHORTEST_MS = 0.01;
/** How long it waits for an alarm at most, in milliseconds. */
const ALARM_MS = 50;

/** See the module's comment. */
export class Ticker implements Disposable {
  readonly #periodMs: () => number;
  readonly #fire: (missed: number) => void;
  readonly #alarm = new Alarm();
  #dueMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #begun = false;
  #ended = false;

  /**
   * Starts it.
   *
   * @param periodMs The period, in milliseconds; it is asked for each time, and may change.
   * @param fire Called each time, with how many times have been missed since the last one.
   */
  constructor(periodMs: () => number, fire: (missed: number) => void) {
    this.#periodMs = periodMs;
    this.#fire = fire;
    this.#dueMs = performance.now() + periodMs();
    this.#wait();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#alarm.cancel();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  #wait(): void {
    const restMs = Math.max(SHORTEST_MS, this.#dueMs - performance.now());
    if (this.#begun) this.#timer = setTimeout(() => this.#ring(), restMs);
    else this.#alarm.set(Math.min(restMs, ALARM_MS), () => this.#ring());
    this.#begun = true;
  }

  #ring(): void {
    if (this.#ended) return;
    const lateMs = performance.now() - this.#dueMs;
    if (lateMs < 0) return this.#wait();
    const periodMs = Math.max(SHORTEST_MS, this.#periodMs());
    const missed = Math.floor(lateMs / periodMs);
    this.#dueMs += (missed + 1) * periodMs;
    try {
      this.#fire(missed);
    } finally {
      // Only now: the first time that the runtime's timers are wanted they have to be loaded.
      if (!this.#ended) this.#wait();
    }
  }
}
