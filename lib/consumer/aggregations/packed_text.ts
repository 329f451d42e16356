/**
 * Distributions in one line each (`aggpack`), as illumos draws them.
 *
 * ```text
 *               key  min .------------------. max    | count
 *        1413409840    4 : ▁▃▁▅█▃▁▂▂▂▂▁▁    : 524288 | 2459
 * ```
 *
 * All have the same buckets, from the first to the last that any of them needs. A bucket is a character, by its share of the
 * whole (with `aggzoom`, of the largest); one without values is blank. Without UTF-8 the eight sizes are `__xxxxXX`, and those
 * below zero, which increments can make, are `vvvvVV` always.
 *
 * @module
 */

import { textOfName } from "../records/byte_text.ts";
import type { Bucket } from "./aggregate_value.ts";
import { scaleOf } from "./distribution_text.ts";

const BLOCKS = Array.from("▁▂▃▄▅▆▇█", textOfName);
const LETTERS = "__xxxxXX";
const LETTERS_BELOW = "vvvvVV";

/** One of several distributions. */
export interface PackedRow {
  /** Its keys, in their columns. */
  readonly label: string;
  /** Its buckets, without holes. */
  readonly buckets: readonly Bucket[];
}

/** How distributions are packed. */
export interface PackOptions {
  /** Whether the largest bucket has the full height. */
  readonly zoom: boolean;
  /** Whether characters of Unicode may be used. */
  readonly blocks: boolean;
  /** How many columns the bounds on both sides have at least. */
  readonly widths: readonly [low: number, high: number];
}

/**
 * Draws distributions, a line each, below a line that says what they are.
 *
 * @param rows The distributions.
 * @param options How.
 * @returns Lines, the first of them empty; nothing if there are no distributions.
 */
export function formatPacked(rows: readonly PackedRow[], { zoom, blocks, widths }: PackOptions): string {
  if (rows.length === 0) return "";
  const all = rows.flatMap(({ buckets }) => buckets);
  const first = all.reduce((least, bucket) => bucket.place < least.place ? bucket : least);
  const last = all.reduce((most, bucket) => bucket.place > most.place ? bucket : most);
  const width = Math.max(...rows.map(({ label }) => label.length));
  const low = first.label.padStart(widths[0]);
  const high = last.label.padEnd(widths[1]);
  const heading = width === 0 ? "" : "key".padStart(width);
  const bucketsTotal = last.place - first.place + 1;
  let text = `\n${heading} ${"min".padStart(low.length)} .${"-".repeat(bucketsTotal)}. ${
    "max".padEnd(high.length)
  } | count\n`;
  for (const { label, buckets } of rows) {
    const { total } = scaleOf(buckets, zoom);
    const marks = Array<string>(bucketsTotal).fill(" ");
    for (const { place, size } of buckets) marks[place - first.place] = markOf(size, total, blocks);
    text += `${label.padEnd(width)} ${low} :${marks.join("")}: ${high} | ${
      buckets.reduce((sum, { size }) => sum + size, 0)
    }\n`;
  }
  return text;
}

/** The character of a bucket. */
function markOf(size: number, total: number, blocks: boolean): string {
  if (size === 0) return " ";
  const marks = size < 0 ? LETTERS_BELOW : blocks ? BLOCKS : LETTERS;
  return marks[Math.floor(Math.abs(size) * (marks.length - 1) / total + 0.5)]!;
}
