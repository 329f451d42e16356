/**
 * The fasttrap provider: what there is, who owns it, and what becomes of it when a process changes.
 *
 * *Parts.* The tables (tracepoints, providers, process records) are here; probes come into the text in `enable.ts`, fire
 * in `dispatch.ts`, and are found by the user's descriptions in {@linkcode Fasttrap.match}. Static probes come from
 * `meta.ts`, requests by address from `device.ts`. What has become useless goes in `cleanup.ts`, slots by `barrier.ts`.
 *
 * *Incarnations.* When a process executes another program, ends, or is let go, its providers are retired and its
 * tracepoints are taken from the table; no memory is touched, for it is gone (rules 92 and 93) or restored. Attached
 * again, it has a new image and new providers.
 *
 * *The limit* (rules 9 to 14) counts tracepoints of all probes, enabled or not. Whoever passes it gets `ENOMEM`, and the
 * provider is marked: it may be full of probes that were asked for by mistake.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Address } from "../address.ts";
import { SystemError } from "../errors.ts";
import { compileGlob } from "../spec/glob.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import type { Image, Thread, TracedProcess } from "../process/process.ts";
import { readText } from "../process/proc_files.ts";
import type { StopListener, TrapOutcome } from "../process/stop_listener.ts";
import { Tracer } from "../process/tracer.ts";
import { Barrier } from "./barrier.ts";
import { Cleanup } from "./cleanup.ts";
import { Dispatcher } from "./dispatch.ts";
import { disableProbes, enableProbes, isIntact, type Refusal, reviseJumps } from "./enable.ts";
import { tableSize } from "./hash.ts";
import { Jumps } from "./jumps.ts";
import { MetaProvider } from "./meta.ts";
import { type Enabling, Probe, type ProbeParts } from "./probe.ts";
import { type FunctionProviderType, type Provider, ProviderTable } from "./provider.ts";
import { Records } from "./records.ts";
import { TracepointTable } from "./tracepoint.ts";

/** The least limit of tracepoints, however little memory the machine has (rule 9). */
const LEAST_LIMIT = 50_000;
/** Tracepoints for each 256 MiB of memory (rule 9). */
const LIMIT_PER_256_MIB = 100_000;
/** The number of the first probe: BEGIN, END and ERROR of a program are 1, 2 and 3. */
const FIRST_ID = 4;

/** Sizes that a user may choose. */
export interface FasttrapOptions {
  /** The number of buckets of the tracepoint table at first (`fthashsize`). */
  readonly hashSize?: number | undefined;
  /** The most tracepoints that probes may be made for (`ftmax`). */
  readonly limit?: number | undefined;
  /** Whether tracepoints may be jumps; by default they may. */
  readonly jumps?: boolean | undefined;
}

/** Who hears of what happens to processes. */
export interface FasttrapListener {
  /** See {@linkcode StopListener.adopts}. */
  adopts(process: TracedProcess): boolean;
  /** See {@linkcode StopListener.started}. */
  started(process: TracedProcess): void;
  /**
   * A process has executed another program; the probes of the old one are silent from now on.
   *
   * @param process The process.
   */
  executed(process: TracedProcess): void;
  /**
   * A process has ended.
   *
   * @param process The process.
   */
  ended(process: TracedProcess): void;
  /**
   * Something went wrong that the user should know.
   *
   * @param message One sentence without a final period.
   */
  warn(message: string): void;
}

/** See the module's comment. */
export class Fasttrap implements StopListener {
  /** Whose stops lead here. */
  readonly tracer: Tracer;
  /** The tracepoints. */
  readonly tracepoints: TracepointTable;
  /** The providers and process records. */
  readonly providers: ProviderTable = new ProviderTable();
  /** When slots may be used again. */
  readonly barrier: Barrier;
  /** Who reads what pads have recorded. */
  readonly records: Records;
  /** Which tracepoints are jumps. */
  readonly jumps: Jumps;
  /** What makes providers of static probes. */
  readonly meta: MetaProvider = new MetaProvider(this);
  /** What frees providers. */
  readonly cleanup: Cleanup;
  /** The most tracepoints that probes may be made for. */
  readonly limit: number;
  readonly #listener: FasttrapListener;
  readonly #dispatcher: Dispatcher;
  /** Tracepoints that probes have been made for, enabled or not (rule 10). */
  #total = 0;
  #lastId = FIRST_ID - 1;

