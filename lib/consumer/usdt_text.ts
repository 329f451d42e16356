/**
 * The screens of `fasttrap usdt`.
 *
 * `list` prints the columns of `dtrace -l`, with the arguments behind the name; with `-v` also where they are:
 *
 * ```text
 *    ID   PROVIDER            MODULE                          FUNCTION NAME(ARGUMENTS)
 *     1  libstdcxx    libstdc++.so.6                       __cxa_throw throw(uint64_t, uint64_t)
 *         site 0xa90a1
 *             arg0 uint64_t = 8@%rdi
 *             arg1 uint64_t = 8@%rsi
 * ```
 *
 * `dump` prints a DOF from its header to its probes.
 *
 * @module
 */

import { formatAddress } from "../address.ts";
import { DOF_ATTRIBUTE_PARTS } from "../object/dof.ts";
import { printableName } from "../object/name_bytes.ts";
import { operandType } from "../operand.ts";
import { formatAttributes } from "../spec/stability.ts";
import { formatRow } from "./listing.ts";
import type { FileDof } from "./static_file.ts";
import {
  listDofProvider,
  type ListedAttributes,
  type ListedProbe,
  type ListedProvider,
  type ListedSite,
} from "./static_listing.ts";

/** What a verbose list tells besides the names. */
export interface StaticTextOptions {
  /** Whether sites, operands and attributes are told. */
  readonly verbose: boolean;
}

/**
 * Formats the list of a file's probes.
 *
 * @param providers The providers.
 * @param options What to tell.
 * @returns Whole lines.
 */
export function formatStaticList(providers: readonly ListedProvider[], { verbose }: StaticTextOptions): string {
  const lines = [formatRow("ID", "PROVIDER", "MODULE", "FUNCTION", "NAME(ARGUMENTS)")];
  let id = 0;
  for (const provider of providers) {
    for (const probe of provider.probes) {
      const { module, function: functionName, name } = probe;
      const title = `${printableName(name)}(${probe.translatedTypes.map(printableName).join(", ")})`;
      const names = [provider.name, module, functionName].map(printableName) as [string, string, string];
      lines.push(formatRow(String(++id), ...names, title));
      if (verbose) lines.push(...formatDetails(provider, probe));
    }
  }
  return lines.join("");
}

function formatDetails({ attributes }: ListedProvider, probe: ListedProbe): string[] {
  const lines = attributes === undefined ? [] : [indent(2, `attributes ${formatAll(attributes)}`)];
  lines.push(...formatMap(probe), ...probe.sites.flatMap(formatSite));
  for (const address of probe.isEnabledSites) lines.push(indent(2, `is-enabled site ${formatAddress(address)}`));
  return lines;
}

/** Tells the native types where D sees something else. */
function formatMap({ nativeTypes, translatedTypes, argumentMap }: ListedProbe): string[] {
  const isPlain = nativeTypes.length === translatedTypes.length &&
    argumentMap.every((native, index) => native === index && nativeTypes[native] === translatedTypes[index]);
  if (isPlain) return [];
  return [
    indent(2, `passed (${nativeTypes.map(printableName).join(", ")})`),
    ...argumentMap.map((native, index) =>
      indent(2, `arg${index} ${printableName(translatedTypes[index]!)} = passed ${native}`)
    ),
  ];
}

function formatSite({ address, semaphore, operands, problems }: ListedSite): string[] {
  const listens = semaphore === undefined ? "" : ` semaphore ${formatAddress(semaphore)}`;
  const remarks = problems.length === 0 ? "" : ` (${problems.join("; ")})`;
  return [
    indent(2, `site ${formatAddress(address)}${listens}${remarks}`),
    ...operands.map((operand, index) => {
      const reason = operand.place.kind === "unknown" ? ` (${printableName(operand.place.reason)})` : "";
      return indent(3, `arg${index} ${operandType(operand)} = ${printableName(operand.text)}${reason}`);
    }),
  ];
}

/**
 * Formats a DOF.
 *
 * @param file The DOF and where it is.
 * @returns Whole lines.
 */
export function formatDof({ section, address, dof }: FileDof): string {
  const place = section === undefined ? "" : ` in ${printableName(section)} at ${formatAddress(address!)}`;
  const order = dof.littleEndian ? "little-endian" : "big-endian";
  const [integers, tuples] = dof.difRegisters;
  const lines = [
    indent(0, `DOF version ${dof.version}, ${dof.bits} bits, ${order}, ${dof.fileBytes} bytes${place}`),
    indent(1, `DIF version ${dof.difVersion}, ${integers} integer and ${tuples} tuple registers`),
    indent(1, "section type          offset     size align flags entry"),
    ...dof.sections.map(({ index, type, typeNumber, offset, sizeBytes, align, flags, entryBytes }) =>
      indent(
        1,
        [
          String(index).padStart(7),
          (type ?? String(typeNumber)).padEnd(10),
          formatAddress(offset).padStart(9),
          String(sizeBytes).padStart(8),
          String(align).padStart(5),
          formatAddress(flags).padStart(5),
          String(entryBytes).padStart(5),
        ].join(" "),
      )
    ),
  ];
  for (const provider of dof.providers) {
    const listed = listDofProvider("", provider);
    lines.push(indent(1, `provider ${printableName(provider.name)} ${formatAll(listed.attributes!)}`));
    for (const probe of listed.probes) {
      const types = probe.translatedTypes.map(printableName).join(", ");
      lines.push(indent(2, `probe ${printableName(probe.function)}:${printableName(probe.name)}(${types})`));
      lines.push(...formatDetails({ ...listed, attributes: undefined }, probe).map((line) => indent(1, line, "")));
    }
  }
  return lines.join("");
}

function formatAll(attributes: ListedAttributes): string {
  return DOF_ATTRIBUTE_PARTS.map((part) => `${part} ${formatAttributes(attributes[part])}`).join(", ");
}

function indent(depth: number, text: string, end = "\n"): string {
  return `${"    ".repeat(depth)}${text}${end}`;
}
