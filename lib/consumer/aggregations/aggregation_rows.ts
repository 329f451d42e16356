/**
 * The rows of a print of aggregations: keys with the values of one or several tables, in the order of the options.
 *
 * | option | order |
 * | --- | --- |
 * | none | by value, then by key |
 * | `aggsortkey` | by key, then by value |
 * | `aggsortkeypos` | of the keys that one counts first, then those behind it, then those before it |
 * | `aggsortpos` | of several aggregations that one counts first, then the others |
 * | `aggsortrev` | the other way round |
 *
 * Integers in keys are compared without a sign and values with one, as DTrace does; distributions by the sum of what is in
 * them, then by what is in the bucket of zero.
 *
 * @module
 */

import type { AggregationTable } from "../../d/run/aggregation_table.ts";
import { type Datum, readKey } from "../../d/run/datum.ts";
import { KeyTable } from "../../d/run/key_table.ts";
import { cutUnsigned } from "../records/integer_text.ts";
import { isDistribution, numberOfEntry, weightOfEntry } from "./aggregate_value.ts";

/** How rows are sorted. */
export interface SortOptions {
  /** Whether keys count before values (`aggsortkey`). */
  readonly byKey: boolean;
  /** The key that counts first (`aggsortkeypos`). */
  readonly keyPosition: number;
  /** The aggregation that counts first (`aggsortpos`). */
  readonly position: number;
  /** Whether the order is reversed (`aggsortrev`). */
  readonly reverse: boolean;
}

/** A key and what belongs to it. */
export interface AggregationRow {
  readonly key: readonly Datum[];
  /** For each table the number of the entry; -1 if it has none of that key. */
  readonly entries: readonly number[];
}

/** What a value counts when rows are sorted: the first number, then the second. */
type Rank = readonly [first: number, second: number];

/** A row with what it is sorted by. */
interface RankedRow extends AggregationRow {
  readonly ranks: readonly Rank[];
}

/**
 * Makes the rows of tables.
 *
 * @param tables The tables, one at least, whose keys have the same forms.
 * @param options Their order.
 * @returns The rows, sorted.
 */
export function sortedRows(tables: readonly AggregationTable[], options: SortOptions): AggregationRow[] {
  const rows = joinedRows(tables).map((row): RankedRow => ({
    ...row,
    ranks: row.entries.map((entry, index) => rankOf(tables[index]!, entry)),
  }));
  const position = options.position < tables.length ? options.position : 0;
  const order = (a: RankedRow, b: RankedRow) => {
    const byKey = compareKeys(a.key, b.key, options.keyPosition);
    if (options.byKey && byKey !== 0) return byKey;
    return compareRanks(a.ranks, b.ranks, position) || byKey;
  };
  return rows.sort(options.reverse ? (a, b) => order(b, a) : order);
}

/** The keys of all tables, each once. */
function joinedRows(tables: readonly AggregationTable[]): AggregationRow[] {
  const forms = tables[0]!.aggregation.keys;
  const all = new KeyTable();
  const entries: number[][] = [];
  tables.forEach(({ keys }, index) => {
    for (const entry of keys.entries()) {
      const words = keys.key(entry);
      let row = all.find(words, 0, words.length);
      if (row < 0) {
        row = all.add(words, 0, words.length);
        entries[row] = tables.map(() => -1);
      }
      entries[row]![index] = entry;
    }
  });
  return entries.map((ofRow, row) => ({ key: readKey(forms, all.key(row)), entries: ofRow }));
}

function rankOf(table: AggregationTable, entry: number): Rank {
  // A key that an aggregation lacks counts as 0, which is what is printed for it.
  if (entry < 0) return [0, 0];
  if (isDistribution(table.aggregation.function)) {
    const { sum, zero } = weightOfEntry(table, table.value(entry));
    return [sum, zero];
  }
  const { lo, hi } = numberOfEntry(table, table.value(entry), 1);
  return [hi | 0, lo];
}

function compareRanks(a: readonly Rank[], b: readonly Rank[], position: number): number {
  for (let i = 0; i < a.length; i++) {
    const index = (position + i) % a.length;
    const [left, right] = [a[index]!, b[index]!];
    if (left[0] !== right[0]) return left[0] < right[0] ? -1 : 1;
    if (left[1] !== right[1]) return left[1] < right[1] ? -1 : 1;
  }
  return 0;
}

function compareKeys(a: readonly Datum[], b: readonly Datum[], position: number): number {
  const first = position < a.length ? position : 0;
  for (let i = 0; i < a.length; i++) {
    const index = (first + i) % a.length;
    const order = compareData(a[index]!, b[index]!);
    if (order !== 0) return order;
  }
  return 0;
}

function compareData(a: Datum, b: Datum): number {
  if (a.kind === "number" && b.kind === "number") {
    const [aLo, aHi] = cutUnsigned(a.lo, a.hi, a.sizeBytes);
    const [bLo, bHi] = cutUnsigned(b.lo, b.hi, b.sizeBytes);
    return aHi - bHi || aLo - bLo;
  }
  if ((a.kind === "string" || a.kind === "bytes") && a.kind === b.kind) return compareLists(a.bytes, b.bytes);
  if (a.kind === "stack" && b.kind === "stack") return a.pid - b.pid || compareLists(a.frames, b.frames);
  if (a.kind === "symbol" && b.kind === "symbol") return a.pid - b.pid || a.address - b.address;
  return 0;
}

function compareLists(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
