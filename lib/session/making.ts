/**
 * From a description to probes: those that the front end makes for it, and those that are there already.
 *
 * *Problem.* The probes of functions do not exist before somebody asks for them (rule 31); static probes, and those that
 * were made through the device, do. A provider field may be a glob over all of them: `p*d1234` matches `pid1234` and a
 * static provider `plaid` of process 1234 (rule 109).
 *
 * *Method.* As in DTrace, two parts that know nothing of each other. For each provider of functions that the field
 * matches, the functions of the process are searched ({@linkcode matchProbes}) and their probes made; then all probes of
 * the process are matched by their names.
 *
 * A function that cannot be found is no mistake if a probe of that name is there nevertheless.
 *
 * @module
 */

import { DTraceError, SystemError } from "../errors.ts";
import type { Fasttrap } from "../fasttrap/fasttrap.ts";
import type { Probe, ProbeParts } from "../fasttrap/probe.ts";
import type { ProviderType } from "../fasttrap/provider.ts";
import type { Module } from "../process/modules.ts";
import type { TracedProcess } from "../process/process.ts";
import { compileGlob } from "../spec/glob.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { type Matches, matchProbes } from "./matching.ts";

/** The providers whose probes are made for a description. */
const FUNCTION_PROVIDERS: readonly Exclude<ProviderType, "usdt">[] = ["pid", "oneshot"];
const NOTHING: Matches = { parts: [], problems: [], hint: undefined };

/** What a description has led to. */
export interface Made {
  /** The probes, in the order of their numbers. */
  readonly probes: readonly Probe[];
  /** What could not be looked at, and why; sentences without a final period. */
  readonly problems: readonly string[];
  /** What was probably meant, if there are no probes. */
  readonly hint: string | undefined;
}

/**
 * Makes and finds the probes of a process that a description means.
 *
 * @param fasttrap The tables.
 * @param process The process.
 * @param modules Its modules.
 * @param description The description, without macro variables, whose provider ends with the pid of the process.
 * @returns The probes, perhaps none.
 * @throws {DTraceError} As {@linkcode matchProbes}; `D_PROC_CREATEFAIL` if the limit of tracepoints is passed.
 */
export function makeProbes(
  fasttrap: Fasttrap,
  process: TracedProcess,
  modules: readonly Module[],
  description: ProbeDescription,
): Made {
  const { image, pid } = process;
  const found = fasttrap.match(image, description);
  const matchesProvider = compileGlob(description.provider);
  const types = FUNCTION_PROVIDERS.filter((type) => matchesProvider(`${type}${pid}`));
  const matches = types.length === 0 ? NOTHING : searchFunctions(process, modules, description, found.length > 0);
  const made = types.flatMap((type) => matches.parts.map((part) => makeProbe(fasttrap, type, process, part)));
  const probes = [...new Set([...found, ...made])].sort((a, b) => a.id - b.id);
  return { probes, problems: matches.problems, hint: matches.hint };
}

function searchFunctions(
  process: TracedProcess,
  modules: readonly Module[],
  description: ProbeDescription,
  mayFail: boolean,
): Matches {
  try {
    return matchProbes(process, modules, description);
  } catch (error) {
    if (mayFail && error instanceof DTraceError) return NOTHING;
    throw error;
  }
}

function makeProbe(
  fasttrap: Fasttrap,
  type: Exclude<ProviderType, "usdt">,
  { image }: TracedProcess,
  part: ProbeParts,
): Probe {
  try {
    return fasttrap.makeProbe(type, image, part);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const message = `failed to create ${part.kind} probe in '${part.function}': Not enough space`;
    throw new DTraceError("D_PROC_CREATEFAIL", message, { cause: error, hint: error.hint });
  }
}
