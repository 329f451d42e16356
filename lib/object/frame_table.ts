/**
 * Where functions begin and end according to the call frame information.
 *
 * | bytes of a description | field |
 * | ---: | --- |
 * | 0-3 | its length |
 * | 4-7 | where its common information is |
 * | 8-11 | where the function begins, relative to this field |
 * | 12-15 | the size of the function in bytes |
 *
 * These are the encodings that compilers use for code of less than 2 GiB. The common information, which names the encoding
 * of a description, is not read: a description is believed if it says the same beginning as the table does.
 *
 * @module
 */

import type { VaddrRange } from "./code_ranges.ts";
import { PT_GNU_EH_FRAME } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import { type LoadedBytes, searchFrames } from "./frame_search.ts";

const DESCRIPTION_BYTES = 16;

/**
 * Finds the function that an address belongs to.
 *
 * @param elf The file.
 * @param vaddr The address before relocation; any number.
 * @returns The function's range; undefined if nothing is said about it, or not in the usual encodings.
 * @throws {DTraceError} `D_PROC_ELF` if the table does not lie inside the file.
 */
export function frameRange(elf: ElfFile, vaddr: number): VaddrRange | undefined {
  const table = frameTableOf(elf);
  if (table === undefined) return undefined;
  const bytes = loadedBytes(elf);
  const entry = searchFrames(bytes, table, vaddr);
  if (entry === undefined) return undefined;
  const { start, descriptionAt } = entry;
  const description = bytes.view(descriptionAt, DESCRIPTION_BYTES);
  if (description === undefined || descriptionAt + 8 + description.getInt32(8, true) !== start) return undefined;
  const end = start + description.getUint32(12, true);
  return vaddr < end ? { start, end } : undefined;
}

/**
 * Tells where a file has its table of call frames.
 *
 * @param elf The file.
 * @returns The address before relocation; undefined if it has none.
 */
export function frameTableOf(elf: ElfFile): number | undefined {
  return elf.segments.find(({ type }) => type === PT_GNU_EH_FRAME)?.vaddr;
}

/**
 * Tells where a file has its call frame information, for those that have no table of it.
 *
 * @param elf The file.
 * @returns The addresses before relocation; undefined if it has none, or does not say so.
 */
export function frameSectionOf(elf: ElfFile): VaddrRange | undefined {
  const section = elf.section(".eh_frame");
  return section && { start: section.vaddr, end: section.vaddr + section.sizeBytes };
}

/**
 * Takes a file as what will be loaded of it.
 *
 * @param elf The file.
 * @returns Its bytes by their addresses before relocation; those that must be inside the file and are not, throw.
 */
export function loadedBytes(elf: ElfFile): LoadedBytes {
  return {
    view(vaddr, length) {
      const offset = elf.offsetOf(vaddr);
      return offset === undefined ? undefined : elf.reader.view(offset, length, "its table of call frames");
    },
  };
}
