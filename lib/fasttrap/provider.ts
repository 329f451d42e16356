/**
 * Providers and process records: who owns probes, and for how long.
 *
 * *Problem.* Probes outlive their process: a consumer may still have them enabled when the process has executed another
 * program, and the same pid can get new probes of the same names meanwhile. Nothing may be freed while somebody counts
 * on it, and nothing may be found that belongs to a program that is gone.
 *
 * *Method.* A provider is identified by its process's incarnation, type and name, and found only while it is not
 * *retired* (rule 50). Three counts keep it (rule 57):
 *
 * | count | of |
 * | --- | --- |
 * | `enabledTotal` | probes that a consumer has asked to enable, including those that could not be |
 * | `creatingTotal` | consumers that are making probes |
 * | `metaTotal` | objects with static probes that provide it |
 *
 * A *process record* stands for one incarnation of a process: the program that one pid runs between two execs. Its
 * providers share it. It is *defunct*, and not found any more, only when no active provider is left (rule 66): an object
 * with static probes that is unloaded takes its own provider along and nobody else's.
 *
 * *Life.* provide -> retire (the program or the object is gone: no new matches) -> free (nobody counts on it). Freeing is
 * the business of `cleanup.ts`, which visits what is *marked*.
 *
 * @module
 */

import { assert } from "../errors.ts";
import type { Image } from "../process/process.ts";
import type { Attributes } from "../spec/stability.ts";
import { PROCESS_BUCKETS, processIndex, PROVIDER_BUCKETS, providerIndex } from "./hash.ts";
import { type Chained, HashTable } from "./hash_table.ts";
import type { Probe } from "./probe.ts";

/**
 * The kinds of providers: `pid`, probes on any function of a process; `objc`, the same by class and method; `oneshot`,
 * as `pid`, but each probe fires once in a process; `usdt`, probes that the program's author has put into it; `internal`,
 * the tracer's own probes, which nobody sees and which count nowhere.
 */
export type ProviderType = "pid" | "objc" | "oneshot" | "usdt" | "internal";

/** The kinds whose probes are made of functions. */
export type FunctionProviderType = "pid" | "objc" | "oneshot";

/** The longest full name of a provider in bytes (`DTRACE_PROVNAMELEN` less the NUL). */
export const PROVIDER_NAME_BYTES = 63;

/** How much one may rely on the parts of a provider's probes (`dtrace_pattr`). */
export interface ProviderAttributes {
  /** Its own name. */
  readonly provider: Attributes;
  /** The modules of its probes. */
  readonly module: Attributes;
  /** The functions. */
  readonly function: Attributes;
  /** The names. */
  readonly name: Attributes;
  /** The arguments. */
  readonly arguments: Attributes;
}

const EVOLVING: Attributes = { name: "Evolving", data: "Evolving", class: "ISA" };
const PRIVATE: Attributes = { name: "Private", data: "Private", class: "Unknown" };

/** The attributes of `pid`, `objc` and `oneshot` (rule 54). */
export const PID_ATTRIBUTES: ProviderAttributes = {
  provider: EVOLVING,
  module: PRIVATE,
  function: PRIVATE,
  name: EVOLVING,
  arguments: PRIVATE,
};

/** What identifies a provider in the program of a process, and what is known of it. */
export interface ProviderIdentity {
  /** Its type. */
  readonly type: ProviderType;
  /** Its name without the pid; that of its type but for `usdt`. */
  readonly name: string;
  /** See {@linkcode ProviderAttributes}; those of `pid` by default. */
  readonly attributes?: ProviderAttributes;
}

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
  /** Its type. */
  readonly type: ProviderType;
  /** Its name without the pid. */
  readonly name: string;
  /** The incarnation of the process that it belongs to. */
  readonly process: ProcessRecord;
  /** Its name with the pid. */
  readonly fullName: string;
  /** How much one may rely on its probes. */
  readonly attributes: ProviderAttributes;
  /** Its probes, by module, function, name and address of the function. */
  readonly probes: Map<string, Probe> = new Map();
  /** See the module's comment. */
  enabledTotal = 0;
  /** See the module's comment. */
  creatingTotal = 0;
  /** See the module's comment. */
  metaTotal = 0;
  /** Whether its program or object is gone: it is not found any more, and freed when its counts are 0. */
  retired = false;
  /** Whether the next cleanup is to look at it. */
  marked = false;

  /**
   * Makes a provider without probes.
   *
   * @param identity Its type and name.
   * @param process The incarnation of the process.
   */
  constructor(identity: ProviderIdentity, process: ProcessRecord) {
    this.type = identity.type;
    this.name = identity.name;
    this.attributes = identity.attributes ?? PID_ATTRIBUTES;
    this.process = process;
    this.fullName = `${identity.name}${process.pid}`;
  }

  /** The process that it belongs to. */
  get pid(): number {
    return this.process.pid;
  }
}

/** The tables of providers and process records. */
export class ProviderTable {
  /** The providers by name and pid. */
  readonly providers: HashTable<Provider> = new HashTable(
    PROVIDER_BUCKETS,
    ({ name, pid }, mask) => providerIndex(name, pid, mask),
  );
  /** The process records by pid. */
  readonly processes: HashTable<ProcessRecord> = new HashTable(
    PROCESS_BUCKETS,
    ({ pid }, mask) => processIndex(pid, mask),
  );

  /**
   * Finds a provider that is not retired, or makes it.
   *
   * @param identity Its type and name; the name has been checked to fit ({@linkcode PROVIDER_NAME_BYTES}).
   * @param image The memory of the process's present program.
   * @returns The provider.
   */
  provide(identity: ProviderIdentity, image: Image): Provider {
    const known = this.find(identity, image);
    if (known !== undefined) return known;
    const provider = new Provider(identity, this.#provideProcess(image));
    assert(new TextEncoder().encode(provider.fullName).length <= PROVIDER_NAME_BYTES, "a provider's name fits");
    provider.process.providersTotal++;
    provider.process.activeTotal++;
    this.providers.add(provider);
    return provider;
  }

  /**
   * Finds a provider that is not retired.
   *
   * @param identity Its type and name.
   * @param image The memory of the process's present program.
   * @returns The provider; undefined if there is none.
   */
  find({ type, name }: ProviderIdentity, image: Image): Provider | undefined {
    let provider = this.providers.head(providerIndex(name, image.pid, this.providers.mask));
    while (
      provider !== undefined &&
      (provider.type !== type || provider.name !== name || provider.process.image !== image || provider.retired)
    ) provider = provider.next;
    return provider;
  }

  /**
   * All providers of an incarnation that are not retired.
   *
   * @param image The memory of its program.
   * @returns The providers.
   */
  activeOf(image: Image): Provider[] {
    return [...this.providers].filter(({ process, retired }) => process.image === image && !retired);
  }

  /**
   * Retires a provider and marks it for the next cleanup.
   *
   * @param provider The provider, which is not retired.
   */
  retire(provider: Provider): void {
    assert(!provider.retired, "a provider is retired once");
    provider.retired = true;
    provider.marked = true;
    provider.process.activeTotal--;
  }

  /**
   * Frees a provider. Its process record goes with its last one.
   *
   * @param provider The provider, on which nothing counts.
   */
  free(provider: Provider): void {
    const { enabledTotal, creatingTotal, metaTotal, process } = provider;
    assert(enabledTotal + creatingTotal + metaTotal === 0, "a provider that is freed has no user");
    provider.probes.clear();
    this.providers.delete(provider);
    if (!provider.retired) process.activeTotal--;
    if (--process.providersTotal === 0) this.processes.delete(process);
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
