/**
 * Where functions begin and end according to the call frame information, which unwinders need and `strip` leaves.
 *
 * *Method.* `.eh_frame_hdr` (Linux Standard Base, "DWARF Extensions") is a table for binary search over the frame
 * descriptions in `.eh_frame`:
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0 | version, 1 |
 * | 1-3 | encodings of the next two fields and of the table |
 * | 4-7 | where `.eh_frame` is |
 * | 8-11 | the number of descriptions |
 * | 12.. | for each, ascending: where the function begins, where the description is; both relative to the table |
 *
 * | bytes of a description | field |
 * | ---: | --- |
 * | 0-3 | its length |
 * | 4-7 | where its common information is |
 * | 8-11 | where the function begins, relative to this field |
 * | 12-15 | the size of the function in bytes |
 *
 * These are the encodings that linkers and compilers use for code of less than 2 GiB. The common information, which
 * names the encoding of a description, is not read: a description is believed if it says the same beginning as the
 * table does.
 *
 * *Cost.* Some fifteen reads of a few bytes.
 *
 * @module
 */

import type { VaddrRange } from "./code_ranges.ts";
import { PT_GNU_EH_FRAME } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";

const HEADER_BYTES = 12;
const ENTRY_BYTES = 8;
const DESCRIPTION_BYTES = 16;
/** The first word: version 1; encodings `pcrel|sdata4`, `udata4`, `datarel|sdata4`. */
const USUAL_ENCODINGS = 0x3b031b01;

/**
 * Finds the function that an address belongs to.
 *
 * @param elf The file.
 * @param vaddr The address before relocation; any number.
 * @returns The function's range; undefined if nothing is said about it, or not in the usual encodings.
 * @throws {DTraceError} `D_PROC_ELF` if the table does not lie inside the file.
 */
export function frameRange(elf: ElfFile, vaddr: number): VaddrRange | undefined {
  const base = elf.segments.find(({ type }) => type === PT_GNU_EH_FRAME)?.vaddr;
  const header = base === undefined ? undefined : viewOf(elf, base, HEADER_BYTES);
  if (base === undefined || header?.getUint32(0, true) !== USUAL_ENCODINGS) return undefined;
  const entryAt = (index: number) => viewOf(elf, base + HEADER_BYTES + index * ENTRY_BYTES, ENTRY_BYTES);

  // The last function that does not begin behind the address.
  let low = 0;
  let high = header.getUint32(8, true);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const entry = entryAt(middle);
    if (entry === undefined) return undefined;
    if (base + entry.getInt32(0, true) <= vaddr) low = middle + 1;
    else high = middle;
  }
  const entry = low === 0 ? undefined : entryAt(low - 1);
  if (entry === undefined) return undefined;

  const start = base + entry.getInt32(0, true);
  const descriptionAt = base + entry.getInt32(4, true);
  const description = viewOf(elf, descriptionAt, DESCRIPTION_BYTES);
  if (description === undefined || descriptionAt + 8 + description.getInt32(8, true) !== start) return undefined;
  const end = start + description.getUint32(12, true);
  return vaddr < end ? { start, end } : undefined;
}

/** Views bytes of a loaded segment; undefined if the address is in none. */
function viewOf(elf: ElfFile, vaddr: number, length: number): DataView | undefined {
  const offset = elf.offsetOf(vaddr);
  return offset === undefined ? undefined : elf.reader.view(offset, length, "its table of call frames");
}
