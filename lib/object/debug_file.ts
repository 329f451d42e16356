/**
 * The search for the separate debug file of a stripped file, which has its .symtab.
 *
 * This layer knows where to look and how to tell whether a file is the right one; the caller opens files, under the
 * root of the target (`/proc/PID/root`). The places and their order are gdb's ("Debugging Information in Separate
 * Files" in its manual).
 *
 * @module
 */

import type { CheckedReader } from "./byte_source.ts";
import { Crc32 } from "./crc32.ts";
import type { ElfFile } from "./elf_file.ts";
import { readBuildId } from "./elf_notes.ts";
import { StringTable } from "./string_table.ts";

/** Where distributions install debug files. */
const DEBUG_ROOT = "/usr/lib/debug";
/** A file name has at most 255 bytes; a NUL, padding and the checksum follow. */
const MAX_DEBUG_LINK_BYTES = 264;
const CRC_PIECE_BYTES = 2 ** 20;

/** What `.gnu_debuglink` says. */
export interface DebugLink {
  /** The name of the debug file, without folder. */
  readonly name: string;
  /** The CRC-32 of its contents. */
  readonly crc: number;
}

/**
 * Reads `.gnu_debuglink`.
 *
 * @param elf The stripped file.
 * @returns What it says; undefined if there is none, or none with the name of a file: paths are refused.
 * @throws {DTraceError} `D_PROC_ELF` if the section is not completely inside the file.
 */
export function readDebugLink(elf: ElfFile): DebugLink | undefined {
  const section = elf.section(".gnu_debuglink");
  if (section === undefined) return undefined;
  const bytes = elf.sectionBytes(section, MAX_DEBUG_LINK_BYTES);
  const nul = bytes.indexOf(0);
  const crcOffset = Math.ceil((nul + 1) / 4) * 4;
  if (nul <= 0 || crcOffset + 4 > bytes.length) return undefined;
  const name = new StringTable(bytes).at(0);
  if (name.includes("/") || name === "." || name === "..") return undefined;
  return { name, crc: new DataView(bytes.buffer, bytes.byteOffset).getUint32(crcOffset, true) };
}

/**
 * Lists the paths where the debug file of a file may be, best first.
 *
 * @param elf The stripped file.
 * @param path Its absolute path, without symbolic links.
 * @returns Absolute paths, none if the file names no debug file.
 * @throws {DTraceError} `D_PROC_ELF` if the file is malformed.
 */
export function debugFilePaths(elf: ElfFile, path: string): string[] {
  const paths: string[] = [];
  const buildId = readBuildId(elf);
  if (buildId !== undefined && buildId.length > 2) {
    paths.push(`${DEBUG_ROOT}/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`);
  }
  const link = readDebugLink(elf);
  if (link !== undefined) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    paths.push(`${folder}/${link.name}`, `${folder}/.debug/${link.name}`, `${DEBUG_ROOT}${folder}/${link.name}`);
  }
  return paths.filter((candidate) => candidate !== path);
}

/**
 * Tells whether a debug file belongs to a file. Equal build identifiers suffice; only where one of the two has none is
 * the checksum of the whole debug file computed.
 *
 * @param elf The stripped file.
 * @param debugFile The debug file.
 * @returns Whether it does.
 * @throws {DTraceError} `D_PROC_ELF` if one of the files is malformed.
 */
export function isDebugFileOf(elf: ElfFile, debugFile: ElfFile): boolean {
  if (elf.machine !== debugFile.machine) return false;
  const buildId = readBuildId(elf);
  const debugBuildId = readBuildId(debugFile);
  if (buildId !== undefined && debugBuildId !== undefined) return buildId === debugBuildId;
  const link = readDebugLink(elf);
  return link !== undefined && checksum(debugFile.reader) === link.crc;
}

function checksum(reader: CheckedReader): number {
  const crc = new Crc32();
  for (let offset = 0; offset < reader.sizeBytes; offset += CRC_PIECE_BYTES) {
    crc.update(reader.bytes(offset, Math.min(CRC_PIECE_BYTES, reader.sizeBytes - offset), "its contents"));
  }
  return crc.value;
}
