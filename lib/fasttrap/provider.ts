/**
 * Providers and process records: who owns probes, and for how long.
 *
 * *Problem.* Probes outlive their process: a consumer may still have them enabled when the process has executed another
 * program, and the same pid can get new probes of the same names meanwhile. Nothing may be freed while somebody counts
 * on it, and nothing may be found that belongs to a program that is gone.
 *
 * *Method.* A provider is identified by pid, type and name, and found only while it is not *retired* (rule 50). Three
 * counts keep it (rule 57):
 *
 * | count | of |
 * | --- | --- |
 * | `enabledTotal` | probes that a consumer has asked to enable, including those that could not be |
 * | `creatingTotal` | consumers that are making probes |
 * | `metaTotal` | objects with static probes that provide it |
 *
 * A *process record* stands for one incarnation of a process: the program that one pid runs between two execs. Its
 * providers share it. It is *defunct*, and its tracepoints are ignored, only when no active provider is left (rule 66).
 *
 * @module
 */

import { assert } from "../errors.ts";
import type { Image } from "../process/process.ts";
import { PROCESS_BUCKETS, processIndex, PROVIDER_BUCKETS, providerIndex } from "./hash.ts";
import { type Chained, HashTable } from "./hash_table.ts";
import type { Probe } from "./probe.ts";

/**
 * The kinds of providers: `pid`, probes on any function of a process; `objc`, the same by class and method; `internal`,
 * the tracer's own, seen by nobody.
 */
export type ProviderType = "pid" | "objc" | "internal";

/** The longest full name of a provider in bytes (`DTRACE_PROVNAMELEN` less the NUL). */
export const PROVIDER_NAME_BYTES = 63;

/** One incarnation of a process. */
export class ProcessRecord implements Chained<ProcessRecord> {
  /** See {@linkcode Chained.next}. */
  next: ProcessRecord | undefined;
  /** The process. */
  readonly pid: number;
  /** The memory of this incarnation. */
  readonly image: Image;
  /** How many providers share the record. */
  providersTotal = 0;
  /** How many of them are not retired. */
  activeTotal = 0;

  /**
   * Makes a record without providers.
   *
   * @param image The memory of this incarnation.
   */
  constructor(image: Image) {
    this.pid = image.pid;
    this.image = image;
  }

  /** Whether its tracepoints are to be ignored. */
  get defunct(): boolean {
    return this.activeTotal === 0;
  }
}

/** A provider of one process. */
export class Provider implements Chained<Provider> {
  /** See {@linkcode Chained.next}. */
  next: Provider | undefined;
  /** Its type, which is its name without the pid as well. */
  readonly type: ProviderType;
  /** The incarnation of the process that it belongs to. */
  readonly process: ProcessRecord;
  /** Its name with the pid. */
  readonly fullName: string;
  /** Its probes, by module, function, name and address of the function. */
  readonly probes: Map<string, Probe> = new Map();
  /** See the module's comment. */
  enabledTotal = 0;
  /** See the module's comment. */
  creatingTotal = 0;
  /** See the module's comment. */
  metaTotal = 0;
  /** Whether its program is gone: it is not found any more, and freed when its counts are 0. */
  retired = false;

  /**
   * Makes a provider without probes.
   *
   * @param type Its type.
   * @param process The incarnation of the process.
   */
  constructor(type: ProviderType, process: ProcessRecord) {
    this.type = type;
    this.process = process;
    this.fullName = `${type}${process.pid}`;
  }

  /** The process that it belongs to. */
  get pid(): number {
    return this.process.pid;
  }

  /** Whether any count keeps it. */
  get inUse(): boolean {
    return this.enabledTotal + this.creatingTotal + this.metaTotal > 0;
  }
}

/** The tables of providers and process records. */
export class ProviderTable {
  /** The providers by name and pid. */
  readonly providers: HashTable<Provider> = new HashTable(
    PROVIDER_BUCKETS,
    ({ type, pid }, mask) => providerIndex(type, pid, mask),
  );
  /** The process records by pid. */
  readonly processes: HashTable<ProcessRecord> = new HashTable(
    PROCESS_BUCKETS,
    ({ pid }, mask) => processIndex(pid, mask),
  );

  /**
   * Finds a provider that is not retired, or makes it.
   *
   * @param type Its type.
   * @param image The memory of the process's present program.
   * @returns The provider.
   */
  provide(type: ProviderType, image: Image): Provider {
    const known = this.find(type, image);
    if (known !== undefined) return known;
    const process = this.#provideProcess(image);
    const provider = new Provider(type, process);
    assert(provider.fullName.length <= PROVIDER_NAME_BYTES, "a provider's name fits");
    process.providersTotal++;
    process.activeTotal++;
    this.providers.add(provider);
    return provider;
  }

  /**
   * Finds a provider that is not retired.
   *
   * @param type Its type.
   * @param image The memory of the process's present program.
   * @returns The provider; undefined if there is none.
   */
  find(type: ProviderType, image: Image): Provider | undefined {
    let provider = this.providers.head(providerIndex(type, image.pid, this.providers.mask));
    while (
      provider !== undefined && (provider.type !== type || provider.process.image !== image || provider.retired)
    ) provider = provider.next;
    return provider;
  }

  /**
   * Retires all providers of an incarnation, whose program is gone (rule 92). The caller frees those that nobody uses.
   *
   * @param image The memory of that program.
   * @returns The providers.
   */
  retireAll(image: Image): Provider[] {
    const retired = [...this.providers].filter(({ process, retired }) => process.image === image && !retired);
    for (const provider of retired) {
      provider.retired = true;
      provider.process.activeTotal--;
    }
    return retired;
  }

  /**
   * Frees a provider if it is retired and nothing counts on it.
   *
   * @param provider The provider.
   */
  freeUnused(provider: Provider): void {
    if (!provider.retired || provider.inUse) return;
    provider.probes.clear();
    this.providers.delete(provider);
    if (--provider.process.providersTotal === 0) this.processes.delete(provider.process);
  }

  #provideProcess(image: Image): ProcessRecord {
    let record = this.processes.head(processIndex(image.pid, this.processes.mask));
    while (record !== undefined && (record.image !== image || record.defunct)) record = record.next;
    if (record === undefined) {
      record = new ProcessRecord(image);
      this.processes.add(record);
    }
    return record;
  }
}
