/**
 * Where a file has instructions, and where functions may be among them.
 *
 * Addresses of functions are kept as 32-bit offsets from the first executable segment, which halves the symbol
 * tables and lets them be sorted by the machine's own integers. Code of 4 GiB or more is refused; the largest real
 * programs have a quarter of one.
 *
 * @module
 */

import { SHF_EXECINSTR } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";

/** A range of addresses before relocation: `start` belongs to it, `end` does not. */
export interface VaddrRange {
  /** The first address. */
  readonly start: number;
  /** The address behind the last. */
  readonly end: number;
}

const SPAN_BYTES_MAX = 2 ** 32;

/** The places of a file that hold instructions. */
export class CodeRanges {
  /** The lowest address that holds instructions; 0 if none does. */
  readonly start: number;
  readonly #segments: readonly VaddrRange[];
  readonly #sections: readonly VaddrRange[];
  readonly #linkage: readonly VaddrRange[];

  /**
   * Finds the executable segments and sections of a file.
   *
   * @param elf The file.
   * @throws {DTraceError} `D_PROC_ELF` if they span 4 GiB or more, or the section headers are malformed.
   */
  constructor(elf: ElfFile) {
    this.#segments = disjoint(
      elf.executableSegments.map(({ vaddr, memoryBytes }) => ({ start: vaddr, end: vaddr + memoryBytes })),
    );
    this.start = this.#segments[0]?.start ?? 0;
    const end = this.#segments.at(-1)?.end ?? 0;
    if (end - this.start >= SPAN_BYTES_MAX) elf.reader.fail("its code spans 4 GiB or more");

    const sections = elf.sections.filter((section) => (section.flags & SHF_EXECINSTR) !== 0);
    const isLinkage = ({ name }: { name: string }) => name === ".plt" || name.startsWith(".plt.");
    this.#sections = disjoint(sections.map(rangeOf));
    this.#linkage = disjoint(sections.filter(isLinkage).map(rangeOf));
  }

  /**
   * Finds the segment of a function.
   *
   * @param vaddr The function's address before relocation.
   * @returns The executable segment; undefined if there is none, or if this is a procedure linkage table, whose
   *   entries are no functions (some linkers name them).
   */
  segmentOf(vaddr: number): VaddrRange | undefined {
    if (holding(this.#linkage, vaddr) !== undefined) return undefined;
    return holding(this.#segments, vaddr);
  }

  /**
   * Finds how far a function of unknown size can reach.
   *
   * @param vaddr The function's address before relocation.
   * @returns The end of its section, or of its segment if there are no sections; the address itself if it is in none.
   */
  limitOf(vaddr: number): number {
    const segmentEnd = holding(this.#segments, vaddr)?.end ?? vaddr;
    return Math.min(segmentEnd, holding(this.#sections, vaddr)?.end ?? segmentEnd);
  }
}

/** Sorts ranges and joins those that overlap, so that {@linkcode holding} can search them by halves. */
function disjoint(ranges: readonly VaddrRange[]): VaddrRange[] {
  const result: VaddrRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || range.start >= last.end) result.push(range);
    else if (range.end > last.end) result[result.length - 1] = { start: last.start, end: range.end };
  }
  return result;
}

/** Finds the range that holds an address. */
function holding(ranges: readonly VaddrRange[], vaddr: number): VaddrRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.end ?? 0) <= vaddr) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && vaddr >= range.start ? range : undefined;
}

function rangeOf(section: { readonly vaddr: number; readonly sizeBytes: number }): VaddrRange {
  return { start: section.vaddr, end: section.vaddr + section.sizeBytes };
}
