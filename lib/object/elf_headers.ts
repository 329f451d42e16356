/**
 * The headers of ELF files: which bytes of them mean what, by class and byte order.
 *
 * | header | bytes in 64-bit files | in 32-bit files |
 * | --- | ---: | ---: |
 * | file | 64 | 52 |
 * | program header, one for each segment | 56 | 32 |
 * | section header | 64 | 40 |
 *
 * Format: System V ABI, chapters 4 and 5. Nothing is checked here; a 64-bit field becomes a number, exact below 2^53.
 *
 * @module
 */

import { fromHalves } from "../address.ts";
import type { ByteSource } from "./byte_source.ts";
import { EI_CLASS, EI_DATA, ELF_MAGIC, ELFCLASS32, ELFCLASS64, ELFDATA2LSB, ELFDATA2MSB } from "./elf_constants.ts";
import type { StringTable } from "./string_table.ts";

const IDENT_BYTES = 20;
/** Where a section's name is cut: nobody looks for a longer one, and 65,536 overlapping names stay small. */
const MAX_SECTION_NAME_BYTES = 64;

/** How the fields of a file are laid out. */
export interface ElfLayout {
  /** The class: the size of an address in bits. */
  readonly bits: 32 | 64;
  /** Whether the first byte of a number is its lowest. */
  readonly littleEndian: boolean;
}

/** The layout of what can be traced. */
export const TRACED_LAYOUT: ElfLayout = { bits: 64, littleEndian: true };

/** The fields of the file's header that say where the other headers are. */
export interface ElfHeader {
  /** `e_entry`. */
  readonly entry: number;
  /** `e_phoff`, `e_phentsize`, `e_phnum`. */
  readonly segments: { readonly offset: number; readonly entryBytes: number; readonly count: number };
  /** `e_shoff`, `e_shentsize`, `e_shnum`. */
  readonly sections: { readonly offset: number; readonly entryBytes: number; readonly count: number };
  /** `e_shstrndx`. */
  readonly namesIndex: number;
}

/** A program header. */
export interface Segment {
  /** `p_type`, such as `PT_LOAD`. */
  readonly type: number;
  /** `p_flags`. */
  readonly flags: number;
  /** Where its contents are in the file, in bytes. */
  readonly offset: number;
  /** Its address before relocation. */
  readonly vaddr: number;
  /** How many bytes of it are in the file. */
  readonly fileBytes: number;
  /** How many bytes it takes in memory. */
  readonly memoryBytes: number;
  /** Its alignment in bytes. */
  readonly align: number;
}

/** A section header. */
export interface Section {
  /** Its name. */
  readonly name: string;
  /** `sh_type`, such as `SHT_SYMTAB`. */
  readonly type: number;
  /** `sh_flags`, the low 32 bits. */
  readonly flags: number;
  /** Its address before relocation; 0 if it is not loaded. */
  readonly vaddr: number;
  /** Where its contents are in the file, in bytes. */
  readonly offset: number;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** The index of the section it belongs to: of a symbol table, the string table. */
  readonly link: number;
  /** Its alignment in bytes. */
  readonly align: number;
}

/** What an ELF file of any kind says about itself. */
export interface ElfIdent extends ElfLayout {
  /** `e_type`, such as `ET_DYN`. */
  readonly type: number;
  /** `e_machine`, such as 62 for x86-64. */
  readonly machine: number;
}

/**
 * Tells what kind of ELF file something is, also for the kinds that {@linkcode ElfFile} refuses.
 *
 * @example A 32-bit program
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { byteSource } from "./byte_source.ts";
 *
 * const header = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0]);
 * assertEquals(identifyElf(byteSource(header)), { bits: 32, littleEndian: true, type: 2, machine: 3 });
 * ```
 *
 * @param source The bytes.
 * @returns What the file says about itself; undefined if it is no ELF file.
 */
export function identifyElf(source: ByteSource): ElfIdent | undefined {
  const bytes = source.read(0, IDENT_BYTES);
  if (bytes.length < IDENT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const elfClass = bytes[EI_CLASS];
  const order = bytes[EI_DATA];
  if (view.getUint32(0, true) !== ELF_MAGIC || (order !== ELFDATA2LSB && order !== ELFDATA2MSB)) return undefined;
  if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) return undefined;
  const littleEndian = order === ELFDATA2LSB;
  return {
    bits: elfClass === ELFCLASS32 ? 32 : 64,
    littleEndian,
    type: view.getUint16(16, littleEndian),
    machine: view.getUint16(18, littleEndian),
  };
}

