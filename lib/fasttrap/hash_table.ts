/**
 * A hash table with chains through its elements, as fasttrap's three tables are.
 *
 * *Problem.* The look-up of a tracepoint by (pid, pc) is on the path of every hit, and its key is a pair. A `Map` would
 * need the pair joined into one key; a chain compares both parts where they are.
 *
 * *Method.* Buckets hold the head of a chain; a new element is pushed at the head, so that of two with the same key the
 * younger one is found (rule 8). The key's comparison is the caller's: it walks `head(index)` and `next`.
 *
 * *Beginning.* The buckets are made with the first element: a session without such probes has none (rule 16).
 *
 * *Growth.* A table that may grow doubles when a chain becomes longer than {@linkcode CHAIN_LIMIT}, so that chains stay
 * short with 100,000 tracepoints. The index function stays the same, with a wider mask. Functions begin at multiples of
 * 16, and their addresses fill one bucket of 16: hence the generous {@linkcode BUCKETS_PER_ELEMENT}, which bounds what
 * keys that all fall into one bucket can cost.
 *
 * @module
 */

import { assert } from "../errors.ts";

/** The longest chain before a table grows. */
const CHAIN_LIMIT = 3;
/** The most buckets for each element that growing leads to. */
const BUCKETS_PER_ELEMENT = 32;

/** An element that can be chained. It is in one table at most. */
export interface Chained<T> {
  /** The next element of the chain. Only the table writes it. */
  next: T | undefined;
}

/** See the module's comment. */
export class HashTable<T extends Chained<T>> {
  readonly #index: (element: T, mask: number) => number;
  readonly #grows: boolean;
  #bucketCount: number;
  /** Empty until there is a first element. */
  #buckets: (T | undefined)[] = [];
  #size = 0;

  /**
   * Makes an empty table.
   *
   * @param buckets The number of buckets, a power of two.
   * @param index The bucket of an element, given the number of buckets less one.
   * @param options Whether the table grows.
   */
  constructor(buckets: number, index: (element: T, mask: number) => number, options: { grows?: boolean } = {}) {
    this.#bucketCount = buckets;
    this.#index = index;
    this.#grows = options.grows ?? false;
  }

  /** The number of buckets. */
  get bucketCount(): number {
    return this.#bucketCount;
  }

  /** The number of buckets less one. */
  get mask(): number {
    return this.#bucketCount - 1;
  }

  /** The number of elements. */
  get size(): number {
    return this.#size;
  }

  /**
   * The first element of a chain.
   *
   * @param index The bucket.
   * @returns The element; undefined if the bucket is empty.
   */
  head(index: number): T | undefined {
    return this.#buckets[index];
  }

  /**
   * Adds an element at the head of its chain.
   *
   * @param element The element, which is in no table.
   */
  add(element: T): void {
    if (this.#buckets.length === 0) this.#clear();
    this.#push(element);
    this.#size++;
    if (!this.#grows || this.#bucketCount > BUCKETS_PER_ELEMENT * this.#size / 2) return;
    let length = 0;
    for (let other: T | undefined = element; other !== undefined; other = other.next) length++;
    if (length > CHAIN_LIMIT) this.#grow();
  }

  /**
   * Takes an element out.
   *
   * @param element The element.
   * @throws {InvariantError} If it is not in the table (rule 68).
   */
  delete(element: T): void {
    const index = this.#index(element, this.mask);
    let previous: T | undefined;
    let current = this.#buckets[index];
    while (current !== undefined && current !== element) {
      previous = current;
      current = current.next;
    }
    assert(current !== undefined, "an element that is deleted is in its table");
    if (previous === undefined) this.#buckets[index] = element.next;
    else previous.next = element.next;
    element.next = undefined;
    this.#size--;
  }

  /** All elements, bucket by bucket, in the order of the chains. The table may be changed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const head of [...this.#buckets]) {
      for (let element = head, next; element !== undefined; element = next) {
        next = element.next;
        yield element;
      }
    }
  }

  #push(element: T): void {
    const index = this.#index(element, this.mask);
    element.next = this.#buckets[index];
    this.#buckets[index] = element;
  }

  #clear(): void {
    this.#buckets = new Array<T | undefined>(this.#bucketCount).fill(undefined);
  }

  #grow(): void {
    const elements: T[] = [];
    for (const head of this.#buckets) {
      for (let element = head; element !== undefined; element = element.next) elements.push(element);
    }
    this.#bucketCount *= 2;
    this.#clear();
    // Backwards, so that of two elements in one chain the younger one stays in front.
    for (let i = elements.length - 1; i >= 0; i--) this.#push(elements[i]!);
  }
}
