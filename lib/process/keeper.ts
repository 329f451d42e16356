/**
 * The keeper: what stays in a program so that it outlives its tracer.
 *
 * *Problem.* When the tracer is killed by SIGKILL the kernel lets go of its tracees and restores nothing. Traps stay in
 * the text, and the next thread to meet one is killed by SIGTRAP, because nobody is left to answer it.
 *
 * *Method.* A page of code in the program, with a handler of SIGTRAP that looks the place of the trap up in a table and
 * sends the thread to the displaced copy of the instruction. So every trap has a slot, also where the tracer emulates the
 * instruction; if there can be none, the handler puts the original byte back. While a tracer is attached it sees each trap
 * first, and the handler never runs. Jumps need nothing: their pads go on. What the code does exactly, and how it tells a
 * trap that was answered from one that was not, is said in `isa/x86_64/keeper.ts`.
 *
 * Programs that die with their tracer because it has started them (PTRACE_O_EXITKILL) get none.
 *
 * ```text
 *   page, r-x:   0  "fasttrap keeper", version     16  its own address     24  address of the table, or 0
 *               64  the code of the handler
 *   table, r--:  counts; sites; semaphores; ranges (isa/keeper.ts)
 * ```
 *
 * The table is also what a later tracer learns from what is left (`leftovers.ts`): sites with their original bytes,
 * semaphores that are raised, and ranges that are mapped.
 *
 * *Orderings.* The tracer can die between any two requests, and what it has done by then has to be right by itself:
 * - a slot, then the table that leads to it, then the trap. A new table is written beside the old one, and becomes the table
 *   by one write of its address;
 * - a trap is out of the text before the table loses it. A site without a trap in the text means nothing, whoever looks; so
 *   the table is not written anew for what goes;
 * - a semaphore is raised before it is in the table, and out of the table before it is lowered. In between it may stay
 *   raised, which costs time, but nothing is lowered that others have raised;
 * - a range is out of the table before it is unmapped;
 * - the handler is there before the first trap, and goes when no thread can have a trap of ours to answer.
 *
 * @module
 */

import { type Address, highHalf, toAddress } from "../address.ts";
import { type KeeperCode, type KeeperInstaller, KEPT_TABLE } from "../isa/keeper.ts";

/** The size of the page in bytes. */
export const KEEPER_BYTES = 4096;
/** What the page begins with; the last character is the version. */
export const KEEPER_NAME = "fasttrap keeper1";
/** Where in the page its own address is. */
export const OWN_OFFSET = 16;
/** Where in the page the address of the table is. */
export const TABLE_OFFSET = 24;
/** Where in the page the code is. */
const CODE_OFFSET = 64;
/** The smallest room for a table in bytes. */
const LEAST_ROOM_BYTES = 1 << 16;

/** A place in the text that a thread cannot pass without help. */
export interface KeptSite {
  /** Where. */
  readonly address: Address;
  /** Where a thread goes on that has met it; undefined if the original byte has to be put back for that. */
  readonly target: Address | undefined;
  /** The original bytes: one below a trap, also at a site behind its jump, those of a jump, none for a trap inside of one. */
  readonly original: Uint8Array;
}

/** A raised semaphore. */
export interface KeptSemaphore {
  /** Where. */
  readonly address: Address;
  /** A number that tells the file that is mapped there. */
  readonly file: number;
}

/** A range of memory that was mapped for the tracer. */
export interface KeptRange {
  /** Its first address. */
  readonly base: Address;
  /** Its size. */
  readonly sizeBytes: number;
}

/** What is in a table. */
export interface KeptTable {
  /** The sites, in any order, each address once. */
  readonly sites: readonly KeptSite[];
  /** The raised semaphores. */
  readonly semaphores: readonly KeptSemaphore[];
  /** What was mapped. */
  readonly ranges: readonly KeptRange[];
}

/** The keeper of one memory image. */
export class Keeper {
  /** Where its page is. */
  readonly base: Address;
  /** Where the handler of SIGTRAP is. */
  readonly handler: Address;
  /** Where the handler returns to. */
  readonly restorer: Address;
  /** The `sa_flags` of the handler. */
  readonly flags: number;
  /** Where threads go on that have met the traps in the text. */
  readonly targets: Map<Address, Address> = new Map();
  /** The room for two tables, one behind the other. */
  room: KeptRange | undefined;
  /** Whether the second half of the room holds the table. */
  #second = false;
  readonly #installer: KeeperInstaller;
  readonly #code: KeeperCode;

