/**
 * A record as the consumer has taken it out of the buffer, and who writes what it says.
 *
 * @module
 */

import type { NormalizedTable } from "../aggregations/aggregation_text.ts";
import type { FaultReport } from "../records/messages.ts";
import type { Datum } from "../../d/run/datum.ts";
import type { Enabling } from "../../d/host.ts";
import type { PrintFormat } from "../../d/print_format.ts";
import type { Type } from "../../d/types.ts";
import type { Action } from "../../d/tree.ts";

/** What happened at one firing, by one clause. */
export interface ConsumedRecord {
  readonly enabling: Enabling;
  /** In nanoseconds, as `timestamp` counts. */
  readonly timestampNs: number;
  readonly pid: number;
  readonly tid: number;
  readonly cpu: number;
  /** The actions that happened, in order. */
  readonly actions: readonly ConsumedAction[];
  /** What failed, if this is the record of a failure: then there are no actions. */
  readonly fault: FaultReport | undefined;
}

/** An action with its data. */
export interface ConsumedAction {
  readonly action: Action;
  readonly data: readonly Datum[];
  /** The types of the data. */
  readonly types: readonly Type[];
}

/** What is known when a program has ended. */
export interface ProgramTotals {
  /** How often clauses were run. */
  readonly hitsTotal: number;
  /** What was lost, by its kind. */
  readonly drops: Readonly<Record<string, number>>;
}

/** Writes records in a format. What it has written is taken with {@linkcode RecordWriter.take}. */
export interface RecordWriter {
  /**
   * A record begins.
   *
   * @param record The record.
   * @param next The one behind it, if it is there already.
   */
  begin(record: ConsumedRecord, next: ConsumedRecord | undefined): void;
  /** Writes `trace`, `tracemem`, `print` or `printf`. */
  data(action: ConsumedAction): void;
  /**
   * Writes `printa`.
   *
   * @param format Its format; undefined if it has none.
   * @param tables The aggregations.
   */
  aggregations(format: PrintFormat | undefined, tables: readonly NormalizedTable[]): void;
  /** The record ends. */
  end(): void;
  /** The user has interrupted the trace: what a terminal shows of that ends its line. */
  interrupt(): void;
  /**
   * The program ends.
   *
   * @param tables The aggregations that it has not printed, in the order in which they are printed.
   * @param totals What there was in all.
   */
  finish(tables: readonly NormalizedTable[], totals: ProgramTotals): void;
  /**
   * Takes what has been written.
   *
   * @returns Its bytes, as text of bytes.
   */
  take(): string;
}

/**
 * Finds what `tracemem` prints.
 *
 * @param data The bytes, and how many of them are wanted if that was computed.
 * @returns These bytes.
 */
export function recordedBytesOf([bytes, length]: readonly Datum[]): Datum & { readonly kind: "bytes" } {
  if (bytes?.kind !== "bytes") return { kind: "bytes", bytes: new Uint8Array(0) };
  const count = length?.kind === "number" ? (length.hi | 0) * 2 ** 32 + length.lo : bytes.bytes.length;
  return { kind: "bytes", bytes: bytes.bytes.subarray(0, Math.max(0, count)) };
}
