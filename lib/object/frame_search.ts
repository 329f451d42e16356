/**
 * Searches the table of call frames, `.eh_frame_hdr` (Linux Standard Base, "DWARF Extensions"): a table for binary search
 * over the frame descriptions in `.eh_frame`, which unwinders need and `strip` leaves.
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0 | version, 1 |
 * | 1-3 | encodings of the next two fields and of the table |
 * | 4-7 | where `.eh_frame` is |
 * | 8-11 | the number of descriptions |
 * | 12.. | for each, ascending: where the function begins, where the description is; both relative to the table |
 *
 * These are the encodings that linkers use for code of less than 2 GiB. A table with others is not searched. Static programs
 * may have no table: an index is made of their descriptions (`frame_rules.ts`).
 *
 * *Cost.* Some fifteen reads of a few bytes.
 *
 * @module
 */

const HEADER_BYTES = 12;
const ENTRY_BYTES = 8;
/** The first word: version 1; encodings `pcrel|sdata4`, `udata4`, `datarel|sdata4`. */
const USUAL_ENCODINGS = 0x3b031b01;

/** What is loaded of a file, at its addresses: a file, or the memory of a process. */
export interface LoadedBytes {
  /**
   * Views bytes.
   *
   * @param address Where they begin; any number.
   * @param length How many.
   * @returns All of them; undefined if they are not all there.
   */
  view(address: number, length: number): DataView | undefined;
}

/** The entry of the table that is nearest in front of an address. */
export interface FrameEntry {
  /** Where the function begins. */
  readonly start: number;
  /** Where its description is. */
  readonly descriptionAt: number;
}

/** Finds the last function that does not begin behind an address. */
export type FrameSearch = (address: number) => FrameEntry | undefined;

/**
 * Finds the last function that does not begin behind an address.
 *
 * @param bytes What is loaded.
 * @param table Where the table is.
 * @param address The address; any number.
 * @returns The entry, which is not believed yet; undefined if there is none, or no such table.
 */
export function searchFrames(bytes: LoadedBytes, table: number, address: number): FrameEntry | undefined {
  const header = bytes.view(table, HEADER_BYTES);
  if (header?.getUint32(0, true) !== USUAL_ENCODINGS) return undefined;
  const entryAt = (index: number) => bytes.view(table + HEADER_BYTES + index * ENTRY_BYTES, ENTRY_BYTES);
  const index = lastNotBehind(address, header.getUint32(8, true), (each) => {
    const start = entryAt(each)?.getInt32(0, true);
    return start === undefined ? undefined : table + start;
  });
  const entry = index < 0 ? undefined : entryAt(index);
  if (entry === undefined) return undefined;
  return { start: table + entry.getInt32(0, true), descriptionAt: table + entry.getInt32(4, true) };
}

/**
 * Finds the last entry of an ascending table that does not begin behind an address.
 *
 * @param address The address; any number.
 * @param count How many entries there are.
 * @param startOf Where an entry begins; undefined if it cannot be read.
 * @returns Which one; -1 if there is none, or one could not be read.
 */
export function lastNotBehind(
  address: number,
  count: number,
  startOf: (index: number) => number | undefined,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const start = startOf(middle);
    if (start === undefined) return -1;
    if (start <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
