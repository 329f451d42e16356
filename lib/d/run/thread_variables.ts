/**
 * The variables of threads: a block of memory for each thread that has any.
 *
 * A thread gets its block when it stores something else than zero. When all of its variables are zero again, it may keep the
 * block, since it mostly wants it again soon, until others need the room. What a thread leaves behind when it ends is given
 * back when the host says so.
 *
 * @module
 */

import { Cell } from "../code/memory_layout.ts";
import type { Variable } from "../tree.ts";
import type { ClauseMemory } from "./clause_memory.ts";
import type { DynamicSpace } from "./dynamic_space.ts";

/** How many variables have to have become zero, for each block, before all blocks are looked at. */
const WORTHWHILE = 1 / 16;

/** The blocks of all threads. */
export class ThreadVariables {
  readonly #space: DynamicSpace;
  readonly #memory: ClauseMemory;
  readonly #variables: readonly Variable[];
  readonly #blocks = new Map<number, number>();
  /** How often variables have become zero since blocks were last given back, so that it may be worth looking at all. */
  #zerosTotal = 0;
  /** The thread that was found last, and its block. */
  #lastTid = 0;
  #lastAt = 0;

  /**
   * Makes it, without blocks.
   *
   * @param space Where the blocks are.
   * @param memory The memory, and where variables are in a block.
   */
  constructor(space: DynamicSpace, memory: ClauseMemory) {
    this.#space = space;
    this.#memory = memory;
    this.#variables = [...memory.layout.offsets.keys()].filter(({ scope }) => scope === "thread");
    space.reclaim = () => this.#giveBack();
  }

  /** How many threads have variables. */
  get size(): number {
    return this.#blocks.size;
  }

  /** The threads that have variables. */
  get tids(): MapIterator<number> {
    return this.#blocks.keys();
  }

  /**
   * Finds the block of a thread.
   *
   * @param tid The thread.
   * @returns Its offset; that of the zeros if there is none.
   */
  find(tid: number): number {
    if (tid === this.#lastTid && this.#lastAt !== 0) return this.#lastAt;
    const at = this.#blocks.get(tid);
    if (at === undefined) return this.#memory.layout.zeros.begin;
    this.#lastTid = tid;
    this.#lastAt = at;
    return at;
  }

  /**
   * Makes the block of a thread that has none.
   *
   * @param tid The thread.
   * @returns Its offset; 0 if there is no room.
   */
  make(tid: number): number {
    const at = this.#space.take(this.#memory.layout.threadBytes, 8);
    if (at !== 0) this.#blocks.set(tid, at);
    return at;
  }

  /** Variables of a thread have become zero. */
  noteZeros(): void {
    this.#zerosTotal++;
  }

  /**
   * Forgets a thread.
   *
   * @param tid The thread, which has ended.
   */
  end(tid: number): void {
    const at = this.#blocks.get(tid);
    if (at === undefined) return;
    if (at === this.#lastAt) this.#lastAt = 0;
    this.#space.give(at, this.#memory.layout.threadBytes, 8);
    this.#blocks.delete(tid);
  }

  /** Gives back all blocks whose variables are zero, if there may be many, but that of the thread for which clauses run. */
  #giveBack(): void {
    if (this.#zerosTotal < this.#blocks.size * WORTHWHILE) return;
    this.#zerosTotal = 0;
    const present = this.#memory.words[Cell.thread >> 2];
    for (const [tid, at] of [...this.#blocks]) {
      if (at !== present && this.#variables.every((variable) => this.#isZero(variable, at))) this.end(tid);
    }
  }

  #isZero(variable: Variable, block: number): boolean {
    const { bytes, layout } = this.#memory;
    const at = block + layout.offsets.get(variable)!;
    const { form } = variable;
    // A string is zero if it is empty; bytes are never freed by an assignment.
    if (form.kind === "string") return bytes[at] === 0;
    const size = form.kind === "bytes" ? form.sizeBytes : 8;
    for (let i = at; i < at + size; i++) if (bytes[i] !== 0) return false;
    return true;
  }
}