  /**
   * Makes the provider, with empty tables.
   *
   * @param kernel The kernel's requests.
   * @param listener Who hears of what happens to processes.
   * @param options Sizes.
   */
  constructor(kernel: Kernel, listener: FasttrapListener, options: FasttrapOptions = {}) {
    this.tracer = new Tracer(kernel, this);
    this.#listener = listener;
    this.tracepoints = new TracepointTable(tableSize(options.hashSize ?? 0));
    this.limit = options.limit ?? defaultLimit(kernel);
    this.barrier = new Barrier(this.tracer);
    this.records = new Records(this.tracer);
    this.jumps = new Jumps(this.barrier, this.records, options.jumps ?? true);
    this.#dispatcher = new Dispatcher(this);
    this.cleanup = new Cleanup({
      providers: () => this.providers.providers,
      isCrowded: () => this.#total > this.limit / 2,
      free: (provider) => this.#free(provider),
      condense: (provider) => this.#condense(provider),
    });
  }

  /** Tracepoints that probes have been made for. */
  get total(): number {
    return this.#total;
  }

  /**
   * Makes a probe of a function, or finds it if it is there (rule 25).
   *
   * @param type The type of its provider.
   * @param image The memory of the program.
   * @param parts What it is made of.
   * @returns The probe.
   * @throws {SystemError} `ENOMEM` if the limit of tracepoints is passed.
   */
  makeProbe(type: FunctionProviderType, image: Image, parts: ProbeParts): Probe {
    return this.addProbe(this.providers.provide({ type, name: type }, image), parts);
  }

