/**
 * The x86-64 instruction decoder.
 *
 * *Problem.* To put a tracepoint on any instruction, and to walk over the text of a whole library, one must know of
 * every byte sequence whether it is an instruction in 64-bit mode, how long it is, where it leads, and where its
 * relocatable parts are. What it computes does not matter.
 *
 * *Method.* An instruction is a sequence of parts, each of which says which part comes next. The draft of the result
 * is the state: its `length` counts the bytes that have been read.
 *
 * | part | bytes | layout | SDM vol. 2 |
 * | --- | --- | --- | --- |
 * | legacy prefixes | 0-14 | `66 67 F0 F2 F3 2E 36 3E 26 64 65`, in any order and number | 2.1.1 |
 * | REX | 0-1 | `0100WRXB`; counts only directly before the opcode | 2.2.1 |
 * | or REX2 | 2 | `D5`, `M R4 X4 B4 W R X B`; M is the opcode map | APX 3.1.2 |
 * | or VEX | 2 | `C5`, `~R ~vvvv L pp`; map 1 | 2.3.5 |
 * | or VEX, XOP | 3 | `C4` or `8F`, `~R ~X ~B mmmmm`, `W ~vvvv L pp`; XOP has maps 8 to 10, else `8F` is pop | 2.3.5, APM 1.8.2 |
 * | or EVEX | 4 | `62`, `~R ~X ~B ~R4 B4 mmm`, `W ~vvvv ~X4 pp`, `z LL b ~V4 aaa` | 2.7.1, APX 3.1.4 |
 * | escape | 0-2 | `0F`, `0F 38`, `0F 3A`, without REX2, VEX, EVEX and XOP | 2.1.2 |
 * | opcode | 1 | `opcode_map.ts`, `vex_map.ts`, `evex_map.ts` | appendix A |
 * | ModRM | 0-1 | `mod reg rm`; mod 3: no memory operand | 2.1.3, 2.1.5 |
 * | SIB | 0-1 | if mod < 3 and rm = 4: `scale index base` | 2.1.5 |
 * | displacement | 0, 1, 4 | mod 1: 1; mod 2: 4; mod 0: 4 if rm = 5 (relative to rip) or base = 5 | 2.1.5, 2.2.1.6 |
 * | immediates | 0-8 | by opcode, operand size and address size | 2.1.6 |
 *
 * The mandatory prefix `pp` (0 none, 1 `66`, 2 `F3`, 3 `F2`; the last one of F3 and F2 counts, and before 66) and
 * ModRM select between instructions that share an opcode, of which some do not exist.
 *
 * *Invariants.* No byte at or behind the end of the array, or behind the 15th of the instruction, is read. Nothing is
 * thrown. All results have the same hidden class, so that the callers' property accesses stay monomorphic.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import { classify } from "./flow.ts";
import { readImmediate, readInt32 } from "./immediate.ts";
import { type DraftInstruction, type OpcodeMap, PREFIX, type X86Instruction } from "./instruction.ts";
import { EVEX_PAGES, EXISTENCE, FORM, FORMS, GROUP_ENTRIES, GROUP_ROWS, GROUPS, VEX_PAGES } from "./opcode_tables.ts";

/** The longest instruction in bytes (SDM vol. 2, 2.3.11). */
const LONGEST_BYTES = 15;

const NONE = -1;

/** The bit of {@linkcode PREFIX} of each byte that is a legacy prefix; 0 of all others. */
const PREFIX_BITS = new Uint8Array(256);
PREFIX_BITS[0x66] = PREFIX.OPERAND_SIZE;
PREFIX_BITS[0x67] = PREFIX.ADDRESS_SIZE;
PREFIX_BITS[0xf0] = PREFIX.LOCK;
PREFIX_BITS[0xf2] = PREFIX.REPNE;
PREFIX_BITS[0xf3] = PREFIX.REP;
PREFIX_BITS[0x64] = PREFIX.FS;
PREFIX_BITS[0x65] = PREFIX.GS;
for (const segment of [0x26, 0x2e, 0x36, 0x3e]) PREFIX_BITS[segment] = PREFIX.OTHER_SEGMENT;

/** Legacy prefixes that make VEX, EVEX and XOP prefixes undefined (SDM vol. 2, 2.3.2 to 2.3.4). */
const BEFORE_NO_VEX = PREFIX.OPERAND_SIZE | PREFIX.LOCK | PREFIX.REP | PREFIX.REPNE;

/** Rows of opcodes, as bits, that do not exist with REX2 in map 0 and 1 (APX 3.1.2.1). */
const REX2_MISSING_ROWS = [0x4490, 0x0108];

/** With REX2, an opcode of a missing row that exists nevertheless: JMPABS. */
const ABSOLUTE_JUMP = 0xa1;

/** The escape to 3DNow! in map 1. */
const AMD_3DNOW_ESCAPE = 0x0f;

