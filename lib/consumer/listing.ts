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
 * Lays a row out.
 *
 * @param id The text of each column.
 * @returns The row with its line feed.
 */
export function formatRow(id: string, provider: string, module: string, functionName: string, name: string): string {
  return `${id.padStart(5)} ${provider.padStart(10)} ${module.padStart(17)} ${functionName.padStart(33)} ${name}\n`;
}
