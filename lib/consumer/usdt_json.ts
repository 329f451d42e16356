/**
 * What `fasttrap usdt --format json` prints: one object, described by `schema/usdt.schema.json`.
 *
 * Addresses are numbers. A constant is a signed 64-bit integer; one that a JSON number does not hold exactly is a string
 * of decimal digits, as in events.
 *
 * @module
 */

import type { DTraceError } from "../errors.ts";
import { type Operand, operandType } from "../operand.ts";
import { formatInteger } from "./ndjson.ts";
import type { FileDof, StaticFile } from "./static_file.ts";
import { listDofProvider, type ListedProvider, type ListedSite, listProviders } from "./static_listing.ts";

/**
 * Formats the list of a file's probes.
 *
 * @param file The file.
 * @returns One object, with a line feed at its end.
 */
export function formatStaticListJson(file: StaticFile): string {
  return stringify({
    type: "usdt-list",
    file: file.path,
    providers: listProviders(file).map(providerValue),
    problems: file.problems.map(problemValue),
  });
}

/**
 * Formats the DOF of a file.
 *
 * @param file The file.
 * @returns One object, with a line feed at its end.
 */
export function formatDofJson(file: StaticFile): string {
  return stringify({
    type: "usdt-dump",
    file: file.path,
    dofs: file.dofs.map((dof) => dofValue(dof, file.module)),
    problems: file.problems.map(problemValue),
  });
}

function dofValue({ section, address, dof }: FileDof, module: string): unknown {
  const { version, bits, difVersion, difRegisters, loadBytes, fileBytes } = dof;
  return {
    ...section !== undefined && { section, address },
    version,
    bits,
    byteOrder: dof.littleEndian ? "little-endian" : "big-endian",
    difVersion,
    difRegisters,
    loadBytes,
    fileBytes,
    sections: dof.sections.map(({ index, type, typeNumber, align, flags, entryBytes, offset, sizeBytes }) => ({
      index,
      ...type !== undefined && { type },
      typeNumber,
      align,
      flags,
      entryBytes,
      // Of a section that is not loaded nothing has been checked.
      ...Number.isSafeInteger(offset + sizeBytes) && { offset, sizeBytes },
    })),
    providers: dof.providers.map((provider) => providerValue(listDofProvider(module, provider))),
  };
}

function providerValue({ name, source, attributes, probes }: ListedProvider): unknown {
  return {
    name,
    source,
    ...attributes !== undefined && { attributes },
    probes: probes.map((probe) => ({ ...probe, sites: probe.sites.map(siteValue) })),
  };
}

function siteValue({ address, semaphore, operands, problems }: ListedSite): unknown {
  return {
    address,
    ...semaphore !== undefined && { semaphore },
    arguments: operands.map(operandValue),
    problems,
  };
}

function operandValue(operand: Operand): unknown {
  const { text, sizeBytes, signed, float, place } = operand;
  const value = { operand: text, type: operandType(operand), sizeBytes, signed, float };
  if (place.kind !== "constant") return { ...value, place };
  const { lo, hi, ...rest } = place;
  return { ...value, place: { ...rest, value: JSON.parse(formatInteger(lo, hi)) } };
}

function problemValue({ tag, message }: DTraceError): unknown {
  return { tag, message };
}

function stringify(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
