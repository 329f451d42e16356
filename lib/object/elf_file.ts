/**
 * An ELF program or shared object: its header, segments and sections.
 *
 * *Problem.* Symbols and load addresses come from files (and from the vDSO, and from modules whose file is gone and
 * that can only be read out of the process's memory) that may be 100 MB large, stripped, or written by an adversary.
 *
 * *Method.* Only the header and the program headers are read at first; section headers when somebody asks. Contents
 * are read by range. Everything goes through {@linkcode CheckedReader}; a 64-bit field becomes a number, exact below
 * 2^53 and refused beyond where it is used.
 *
 * *Classes.* What is traced is a little-endian file of 64 bits, and by default nothing else is accepted. Whoever only
 * looks at files asks for {@linkcode ElfOptions.foreign} ones as well.
 *
 * *Bounds.* At most {@linkcode MAX_SEGMENT_COUNT} segments (64 KiB of program headers, the limit of Linux's own
 * loader, fs/binfmt_elf.c) and {@linkcode MAX_SECTION_COUNT} sections.
 *
 * Format: System V ABI, chapters 4 and 5; for x86-64 its processor supplement.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { type ByteSource, CheckedReader } from "./byte_source.ts";
import { ET_DYN, ET_EXEC, PF_X, PN_XNUM, PT_INTERP, PT_LOAD, SHN_XINDEX, SHT_NOBITS } from "./elf_constants.ts";
import {
  type ElfHeader,
  type ElfLayout,
  getWord,
  headerSizes,
  identifyElf,
  parseHeader,
  parseSection,
  parseSegment,
  type Section,
  type Segment,
} from "./elf_headers.ts";
import { StringTable } from "./string_table.ts";

const MAX_SEGMENT_COUNT = Math.floor(65536 / 56);
const MAX_SECTION_COUNT = 65536;
/** Linux refuses a longer path (fs/binfmt_elf.c: PATH_MAX). */
const MAX_INTERPRETER_BYTES = 4096;
const PAGE_BYTES = 4096;

/** Options of an {@linkcode ElfFile}. */
export interface ElfOptions {
  /** The file's name, for messages. */
  readonly name: string;
  /**
   * If the source is not a file but the memory of a process: the address of its first byte. Ranges are then found by
   * address instead of file offset, and there are no sections. The vDSO, which is a whole file in memory, does not
   * need this.
   */
  readonly loadedAt?: Address | undefined;
  /** Whether files of 32 bits and big-endian files are accepted, of which nothing is ever traced. */
  readonly foreign?: boolean | undefined;
}

/** An ELF program or shared object. */
export class ElfFile {
  /** The file's name, for messages. */
  readonly name: string;
  /** `e_type`: `ET_EXEC` or `ET_DYN`. */
  readonly type: number;
  /** `e_machine`, such as 62 for x86-64. */
  readonly machine: number;
  /** How its fields are laid out. */
  readonly layout: ElfLayout;
  /** The address of the first instruction before relocation; 0 if there is none. */
  readonly entry: number;
  /** The program headers. */
  readonly segments: readonly Segment[];
  /** Checked access to the file's bytes. */
  readonly reader: CheckedReader;
  readonly #loadedAt: Address | undefined;
  readonly #header: ElfHeader;
  #sections: readonly Section[] | undefined;

