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
import type { ProbeDetails, SiteDetails } from "../fasttrap/inspect.ts";
import type { ProbeIdentity } from "../session/event.ts";

/** The line above the list. */
export const LISTING_HEADER: string = formatRow("ID", "PROVIDER", "MODULE", "FUNCTION", "NAME");

/**
 * Formats one probe of the list.
 *
 * @param probe The probe.
 * @returns A row with its line feed.
 */
export function formatListingRow(probe: ProbeIdentity): string {
  return formatRow(String(probe.id), probe.provider, probe.module, probe.function, probe.name);
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
 *
 * ```
 *
 * @param details What is known of the probe.
 * @returns Whole lines.
 */
export function formatDetails(details: ProbeDetails): string {
  const types = details.argumentTypes.map((type, index) => `args[${index}]: ${type === "" ? "(unknown)" : type}`);
  return formatBlock("Probe Description Attributes", formatWords(details.attributes)) +
    formatBlock("Argument Attributes", formatWords(details.argumentAttributes)) +
    formatBlock("Argument Types", types.length === 0 ? ["None"] : types) +
    formatBlock("Sites", details.sites.map(formatSite)) + "\n";
}

function formatBlock(title: string, lines: readonly string[]): string {
  return `\n\t${title}\n${lines.map((line) => `\t\t${line}\n`).join("")}`;
}

function formatWords(attributes: string): string[] {
  const [names, data, dependency] = attributes.split("/");
  return [`Identifier Names: ${names}`, `Data Semantics:   ${data}`, `Dependency Class: ${dependency}`];
}

function formatSite({ address, offset, code, performed, refusal }: SiteDetails): string {
  const place = formatAddress(address) + (offset === undefined ? "" : ` (+${formatAddress(offset)})`);
  const bytes = Array.from(code, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return refusal === undefined ? `${place} ${performed}: ${bytes}` : `${place} cannot be probed: ${refusal}`;
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
