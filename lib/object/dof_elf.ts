/**
 * The DTrace Object Format that a program or a shared object carries in a section of its own.
 *
 * The section has the type `SHT_SUNW_dof` or, from linkers that do not know the type, only the name `.SUNW_dof`. Objects
 * that were linked without `dtrace -G` may have several DOFs behind each other, each at a multiple of 8 bytes.
 *
 * @module
 */

import { DTraceError } from "../errors.ts";
import { type Dof, parseDof } from "./dof.ts";
import { DOF_HEADER_BYTES } from "./dof_constants.ts";
import { MAX_DOF_BYTES } from "./dof_reader.ts";
import { SHT_NOBITS, SHT_SUNW_DOF } from "./elf_constants.ts";
import type { ElfFile } from "./elf_file.ts";

const SECTION = ".SUNW_dof";
const ALIGN = 8;

/** A DOF in a file. */
export interface ElfDof {
  /** The section that it is in. */
  readonly section: string;
  /** The address of its first byte before relocation. */
  readonly vaddr: number;
  /** What it says; the error if it is malformed, behind which nothing more of the section is read. */
  readonly dof: Dof | DTraceError;
}

/**
 * Reads the DOF of a file.
 *
 * @param elf The file; one that is read from memory has no sections and therefore none.
 * @param bias By how many bytes the object was moved when it was loaded; 0 by default, so that addresses are the file's.
 * @returns The DOFs in the order of the file.
 * @throws {DTraceError} `D_PROC_ELF` if the file is malformed, or has more DOF than is accepted.
 */
export function readElfDofs(elf: ElfFile, bias = 0): ElfDof[] {
  const found: ElfDof[] = [];
  let remaining = MAX_DOF_BYTES;
  for (const section of elf.sections) {
    if (section.type !== SHT_SUNW_DOF && section.name !== SECTION || section.type === SHT_NOBITS) continue;
    const bytes = elf.sectionBytes(section, remaining);
    remaining -= bytes.length;
    for (let at = 0; bytes.length - at >= DOF_HEADER_BYTES || at === 0;) {
      const rest = bytes.subarray(at);
      if (at > 0 && rest.every((byte) => byte === 0)) break;
      const vaddr = section.vaddr + at;
      const dof = parseOrError(rest, { name: `${elf.name}(${section.name})`, bias, address: vaddr + bias });
      found.push({ section: section.name, vaddr, dof });
      if (dof instanceof DTraceError) break;
      at += Math.ceil(dof.fileBytes / ALIGN) * ALIGN;
    }
  }
  return found;
}

function parseOrError(bytes: Uint8Array, options: { name: string; bias: number; address: number }): Dof | DTraceError {
  try {
    return parseDof(bytes, options);
  } catch (error) {
    if (error instanceof DTraceError) return error;
    throw error;
  }
}