/**
 * Decodes one instruction in 64-bit mode.
 *
 * @param code Bytes that hold it; those behind it do not matter.
 * @param offset Where in `code` it begins, a non-negative integer.
 * @param address Its address in the target.
 * @returns The instruction; undefined if the bytes are none, or end before it does.
 */
export function decode(code: Uint8Array, offset: number, address: Address): X86Instruction | undefined {
  const end = Math.min(code.length, offset + LONGEST_BYTES);
  const draft = makeDraft(address);
  const pageAndPrefix = readPrefixes(draft, code, offset, end);
  const opcodeAt = offset + draft.length;
  if (pageAndPrefix === NONE || opcodeAt >= end) return undefined;
  const opcode = code[opcodeAt] as number;
  draft.opcode = opcode;
  draft.opcodeOffset = draft.length++;

  const pp = pageAndPrefix & 3;
  const index = (pageAndPrefix >> 2) * 256 + opcode;
  const form = FORMS[index] as number;
  if ((form & FORM.MODRM) !== 0) {
    if (!readModrm(draft, code, offset, end, (form & FORM.REGISTERS_ONLY) !== 0)) return undefined;
    if (!existsWithModrm(draft, index, pp, (form & FORM.REGISTERS_ONLY) !== 0)) return undefined;
  } else if (((EXISTENCE[index] as number) >> pp & 1) === 0) {
    return undefined;
  }
  if (draft.encoding === "rex2" && !existsWithRex2(draft)) return undefined;
  const immediate = form & FORM.IMMEDIATE_MASK;
  if (immediate !== 0 && !readImmediate(draft, code, offset, end, immediate, pp)) return undefined;
  if ((form & FORM.CLASSIFIED) !== 0) classify(draft);
  return draft;
}

function makeDraft(address: Address): DraftInstruction {
  return {
    address,
    length: 0,
    flow: "next",
    target: undefined,
    refusal: undefined,
    encoding: "legacy",
    prefixes: 0,
    wrxb: 0,
    rex: false,
    rxb4: 0,
    vvvv: -1,
    map: 0,
    opcode: 0,
    opcodeOffset: 0,
    modrm: -1,
    modrmOffset: -1,
    sib: -1,
    displacement: 0,
    displacementOffset: -1,
    displacementBytes: 0,
    immediate: 0,
    immediateOffset: -1,
    immediateBytes: 0,
    ripRelative: false,
  };
}

/** Reads everything before the opcode; returns the page of the opcode's table * 4 + pp, or NONE. */
function readPrefixes(draft: DraftInstruction, code: Uint8Array, offset: number, end: number): number {
  let prefixes = 0;
  let repeat = 0;
  let rex = 0;
  let at = offset;
  for (; at < end; at++) {
    const byte = code[at] as number;
    const bit = PREFIX_BITS[byte] as number;
    if (bit !== 0) {
      prefixes |= bit;
      rex = 0;
      if (bit === PREFIX.REP) repeat = 2;
      else if (bit === PREFIX.REPNE) repeat = 3;
    } else if ((byte & 0xf0) === 0x40) {
      rex = byte;
    } else {
      break;
    }
  }
  if (at >= end) return NONE;
  draft.length = at - offset;
  draft.prefixes = prefixes;
  const pp = repeat !== 0 ? repeat : prefixes & PREFIX.OPERAND_SIZE;
  switch (code[at]) {
    case 0x62:
      return rex !== 0 || (prefixes & BEFORE_NO_VEX) !== 0 ? NONE : readEvex(draft, code, at, end);
    case 0xc4:
      return rex !== 0 || (prefixes & BEFORE_NO_VEX) !== 0 ? NONE : readVex3(draft, code, at, end);
    case 0xc5:
      return rex !== 0 || (prefixes & BEFORE_NO_VEX) !== 0 ? NONE : readVex2(draft, code, at, end);
    case 0xd5:
      return rex !== 0 ? NONE : readRex2(draft, code, at, end, pp);
    case 0x8f:
      if (at + 1 < end && ((code[at + 1] as number) & 0x1f) >= 8) {
        return rex !== 0 || (prefixes & BEFORE_NO_VEX) !== 0 ? NONE : readVex3(draft, code, at, end);
      }
  }
  draft.rex = rex !== 0;
  draft.wrxb = rex & 15;
  return code[at] === 0x0f ? readEscape(draft, code, at, end) << 2 | pp : pp;
}

/** Reads an escape to the maps 1 to 3; returns the map. */
function readEscape(draft: DraftInstruction, code: Uint8Array, at: number, end: number): OpcodeMap {
  const second = at + 1 < end ? code[at + 1] : 0;
  const map = second === 0x38 ? 2 : second === 0x3a ? 3 : 1;
  draft.map = map;
  draft.length += map === 1 ? 1 : 2;
  return map;
}

