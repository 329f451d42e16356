/**
 * Branches to places in the code of a pad, before or behind them.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { INSTRUCTION_BYTES } from "./instruction.ts";
import type { SlotCode } from "./slot_code.ts";

/** How many bits of which instructions say where they lead, and how far up these begin (Arm ARM, C4.1). */
const FIELDS = [
  { mask: 0x7c00_0000, value: 0x1400_0000, bits: 26, shift: 0 }, // b, bl
  { mask: 0x7e00_0000, value: 0x3400_0000, bits: 19, shift: 5 }, // cbz, cbnz
  { mask: 0x7e00_0000, value: 0x3600_0000, bits: 14, shift: 5 }, // tbz, tbnz
];

/** A branch whose target is not known yet. */
interface Branch {
  readonly offset: number;
  readonly word: number;
  readonly name: string;
}

/** Places in code that is being written, by their names. */
export class Labels {
  readonly #out: SlotCode;
  readonly #places = new Map<string, number>();
  readonly #branches: Branch[] = [];

  /**
   * Makes labels; there is none at first.
   *
   * @param out The code.
   */
  constructor(out: SlotCode) {
    this.#out = out;
  }

  /**
   * Names the next instruction.
   *
   * @param name The name.
   */
  mark(name: string): void {
    this.#places.set(name, this.#out.length);
  }

  /**
   * Writes a branch.
   *
   * @param word The instruction, which leads to itself.
   * @param name Where it is to lead.
   */
  branch(word: number, name: string): void {
    this.#branches.push({ offset: this.#out.length, word, name });
    this.#out.words(word);
  }

  /** Has the branches lead where they are to. All names are known. */
  finish(): void {
    for (const { offset, word, name } of this.#branches) {
      const { bits, shift } = FIELDS.find(({ mask, value }) => (word & mask) === value)!;
      const distance = (this.#places.get(name)! - offset) / INSTRUCTION_BYTES;
      assert(Math.abs(distance) < 2 ** (bits - 1), `the branch to ${name} reaches it`);
      this.#out.patch(offset, word | (distance & (2 ** bits - 1)) << shift);
    }
  }
}
