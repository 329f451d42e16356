/**
 * A decoded A64 instruction: what the decoder gives and what emulation, displacement and installation read.
 *
 * @module
 */

import type { Instruction } from "../isa.ts";

/**
 * What an instruction is, as far as it has to be known.
 *
 * - `plain`: nothing depends on where it is.
 * - `hint`: does nothing, or nothing that a program can tell: `nop`, `yield`, `bti`...
 * - `bl`, `b`, `b.cond`, `cbz` (and `cbnz`), `tbz` (and `tbnz`): to {@linkcode Instruction.target}.
 * - `register`: `br`, `blr`, `ret`, and `-authenticated`: those that authenticate their target (`braa`, `retaa`...).
 * - `adr`, `adrp`: writes an address near the pc, or that of a page near it.
 * - `literal`: loads a constant near the pc, into a general (or, `vector-literal`, a vector) register.
 * - `prefetch-literal`: prefetches it.
 * - `svc`: a system call.
 */
export type Kind =
  | "plain"
  | "hint"
  | "b"
  | "bl"
  | "b.cond"
  | "cbz"
  | "tbz"
  | "register"
  | "register-authenticated"
  | "adr"
  | "adrp"
  | "literal"
  | "vector-literal"
  | "prefetch-literal"
  | "svc";

/** A decoded A64 instruction (Arm ARM, C4). */
export interface A64Instruction extends Instruction {
  /** Its 32 bits, unsigned. */
  readonly word: number;
  /** What it is. */
  readonly kind: Kind;
  /** The number that `adr`, `adrp` and literals make of the pc; an address, unless it wraps around. 0 for others. */
  readonly operand: number;
}

/** The size of an instruction in bytes. */
export const INSTRUCTION_BYTES = 4;

/**
 * Takes a signed field out of an instruction.
 *
 * @param word The instruction.
 * @param low The number of the field's lowest bit.
 * @param bits How many bits it has.
 * @returns Its value.
 */
export function signedField(word: number, low: number, bits: number): number {
  return (word << (32 - low - bits)) >> (32 - bits);
}

/**
 * Takes the number of a register out of an instruction.
 *
 * @param word The instruction.
 * @param low The number of the field's lowest bit: 0 for Rd and Rt, 5 for Rn, 10 for Rt2, 16 for Rm.
 * @returns The number, 0 to 31.
 */
export function registerField(word: number, low: number): number {
  return (word >>> low) & 31;
}
