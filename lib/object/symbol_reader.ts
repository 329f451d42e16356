/**
 * Reads the function symbols of a file into columns.
 *
 * A symbol table is an array of 24-byte entries (System V ABI, chapter 4):
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0-3 | `st_name`, offset in the string table |
 * | 4 | `st_info`, binding in the upper, type in the lower four bits |
 * | 5 | `st_other`, visibility |
 * | 6-7 | `st_shndx`, section |
 * | 8-15 | `st_value`, address |
 * | 16-23 | `st_size` |
 *
 * Those of 32-bit files have 16 bytes, in the order name, value, size, info, other, section. Entries that are not of 64
 * bits and little-endian are converted when they are read.
 *
 * Of the 180,000 entries of a large program nearly all are functions, so they are kept in typed arrays: 13 bytes for
 * each, no object. Entries are read in pieces, so that a table is never in memory as a whole.
 *
 * *Which symbols.* `STT_FUNC` and `STT_GNU_IFUNC`, defined, named, inside an executable segment, outside the procedure
 * linkage tables (fasttrap rule 112).
 *
 * *Bounds.* Tables must lie inside their file and have at most {@linkcode MAX_SYMBOL_COUNT} symbols and
 * {@linkcode MAX_STRINGS_BYTES} bytes of names.
 *
 * @module
 */

import { fromHalves } from "../address.ts";
import type { CodeRanges } from "./code_ranges.ts";
import {
  SHN_COMMON,
  SHN_UNDEF,
  SHT_DYNSYM,
  SHT_GNU_VERSYM,
  SHT_STRTAB,
  SHT_SYMTAB,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_GNU_IFUNC,
  VERSYM_HIDDEN,
} from "./elf_constants.ts";
import { DynamicSection, type DynamicSymbols } from "./elf_dynamic.ts";
import type { ElfFile } from "./elf_file.ts";
import type { ElfLayout } from "./elf_headers.ts";
import { StringTable } from "./string_table.ts";

const SYMBOL_BYTES = 24;
const SYMBOL32_BYTES = 16;
/** The words of an entry. */
export const SYMBOL_WORDS: number = SYMBOL_BYTES / 4;
const MAX_SYMBOL_COUNT = 2 ** 22;
const MAX_STRINGS_BYTES = 2 ** 28;
const PIECE_SYMBOLS = 2 ** 16;

/** Where symbols come from. */
export type SymbolSource = "debug file" | ".symtab" | ".dynsym";

/** Flag of a symbol: weak. */
export const WEAK = 1;
/** Flag of a symbol: local to its object file. */
export const LOCAL = 2;
/** Flag of a symbol: `STT_GNU_IFUNC`. */
export const IFUNC = 4;
/** Flag of a symbol of .dynsym: its version is not the default one of its name. In .symtab only the name says so. */
export const HIDDEN = 8;
/** Flag of a symbol: its size is not what the file says. */
export const SIZE_GUESSED = 16;
/** How far to shift a symbol's flags to get the index of its table. */
export const TABLE_SHIFT = 6;

/** A symbol table that has been located. Its names are read when they are needed. */
export class SymbolArea {
  /** Where it comes from. */
  readonly source: SymbolSource;
  /** How many entries it has. */
  readonly count: number;
  readonly #elf: ElfFile;
  readonly #at: DynamicSymbols;
  #strings: StringTable | undefined;

  /**
   * Checks that the table is acceptable.
   *
   * @param elf The file that it is in.
   * @param source Where it comes from.
   * @param at Where it is in the file.
   * @throws {DTraceError} `D_PROC_ELF` if it is too large or not completely inside the file.
   */
  constructor(elf: ElfFile, source: SymbolSource, at: DynamicSymbols) {
    this.source = source;
    this.count = at.count;
    this.#elf = elf;
    this.#at = at;
    const { reader } = elf;
    if (at.count > MAX_SYMBOL_COUNT) {
      reader.fail(`its ${source} has ${at.count} symbols, more than ${MAX_SYMBOL_COUNT}`);
    }
    if (at.stringsBytes > MAX_STRINGS_BYTES) reader.fail(`the names of its ${source} are too long`);
    reader.check(at.offset, at.count * symbolBytes(elf), `its ${source}`);
  }

