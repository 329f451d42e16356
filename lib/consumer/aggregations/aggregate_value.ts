/**
 * What the words of an entry come to: one number, or the counts of its buckets.
 *
 * Computing it is not on any hot path, so that division and roots are done with `bigint` where a number would not be
 * exact. Normalizing divides by a factor on the way out; the words stay as they are.
 *
 * @module
 */

import type { Int64 } from "../../d/int64.ts";
import { fromBigInt, toBigInt } from "../../d/int64.ts";
import type { AggregationTable } from "../../d/run/aggregation_table.ts";
import { lquantizeSteps } from "../../d/run/buckets.ts";
import { quantizeValue } from "../../quantize.ts";
import type { AggregatingFunction } from "../../d/tree.ts";

const HALF = 2 ** 32;
const MIDDLE_OF_QUANTIZE = 63;

/** A bucket of a distribution. */
export interface Bucket {
  /** Which one it is of all, ascending. */
  readonly place: number;
  /** What it stands for, as it is printed: a bound, or a bound with what it is. */
  readonly label: string;
  /** The least value that belongs to it; of buckets below zero the greatest. Undefined for what is nearest to zero. */
  readonly bound: number | undefined;
  /** How many values fell into it, normalized. */
  readonly count: Int64;
  /** The same before normalizing, as a number: how long its bar is. */
  readonly size: number;
}

/**
 * Tells whether a function makes a distribution.
 *
 * @param name The function.
 * @returns Whether its value is not one number.
 */
export function isDistribution(name: AggregatingFunction): boolean {
  return name === "quantize" || name === "lquantize" || name === "llquantize";
}

/**
 * Computes the number that an entry comes to.
 *
 * @param table The table, of a function that makes no distribution.
 * @param words The words of the entry; undefined if there is none, which is as nothing.
 * @param factor By what it is normalized.
 * @returns The number, with a sign.
 */
export function numberOfEntry(table: AggregationTable, words: Int32Array | undefined, factor: number): Int64 {
  if (words === undefined) return { lo: 0, hi: 0 };
  const name = table.aggregation.function;
  if (name === "avg") return averageBigInt(words, factor);
  if (name === "stddev") return deviationBigInt(words, factor);
  return divide(words, 0, factor);
}

/**
 * Lists the buckets of an entry that are printed: those with values, and one beside them on each side.
 *
 * @param table The table, of a function that makes a distribution.
 * @param words The words of the entry; undefined if there is none.
 * @param factor By what the counts are normalized.
 * @returns The buckets, three at least.
 */
export function bucketsOfEntry(table: AggregationTable, words: Int32Array | undefined, factor: number): Bucket[] {
  const counts = words ?? new Int32Array(table.stride);
  const last = table.stride / 2 - 1;
  const isEmpty = (bucket: number) => counts[2 * bucket] === 0 && counts[2 * bucket + 1] === 0;
  let begin = 0;
  while (begin <= last && isEmpty(begin)) begin++;
  let end = last;
  while (end >= 0 && isEmpty(end)) end--;
  [begin, end] = begin > last ? emptyRange(table) : [Math.max(0, begin - 1), Math.min(last, end + 1)];
  return listBuckets(table, counts, factor, [begin, end]);
}

/**
 * Lists the buckets of an entry that are drawn in a line: of a distribution with bounds all; of others those with values, and one
 * beside them on each side, but for what is below zero.
 *
 * @param table The table, of a function that makes a distribution.
 * @param words The words of the entry.
 * @returns The buckets.
 */
export function packedBucketsOfEntry(table: AggregationTable, words: Int32Array): Bucket[] {
  if (table.aggregation.function === "lquantize") return listBuckets(table, words, 1, [0, table.stride / 2 - 1]);
  const buckets = bucketsOfEntry(table, words, 1);
  return buckets[0]!.place === MIDDLE_OF_QUANTIZE - 1 && buckets[0]!.size === 0 ? buckets.slice(1) : buckets;
}

function listBuckets(
  table: AggregationTable,
  counts: Int32Array,
  factor: number,
  [begin, end]: readonly [begin: number, end: number],
): Bucket[] {
  return Array.from({ length: end - begin + 1 }, (_, index) => {
    const bucket = begin + index;
    const size = counts[2 * bucket + 1]! * HALF + (counts[2 * bucket]! >>> 0);
    return { place: bucket, ...boundOf(table, bucket), count: divide(counts, 2 * bucket, factor), size };
  });
}

