/**
 * From a probe description to the probes of one process: which modules, which functions, which places.
 *
 * *Problem.* A description may name one instruction or a hundred thousand functions. A name that does not exist is a
 * mistake to be told, with what was probably meant; a glob that matches nothing in one module is none.
 *
 * *Method.* As libdtrace does it (`dt_pid.c`): module by module, in each function by function, in each the entry, the
 * returns and the offsets that the name field matches. A function's code is read from the process, without our traps,
 * and swept once for its instructions; only a name that asks for neither returns nor offsets saves that.
 *
 * *IFUNCs.* A function that is chosen when the program is loaded (`memcpy`) means the one that was chosen. Its probes
 * keep the name that the user knows.
 *
 * *Cost.* No stop of the target. Symbols are read at the first use of a module, code at some 100 ns an instruction.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { ProbeParts } from "../fasttrap/probe.ts";
import { findFunctionSites, type FunctionSites, isInstructionStart } from "../isa/function_sites.ts";
import { nearNames } from "../near_names.ts";
import type { FunctionSymbol } from "../object/symbol_table.ts";
import { resolveIfunc } from "../process/ifuncs.ts";
import type { Module } from "../process/modules.ts";
import type { Image, TracedProcess } from "../process/process.ts";
import { compileGlob, isGlob } from "../spec/glob.ts";
import { compileModulePattern, type ModuleIdentity } from "../spec/module_pattern.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import {
  ANY_FUNCTION,
  checkOffset,
  compileProbeName,
  parseAddressName,
  type ProbeNamePattern,
} from "../spec/probe_name.ts";

/** How many near matches of a misspelt name are offered. */
const NEAR_LIMIT = 3;
/** The largest function that is swept, in bytes: no compiler makes such a one. */
const LARGEST_FUNCTION_BYTES = 1 << 26;

/** What a description matches in a process. */
export interface Matches {
  /** The probes to be made, in the order of modules and addresses. */
  readonly parts: readonly ProbeParts[];
  /** What could not be looked at, and why; sentences without a final period. */
  readonly problems: readonly string[];
  /** What was probably meant, if nothing was matched. */
  readonly hint: string | undefined;
}

/**
 * Finds what a description matches in a process.
 *
 * @param process The process.
 * @param modules Its modules.
 * @param description The description; its provider has been looked at already.
 * @param among The modules to look for functions in: all by default.
 * @returns The matches, perhaps none.
 * @throws {DTraceError} `D_PROC_FUNC`, `D_PROC_NAME`, `D_PROC_OFF`, `D_PROC_ALIGN` or `D_PROC_LIB` if the description
 *   names something that cannot be.
 */
export function matchProbes(
  process: TracedProcess,
  modules: readonly Module[],
  description: ProbeDescription,
  among: readonly Module[] = modules,
): Matches {
  const matches = compileModulePattern(description.module);
  const chosen = among.filter((module) => matches(identityOf(module)));
  if (description.function === ANY_FUNCTION) return matchAddress(modules, chosen, description);
  const name = compileProbeName(description.name);
  const parts: ProbeParts[] = [];
  const problems: string[] = [];
  let hint = chosen.length > 0 ? undefined : moduleHint(modules, description.module);
  for (const module of chosen) {
    try {
      const functions = matchFunctions(module, description, modules);
      const unresolved: FunctionSymbol[] = [];
      const mixed: FunctionSymbol[] = [];
      for (const symbol of functions) {
        const implementation = symbol.ifunc
          ? resolveIfunc(process.image.memory, modules, { module, symbol })
          : undefined;
        if (symbol.ifunc && implementation === undefined) unresolved.push(symbol);
        const { sizeBytes } = symbol;
        const place = implementation ?? { address: module.addressOf(symbol), sizeBytes };
        const complete = pushParts(
          parts,
          process.image,
          { module: module.probeModule, name: symbol.name, ...place },
          name,
        );
        if (!complete) mixed.push(symbol);
      }
      if (unresolved.length > 0) problems.push(resolverProblem(module, unresolved));
      if (mixed.length > 0) problems.push(mixedProblem(module, mixed.map((symbol) => symbol.name)));
      if (functions.length === 0) hint ??= functionHint(module, description.function);
    } catch (error) {
      if (!(error instanceof DTraceError) || error.tag !== "D_PROC_ELF") throw error;
      problems.push(error.message);
    }
  }
  return { parts, problems, hint: parts.length > 0 ? undefined : hint };
}

/**
 * Tells whether a description can match functions of modules that a process has yet to load.
 *
 * @param modules The modules that it has.
 * @param description The description.
 * @returns False if it is about the program itself, or about one address.
 */
export function mayMatchLater(modules: readonly Module[], description: ProbeDescription): boolean {
  if (description.function === ANY_FUNCTION) return false;
  if (isGlob(description.module)) return true;
  const matches = compileModulePattern(description.module);
  return !modules.some((module) => module.isProgram && matches(identityOf(module)));
}

/** The functions of a module that a description matches. Aliases of one address count once, unless named. */
function matchFunctions(module: Module, description: ProbeDescription, modules: readonly Module[]): FunctionSymbol[] {
  if (module.refusal !== undefined) {
    if (isGlob(description.module)) return [];
    throw new DTraceError("D_PROC_LIB", `Cannot trace module '${module.name}': ${module.refusal}`);
  }
  const { table } = module.symbols();
  if (isGlob(description.function)) return [...table.match(compileGlob(description.function))];
  const found = table.findAll(description.function);
  if (found.length > 0 || isGlob(description.module)) return found;
  throw new DTraceError("D_PROC_FUNC", `failed to lookup '${description.function}' in module '${module.name}'`, {
    hint: functionHint(module, description.function) ?? elsewhereHint(modules, module, description.function),
  });
}

