/**
 * An aggregation while a program runs: for each key what the aggregating function has come to.
 *
 * **The problem.** A hit adds one value to one entry, and there may be millions of hits a second and of entries.
 *
 * **The method.** Entries have numbers (see `key_table.ts`), and their values are rows of 32-bit words in one array:
 *
 * | function | words of an entry |
 * | --- | --- |
 * | `count`, `sum`, `min`, `max` | the value: 2 |
 * | `avg` | how many values: 2; their sum: 2 |
 * | `stddev` | how many values: 2; their sum: 2; the sum of their squares: 4 |
 * | `quantize`, `lquantize`, `llquantize` | 2 for each bucket |
 *
 * All are integers of 64 bits in two's complement, low half first, that wrap; the sum of squares has 128 bits. So every
 * value is exact, and no `bigint` is needed.
 *
 * @module
 */

import { addTo, isLess } from "../../int64_words.ts";
import { assert } from "../../errors.ts";
import { QUANTIZE_BUCKETS, quantizeBucket } from "../../quantize.ts";
import { TallyWord } from "../../tally.ts";
import type { Aggregation } from "../tree.ts";
import type { CpuDrops } from "./cpu_drops.ts";
import { LogLinearBounds, lquantizeBucket, lquantizeSteps } from "./buckets.ts";
import { grown, KeyTable } from "./key_table.ts";

const ENTRIES_MIN = 16;
const INT64_MAX_HIGH = 0x7fffffff;
const INT64_MIN_HIGH = -0x80000000;
const HALF = 2 ** 32;

/** What aggregations may occupy together, and what did not fit. */
export interface AggregationSpace {
  /** The bytes that are left. */
  bytesLeft: number;
  /** The values that were lost because a new key did not fit. */
  readonly drops: CpuDrops;
}

/** The entries of one aggregation. */
export class AggregationTable {
  /** What is aggregated, and how. */
  readonly aggregation: Aggregation;
  /** The bounds of its buckets, for `llquantize`. */
  readonly bounds: LogLinearBounds | undefined;
  /** How many words an entry has. */
  readonly stride: number;
  readonly #space: AggregationSpace;
  readonly #keys = new KeyTable();
  #words: Int32Array;

  /**
   * Makes an empty table.
   *
   * @param aggregation What is aggregated.
   * @param space The space that it shares with others.
   */
  constructor(aggregation: Aggregation, space: AggregationSpace) {
    this.aggregation = aggregation;
    this.#space = space;
    if (aggregation.function === "llquantize") this.bounds = new LogLinearBounds(aggregation.parameters);
    this.stride = strideOf(aggregation, this.bounds);
    this.#words = new Int32Array(ENTRIES_MIN * this.stride);
  }

  /** The keys; their entries' numbers are those of {@linkcode AggregationTable.value}. */
  get keys(): Pick<KeyTable, "size" | "entries" | "key"> {
    return this.#keys;
  }

  /**
   * Adds a value.
   *
   * @param source Where the words of the key are.
   * @param start The index of the first.
   * @param count How many.
   * @param lo The low half of the value.
   * @param hi The high half of the value, as a signed integer.
   * @param incrementLo By how much the functions that quantize count, the low half.
   * @param incrementHi The high half of that.
   */
  add(
    source: Int32Array,
    start: number,
    count: number,
    lo: number,
    hi: number,
    incrementLo: number,
    incrementHi: number,
  ): void {
    let entry = this.#keys.find(source, start, count);
    if (entry < 0) {
      entry = this.#make(source, start, count);
      if (entry < 0) return;
    }
    this.#update(entry * this.stride, lo, hi, incrementLo, incrementHi);
  }

  /**
   * Adds what many values have come to; not for functions of which more than that has to be known.
   *
   * @param source Where the words of the key are.
   * @param start The index of the first.
   * @param count How many.
   * @param tally The words of the tally (`lib/tally.ts`), of one value at least.
   */
  addTally(source: Int32Array, start: number, count: number, tally: Int32Array): void {
    let entry = this.#keys.find(source, start, count);
    if (entry < 0) {
      entry = this.#make(source, start, count);
      if (entry < 0) return;
    }
    const at = entry * this.stride;
    const add = (to: number, from: number) => addTo(this.#words, at + to, tally[from]!, tally[from + 1]!);
    const { count: hits, sum, min, max, buckets } = TallyWord;
    switch (this.aggregation.function) {
      case "count":
        return add(0, hits);
      case "sum":
        return add(0, sum);
      case "avg":
        add(0, hits);
        return add(2, sum);
      case "min":
        return this.#update(at, tally[min]!, tally[min + 1]!, 1, 0);
      case "max":
        return this.#update(at, tally[max]!, tally[max + 1]!, 1, 0);
      case "quantize":
        for (let bucket = 0; bucket < QUANTIZE_BUCKETS; bucket++) add(2 * bucket, buckets + 2 * bucket);
        return;
      default:
        assert(false, `${this.aggregation.function} needs each value`);
    }
  }

  /**
   * Gives the words of an entry.
   *
   * @param entry Its number.
   * @returns A view of them, valid until a value is added.
   */
  value(entry: number): Int32Array {
    return this.#words.subarray(entry * this.stride, (entry + 1) * this.stride);
  }

  /** Sets all values to what they are before the first one is added, and keeps the keys. */
  clear(): void {
    for (const entry of this.#keys.entries()) this.#reset(entry * this.stride);
  }

  /**
   * Removes an entry.
   *
   * @param entry Its number.
   */
  remove(entry: number): void {
    this.#space.bytesLeft += this.#bytesOf(this.#keys.key(entry).length);
    this.#keys.remove(entry);
  }

  #make(source: Int32Array, start: number, count: number): number {
    const bytes = this.#bytesOf(count);
    if (bytes > this.#space.bytesLeft) {
      this.#space.drops.add();
      return -1;
    }
    this.#space.bytesLeft -= bytes;
    const entry = this.#keys.add(source, start, count);
    const wordsNeeded = (entry + 1) * this.stride;
    if (wordsNeeded > this.#words.length) this.#words = grown(this.#words, 2 * wordsNeeded);
    this.#reset(entry * this.stride);
    return entry;
  }

  #bytesOf(keyWords: number): number {
    return 4 * (keyWords + this.stride);
  }

  #reset(at: number): void {
    this.#words.fill(0, at, at + this.stride);
    if (this.aggregation.function === "min") {
      this.#words[at] = -1;
      this.#words[at + 1] = INT64_MAX_HIGH;
    } else if (this.aggregation.function === "max") this.#words[at + 1] = INT64_MIN_HIGH;
  }

