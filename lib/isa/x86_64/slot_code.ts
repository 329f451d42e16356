/**
 * Writes the contents of a slot: bytes, and beside each instruction the original pc that stands for it.
 *
 * One slot is written after the other, all into one buffer, from which its bytes are copied when it is finished.
 *
 * @module
 */

import { type Address, highHalf, toAddress } from "../../address.ts";
import { assert } from "../../errors.ts";
import { SmallBytes } from "../../small_bytes.ts";
import type { Displacement, ResumePoint } from "../isa.ts";

/** The size of `jmp rel32` in bytes. */
const NEAR_JUMP_BYTES = 5;

/** The size of `jmp *0(%rip)` and the address behind it in bytes. */
const FAR_JUMP_BYTES = 14;

/** The longest slots, those of pads that copy what all arguments point to in both ways, have some 4 KiB, and 22 values from memory as much. */
const buffer = new Uint8Array(1 << 14);
/** The contents of those of whose threads nobody wants to know, which are written and forgotten. */
const passing = new SmallBytes();
const NOTHING: Partial<ResumePoint> = {};

/** The contents of a slot while they are being written. */
export class SlotCode {
  readonly #slot: Address;
  readonly #keepsResume: boolean;
  #length = 0;
  readonly #resume: ResumePoint[] = [];

  /**
   * Begins a slot.
   *
   * @param slot Its address.
   * @param keepsResume Whether it is of interest what the program may know of threads in it.
   */
  constructor(slot: Address, keepsResume = true) {
    this.#slot = slot;
    this.#keepsResume = keepsResume;
  }

  /** How many bytes have been written. */
  get length(): number {
    return this.#length;
  }

  /** Where the next byte will be. */
  get here(): Address {
    return toAddress(this.#slot + this.#length);
  }

  /**
   * States what the program may know of a thread that is at the next byte.
   *
   * @param pc The original pc.
   * @param done Whether the original instruction has taken effect.
   * @param fix What else to correct; nothing by default.
   */
  resume(
    pc: Address,
    done: boolean,
    { stackBytes = 0, pcRegister = -1, isHeld = false }: Partial<ResumePoint> = NOTHING,
  ): void {
    if (!this.#keepsResume) return;
    this.#resume.push({ offset: this.#length, pc, done, stackBytes, pcRegister, isHeld });
  }

  /**
   * Writes bytes.
   *
   * @param bytes The bytes.
   */
  bytes(...bytes: number[]): void {
    for (let i = 0; i < bytes.length; i++) buffer[this.#length++] = bytes[i]!;
  }

  /**
   * Writes bytes that are there already.
   *
   * @param bytes The bytes.
   */
  copy(bytes: Uint8Array): void {
    buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * Writes 4 bytes, lowest first.
   *
   * @param value An integer, of which the low 32 bits count.
   */
  half(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) buffer[this.#length++] = value >>> shift;
  }

  /**
   * Writes 8 bytes, lowest first.
   *
   * @param value The address.
   */
  word(value: Address): void {
    this.half(value);
    this.half(highHalf(value));
  }

  /**
   * Writes a jump that changes nothing but the pc.
   *
   * @param target Where it leads.
   */
  jump(target: Address): void {
    const distance = this.#distance(target, 0);
    if (isInt32(distance)) {
      this.bytes(0xe9); // jmp rel32
      this.half(distance);
    } else {
      this.bytes(0xff, 0x25, 0, 0, 0, 0); // jmp *0(%rip)
      this.word(target);
    }
  }

  /**
   * Writes a short branch that, when taken, skips the jump that is written next.
   *
   * @param opcode The opcode of a branch with an 8-bit displacement.
   * @param target Where the next jump leads.
   */
  branchOverJump(opcode: number, target: Address): void {
    this.bytes(opcode, isInt32(this.#distance(target, 2)) ? NEAR_JUMP_BYTES : FAR_JUMP_BYTES);
  }

  /**
   * Writes a short branch that, when taken, leads to `target`, and else falls through.
   *
   * @param opcode The opcode of a branch with an 8-bit displacement.
   * @param target Where it leads.
   * @param next What a thread that falls through has as its pc.
   */
  branchAway(opcode: number, target: Address, next: Address): void {
    this.bytes(opcode, 2); // over the jump that follows
    this.resume(next, true);
    const size = isInt32(this.#distance(target, 2)) ? NEAR_JUMP_BYTES : FAR_JUMP_BYTES;
    this.bytes(0xeb, size); // jmp over the next jump
    this.resume(target, true);
    this.jump(target);
  }

  /**
   * Changes a byte that was written.
   *
   * @param at Its offset.
   * @param value Its new value.
   */
  patch(at: number, value: number): void {
    buffer[at] = value;
  }

  /**
   * Changes 4 bytes that were written.
   *
   * @param at The offset of the first.
   * @param value An integer, of which the low 32 bits count.
   */
  patchHalf(at: number, value: number): void {
    for (let index = 0; index < 4; index++) buffer[at + index] = value >>> (8 * index);
  }

  /**
   * Ends the slot.
   *
   * @returns What was written.
   */
  finish(): Displacement {
    assert(this.#length <= buffer.length, "the contents of a slot fit into the buffer");
    const code = this.#keepsResume ? buffer.slice(0, this.#length) : passing.copy(buffer, 0, this.#length);
    return { code, resume: this.#resume };
  }

  /** The displacement of a near jump that comes after so many more bytes. */
  #distance(target: Address, bytesBefore: number): number {
    return target - (this.#slot + this.#length + bytesBefore + NEAR_JUMP_BYTES);
  }
}

/**
 * Tells whether a number fits in a sign-extended 32-bit field.
 *
 * @param value The integer.
 * @returns Whether it does.
 */
export function isInt32(value: number): boolean {
  return (value | 0) === value;
}
