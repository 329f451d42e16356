/**
 * What goes wrong while a program runs, as dtrace(1) words it on its standard error.
 *
 * ```text
 * dtrace: error on enabled probe ID 3 (ID 1: dtrace:::BEGIN): invalid address (0x0) in action #1
 * dtrace: 12 drops on CPU 0
 * ```
 *
 * Oracle's DTrace for Linux does not say at which instruction of the clause it was, as that of illumos does ("at DIF
 * offset 16"); neither do we, whose clauses have no such instructions.
 *
 * @module
 */

import type { FaultKind } from "../../d/run/fault.ts";
import { textOfName } from "./byte_text.ts";
import { formatHex } from "./integer_text.ts";

/** The words for faults. */
const FAULTS: Readonly<Record<FaultKind, string>> = {
  badAddress: "invalid address",
  badAlignment: "invalid alignment",
  illegalOperation: "illegal operation",
  divideByZero: "divide-by-zero",
  noScratch: "out of scratch space",
  kernelAccess: "invalid kernel access",
  userAccess: "invalid user access",
  tupleOverflow: "tuple size overflow",
  badStack: "bad stack",
  library: "library-level fault",
};

/** What is put in front of a report with `droptags`, before the kind in capitals. */
const DROP_TAG = "DTRACEDROP_";

/** What a program can lose. */
export type DropKind =
  | "principal"
  | "aggregation"
  | "dynamic"
  | "dynrinse"
  | "dyndirty"
  | "spec"
  | "specbusy"
  | "specunavail"
  | "stkstroverflow"
  | "dblerror";

/** What is dropped, in the singular, and what is said behind it; the buffers' are said with their CPU. */
const DROPS: Readonly<Record<DropKind, readonly [what: string, behind: string]>> = {
  principal: ["drop", ""],
  aggregation: ["aggregation drop", ""],
  dynamic: ["dynamic variable drop", ""],
  dynrinse: ["dynamic variable drop", " with non-empty rinsing list"],
  dyndirty: ["dynamic variable drop", " with non-empty dirty list"],
  spec: ["speculative drop", ""],
  specbusy: ["failed speculation", " (available buffer(s) still busy)"],
  specunavail: ["failed speculation", " (no speculative buffer available)"],
  stkstroverflow: ["jstack()/ustack() string table overflow", ""],
  dblerror: ["error", " in ERROR probe enabling"],
};

/** A fault with where it was. */
export interface FaultReport {
  /** The enabling, by its number. */
  readonly epid: number;
  /** The probe. */
  readonly probe: {
    readonly id: number;
    readonly provider: string;
    readonly module: string;
    readonly function: string;
    readonly name: string;
  };
  readonly fault: FaultKind;
  /** The address that was bad. */
  readonly address: { readonly lo: number; readonly hi: number } | undefined;
  /** The number of the statement, from 1; 0 for the predicate. */
  readonly action: number;
}

/**
 * Reports a fault.
 *
 * @param report The fault.
 * @returns A line with its line feed.
 */
export function formatFault({ epid, probe, fault, address, action }: FaultReport): string {
  const name = textOfName(`${probe.provider}:${probe.module}:${probe.function}:${probe.name}`);
  const where = address === undefined ? "" : ` (0x${formatHex(address.lo, address.hi)})`;
  const place = action === 0 ? "predicate" : `action #${action}`;
  return `dtrace: error on enabled probe ID ${epid} (ID ${probe.id}: ${name}): ${FAULTS[fault]}${where} in ${place}\n`;
}

/**
 * Reports drops.
 *
 * @param kind What was lost.
 * @param count How much since the last report.
 * @param options The CPU for those that have one, and whether the kind is put in front (`droptags`).
 * @returns A line with its line feed.
 */
export function formatDrops(
  kind: DropKind,
  count: number,
  options: { cpu?: number | undefined; tags: boolean },
): string {
  const [what, behind] = DROPS[kind];
  const tag = options.tags ? `[${DROP_TAG}${kind.toUpperCase()}] ` : "";
  const cpu = options.cpu === undefined ? "" : ` on CPU ${options.cpu}`;
  return `dtrace: ${tag}${count} ${what}${count === 1 ? "" : "s"}${behind}${cpu}\n`;
}
