/**
 * The fasttrap provider: everything that is enabled, found from a process and a pc.
 *
 * *The path of a hit.* A thread executes a trap and stops. {@linkcode Fasttrap.trapped} finds the tracepoint by the
 * owner of the memory and the pc, fires the probes of its first list, performs the instruction (emulated, or by way of
 * its slot, or stepped in place), and fires those probes of its second list for which control has left the function
 * (rule 124). Nothing on this path allocates, waits or throws.
 *
 * *A handler that throws* must not leave a thread between trap and instruction: its error is kept, the hit goes on, and
 * {@linkcode Fasttrap.takeError} gives the first error to whoever runs the session.
 *
 * *Incarnations.* When a process executes another program, ends, or is let go, its providers are retired and its
 * tracepoints are taken from the table; no memory is touched, for it is gone (rules 92 and 93) or restored. Attached
 * again, it has a new image and new providers.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Address } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Image, Thread, TracedProcess } from "../process/process.ts";
import { readText } from "../process/proc_files.ts";
import { stepOver } from "../process/step_over.ts";
import { type StopListener, Tracer, type TrapOutcome } from "../process/tracer.ts";
import { tableSize } from "./hash.ts";
import { HitView } from "./hit.ts";
import { disableProbes, enableProbes, type Refusal } from "./enable.ts";
import { type Enabling, Probe, type ProbeParts } from "./probe.ts";
import { type Provider, ProviderTable, type ProviderType } from "./provider.ts";
import { type Tracepoint, TracepointTable } from "./tracepoint.ts";

/** The least limit of tracepoints, however little memory the machine has (rule 9). */
const LEAST_LIMIT = 50_000;
/** Tracepoints for each 256 MiB of memory (rule 9). */
const LIMIT_PER_256_MIB = 100_000;

/** Sizes that a user may choose. */
export interface FasttrapOptions {
  /** The number of buckets of the tracepoint table at first (`fthashsize`). */
  readonly hashSize?: number | undefined;
  /** The most tracepoints that probes may be made for (`ftmax`). */
  readonly limit?: number | undefined;
}

