/**
 * The load bias: what has to be added to an address in a file to get the address in a process.
 *
 * Nothing tells it directly. It follows from a part of the file that is mapped: the segment that the part belongs to
 * says at which address that offset of the file wants to be. It is 0 for programs at fixed addresses, and the same for
 * all segments of a file.
 *
 * A page of the file often belongs to two segments and is mapped twice (the end of the constants is the beginning of
 * the data), which neither offset nor permissions tell apart once the loader has made the data read-only (RELRO). Only
 * one segment at most is executable there, so the mapping to ask about is the executable one.
 *
 * @module
 */

import type { Address } from "../address.ts";
import { PT_LOAD } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import type { Segment } from "./elf_headers.ts";

const PAGE_BYTES = 4096;

/** A part of a file in a process's memory: a line of /proc/PID/maps. */
export interface FileMapping {
  /** Where it begins in memory. */
  readonly start: Address;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  /** Whether it may be executed. */
  readonly executable: boolean;
}

/**
 * Computes the load bias of a file.
 *
 * @param elf The file.
 * @param mapping A part of it that is mapped: the executable one, else the first.
 * @returns What to add to an address in the file, in bytes; undefined if no segment is mapped from there. It is a
 *   multiple of the page size, and negative if the file was loaded below the addresses that it gives (prelink).
 */
export function loadBias(elf: ElfFile, mapping: FileMapping): number | undefined {
  const candidates = mapping.executable ? elf.executableSegments : elf.segments;
  const segment = candidates.find((it) => isMappedBy(it, mapping));
  return segment && mapping.start - mapping.offset - (segment.vaddr - segment.offset);
}

/** Whether the mapping begins in a page of the segment. Segments are mapped by whole pages. */
function isMappedBy(segment: Segment, { offset }: FileMapping): boolean {
  return segment.type === PT_LOAD && offset + PAGE_BYTES > segment.offset &&
    offset < segment.offset + segment.fileBytes;
}
