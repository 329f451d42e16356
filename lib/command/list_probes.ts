/**
 * The list of `-l`: the probes that descriptions match, or those of the clauses of a D program.
 *
 * @module
 */

import type { OutputFormat } from "../consumer/options.ts";
import { formatDetails, formatListingRow, LISTING_HEADER } from "../consumer/listing.ts";
import { NdjsonFormatter } from "../consumer/ndjson.ts";
import type { Session } from "../session/session.ts";
import { TracerProbes } from "../session/program/tracer_probes.ts";
import { noProbesError, type ProbeDescription } from "../spec/probe_description.ts";

/** What a list is made of. */
export interface ProbeList {
  readonly session: Session;
  readonly descriptions: readonly ProbeDescription[];
  readonly format: OutputFormat;
  /** Whether it tells all that is known of a probe (`-v`). */
  readonly verbose: boolean;
  /** Whether a description may match nothing (`-Z`). */
  readonly allowNone: boolean;
}

/**
 * Lists probes; nothing is enabled.
 *
 * @param list What and how.
 * @returns The text, and how many probes are in it.
 */
export function listProbes({ session, descriptions, format, verbose, allowNone }: ProbeList) {
  const json = format === "ndjson" ? new NdjsonFormatter() : undefined;
  const rows: string[] = [];
  const tracerProbes = new TracerProbes();
  for (const fields of descriptions) {
    const own = tracerProbes.matching(fields);
    for (const probe of own) rows.push(json?.formatProbe(probe) ?? formatListingRow(probe));
    if (!tracerProbes.mayBeOfTargets(fields)) {
      if (own.length === 0 && !allowNone) throw noProbesError(fields);
      continue;
    }
    for (const target of targetsOf(fields, session)) {
      for (const probe of session.list(fields, { allowNone: allowNone || own.length > 0, target })) {
        const details = verbose ? session.inspect(probe) : undefined;
        const row = json?.formatProbe(probe, details) ?? formatListingRow(probe);
        rows.push(json === undefined && details !== undefined ? row + formatDetails(details) : row);
      }
    }
  }
  return { text: (json === undefined ? LISTING_HEADER : "") + rows.join(""), count: rows.length };
}

/**
 * Tells what `$target` means in a description, one after the other: dtrace(1) knows one target only, we know several.
 *
 * @param description The description.
 * @param session The session.
 * @returns The targets; undefined alone if it names none, or there is none.
 */
export function targetsOf({ provider }: ProbeDescription, { targets }: Session): (number | undefined)[] {
  return targets.length > 0 && /\$target\b/.test(provider) ? targets.map(({ pid }) => pid) : [undefined];
}
