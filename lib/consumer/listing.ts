/**
 * The list of probes that `dtrace -l` prints, byte for byte: `%5s %10s %17s %33s %s`.
 *
 * ```text
 *    ID   PROVIDER            MODULE                          FUNCTION NAME
 *     1    pid1234         libc.so.6                            malloc entry
 * ```
 *
 * @module
 */

import { formatAddress } from "../address.ts";
import type { ProbeDetails, SemaphoreDetails, SiteDetails } from "../fasttrap/inspect.ts";
import { printableName } from "../object/name_bytes.ts";
import type { ProbeIdentity } from "../session/event.ts";

/** The line above the list. */
export const LISTING_HEADER: string = formatRow("ID", "PROVIDER", "MODULE", "FUNCTION", "NAME");

/**
 * Formats one probe of the list. Behind the name of a static probe are the types of its arguments.
 *
 * @param probe The probe.
 * @returns A row with its line feed.
 */
export function formatListingRow(probe: ProbeIdentity): string {
  const { id, argumentTypes } = probe;
  const [provider, module, functionName, name] = [probe.provider, probe.module, probe.function, probe.name]
    .map(printableName) as [string, string, string, string];
  return formatRow(String(id), provider, module, functionName, name + formatTypes(argumentTypes));
}

/**
 * Formats the types of the arguments of a static probe, to stand behind its name.
 *
 * @param types The types; undefined for a probe that has none.
 * @returns Such as `(int32_t, char *)`; empty without types.
 */
function formatTypes(types: readonly string[] | undefined): string {
  return types === undefined
    ? ""
    : `(${types.map((type) => type === "" ? "unknown" : printableName(type)).join(", ")})`;
}

/**
 * Formats what `-v` adds to a row: what dtrace prints, byte for byte, and below it the sites. What is
 * indented here is so by tabs there.
 *
 * ```text
 *
 *     Probe Description Attributes
 *         Identifier Names: Private
 *         Data Semantics:   Private
 *         Dependency Class: Unknown
 *
 *     Argument Attributes
 *         ...
 *
 *     Argument Types
 *         None
 *
 *     Sites
 *         0x401156 (+0x0) emulated: 55
 *             jump that counts or records each hit
 *
 * ```
 *
 * Below a site is said whether hits have to stop the thread there: not if a `jump` has taken its place, or would; or they do,
 * because there is or would be a `trap`, and why.
 *
 * Probes of no target, such as BEGIN, have no sites.
 *
 * A site of a static probe is followed by the places of its arguments, as in `arg0 int32_t = -4@8(%rbp)`, and the sites by
 * the semaphores.
 *
 * @param details What is known of the probe.
 * @param isRecorded Whether hits are recorded for a D program.
 * @returns Whole lines.
 */
export function formatDetails(details: ProbeDetails, isRecorded = false): string {
  const types = details.argumentTypes.map((type, index) =>
    `args[${index}]: ${type === "" ? "(unknown)" : printableName(type)}`
  );
  return formatBlock("Probe Description Attributes", formatWords(details.attributes)) +
    formatBlock("Argument Attributes", formatWords(details.argumentAttributes)) +
    formatBlock("Argument Types", types.length === 0 ? ["None"] : types) +
    (details.sites.length === 0
      ? ""
      : formatBlock("Sites", details.sites.flatMap((site) => formatSite(site, isRecorded)))) +
    (details.semaphores === undefined ? "" : formatBlock("Semaphores", details.semaphores.map(formatSemaphore))) + "\n";
}

function formatBlock(title: string, lines: readonly string[]): string {
  return `\n\t${title}\n${lines.map((line) => `\t\t${line}\n`).join("")}`;
}

function formatWords(attributes: string): string[] {
  const [names, data, dependency] = attributes.split("/");
  return [`Identifier Names: ${names}`, `Data Semantics:   ${data}`, `Dependency Class: ${dependency}`];
}

/** A site on a line, and below it whether hits stop the thread, and where the arguments of a static probe are. */
function formatSite(site: SiteDetails, isRecorded: boolean): string[] {
  const { address, offset, code, performed, refusal } = site;
  const place = formatAddress(address) + (offset === undefined ? "" : ` (+${formatAddress(offset)})`);
  const bytes = Array.from(code, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const asks = site.isEnabledSite ? " asks whether the probe is enabled," : "";
  return [
    refusal === undefined ? `${place}${asks} ${performed}: ${bytes}` : `${place}${asks} cannot be probed: ${refusal}`,
    ...formatWay(site, isRecorded),
    ...(site.arguments ?? []).map(({ type, operand, problem }, index) =>
      `\targ${index} ${type} = ${printableName(operand)}${problem === undefined ? "" : ` (${printableName(problem)})`}`
    ),
  ];
}

function formatWay({ performed, trapReason, isCountable }: SiteDetails, isRecorded: boolean): string[] {
  if (performed === undefined || performed === "jump") return [];
  if (trapReason === undefined) return [`\tjump that ${isRecorded ? "" : "counts or "}records each hit`];
  return [`\ttrap${isCountable && !isRecorded ? ", unless hits are only counted" : ""}: ${trapReason}`];
}

function formatSemaphore({ address, value }: SemaphoreDetails): string {
  return `${formatAddress(address)} ${value === undefined ? "cannot be read" : `is ${value}`}`;
}

/**
 * Lays a row out.
 *
 * @param id The text of each column.
 * @returns The row with its line feed.
 */
export function formatRow(id: string, provider: string, module: string, functionName: string, name: string): string {
  return `${id.padStart(5)} ${provider.padStart(10)} ${module.padStart(17)} ${functionName.padStart(33)} ${name}\n`;
}
