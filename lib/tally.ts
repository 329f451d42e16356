/**
 * A tally: how many values there were, and what they come to.
 *
 * *Problem.* Values come one by one, where a hit was seen, and by the million, where the program itself has kept their sum,
 * their extremes and a histogram of them. Both have to come to the same, and exactly: all are signed integers of 64 bits, that
 * wrap as in D.
 *
 * *Method.* One row of 32-bit words: the count, the sum, the least and the greatest value, and the counts of the buckets of
 * `quantize.ts`, two words each. Tallies are added and subtracted word by word.
 *
 * @module
 */

import { fromHalves } from "./address.ts";
import { addTo, isLess } from "./int64_words.ts";
import { QUANTIZE_BUCKETS, quantizeBucket, quantizeValue } from "./quantize.ts";

/** What can be kept of values, besides how many there were. */
export type TallyPart = "sum" | "min" | "max" | "log2";

/** Where the words of each part are. */
export const TallyWord = { count: 0, sum: 2, min: 4, max: 6, buckets: 8 } as const;

const WORDS = TallyWord.buckets + 2 * QUANTIZE_BUCKETS;
const INT64_MAX_HIGH = 0x7fffffff;
const INT64_MIN_HIGH = -0x80000000;

/** How many values there were of about the same size. */
export interface TallyBucket {
  /** 0, or a power of two or the negative of one: the value of the bucket that is nearest to 0. */
  readonly value: number;
  /** How many values there were from it up to below the double of it. */
  readonly count: number;
}

/** What was kept of the values of a probe. */
export interface TallyValues {
  /** How many values there were. */
  readonly count: number;
  /** Their sum, signed, exact below 2^53; undefined if it is not kept. */
  readonly sum: number | undefined;
  /** The least one, exact below 2^53; undefined if it is not kept, or there was none. */
  readonly min: number | undefined;
  /** The greatest one, likewise. */
  readonly max: number | undefined;
  /** How many there were of each size, ascending, without those of which there were none; undefined if that is not kept. */
  readonly buckets: readonly TallyBucket[] | undefined;
  /** The sum, exact modulo 2^64, as a signed integer; undefined if it is not kept. */
  sumBigInt(): bigint | undefined;
  /** The least value, exact; undefined as {@linkcode TallyValues.min}. */
  minBigInt(): bigint | undefined;
  /** The greatest value, exact; undefined as {@linkcode TallyValues.max}. */
  maxBigInt(): bigint | undefined;
}

/** See the module's comment. */
export class Tally implements TallyValues {
  /** The words, by {@linkcode TallyWord}. */
  readonly words: Int32Array = new Int32Array(WORDS);
  readonly #parts: readonly TallyPart[];

  /**
   * Makes a tally of no values.
   *
   * @param parts What is told of them; what else is added is kept nevertheless.
   */
  constructor(parts: readonly TallyPart[] = []) {
    this.#parts = parts;
    this.clear();
  }

  /** See {@linkcode TallyValues.count}. */
  get count(): number {
    return this.#numberAt(TallyWord.count);
  }

  /** See {@linkcode TallyValues.sum}. */
  get sum(): number | undefined {
    return this.#tells("sum") ? this.#numberAt(TallyWord.sum) : undefined;
  }

  /** See {@linkcode TallyValues.min}. */
  get min(): number | undefined {
    return this.#tells("min") ? this.#numberAt(TallyWord.min) : undefined;
  }

  /** See {@linkcode TallyValues.max}. */
  get max(): number | undefined {
    return this.#tells("max") ? this.#numberAt(TallyWord.max) : undefined;
  }

