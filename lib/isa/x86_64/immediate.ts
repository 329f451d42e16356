/**
 * The immediates of x86-64 instructions, with what else stands behind ModRM and displacement: the absolute address of
 * `moffs` forms and of JMPABS, and the opcode of 3DNow! (SDM vol. 2, 2.1.6 and 2.2.1.3 to 2.2.1.5).
 *
 * @module
 */

import { type DraftInstruction, PREFIX } from "./instruction.ts";

const HIGH = 2 ** 32;

/** Kinds of immediates; the letters of `opcode_map.ts` stand for them. */
export const IMMEDIATE = {
  /** None. */
  NONE: 0,
  /** 1 byte. */
  BYTE: 1,
  /** 2 bytes. */
  TWO_BYTES: 2,
  /** 2 bytes and 1 byte. */
  ENTER: 3,
  /** 4 bytes. */
  FOUR_BYTES: 4,
  /** 2 or 4 bytes by the operand size. */
  OPERAND: 5,
  /** 2, 4 or 8 bytes by the operand size. */
  WIDE_OPERAND: 6,
  /** An address: 8 bytes, or 4 with an address-size prefix. */
  ADDRESS: 7,
  /** 1 byte if ModRM.reg is 0 or 1. */
  TEST_BYTE: 8,
  /** 2 or 4 bytes by the operand size if ModRM.reg is 0 or 1. */
  TEST_OPERAND: 9,
  /** 1 byte and 1 byte behind `66` or `F2`. */
  EXTRACT: 10,
  /** The opcode of 3DNow!. */
  AMD_3DNOW: 11,
} as const;

/** The opcodes of 3DNow! (APM vol. 3, table A-13). */
const AMD_3DNOW_OPCODES = new Set([
  ...[0x0c, 0x0d, 0x1c, 0x1d, 0x8a, 0x8e, 0x90, 0x94, 0x96, 0x97, 0x9a, 0x9e],
  ...[0xa0, 0xa4, 0xa6, 0xa7, 0xaa, 0xae, 0xb0, 0xb4, 0xb6, 0xb7, 0xbb, 0xbf],
]);

/**
 * Reads the last part of an instruction.
 *
 * @param draft The instruction, whose `length` is the offset of this part; `length` and the fields of the immediate
 *   are set.
 * @param code The bytes.
 * @param offset Where in `code` the instruction begins.
 * @param end Where in `code` it must end at the latest.
 * @param kind Which part, one of {@linkcode IMMEDIATE}.
 * @param pp The mandatory prefix.
 * @returns Whether all bytes are there and mean something.
 */
export function readImmediate(
  draft: DraftInstruction,
  code: Uint8Array,
  offset: number,
  end: number,
  kind: number,
  pp: number,
): boolean {
  const at = offset + draft.length;
  const bytes = countBytes(draft, kind, pp);
  if (at + bytes > end) return false;
  if (kind === IMMEDIATE.AMD_3DNOW) return setAmd3dnow(draft, code[at] as number);
  if (bytes === 0) return true;
  if (kind === IMMEDIATE.ADDRESS && draft.encoding === "legacy") {
    draft.displacement = readInteger(code, at, bytes);
    draft.displacementOffset = draft.length;
    draft.displacementBytes = bytes as 4 | 8;
  } else {
    const isPair = kind === IMMEDIATE.ENTER || kind === IMMEDIATE.EXTRACT;
    draft.immediate = readInteger(code, at, isPair ? bytes - 1 : bytes);
    draft.immediateOffset = draft.length;
    draft.immediateBytes = bytes;
  }
  draft.length += bytes;
  return true;
}

/** The size of this part in bytes. */
function countBytes(draft: DraftInstruction, kind: number, pp: number): number {
  switch (kind) {
    case IMMEDIATE.BYTE:
    case IMMEDIATE.AMD_3DNOW:
      return 1;
    case IMMEDIATE.TWO_BYTES:
      return 2;
    case IMMEDIATE.ENTER:
      return 3;
    case IMMEDIATE.FOUR_BYTES:
      return 4;
    case IMMEDIATE.OPERAND:
      return operandBytes(draft, pp, 4);
    case IMMEDIATE.WIDE_OPERAND:
      return operandBytes(draft, pp, 8);
    case IMMEDIATE.ADDRESS:
      return (draft.prefixes & PREFIX.ADDRESS_SIZE) !== 0 ? 4 : 8;
    case IMMEDIATE.TEST_BYTE:
      return (draft.modrm & 0x30) === 0 ? 1 : 0;
    case IMMEDIATE.TEST_OPERAND:
      return (draft.modrm & 0x30) === 0 ? operandBytes(draft, pp, 4) : 0;
    case IMMEDIATE.EXTRACT:
      return (pp & 1) !== 0 ? 2 : 0;
    default:
      return 0;
  }
}

/** The operand size in bytes; APX instructions have their operand-size prefix in EVEX.pp. */
function operandBytes(draft: DraftInstruction, pp: number, wideBytes: number): number {
  if ((draft.wrxb & 8) !== 0) return wideBytes;
  const isNarrow = draft.encoding === "evex" ? pp === 1 : (draft.prefixes & PREFIX.OPERAND_SIZE) !== 0;
  return isNarrow ? 2 : 4;
}

function setAmd3dnow(draft: DraftInstruction, opcode: number): boolean {
  draft.map = 15;
  draft.opcode = opcode;
  draft.opcodeOffset = draft.length++;
  return AMD_3DNOW_OPCODES.has(opcode);
}

/** Reads a signed integer of 1, 2, 4 or 8 bytes; the last is rounded to what a number can hold. */
function readInteger(code: Uint8Array, at: number, bytes: number): number {
  switch (bytes) {
    case 1:
      return (code[at] as number) << 24 >> 24;
    case 2:
      return ((code[at] as number) | (code[at + 1] as number) << 8) << 16 >> 16;
    case 4:
      return readInt32(code, at);
    default:
      return (readInt32(code, at) >>> 0) + readInt32(code, at + 4) * HIGH;
  }
}

/**
 * Reads a signed integer of 4 bytes.
 *
 * @param code The bytes.
 * @param at Where in `code` it begins.
 * @returns The integer.
 */
export function readInt32(code: Uint8Array, at: number): number {
  return (code[at] as number) | (code[at + 1] as number) << 8 | (code[at + 2] as number) << 16 |
    (code[at + 3] as number) << 24;
}
