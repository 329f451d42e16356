/**
 * Makes small ELF files byte by byte, for what no compiler makes on demand.
 *
 * The code is one executable segment at {@linkcode CODE_VADDR}, whose contents are at file offset 0x1000.
 *
 * @module
 */

import { byteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { type FunctionSymbol, SymbolTable } from "../../lib/object/symbol_table.ts";

/** The address of the code. */
export const CODE_VADDR = 0x401000;
/** The size of the code in bytes. */
export const CODE_BYTES = 0x1000;

/** A section to be written. */
export interface SectionSpec {
  name: string;
  type: number;
  flags?: number;
  vaddr?: number;
  /** Its contents; sections without are of size `sizeBytes` and at the code's file offset. */
  bytes?: Uint8Array;
  sizeBytes?: number;
  /** The name of the section that `sh_link` refers to. */
  link?: string;
}

/** A symbol to be written; a global function of 16 bytes unless it says otherwise. */
export interface SymbolSpec {
  name: string;
  vaddr: number;
  sizeBytes?: number;
  type?: number;
  binding?: number;
  section?: number;
}

/** What a file is made of. */
export interface ElfSpec {
  sections?: SectionSpec[];
  /** Makes .symtab and .strtab. */
  symbols?: SymbolSpec[];
  /** Makes .dynsym and .dynstr. */
  dynamicSymbols?: SymbolSpec[];
  /** One version index for each dynamic symbol. */
  versions?: number[];
  /** Whether the numbers of sections stand in the first section header. */
  extended?: boolean;
}

const HEADER_BYTES = 64;
const CODE_OFFSET = 0x1000;

/** Writes a symbol table and its names. */
function symbolSections(prefix: ".sym" | ".dyn", symbols: readonly SymbolSpec[]): SectionSpec[] {
  const table = new DataView(new ArrayBuffer(24 * (symbols.length + 1)));
  let names = "\0";
  symbols.forEach((symbol, index) => {
    const at = 24 * (index + 1);
    table.setUint32(at, names.length, true);
    table.setUint8(at + 4, ((symbol.binding ?? 1) << 4) | (symbol.type ?? 2));
    table.setUint16(at + 6, symbol.section ?? 1, true);
    table.setBigUint64(at + 8, BigInt(symbol.vaddr), true);
    table.setBigUint64(at + 16, BigInt(symbol.sizeBytes ?? 16), true);
    names += `${symbol.name}\0`;
  });
  const isDynamic = prefix === ".dyn";
  const strings = isDynamic ? ".dynstr" : ".strtab";
  return [
    { name: isDynamic ? ".dynsym" : ".symtab", type: isDynamic ? 11 : 2, bytes: bytesOf(table), link: strings },
    { name: strings, type: 3, bytes: new TextEncoder().encode(names) },
  ];
}

/**
 * Makes an ELF file.
 *
 * @param spec What it is made of.
 * @returns Its bytes.
 */
export function buildElf(spec: ElfSpec): Uint8Array<ArrayBuffer> {
  const sections: SectionSpec[] = [
    { name: "", type: 0, bytes: new Uint8Array(0) },
    { name: ".text", type: 1, flags: 6, vaddr: CODE_VADDR, sizeBytes: CODE_BYTES },
    ...(spec.sections ?? []),
    ...(spec.symbols ? symbolSections(".sym", spec.symbols) : []),
    ...(spec.dynamicSymbols ? symbolSections(".dyn", spec.dynamicSymbols) : []),
    ...(spec.versions
      ? [{ name: ".gnu.version", type: 0x6fffffff, bytes: bytesOf(Uint16Array.from([0, ...spec.versions])) }]
      : []),
  ];
  const names = [...sections.map((section) => section.name), ".shstrtab"].join("\0") + "\0";
  sections.push({ name: ".shstrtab", type: 3, bytes: new TextEncoder().encode(names) });

  const offsets: number[] = [];
  let end = CODE_OFFSET + CODE_BYTES;
  for (const { bytes } of sections) {
    offsets.push(bytes ? end : CODE_OFFSET);
    end += Math.ceil((bytes?.length ?? 0) / 8) * 8;
  }
  const file = new Uint8Array(end + sections.length * HEADER_BYTES);
  const view = new DataView(file.buffer);
  writeHeader(view, { sectionsOffset: end, sectionCount: sections.length, extended: spec.extended ?? false });
  let nameOffset = 0;
  sections.forEach((section, index) => {
    file.set(section.bytes ?? [], offsets[index]);
    const at = end + index * HEADER_BYTES;
    view.setUint32(at, nameOffset, true);
    nameOffset += section.name.length + 1;
    view.setUint32(at + 4, section.type, true);
    view.setUint32(at + 8, section.flags ?? 0, true);
    view.setUint32(at + 16, section.vaddr ?? 0, true);
    view.setUint32(at + 24, offsets[index] ?? 0, true);
    view.setUint32(at + 32, section.bytes?.length ?? section.sizeBytes ?? 0, true);
    if (section.link) view.setUint32(at + 40, sections.findIndex((it) => it.name === section.link), true);
    view.setUint32(at + 48, 4, true);
  });
  if (spec.extended) {
    view.setUint32(end + 32, sections.length, true);
    view.setUint32(end + 40, sections.length - 1, true);
  }
  return file;
}

function writeHeader(
  view: DataView,
  { sectionsOffset, sectionCount, extended }: { sectionsOffset: number; sectionCount: number; extended: boolean },
): void {
  view.setUint32(0, 0x7f454c46);
  view.setUint32(4, 0x02010100);
  view.setUint16(16, 2, true);
  view.setUint16(18, 62, true);
  view.setUint32(24, CODE_VADDR, true);
  view.setUint32(32, HEADER_BYTES, true);
  view.setUint32(40, sectionsOffset, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, extended ? 0 : sectionCount, true);
  view.setUint16(62, extended ? 0xffff : sectionCount - 1, true);

  const segment = HEADER_BYTES;
  view.setUint32(segment, 1, true);
  view.setUint32(segment + 4, 5, true);
  view.setUint32(segment + 8, CODE_OFFSET, true);
  view.setUint32(segment + 16, CODE_VADDR, true);
  view.setUint32(segment + 32, CODE_BYTES, true);
  view.setUint32(segment + 40, CODE_BYTES, true);
}

/**
 * Makes an ELF file and opens it.
 *
 * @param spec What it is made of.
 * @returns The file.
 */
export function openElf(spec: ElfSpec): ElfFile {
  return new ElfFile(byteSource(buildElf(spec)), { name: "built" });
}

/**
 * Makes a symbol table.
 *
 * @param symbols Its symbols, whose addresses are offsets in the code.
 * @returns The table.
 */
export function tableOf(...symbols: SymbolSpec[]): SymbolTable {
  return new SymbolTable(openElf({ symbols: symbols.map((it) => ({ ...it, vaddr: CODE_VADDR + it.vaddr })) }));
}

/** The names of functions. */
export function names(functions: readonly FunctionSymbol[]): string[] {
  return functions.map((it) => it.name);
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}
