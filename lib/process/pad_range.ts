/**
 * A range of memory that is cut into pads.
 *
 * *Problem.* The address of a pad is given by the bytes of its jump, to the byte or nearly so. Whether it is free must be
 * known at once, and in a range of 32 MiB with nothing but a few pads that must not cost megabytes.
 *
 * *Method.* Granules of 16 bytes, each free or taken, in blocks that are made when the first of their granules is taken.
 *
 * *Invariants.* A granule belongs to one pad at most.
 *
 * @module
 */

import type { Address } from "../address.ts";

/** In what ranges are cut, in bytes. A granule holds bytes of one pad at most. */
const GRANULE_BYTES = 16;
/** How many granules a block has, a power of two. */
const BLOCK_GRANULES = 4096;

/** See the module's comment. */
export class PadRange<T> {
  /** Its first address. */
  readonly base: Address;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Where to look for the next place, by the kind of what is looked for. */
  readonly next: Map<number, number> = new Map();
  readonly #blocks: (Uint8Array | undefined)[];
  /** The pads by their first granule. */
  readonly #pads = new Map<number, T>();
  /** The most granules that a pad has had. */
  #longest = 0;

  /**
   * Makes a range without pads.
   *
   * @param base Its first address.
   * @param sizeBytes Its size in bytes.
   */
  constructor(base: Address, sizeBytes: number) {
    this.base = base;
    this.sizeBytes = sizeBytes;
    this.#blocks = Array(Math.ceil(sizeBytes / GRANULE_BYTES / BLOCK_GRANULES)).fill(undefined);
  }

  /** The address behind it. */
  get end(): number {
    return this.base + this.sizeBytes;
  }

  /**
   * Looks for what is in the way of a pad.
   *
   * @param address Where it is to be.
   * @param sizeBytes Its size.
   * @returns The address behind the last granule of it that is taken; undefined if all are free.
   */
  obstacle(address: number, sizeBytes: number): number | undefined {
    const first = this.#granuleOf(address);
    for (let granule = this.#granuleOf(address + sizeBytes - 1); granule >= first; granule--) {
      if (this.#isTaken(granule)) return this.base + (granule + 1) * GRANULE_BYTES;
    }
    return undefined;
  }

  /**
   * Tells whether nothing is between the ends of two pads.
   *
   * @param from The address behind the first one.
   * @param to The address of the second one.
   * @returns Whether all granules are free that neither of them has.
   */
  isFree(from: number, to: number): boolean {
    const last = this.#granuleOf(to);
    for (let granule = this.#granuleOf(from - 1) + 1; granule < last; granule++) {
      if (this.#isTaken(granule)) return false;
    }
    return true;
  }

  /**
   * Takes the granules of a pad, all of which are free.
   *
   * @param address Where it is.
   * @param sizeBytes Its size.
   * @param pad The pad.
   */
  take(address: number, sizeBytes: number, pad: T): void {
    const first = this.#granuleOf(address);
    const last = this.#granuleOf(address + sizeBytes - 1);
    this.#mark(first, last, 1);
    this.#pads.set(first, pad);
    this.#longest = Math.max(this.#longest, last - first + 1);
  }

  /**
   * Gives the granules of a pad back.
   *
   * @param address Where it is.
   * @param sizeBytes Its size.
   * @param pad The pad.
   * @returns Whether it had them.
   */
  release(address: number, sizeBytes: number, pad: T): boolean {
    const first = this.#granuleOf(address);
    if (this.#pads.get(first) !== pad) return false;
    this.#pads.delete(first);
    this.#mark(first, this.#granuleOf(address + sizeBytes - 1), 0);
    this.next.clear();
    return true;
  }

  /**
   * Finds the pad that has the granule of an address.
   *
   * @param pc The address, in the range.
   * @returns The pad; undefined if none has it.
   */
  at(pc: number): T | undefined {
    const granule = this.#granuleOf(pc);
    for (let first = granule; first >= 0 && granule - first < this.#longest && this.#isTaken(first); first--) {
      const pad = this.#pads.get(first);
      if (pad !== undefined) return pad;
    }
    return undefined;
  }

  #granuleOf(address: number): number {
    return Math.floor((address - this.base) / GRANULE_BYTES);
  }

  #isTaken(granule: number): boolean {
    const block = this.#blocks[Math.floor(granule / BLOCK_GRANULES)];
    return block !== undefined && block[granule % BLOCK_GRANULES] === 1;
  }

  #mark(first: number, last: number, value: 0 | 1): void {
    for (let granule = first; granule <= last; granule++) {
      const index = Math.floor(granule / BLOCK_GRANULES);
      (this.#blocks[index] ??= new Uint8Array(BLOCK_GRANULES))[granule % BLOCK_GRANULES] = value;
    }
  }
}
