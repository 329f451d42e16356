/**
 * Small byte arrays, by the ten thousand.
 *
 * *Problem.* V8 takes as long for a `Uint8Array` with memory of its own as the decoder for an instruction, and again to free it;
 * a view of memory that is there already costs a tenth. Enabling thousands of probes keeps a few bytes of each.
 *
 * *Method.* Views of blocks that are filled one after the other. A block lives as long as any of its views, so that those of one
 * {@linkcode SmallBytes} should live about equally long.
 *
 * @module
 */

/** The size of a block in bytes. */
const BLOCK_BYTES = 1 << 13;
const NO_BLOCK = new Uint8Array();

/** See the module's comment. */
export class SmallBytes {
  #block: Uint8Array = NO_BLOCK;
  #used = 0;

  /**
   * Makes an array of zeros.
   *
   * @param length Its length.
   * @returns The array.
   */
  take(length: number): Uint8Array {
    if (length > BLOCK_BYTES) return new Uint8Array(length);
    if (this.#used + length > this.#block.length) {
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#used = 0;
    }
    this.#used += length;
    return this.#block.subarray(this.#used - length, this.#used);
  }

  /**
   * Copies a part of an array.
   *
   * @param bytes The array.
   * @param start Where the part begins.
   * @param end Where it ends; may be behind the end of the array.
   * @returns The copy.
   */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const length = Math.min(end, bytes.length) - start;
    const copy = this.take(length);
    for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
    return copy;
  }
}
