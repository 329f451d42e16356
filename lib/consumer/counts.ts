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
import { printableName } from "../object/name_bytes.ts";
import type { ProbeIdentity } from "../session/event.ts";

/** How often a probe was hit. */
export interface ProbeCount {
  /** The probe. */
  readonly probe: ProbeIdentity;
  /** Its hits. */
  readonly hitsTotal: number;
}

/** Counts hits by probe. */
export class ProbeCounter {
  readonly #counts = new Map<number, { readonly probe: ProbeIdentity; hitsTotal: number }>();

  /**
   * Counts hits.
   *
   * @param probe The probe.
   * @param hits How many, 1 by default.
   */
  add(probe: ProbeIdentity, hits = 1): void {
    const count = this.#counts.get(probe.id);
    if (count === undefined) this.#counts.set(probe.id, { probe, hitsTotal: hits });
    else count.hitsTotal += hits;
  }

  /**
   * Gives the counts so far. Probes of one name are one: a module that was unloaded and loaded again has new ones.
   *
   * @returns The probes that were hit, the smallest count first; equal counts in the order of the probes' names.
   */
  sorted(): ProbeCount[] {
    const named = Map.groupBy(this.#counts.values(), ({ probe }) => formatProbeDescription(probe));
    return [...named]
      .map(([key, counts]) => {
        const hitsTotal = counts.reduce((sum, count) => sum + count.hitsTotal, 0);
        return { key, count: { probe: counts[0]!.probe, hitsTotal } };
      })
      .sort((a, b) => a.count.hitsTotal - b.count.hitsTotal || (a.key < b.key ? -1 : 1))
      .map(({ count }) => count);
  }
}

/**
 * Formats the table.
 *
 * @param counts The counts in their order.
 * @returns An empty line and one line a probe.
 */
export function formatCounts(counts: readonly ProbeCount[]): string {
  const rows = counts.map(({ probe, hitsTotal }) =>
    `  ${printableName(formatProbeDescription(probe)).padEnd(50)} ${String(hitsTotal).padStart(16)}\n`
  );
  return `\n${rows.join("")}`;
}
