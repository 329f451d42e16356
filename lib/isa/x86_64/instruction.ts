/**
 * A decoded x86-64 instruction: what the decoder gives and what emulation, displacement and installation read.
 *
 * @module
 */

import type { Instruction } from "../isa.ts";

/** Legacy prefixes that were present, as bits of {@linkcode X86Instruction.prefixes}. */
export const PREFIX = {
  /** 66: operand size. */
  OPERAND_SIZE: 1,
  /** 67: address size. */
  ADDRESS_SIZE: 2,
  /** F0: lock. */
  LOCK: 4,
  /** F2: repne, bnd, xacquire. */
  REPNE: 8,
  /** F3: rep, repe, xrelease. */
  REP: 16,
  /** 64: the fs segment. */
  FS: 32,
  /** 65: the gs segment. */
  GS: 64,
  /** 2E, 36, 3E, 26: segments without a meaning in 64-bit mode, and branch hints, notrack. */
  OTHER_SEGMENT: 128,
} as const;

/**
 * The opcode maps, as {@linkcode X86Instruction.map}: 0 one-byte, 1 `0F`, 2 `0F 38`, 3 `0F 3A`, 4 to 7 the EVEX and
 * VEX maps of those numbers, 8 to 10 XOP, 15 3DNow! (`0F 0F`, whose opcode is the last byte).
 */
export type OpcodeMap = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 15;

/** How the opcode is introduced. */
export type Encoding = "legacy" | "rex2" | "vex" | "evex" | "xop";

/** A decoded x86-64 instruction (Intel SDM vol. 2, chapter 2). */
export interface X86Instruction extends Instruction {
  /** How the opcode is introduced. */
  readonly encoding: Encoding;
  /** Legacy prefixes, bits of {@linkcode PREFIX}. */
  readonly prefixes: number;
  /**
   * W, R, X and B as bits 3, 2, 1 and 0, not inverted, whatever prefix they came from (REX, REX2, VEX, EVEX, XOP).
   */
  readonly wrxb: number;
  /** Whether a REX prefix (40 to 4F) or REX2 is there, which changes the meaning of byte registers 4 to 7. */
  readonly rex: boolean;
  /**
   * The extension of register numbers to 32: bit 4 of ModRM.reg, of index and of base as bits 2, 1 and 0, not
   * inverted (REX2, and EVEX of APX; for vector registers EVEX.R').
   */
  readonly rxb4: number;
  /**
   * The register in VEX.vvvv, EVEX.vvvv or XOP.vvvv, 0 to 31; -1 without such a prefix. Bit 4 is EVEX.V', which in
   * gathers and scatters extends the index.
   */
  readonly vvvv: number;
  /** The opcode map. */
  readonly map: OpcodeMap;
  /** The opcode byte. */
  readonly opcode: number;
  /** Where in the instruction the opcode byte is. */
  readonly opcodeOffset: number;
  /** The ModRM byte, -1 if there is none. Moves to and from control and debug registers ignore its mod field. */
  readonly modrm: number;
  /** Where in the instruction the ModRM byte is, -1 if there is none. */
  readonly modrmOffset: number;
  /** The SIB byte, -1 if there is none. */
  readonly sib: number;
  /** The displacement of a memory operand as it is encoded, sign-extended (an EVEX disp8 is not scaled); 0 if none. */
  readonly displacement: number;
  /** Where in the instruction the displacement is, -1 if there is none. */
  readonly displacementOffset: number;
  /** Its size: 0, 1, 4, or 8 (the `moffs` forms A0 to A3; 4 with an address-size prefix). */
  readonly displacementBytes: 0 | 1 | 4 | 8;
  /** The first immediate, sign-extended; 0 if there is none; inexact for 8-byte ones (`movabs`). */
  readonly immediate: number;
  /** Where in the instruction the first immediate is, -1 if there is none. */
  readonly immediateOffset: number;
  /** The size of all immediates together in bytes. */
  readonly immediateBytes: number;
  /** Whether the memory operand is relative to the address of the next instruction. */
  readonly ripRelative: boolean;
}

/** An instruction that is being decoded: the same fields, not yet final. */
export type DraftInstruction = { -readonly [Field in keyof X86Instruction]: X86Instruction[Field] };