  /** The names. Throws `D_PROC_ELF` if they are not completely inside the file. */
  get strings(): StringTable {
    const { stringsOffset, stringsBytes } = this.#at;
    return this.#strings ??= new StringTable(
      this.#elf.reader.bytes(stringsOffset, stringsBytes, `the names of its ${this.source}`),
    );
  }

  /**
   * Reads entries.
   *
   * @param first The first entry.
   * @param count How many.
   * @returns The entries, six words each.
   * @throws {DTraceError} `D_PROC_ELF` if the file ends too early.
   */
  entries(first: number, count: number): Uint32Array {
    const { reader, layout } = this.#elf;
    const entryBytes = symbolBytes(this.#elf);
    const bytes = reader.bytes(this.#at.offset + first * entryBytes, count * entryBytes, `its ${this.source}`);
    return layout.bits === 64 && layout.littleEndian ? wordsOf(bytes) : convertEntries(bytes, layout);
  }

  /**
   * Reads version indices.
   *
   * @param first The first entry.
   * @param count How many.
   * @returns 16 bits for each entry; undefined if the table has none.
   * @throws {DTraceError} `D_PROC_ELF` if the file ends too early.
   */
  versions(first: number, count: number): DataView | undefined {
    const { versionsOffset } = this.#at;
    if (versionsOffset === undefined) return undefined;
    return this.#elf.reader.view(versionsOffset + first * 2, count * 2, `the versions of its ${this.source}`);
  }
}

/** Function symbols, in no order. The arrays are longer than `count`. */
export interface SymbolColumns {
  /** How many symbols there are. */
  count: number;
  /** Their addresses before relocation, from {@linkcode CodeRanges.start}. */
  readonly offsets: Uint32Array;
  /** Their sizes in bytes; 0 where the file gives none. */
  readonly sizes: Uint32Array;
  /** Where their names are in the string table. */
  readonly names: Uint32Array;
  /** Flags, and above {@linkcode TABLE_SHIFT} the index of the symbol table. */
  readonly flags: Uint8Array;
}

/**
 * Finds the symbol tables of a file, best first.
 *
 * @param elf The file.
 * @param debugFile Its separate debug file, if there is one.
 * @returns At most three.
 * @throws {DTraceError} `D_PROC_ELF` if a table does not lie inside its file or is too large.
 */
export function findSymbolAreas(elf: ElfFile, debugFile: ElfFile | undefined): SymbolArea[] {
  return [
    debugFile && areaOfSection(debugFile, SHT_SYMTAB, "debug file"),
    areaOfSection(elf, SHT_SYMTAB, ".symtab"),
    areaOfSection(elf, SHT_DYNSYM, ".dynsym") ?? areaOfDynamicSection(elf),
  ].filter((area) => area !== undefined);
}

/**
 * Reads the function symbols of several tables. Every table after the first only adds functions at addresses that have
 * none so far: normally none at all, because linkers repeat each dynamic symbol in .symtab.
 *
 * @param areas The tables, at most four, best first.
 * @param ranges Where functions may be.
 * @returns The symbols of all of them, those of the first table first.
 * @throws {DTraceError} `D_PROC_ELF` if a file ends too early.
 */
export function readFunctionSymbols(areas: readonly SymbolArea[], ranges: CodeRanges): SymbolColumns {
  const capacity = areas.reduce((sum, area) => sum + area.count, 0);
  const columns = {
    count: 0,
    offsets: new Uint32Array(capacity),
    sizes: new Uint32Array(capacity),
    names: new Uint32Array(capacity),
    flags: new Uint8Array(capacity),
  };
  const known = new Set<number>();
  areas.forEach((area, table) => {
    const before = columns.count;
    for (let first = 0; first < area.count; first += PIECE_SYMBOLS) {
      appendPiece(columns, { area, table, ranges, first, known });
    }
    if (table === areas.length - 1) return;
    for (let index = before; index < columns.count; index++) known.add(columns.offsets[index] as number);
  });
  return columns;
}

/** A part of a symbol table. */
interface Piece {
  readonly area: SymbolArea;
  readonly table: number;
  readonly ranges: CodeRanges;
  readonly first: number;
  /** The offsets of the functions in better tables. */
  readonly known: ReadonlySet<number>;
}

function appendPiece(columns: SymbolColumns, { area, table, ranges, first, known }: Piece): void {
  const count = Math.min(PIECE_SYMBOLS, area.count - first);
  const words = area.entries(first, count);
  const versions = area.versions(first, count);
  for (let index = 0, at = 0; index < count; index++, at += SYMBOL_WORDS) {
    const info = words[at + 1] as number;
    const type = info & 15;
    const sectionIndex = info >>> 16;
    if (type !== STT_FUNC && type !== STT_GNU_IFUNC) continue;
    if (sectionIndex === SHN_UNDEF || sectionIndex === SHN_COMMON) continue;
    const vaddr = fromHalves(words[at + 2] as number, words[at + 3] as number);
    const segment = ranges.segmentOf(vaddr);
    if (segment === undefined || known.has(vaddr - ranges.start)) continue;
    const name = words[at] as number;
    if (!area.strings.bytes[name]) continue;

    let flags = table << TABLE_SHIFT | bindingFlag(info >>> 4 & 15);
    if (type === STT_GNU_IFUNC) flags |= IFUNC;
    if (((versions?.getUint16(index * 2, true) ?? 0) & VERSYM_HIDDEN) !== 0) flags |= HIDDEN;
    let sizeBytes = fromHalves(words[at + 4] as number, words[at + 5] as number);
    if (sizeBytes > segment.end - vaddr) {
      sizeBytes = segment.end - vaddr;
      flags |= SIZE_GUESSED;
    }
    const to = columns.count++;
    columns.offsets[to] = vaddr - ranges.start;
    columns.sizes[to] = sizeBytes;
    columns.names[to] = name;
    columns.flags[to] = flags;
  }
}

/** The size of an entry in a file. */
function symbolBytes(elf: ElfFile): number {
  return elf.layout.bits === 64 ? SYMBOL_BYTES : SYMBOL32_BYTES;
}

/** Brings entries into the layout of 64-bit little-endian files. */
function convertEntries(bytes: Uint8Array, layout: ElfLayout): Uint32Array {
  const { bits, littleEndian } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entryBytes = bits === 64 ? SYMBOL_BYTES : SYMBOL32_BYTES;
  const words = new Uint32Array(bytes.length / entryBytes * SYMBOL_WORDS);
  for (let at = 0, to = 0; at < bytes.length; at += entryBytes, to += SYMBOL_WORDS) {
    const info = at + (bits === 64 ? 4 : 12);
    words[to] = view.getUint32(at, littleEndian);
    words[to + 1] = view.getUint8(info) | view.getUint8(info + 1) << 8 | view.getUint16(info + 2, littleEndian) << 16;
    if (bits === 64) {
      words[to + 2] = view.getUint32(at + (littleEndian ? 8 : 12), littleEndian);
      words[to + 3] = view.getUint32(at + (littleEndian ? 12 : 8), littleEndian);
      words[to + 4] = view.getUint32(at + (littleEndian ? 16 : 20), littleEndian);
      words[to + 5] = view.getUint32(at + (littleEndian ? 20 : 16), littleEndian);
    } else {
      words[to + 2] = view.getUint32(at + 4, littleEndian);
      words[to + 4] = view.getUint32(at + 8, littleEndian);
    }
  }
  return words;
}

/** Views bytes as words, copied if they are not aligned. Deno runs on machines of ELF's byte order only. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
}

/** GNU's unique binding counts as global, as any that is not known does. */
function bindingFlag(binding: number): number {
  if (binding === STB_WEAK) return WEAK;
  return binding === STB_LOCAL ? LOCAL : 0;
}

function areaOfSection(elf: ElfFile, type: number, source: SymbolSource): SymbolArea | undefined {
  const symbols = elf.sections.find((section) => section.type === type);
  if (symbols === undefined) return undefined;
  const strings = elf.sections[symbols.link];
  if (strings?.type !== SHT_STRTAB) elf.reader.fail(`its section "${symbols.name}" has no string table`);
  const versions = type === SHT_DYNSYM
    ? elf.sections.find((section) => section.type === SHT_GNU_VERSYM)?.offset
    : undefined;
  return new SymbolArea(elf, source, {
    offset: symbols.offset,
    count: Math.floor(symbols.sizeBytes / symbolBytes(elf)),
    stringsOffset: strings.offset,
    stringsBytes: strings.sizeBytes,
    versionsOffset: versions,
  });
}

function areaOfDynamicSection(elf: ElfFile): SymbolArea | undefined {
  if (elf.layout.bits !== 64 || !elf.layout.littleEndian) return undefined;
  const symbols = new DynamicSection(elf).symbols();
  return symbols && new SymbolArea(elf, ".dynsym", symbols);
}
