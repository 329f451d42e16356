/**
 * A dump of the tables, for tests and for whoever wants to know what a session holds (`-x fasttrapstats`).
 *
 * It is a copy: nothing in it changes afterwards, and nothing of it leads back into the tables. The tracer's own probes
 * are left out, except that their traps count among those in the text.
 *
 * @module
 */

import type { Fasttrap } from "./fasttrap.ts";
import type { HashTable } from "./hash_table.ts";
import { processIndex, providerIndex, tracepointIndex } from "./hash.ts";
import type { Tracepoint } from "./tracepoint.ts";
import type { Probe } from "./probe.ts";
import type { ProcessRecord, Provider } from "./provider.ts";

/** A table: how many buckets it has, and what is in them. */
export interface TableStats<Entry> {
  /** The number of buckets. */
  readonly buckets: number;
  /** What is in it, bucket by bucket, the youngest of each first. */
  readonly entries: readonly (Entry & { readonly bucket: number })[];
}

/** A tracepoint. */
export interface TracepointStats {
  /** The process that owns the memory. */
  readonly pid: number;
  /** Its address. */
  readonly pc: number;
  /** The numbers of the probes that fire before the instruction, in the order in which they fire. */
  readonly before: readonly number[];
  /** The numbers of those that fire after it. */
  readonly after: readonly number[];
  /** The numbers of those that the program asks about with it. */
  readonly asked: readonly number[];
  /** How the instruction is performed; one that is emulated may go by its slot nevertheless, if it uses memory and has one. */
  readonly performed: "jump" | "emulated" | "slot" | "step";
  /** What its pad does at a hit; undefined if it is a trap. */
  readonly pad: "count" | "record" | "tally" | undefined;
  /** Why it is a trap, as the end of a sentence; undefined if it is a jump. */
  readonly trapReason: string | undefined;
}

/** A provider. */
export interface ProviderStats {
  /** Its name with the pid. */
  readonly name: string;
  /** Its type. */
  readonly type: string;
  /** How many probes it has. */
  readonly probes: number;
  /** Enabled probes, those included that could not be placed. */
  readonly enabled: number;
  /** Consumers that are making probes. */
  readonly creating: number;
  /** Objects with static probes that provide it. */
  readonly meta: number;
  /** Whether its program or object is gone. */
  readonly retired: boolean;
  /** Whether the next cleanup is to look at it. */
  readonly marked: boolean;
}

/** One incarnation of a process. */
export interface ProcessStats {
  /** The process. */
  readonly pid: number;
  /** How many providers share the record. */
  readonly providers: number;
  /** How many of them are not retired. */
  readonly active: number;
  /** Whether it is ignored, having no active provider. */
  readonly defunct: boolean;
  /** Traps of ours in its text. */
  readonly traps: number;
  /** Retired slots that wait for a thread. */
  readonly retiredSlots: number;
  /** How often a pad has read memory that is not there, of which the program knows nothing. */
  readonly readFaults: number;
}

/** A copy of the provider's tables, and of what it counts. */
export interface FasttrapStats {
  /** Tracepoints that probes have been made for, enabled or not. */
  readonly total: number;
  /** The most that there may be. */
  readonly limit: number;
  /** How many times slots have been retired. */
  readonly generation: number;
  /** How often marked providers have been visited. */
  readonly cleanups: number;
  /** The tracepoints. */
  readonly tracepoints: TableStats<TracepointStats>;
  /** The providers. */
  readonly providers: TableStats<ProviderStats>;
  /** The processes. */
  readonly processes: TableStats<ProcessStats>;
}

/**
 * Copies the tables.
 *
 * @param fasttrap The tables.
 * @returns The copy.
 */
export function takeStats({ tracepoints, providers, barrier, cleanup, total, limit }: Fasttrap): FasttrapStats {
  const idsOf = (probes: readonly Probe[]) => probes.filter(({ owner }) => isShown(owner)).map(({ id }) => id);
  const ownOf = (record: ProcessRecord) =>
    [...providers.providers].filter(({ type, process }) => type === "internal" && process === record).length;
  return {
    total,
    limit,
    generation: barrier.generation,
    cleanups: cleanup.runsTotal,
    tracepoints: dump(
      tracepoints,
      (tracepoint, mask): Placed<TracepointStats> => ({
        bucket: tracepointIndex(tracepoint.pc, tracepoint.pid, tracepoint.image.isa.unitBytes, mask),
        pid: tracepoint.pid,
        pc: tracepoint.pc,
        before: idsOf(tracepoint.before),
        after: idsOf(tracepoint.after),
        asked: idsOf(tracepoint.asked),
        performed: howPerformed(tracepoint),
        pad: tracepoint.pad?.action.kind,
        trapReason: tracepoint.trapReason,
      }),
      ({ before, after, asked }) => [...before, ...after, ...asked].some(({ owner }) => isShown(owner)),
    ),
    providers: dump(
      providers.providers,
      (provider, mask): Placed<ProviderStats> => ({
        bucket: providerIndex(provider.name, provider.pid, mask),
        name: provider.fullName,
        type: provider.type,
        probes: provider.probes.size,
        enabled: provider.enabledTotal,
        creating: provider.creatingTotal,
        meta: provider.metaTotal,
        retired: provider.retired,
        marked: provider.marked,
      }),
      isShown,
    ),
    processes: dump(
      providers.processes,
      (record, mask): Placed<ProcessStats> => ({
        bucket: processIndex(record.pid, mask),
        pid: record.pid,
        providers: record.providersTotal - ownOf(record),
        active: record.activeTotal - (record.image.alive ? ownOf(record) : 0),
        defunct: record.defunct,
        traps: record.image.text.size,
        retiredSlots: barrier.waitingTotal(record.image),
        readFaults: record.image.pads.readFaultsTotal,
      }),
      (record) => record.providersTotal > ownOf(record),
    ),
  };
}

/**
 * Tells how the instruction of a tracepoint is performed, memory permitting.
 *
 * @param tracepoint The tracepoint.
 * @returns The way.
 */
export function howPerformed({ emulated, isStepped, pad, slot }: Tracepoint): TracepointStats["performed"] {
  if (pad !== undefined) return "jump";
  if (isStepped) return "step";
  return emulated ? "emulated" : slot !== undefined ? "slot" : "step";
}

/** An entry with the bucket that it is in. */
type Placed<Entry> = Entry & { readonly bucket: number };

function dump<T extends { next: T | undefined }, Entry>(
  table: HashTable<T>,
  copy: (element: T, mask: number) => Placed<Entry>,
  shows: (element: T) => boolean,
): TableStats<Entry> {
  return { buckets: table.bucketCount, entries: [...table].filter(shows).map((element) => copy(element, table.mask)) };
}

/** Whether a provider is one that users know of. */
function isShown({ type }: Provider): boolean {
  return type !== "internal";
}