/** A function that probes are made for. */
export interface Place {
  /** What its probes have for a module. */
  readonly module: string;
  /** What they have for a function. */
  readonly name: string;
  /** Where it begins. */
  readonly address: Address;
  /** Its size in bytes. */
  readonly sizeBytes: number;
}

/**
 * Adds the probes of one function that the name field matches.
 *
 * @param parts What they are added to.
 * @param image The memory of the process.
 * @param place The function.
 * @param name The name field.
 * @returns Whether all that could match were found.
 */
export function pushParts(parts: ProbeParts[], image: Image, place: Place, name: ProbeNamePattern): boolean {
  const { address, sizeBytes } = place;
  const common = {
    module: place.module,
    function: place.name,
    functionAddress: address,
    functionBytes: sizeBytes,
  };
  if (name.return || name.offset !== undefined || name.matchesOffset !== undefined) {
    const sites = sweep(image, address, sizeBytes);
    if (name.offset !== undefined) {
      checkOffset(name.offset, {
        name: place.name,
        sizeBytes,
        isInstruction: (offset) => isInstructionStart(sites, offset),
      });
    }
    const returns = [...sites.returns, ...sites.possibleReturns].sort((a, b) => a - b);
    if (name.return && returns.length > 0) {
      const addresses = returns.map((offset) => toAddress(address + offset));
      parts.push({ ...common, name: "return", kind: "return", sites: addresses });
    }
    pushEntry();
    for (const offset of sites.offsets) {
      if (offset !== name.offset && !name.matchesOffset?.(offset)) continue;
      parts.push({ ...common, name: offset.toString(16), kind: "offset", sites: [toAddress(address + offset)] });
    }
    return sites.complete || name.offset !== undefined;
  }
  pushEntry();
  return true;

  function pushEntry(): void {
    if (name.entry) parts.push({ ...common, name: "entry", kind: "entry", sites: [address] });
  }
}

function sweep(image: Image, address: Address, sizeBytes: number): FunctionSites {
  const code = new Uint8Array(Math.min(sizeBytes, LARGEST_FUNCTION_BYTES));
  const length = image.memory.read(address, code);
  return findFunctionSites(image.isa, code.subarray(0, length), address);
}

/** The function `-`: one absolute address, in whatever module it is, or in none. */
function matchAddress(
  modules: readonly Module[],
  chosen: readonly Module[],
  description: ProbeDescription,
): Matches {
  const program = modules.find(({ isProgram }) => isProgram);
  if (program === undefined || !chosen.includes(program)) {
    throw new DTraceError("D_PROC_LIB", "only the a.out module is valid with the '-' function");
  }
  const address = parseAddressName(description.name);
  const part: ProbeParts = {
    module: program.name,
    function: ANY_FUNCTION,
    name: description.name,
    kind: "offset",
    functionAddress: toAddress(0),
    functionBytes: Number.MAX_SAFE_INTEGER,
    sites: [address],
  };
  return { parts: [part], problems: [], hint: undefined };
}

/** Says of which IFUNCs only the resolver could be found, once for all of them. */
function resolverProblem(module: Module, unresolved: readonly FunctionSymbol[]): string {
  const name = unresolved[0]!.name;
  return unresolved.length === 1
    ? `Cannot find the implementation of '${name}' in ${module.name}: no call is bound to it yet; only its resolver is ` +
      "probed"
    : `Cannot find the implementations of ${unresolved.length} functions in ${module.name}, such as '${name}': no ` +
      "call is bound to them yet; only their resolvers are probed";
}

function identityOf({ name, isProgram, linkMap }: Module): ModuleIdentity {
  return { name, isExecutable: isProgram, linkMap };
}

/**
 * Says in which functions instructions may be missing (rule 115), once for all of them.
 *
 * @param module Their module.
 * @param mixed Their names, one at least.
 * @returns A sentence without a final period.
 */
export function mixedProblem(module: Module, mixed: readonly string[]): string {
  const name = mixed[0]!;
  const subject = mixed.length === 1 ? `'${name}'` : `${mixed.length} functions, such as '${name}',`;
  return `Cannot tell data from code in ${subject} in ${module.name}: only instructions that are certainly reached are ` +
    "probed";
}

function moduleHint(modules: readonly Module[], pattern: string): string | undefined {
  const near = nearNames(pattern, modules.map(({ name }) => name), NEAR_LIMIT);
  if (near.length > 0) return `no module matches "${pattern}"; did you mean ${near.join(", ")}?`;
  return `no module matches "${pattern}" (the process has ${modules.map(({ name }) => name).join(", ")})`;
}

function functionHint(module: Module, pattern: string): string | undefined {
  const { table } = module.symbols();
  if (table.count === 0) return `${module.name} has no symbols: it is stripped; use the '-' function with an address`;
  const near = table.near(pattern, NEAR_LIMIT);
  if (near.length === 0) return undefined;
  return `no function matches "${pattern}" in ${module.name} (${table.count} functions, from ${table.source}); ` +
    `did you mean ${near.join(", ")}?`;
}

/** Where a function is that was looked for in the wrong module. */
function elsewhereHint(modules: readonly Module[], wrong: Module, name: string): string | undefined {
  for (const module of modules) {
    if (module !== wrong && module.refusal === undefined && module.symbols().table.find(name) !== undefined) {
      return `the function is in module '${module.name}'`;
    }
  }
  return undefined;
}