/**
 * Weighs a distribution, so that distributions can be sorted.
 *
 * @param table The table.
 * @param words The words of the entry.
 * @returns The sum of the buckets' bounds times their counts, and what is in the bucket of zero.
 */
export function weightOfEntry(table: AggregationTable, words: Int32Array): { sum: number; zero: number } {
  let sum = 0;
  let zero = 0;
  for (let bucket = 0; bucket < table.stride / 2; bucket++) {
    const count = words[2 * bucket + 1]! * HALF + (words[2 * bucket]! >>> 0);
    if (count === 0) continue;
    const weight = weightOf(table, bucket);
    if (weight === 0) zero += count;
    sum += count * weight;
  }
  return { sum, zero };
}

/** The buckets that are printed where there is nothing. */
function emptyRange(table: AggregationTable): [begin: number, end: number] {
  if (table.aggregation.function === "quantize") return [MIDDLE_OF_QUANTIZE - 1, MIDDLE_OF_QUANTIZE + 1];
  if (table.bounds !== undefined) return [table.bounds.bounds.length, table.bounds.bounds.length + 2];
  return [0, 2];
}

function boundOf(table: AggregationTable, bucket: number): { label: string; bound: number | undefined } {
  const { function: name, parameters } = table.aggregation;
  if (name === "quantize") {
    const bound = quantizeValue(bucket);
    // Powers of two beyond 2^53 are exact, but their digits are not those that JavaScript prints.
    return { label: digitsBigInt(bound), bound };
  }
  if (name === "lquantize") {
    const [base, , step] = parameters as [number, number, number];
    const steps = lquantizeSteps(parameters);
    if (bucket === 0) return { label: `< ${base}`, bound: base };
    const bound = base + (bucket - 1) * step;
    return { label: bucket > steps ? `>= ${bound}` : String(bound), bound };
  }
  const { bounds } = table.bounds!;
  const side = bucket - bounds.length;
  if (side === 0) return { label: bounds[0] === 1 ? "0" : `abs() < ${digitsBigInt(bounds[0]!)}`, bound: undefined };
  const bound = Math.sign(side) * bounds[Math.abs(side) - 1]!;
  const isLast = Math.abs(side) === bounds.length;
  const relation = !isLast ? "" : side < 0 ? "<= " : ">= ";
  return { label: relation + digitsBigInt(bound), bound };
}

function weightOf(table: AggregationTable, bucket: number): number {
  if (table.aggregation.function !== "lquantize") return boundOf(table, bucket).bound ?? 0;
  const [base, , step] = table.aggregation.parameters as [number, number, number];
  const steps = lquantizeSteps(table.aggregation.parameters);
  if (bucket === 0) return base - 1;
  return bucket > steps ? base + steps * step + 1 : base + (bucket - 1) * step;
}

function digitsBigInt(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : String(BigInt(value));
}

function divide(words: Int32Array, at: number, factor: number): Int64 {
  const value = { lo: words[at]! >>> 0, hi: words[at + 1]! >>> 0 };
  return factor === 1 ? value : divideBigInt(value, factor);
}

function divideBigInt(value: Int64, factor: number): Int64 {
  return fromBigInt(toBigInt(value, true) / BigInt(factor));
}

function wordBigInt(words: Int32Array, at: number): bigint {
  return toBigInt({ lo: words[at]! >>> 0, hi: words[at + 1]! >>> 0 }, true);
}

function averageBigInt(words: Int32Array, factor: number): Int64 {
  const count = wordBigInt(words, 0);
  return count === 0n ? { lo: 0, hi: 0 } : fromBigInt(wordBigInt(words, 2) / BigInt(factor) / count);
}

/** The root of the average of the squares less the square of the average, all in whole numbers. */
function deviationBigInt(words: Int32Array, factor: number): Int64 {
  const count = wordBigInt(words, 0);
  if (count === 0n) return { lo: 0, hi: 0 };
  const normal = BigInt(factor);
  const squares = (BigInt.asUintN(64, wordBigInt(words, 6)) << 64n) | BigInt.asUintN(64, wordBigInt(words, 4));
  const average = wordBigInt(words, 2) / normal / count;
  const variance = squares / (normal * normal) / count - average * average;
  return fromBigInt(variance > 0n ? rootBigInt(variance) : 0n);
}

/** Newton's method, from above. */
function rootBigInt(value: bigint): bigint {
  let root = BigInt(Math.ceil(Math.sqrt(Number(value)))) + 1n;
  for (;;) {
    const next = (root + value / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}