  #update(at: number, lo: number, hi: number, incrementLo: number, incrementHi: number): void {
    const { parameters } = this.aggregation;
    switch (this.aggregation.function) {
      case "count":
        return addTo(this.#words, at, 1, 0);
      case "sum":
        return addTo(this.#words, at, lo, hi);
      case "min":
        if (isLess(lo, hi, this.#words[at]!, this.#words[at + 1]!)) this.#set(at, lo, hi);
        return;
      case "max":
        if (isLess(this.#words[at]!, this.#words[at + 1]!, lo, hi)) this.#set(at, lo, hi);
        return;
      case "avg":
        addTo(this.#words, at, 1, 0);
        return addTo(this.#words, at + 2, lo, hi);
      case "stddev":
        addTo(this.#words, at, 1, 0);
        addTo(this.#words, at + 2, lo, hi);
        return addSquareTo(this.#words, at + 4, lo, hi);
      case "quantize":
        return addTo(this.#words, at + 2 * quantizeBucket(lo, hi), incrementLo, incrementHi);
      case "lquantize":
        return addTo(this.#words, at + 2 * lquantizeBucket(parameters, lo, hi), incrementLo, incrementHi);
      case "llquantize":
        return addTo(this.#words, at + 2 * this.bounds!.bucket(lo, hi), incrementLo, incrementHi);
    }
  }

  #set(at: number, lo: number, hi: number): void {
    this.#words[at] = lo;
    this.#words[at + 1] = hi;
  }
}

function strideOf({ function: name, parameters }: Aggregation, bounds: LogLinearBounds | undefined): number {
  if (bounds !== undefined) return 2 * bounds.bucketCount;
  if (name === "quantize") return 2 * QUANTIZE_BUCKETS;
  if (name === "lquantize") return 2 * (lquantizeSteps(parameters) + 2);
  return name === "stddev" ? 8 : name === "avg" ? 4 : 2;
}

/** Adds the square of a signed integer to 128 bits in place: with halves h and l it is hh 2^64 + 2hl 2^32 + ll. */
function addSquareTo(words: Int32Array, at: number, lo: number, hi: number): void {
  const negative = hi < 0;
  const low = (negative ? -lo : lo) >>> 0;
  const high = (negative ? ~hi + (lo === 0 ? 1 : 0) : hi) >>> 0;
  let sum = (words[at]! >>> 0) + (Math.imul(low, low) >>> 0);
  words[at] = sum | 0;
  sum = carryOf(sum) + (words[at + 1]! >>> 0) + highProduct(low, low) + 2 * (Math.imul(high, low) >>> 0);
  words[at + 1] = lowWord(sum);
  sum = carryOf(sum) + (words[at + 2]! >>> 0) + 2 * highProduct(high, low) + (Math.imul(high, high) >>> 0);
  words[at + 2] = lowWord(sum);
  words[at + 3] = lowWord(carryOf(sum) + (words[at + 3]! >>> 0) + highProduct(high, high));
}

function carryOf(sum: number): number {
  return Math.floor(sum / HALF);
}

/** The low 32 bits of a number that may have more than bitwise operators take exactly. */
function lowWord(sum: number): number {
  return (sum % HALF) | 0;
}

/** The high 32 bits of the product of two unsigned 32-bit integers, by way of 16 bits. */
function highProduct(a: number, b: number): number {
  const aHigh = a >>> 16;
  const bHigh = b >>> 16;
  const aLow = a & 0xffff;
  const bLow = b & 0xffff;
  const first = aHigh * bLow + ((aLow * bLow) / 65536 >>> 0);
  const second = aLow * bHigh + first % 65536;
  return aHigh * bHigh + Math.floor(first / 65536) + Math.floor(second / 65536);
}