function readRex2(draft: DraftInstruction, code: Uint8Array, at: number, end: number, pp: number): number {
  if (at + 1 >= end) return NONE;
  const payload = code[at + 1] as number;
  draft.encoding = "rex2";
  draft.rex = true;
  draft.wrxb = payload & 15;
  draft.rxb4 = payload >> 4 & 7;
  draft.map = payload >= 0x80 ? 1 : 0;
  draft.length += 2;
  return draft.map << 2 | pp;
}

function readVex2(draft: DraftInstruction, code: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return NONE;
  const payload = code[at + 1] as number;
  draft.encoding = "vex";
  draft.wrxb = ~payload >> 5 & 4;
  draft.vvvv = ~payload >> 3 & 15;
  draft.map = 1;
  draft.length += 2;
  return (VEX_PAGES + 1) << 2 | payload & 3;
}

/** Reads a VEX prefix of 3 bytes, or an XOP prefix, which has the same layout. */
function readVex3(draft: DraftInstruction, code: Uint8Array, at: number, end: number): number {
  if (at + 2 >= end) return NONE;
  const first = code[at + 1] as number;
  const second = code[at + 2] as number;
  const map = first & 0x1f;
  const isVex = code[at] === 0xc4;
  if (map > (isVex ? 7 : 10)) return NONE;
  draft.encoding = isVex ? "vex" : "xop";
  draft.wrxb = second >> 4 & 8 | ~first >> 5 & 7;
  draft.vvvv = ~second >> 3 & 15;
  draft.map = map as OpcodeMap;
  draft.length += 3;
  return ((isVex ? VEX_PAGES : EVEX_PAGES) + map) << 2 | second & 3;
}

function readEvex(draft: DraftInstruction, code: Uint8Array, at: number, end: number): number {
  if (at + 3 >= end) return NONE;
  const first = code[at + 1] as number;
  const second = code[at + 2] as number;
  const third = code[at + 3] as number;
  const map = first & 7;
  draft.encoding = "evex";
  draft.wrxb = second >> 4 & 8 | ~first >> 5 & 7;
  draft.rxb4 = ~first >> 2 & 4 | ~second >> 1 & 2 | first >> 3 & 1;
  draft.vvvv = ~third << 1 & 16 | ~second >> 3 & 15;
  draft.map = map as OpcodeMap;
  draft.length += 4;
  return (EVEX_PAGES + map) << 2 | second & 3;
}

/** Reads ModRM, SIB and displacement; returns whether all bytes are there. */
function readModrm(
  draft: DraftInstruction,
  code: Uint8Array,
  offset: number,
  end: number,
  registersOnly: boolean,
): boolean {
  let at = offset + draft.length;
  if (at >= end) return false;
  const modrm = code[at++] as number;
  draft.modrm = modrm;
  draft.modrmOffset = draft.length;
  let displacementBytes: 0 | 1 | 4 = 0;
  if (modrm < 0xc0 && !registersOnly) {
    const mod = modrm >> 6;
    const rm = modrm & 7;
    let base = rm;
    if (rm === 4) {
      if (at >= end) return false;
      const sib = code[at++] as number;
      draft.sib = sib;
      base = sib & 7;
    }
    displacementBytes = mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0;
    draft.ripRelative = mod === 0 && rm === 5;
    if (at + displacementBytes > end) return false;
  }
  if (displacementBytes !== 0) {
    draft.displacement = displacementBytes === 1 ? (code[at] as number) << 24 >> 24 : readInt32(code, at);
    draft.displacementOffset = at - offset;
    draft.displacementBytes = displacementBytes;
  }
  draft.length = at + displacementBytes - offset;
  return true;
}

/** Tells whether an opcode exists with this mandatory prefix and this ModRM byte. */
function existsWithModrm(draft: DraftInstruction, index: number, pp: number, registersOnly: boolean): boolean {
  const isRegister = draft.modrm >= 0xc0 || registersOnly;
  const prefixes = EXISTENCE[index] as number;
  if (((isRegister ? prefixes : prefixes >> 4) >> pp & 1) === 0) return false;
  const row = GROUP_ROWS[index] as number;
  if (row === 0) return true;
  const entry = row * GROUP_ENTRIES + (isRegister ? 8 + (draft.modrm & 63) : draft.modrm >> 3 & 7);
  return ((GROUPS[entry] as number) >> pp & 1) !== 0;
}

/** Tells whether an opcode that exists without REX2 also exists with it. */
function existsWithRex2(draft: DraftInstruction): boolean {
  if (draft.map === 0 && draft.opcode === ABSOLUTE_JUMP) {
    const { OPERAND_SIZE, ADDRESS_SIZE, REP, REPNE } = PREFIX;
    return (draft.prefixes & (OPERAND_SIZE | ADDRESS_SIZE | REP | REPNE)) === 0 && (draft.wrxb & 8) === 0;
  }
  const missing = REX2_MISSING_ROWS[draft.map] as number;
  return (missing >> (draft.opcode >> 4) & 1) === 0 && !(draft.map === 1 && draft.opcode === AMD_3DNOW_ESCAPE);
}