  /**
   * Makes the record of a keeper whose page is mapped.
   *
   * @param installer What makes its code.
   * @param base Where its page is.
   */
  constructor(installer: KeeperInstaller, base: Address) {
    this.base = base;
    this.#installer = installer;
    this.#code = installer.makeHandler(toAddress(base + CODE_OFFSET), toAddress(base + TABLE_OFFSET));
    this.handler = toAddress(base + CODE_OFFSET + this.#code.handler);
    this.restorer = toAddress(base + CODE_OFFSET + this.#code.restorer);
    this.flags = this.#code.flags;
  }

  /** What is mapped for the keeper itself. */
  get ranges(): KeptRange[] {
    return [{ base: this.base, sizeBytes: KEEPER_BYTES }, ...(this.room === undefined ? [] : [this.room])];
  }

  /** The contents of its page, without a table. */
  page(): Uint8Array {
    const bytes = new Uint8Array(KEEPER_BYTES);
    bytes.set(new TextEncoder().encode(KEEPER_NAME));
    bytes.set(wordOf(this.base), OWN_OFFSET);
    bytes.set(this.#code.code, CODE_OFFSET);
    return bytes;
  }

  /**
   * Tells how much room there has to be for a table and its successor.
   *
   * @param tableBytes The size of the table.
   * @returns Bytes, a power of two; undefined if there is as much.
   */
  roomWanted(tableBytes: number): number | undefined {
    if (this.room !== undefined && this.room.sizeBytes >= 2 * tableBytes) return undefined;
    let size = LEAST_ROOM_BYTES;
    while (size < 4 * tableBytes) size *= 2;
    return size;
  }

  /**
   * The keeper of a copy of this memory, which a fork has made.
   *
   * @returns The keeper, which knows of nothing in the text yet.
   */
  copy(): Keeper {
    const copy = new Keeper(this.#installer, this.base);
    copy.room = this.room;
    return copy;
  }

  /** Where the next table has to be written. */
  nextTable(): Address {
    const { base, sizeBytes } = this.room!;
    this.#second = !this.#second;
    return toAddress(this.#second ? base + sizeBytes / 2 : base);
  }
}

/**
 * Makes the bytes of a table.
 *
 * @param table What is to be in it.
 * @returns The bytes.
 */
export function encodeTable({ sites, semaphores, ranges }: KeptTable): Uint8Array {
  const { siteBytes, original, originalTotal, pairBytes } = KEPT_TABLE;
  const pairs = KEPT_TABLE.sites + sites.length * siteBytes;
  const bytes = new Uint8Array(pairs + (semaphores.length + ranges.length) * pairBytes);
  const words = new Uint32Array(bytes.buffer);
  const put = (at: number, value: number) => {
    words[at / 4] = value >>> 0;
    words[at / 4 + 1] = Math.floor(value / 2 ** 32);
  };
  put(KEPT_TABLE.sitesTotal, sites.length);
  put(KEPT_TABLE.semaphoresTotal, semaphores.length);
  put(KEPT_TABLE.rangesTotal, ranges.length);
  const sorted = [...sites].sort((a, b) => a.address - b.address);
  let at: number = KEPT_TABLE.sites;
  for (const site of sorted) {
    put(at, site.address);
    put(at + 8, site.target ?? 0);
    bytes.set(site.original, at + original);
    bytes[at + originalTotal] = site.original.length;
    at += siteBytes;
  }
  const addPair = (first: number, second: number) => {
    put(at, first);
    put(at + 8, second);
    at += pairBytes;
  };
  for (const { address, file } of semaphores) addPair(address, file);
  for (const { base, sizeBytes } of ranges) addPair(base, sizeBytes);
  return bytes;
}

/**
 * Makes the bytes of an address.
 *
 * @param address The address, or 0.
 * @returns 8 bytes, lowest first.
 */
export function wordOf(address: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(address >>> 0, highHalf(address)).buffer);
}
