/**
 * The relocations of DTrace Object Format: which addresses have to be moved when the object is loaded.
 *
 * A section `URELHDR` names three sections: the strings, the relocations, and what they change. Each relocation changes
 * 8 bytes, which are always the address of a probe:
 *
 * | bytes | field |
 * | ---: | --- |
 * | 0-3 | the name of the symbol, for people |
 * | 4-7 | type: 1 adds what the object was moved by, 2 the address of the changed bytes themselves |
 * | 8-15 | where in the section the changed bytes are |
 * | 16-23 | not used |
 *
 * *Who writes what.* `dtrace -G` of Solaris leaves the linker an address and asks for the first type; FreeBSD's leaves
 * the distance from the field to the function, which needs no help of the loader, and asks for the second. Tools that
 * make DOF in the process itself (Rust's `usdt`, libusdt) write addresses and no relocations.
 *
 * @module
 */

import {
  DOF_RELO_DOFREL,
  DOF_RELO_NONE,
  DOF_RELO_SETX,
  DOF_RELODESC_BYTES,
  DOF_RELOHDR_BYTES,
} from "./dof_constants.ts";
import { type DofSection, linkedSection } from "./dof_header.ts";
import type { DofReader } from "./dof_reader.ts";

/** How an address is moved. */
export type DofRelocation = "object" | "place";

/**
 * Reads the relocations.
 *
 * @param reader The DOF.
 * @param sections Its sections.
 * @returns How each of the 8 bytes at an offset, counted from the beginning of the DOF, is moved.
 * @throws {DTraceError} `D_DOF_RELHDR`, `D_DOF_SECIDX`, `D_DOF_SECTYPE`, `D_DOF_ENTSIZE`, `D_DOF_RELTYPE`,
 *   `D_DOF_RELOFF` or `D_DOF_COUNT` if one is wrong.
 */
export function readDofRelocations(
  reader: DofReader,
  sections: readonly DofSection[],
): Map<number, DofRelocation> {
  const relocations = new Map<number, DofRelocation>();
  for (const header of sections) {
    if (header.type !== "URELHDR") continue;
    if (header.sizeBytes < DOF_RELOHDR_BYTES || header.offset % 4 !== 0) {
      reader.fail("D_DOF_RELHDR", `its section ${header.index} has ${header.sizeBytes} bytes at ${header.offset}`);
    }
    linkedSection(reader, sections, reader.uint32(header.offset), "STRTAB");
    const table = linkedSection(reader, sections, reader.uint32(header.offset + 4), "RELTAB");
    const targetIndex = reader.uint32(header.offset + 8);
    const target = sections[targetIndex];
    if (target === undefined) {
      reader.fail("D_DOF_SECIDX", `it relocates section ${targetIndex} of ${sections.length}`);
    }
    readTable(reader, table, target, relocations);
  }
  return relocations;
}

function readTable(
  reader: DofReader,
  table: DofSection,
  target: DofSection,
  relocations: Map<number, DofRelocation>,
): void {
  const { entryBytes } = table;
  if (entryBytes < DOF_RELODESC_BYTES || entryBytes % 8 !== 0 || table.offset % 8 !== 0) {
    reader.fail("D_DOF_ENTSIZE", `its relocations have ${entryBytes} bytes, at ${table.offset}`);
  }
  reader.spend(Math.floor(table.sizeBytes / entryBytes));
  for (let at = table.offset; at + entryBytes <= table.offset + table.sizeBytes; at += entryBytes) {
    const type = reader.uint32(at + 4);
    const offset = reader.uint64(at + 8);
    if (type === DOF_RELO_NONE) continue;
    if (type !== DOF_RELO_SETX && type !== DOF_RELO_DOFREL) {
      reader.fail("D_DOF_RELTYPE", `there is no relocation of type ${type}`);
    }
    if (!(offset + 8 <= target.sizeBytes) || (target.offset + offset) % 8 !== 0) {
      reader.fail("D_DOF_RELOFF", `it relocates 8 bytes at ${offset} of a section of ${target.sizeBytes}`);
    }
    relocations.set(target.offset + offset, type === DOF_RELO_SETX ? "object" : "place");
  }
}
