/**
 * The opcode maps as typed arrays, which the decoder indexes.
 *
 * Each map is a *page* of 256 entries. The pages are numbered by prefix, so that the number follows from the map field
 * of the prefix without a search:
 *
 * | pages | what |
 * | --- | --- |
 * | 0-3 | legacy and REX2: one byte, `0F`, `0F 38`, `0F 3A` |
 * | 4 + 0-7 | VEX, by its map field |
 * | 12 + 0-7 | EVEX, by its map field |
 * | 12 + 8-10 | XOP, by its map field |
 *
 * Pages that no row names hold no opcode. Building takes one to two milliseconds and happens at import, as the
 * tables are constants.
 *
 * @module
 */

import { assert } from "../../errors.ts";
import { CLASSIFIED_OPCODES } from "./flow.ts";
import { IMMEDIATE } from "./immediate.ts";
import * as evex from "./evex_map.ts";
import * as legacy from "./opcode_map.ts";
import * as groups from "./opcode_groups.ts";
import * as vex from "./vex_map.ts";

/** The number of the page of VEX map 0; others follow. */
export const VEX_PAGES = 4;
/** The number of the page of EVEX map 0; others follow, XOP's maps 8 to 10 behind them. */
export const EVEX_PAGES = 12;
const PAGE_COUNT = 23;

/** Bits of an entry of {@linkcode FORMS}. */
export const FORM = {
  /** The kind of immediate, one of {@linkcode IMMEDIATE}. */
  IMMEDIATE_MASK: 15,
  /** A ModRM byte follows. */
  MODRM: 16,
  /** ModRM never names memory. */
  REGISTERS_ONLY: 32,
  /** The opcode has a flow other than `next`, or cannot be traced, at least for some operands. */
  CLASSIFIED: 64,
} as const;

const { MODRM, REGISTERS_ONLY, CLASSIFIED } = FORM;

const FORM_OF_LETTER: Readonly<Record<string, number>> = {
  z: IMMEDIATE.NONE,
  b: IMMEDIATE.BYTE,
  w: IMMEDIATE.TWO_BYTES,
  d: IMMEDIATE.OPERAND,
  q: IMMEDIATE.WIDE_OPERAND,
  e: IMMEDIATE.ENTER,
  o: IMMEDIATE.ADDRESS,
  s: IMMEDIATE.BYTE,
  l: IMMEDIATE.FOUR_BYTES,
  M: MODRM,
  B: MODRM | IMMEDIATE.BYTE,
  D: MODRM | IMMEDIATE.OPERAND,
  C: MODRM | REGISTERS_ONLY,
  T: MODRM | IMMEDIATE.TEST_BYTE,
  U: MODRM | IMMEDIATE.TEST_OPERAND,
  Q: MODRM | IMMEDIATE.EXTRACT,
  I: MODRM | IMMEDIATE.FOUR_BYTES,
  N: MODRM | IMMEDIATE.AMD_3DNOW,
};

/** The form of each opcode, bits of {@linkcode FORM}, at index `page * 256 + opcode`. */
export const FORMS: Uint8Array = new Uint8Array(PAGE_COUNT * 256);

/**
 * The mandatory prefixes with which each opcode exists, at index `page * 256 + opcode`: bits 4 to 7 with a memory
 * operand, bits 0 to 3 with a register operand or without ModRM. The bit number in each half is `pp`.
 */
export const EXISTENCE: Uint8Array = new Uint8Array(PAGE_COUNT * 256);

/** The row of {@linkcode GROUPS} that narrows each opcode, at index `page * 256 + opcode`; 0 if there is none. */
export const GROUP_ROWS: Uint8Array = new Uint8Array(PAGE_COUNT * 256);

/** The number of entries of a row of {@linkcode GROUPS}. */
export const GROUP_ENTRIES = 72;

/**
 * The mandatory prefixes, bit number `pp`, with which the opcodes of a group exist: in each row 8 entries for
 * ModRM.reg with a memory operand, then 64 for ModRM.reg and ModRM.rm with a register operand.
 */
