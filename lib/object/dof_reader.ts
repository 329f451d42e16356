/**
 * The checked way to read DTrace Object Format.
 *
 * What is read may come from a hostile program. Every range is compared with the size before it is read; sums are made
 * of numbers, which do not wrap at 32 bits as the fields do. Each way to be wrong has a tag of its own.
 *
 * @module
 */

import { fromHalves } from "../address.ts";
import { DTraceError } from "../errors.ts";
import { decodeName } from "./name_bytes.ts";

/** The most bytes of DOF that are read: as many as illumos' kernel accepts by default. */
export const MAX_DOF_BYTES: number = 8 * 2 ** 20;

/** How many entries and how many bytes of strings are read of each byte of DOF. */
const BOUND_FACTOR = 4;

/** What is wrong with a part of DOF that can be left out. */
export interface DofProblem {
  /** The tag, as errors have one. */
  readonly tag: string;
  /** What is wrong, as a sentence without a final period. */
  readonly message: string;
}

/** Checked access to DOF. */
export class DofReader {
  /** Its name, for messages. */
  readonly name: string;
  /** How many bytes there are. */
  readonly sizeBytes: number;
  /** Its byte order; little-endian until the header has been looked at. */
  littleEndian = true;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Strings by where they begin: a hostile string of megabytes may be the name of everything. */
  readonly #strings = new Map<number, { readonly text: string; readonly end: number }>();
  #decodedBytes = 0;
  #entriesTotal = 0;

  /**
   * Makes a reader.
   *
   * @param bytes The DOF. They are not copied, and nobody changes them meanwhile.
   * @param name Its name, for messages.
   */
  constructor(bytes: Uint8Array, name: string) {
    this.name = name;
    this.sizeBytes = bytes.length;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * Counts entries of tables before they are read. Hostile tables refer to one table again and again; those of a producer
   * have fewer entries than bytes.
   *
   * @param count How many are about to be read.
   * @throws {DTraceError} `D_DOF_COUNT` if they are too many in all.
   */
  spend(count: number): void {
    this.#entriesTotal += count;
    if (this.#entriesTotal > BOUND_FACTOR * this.sizeBytes) {
      this.fail("D_DOF_COUNT", "its tables refer to the same entries too often");
    }
  }

  /** Reads a byte of the range that the caller has checked. */
  uint8(at: number): number {
    return this.#view.getUint8(at);
  }

  /** Reads 16 bits, unsigned, of the range that the caller has checked. */
  uint16(at: number): number {
    return this.#view.getUint16(at, this.littleEndian);
  }

  /** Reads 32 bits, unsigned, of the range that the caller has checked. */
  uint32(at: number): number {
    return this.#view.getUint32(at, this.littleEndian);
  }

  /** Reads 32 bits, signed, of the range that the caller has checked. */
  int32(at: number): number {
    return this.#view.getInt32(at, this.littleEndian);
  }

  /** Reads 64 bits, unsigned, of the range that the caller has checked; inexact from 2^53 on. */
  uint64(at: number): number {
    const first = this.uint32(at);
    const second = this.uint32(at + 4);
    return this.littleEndian ? fromHalves(first, second) : fromHalves(second, first);
  }

  /** Reads 64 bits, signed, of the range that the caller has checked; inexact beyond 2^53. */
  int64(at: number): number {
    const low = this.uint32(this.littleEndian ? at : at + 4);
    const high = this.int32(this.littleEndian ? at + 4 : at);
    return fromHalves(low, high);
  }

  /**
   * Reads a string of a string table, which ends with a NUL.
   *
   * @param table Where the table is, in bytes from the beginning; it has been checked to end with a NUL.
   * @param index Where in the table the string begins; any number.
   * @param what The string, for messages.
   * @returns The string, and where in the table the next one begins.
   * @throws {DTraceError} `D_DOF_STRING` if it is outside of the table, `D_DOF_STRINGS` if there are too many.
   */
  string(
    table: { readonly offset: number; readonly sizeBytes: number },
    index: number,
    what: string,
  ): { readonly text: string; readonly next: number } {
    if (index >= table.sizeBytes) {
      this.fail("D_DOF_STRING", `${what} is at ${index} of a string table of ${table.sizeBytes} bytes`);
    }
    const start = table.offset + index;
    let string = this.#strings.get(start);
    if (string === undefined) {
      const end = this.#bytes.indexOf(0, start);
      // Strings that overlap would take more room than the DOF itself; no producer makes any.
      this.#decodedBytes += end - start;
      if (this.#decodedBytes > BOUND_FACTOR * this.sizeBytes) {
        this.fail("D_DOF_STRINGS", "its strings overlap too often");
      }
      string = { text: decodeName(this.#bytes.subarray(start, end)), end };
      this.#strings.set(start, string);
    }
    return { text: string.text, next: string.end + 1 - table.offset };
  }

  /**
   * Gives the DOF up.
   *
   * @param tag What kind of mistake it is.
   * @param state What is wrong.
   * @throws {DTraceError} With the tag, always.
   */
  fail(tag: string, state: string): never {
    throw new DTraceError(tag, `Cannot read DOF "${this.name}": ${state}`);
  }
}