  /**
   * Reads the header and the program headers.
   *
   * @param source The bytes.
   * @param options The file's name and where it is loaded.
   * @throws {DTraceError} `D_PROC_ELF` if it is no program or shared object of a class that is accepted, or malformed.
   */
  constructor(source: ByteSource, options: ElfOptions) {
    const reader: CheckedReader = new CheckedReader(source, options.name);
    const ident = identifyElf(source);
    if (ident === undefined) reader.fail("it is not an ELF file");
    if (!ident.littleEndian && !options.foreign) reader.fail("it is a big-endian ELF file");
    if (ident.bits === 32 && !options.foreign) reader.fail("it is a 32-bit ELF file");
    if (ident.type !== ET_EXEC && ident.type !== ET_DYN) reader.fail("it is neither a program nor a shared object");
    this.reader = reader;
    this.name = options.name;
    this.type = ident.type;
    this.machine = ident.machine;
    this.#loadedAt = options.loadedAt;
    this.layout = { bits: ident.bits, littleEndian: ident.littleEndian };
    this.#header = parseHeader(reader.view(0, headerSizes(ident).file, "its header"), ident);
    this.entry = this.#header.entry;
    this.segments = this.#readSegments();
  }

  /** Whether this is not a file but the memory of a process, which may have been changed since it was loaded. */
  get isLoaded(): boolean {
    return this.#loadedAt !== undefined;
  }

  /** The section headers; none if the file has none or was read from memory. Malformed ones throw `D_PROC_ELF`. */
  get sections(): readonly Section[] {
    return this.#sections ??= this.#loadedAt === undefined ? this.#readSections() : [];
  }

  /**
   * The path of the program interpreter; undefined if there is none (static programs, most shared objects). One outside
   * the file throws `D_PROC_ELF`.
   */
  get interpreter(): string | undefined {
    const segment = this.segments.find((it) => it.type === PT_INTERP);
    return segment && new StringTable(this.segmentBytes(segment, MAX_INTERPRETER_BYTES)).at(0);
  }

  /** The loaded segments that hold instructions. */
  get executableSegments(): readonly Segment[] {
    return this.segments.filter((segment) => segment.type === PT_LOAD && (segment.flags & PF_X) !== 0);
  }

  /** The lowest address of a loaded segment and the one behind the highest, before relocation; 0 and 0 if none is. */
  get vaddrRange(): { readonly start: number; readonly end: number } {
    const loaded = this.segments.filter((segment) => segment.type === PT_LOAD && segment.memoryBytes > 0);
    if (loaded.length === 0) return { start: 0, end: 0 };
    return {
      start: Math.min(...loaded.map((segment) => segment.vaddr)),
      end: Math.max(...loaded.map((segment) => segment.vaddr + segment.memoryBytes)),
    };
  }

  /**
   * Finds a section.
   *
   * @param name Its name, such as `.gnu_debuglink`.
   * @returns The first section of that name; undefined if there is none.
   * @throws {DTraceError} `D_PROC_ELF` if the section headers are malformed.
   */
  section(name: string): Section | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /**
   * Reads a section's contents.
   *
   * @param section The section.
   * @param maxBytes The largest size that is accepted.
   * @returns Its bytes; none if it has none in the file.
   * @throws {DTraceError} `D_PROC_ELF` if it is larger, or not completely inside the file.
   */
  sectionBytes(section: Section, maxBytes: number): Uint8Array {
    const sizeBytes = section.type === SHT_NOBITS ? 0 : section.sizeBytes;
    const what = `its section "${section.name}"`;
    if (sizeBytes > maxBytes) this.reader.fail(`${what} has ${sizeBytes} bytes, more than ${maxBytes}`);
    return this.reader.bytes(section.offset, sizeBytes, what);
  }

  /**
   * Reads a segment's contents.
   *
   * @param segment The segment.
   * @param maxBytes The largest size that is accepted.
   * @returns The bytes that are in the file.
   * @throws {DTraceError} `D_PROC_ELF` if it is larger, or not completely inside the file.
   */
  segmentBytes(segment: Segment, maxBytes: number): Uint8Array {
    const what = `its segment of type ${segment.type}`;
    if (segment.fileBytes > maxBytes) this.reader.fail(`${what} has ${segment.fileBytes} bytes, more than ${maxBytes}`);
    const offset = this.#loadedAt === undefined ? segment.offset : segment.vaddr - this.#imageStart;
    return this.reader.bytes(offset, segment.fileBytes, what);
  }

