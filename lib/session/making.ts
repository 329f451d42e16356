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
import type { FunctionProviderType } from "../fasttrap/provider.ts";
import { nearNames } from "../near_names.ts";
import type { Module } from "../process/modules.ts";
import type { TracedProcess } from "../process/process.ts";
import { compileGlob, isGlob } from "../spec/glob.ts";
import { compileModulePattern } from "../spec/module_pattern.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { matchProbes, mayMatchLater } from "./matching.ts";
import { matchObjectiveC } from "./objective_c.ts";
import { FUNCTIONS_HINT } from "./subject.ts";

/** What finds the functions that probes of a provider are made of. */
const SEARCHES: Readonly<Record<FunctionProviderType, typeof matchProbes>> = {
  pid: matchProbes,
  oneshot: matchProbes,
  objc: matchObjectiveC,
};
const TYPES = Object.keys(SEARCHES) as FunctionProviderType[];

/** What a description has led to. */
export interface Made {
  /** The probes, in the order of their numbers. */
  readonly probes: readonly Probe[];
  /** What could not be looked at, and why; sentences without a final period. */
  readonly problems: readonly string[];
  /** What was probably meant, if there are no probes. */
  readonly hint: string | undefined;
}

/** Where probes are made. */
export interface Places {
  /** The modules of the process. */
  readonly modules: readonly Module[];
  /** Those of them that the probes are to be in; all by default. */
  readonly among?: readonly Module[] | undefined;
}

/**
 * Makes and finds the probes of a process that a description means.
 *
 * @param fasttrap The tables.
 * @param process The process.
 * @param description The description, without macro variables, whose provider ends with the pid of the process.
 * @param places The modules.
 * @returns The probes, perhaps none.
 * @throws {DTraceError} As {@linkcode matchProbes}; `D_PROC_CREATEFAIL` if the limit of tracepoints is passed.
 */
export function makeProbes(
  fasttrap: Fasttrap,
  process: TracedProcess,
  description: ProbeDescription,
  { modules, among }: Places,
): Made {
  const known = fasttrap.match(process.image, description, moduleMatcher(modules, description.module))
    .filter((probe) => among === undefined || isIn(among, probe));
  const made: Probe[] = [];
  const problems: string[] = [];
  let hint: string | undefined;
  let mistake: DTraceError | undefined;
  for (const [search, types] of Map.groupBy(typesOf(process, description), (type) => SEARCHES[type])) {
    try {
      const matches = search(process, modules, description, among);
      problems.push(...matches.problems);
      hint ??= matches.hint;
      for (const type of types) {
        for (const part of matches.parts) made.push(makeProbe(fasttrap, type, process, part));
      }
    } catch (error) {
      if (!(error instanceof DTraceError) || error.tag === "D_PROC_CREATEFAIL") throw error;
      mistake ??= error;
    }
  }
  const probes = [...new Set([...known, ...made])].sort((a, b) => a.id - b.id);
  if (probes.length === 0 && mistake !== undefined) throw mistake;
  if (probes.length === 0) hint ??= nearProbes(fasttrap, process, description);
  return { probes, problems, hint };
}

/** What was probably meant, among the probes that have been made. */
function nearProbes(fasttrap: Fasttrap, { image }: TracedProcess, { provider, name }: ProbeDescription) {
  const all = { provider: "", module: "", function: "", name: "" };
  const made = fasttrap.match(image, all);
  const ofProvider = fasttrap.match(image, { ...all, provider });
  if (ofProvider.length === 0) {
    const near = nearNames(provider, [
      ...made.map((probe) => probe.provider),
      ...TYPES.map((type) => type + image.pid),
    ]);
    if (near.length > 0) return `no provider matches "${provider}"; did you mean ${near.join(", ")}?`;
    if (!provider.endsWith(String(image.pid))) return FUNCTIONS_HINT;
    if (isGlob(provider) || made.length > 0) return undefined;
    return `process ${image.pid} has no static probes; those of functions are of pid${image.pid}`;
  }
  const near = nearNames(name, ofProvider.map((probe) => probe.name));
  return near.length === 0 ? undefined : `no probe matches "${name}"; did you mean ${near.join(", ")}?`;
}

/**
 * Tells whether a description can mean functions of modules that a process has yet to load.
 *
 * @param process The process.
 * @param modules The modules that it has.
 * @param description The description, as for {@linkcode makeProbes}.
 * @returns Whether it can.
 */
export function mayMakeLater(
  process: TracedProcess,
  modules: readonly Module[],
  description: ProbeDescription,
): boolean {
  const types = typesOf(process, description);
  // A class can be in any module.
  return types.includes("objc") || (types.length > 0 && mayMatchLater(modules, description));
}

/**
 * Tells whether a probe is in one of some modules.
 *
 * @param modules The modules.
 * @param probe The probe.
 * @returns Whether any of its tracepoints is.
 */
export function isIn(modules: readonly Module[], probe: Probe): boolean {
  return probe.addresses.some((pc) => modules.some((module) => module.holdsCode(pc)));
}

/** What tells whether a probe's module is meant: by its name, by a part of it, or as `a.out`, as in probes of functions. */
function moduleMatcher(modules: readonly Module[], field: string): (name: string) => boolean {
  const matches = compileModulePattern(field);
  const byName = new Map<string, boolean>();
  for (const { name, probeModule, isProgram, linkMap } of modules) {
    byName.set(probeModule, matches({ name, isExecutable: isProgram, linkMap }));
  }
  // Probes that came through the device, or with DOF, may say that they are in a module that there is not.
  return (name) => byName.get(name) ?? matches({ name, isExecutable: name === "a.out", linkMap: 0 });
}

/**
 * The providers of functions that a description is about. `*1234:::` asks for the probes that there are: nobody means each
 * instruction of a program by it.
 */
function typesOf(
  { pid }: TracedProcess,
  { provider, module, function: functionName, name }: ProbeDescription,
): FunctionProviderType[] {
  const matches = compileGlob(provider);
  // A description of no process in particular makes no probes, as in DTrace: it means those that there are.
  if (!provider.endsWith(String(pid))) return [];
  if (provider === `*${pid}` && [module, functionName, name].every((field) => field === "")) return [];
  return TYPES.filter((type) => matches(`${type}${pid}`));
}

function makeProbe(
  fasttrap: Fasttrap,
  type: FunctionProviderType,
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
