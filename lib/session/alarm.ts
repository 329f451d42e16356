/**
 * A time after which something goes on.
 *
 * The runtime's timers would do as well, but the first of them takes 5 ms to load what it belongs to, as long as attaching
 * to a process takes. An alarm does not keep the program alive, and goes off only while something else does. Where the
 * event loop always has something else to do it goes off late, by no known limit: what has to be in time waits for a
 * timer (`program/ticker.ts`), and what must not wait at all looks at the clock itself.
 *
 * @module
 */

/** See the module's comment. There is one time at most. */
export class Alarm {
  readonly #word = new Int32Array(new SharedArrayBuffer(4));

  /**
   * Sets the alarm.
   *
   * @param ms The time in milliseconds.
   * @param ring Called after it, or soon after the alarm has been cancelled.
   */
  set(ms: number, ring: () => void): void {
    const { async, value } = Atomics.waitAsync(this.#word, 0, 0, ms);
    if (async) void value.then(ring);
    else ring();
  }

  /** Has the alarm go off early. */
  cancel(): void {
    Atomics.notify(this.#word, 0);
  }
}
