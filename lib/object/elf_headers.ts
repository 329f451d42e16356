/**
 * The headers of ELF files: which bytes of them mean what.
 *
 * | header | bytes |
 * | --- | ---: |
 * | file | 64 (52 in 32-bit files, of which only the first 20 are of interest: they are the same) |
 * | program header, one for each segment | 56 |
 * | section header | 64 |
 *
 * Format: System V ABI, chapters 4 and 5. Nothing is checked here; a 64-bit field becomes a number, exact below 2^53.
 *
 * @module
 */

import { fromHalves } from "../address.ts";
import type { ByteSource } from "./byte_source.ts";
import { EI_CLASS, EI_DATA, ELF_MAGIC, ELFCLASS32, ELFCLASS64, ELFDATA2LSB } from "./elf_constants.ts";
import type { StringTable } from "./string_table.ts";

/** The size of a program header in bytes. */
export const SEGMENT_BYTES = 56;
/** The size of a section header in bytes. */
export const SECTION_BYTES = 64;
const IDENT_BYTES = 20;
/** Where a section's name is cut: nobody looks for a longer one, and 65,536 overlapping names stay small. */
const MAX_SECTION_NAME_BYTES = 64;

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
export interface ElfIdent {
  /** The class: 32 or 64 bits. */
  readonly bits: 32 | 64;
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
 * assertEquals(identifyElf(byteSource(header)), { bits: 32, type: 2, machine: 3 });
 * ```
 *
 * @param source The bytes.
 * @returns What the file says about itself; undefined if it is no little-endian ELF file.
 */
export function identifyElf(source: ByteSource): ElfIdent | undefined {
  const bytes = source.read(0, IDENT_BYTES);
  if (bytes.length < IDENT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const elfClass = bytes[EI_CLASS];
  if (view.getUint32(0, true) !== ELF_MAGIC || bytes[EI_DATA] !== ELFDATA2LSB) return undefined;
  if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) return undefined;
  return {
    bits: elfClass === ELFCLASS32 ? 32 : 64,
    type: view.getUint16(16, true),
    machine: view.getUint16(18, true),
  };
}

/**
 * Reads a program header.
 *
 * @param view The program headers.
 * @param at Where it begins, in bytes.
 * @returns The segment.
 */
export function parseSegment(view: DataView, at: number): Segment {
  return {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: getUint64(view, at + 8),
    vaddr: getUint64(view, at + 16),
    fileBytes: getUint64(view, at + 32),
    memoryBytes: getUint64(view, at + 40),
    align: getUint64(view, at + 48),
  };
}

/**
 * Reads a section header.
 *
 * @param view The section headers.
 * @param at Where it begins, in bytes.
 * @param names The names of the sections.
 * @returns The section.
 */
export function parseSection(view: DataView, at: number, names: StringTable): Section {
  return {
    name: names.at(view.getUint32(at, true), MAX_SECTION_NAME_BYTES),
    type: view.getUint32(at + 4, true),
    flags: view.getUint32(at + 8, true),
    vaddr: getUint64(view, at + 16),
    offset: getUint64(view, at + 24),
    sizeBytes: getUint64(view, at + 32),
    link: view.getUint32(at + 40, true),
    align: getUint64(view, at + 48),
  };
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
