/**
 * The static probes of a process (USDT): from what its modules declare to what the meta provider makes.
 *
 * *Problem.* A program and its libraries declare probes in two formats, and may hand over more while they run. Most
 * sessions do not ask for them, and a process has hundreds of modules.
 *
 * *Method.* Modules are looked at when a description may mean a static probe, each once; those that are loaded later,
 * when the linker tells of them. What a module has got is given back when it is unloaded. SystemTap's notes say for each
 * site where its arguments are: their operands are compiled once, to what a hit only has to fetch.
 *
 * *Attributes.* DOF brings its own; notes have none, which DTrace takes for `Private/Private/Unknown`.
 *
 * *Problems.* A site outside of the code is left out, an argument that cannot be had is 0, malformed DOF is left out; each
 * is said, and the rest works.
 *
 * @module
 */

import { type Address, isAddress, toAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { Fasttrap } from "../fasttrap/fasttrap.ts";
import type { ProvidedObject, StaticProbe, StaticProvider } from "../fasttrap/meta.ts";
import type { ArgumentPlace, FunctionRange, StaticArguments } from "../fasttrap/probe.ts";
import type { ProviderAttributes } from "../fasttrap/provider.ts";
import type { Isa } from "../isa/isa.ts";
import { compileOperand } from "../isa/operand_reader.ts";
import { type Dof, DOF_ATTRIBUTE_PARTS, parseDof } from "../object/dof.ts";
import { DOF_HEADER_BYTES } from "../object/dof_constants.ts";
import { readDofHeader } from "../object/dof_header.ts";
import { DofReader } from "../object/dof_reader.ts";
import type { StapProbe } from "../object/stap_probes.ts";
import { type Operand, operandType } from "../operand.ts";
import type { Module } from "../process/modules.ts";
import type { Image, TracedProcess } from "../process/process.ts";
import { isGlob } from "../spec/glob.ts";
import { type Attributes, attributesOf } from "../spec/stability.ts";
import { valueTypeOf } from "../value_type.ts";

const PRIVATE: Attributes = { name: "Private", data: "Private", class: "Unknown" };
const NOTE_ATTRIBUTES: ProviderAttributes = {
  provider: PRIVATE,
  module: PRIVATE,
  function: PRIVATE,
  name: PRIVATE,
  arguments: PRIVATE,
};
/** The providers whose probes are made of functions. */
const FUNCTION_PROVIDERS = ["pid", "objc", "oneshot"];

/** Where DOF that a process hands over belongs. */
export interface DofPlacement {
  /** The module that its probes are in; the program by default. */
  readonly module?: string | undefined;
  /** By how many bytes the object was moved when it was loaded; 0 by default. */
  readonly bias?: number | undefined;
}

/** The static probes of all processes of a session. */
export class StaticProbes {
  readonly #fasttrap: Fasttrap;
  readonly #objects = new WeakMap<Image, Map<Module, ProvidedObject>>();

  /**
   * Makes the object; no module has been looked at.
   *
   * @param fasttrap The tables.
   */
  constructor(fasttrap: Fasttrap) {
    this.#fasttrap = fasttrap;
  }

  /**
   * Makes the probes that modules declare. Those that have been looked at before are passed over; what those have got that
   * are gone, while nobody followed them, is given back first.
   *
   * @param process The process.
   * @param modules All its modules.
   * @param among Those that are of interest; all by default.
   */
  provide(process: TracedProcess, modules: readonly Module[], among: readonly Module[] = modules): void {
    const { image } = process;
    const objects = this.#objects.get(image) ?? new Map<Module, ProvidedObject>();
    this.#objects.set(image, objects);
    const present = new Set(modules);
    this.release(process, [...objects.keys()].filter((module) => !present.has(module)));
    for (const module of among) {
      if (!objects.has(module)) {
        objects.set(module, this.#fasttrap.meta.provide(image, this.#declared(process, module)));
      }
    }
  }

  /**
   * Gives back what modules have got that are gone.
   *
   * @param process The process.
   * @param modules The modules.
   */
  release({ image }: TracedProcess, modules: readonly Module[]): void {
    const objects = this.#objects.get(image);
    for (const module of modules) {
      objects?.get(module)?.release();
      objects?.delete(module);
    }
  }

  /**
   * Makes the probes of DOF that a process hands over.
   *
   * @param process The process.
   * @param source The DOF, or where in the process it is.
   * @param placement Where it belongs.
   * @param modules All modules of the process.
   * @returns What it has got.
   * @throws {DTraceError} With a tag of DOF if it is malformed or cannot be read.
   */
  addDof(
    process: TracedProcess,
    source: Uint8Array | number,
    placement: DofPlacement,
    modules: readonly Module[],
  ): ProvidedObject {
    const name = `of process ${process.pid}`;
    const address = typeof source === "number" ? source : undefined;
    const bytes = typeof source === "number" ? readDof(process.image, source, name) : source;
    const dof = parseDof(bytes, { name, bias: placement.bias, address });
    for (const { message } of dof.problems) this.#fasttrap.warn(`In DOF ${name}: ${message}`);
    const providers = dofProviders(dof, placement.module ?? "a.out");
    return this.#fasttrap.meta.provide(process.image, inFunctions(providers, modules));
  }

  /** What the file of a module declares. */
  #declared({ image }: TracedProcess, module: Module): StaticProvider[] {
    if (module.refusal !== undefined) return [];
    try {
      const { notes, dofs, bias, isFileGone } = module.staticProbes();
      if (isFileGone) {
        this.#fasttrap.warn(`Cannot look for static probes in ${module.name}: its file is gone, or cannot be opened`);
      }
      const providers = noteProviders(notes, { image, module, bias, warn: (message) => this.#fasttrap.warn(message) });
      for (const { dof } of dofs) {
        if (dof instanceof DTraceError) this.#fasttrap.warn(dof.message);
        else {
          for (const { message } of dof.problems) this.#fasttrap.warn(`In DOF of ${module.name}: ${message}`);
          providers.push(...dofProviders(dof, module.probeModule));
        }
      }
      return inFunctions(providers, [module]);
    } catch (error) {
      if (!(error instanceof DTraceError)) throw error;
      this.#fasttrap.warn(error.message);
      return [];
    }
  }
}

/**
 * Tells whether a provider field can mean static probes.
 *
 * @param provider The field, which ends with the pid of the process.
 * @param pid The pid.
 * @returns Whether it can: only the plain names of the providers of functions cannot.
 */
export function mayBeStatic(provider: string, pid: number): boolean {
  return isGlob(provider) || !FUNCTION_PROVIDERS.some((name) => provider === `${name}${pid}`);
}

/** Says of the probes of providers which functions their sites are in, as far as the modules tell. */
function inFunctions(providers: readonly StaticProvider[], modules: readonly Module[]): StaticProvider[] {
  const sites = providers.flatMap(({ probes }) =>
    probes.flatMap(({ sites, isEnabledSites = [] }) => [...sites, ...isEnabledSites])
  );
  const functions = new Map<Address, FunctionRange>();
  for (const module of modules) {
    for (const [site, { start, end }] of functionsAt(module, sites.filter((site) => module.holdsCode(site)))) {
      functions.set(site, { address: toAddress(start), sizeBytes: end - start });
    }
  }
  return providers.map((provider) => ({
    ...provider,
    probes: provider.probes.map((probe) => ({ ...probe, functions })),
  }));
}

/** What a module knows of the functions at addresses; nothing if its symbols cannot be read. */
function functionsAt(module: Module, addresses: readonly Address[]): ReturnType<Module["functionsAt"]> {
  try {
    return module.functionsAt(addresses);
  } catch (error) {
    if (!(error instanceof DTraceError)) throw error;
    return new Map();
  }
}

/** What is needed to place the probes of notes. */
interface NotePlacement {
  readonly image: Image;
  readonly module: Module;
  readonly bias: number;
  readonly warn: (message: string) => void;
}

function noteProviders(notes: readonly StapProbe[], placement: NotePlacement): StaticProvider[] {
  return [...Map.groupBy(notes, ({ provider }) => provider)].map(([name, probes]) => ({
    name,
    attributes: NOTE_ATTRIBUTES,
    probes: probes.map((probe) => noteProbe(probe, placement)),
  }));
}

function noteProbe(probe: StapProbe, { image, module, bias, warn }: NotePlacement): StaticProbe {
  const title = `${probe.provider}${image.pid}:${module.probeModule}:${probe.function}:${probe.name}`;
  for (const problem of probe.sites.flatMap(({ problems }) => problems)) {
    warn(`A site of ${title} is wrong: ${problem}`);
  }
  const sites = probe.sites.filter(({ unusable }) => !unusable);
  return {
    module: module.probeModule,
    function: probe.function,
    name: probe.name,
    sites: sites.map(({ vaddr }) => toAddress(vaddr + bias)),
    semaphores: sites.flatMap(({ semaphore }) => semaphore === undefined ? [] : [toAddress(semaphore + bias)]),
    arguments: noteArguments({ ...probe, sites }, image.isa, bias),
  };
}

/** The sites of a probe may differ in everything; the types that are listed are those of the site that has the most. */
function noteArguments({ sites }: StapProbe, isa: Isa, bias: number): StaticArguments {
  const longest = sites.reduce<readonly Operand[]>(
    (most, { operands }) => operands.length > most.length ? operands : most,
    [],
  );
  const types = longest.map((operand) => operandType(operand));
  return {
    nativeTypes: types,
    translatedTypes: types,
    places: new Map(sites.map(({ vaddr, operands }) => [
      toAddress(vaddr + bias),
      operands.map((operand) => notePlace(operand, isa, bias)),
    ])),
  };
}

function notePlace(operand: Operand, isa: Isa, bias: number): ArgumentPlace {
  const type = operandType(operand);
  return {
    operand: operand.text,
    type,
    valueType: valueTypeOf(type),
    reader: compileOperand(operand, isa.registers, bias),
  };
}

function dofProviders({ providers }: Dof, module: string): StaticProvider[] {
  return providers.map(({ name, attributes, probes }) => ({
    name,
    attributes: Object.fromEntries(
      DOF_ATTRIBUTE_PARTS.map((part) => [part, attributesOf(attributes[part])]),
    ) as unknown as ProviderAttributes,
    probes: probes.map((probe) => ({
      module,
      function: probe.function,
      name: probe.name,
      sites: probe.sites.map(toAddress),
      isEnabledSites: probe.enabledSites.map(toAddress),
      arguments: {
        nativeTypes: probe.nativeTypes,
        translatedTypes: probe.translatedTypes,
        map: probe.argumentMap,
      },
    })),
  }));
}

/** Reads DOF out of a process: its header says how much there is. */
function readDof(image: Image, address: number, name: string): Uint8Array {
  const header = new Uint8Array(DOF_HEADER_BYTES);
  const read = isAddress(address) ? image.memory.read(address, header) : 0;
  const reader = new DofReader(header.subarray(0, read), name);
  const { fileBytes } = readDofHeader(reader, { isWhole: false });
  const bytes = new Uint8Array(fileBytes);
  return bytes.subarray(0, image.memory.read(address, bytes));
}
