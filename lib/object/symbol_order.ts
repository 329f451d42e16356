/**
 * Puts function symbols in order of address and finds out which of them name the same function.
 *
 * *Problem.* One function often has several names (`fork`, `__fork`, `__libc_fork`); a listing shall have it once,
 * under the name that people know.
 *
 * *Method.* Symbols are sorted by address, then size (largest first), then rank. Symbols of equal address and size are
 * one function (libdtrace's rule, dt_pid_sym_filt); the first of them, its best rank, gives it its name. The rank
 * prefers, in this order: names that are not local to an object file; fewer leading underscores; a strong to a weak
 * symbol; the default version; the shorter name; what comes first in the file. Underscores
 * count more than weakness because glibc's public names are weak aliases of its own (`fork` of `__fork`).
 *
 * *Sizes.* Hand-written assembly functions often have size 0. Such a symbol takes the size of another at its address;
 * if there is none, it reaches to the next symbol, at most to the end of its section.
 *
 * *Bounds.* Ranks look at {@linkcode RANK_BYTES} bytes of a name, so that sorting costs O(n log n) for any file.
 *
 * @module
 */

import type { CodeRanges } from "./code_ranges.ts";
import {
  HIDDEN,
  LOCAL,
  SIZE_GUESSED,
  type SymbolArea,
  type SymbolColumns,
  TABLE_SHIFT,
  WEAK,
} from "./symbol_reader.ts";

const RANK_BYTES = 255;
const UNDERSCORES_MAX = 15;
const UNDERSCORE = 0x5f;
const AT_SIGN = 0x40;

/** Function symbols in order of address, and the functions they name. */
export interface OrderedSymbols {
  /** The symbols. Every one has a size. */
  readonly symbols: SymbolColumns;
  /** For each function the index of its first symbol, and at the end the number of symbols. */
  readonly groups: Uint32Array;
}

/**
 * Sorts function symbols and groups them by function.
 *
 * @param columns The symbols.
 * @param areas The tables, for the names.
 * @param ranges Where functions may be.
 * @returns The sorted symbols, without those to which no size can be given.
 */
export function orderSymbols(
  columns: SymbolColumns,
  areas: readonly SymbolArea[],
  ranges: CodeRanges,
): OrderedSymbols {
  const { offsets, sizes } = columns;
  const order = sortByOffset(columns);
  const sortRun = runSorter(columns, areas);
  const sorted = emptyColumns(columns.count);
  const groups = new Uint32Array(columns.count + 1);
  let groupCount = 0;
  for (let first = 0, behind; first < order.length; first = behind) {
    const offset = offsets[order[first] as number] as number;
    behind = first + 1;
    while (behind < order.length && offsets[order[behind] as number] === offset) behind++;
    const run = order.subarray(first, behind);
    if (sizes[run[0] as number] === 0 || run.length > 1) {
      const next = behind < order.length ? offsets[order[behind] as number] as number : Infinity;
      giveSizes(columns, run, Math.min(next, ranges.limitOf(ranges.start + offset) - ranges.start));
      sortRun(run);
    }

    for (let at = 0, lastSize = 0; at < run.length; at++) {
      const sizeBytes = sizes[run[at] as number] as number;
      if (sizeBytes === 0) break;
      if (sizeBytes !== lastSize) groups[groupCount++] = sorted.count;
      lastSize = sizeBytes;
      append(sorted, columns, run[at] as number);
    }
  }
  groups[groupCount] = sorted.count;
  return { symbols: sorted, groups: groups.slice(0, groupCount + 1) };
}

/**
 * Tells how good a symbol's name is; see the module's comment.
 *
 * @param columns The symbols.
 * @param index The symbol.
 * @param areas The tables, for the names.
 * @returns A number from 0 to 2^32 - 1; the smaller is better.
 */
export function rankOf(columns: SymbolColumns, index: number, areas: readonly SymbolArea[]): number {
  const flags = columns.flags[index] as number;
  const name = columns.names[index] as number;
  const { strings } = areas[flags >>> TABLE_SHIFT] as SymbolArea;
  const { bytes } = strings;
  const end = strings.symbolEnd(name, RANK_BYTES);
  let underscores = 0;
  while (underscores < UNDERSCORES_MAX && bytes[name + underscores] === UNDERSCORE) underscores++;
  const hidden = (flags & HIDDEN) !== 0 || (bytes[end] === AT_SIGN && bytes[end + 1] !== AT_SIGN);
  return (flags & LOCAL ? 2 ** 31 : 0) + underscores * 2 ** 27 + (flags & WEAK ? 2 ** 26 : 0) +
    (hidden ? 2 ** 25 : 0) + (end - name);
}

/**
 * Sorts by address. An index and an offset side by side are one 64-bit integer, of which a typed array sorts 100,000 in
 * 5 ms; a comparison function takes six times as long.
 */
function sortByOffset({ count, offsets }: SymbolColumns): Uint32Array {
  const words = new Uint32Array(count * 2);
  for (let index = 0; index < count; index++) {
    words[index * 2] = index;
    words[index * 2 + 1] = offsets[index] as number;
  }
  new BigUint64Array(words.buffer).sort();
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index++) order[index] = words[index * 2] as number;
  return order;
}

/** Gives the symbols of one address that have no size that of the largest, or what there is up to `limit`. */
function giveSizes(columns: SymbolColumns, run: Uint32Array, limit: number): void {
  let largest = 0;
  let largestFlags = SIZE_GUESSED;
  for (let at = 0; at < run.length; at++) {
    const index = run[at] as number;
    const sizeBytes = columns.sizes[index] as number;
    if (sizeBytes <= largest) continue;
    largest = sizeBytes;
    largestFlags = columns.flags[index] as number;
  }
  for (let at = 0; at < run.length; at++) {
    const index = run[at] as number;
    if (columns.sizes[index] !== 0) continue;
    columns.sizes[index] = largest || Math.max(0, limit - (columns.offsets[index] as number));
    columns.flags[index] = (columns.flags[index] as number) | (largestFlags & SIZE_GUESSED);
  }
}

/** Makes the function that sorts the symbols of one address, by size, rank and place in the files. */
function runSorter(columns: SymbolColumns, areas: readonly SymbolArea[]): (run: Uint32Array) => void {
  const { sizes } = columns;
  const ranks = new Uint32Array(columns.count);
  const compare = (a: number, b: number) =>
    (sizes[b] as number) - (sizes[a] as number) || (ranks[a] as number) - (ranks[b] as number) || a - b;
  return (run) => {
    for (let at = 0; at < run.length; at++) {
      const index = run[at] as number;
      ranks[index] = rankOf(columns, index, areas);
    }
    run.sort(compare);
  };
}

function emptyColumns(capacity: number): SymbolColumns {
  return {
    count: 0,
    offsets: new Uint32Array(capacity),
    sizes: new Uint32Array(capacity),
    names: new Uint32Array(capacity),
    flags: new Uint8Array(capacity),
  };
}

function append(to: SymbolColumns, from: SymbolColumns, index: number): void {
  const at = to.count++;
  to.offsets[at] = from.offsets[index] as number;
  to.sizes[at] = from.sizes[index] as number;
  to.names[at] = from.names[index] as number;
  to.flags[at] = from.flags[index] as number;
}
