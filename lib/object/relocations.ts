/**
 * The words in which a program keeps the addresses of functions, as its relocations tell.
 *
 * *Problem.* The symbol of an `STT_GNU_IFUNC` is the address of its resolver, a function that is called once and
 * returns the address of the implementation. Which one that is cannot be read off the file, and calling the resolver is
 * for the program to do. But the program has done it, and has noted the result where calls find it.
 *
 * *Method.* A relocation table says where. An entry is 24 bytes (System V ABI, chapter 4):
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0-7 | `r_offset`, the address of the word |
 * | 8-11 | `r_info`, lower half: type |
 * | 12-15 | `r_info`, upper half: index of the symbol in .dynsym |
 * | 16-23 | `r_addend` |
 *
 * Two kinds are of interest: `IRELATIVE`, whose addend is the resolver's address, and `JUMP_SLOT` and `GLOB_DAT`, which
 * name a symbol. Of the named ones only those are kept whose symbol is undefined here, or is itself an IFUNC.
 * `DT_RELR` relocates only by the load bias, and names nothing.
 *
 * The tables are those of the dynamic section. A static program has none; its start-up code finds its `IRELATIVE`
 * relocations by symbols of the linker, and we find them by sections.
 *
 * *Bounds.* Tables must lie inside their file; at most {@linkcode MAX_SLOT_COUNT} words are kept.
 *
 * @module
 */

import {
  EM_AARCH64,
  EM_X86_64,
  PT_DYNAMIC,
  R_AARCH64_GLOB_DAT,
  R_AARCH64_IRELATIVE,
  R_AARCH64_JUMP_SLOT,
  R_AARCH64_RELATIVE,
  R_X86_64_GLOB_DAT,
  R_X86_64_IRELATIVE,
  R_X86_64_JUMP_SLOT,
  R_X86_64_RELATIVE,
  SHF_ALLOC,
  SHN_UNDEF,
  SHT_RELA,
  STT_GNU_IFUNC,
} from "./elf_constants.ts";
import { DynamicSection, type FileRange } from "./elf_dynamic.ts";
import type { ElfFile } from "./elf_file.ts";
import { getUint64 } from "./elf_headers.ts";
import { StringTable } from "./string_table.ts";

const ENTRY_BYTES = 24;
const SYMBOL_BYTES = 24;
const WORD_BYTES = 8;
const PIECE_ENTRIES = 2 ** 15;
/** The largest libraries have some 60,000 relocations that name a symbol. */
const MAX_SLOT_COUNT = 2 ** 18;
/** The largest programs have some 500,000 relocations that name none. */
const MAX_RELATIVE_COUNT = 2 ** 22;
const MAX_STRINGS_BYTES = 2 ** 28;

/** A word that holds the address of a function when the program runs. */
export interface FunctionSlot {
  /** Its address before relocation. */
  readonly vaddr: number;
  /**
   * What it holds before a function has been put in, before relocation: often the address of code that will do that.
   * Undefined if that is not known, or if the function is in another module.
   */
  readonly initial: number | undefined;
}

/** The words of a file that hold addresses of functions; those of the linkage table come first. */
export interface FunctionSlots {
  /** Those that hold what a resolver returned, by the resolver's address before relocation. */
  readonly resolved: ReadonlyMap<number, readonly FunctionSlot[]>;
  /** Those that hold what a name was bound to, by the name, without version. */
  readonly named: ReadonlyMap<string, readonly FunctionSlot[]>;
}

/** The types that are of interest. */
interface RelocationTypes {
  readonly relative: number;
  readonly resolved: number;
  readonly named: readonly number[];
}

const TYPES: Readonly<Record<number, RelocationTypes>> = {
  [EM_X86_64]: {
    relative: R_X86_64_RELATIVE,
    resolved: R_X86_64_IRELATIVE,
    named: [R_X86_64_JUMP_SLOT, R_X86_64_GLOB_DAT],
  },
  [EM_AARCH64]: {
    relative: R_AARCH64_RELATIVE,
    resolved: R_AARCH64_IRELATIVE,
    named: [R_AARCH64_JUMP_SLOT, R_AARCH64_GLOB_DAT],
  },
};

/** The entries of a table that are of interest. */
interface Entries {
  readonly resolved: { readonly vaddr: number; readonly resolver: number }[];
  readonly named: { readonly vaddr: number; readonly symbol: number }[];
}

/**
 * Reads where a file keeps the addresses of functions.
 *
 * @param elf The file.
 * @returns The words; none for a machine that is not known.
 * @throws {DTraceError} `D_PROC_ELF` if a table does not lie inside the file, or is too large.
 */
export function readFunctionSlots(elf: ElfFile): FunctionSlots {
  const resolved = new Map<number, FunctionSlot[]>();
  const named = new Map<string, FunctionSlot[]>();
  const types = TYPES[elf.machine];
  if (types === undefined) return { resolved, named };
  const entries: Entries = { resolved: [], named: [] };
  for (const table of findTables(elf)) readTable(elf, table, types, entries);
  for (const { vaddr, resolver } of entries.resolved) {
    append(resolved, resolver, { vaddr, initial: initialOf(elf, vaddr) });
  }
  appendNamed(elf, entries.named, named);
  return { resolved, named };
}

