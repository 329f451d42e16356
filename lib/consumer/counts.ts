/**
 * The table of `--count`, in the layout that dtrace(1) gives the aggregation `@[...] = count()`: `  %-50s %16d`, the
 * smallest count first.
 *
 * ```text
 *
 *   pid1234:libc.so.6:calloc:entry                                   12
 *   pid1234:libc.so.6:malloc:entry                                 4711
 * ```
 *
 * @module
 */

import { formatProbeDescription } from "../spec/probe_description.ts";
import type { ProbeIdentity } from "../session/event.ts";

/** How often a probe was hit. */
export interface ProbeCount {
  /** The probe. */
  readonly probe: ProbeIdentity;
  /** Its hits. */
  readonly hitsTotal: number;
}

/**
 * Formats the table.
 *
 * @param counts The counts, in any order. Probes without a hit are left out, as an aggregation never saw them.
 * @returns An empty line and one line a probe; equal counts are in the order of the probes' names.
 */
export function formatCounts(counts: Iterable<ProbeCount>): string {
  const rows = [...counts]
    .filter(({ hitsTotal }) => hitsTotal > 0)
    .map(({ probe, hitsTotal }) => ({ key: formatProbeDescription(probe), hitsTotal }))
    .sort((a, b) => a.hitsTotal - b.hitsTotal || (a.key < b.key ? -1 : 1));
  return `\n${rows.map(({ key, hitsTotal }) => `  ${key.padEnd(50)} ${String(hitsTotal).padStart(16)}\n`).join("")}`;
}
