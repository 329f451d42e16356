/**
 * Tables that are looked up by bytes: the keys of aggregations and of associative arrays.
 *
 * **The problem.** A key is a tuple of whatever a clause computes: numbers, strings, stacks. The clause lays it out as
 * bytes in its memory, and the table must find the entry of these bytes without making an object of them.
 *
 * **The method.** A key is a row of 32-bit words, padded by the clause. The table is a hash table with chains; entries are
 * numbers from 0, and what belongs to them is kept by the owner in arrays of its own at these numbers. Numbers of removed
 * entries are used again. The words of all keys are in one array; what removed entries leave behind in it is squeezed out
 * when it is more than half.
 *
 * Nothing is allocated by a look-up, and by an insertion only when the arrays have to grow.
 *
 * @module
 */

import { assert } from "../../errors.ts";

const BUCKETS_MIN = 64;
const WORDS_MIN = 1024;

/** A set of keys, each with a number. */
export class KeyTable {
  #buckets = new Int32Array(BUCKETS_MIN).fill(-1);
  #next = new Int32Array(BUCKETS_MIN);
  #hashes = new Int32Array(BUCKETS_MIN);
  /** Where the words of a key begin, and how many there are; a negative count is that of an entry that is not used. */
  #starts = new Int32Array(BUCKETS_MIN);
  #counts = new Int32Array(BUCKETS_MIN);
  #words = new Int32Array(WORDS_MIN);
  #wordsUsed = 0;
  #wordsDead = 0;
  #entriesUsed = 0;
  #free = -1;
  #size = 0;

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  /** A bound of the numbers of entries: all are below it. */
  get bound(): number {
    return this.#entriesUsed;
  }

  /** How many bytes the keys occupy. */
  get keyBytes(): number {
    return 4 * (this.#wordsUsed - this.#wordsDead);
  }

  /**
   * Looks a key up.
   *
   * @param source Where its words are.
   * @param start The index of the first.
   * @param count How many.
   * @returns The number of the entry; -1 if there is none.
   */
  find(source: Int32Array, start: number, count: number): number {
    return this.#find(source, start, count, hashOf(source, start, count));
  }

  /**
   * Adds a key that is not there.
   *
   * @param source Where its words are.
   * @param start The index of the first.
   * @param count How many.
   * @returns The number of the entry.
   */
  add(source: Int32Array, start: number, count: number): number {
    const index = this.#takeEntry();
    const hash = hashOf(source, start, count);
    const bucket = hash & (this.#buckets.length - 1);
    this.#hashes[index] = hash;
    this.#next[index] = this.#buckets[bucket]!;
    this.#buckets[bucket] = index;
    this.#starts[index] = this.#keep(source, start, count);
    this.#counts[index] = count;
    this.#size++;
    return index;
  }

  /**
   * Removes an entry.
   *
   * @param index Its number, which may be used again from now on.
   */
  remove(index: number): void {
    assert(this.has(index), "only an entry that is there is removed");
    const bucket = this.#hashes[index]! & (this.#buckets.length - 1);
    if (this.#buckets[bucket] === index) this.#buckets[bucket] = this.#next[index]!;
    else {
      let before = this.#buckets[bucket]!;
      while (this.#next[before] !== index) before = this.#next[before]!;
      this.#next[before] = this.#next[index]!;
    }
    this.#wordsDead += this.#counts[index]!;
    this.#counts[index] = -1;
    this.#next[index] = this.#free;
    this.#free = index;
    this.#size--;
    if (this.#wordsDead > WORDS_MIN && 2 * this.#wordsDead > this.#wordsUsed) this.#squeeze();
  }

  /**
   * Tells whether a number is that of an entry.
   *
   * @param index The number.
   * @returns Whether there is such an entry.
   */
  has(index: number): boolean {
    return index < this.#entriesUsed && this.#counts[index]! >= 0;
  }

  /**
   * Gives the words of a key.
   *
   * @param index The number of its entry.
   * @returns A view of them, valid until the table changes.
   */
  key(index: number): Int32Array {
    const start = this.#starts[index]!;
    return this.#words.subarray(start, start + this.#counts[index]!);
  }

  /** The numbers of all entries. */
  *entries(): Generator<number> {
    for (let index = 0; index < this.#entriesUsed; index++) if (this.#counts[index]! >= 0) yield index;
  }

  #find(source: Int32Array, start: number, count: number, hash: number): number {
    const buckets = this.#buckets;
    const hashes = this.#hashes;
    for (let index = buckets[hash & (buckets.length - 1)]!; index >= 0; index = this.#next[index]!) {
      if (hashes[index] === hash && this.#equals(index, source, start, count)) return index;
    }
    return -1;
  }

  #equals(index: number, source: Int32Array, start: number, count: number): boolean {
    if (this.#counts[index] !== count) return false;
    const words = this.#words;
    const own = this.#starts[index]!;
    for (let i = 0; i < count; i++) if (words[own + i] !== source[start + i]) return false;
    return true;
  }

  #takeEntry(): number {
    const index = this.#free;
    if (index >= 0) {
      this.#free = this.#next[index]!;
      return index;
    }
    if (this.#entriesUsed === this.#next.length) this.#grow();
    return this.#entriesUsed++;
  }

  #keep(source: Int32Array, start: number, count: number): number {
    const own = this.#wordsUsed;
    if (own + count > this.#words.length) {
      this.#words = grown(this.#words, Math.max(2 * this.#words.length, own + count));
    }
    for (let i = 0; i < count; i++) this.#words[own + i] = source[start + i]!;
    this.#wordsUsed = own + count;
    return own;
  }

  #grow(): void {
    const length = 2 * this.#next.length;
    this.#next = grown(this.#next, length);
    this.#hashes = grown(this.#hashes, length);
    this.#starts = grown(this.#starts, length);
    this.#counts = grown(this.#counts, length);
    this.#buckets = new Int32Array(length).fill(-1);
    for (const index of this.entries()) {
      const bucket = this.#hashes[index]! & (length - 1);
      this.#next[index] = this.#buckets[bucket]!;
      this.#buckets[bucket] = index;
    }
  }

  #squeeze(): void {
    const old = this.#words;
    this.#words = new Int32Array(old.length);
    this.#wordsUsed = 0;
    this.#wordsDead = 0;
    for (const index of this.entries()) {
      this.#starts[index] = this.#keep(old, this.#starts[index]!, this.#counts[index]!);
    }
  }
}

/** Mixes the words; the rounds of MurmurHash3. */
function hashOf(source: Int32Array, start: number, count: number): number {
  let hash = count;
  for (let i = start; i < start + count; i++) {
    let word = Math.imul(source[i]!, 0xcc9e2d51 | 0);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b | 0);
  return hash ^ (hash >>> 13);
}

/**
 * Copies an array into a longer one.
 *
 * @param array The array.
 * @param length How long it shall be.
 * @returns A new array, with zeros at its end.
 */
export function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}
