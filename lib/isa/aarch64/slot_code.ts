/**
 * Writes the contents of a slot or a pad: instructions, beside each what it means for the program, and the constants that
 * they load, which are behind the instructions.
 *
 * @module
 */

import { type Address, highHalf, toAddress } from "../../address.ts";
import type { Displacement, ResumePoint } from "../isa.ts";
import { INSTRUCTION_BYTES } from "./instruction.ts";

/** How far `b` leads, in bytes, to either side; a little more backwards. */
export const BRANCH_REACH_BYTES = (1 << 27) - INSTRUCTION_BYTES;
/** The size of a constant in bytes. */
const CONSTANT_BYTES = 8;

const LDR_LITERAL = 0x5800_0000;
const NO_FIX = { stackBytes: 0, pcRegister: -1, isHeld: false };

/** A slot that is being written. */
export class SlotCode {
  readonly #slot: Address;
  readonly #words: number[] = [];
  readonly #resume: ResumePoint[] = [];
  /** The constants, each with the indices of the instructions that load it. */
  readonly #constants = new Map<Address, number[]>();

  /**
   * Begins a slot.
   *
   * @param slot Its address.
   */
  constructor(slot: Address) {
    this.#slot = slot;
  }

  /** How many bytes of instructions have been written. */
  get length(): number {
    return this.#words.length * INSTRUCTION_BYTES;
  }

  /** Where the next instruction will be. */
  get here(): Address {
    return toAddress(this.#slot + this.length);
  }

  /**
   * States what the program may know of a thread that is at the next instruction.
   *
   * @param pc The original pc.
   * @param done Whether the original instruction has taken effect.
   * @param fix What else to correct; nothing by default.
   */
  resume(pc: Address, done: boolean, fix: Partial<Pick<ResumePoint, "isHeld" | "stackBytes">> = {}): void {
    this.#resume.push({ offset: this.length, pc, done, ...NO_FIX, ...fix });
  }

  /**
   * Writes instructions.
   *
   * @param words The instructions.
   */
  words(...words: number[]): void {
    this.#words.push(...words);
  }

  /**
   * Writes the load of a constant into a register.
   *
   * @param register The number of the register.
   * @param value The constant.
   */
  load(register: number, value: Address): void {
    const users = this.#constants.get(value) ?? [];
    users.push(this.#words.length);
    this.#constants.set(value, users);
    this.words(LDR_LITERAL | register);
  }

  /**
   * Writes a branch that changes nothing but the pc.
   *
   * @param target Where it leads.
   * @returns Whether it is in reach; if not, nothing was written.
   */
  branch(target: Address): boolean {
    const word = branchWord(this.here, target);
    if (word !== undefined) this.words(word);
    return word !== undefined;
  }

  /**
   * Changes an instruction that was written.
   *
   * @param offset Its offset in bytes.
   * @param word What it becomes.
   */
  patch(offset: number, word: number): void {
    this.#words[offset / INSTRUCTION_BYTES] = word;
  }

  /**
   * Ends the slot.
   *
   * @returns What was written, with the constants behind it.
   */
  finish(): Displacement {
    const { length } = this;
    const code = new Uint8Array(length + this.#constants.size * CONSTANT_BYTES);
    const view = new DataView(code.buffer);
    let at = length;
    for (const [value, users] of this.#constants) {
      for (const user of users) this.#words[user]! |= (at / INSTRUCTION_BYTES - user) << 5;
      view.setUint32(at, value >>> 0, true);
      view.setUint32(at + 4, highHalf(value), true);
      at += CONSTANT_BYTES;
    }
    this.#words.forEach((word, index) => view.setUint32(index * INSTRUCTION_BYTES, word, true));
    return { code, resume: this.#resume };
  }
}

/**
 * Makes the instruction `b`.
 *
 * @param from Where it will be.
 * @param target Where it leads.
 * @returns The instruction; undefined if the target is out of reach.
 */
export function branchWord(from: Address, target: Address): number | undefined {
  const distance = target - from;
  if (Math.abs(distance) > BRANCH_REACH_BYTES || distance % INSTRUCTION_BYTES !== 0) return undefined;
  return (0x1400_0000 | ((distance / INSTRUCTION_BYTES) & 0x03ff_ffff)) >>> 0;
}