/**
 * Reads the words to which nothing is added but the load bias, and whose values are in the relocations.
 *
 * @param elf The file.
 * @returns What each word holds before relocation, by its address; nothing for a machine that is not known.
 * @throws {DTraceError} `D_PROC_ELF` if a table does not lie inside the file, or is too large.
 */
export function readRelativeWords(elf: ElfFile): Map<number, number> {
  const words = new Map<number, number>();
  const relative = TYPES[elf.machine]?.relative;
  for (const table of relative === undefined ? [] : findTables(elf)) {
    forEachEntry(elf, table, (view, at) => {
      if (view.getUint32(at + 8, true) === relative) words.set(getUint64(view, at), getUint64(view, at + 16));
    });
    if (words.size > MAX_RELATIVE_COUNT) {
      elf.reader.fail(`it has more than ${MAX_RELATIVE_COUNT} relocations of addresses`);
    }
  }
  return words;
}

function findTables(elf: ElfFile): readonly FileRange[] {
  if (elf.segments.some(({ type }) => type === PT_DYNAMIC)) return new DynamicSection(elf).relocations();
  return elf.sections.filter(({ type, flags }) => type === SHT_RELA && (flags & SHF_ALLOC) !== 0);
}

/** Calls a function for each entry of a table, which is read in pieces, so that it is never in memory as a whole. */
function forEachEntry(
  elf: ElfFile,
  { offset, sizeBytes }: FileRange,
  use: (view: DataView, at: number) => void,
): void {
  const { reader } = elf;
  reader.check(offset, sizeBytes, "its relocations");
  const count = Math.floor(sizeBytes / ENTRY_BYTES);
  for (let first = 0; first < count; first += PIECE_ENTRIES) {
    const pieceBytes = Math.min(PIECE_ENTRIES, count - first) * ENTRY_BYTES;
    const view = reader.view(offset + first * ENTRY_BYTES, pieceBytes, "its relocations");
    for (let at = 0; at < pieceBytes; at += ENTRY_BYTES) use(view, at);
  }
}

function readTable(elf: ElfFile, table: FileRange, types: RelocationTypes, entries: Entries): void {
  const { resolved, named } = entries;
  forEachEntry(elf, table, (view, at) => {
    const type = view.getUint32(at + 8, true);
    if (type === types.resolved) {
      resolved.push({ vaddr: getUint64(view, at), resolver: getUint64(view, at + 16) });
    } else if (types.named.includes(type)) {
      named.push({ vaddr: getUint64(view, at), symbol: view.getUint32(at + 12, true) });
    } else {
      return;
    }
    if (resolved.length + named.length > MAX_SLOT_COUNT) {
      elf.reader.fail(`it has more than ${MAX_SLOT_COUNT} relocations of functions`);
    }
  });
}

/**
 * Looks the named entries' symbols up. The dynamic section does not say how many symbols there are, and its hash tables
 * need not count the undefined ones: the table is taken to reach as far as the entries ask for.
 */
function appendNamed(elf: ElfFile, entries: Entries["named"], named: Map<string, FunctionSlot[]>): void {
  const at = entries.length === 0 ? undefined : new DynamicSection(elf).symbols();
  if (at === undefined) return;
  const { reader } = elf;
  const count = 1 + entries.reduce((highest, { symbol }) => Math.max(highest, symbol), 0);
  const symbols = reader.view(at.offset, count * SYMBOL_BYTES, "its .dynsym");
  if (at.stringsBytes > MAX_STRINGS_BYTES) reader.fail("the names of its .dynsym are too long");
  const strings = new StringTable(reader.bytes(at.stringsOffset, at.stringsBytes, "the names of its .dynsym"));
  for (const { vaddr, symbol } of entries) {
    const isIfunc = (symbols.getUint8(symbol * SYMBOL_BYTES + 4) & 15) === STT_GNU_IFUNC;
    const isUndefined = symbols.getUint16(symbol * SYMBOL_BYTES + 6, true) === SHN_UNDEF;
    if (!isUndefined && !isIfunc) continue;
    const name = strings.symbolAt(symbols.getUint32(symbol * SYMBOL_BYTES, true));
    append(named, name, { vaddr, initial: isUndefined ? undefined : initialOf(elf, vaddr) });
  }
}

/** What a word holds in the file. Nobody knows of a process's memory what it was before. */
function initialOf(elf: ElfFile, vaddr: number): number | undefined {
  if (elf.isLoaded) return undefined;
  const offset = elf.offsetOf(vaddr);
  if (offset === undefined) return undefined;
  return getUint64(elf.reader.view(offset, WORD_BYTES, "a word that holds the address of a function"), 0);
}

function append<K>(slots: Map<K, FunctionSlot[]>, key: K, slot: FunctionSlot): void {
  const known = slots.get(key);
  if (known === undefined) slots.set(key, [slot]);
  else known.push(slot);
}
