/**
 * The tables of providers, processes and tracepoints as text and as an object (`-x fasttrapstats`).
 *
 * ```text
 * fasttrap: tracepoints made for 3 of 9400000, generation 0, cleanups 0
 *   tracepoints, 16384 buckets
 *      4438  pid 1234 0x401156 emulated: before 1
 *   providers, 256 buckets
 *       198  pid1234 (pid): probes 2, enabled 2, creating 0, objects 0
 *   processes, 256 buckets
 *       210  pid 1234: providers 1, active 1, traps 3, retired slots 0
 * ```
 *
 * The number in front of an entry is its bucket.
 *
 * @module
 */

import { formatAddress } from "../address.ts";
import type { FasttrapStats, ProcessStats, ProviderStats, TracepointStats } from "../fasttrap/stats.ts";
import { formatMessage } from "./failure.ts";

/** The width of the column of buckets. */
const BUCKET_WIDTH = 9;

/**
 * Formats the tables for people.
 *
 * @param stats The tables.
 * @returns Whole lines.
 */
export function formatStats(stats: FasttrapStats): string {
  const { total, limit, generation, cleanups, tracepoints, providers, processes } = stats;
  return formatMessage(
    `tracepoints made for ${total} of ${limit}, generation ${generation}, cleanups ${cleanups}`,
  ) +
    formatTable("tracepoints", tracepoints, formatTracepoint) +
    formatTable("providers", providers, formatProvider) +
    formatTable("processes", processes, formatProcess);
}

/**
 * Formats the tables for programs.
 *
 * @param stats The tables.
 * @returns A line of JSON with its line feed.
 */
export function formatStatsObject(stats: FasttrapStats): string {
  return `${JSON.stringify({ type: "fasttrapstats", ...stats })}\n`;
}

function formatTable<Entry>(
  name: string,
  { buckets, entries }: { readonly buckets: number; readonly entries: readonly (Entry & { bucket: number })[] },
  format: (entry: Entry) => string,
): string {
  const rows = entries.map((entry) => `${String(entry.bucket).padStart(BUCKET_WIDTH)}  ${format(entry)}\n`);
  return `  ${name}, ${buckets} buckets\n${rows.join("")}`;
}

function formatTracepoint({ pid, pc, before, after, asked, performed }: TracepointStats): string {
  const lists = Object.entries({ before, after, asked }).filter(([, ids]) => ids.length > 0);
  const probes = lists.map(([name, ids]) => `${name} ${ids.join(" ")}`).join(", ");
  return `pid ${pid} ${formatAddress(pc)} ${performed}: ${probes}`;
}

function formatProvider({ name, type, probes, enabled, creating, meta, retired, marked }: ProviderStats): string {
  const state = `${retired ? ", retired" : ""}${marked ? ", marked" : ""}`;
  return `${name} (${type}): probes ${probes}, enabled ${enabled}, creating ${creating}, objects ${meta}${state}`;
}

function formatProcess({ pid, providers, active, defunct, traps, retiredSlots, readFaults }: ProcessStats): string {
  const state = `${readFaults > 0 ? `, read faults ${readFaults}` : ""}${defunct ? ", defunct" : ""}`;
  return `pid ${pid}: providers ${providers}, active ${active}, traps ${traps}, retired slots ${retiredSlots}${state}`;
}
