/**
 * The list of `-l`: the probes that descriptions match, or those of the clauses of a D program. Those of no target, such as
 * BEGIN, have the attributes of what the description says, as in DTrace; those of targets the least that they have.
 *
 * @module
 */

import type { OutputFormat } from "../consumer/options.ts";
import { formatDetails, formatListingRow, LISTING_HEADER } from "../consumer/listing.ts";
import { NdjsonFormatter } from "../consumer/ndjson.ts";
import type { HitPlan } from "../d/hit_plan.ts";
import { argumentAttributes, descriptionAttributes } from "../d/reliance.ts";
import type { ProbeDetails } from "../fasttrap/inspect.ts";
import type { ProbeIdentity } from "../session/event.ts";
import type { Session } from "../session/session.ts";
import { TracerProbes } from "../session/program/tracer_probes.ts";
import { noProbesError, type ProbeDescription } from "../spec/probe_description.ts";
import { formatAttributes } from "../spec/stability.ts";

/** What a list is made of. */
export interface ProbeList {
  readonly session: Session;
  readonly descriptions: readonly ProbeDescription[];
  /** How hits of each description can be had for its clause; undefined if there are no clauses. */
  readonly plans?: readonly HitPlan[] | undefined;
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
export function listProbes(list: ProbeList) {
  const { session, descriptions, plans, format, verbose, allowNone } = list;
  const json = format === "ndjson" ? new NdjsonFormatter() : undefined;
  const rows: (() => string)[] = [];
  const plansOf = new Map<ProbeIdentity, HitPlan[]>();
  const tracerProbes = new TracerProbes();
  descriptions.forEach((fields, index) => {
    const own = tracerProbes.matching(fields);
    for (const probe of own) rows.push(() => formatRow(probe, verbose ? tracerProbeDetails(fields) : undefined, json));
    if (!tracerProbes.mayBeOfTargets(fields)) {
      if (own.length === 0 && !allowNone) throw noProbesError(fields);
      return;
    }
    for (const target of targetsOf(fields, session)) {
      for (const probe of session.list(fields, { allowNone: allowNone || own.length > 0, target })) {
        if (plans !== undefined) plansOf.set(probe, [...plansOf.get(probe) ?? [], plans[index]!]);
        rows.push(() => {
          const known = plansOf.get(probe);
          const details = verbose ? inspect(session, probe, known) : undefined;
          return formatRow(probe, details, json, known !== undefined);
        });
      }
    }
  });
  // Other clauses of a probe may come behind it.
  const lines = rows.map((format) => format());
  return { text: (json === undefined ? LISTING_HEADER : "") + lines.join(""), count: rows.length };
}

/** A probe, with what is known of it, and whether that was foretold for hits that are recorded. */
function formatRow(
  probe: ProbeIdentity,
  details: ProbeDetails | undefined,
  json: NdjsonFormatter | undefined,
  isRecorded = false,
): string {
  if (json !== undefined) return json.formatProbe(probe, details);
  return formatListingRow(probe) + (details === undefined ? "" : formatDetails(details, isRecorded));
}

/** What is known of a probe of no target: how much one may rely on what the description says of it. */
function tracerProbeDetails(description: ProbeDescription): ProbeDetails {
  return {
    attributes: formatAttributes(descriptionAttributes(description, [])),
    argumentAttributes: formatAttributes(argumentAttributes(description, [])),
    argumentTypes: [],
    sites: [],
  };
}

/** What is known of a probe; where clauses want more of its hits than records, that is why they stop the thread. */
function inspect(session: Session, probe: ProbeIdentity, plans: readonly HitPlan[] | undefined): ProbeDetails {
  const details = session.inspect(probe, plans?.flatMap(({ captures }) => captures));
  const stopReason = plans?.find((plan) => plan.stopReason !== undefined)?.stopReason;
  const sites = details.sites.map((site) =>
    stopReason === undefined || site.performed === undefined ? site : { ...site, trapReason: stopReason }
  );
  return { ...details, sites };
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
