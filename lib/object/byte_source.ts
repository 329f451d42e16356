/**
 * Where the bytes of an object file come from, and the checked way to read them.
 *
 * This layer opens nothing: whoever has the file (over FFI, from a test, from the memory of a process) implements
 * {@linkcode ByteSource}. Everything read through it is untrusted, so {@linkcode CheckedReader} compares every range
 * with the size of the source before it asks for it: a file that lies about itself can never cause an allocation
 * larger than the file.
 *
 * @module
 */

import { DTraceError } from "../errors.ts";

/** A file, or something that reads like one. */
export interface ByteSource {
  /** How many bytes there are. */
  readonly sizeBytes: number;
  /**
   * Reads a range.
   *
   * @param offset Where it begins, in bytes.
   * @param length How many bytes are wanted.
   * @returns The bytes; fewer than wanted where the source ends or cannot be read. Neither side changes them later.
   */
  read(offset: number, length: number): Uint8Array;
}

/**
 * Makes a source of bytes that are in memory already.
 *
 * @param bytes The bytes. They are not copied.
 * @returns The source.
 */
export function byteSource(bytes: Uint8Array): ByteSource {
  return { sizeBytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** Reads ranges of an ELF file, or says by the name of the file what is wrong with it. */
export class CheckedReader {
  /** The file's name, for messages. */
  readonly name: string;
  readonly #source: ByteSource;

  /**
   * Makes a reader.
   *
   * @param source The bytes.
   * @param name The file's name, for messages.
   */
  constructor(source: ByteSource, name: string) {
    this.#source = source;
    this.name = name;
  }

  /** How many bytes the file has. */
  get sizeBytes(): number {
    return this.#source.sizeBytes;
  }

  /**
   * Checks that a range is inside the file.
   *
   * @param offset Where it begins, in bytes; any number.
   * @param length How many bytes; any number.
   * @param what The range, for messages ("its section headers").
   * @throws {DTraceError} `D_PROC_ELF` if the file does not have all of them.
   */
  check(offset: number, length: number, what: string): void {
    if (isCount(offset) && isCount(length) && offset + length <= this.sizeBytes) return;
    this.fail(
      `${what} would need ${formatCount(length)} bytes at offset ${formatCount(offset)}, but the file has only ` +
        `${this.sizeBytes} bytes`,
    );
  }

  /**
   * Reads a range that has to be there completely.
   *
   * @param offset Where it begins, in bytes; any number.
   * @param length How many bytes; any number.
   * @param what The range, for messages ("its section headers").
   * @returns Exactly `length` bytes.
   * @throws {DTraceError} `D_PROC_ELF` if the file does not have all of them.
   */
  bytes(offset: number, length: number, what: string): Uint8Array {
    this.check(offset, length, what);
    const bytes = this.#source.read(offset, length);
    if (bytes.length !== length) this.fail(`${what} could not be read completely`);
    return bytes;
  }

  /**
   * Reads a range as a view.
   *
   * @param offset Where it begins, in bytes; any number.
   * @param length How many bytes; any number.
   * @param what The range, for messages.
   * @returns A view of exactly `length` bytes.
   * @throws {DTraceError} `D_PROC_ELF` if the file does not have all of them.
   */
  view(offset: number, length: number, what: string): DataView {
    const bytes = this.bytes(offset, length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /**
   * Gives the file up.
   *
   * @param state What is wrong with it.
   * @throws {DTraceError} `D_PROC_ELF`, always.
   */
  fail(state: string): never {
    throw new DTraceError("D_PROC_ELF", `Cannot read ELF file "${this.name}": ${state}`);
  }
}

/** Tells whether a number can be a size or an offset. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Formats a size or an offset that may be absurd: exact as long as a number can be. */
function formatCount(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : value.toExponential(2);
}
