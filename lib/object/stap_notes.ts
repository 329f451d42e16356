/**
 * SystemTap notes: the static probes that `sys/sdt.h` puts into programs and shared objects.
 *
 * The section `.note.stapsdt` has a note for each site, of the owner `stapsdt` and the type 3. Its descriptor
 * (`sys/sdt.h`; SystemTap wiki, "UserSpaceProbeImplementation"):
 *
 * | bytes (64 bit) | bytes (32 bit) | field |
 * | ---: | ---: | --- |
 * | 0-7 | 0-3 | the address of the site, which is a `nop` |
 * | 8-15 | 4-7 | the address that the section `.stapsdt.base` had when the file was linked |
 * | 16-23 | 8-11 | the address of the probe's semaphore; 0 if it has none |
 * | 24- | 12- | provider, name, and operands, each ended by a NUL |
 *
 * *Prelink.* A tool that moves a finished file (prelink(8)) corrects section headers, but no notes: the difference of
 * `.stapsdt.base` to what the notes say is by how much the other two addresses are wrong.
 *
 * *Copies.* Separate debug files have copies of the notes. Whoever reads a file reads its notes from the file alone.
 * Notes that say the same of the same address are one site.
 *
 * *Bounds.* Notes have at most {@linkcode MAX_NOTES_BYTES} bytes in all; what is returned is proportional to them.
 *
 * @module
 */

import { NT_STAPSDT, SHT_NOTE } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";
import { getWord } from "./elf_headers.ts";
import { MAX_NOTES_BYTES, parseNotes } from "./elf_notes.ts";
import { decodeName } from "./name_bytes.ts";

const SECTION = ".note.stapsdt";
const BASE_SECTION = ".stapsdt.base";
const OWNER = "stapsdt";

/** A site of a static probe, as the compiler has noted it. */
export interface StapNote {
  /** The provider. */
  readonly provider: string;
  /** The probe, as it was written in the source: with `__` where DTrace has a dash. */
  readonly name: string;
  /** The address before relocation. */
  readonly vaddr: number;
  /** The address of the semaphore before relocation; undefined if there is none. */
  readonly semaphore: number | undefined;
  /** The operands as they were written. */
  readonly operands: string;
}

/**
 * Reads the SystemTap notes of a file.
 *
 * @param elf The file; one that is read from memory has none, because notes are not loaded.
 * @returns The sites in the order of the notes, none if the file has no notes.
 * @throws {DTraceError} `D_PROC_ELF` if a note is cut or malformed.
 */
export function readStapNotes(elf: ElfFile): StapNote[] {
  const base = elf.section(BASE_SECTION)?.vaddr;
  const notes = new Map<string, StapNote>();
  let remaining = MAX_NOTES_BYTES;
  for (const section of elf.sections) {
    if (section.name !== SECTION || section.type !== SHT_NOTE) continue;
    const bytes = elf.sectionBytes(section, remaining);
    remaining -= bytes.length;
    for (const note of parseNotes(elf, bytes, section.align)) {
      if (note.owner !== OWNER || note.type !== NT_STAPSDT) continue;
      const site = parseDescriptor(elf, note.descriptor, base);
      const key = [site.vaddr, site.semaphore ?? "", site.provider, site.name, site.operands].join("\0");
      if (!notes.has(key)) notes.set(key, site);
    }
  }
  return [...notes.values()];
}

function parseDescriptor(elf: ElfFile, descriptor: Uint8Array, base: number | undefined): StapNote {
  const { layout } = elf;
  const view = new DataView(descriptor.buffer, descriptor.byteOffset, descriptor.length);
  const wordBytes = layout.bits / 8;
  if (descriptor.length < 3 * wordBytes) elf.reader.fail("one of its static probes has no addresses");
  const linkedBase = getWord(view, wordBytes, layout);
  const moved = base === undefined || linkedBase === 0 ? 0 : base - linkedBase;
  const semaphore = getWord(view, 2 * wordBytes, layout);
  const strings: string[] = [];
  for (let at = 3 * wordBytes; strings.length < 3;) {
    const end = descriptor.indexOf(0, at);
    if (end < 0) elf.reader.fail("one of its static probes has names without an end");
    strings.push(decodeName(descriptor.subarray(at, end)));
    at = end + 1;
  }
  const [provider, name, operands] = strings as [string, string, string];
  return {
    provider,
    name,
    vaddr: moveBy(elf, getWord(view, 0, layout), moved),
    semaphore: semaphore === 0 ? undefined : moveBy(elf, semaphore, moved),
    operands,
  };
}

function moveBy(elf: ElfFile, vaddr: number, bytes: number): number {
  const moved = elf.layout.bits === 32 ? (vaddr + bytes) >>> 0 : vaddr + bytes;
  if (!Number.isSafeInteger(moved) || moved < 0) elf.reader.fail("one of its static probes has an absurd address");
  return moved;
}
