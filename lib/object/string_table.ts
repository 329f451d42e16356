/**
 * A string table: the names of sections or symbols, each ended by a NUL.
 *
 * Names are decoded one at a time, when somebody asks; a program has some 100,000 of them, of which a probe needs one.
 * Hostile tables have no NULs and names that overlap, so that every symbol seems to have a name of megabytes: a
 * name is cut after {@linkcode MAX_NAME_BYTES}.
 *
 * @module
 */

/** The longest name that is told, in bytes. Longer ones are cut. */
export const MAX_NAME_BYTES = 4096;

const NUL = 0;
const AT_SIGN = 0x40;

/** A string table. */
export class StringTable {
  /** Its bytes. */
  readonly bytes: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /**
   * Makes a table.
   *
   * @param bytes Its bytes. They are not copied.
   */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /**
   * Reads a name.
   *
   * @param offset Where it begins, in bytes; any integer from 0 on.
   * @param maxBytes Where to cut it.
   * @returns The name, empty if the table has none there. Bytes that are not UTF-8 become U+FFFD.
   */
  at(offset: number, maxBytes: number = MAX_NAME_BYTES): string {
    const name = this.bytes.subarray(offset, offset + maxBytes);
    const end = name.indexOf(NUL);
    return this.#decoder.decode(end < 0 ? name : name.subarray(0, end));
  }

  /**
   * Reads the name of a symbol, without the version that linkers append to it (`memcpy@@GLIBC_2.14`).
   *
   * @param offset Where it begins, in bytes; any integer from 0 on.
   * @returns The name, empty if the table has none there. Bytes that are not UTF-8 become U+FFFD.
   */
  symbolAt(offset: number): string {
    return this.#decoder.decode(this.bytes.subarray(offset, this.symbolEnd(offset)));
  }

  /**
   * Finds the end of a symbol's name.
   *
   * @param offset Where it begins, in bytes; any integer from 0 on.
   * @param maxBytes How far to look.
   * @returns The offset of its NUL or of the `@` before its version, or that of the byte that was not looked at.
   */
  symbolEnd(offset: number, maxBytes: number = MAX_NAME_BYTES): number {
    const { bytes } = this;
    const limit = Math.min(bytes.length, offset + maxBytes);
    let end = offset;
    while (end < limit && bytes[end] !== NUL && (bytes[end] !== AT_SIGN || end === offset)) end++;
    return end;
  }
}
