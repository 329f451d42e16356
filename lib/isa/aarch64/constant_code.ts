/**
 * Instructions with constants of any size, of which one instruction holds 12 or 16 bits.
 *
 * @module
 */

import { toAddress } from "../../address.ts";
import type { SlotCode } from "./slot_code.ts";

/** The register that pads may use in between. */
export const VALUE = 17;

const ADD_CONSTANT = 0x9100_0000; // add xd,xn,#value
const SUB_CONSTANT = 0xd100_0000; // sub xd,xn,#value
const UPPER_CONSTANT = 0x0040_0000; // value times 4096
const ADD = 0x8b00_0000; // add xd,xn,xm
const SUB = 0xcb00_0000; // sub xd,xn,xm
const MOVZ = 0x5280_0000; // mov wd,#value
const MOVK_UPPER = 0x72a0_0000; // movk wd,#value,lsl #16

/** What two instructions add at most. */
const SHORT_LIMIT = 1 << 24;

/**
 * Writes a sum of a register and a constant.
 *
 * @param into The number of the register that it gets into.
 * @param from That of the register, which may be the stack pointer if the constant is short; 17 only then.
 * @param bytes The constant, an integer.
 * @param out Receives the code.
 */
export function appendSum(into: number, from: number, bytes: number, out: SlotCode): void {
  const size = Math.abs(bytes);
  if (size >= SHORT_LIMIT) {
    out.load(VALUE, toAddress(size));
    out.words(((bytes < 0 ? SUB : ADD) | VALUE << 16 | from << 5 | into) >>> 0);
    return;
  }
  const word = bytes < 0 ? SUB_CONSTANT : ADD_CONSTANT;
  const upper = size >>> 12;
  const lower = size & 0xfff;
  if (upper > 0) out.words((word | UPPER_CONSTANT | upper << 10 | from << 5 | into) >>> 0);
  const base = upper > 0 ? into : from;
  if (lower > 0 || base !== into) out.words((word | lower << 10 | base << 5 | into) >>> 0);
}

/**
 * Writes a constant of 32 bits into a register.
 *
 * @param register The number of the register.
 * @param value The constant.
 * @param out Receives the code.
 */
export function appendConstant(register: number, value: number, out: SlotCode): void {
  out.words(MOVZ | (value & 0xffff) << 5 | register, MOVK_UPPER | (value >>> 16) << 5 | register);
}
