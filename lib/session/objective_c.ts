/**
 * From a description of the provider `objc` to probes: by class and method, in every class of every module.
 *
 * *Method.* What the files tell their run-time library (`object/objective_c.ts`) is looked at first, because it is exact
 * and there is no way to strip it. Where a file has Objective-C in another format, its symbols are taken apart instead.
 * Everything that has a name there is a method: neither the run-time library's look-up nor the code that forwards calls
 * is probed.
 *
 * *Several names.* A method can have as many classes as the program likes; here it has that in which it was written.
 *
 * @module
 */

import { toAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { ProbeParts } from "../fasttrap/probe.ts";
import { nearNames } from "../near_names.ts";
import type { Module } from "../process/modules.ts";
import type { TracedProcess } from "../process/process.ts";
import { compileMethodPattern, demangleMethod, type MethodName } from "../spec/objective_c.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { compileProbeName, type ProbeNamePattern } from "../spec/probe_name.ts";
import { type Matches, mixedProblem, pushParts } from "./matching.ts";

/** Functions that the start-up code of Objective-C is in, by compiler: of GCC, and of clang for several libraries. */
const START_FUNCTIONS = ["__objc_gnu_init", ".objc_load_function", ".objcv2_load_function"];
/** How many near matches of a misspelt class are offered. */
const NEAR_LIMIT = 3;

const ENTRY: ProbeNamePattern = { entry: true, return: false, offset: undefined, matchesOffset: undefined };

/** A method and where it is, before relocation. */
interface Method extends MethodName {
  readonly vaddr: number;
}

/**
 * Finds the methods of a process that a description means.
 *
 * @param process The process.
 * @param modules Its modules.
 * @param description The description; its provider has been looked at already.
 * @param among The modules to look for methods in: all by default.
 * @returns The matches, perhaps none.
 * @throws {DTraceError} `D_PROC_NAME`, `D_PROC_OFF` or `D_PROC_ALIGN` if the description names something that cannot be.
 */
export function matchObjectiveC(
  process: TracedProcess,
  modules: readonly Module[],
  description: ProbeDescription,
  among: readonly Module[] = modules,
): Matches {
  const matches = compileMethodPattern(description);
  const name = compileProbeName(description.name);
  const parts: ProbeParts[] = [];
  const problems: string[] = [];
  const classes = new Set<string>();
  for (const module of among) {
    if (module.refusal !== undefined) continue;
    try {
      const { bias } = module.symbols();
      const mixed: string[] = [];
      const endless: string[] = [];
      for (const method of methodsOf(module)) {
        classes.add(method.className);
        if (!matches(method)) continue;
        const address = toAddress(method.vaddr + bias);
        const sizeBytes = module.sizeAt(address);
        const place = { module: method.className, name: method.name, address, sizeBytes };
        const isEndless = module.code.some(({ end }) => address + sizeBytes === end);
        if (!pushParts(parts, process.image, place, isEndless ? { ...ENTRY, entry: name.entry } : name)) {
          mixed.push(method.name);
        }
        if (isEndless && (name.return || name.offset !== undefined || name.matchesOffset !== undefined)) {
          endless.push(method.name);
        }
      }
      if (mixed.length > 0) problems.push(mixedProblem(module, mixed));
      if (endless.length > 0) problems.push(endlessProblem(module, endless));
    } catch (error) {
      if (!(error instanceof DTraceError) || error.tag !== "D_PROC_ELF") throw error;
      problems.push(error.message);
    }
  }
  return { parts, problems, hint: parts.length > 0 ? undefined : hintOf(classes, description) };
}

/** The methods of a module, in the order of their addresses. */
function methodsOf(module: Module): Method[] {
  const exact: Method[] = [...module.objectiveC()];
  const methods = exact.length > 0 ? exact : guessedMethods(module);
  return methods.sort((a, b) => a.vaddr - b.vaddr);
}

/** The methods of a module whose data is in another format than GCC's. */
function guessedMethods(module: Module): Method[] {
  const { table } = module.symbols();
  if (START_FUNCTIONS.every((name) => table.find(name) === undefined)) return [];
  return table.match((name) => /^_[ic]_/.test(name)).flatMap(({ name, vaddr }) => {
    const method = demangleMethod(name);
    return method === undefined ? [] : [{ ...method, vaddr }];
  });
}

/** Says of which methods only the beginning is known: their file has neither symbols nor call frames. */
function endlessProblem(module: Module, endless: readonly string[]): string {
  const subject = endless.length === 1
    ? `'${endless[0]}'`
    : `each of ${endless.length} methods, such as '${endless[0]}',`;
  return `Cannot tell where ${subject} in ${module.name} ends: it is stripped; only entries are probed`;
}

function hintOf(classes: ReadonlySet<string>, { module }: ProbeDescription): string {
  if (classes.size === 0) return "the process has no Objective-C";
  const near = nearNames(module, classes, NEAR_LIMIT);
  const known = near.length > 0 ? `did you mean ${near.join(", ")}?` : `there are ${[...classes].sort().join(", ")}`;
  return `no method of these names was found in ${classes.size} classes and categories; ${known}`;
}
