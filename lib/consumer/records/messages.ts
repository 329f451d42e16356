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
import { formatHex, formatSigned } from "./integer_text.ts";

/** The words for faults, and what is shown of their value: a number in hexadecimal, or in decimal with a sign. */
const FAULTS: Readonly<Record<FaultKind, { readonly what: string; readonly shows?: "number" | "index" }>> = {
  badAddress: { what: "invalid address", shows: "number" },
  badAlignment: { what: "invalid alignment", shows: "number" },
  illegalOperation: { what: "illegal operation" },
  divideByZero: { what: "divide-by-zero" },
  noScratch: { what: "out of scratch space" },
  kernelAccess: { what: "invalid kernel access" },
  userAccess: { what: "invalid user access" },
  tupleOverflow: { what: "tuple stack overflow" },
  badStack: { what: "bad stack", shows: "number" },
  badSize: { what: "invalid size", shows: "number" },
  badIndex: { what: "index out of bounds", shows: "index" },
  library: { what: "library-level fault" },
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
  /** The address, the size or the index that was bad; unused by other faults. */
  readonly value: { readonly lo: number; readonly hi: number };
  /** The number of the statement, from 1; 0 for the predicate. */
  readonly action: number;
}

/**
 * Reports a fault.
 *
 * @param report The fault.
 * @returns A line with its line feed.
 */
export function formatFault({ epid, probe, fault, value, action }: FaultReport): string {
  const { what, shows } = FAULTS[fault];
  const details = shows === undefined
    ? ""
    : ` (${shows === "index" ? formatSigned(value.lo, value.hi) : `0x${formatHex(value.lo, value.hi)}`})`;
  const place = action === 0 ? "predicate" : `action #${action}`;
  return `${formatEnabling(epid, probe)}: ${what}${details} in ${place}\n`;
}

/**
 * Reports an option that `setopt()` could not set.
 *
 * @param enabling The clause's enabling, and its probe.
 * @param option The option.
 * @param problem Why.
 * @returns A line with its line feed, and an empty one, as dtrace has it.
 */
export function formatOptionProblem(
  { epid, probe }: Pick<FaultReport, "epid" | "probe">,
  { name, value }: { readonly name: string; readonly value: string | undefined },
  problem: string,
): string {
  return `${formatEnabling(epid, probe)}: couldn't set option "${name}" to "${value ?? "1"}": ${problem}\n\n`;
}

function formatEnabling(epid: number, probe: FaultReport["probe"]): string {
  const name = textOfName(`${probe.provider}:${probe.module}:${probe.function}:${probe.name}`);
  return `dtrace: error on enabled probe ID ${epid} (ID ${probe.id}: ${name})`;
}

/**
 * Reports drops.
 *
 * @param kind What was lost.
 * @param count How much since the last report.
 * @param options The CPU for those that have one (-1 if it is not known), and whether the kind is put in front (`droptags`).
 * @returns A line with its line feed.
 */
export function formatDrops(
  kind: DropKind,
  count: number,
  options: { cpu?: number | undefined; tags: boolean },
): string {
  const [what, behind] = DROPS[kind];
  const tag = options.tags ? `[${DROP_TAG}${kind.toUpperCase()}] ` : "";
  const cpu = options.cpu === undefined || options.cpu < 0 ? "" : ` on CPU ${options.cpu}`;
  return `dtrace: ${tag}${count} ${what}${count === 1 ? "" : "s"}${behind}${cpu}\n`;
}
