/**
 * What an architecture contributes so that programs outlive their tracer; `process/keeper.ts` tells how.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { RegisterHalves } from "./isa.ts";

/** A table of sites, as the handler reads it: 8-byte words, lowest byte first. */
export const KEPT_TABLE = {
  /** Where the number of sites is, in bytes. */
  sitesTotal: 0,
  /** Where the number of semaphores is, in bytes. */
  semaphoresTotal: 8,
  /** Where the number of ranges is, in bytes. */
  rangesTotal: 16,
  /** Where the sites begin, ascending by address. */
  sites: 32,
  /** The size of a site: its address, where a thread goes on (0 for nowhere), 5 original bytes, how many of them count. */
  siteBytes: 24,
  /** Where the original bytes are in a site. */
  original: 16,
  /** Where their number is in a site: 0 for a trap inside of a jump, whose bytes are the jump's. */
  originalTotal: 21,
  /** The size of a semaphore, its address and a number that tells its file, and of a range, its address and size. */
  pairBytes: 16,
} as const;

/** The code of a keeper. */
export interface KeeperCode {
  /** The code. */
  readonly code: Uint8Array;
  /** Where in the code the handler of SIGTRAP begins. */
  readonly handler: number;
  /** Where in the code a handler returns to. */
  readonly restorer: number;
  /** The `sa_flags` of the handler. */
  readonly flags: number;
}

/** Makes the code that looks after a program whose tracer has died. */
export interface KeeperInstaller {
  /**
   * Makes the handler of SIGTRAP.
   *
   * @param address Where the code will be.
   * @param table Where the address of the table will be (8 bytes).
   * @returns The code.
   */
  makeHandler(address: Address, table: Address): KeeperCode;

  /** The size of what {@linkcode KeeperInstaller.makeCaller} makes, in bytes. */
  readonly callerBytes: number;

  /**
   * Makes code that begins with a system call instruction, and that gives a thread its registers back behind it.
   *
   * @param registers The thread's registers before anything was changed for the call.
   * @returns The code, which may be at any address.
   */
  makeCaller(registers: RegisterHalves): Uint8Array;

  /**
   * Notes in the registers of a thread that is stopped for a trap that its pc is where it goes on: the trap has been
   * answered. The program cannot see it.
   *
   * @param registers The registers, changed in place.
   */
  markAnswered(registers: RegisterHalves): void;

  /**
   * Tells whether {@linkcode KeeperInstaller.markAnswered} was called since the thread has made the trap.
   *
   * @param registers The registers.
   * @returns Whether it was.
   */
  isAnswered(registers: RegisterHalves): boolean;
}
