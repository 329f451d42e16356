/**
 * A timer that keeps its rate: each time is a multiple of the period behind the beginning, however late the ones before it
 * were. Times that have been missed are left out, as a probe that fires twice at once tells nothing.
 *
 * @module
 */

/** See the module's comment. */
export class Ticker implements Disposable {
  readonly #periodMs: number;
  readonly #fire: () => void;
  #dueMs: number;
  #timer: ReturnType<typeof setTimeout>;

  /**
   * Starts it.
   *
   * @param periodMs The period, in milliseconds; less than 1 is taken for 1.
   * @param fire Called each time.
   */
  constructor(periodMs: number, fire: () => void) {
    this.#periodMs = Math.max(1, periodMs);
    this.#fire = fire;
    this.#dueMs = performance.now() + this.#periodMs;
    this.#timer = this.#wait();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #wait(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const missed = Math.max(0, Math.floor((performance.now() - this.#dueMs) / this.#periodMs));
      this.#dueMs += (missed + 1) * this.#periodMs;
      // The next one first: to fire may end it.
      this.#timer = this.#wait();
      this.#fire();
    }, Math.max(0, this.#dueMs - performance.now()));
  }
}
