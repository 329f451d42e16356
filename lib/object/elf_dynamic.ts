/**
 * The dynamic section, which is what a program's own loader reads. It survives tools that remove the section headers
 * (`sstrip`), and is in memory when the file is gone.
 *
 * @module
 */

import {
  DF_1_PIE,
  DT_FLAGS_1,
  DT_GNU_HASH,
  DT_HASH,
  DT_JMPREL,
  DT_NULL,
  DT_PLTREL,
  DT_PLTRELSZ,
  DT_RELA,
  DT_RELASZ,
  DT_SONAME,
  DT_STRSZ,
  DT_STRTAB,
  DT_SYMTAB,
  DT_VERSYM,
  ET_DYN,
  PT_DYNAMIC,
} from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import { getUint64 } from "./elf_headers.ts";
import { MAX_NAME_BYTES, StringTable } from "./string_table.ts";

const ENTRY_BYTES = 16;
/** No linker writes more than a few hundred entries; this is 64 KiB. */
const MAX_DYNAMIC_BYTES = 65536;
/** How much of a chain of DT_GNU_HASH is read at once. */
const CHAIN_BYTES = 65536;
const MAX_BUCKET_COUNT = 2 ** 24;

/** Where the dynamic section says that the symbols are. */
export interface DynamicSymbols {
  /** The file offset of the symbol table. */
  readonly offset: number;
  /** How many symbols it has. */
  readonly count: number;
  /** The file offset of the string table. */
  readonly stringsOffset: number;
  /** The size of the string table in bytes. */
  readonly stringsBytes: number;
  /** The file offset of the version indices; undefined if there are none. */
  readonly versionsOffset: number | undefined;
}

/** A range of the file. */
export interface FileRange {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** How many bytes it has. */
  readonly sizeBytes: number;
}

/** The entries of a dynamic section, first of each tag. */
export class DynamicSection {
  readonly #elf: ElfFile;
  readonly #values = new Map<number, number>();

  /**
   * Reads the dynamic section.
   *
   * @param elf The file. One without dynamic section has no entries.
   * @throws {DTraceError} `D_PROC_ELF` if the section is not completely inside the file.
   */
  constructor(elf: ElfFile) {
    this.#elf = elf;
    const segment = elf.segments.find((it) => it.type === PT_DYNAMIC);
    if (segment === undefined) return;
    const bytes = elf.segmentBytes(segment, MAX_DYNAMIC_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES) {
      const tag = getUint64(view, at);
      if (tag === DT_NULL) break;
      if (!this.#values.has(tag)) this.#values.set(tag, getUint64(view, at + 8));
    }
  }

  /**
   * Whether the program is position-independent and loads itself, without an interpreter (`cc -static-pie`). The
   * dynamic loader and other shared objects lack DF_1_PIE.
   */
  get isStaticPie(): boolean {
    const flags = this.#values.get(DT_FLAGS_1) ?? 0;
    return this.#elf.type === ET_DYN && this.#elf.interpreter === undefined && (flags & DF_1_PIE) !== 0;
  }

  /** The name the object has for the dynamic loader (`libc.so.6`); undefined if it has none. Throws `D_PROC_ELF`. */
  get soname(): string | undefined {
    const at = this.#values.get(DT_SONAME);
    const strings = this.#offset(DT_STRTAB);
    const { reader } = this.#elf;
    if (at === undefined || strings === undefined) return undefined;
    const available = Math.min(MAX_NAME_BYTES, reader.sizeBytes - strings - at);
    if (!(available > 0)) reader.fail("its DT_SONAME lies outside the file");
    return new StringTable(reader.bytes(strings + at, available, "its DT_SONAME")).at(0);
  }

  /**
   * Finds the symbols. Nothing says how many there are; the number comes from the hash table that the loader uses to
   * find them.
   *
   * @returns Where they are; undefined if there are none.
   * @throws {DTraceError} `D_PROC_ELF` if a table is not completely inside the file.
   */
  symbols(): DynamicSymbols | undefined {
    const offset = this.#offset(DT_SYMTAB);
    const stringsOffset = this.#offset(DT_STRTAB);
    const stringsBytes = this.#values.get(DT_STRSZ);
    if (offset === undefined || stringsOffset === undefined || stringsBytes === undefined) return undefined;
    const count = this.#countByHash() ?? this.#countByGnuHash() ?? 0;
    return { offset, count, stringsOffset, stringsBytes, versionsOffset: this.#offset(DT_VERSYM) };
  }

  /**
   * Finds the relocations with addends; x86-64 and aarch64 have no others.
   *
   * @returns The tables, which have not been checked: that of the linkage table, then that of everything else.
   */
  relocations(): FileRange[] {
    const linkageTag = this.#values.get(DT_PLTREL) === DT_RELA ? DT_JMPREL : undefined;
    const tables: FileRange[] = [];
    for (const [tag, sizeTag] of [[linkageTag, DT_PLTRELSZ], [DT_RELA, DT_RELASZ]] as const) {
      const offset = tag && this.#offset(tag);
      const sizeBytes = this.#values.get(sizeTag);
      if (offset !== undefined && sizeBytes !== undefined) tables.push({ offset, sizeBytes });
    }
    return tables;
  }

  /** Translates the address in an entry to a file offset. */
  #offset(tag: number): number | undefined {
    const vaddr = this.#values.get(tag);
    return vaddr === undefined ? undefined : this.#elf.offsetOf(vaddr);
  }

  /** DT_HASH: two words, the numbers of buckets and of chain words; there is one chain word for each symbol. */
  #countByHash(): number | undefined {
    const offset = this.#offset(DT_HASH);
    if (offset === undefined) return undefined;
    return this.#elf.reader.view(offset, 8, "its DT_HASH").getUint32(4, true);
  }

  /**
   * DT_GNU_HASH: four words (numbers of buckets, of the first hashed symbol, of 8-byte filter words, a shift), the
   * filter, for each bucket its first symbol, and for each hashed symbol a word whose lowest bit ends the bucket. The
   * last symbol is thus at the end of the bucket that begins last (binutils: bfd/elflink.c).
   */
  #countByGnuHash(): number | undefined {
    const offset = this.#offset(DT_GNU_HASH);
    if (offset === undefined) return undefined;
    const { reader } = this.#elf;
    const header = reader.view(offset, 16, "its DT_GNU_HASH");
    const bucketCount = header.getUint32(0, true);
    const firstHashed = header.getUint32(4, true);
    if (bucketCount > MAX_BUCKET_COUNT) reader.fail("its DT_GNU_HASH has too many buckets");
    const bucketsOffset = offset + 16 + header.getUint32(8, true) * 8;
    const buckets = reader.view(bucketsOffset, bucketCount * 4, "the buckets of its DT_GNU_HASH");
    let last = 0;
    for (let index = 0; index < bucketCount; index++) last = Math.max(last, buckets.getUint32(index * 4, true));
    if (last < firstHashed) return firstHashed;

    let at = bucketsOffset + bucketCount * 4 + (last - firstHashed) * 4;
    for (;;) {
      const length = Math.min(CHAIN_BYTES, reader.sizeBytes - at);
      const words = reader.view(at, Math.max(4, length - length % 4), "a chain of its DT_GNU_HASH");
      for (let word = 0; word < words.byteLength; word += 4, last++) {
        if ((words.getUint32(word, true) & 1) !== 0) return last + 1;
      }
      at += words.byteLength;
    }
  }
}
