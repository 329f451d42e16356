/**
 * The memory of a program, as the functions of the host see it.
 *
 * Subroutines find their arguments in cells, give numbers by a cell and strings by the offset of bytes that they have made
 * in scratch memory. That lasts until the clause ends; when it is used up the clause fails. Strings that D calls NULL are
 * the zeros: empty, and false; to print them or to look into them is a fault, unless they were assigned to a variable,
 * which is empty then.
 *
 * @module
 */

import { Cell, type MemoryLayout, OWN_HIGH } from "../code/memory_layout.ts";
import type { ProbeHit } from "../host.ts";
import { Fault } from "./fault.ts";

const CALL = Cell.call >> 2;
const RESULT = Cell.result >> 2;
const SCRATCH = Cell.scratch >> 2;
const HALF = 2 ** 32;

/** The memory, and what the host does with it while a clause runs. */
export class ClauseMemory {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly layout: MemoryLayout;
  /** The size of a string. */
  readonly strsize: number;
  /** What ends the clause. */
  readonly fault = new Fault();
  readonly #pair = new Uint32Array(2);

  /**
   * Makes it.
   *
   * @param buffer The memory of the module.
   * @param layout Where everything is.
   * @param strsize The size of a string.
   */
  constructor(buffer: ArrayBufferLike, layout: MemoryLayout, strsize: number) {
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.layout = layout;
    this.strsize = strsize;
    this.reset();
  }

  /** The NULL of strings. */
  get null(): number {
    return this.layout.zeros.begin;
  }

  /** The offset behind the scratch memory that was taken. */
  get scratchEnd(): number {
    return this.words[SCRATCH]!;
  }

  /** Frees the scratch memory. */
  reset(): void {
    this.words[SCRATCH] = this.layout.scratch.begin;
  }

  /**
   * Takes scratch memory.
   *
   * @param size How many bytes.
   * @returns Its offset; the bytes are zero.
   */
  scratch(size: number): number {
    const at = this.scratchEnd;
    // The bytes behind it stay free, so that whoever reads a word at its end reads scratch memory.
    if (size < 0 || size > this.layout.scratch.end - at - 8) this.fault.raise("noScratch");
    const end = at + ((size + 7) & ~7);
    this.words[SCRATCH] = end;
    this.bytes.fill(0, at, end);
    return at;
  }

  /** The low half of an argument, as a signed integer. */
  lo(index: number): number {
    return this.words[CALL + 2 * index]!;
  }

  /** The high half of an argument, as a signed integer. */
  hi(index: number): number {
    return this.words[CALL + 2 * index + 1]!;
  }

  /** An argument as a number with a sign; exact to 2^53. */
  number(index: number): number {
    return this.hi(index) * HALF + (this.lo(index) >>> 0);
  }

  /** An argument as an address: without a sign. */
  address(index: number): number {
    return (this.hi(index) >>> 0) * HALF + (this.lo(index) >>> 0);
  }

  /** The bytes of an argument that is a string: a view. */
  text(index: number): Uint8Array {
    return this.textAt(this.lo(index));
  }

  /** The bytes of a string: a view. */
  textAt(at: number): Uint8Array {
    return this.bytes.subarray(at, this.bytes.indexOf(0, at));
  }

  /**
   * Makes a string.
   *
   * @param text Its bytes; what `strsize` does not allow is cut.
   * @returns Its offset.
   */
  makeText(text: ArrayLike<number>): number {
    const length = Math.min(text.length, this.strsize - 1);
    const at = this.scratch(length + 1);
    for (let i = 0; i < length; i++) this.bytes[at + i] = text[i]!;
    return at;
  }

  /**
   * Gives a number.
   *
   * @param lo The low half.
   * @param hi The high half.
   * @returns 0, which is what a subroutine gives whose result is a number.
   */
  give(lo: number, hi: number): number {
    this.words[RESULT] = lo;
    this.words[RESULT + 1] = hi;
    return 0;
  }

  /** Gives a number with a sign. */
  giveNumber(value: number): number {
    return this.give(value | 0, value < 0 ? -1 : 0);
  }

  /** Gives the address of an offset. */
  giveAddress(at: number): number {
    return this.give(at, OWN_HIGH | 0);
  }

  /** Gives halves that somebody else tells. */
  giveFrom(read: (into: Uint32Array) => void): void {
    this.#pair[0] = 0;
    this.#pair[1] = 0;
    read(this.#pair);
    this.give(this.#pair[0]! | 0, this.#pair[1]! | 0);
  }

  /**
   * Finds memory of the program's own.
   *
   * @param index The argument that is its address.
   * @param size How many bytes are wanted.
   * @param writes Whether they are written.
   * @returns Their offset.
   */
  own(index: number, size: number, writes: boolean): number {
    return this.ownAt(this.lo(index), this.hi(index), size, writes);
  }

  /** Finds memory of the program's own, by the halves of its address; of scratch memory only what was taken is there. */
  ownAt(lo: number, hi: number, size: number, writes: boolean): number {
    const at = lo >>> 0;
    const end = this.scratchEnd;
    const isOwn = hi >>> 0 === OWN_HIGH && at >= (writes ? this.layout.variables : this.layout.zeros).begin &&
      at <= end;
    if (!isOwn) this.fault.raise("badAddress", lo, hi);
    if (size < 0 || at + size > end) this.fault.raise("badSize", size, Math.floor(size / HALF));
    return at;
  }

  /**
   * Copies memory of the traced program.
   *
   * @param hit Whose memory.
   * @param address Where.
   * @param at The offset to copy to.
   * @param size How many bytes.
   */
  copyIn(hit: ProbeHit, address: number, at: number, size: number): void {
    const into = this.bytes.subarray(at, at + size);
    if (!Number.isSafeInteger(address) || hit.readMemory(address, into) < size) this.#badUserAddress(address);
  }

  /**
   * Copies a string of the traced program.
   *
   * @param hit Whose memory.
   * @param address Where.
   * @param limit The most bytes, the NUL included.
   * @returns The offset of the string.
   */
  copyInText(hit: ProbeHit, address: number, limit: number): number {
    const size = Math.max(1, Math.min(limit, this.strsize));
    const at = this.scratch(size);
    const into = this.bytes.subarray(at, at + size);
    const count = Number.isSafeInteger(address) ? hit.readMemory(address, into) : 0;
    // Behind what could be read there are zeros.
    const nul = into.indexOf(0);
    const end = nul < count ? nul : -1;
    if (end < 0 && count < size) this.#badUserAddress(address);
    into.fill(0, end < 0 ? size - 1 : end, count);
    // What the string does not need is free again.
    this.words[SCRATCH] = at + (((end < 0 ? size : end + 1) + 7) & ~7);
    return at;
  }

  #badUserAddress(address: number): never {
    const hi = Math.floor(address / HALF);
    return this.fault.raise("badAddress", address - hi * HALF, hi);
  }
}