export const GROUPS: Uint8Array = buildTables([
  [0, legacy.ONE_BYTE_ROWS, groups.ONE_BYTE_GROUPS],
  [1, legacy.TWO_BYTE_ROWS, groups.TWO_BYTE_GROUPS],
  [2, legacy.THREE_BYTE_38_ROWS, groups.THREE_BYTE_38_GROUPS],
  [3, legacy.THREE_BYTE_3A_ROWS, groups.THREE_BYTE_3A_GROUPS],
  [VEX_PAGES + 1, vex.VEX_1_ROWS, groups.VEX_1_GROUPS],
  [VEX_PAGES + 2, vex.VEX_2_ROWS, groups.VEX_2_GROUPS],
  [VEX_PAGES + 3, vex.VEX_3_ROWS, []],
  [VEX_PAGES + 5, vex.VEX_5_ROWS, []],
  [VEX_PAGES + 7, vex.VEX_7_ROWS, groups.MAP_7_GROUPS],
  [EVEX_PAGES + 1, evex.EVEX_1_ROWS, groups.EVEX_1_GROUPS],
  [EVEX_PAGES + 2, evex.EVEX_2_ROWS, groups.EVEX_2_GROUPS],
  [EVEX_PAGES + 3, evex.EVEX_3_ROWS, []],
  [EVEX_PAGES + 4, evex.EVEX_4_ROWS, groups.EVEX_4_GROUPS],
  [EVEX_PAGES + 5, evex.EVEX_5_ROWS, []],
  [EVEX_PAGES + 6, evex.EVEX_6_ROWS, []],
  [EVEX_PAGES + 7, evex.EVEX_7_ROWS, groups.MAP_7_GROUPS],
  [EVEX_PAGES + 8, vex.XOP_8_ROWS, []],
  [EVEX_PAGES + 9, vex.XOP_9_ROWS, groups.XOP_9_GROUPS],
  [EVEX_PAGES + 10, vex.XOP_10_ROWS, groups.XOP_10_GROUPS],
]);

/** A page number, its rows and its groups. */
type Page = readonly [page: number, rows: legacy.OpcodeRows, groups: readonly groups.OpcodeGroup[]];

/** Fills the tables from the rows; returns the table of groups, whose size is known only then. */
function buildTables(pages: readonly Page[]): Uint8Array {
  const groupCount = pages.reduce((count, page) => count + page[2].length, 0);
  const table = new Uint8Array((groupCount + 1) * GROUP_ENTRIES);
  let row = 0;
  for (const [page, rows, pageGroups] of pages) {
    for (let high = 0; high < 16; high++) {
      const cells = rows[high];
      if (cells !== undefined) addCells(page * 256 + high * 16, cells);
    }
    for (const group of pageGroups) {
      row++;
      GROUP_ROWS[page * 256 + group.opcode] = row;
      addGroup(table, row * GROUP_ENTRIES, group);
    }
  }
  for (const [page, opcodes] of CLASSIFIED_OPCODES) {
    for (const opcode of opcodes) FORMS[page * 256 + opcode] = (FORMS[page * 256 + opcode] as number) | CLASSIFIED;
  }
  return table;
}

/** Fills 16 entries of {@linkcode FORMS} and {@linkcode EXISTENCE} from the cells of a row. */
function addCells(index: number, row: string): void {
  assert(row.length === 63, `opcode row of ${row.length} characters`);
  for (let column = 0; column < 16; column++) {
    const at = column * 4;
    const letter = row.charAt(at);
    if (letter === ".") continue;
    const form = FORM_OF_LETTER[letter];
    assert(form !== undefined, "opcode cell with an unknown letter");
    FORMS[index + column] = form;
    EXISTENCE[index + column] = hexDigit(row, at + 1) << 4 | hexDigit(row, at + 2);
  }
}

/** Fills a row of the table of groups. */
function addGroup(table: Uint8Array, index: number, { memory, register }: groups.OpcodeGroup): void {
  assert(memory.length === 8, "opcode group without 8 digits for memory");
  for (let reg = 0; reg < 8; reg++) table[index + reg] = hexDigit(memory, reg);
  const words = register.split(" ");
  assert(words.length === 8, "opcode group without 8 words for registers");
  for (let entry = 0; entry < 64; entry++) {
    const word = words[entry >> 3] as string;
    table[index + 8 + entry] = hexDigit(word, word.length === 1 ? 0 : entry & 7);
  }
}

/** The value of a lower-case hexadecimal digit; parseInt would take most of the time at import. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 0x3a ? code - 0x30 : code - 0x57;
}
