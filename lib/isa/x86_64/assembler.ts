/**
 * Machine code with labels: branches and operands relative to the pc, that are resolved at the end.
 *
 * @module
 */

import { assert } from "../../errors.ts";

/** A place that refers to a label. */
interface Reference {
  readonly at: number;
  readonly label: string;
}

/** Code while it is being written. */
export class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #references: Reference[] = [];

  /** How many bytes have been written. */
  get length(): number {
    return this.#bytes.length;
  }

  /**
   * Writes bytes.
   *
   * @param bytes The bytes.
   */
  bytes(...bytes: readonly number[]): void {
    for (const byte of bytes) this.#bytes.push(byte & 0xff);
  }

  /**
   * Writes 4 bytes, lowest first.
   *
   * @param value An integer, of which the low 32 bits count.
   */
  half(value: number): void {
    const bits = value >>> 0;
    this.bytes(bits, bits >>> 8, bits >>> 16, bits >>> 24);
  }

  /**
   * Writes the text of a string, and a NUL.
   *
   * @param text The text, ASCII.
   */
  text(text: string): void {
    for (const character of text) this.bytes(character.charCodeAt(0));
    this.bytes(0);
  }

  /**
   * Names the next byte.
   *
   * @param name The name.
   */
  label(name: string): void {
    this.#labels.set(name, this.#bytes.length);
  }

  /**
   * Names a place that is outside of the code.
   *
   * @param name The name.
   * @param offset How far behind the first byte it is, in bytes.
   */
  define(name: string, offset: number): void {
    this.#labels.set(name, offset);
  }

  /**
   * Writes an opcode and a 32-bit displacement, which ends the instruction.
   *
   * @param opcode The bytes before it.
   * @param label Where it leads.
   */
  near(opcode: readonly number[], label: string): void {
    this.bytes(...opcode);
    this.#references.push({ at: this.#bytes.length, label });
    this.half(0);
  }

  /**
   * Finds a label.
   *
   * @param label Its name.
   * @returns Its offset, in bytes.
   */
  offsetOf(label: string): number {
    const offset = this.#labels.get(label);
    assert(offset !== undefined, `the code has a label ${label}`);
    return offset;
  }

  /**
   * Resolves all labels.
   *
   * @returns The code.
   */
  finish(): Uint8Array {
    const code = Uint8Array.from(this.#bytes);
    const view = new DataView(code.buffer);
    for (const { at, label } of this.#references) view.setInt32(at, this.offsetOf(label) - (at + 4), true);
    return code;
  }
}
