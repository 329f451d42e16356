/**
 * The static probes of a file: of an ELF file those of its SystemTap notes and of its DTrace Object Format, of a raw
 * DOF file its own.
 *
 * Nothing is loaded or started; addresses are the file's. A part that is malformed is said, and the rest is there.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { DTraceError } from "../errors.ts";
import { debugFilePaths, isDebugFileOf } from "../object/debug_file.ts";
import { type Dof, parseDof } from "../object/dof.ts";
import { readElfDofs } from "../object/dof_elf.ts";
import { isDof } from "../object/dof_header.ts";
import { MAX_DOF_BYTES } from "../object/dof_reader.ts";
import { ElfFile } from "../object/elf_file.ts";
import { readStapProbes, type StapProbe } from "../object/stap_probes.ts";
import { FileSource } from "../process/file_source.ts";

/** A DOF of a file. */
export interface FileDof {
  /** The section that it is in; undefined if it is the file. */
  readonly section: string | undefined;
  /** Its address before relocation; undefined if it is the file. */
  readonly address: number | undefined;
  /** What it says. */
  readonly dof: Dof;
}

/** What is in a file. */
export interface StaticFile {
  /** Its path, as it was given. */
  readonly path: string;
  /** The module that its probes belong to: its base name. */
  readonly module: string;
  /** The probes of its SystemTap notes. */
  readonly notes: readonly StapProbe[];
  /** Its DOF. */
  readonly dofs: readonly FileDof[];
  /** What is wrong with parts of it. */
  readonly problems: readonly DTraceError[];
}

/**
 * Reads the static probes of a file.
 *
 * @param kernel The kernel's requests.
 * @param path The file.
 * @returns What is in it.
 * @throws {SystemError} If it cannot be opened.
 * @throws {DTraceError} `D_PROC_ELF` if it is an ELF file and malformed, or neither that nor DOF; with a tag of DOF if
 *   it is a raw DOF file and malformed.
 */
export function readStaticFile(kernel: Kernel, path: string): StaticFile {
  using source = FileSource.openOrThrow(kernel, path);
  const module = path.slice(path.lastIndexOf("/") + 1);
  if (isDof(source.read(0, 4))) {
    // One byte more is enough to see that it is too large.
    const dof = parseDof(source.read(0, Math.min(source.sizeBytes, MAX_DOF_BYTES + 1)), { name: path });
    const problems = dof.problems.map(({ tag, message }) => new DTraceError(tag, `In DOF "${path}": ${message}`));
    return { path, module, notes: [], dofs: [{ section: undefined, address: undefined, dof }], problems };
  }
  const elf = new ElfFile(source, { name: path, foreign: true });
  const problems: DTraceError[] = [];
  const dofs: FileDof[] = [];
  for (const { section, vaddr, dof } of readElfDofs(elf)) {
    if (dof instanceof DTraceError) problems.push(dof);
    else {
      dofs.push({ section, address: vaddr, dof });
      problems.push(...dof.problems.map(({ tag, message }) => new DTraceError(tag, `In DOF "${path}": ${message}`)));
    }
  }
  return { path, module, notes: readNotes(kernel, elf), dofs, problems };
}

/** Reads notes, with the names of functions from the separate debug file if the file itself has been stripped. */
function readNotes(kernel: Kernel, elf: ElfFile): StapProbe[] {
  if (elf.section(".note.stapsdt") === undefined) return [];
  for (const path of elf.section(".symtab") === undefined ? debugFilePaths(elf, elf.name) : []) {
    using source = FileSource.open(kernel, path);
    if (source === undefined) continue;
    try {
      const debugFile = new ElfFile(source, { name: path, foreign: true });
      if (isDebugFileOf(elf, debugFile)) return readStapProbes(elf, { debugFile });
    } catch (error) {
      // A file that only has the right name is passed over; if it is the file that is wrong, that is found below.
      if (!(error instanceof DTraceError)) throw error;
    }
  }
  return readStapProbes(elf);
}
