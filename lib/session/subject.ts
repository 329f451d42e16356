/**
 * Which processes a description is about.
 *
 * Providers of processes end in a pid: `pid1234`, `postgresql1234`. A description whose provider field does is about that
 * process; where the field ends in `$target`, about the target, whatever digits the provider's own name ends in
 * (`ruby3$target`). Any other is about no process in particular: it means the static probes of all targets, as
 * `postgresql*:::` does in DTrace for all processes. It makes no probes of functions.
 *
 * @module
 */

import type { Probe } from "../fasttrap/probe.ts";
import type { TracedProcess } from "../process/process.ts";
import { expandMacros, noProbesError, pidOfProvider, type ProbeDescription } from "../spec/probe_description.ts";
import type { ListOptions } from "./options.ts";

/** What is to be known where a description of no process in particular matches nothing. */
export const FUNCTIONS_HINT = "probes of functions have providers such as pid1234 or pid$target";

/** What a description is about. */
export interface Subject {
  /** The process; undefined if it is no one in particular. */
  readonly pid: number | undefined;
  /** The description without macro variables. */
  readonly fields: ProbeDescription;
}

/** A description and a process that it is about. */
export interface Found {
  /** The process. */
  readonly process: TracedProcess;
  /** The description without macro variables. */
  readonly fields: ProbeDescription;
}

/**
 * Finds out which process a description is about.
 *
 * @param description The description.
 * @param target What `$target` means; undefined if there is no target.
 * @returns The process, and the description without macro variables.
 * @throws {DTraceError} `D_MACRO_UNDEF` if it names `$target` and there is none; `D_PROC_BADPID` or `D_PROC_BADPROV` if
 *   the digits of its provider are no pid, or all of it.
 */
export function subjectOf(description: ProbeDescription, target: number | undefined): Subject {
  const fields = expandMacros(description, { target });
  const pid = pidOfProvider(fields.provider);
  return { pid: /.\$target$/.test(description.provider) ? target : pid, fields };
}

/**
 * Makes or finds the probes of a description in each of some processes. In one of several there may be none.
 *
 * @param found The processes, with the description.
 * @param options Whether there may be none in all of them.
 * @param make Makes the probes in one process.
 * @returns The probes.
 * @throws {DTraceError} `D_PDESC_ZERO` if there is none and there must be.
 */
export function gather(
  found: readonly Found[],
  options: ListOptions,
  make: (each: Found, options: ListOptions) => readonly Probe[],
): Probe[] {
  const isOne = found.length === 1;
  const probes = found.flatMap((each) => make(each, isOne ? options : { ...options, allowNone: true }));
  if (probes.length === 0 && found.length > 1 && !options.allowNone) {
    throw noProbesError(found[0]!.fields, FUNCTIONS_HINT);
  }
  return probes;
}
