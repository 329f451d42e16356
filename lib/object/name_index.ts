/**
 * Finds symbols by their exact name.
 *
 * A hash table with chaining over typed arrays, without a single JavaScript string: looking for one name among 100,000
 * must not decode them all. It is built when the first name is looked for (15 ms for 160,000 symbols).
 *
 * @module
 */

import type { StringTable } from "./string_table.ts";
import { type SymbolArea, type SymbolColumns, TABLE_SHIFT } from "./symbol_reader.ts";

/** How much of a name is hashed, so that overlapping names of a hostile file cannot make this slow. */
const HASHED_BYTES = 256;
const EMPTY = 0xffffffff;

/** An index of symbols by name. */
export class NameIndex {
  readonly #symbols: SymbolColumns;
  readonly #areas: readonly SymbolArea[];
  /** For each hash the first symbol. */
  readonly #heads: Uint32Array;
  /** For each symbol the next one of the same hash. */
  readonly #next: Uint32Array;
  readonly #encoder = new TextEncoder();

  /**
   * Hashes the names of all symbols.
   *
   * @param symbols The symbols.
   * @param areas The tables, for the names.
   */
  constructor(symbols: SymbolColumns, areas: readonly SymbolArea[]) {
    this.#symbols = symbols;
    this.#areas = areas;
    this.#heads = new Uint32Array(2 ** Math.ceil(Math.log2(symbols.count + 1))).fill(EMPTY);
    this.#next = new Uint32Array(symbols.count);
    // From the last to the first, because symbols are added at the head of their chain.
    for (let index = symbols.count - 1; index >= 0; index--) {
      const name = symbols.names[index] as number;
      const table = this.#table(index);
      const slot = this.#slot(table.bytes, name, table.symbolEnd(name, HASHED_BYTES));
      this.#next[index] = this.#heads[slot] as number;
      this.#heads[slot] = index;
    }
  }

  /**
   * Finds the symbols of a name.
   *
   * @param name The name, without version.
   * @returns Their indices in ascending order.
   */
  find(name: string): number[] {
    const bytes = this.#encoder.encode(name);
    const found: number[] = [];
    const slot = this.#slot(bytes, 0, Math.min(bytes.length, HASHED_BYTES));
    for (let index = this.#heads[slot] as number; index !== EMPTY; index = this.#next[index] as number) {
      if (this.#isNamed(index, bytes)) found.push(index);
    }
    return found;
  }

  #table(index: number): StringTable {
    return (this.#areas[(this.#symbols.flags[index] as number) >>> TABLE_SHIFT] as SymbolArea).strings;
  }

  #isNamed(index: number, wanted: Uint8Array): boolean {
    const table = this.#table(index);
    const name = this.#symbols.names[index] as number;
    for (let at = 0; at < wanted.length; at++) if (table.bytes[name + at] !== wanted[at]) return false;
    return table.symbolEnd(name) === name + wanted.length;
  }

  /** FNV-1a, 32 bits. */
  #slot(bytes: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
    return (hash ^ hash >>> 16) & (this.#heads.length - 1);
  }
}