/**
 * The sizes of the headers.
 *
 * @param layout The file's layout.
 * @returns The sizes of the file's header, of a program header and of a section header, in bytes.
 */
export function headerSizes({ bits }: ElfLayout): { file: number; segment: number; section: number } {
  return bits === 64 ? { file: 64, segment: 56, section: 64 } : { file: 52, segment: 32, section: 40 };
}

/**
 * Reads the file's header.
 *
 * @param view The header.
 * @param layout The file's layout.
 * @returns Where the other headers are.
 */
export function parseHeader(view: DataView, layout: ElfLayout): ElfHeader {
  const wordBytes = layout.bits / 8;
  // Behind the entry and the two offsets come e_flags, of 4 bytes, and 16-bit fields, of which the first is e_ehsize.
  const half = (index: number) => view.getUint16(24 + 3 * wordBytes + 4 + 2 * index, layout.littleEndian);
  return {
    entry: getWord(view, 24, layout),
    segments: { offset: getWord(view, 24 + wordBytes, layout), entryBytes: half(1), count: half(2) },
    sections: { offset: getWord(view, 24 + 2 * wordBytes, layout), entryBytes: half(3), count: half(4) },
    namesIndex: half(5),
  };
}

/**
 * Reads a program header.
 *
 * @param view The program headers.
 * @param at Where it begins, in bytes.
 * @param layout The file's layout.
 * @returns The segment.
 */
export function parseSegment(view: DataView, at: number, layout: ElfLayout): Segment {
  const { bits, littleEndian } = layout;
  const word = (index: number) => getWord(view, at + index * (bits / 8), layout);
  // In 32-bit files the flags stand behind the sizes; in 64-bit files they fill the gap behind the type.
  return {
    type: view.getUint32(at, littleEndian),
    flags: view.getUint32(at + (bits === 64 ? 4 : 24), littleEndian),
    offset: word(1),
    vaddr: word(2),
    fileBytes: word(4),
    memoryBytes: word(5),
    align: word(bits === 64 ? 6 : 7),
  };
}

/**
 * Reads a section header.
 *
 * @param view The section headers.
 * @param at Where it begins, in bytes.
 * @param layout The file's layout.
 * @param names The names of the sections.
 * @returns The section.
 */
export function parseSection(view: DataView, at: number, layout: ElfLayout, names: StringTable): Section {
  const { bits, littleEndian } = layout;
  const wordBytes = bits / 8;
  const flags = at + 8 + (littleEndian ? 0 : wordBytes - 4);
  return {
    name: names.at(view.getUint32(at, littleEndian), MAX_SECTION_NAME_BYTES),
    type: view.getUint32(at + 4, littleEndian),
    flags: view.getUint32(flags, littleEndian),
    vaddr: getWord(view, at + 8 + wordBytes, layout),
    offset: getWord(view, at + 8 + 2 * wordBytes, layout),
    sizeBytes: getWord(view, at + 8 + 3 * wordBytes, layout),
    link: view.getUint32(at + 8 + 4 * wordBytes, littleEndian),
    align: getWord(view, at + 16 + 4 * wordBytes, layout),
  };
}

/**
 * Reads a word of the size of an address as a number.
 *
 * @param view The bytes.
 * @param at Where it begins, in bytes.
 * @param layout The file's layout.
 * @returns The number; inexact from 2^53 on.
 * @throws {RangeError} If the view ends before the word does.
 */
export function getWord(view: DataView, at: number, { bits, littleEndian }: ElfLayout): number {
  if (bits === 32) return view.getUint32(at, littleEndian);
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? fromHalves(first, second) : fromHalves(second, first);
}

/**
 * Reads a little-endian 64-bit word as a number.
 *
 * @param view The bytes.
 * @param at Where it begins, in bytes.
 * @returns The number; inexact from 2^53 on.
 * @throws {RangeError} If the view ends before the word does.
 */
export function getUint64(view: DataView, at: number): number {
  return fromHalves(view.getUint32(at, true), view.getUint32(at + 4, true));
}
