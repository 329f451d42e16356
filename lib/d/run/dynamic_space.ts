/**
 * Memory of variables that come and go: those of threads, and the elements of associative arrays.
 *
 * There is room for `dynvarsize` bytes. Pieces of equal size are kept in a list when they are freed, and used again; the
 * keys of elements, which are elsewhere, count as well. What does not fit is not stored, and counted: a dynamic variable
 * drop.
 *
 * @module
 */

import type { Area } from "../code/memory_layout.ts";

/** A part of a program's memory from which pieces are taken. */
export class DynamicSpace {
  /** How many variables could not be made since somebody looked. */
  dropsTotal = 0;
  /** Called when there is no room: gives pieces back that are not needed. */
  reclaim: () => void = () => {};
  readonly #bytes: Uint8Array;
  readonly #area: Area;
  readonly #free = new Map<number, number[]>();
  #end: number;
  #bytesUsed = 0;

  /**
   * Makes an empty space.
   *
   * @param bytes The memory.
   * @param area Its part.
   */
  constructor(bytes: Uint8Array, area: Area) {
    this.#bytes = bytes;
    this.#area = area;
    this.#end = area.begin;
  }

  /**
   * Takes a piece, filled with zeros.
   *
   * @param size How many bytes, a multiple of 8.
   * @param keyBytes How many its key takes elsewhere.
   * @returns Its offset; 0 if there is no room.
   */
  take(size: number, keyBytes: number): number {
    if (!this.#hasRoom(size, keyBytes)) {
      this.reclaim();
      if (!this.#hasRoom(size, keyBytes)) {
        this.dropsTotal++;
        return 0;
      }
    }
    const free = this.#free.get(size)?.pop();
    const at = free ?? this.#end;
    if (free === undefined) this.#end += size;
    else this.#bytes.fill(0, at, at + size);
    this.#bytesUsed += size + keyBytes;
    return at;
  }

  /**
   * Gives a piece back.
   *
   * @param at Its offset.
   * @param size How many bytes it has.
   * @param keyBytes How many its key took.
   */
  give(at: number, size: number, keyBytes: number): void {
    this.#bytesUsed -= size + keyBytes;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [at]);
    else free.push(at);
  }

  #hasRoom(size: number, keyBytes: number): boolean {
    const { begin, end } = this.#area;
    if (this.#bytesUsed + size + keyBytes > end - begin) return false;
    return this.#end + size <= end || (this.#free.get(size)?.length ?? 0) > 0;
  }
}
