/**
 * The principal buffer: a part of the program's memory into which clauses write records.
 *
 * Clauses find in two cells where the next record begins and up to where there is room, and ask for more when a record does
 * not fit. What happens then is the policy:
 *
 * | `bufpolicy` | a record that does not fit |
 * | --- | --- |
 * | `switch` | is dropped; the buffer is emptied at `switchrate` |
 * | `fill` | is left out, and tracing ends |
 * | `ring` | takes the place of the oldest ones |
 *
 * A ring that has come round holds its newest records from the beginning to the position, and its oldest from the tail to
 * where it was turned; the room ends at the tail.
 *
 * @module
 */

import { Cell, type MemoryLayout } from "../code/memory_layout.ts";
import { RecordHead } from "../code/record_layout.ts";
import type { CpuDrops } from "./cpu_drops.ts";
import type { RunOptions } from "./run_options.ts";

const POSITION = Cell.position >> 2;
const LIMIT = Cell.limit >> 2;

/** The buffer of a program. */
export class RecordBuffer {
  /** The records that were lost. */
  readonly drops: CpuDrops;
  /** Whether a record did not fit into a buffer of the policy `fill`. */
  isFull = false;
  readonly #words: Int32Array;
  readonly #begin: number;
  readonly #end: number;
  readonly #policy: RunOptions["bufpolicy"];
  /** Where a ring was turned; 0 if it has not come round. */
  #turn = 0;
  #tail: number;

  /**
   * Makes an empty buffer.
   *
   * @param words The memory.
   * @param layout Where the buffer is.
   * @param policy What happens when it is full.
   * @param drops Counts what is lost.
   */
  constructor(words: Int32Array, layout: MemoryLayout, policy: RunOptions["bufpolicy"], drops: CpuDrops) {
    this.drops = drops;
    this.#words = words;
    this.#begin = layout.buffer.begin;
    this.#end = layout.buffer.end;
    this.#policy = policy;
    this.#tail = this.#begin;
    this.#clear();
  }

  /** How many bytes of records are in it. */
  get usedBytes(): number {
    const position = this.#words[POSITION]!;
    return position - this.#begin + (this.#turn === 0 ? 0 : this.#turn - this.#tail);
  }

  /**
   * Makes room for a record that does not fit.
   *
   * @param size Its bytes.
   * @returns Where it begins; 0 if there is no room.
   */
  reserve(size: number): number {
    if (this.#policy === "ring" && size <= this.#end - this.#begin) return this.#overwrite(size);
    // To fill the buffer is what was asked for; what does not fit is no drop.
    if (this.#policy === "fill") this.isFull = true;
    else this.drops.add();
    return 0;
  }

  /**
   * Appends a record that is complete.
   *
   * @param record Its words.
   */
  append(record: Int32Array): void {
    const size = 4 * record.length;
    let at = this.#words[POSITION]!;
    if (at + size > this.#words[LIMIT]!) at = this.reserve(size);
    if (at === 0) return;
    this.#words.set(record, at >> 2);
    this.#words[POSITION] = at + size;
  }

  /**
   * Takes all records out, the oldest first.
   *
   * @param visit Called with the offset of each; it must not run clauses.
   */
  drain(visit: (at: number) => void): void {
    if (this.#turn !== 0) this.#visit(this.#tail, this.#turn, visit);
    this.#visit(this.#begin, this.#words[POSITION]!, visit);
    this.#clear();
  }

  #visit(begin: number, end: number, visit: (at: number) => void): void {
    for (let at = begin; at < end; at += this.#sizeAt(at)) visit(at);
  }

  #sizeAt(at: number): number {
    return this.#words[(at + RecordHead.size) >> 2]!;
  }

  #clear(): void {
    this.#turn = 0;
    this.#tail = this.#begin;
    this.#words[POSITION] = this.#begin;
    this.#words[LIMIT] = this.#end;
  }

  #overwrite(size: number): number {
    let at = this.#words[POSITION]!;
    if (at + size > this.#end) {
      // What is left of the last round is gone; this one becomes the last.
      this.#turn = at;
      this.#tail = this.#begin;
      at = this.#begin;
    }
    while (this.#turn !== 0 && at + size > this.#tail) {
      this.#tail += this.#sizeAt(this.#tail);
      if (this.#tail >= this.#turn) this.#turn = 0;
    }
    this.#words[LIMIT] = this.#turn === 0 ? this.#end : this.#tail;
    this.#words[POSITION] = at;
    return at;
  }
}