  /** See {@linkcode TallyValues.buckets}. */
  get buckets(): readonly TallyBucket[] | undefined {
    if (!this.#tells("log2")) return undefined;
    const buckets: TallyBucket[] = [];
    for (let bucket = 0; bucket < QUANTIZE_BUCKETS; bucket++) {
      const count = this.#numberAt(TallyWord.buckets + 2 * bucket);
      if (count !== 0) buckets.push({ value: quantizeValue(bucket), count });
    }
    return buckets;
  }

  /** See {@linkcode TallyValues.sumBigInt}. */
  sumBigInt(): bigint | undefined {
    return this.#tells("sum") ? wordBigInt(this.words, TallyWord.sum) : undefined;
  }

  /** See {@linkcode TallyValues.minBigInt}. */
  minBigInt(): bigint | undefined {
    return this.#tells("min") ? wordBigInt(this.words, TallyWord.min) : undefined;
  }

  /** See {@linkcode TallyValues.maxBigInt}. */
  maxBigInt(): bigint | undefined {
    return this.#tells("max") ? wordBigInt(this.words, TallyWord.max) : undefined;
  }

  /**
   * Adds a value.
   *
   * @param lo The low half.
   * @param hi The high half.
   */
  add(lo: number, hi: number): void {
    const { words } = this;
    addTo(words, TallyWord.count, 1, 0);
    addTo(words, TallyWord.sum, lo, hi);
    this.#extend(lo, hi, lo, hi);
    addTo(words, TallyWord.buckets + 2 * quantizeBucket(lo, hi | 0), 1, 0);
  }

  /**
   * Adds hits whose values nobody needs.
   *
   * @param hits How many.
   */
  addCount(hits: number): void {
    addTo(this.words, TallyWord.count, hits % 2 ** 32 | 0, Math.floor(hits / 2 ** 32));
  }

  /**
   * Adds the values of another tally.
   *
   * @param words Its words.
   */
  addAll(words: Int32Array): void {
    for (let at = 0; at < WORDS; at += 2) {
      if (isSummed(at)) addTo(this.words, at, words[at]!, words[at + 1]!);
    }
    this.extend(words);
  }

  /**
   * Makes the extremes include those of another tally.
   *
   * @param words Its words.
   */
  extend(words: Int32Array): void {
    const { min, max } = TallyWord;
    this.#extend(words[min]!, words[min + 1]!, words[max]!, words[max + 1]!);
  }

  /**
   * Sets this to what has been added to another tally since it was a third one; the extremes are those of all its values.
   *
   * @param now The words of the other one.
   * @param before The words that it had.
   */
  setDifference(now: Int32Array, before: Int32Array): void {
    const { words } = this;
    words.set(now);
    for (let at = 0; at < WORDS; at += 2) {
      if (!isSummed(at)) continue;
      // Adding the complement and 1 is subtracting.
      addTo(words, at, ~before[at]!, ~before[at + 1]!);
      addTo(words, at, 1, 0);
    }
  }

  /** Forgets all values. */
  clear(): void {
    this.words.fill(0);
    const { min, max } = TallyWord;
    this.words[min] = -1;
    this.words[min + 1] = INT64_MAX_HIGH;
    this.words[max + 1] = INT64_MIN_HIGH;
  }

  /** Makes the extremes include others. */
  #extend(minLo: number, minHi: number, maxLo: number, maxHi: number): void {
    const { words } = this;
    const { min, max } = TallyWord;
    if (isLess(minLo, minHi, words[min]!, words[min + 1]!)) {
      words[min] = minLo;
      words[min + 1] = minHi;
    }
    if (isLess(words[max]!, words[max + 1]!, maxLo, maxHi)) {
      words[max] = maxLo;
      words[max + 1] = maxHi;
    }
  }

  #tells(part: TallyPart): boolean {
    return this.#parts.includes(part) && (this.count > 0 || part === "sum" || part === "log2");
  }

  #numberAt(at: number): number {
    return fromHalves(this.words[at]! >>> 0, this.words[at + 1]!);
  }
}

function wordBigInt(words: Int32Array, at: number): bigint {
  return (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]! >>> 0);
}

function isSummed(at: number): boolean {
  return at !== TallyWord.min && at !== TallyWord.max;
}
