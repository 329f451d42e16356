/**
 * Notes: what a compiler, a linker or a tool has to say about a file, under the name of the owner of the format.
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0-3 | size of the owner's name, with its NUL |
 * | 4-7 | size of the descriptor |
 * | 8-11 | type, whose meaning is the owner's |
 * | 12- | name, padded; descriptor, padded |
 *
 * Padding is to 4 bytes, also in 64-bit files; to 8 where the alignment of the section or segment says so
 * (`.note.gnu.property`; Linux ABI extensions, "Alignment of note sections").
 *
 * @module
 */

import { NT_GNU_BUILD_ID, PT_NOTE, SHT_NOTE } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";

const HEADER_BYTES = 12;
/** The most bytes of notes: those of SystemTap are the largest, and a huge server has a few hundred KiB of them. */
export const MAX_NOTES_BYTES = 2 ** 24;
/** The SHA-1 that linkers write has 20 bytes; users may set any number. */
const MAX_BUILD_ID_BYTES = 64;

/** A note. */
export interface Note {
  /** Whose format it is, such as `GNU` or `stapsdt`. */
  readonly owner: string;
  /** The type, by the owner's own numbers. */
  readonly type: number;
  /** The descriptor. */
  readonly descriptor: Uint8Array;
}

/**
 * Reads the notes of a section or segment.
 *
 * @param elf The file, for messages.
 * @param bytes The contents.
 * @param align The alignment of the section or segment.
 * @returns The notes in their order.
 * @throws {DTraceError} `D_PROC_ELF` if a note reaches behind the end.
 */
export function parseNotes(elf: ElfFile, bytes: Uint8Array, align: number): Note[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { littleEndian } = elf.layout;
  const unit = align === 8 ? 8 : 4;
  const padded = (size: number) => Math.ceil(size / unit) * unit;
  const notes: Note[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const ownerBytes = view.getUint32(at, littleEndian);
    const descriptorBytes = view.getUint32(at + 4, littleEndian);
    const owner = at + HEADER_BYTES;
    const descriptor = at + padded(HEADER_BYTES + ownerBytes);
    if (descriptor + descriptorBytes > bytes.length) elf.reader.fail("one of its notes reaches behind the end");
    notes.push({
      owner: new TextDecoder().decode(bytes.subarray(owner, owner + Math.max(0, ownerBytes - 1))),
      type: view.getUint32(at + 8, littleEndian),
      descriptor: bytes.subarray(descriptor, descriptor + descriptorBytes),
    });
    at = descriptor + padded(descriptorBytes);
  }
  if (bytes.subarray(at).some((byte) => byte !== 0)) elf.reader.fail("the last of its notes is cut");
  return notes;
}

/**
 * Reads a file's build identifier, which it shares with its separate debug file.
 *
 * @param elf The file.
 * @returns The identifier in lower-case hexadecimal; undefined if the file has none.
 * @throws {DTraceError} `D_PROC_ELF` if its notes are malformed.
 */
export function readBuildId(elf: ElfFile): string | undefined {
  for (const { bytes, align } of noteAreas(elf)) {
    const note = parseNotes(elf, bytes, align).find((it) => it.owner === "GNU" && it.type === NT_GNU_BUILD_ID);
    if (note === undefined || note.descriptor.length === 0) continue;
    if (note.descriptor.length > MAX_BUILD_ID_BYTES) elf.reader.fail("its build identifier is too long");
    return note.descriptor.toHex();
  }
  return undefined;
}

/**
 * The places of notes: sections where there are some, because the program headers of a separate debug file may point to
 * contents that it does not have; else segments.
 */
function* noteAreas(elf: ElfFile): Generator<{ bytes: Uint8Array; align: number }> {
  const sections = elf.sections.filter((section) => section.type === SHT_NOTE && section.name.startsWith(".note.gnu."));
  for (const section of sections) yield { bytes: elf.sectionBytes(section, MAX_NOTES_BYTES), align: section.align };
  if (sections.length > 0) return;
  for (const segment of elf.segments) {
    if (segment.type === PT_NOTE) yield { bytes: elf.segmentBytes(segment, MAX_NOTES_BYTES), align: segment.align };
  }
}
