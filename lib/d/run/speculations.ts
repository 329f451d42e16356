/**
 * Speculations: records that are kept aside until the program knows whether it wants them.
 *
 * There are `nspec` of them, with `specsize` bytes each. Committing or discarding one frees it at once: everything is done
 * by one thread, so that none is ever found busy, as it may be in the kernel.
 *
 * @module
 */

import type { Fault } from "./fault.ts";
import type { RecordBuffer } from "./record_buffer.ts";
import type { RunOptions } from "./run_options.ts";

/** A speculation that is active. */
interface Speculation {
  readonly records: Int32Array[];
  usedBytes: number;
}

/** The speculations of a program. */
export class Speculations {
  /** How many records did not fit, and how many speculations were not to be had, since somebody looked. */
  readonly drops = { spec: 0, specunavail: 0 };
  readonly #active: (Speculation | undefined)[];
  readonly #specsize: number;
  readonly #fault: Fault;
  #current: Speculation | undefined;

  /**
   * Makes it, without speculations.
   *
   * @param options How many there may be, and how large.
   * @param fault Ends a clause that names one that cannot be.
   */
  constructor({ nspec, specsize }: Pick<RunOptions, "nspec" | "specsize">, fault: Fault) {
    this.#active = new Array(nspec).fill(undefined);
    this.#specsize = specsize;
    this.#fault = fault;
  }

  /**
   * Begins one.
   *
   * @returns Its number, from 1; 0 if all are in use.
   */
  begin(): number {
    const index = this.#active.indexOf(undefined);
    if (index < 0) this.drops.specunavail++;
    else this.#active[index] = { records: [], usedBytes: 0 };
    return index + 1;
  }

  /** A clause begins, which does not speculate yet. */
  reset(): void {
    this.#current = undefined;
  }

  /**
   * Makes the record of the clause that runs belong to a speculation.
   *
   * @param id The number; 0 for none.
   * @returns Whether it is active.
   */
  speculate(id: number): boolean {
    this.#check(id);
    this.#current = this.#active[id - 1];
    return this.#current !== undefined;
  }

  /**
   * Takes a record.
   *
   * @param record Its words.
   * @param buffer Where it goes if the clause does not speculate.
   */
  take(record: Int32Array, buffer: RecordBuffer): void {
    const current = this.#current;
    if (current === undefined) return buffer.append(record);
    if (current.usedBytes + record.byteLength > this.#specsize) {
      this.drops.spec++;
      return;
    }
    current.records.push(record.slice());
    current.usedBytes += record.byteLength;
  }

  /**
   * Ends one, and keeps its records.
   *
   * @param id The number; nothing happens if none of that number is active.
   * @param buffer Where they go.
   */
  commit(id: number, buffer: RecordBuffer): void {
    this.#check(id);
    for (const record of this.#active[id - 1]?.records ?? []) buffer.append(record);
    this.discard(id);
  }

  /**
   * Ends one, and forgets its records.
   *
   * @param id The number; nothing happens if none of that number is active.
   */
  discard(id: number): void {
    this.#check(id);
    if (this.#active[id - 1] !== undefined) this.#active[id - 1] = undefined;
  }

  /** Numbers that `speculation()` never gives are a fault of the clause. */
  #check(id: number): void {
    if (id < 0 || id > this.#active.length) this.#fault.raise("illegalOperation");
  }
}
