/**
 * The backlog: threads whose stops have been consumed, in the order in which they arrived, and wait to be dispatched.
 *
 * *Invariant.* A thread is in it once at most.
 *
 * @module
 */

import type { Thread } from "./process.ts";

/** See the module's comment. */
export class Backlog {
  #threads: Thread[] = [];

  /** Whether no thread waits. */
  get isEmpty(): boolean {
    return this.#threads.length === 0;
  }

  /**
   * Adds a thread at the end, unless it is there.
   *
   * @param thread The thread.
   */
  add(thread: Thread): void {
    if (!this.#threads.includes(thread)) this.#threads.push(thread);
  }

  /**
   * Takes a thread out.
   *
   * @param thread The thread.
   * @returns Whether it was there.
   */
  remove(thread: Thread): boolean {
    const index = this.#threads.indexOf(thread);
    if (index >= 0) this.#threads.splice(index, 1);
    return index >= 0;
  }

  /**
   * Takes the thread out that has waited longest.
   *
   * @returns The thread; undefined if none waits.
   */
  next(): Thread | undefined {
    return this.#threads.shift();
  }

  /**
   * Takes some threads out; the others keep their order.
   *
   * @param isWanted Which.
   * @returns The threads, in their order.
   */
  extract(isWanted: (thread: Thread) => boolean): Thread[] {
    const [wanted, others]: [Thread[], Thread[]] = [[], []];
    for (const thread of this.#threads) (isWanted(thread) ? wanted : others).push(thread);
    this.#threads = others;
    return wanted;
  }
}