  /**
   * Translates an address of the dynamic section to an offset in the source. The dynamic loader relocates these
   * addresses in memory (glibc: `ADJUST_DYN_INFO`), but not in every module; both kinds are understood.
   *
   * @param vaddr The address, before or (in memory) after relocation.
   * @returns The offset in bytes; undefined if no loaded segment holds it.
   */
  offsetOf(vaddr: number): number | undefined {
    if (this.#loadedAt === undefined) {
      const segment = this.segments.find((it) =>
        it.type === PT_LOAD && vaddr >= it.vaddr && vaddr < it.vaddr + it.fileBytes
      );
      return segment === undefined ? undefined : vaddr - segment.vaddr + segment.offset;
    }
    const { start, end } = this.vaddrRange;
    const bias = this.#loadedAt - this.#imageStart;
    const unrelocated = vaddr >= start && vaddr < end ? vaddr : vaddr - bias;
    return unrelocated >= start && unrelocated < end ? unrelocated - this.#imageStart : undefined;
  }

  /** Where the first byte of an image in memory belongs, before relocation. */
  get #imageStart(): number {
    const { start } = this.vaddrRange;
    return start - start % PAGE_BYTES;
  }

  #readSegments(): Segment[] {
    const { offset: start, entryBytes, count } = this.#header.segments;
    const headerBytes = headerSizes(this.layout).segment;
    if (count === 0) return [];
    if (count === PN_XNUM || count > MAX_SEGMENT_COUNT) this.reader.fail(`it has too many segments`);
    if (entryBytes !== headerBytes) this.reader.fail("its program headers have a wrong size");
    const view = this.reader.view(start, count * headerBytes, "its program headers");
    const segments = Array.from({ length: count }, (_, index) => parseSegment(view, index * headerBytes, this.layout));
    for (const { type, offset, vaddr, memoryBytes } of segments) {
      if (type === PT_LOAD && !(Number.isSafeInteger(offset) && Number.isSafeInteger(vaddr + memoryBytes))) {
        this.reader.fail("one of its segments lies beyond 2^53 bytes");
      }
    }
    return segments;
  }

  #readSections(): Section[] {
    const { layout } = this;
    const { offset, entryBytes, count: shortCount } = this.#header.sections;
    const headerBytes = headerSizes(layout).section;
    const wordBytes = layout.bits / 8;
    if (offset === 0) return [];
    if (entryBytes !== headerBytes) this.reader.fail("its section headers have a wrong size");
    // The first header is a dummy whose fields hold the numbers that do not fit in 16 bits (System V ABI, chapter 4).
    const first = this.reader.view(offset, headerBytes, "its first section header");
    const count = shortCount || getWord(first, 8 + 3 * wordBytes, layout);
    if (count > MAX_SECTION_COUNT) this.reader.fail(`it has ${count} sections, more than ${MAX_SECTION_COUNT}`);
    const view = this.reader.view(offset, count * headerBytes, "its section headers");

    const { namesIndex } = this.#header;
    const names = this.#sectionNames(
      view,
      namesIndex === SHN_XINDEX ? first.getUint32(8 + 4 * wordBytes, layout.littleEndian) : namesIndex,
    );
    return Array.from({ length: count }, (_, index) => parseSection(view, index * headerBytes, layout, names));
  }

  #sectionNames(view: DataView, index: number): StringTable {
    const none = new StringTable(new Uint8Array(0));
    const at = index * headerSizes(this.layout).section;
    if (index === 0) return none;
    if (at >= view.byteLength) this.reader.fail("the section with its section names does not exist");
    const header = parseSection(view, at, this.layout, none);
    const maxBytes = MAX_SECTION_COUNT * 64;
    if (header.sizeBytes > maxBytes) this.reader.fail("its section names are too long");
    return new StringTable(this.reader.bytes(header.offset, header.sizeBytes, "its section names"));
  }
}
