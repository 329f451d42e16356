/**
 * An associative array while a program runs: for each tuple where its value is.
 *
 * @module
 */

import type { DynamicSpace } from "./dynamic_space.ts";
import { KeyTable } from "./key_table.ts";

/** The elements of one array. */
export class AssociativeArray {
  readonly #space: DynamicSpace;
  readonly #valueBytes: number;
  readonly #keys = new KeyTable();
  readonly #offsets: number[] = [];

  /**
   * Makes an empty array.
   *
   * @param space Where its values are.
   * @param valueBytes How large a value is, a multiple of 8.
   */
  constructor(space: DynamicSpace, valueBytes: number) {
    this.#space = space;
    this.#valueBytes = valueBytes;
  }

  /** How many elements there are. */
  get size(): number {
    return this.#keys.size;
  }

  /**
   * Finds an element.
   *
   * @param words Where the words of the key are.
   * @param start The index of the first.
   * @param count How many.
   * @returns The offset of its value; 0 if there is none.
   */
  find(words: Int32Array, start: number, count: number): number {
    const entry = this.#keys.find(words, start, count);
    return entry < 0 ? 0 : this.#offsets[entry]!;
  }

  /**
   * Finds or makes an element.
   *
   * @param words Where the words of the key are.
   * @param start The index of the first.
   * @param count How many.
   * @returns The offset of its value; 0 if there is no room.
   */
  make(words: Int32Array, start: number, count: number): number {
    const found = this.find(words, start, count);
    if (found !== 0) return found;
    const at = this.#space.take(this.#valueBytes, 4 * count);
    if (at !== 0) this.#offsets[this.#keys.add(words, start, count)] = at;
    return at;
  }

  /**
   * Frees an element, if there is one.
   *
   * @param words Where the words of the key are.
   * @param start The index of the first.
   * @param count How many.
   */
  free(words: Int32Array, start: number, count: number): void {
    const entry = this.#keys.find(words, start, count);
    if (entry < 0) return;
    this.#space.give(this.#offsets[entry]!, this.#valueBytes, 4 * count);
    this.#keys.remove(entry);
  }
}