  /**
   * Adds a probe to a provider, or finds it if it is there.
   *
   * @param provider The provider, which is not retired.
   * @param parts What it is made of.
   * @returns The probe.
   * @throws {SystemError} `ENOMEM` if the limit of tracepoints is passed; the provider is marked for cleanup.
   */
  addProbe(provider: Provider, parts: ProbeParts): Probe {
    const key = keyOf(parts);
    const known = provider.probes.get(key);
    if (known !== undefined) return known;
    const probe = new Probe(this.#lastId + 1, provider, parts);
    if (this.#total + probe.tracepointsTotal > this.limit) {
      this.cleanup.request(provider);
      throw new SystemError("ENOMEM", "make", `more than ${this.limit} tracepoints`, {
        hint: "name fewer functions, or raise the limit with -x ftmax=N",
      });
    }
    this.#lastId++;
    this.#total += probe.tracepointsTotal;
    provider.probes.set(key, probe);
    return probe;
  }

  /**
   * Makes a probe for the tracer's own use: it has no number and does not count in the limit, and no description names it.
   *
   * @param image The memory of the program.
   * @param parts What it is made of.
   * @returns The probe; the same one for the same parts.
   */
  makeInternalProbe(image: Image, parts: ProbeParts): Probe {
    const provider = this.providers.provide({ type: "internal", name: "internal" }, image);
    const key = keyOf(parts);
    const probe = provider.probes.get(key) ?? new Probe(0, provider, parts);
    provider.probes.set(key, probe);
    return probe;
  }

  /**
   * Finds the probes of a program that a description names, among those that have been made.
   *
   * @param image The memory of the program.
   * @param description The description, without macro variables.
   * @param matchesModule What tells whether a module is meant, by its name; by default the name itself must match.
   * @returns The probes, in the order of their numbers.
   */
  match(
    image: Image,
    description: ProbeDescription,
    matchesModule: (name: string) => boolean = compileGlob(description.module),
  ): Probe[] {
    const matches = {
      provider: compileGlob(description.provider),
      function: compileGlob(description.function),
      name: compileGlob(description.name),
    };
    const providers = this.providers.activeOf(image).filter(({ type, fullName }) =>
      type !== "internal" && matches.provider(fullName)
    );
    return providers.flatMap(({ probes }) => [...probes.values()])
      .filter((probe) => matches.name(probe.name) && matchesModule(probe.module) && matches.function(probe.function))
      .sort((a, b) => a.id - b.id);
  }

  /**
   * Enables probes for a consumer. All threads of each process stop once, whatever the number of probes.
   *
   * @param probes The probes.
   * @param enabling Who wants to hear of them.
   * @returns The probes that could not be enabled, all of their sites or none, with the reason.
   */
  enable(probes: readonly Probe[], enabling: Enabling): Refusal[] {
    this.jumps.settleAll(probes);
    const fresh = probes.filter((probe) => probe.enablings.length === 0 || probe.spent || !isIntact(probe));
    for (const probe of probes) {
      if (probe.enablings.length === 0) probe.owner.enabledTotal++;
      probe.enablings = [...probe.enablings, enabling];
    }
    const isFresh = new Set(fresh);
    reviseJumps(this, probes.filter((probe) => probe.enabled && !isFresh.has(probe)));
    return enableProbes(this, fresh);
  }

  /**
   * Disables probes for a consumer. Those that nobody wants any more are taken out of the text.
   *
   * @param probes The probes.
   * @param enabling Who wanted to hear of them.
   */
  disable(probes: readonly Probe[], enabling: Enabling): void {
    this.jumps.settleAll(probes);
    const unwanted: Probe[] = [];
    for (const probe of probes) {
      if (!probe.enablings.includes(enabling)) continue;
      probe.enablings = probe.enablings.filter((other) => other !== enabling);
      if (probe.enablings.length === 0) unwanted.push(probe);
    }
    disableProbes(this, unwanted);
    reviseJumps(this, probes.filter((probe) => probe.enabled && probe.enablings.length > 0));
    for (const probe of unwanted) {
      const { owner } = probe;
      owner.enabledTotal--;
      if (probe.orphaned) this.#total -= probe.tracepointsTotal;
      if (owner.retired) this.cleanup.request(owner);
    }
  }

  /**
   * Retires a provider of a program that lives on: its object is gone. Its probes stop firing, but stay with those who
   * have enabled them.
   *
   * @param provider The provider, which is not retired.
   */
  retire(provider: Provider): void {
    disableProbes(this, [...provider.probes.values()]);
    this.providers.retire(provider);
    this.cleanup.request(provider);
  }

  /**
   * Takes probes away, though their provider stays: the module or the object that they belong to is gone.
   *
   * @param probes The probes. Those that somebody has enabled stop firing, and count in the limit until they are
   *   disabled.
   */
  withdraw(probes: readonly Probe[]): void {
    disableProbes(this, probes);
    for (const probe of probes) {
      if (!probe.owner.probes.delete(keyOf(probe))) continue;
      if (probe.enablings.length > 0) probe.orphaned = true;
      else this.#total -= probe.tracepointsTotal;
    }
  }

  /** See {@linkcode StopListener.trapped}. */
  trapped(thread: Thread, pc: Address): TrapOutcome {
    return this.#dispatcher.trapped(thread, pc);
  }

  /** See {@linkcode StopListener.adopts}. */
  adopts(process: TracedProcess): boolean {
    return this.#listener.adopts(process);
  }

  /** See {@linkcode StopListener.started}. */
  started(process: TracedProcess): void {
    this.#listener.started(process);
  }

  /** See {@linkcode StopListener.executed}. */
  executed(process: TracedProcess): void {
    if (process.wanted) this.#listener.executed(process);
  }

  /** See {@linkcode StopListener.ended}. */
  ended(process: TracedProcess): void {
    if (process.wanted) this.#listener.ended(process);
  }

  /** See {@linkcode StopListener.closed}. */
  closed(image: Image): void {
    this.jumps.forget(image);
    this.barrier.forget(image);
    for (const tracepoint of this.tracepoints) if (tracepoint.image === image) this.tracepoints.delete(tracepoint);
    for (const provider of this.providers.activeOf(image)) {
      for (const probe of provider.probes.values()) probe.enabled = false;
      this.providers.retire(provider);
      this.cleanup.request(provider);
    }
    this.meta.closed(image);
  }

  /** See {@linkcode StopListener.warn}. */
  warn(message: string): void {
    this.#listener.warn(message);
  }

  /**
   * Takes the first error that a consumer has thrown since the last call.
   *
   * @returns The error in an array; undefined if none was thrown.
   */
  takeError(): [unknown] | undefined {
    return this.#dispatcher.takeError() ?? this.records.takeError();
  }

  #free(provider: Provider): void {
    for (const probe of provider.probes.values()) this.#total -= probe.tracepointsTotal;
    this.providers.free(provider);
  }

  /** Destroys the probes of a provider that nobody has enabled. */
  #condense(provider: Provider): void {
    this.withdraw([...provider.probes.values()].filter(({ enablings }) => enablings.length === 0));
  }
}

/**
 * What tells a probe from the others of its provider. The address is that of a module that may be mapped again, or of one
 * of two modules of the same name; of a static probe that of its first site.
 */
function keyOf(parts: ProbeParts): string {
  const { module, function: functionName, name, functionAddress, kind, sites, isEnabledSites = [] } = parts;
  return `${module}:${functionName}:${name}:${kind === "static" ? sites[0] ?? isEnabledSites[0] : functionAddress}`;
}

function defaultLimit(kernel: Kernel): number {
  const kilobytes = Number(/^MemTotal:\s+(\d+)/m.exec(readText(kernel, "/proc/meminfo") ?? "")?.[1] ?? 0);
  return Math.max(Math.floor(kilobytes / (256 * 1024)) * LIMIT_PER_256_MIB, LEAST_LIMIT);
}