/** Who hears of what happens to processes. */
export interface FasttrapListener {
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
  /** The most tracepoints that probes may be made for. */
  readonly limit: number;
  readonly #listener: FasttrapListener;
  readonly #hit: HitView;
  readonly #errors: unknown[] = [];
  /** Tracepoints that probes have been made for, enabled or not (rule 10). */
  #total = 0;
  #lastId = 0;

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
    this.#hit = new HitView(this.tracer);
    this.tracepoints = new TracepointTable(tableSize(options.hashSize ?? 0));
    this.limit = options.limit ?? defaultLimit(kernel);
  }

  /** Tracepoints that probes have been made for. */
  get total(): number {
    return this.#total;
  }

  /**
   * Makes a probe, or finds it if it is there.
   *
   * @param type The type of its provider.
   * @param image The memory of the program.
   * @param parts What it is made of.
   * @returns The probe.
   * @throws {SystemError} `ENOMEM` if the limit of tracepoints is passed.
   */
  makeProbe(type: ProviderType, image: Image, parts: ProbeParts): Probe {
    const provider = this.providers.provide(type, image);
    const key = keyOf(parts);
    const known = provider.probes.get(key);
    if (known !== undefined) return known;
    if (this.#total + parts.sites.length > this.limit) {
      throw new SystemError("ENOMEM", "make", `more than ${this.limit} tracepoints`, {
        hint: "name fewer functions, or raise the limit with -x ftmax=N",
      });
    }
    this.#total += parts.sites.length;
    const probe = new Probe(++this.#lastId, provider, parts);
    provider.probes.set(key, probe);
    return probe;
  }

  /**
   * Makes a probe for the tracer's own use: it has no number, belongs to a provider that no description can name, and
   * does not count against the limit.
   *
   * @param image The memory of the program.
   * @param parts What it is made of.
   * @returns The probe; the same one for the same parts.
   */
  makeInternalProbe(image: Image, parts: ProbeParts): Probe {
    const provider = this.providers.provide("internal", image);
    const key = keyOf(parts);
    const probe = provider.probes.get(key) ?? new Probe(0, provider, parts);
    provider.probes.set(key, probe);
    return probe;
  }

  /**
   * Destroys probes whose code is gone. Those that a consumer has still enabled are left to the last one.
   *
   * @param probes The probes.
   */
  destroy(probes: readonly Probe[]): void {
    for (const probe of probes) {
      const { probes: all } = probe.owner;
      const key = keyOf(probe);
      if (probe.enablings.length > 0 || all.get(key) !== probe) continue;
      all.delete(key);
      this.#total -= probe.sites.length;
    }
  }

  /**
   * Enables probes for a consumer. All threads of each process stop once, whatever the number of probes.
   *
   * @param probes The probes.
   * @param enabling Who wants to hear of them.
   * @returns The probes that could not be enabled, all of their sites or none, with the reason.
   */
  enable(probes: readonly Probe[], enabling: Enabling): Refusal[] {
    const fresh = probes.filter((probe) => probe.enablings.length === 0);
    for (const probe of probes) {
      if (probe.enablings.length === 0) probe.owner.enabledTotal++;
      probe.enablings = [...probe.enablings, enabling];
    }
    return enableProbes(this, fresh);
  }

  /**
   * Disables probes for a consumer. Those that nobody wants any more are taken out of the text.
   *
   * @param probes The probes.
   * @param enabling Who wanted to hear of them.
   */
  disable(probes: readonly Probe[], enabling: Enabling): void {
    const unwanted: Probe[] = [];
    for (const probe of probes) {
      if (!probe.enablings.includes(enabling)) continue;
      probe.enablings = probe.enablings.filter((other) => other !== enabling);
      if (probe.enablings.length === 0) unwanted.push(probe);
    }
    disableProbes(this, unwanted);
    for (const { owner } of unwanted) {
      owner.enabledTotal--;
      this.#free(owner);
    }
  }

  /** See {@linkcode StopListener.trapped}. */
  trapped(thread: Thread, pc: Address): TrapOutcome {
    const { image } = thread.process;
    const tracepoint = this.tracepoints.find(image.pid, pc, image.isa.unitBytes);
    if (tracepoint === undefined || tracepoint.image !== image) return "unknown";
    const { before, after } = tracepoint;
    this.#hit.begin(thread, tracepoint);
    for (let i = 0; i < before.length; i++) this.#fire(thread, before[i]!);
    // A handler may have let the process go, with this thread in front of the instruction.
    if (thread.state !== "stopped") return "resumed";
    const { tracer } = this;
    if (tracepoint.emulated && image.isa.emulate(tracepoint.instruction, tracer.stop.registers, image.memory)) {
      if (after.length > 0) this.#fireAfter(thread, after, tracepoint);
      return "performed";
    }
    // A handler may have removed the tracepoint: then the original is back in its place.
    if (tracepoint.unused) {
      tracer.stop.setPc(image, pc);
      return "performed";
    }
    if (tracepoint.slot !== undefined) {
      tracer.stop.setPc(image, tracepoint.slot.address);
      return "performed";
    }
    stepOver(tracer, thread, tracepoint.instruction);
    return "resumed";
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
    for (const provider of this.providers.retireAll(image)) {
      for (const probe of provider.probes.values()) this.#forget(probe, image);
      this.#free(provider);
    }
  }

  /** See {@linkcode StopListener.warn}. */
  warn(message: string): void {
    this.#listener.warn(message);
  }

  /**
   * Takes the first error that a handler has thrown since the last call.
   *
   * @returns The error in an array; undefined if none was thrown.
   */
  takeError(): [unknown] | undefined {
    const [first] = this.#errors.splice(0);
    return first === undefined ? undefined : [first];
  }

  /** Fires the probes of the second list, unless control has stayed in the function. */
  #fireAfter(thread: Thread, after: readonly Probe[], { instruction, image }: Tracepoint): void {
    const pc = this.tracer.stop.getPc(image);
    for (let i = 0; i < after.length; i++) {
      const { functionAddress, functionBytes } = after[i]!;
      const inside = pc >= functionAddress && pc < functionAddress + functionBytes;
      if (instruction.flow === "return" || !inside) this.#fire(thread, after[i]!);
    }
  }

  /** Fires a probe, unless a handler has let the thread go. */
  #fire(thread: Thread, probe: Probe): void {
    if (thread.state !== "stopped") return;
    const { enablings } = probe;
    probe.hitsTotal++;
    this.#hit.bind(probe);
    for (let i = 0; i < enablings.length && thread.state === "stopped"; i++) {
      try {
        enablings[i]!.fire(this.#hit);
      } catch (error) {
        if (this.#errors.length === 0) this.#errors.push(error ?? new TypeError("A handler threw nothing"));
      }
    }
    this.#hit.bind(undefined);
  }

  /** Takes the tracepoints of a probe from the table; no memory is touched. */
  #forget(probe: Probe, image: Image): void {
    if (!probe.enabled) return;
    probe.enabled = false;
    for (const pc of probe.sites) {
      const tracepoint = this.tracepoints.find(image.pid, pc, image.isa.unitBytes);
      if (tracepoint?.image === image) this.tracepoints.delete(tracepoint);
    }
  }

  #free(provider: Provider): void {
    if (!provider.retired || provider.inUse) return;
    if (provider.type !== "internal") { for (const { sites } of provider.probes.values()) this.#total -= sites.length; }
    this.providers.freeUnused(provider);
  }
}

/** What tells a probe from the others of its provider. */
function keyOf(parts: ProbeParts): string {
  return `${parts.module}:${parts.function}:${parts.name}:${parts.functionAddress}`;
}

function defaultLimit(kernel: Kernel): number {
  const kilobytes = Number(/^MemTotal:\s+(\d+)/m.exec(readText(kernel, "/proc/meminfo") ?? "")?.[1] ?? 0);
  return Math.max(Math.floor(kilobytes / (256 * 1024)) * LIMIT_PER_256_MIB, LEAST_LIMIT);
}
