/**
 * The variables of threads: a block of memory for each thread that has any.
 *
 * A thread gets its block when it stores something else than zero, and gives it back when all of its variables are zero
 * again. What a thread leaves behind when it ends is given back when the host says so.
 *
 * @module
 */

import type { MemoryLayout } from "../code/memory_layout.ts";
import type { Variable } from "../tree.ts";
import type { DynamicSpace } from "./dynamic_space.ts";

/** The blocks of all threads. */
export class ThreadVariables {
  readonly #space: DynamicSpace;
  readonly #bytes: Uint8Array;
  readonly #layout: MemoryLayout;
  readonly #variables: readonly Variable[];
  readonly #blocks = new Map<number, number>();

  /**
   * Makes it, without blocks.
   *
   * @param space Where the blocks are.
   * @param bytes The memory.
   * @param layout Where variables are in a block.
   */
  constructor(space: DynamicSpace, bytes: Uint8Array, layout: MemoryLayout) {
    this.#space = space;
    this.#bytes = bytes;
    this.#layout = layout;
    this.#variables = [...layout.offsets.keys()].filter(({ scope }) => scope === "thread");
  }

  /** How many threads have variables. */
  get size(): number {
    return this.#blocks.size;
  }

  /**
   * Finds the block of a thread.
   *
   * @param tid The thread.
   * @returns Its offset; that of the zeros if there is none.
   */
  find(tid: number): number {
    return this.#blocks.get(tid) ?? this.#layout.zeros.begin;
  }

  /**
   * Makes the block of a thread that has none.
   *
   * @param tid The thread.
   * @returns Its offset; 0 if there is no room.
   */
  make(tid: number): number {
    const at = this.#space.take(this.#layout.threadBytes, 8);
    if (at !== 0) this.#blocks.set(tid, at);
    return at;
  }

  /**
   * Frees the block of a thread if all of its variables are zero.
   *
   * @param tid The thread.
   */
  freeIfZero(tid: number): void {
    const at = this.#blocks.get(tid);
    if (at === undefined || this.#variables.some((variable) => !this.#isZero(variable, at))) return;
    this.end(tid);
  }

  /**
   * Forgets a thread.
   *
   * @param tid The thread, which has ended.
   */
  end(tid: number): void {
    const at = this.#blocks.get(tid);
    if (at === undefined) return;
    this.#space.give(at, this.#layout.threadBytes, 8);
    this.#blocks.delete(tid);
  }

  #isZero(variable: Variable, block: number): boolean {
    const at = block + this.#layout.offsets.get(variable)!;
    const { form } = variable;
    // A string is zero if it is empty; bytes are never freed by an assignment.
    if (form.kind === "string") return this.#bytes[at] === 0;
    const size = form.kind === "bytes" ? form.sizeBytes : 8;
    for (let i = at; i < at + size; i++) if (this.#bytes[i] !== 0) return false;
    return true;
  }
}
