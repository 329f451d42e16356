/**
 * The text that dtrace(1) prints for the default action, byte for byte, so that scripts written for it can read ours.
 *
 * ```text
 * CPU     ID                    FUNCTION:NAME
 *   1      3                     malloc:entry
 * ```
 *
 * The columns are `%3s %6s %32s` in the header and `%3d %6d %32s ` in the rows, which end in a blank because traced values
 * would follow it. A text that is too long for its column pushes the rest of the line to the right.
 *
 * @module
 */

import { printableName } from "../object/name_bytes.ts";
import type { ProbeIdentity, TraceEvent } from "../session/event.ts";
import { formatMessage } from "./failure.ts";
import type { TraceTotals } from "./ndjson.ts";

/** The widths of the columns. */
const CPU_WIDTH = 3;
const ID_WIDTH = 6;
const PROBE_WIDTH = 32;

/** The line above the rows. */
export const TEXT_HEADER: string = `${"CPU".padStart(CPU_WIDTH)} ${"ID".padStart(ID_WIDTH)} ${
  "FUNCTION:NAME".padStart(PROBE_WIDTH)
}\n`;

/**
 * Formats events as dtrace(1) prints them without `-q`. One formatter serves one output: it remembers the part of a row
 * that is the same for every hit of a probe.
 */
export class TextFormatter {
  readonly #rowEnds = new Map<number, string>();

  /**
   * Formats one event.
   *
   * @param event The event.
   * @returns A row with its line feed.
   */
  format(event: TraceEvent): string {
    const { probe } = event;
    let rowEnd = this.#rowEnds.get(probe.id);
    if (rowEnd === undefined) this.#rowEnds.set(probe.id, rowEnd = formatRowEnd(probe));
    return `${String(event.cpu).padStart(CPU_WIDTH)}${rowEnd}`;
  }
}

/**
 * Says how many probes a description matched, as dtrace(1) does on its standard error before tracing.
 *
 * @param description What the user wrote, and what dtrace calls it: `description` for `-n`, `function` for `-f`,
 *   `module` for `-m`, `provider` for `-P`.
 * @param probesTotal How many probes it matched.
 * @returns A line with its line feed.
 */
export function formatMatched(description: { kind: string; text: string }, probesTotal: number): string {
  const { kind, text } = description;
  return formatNotice(`${kind} '${text}' matched ${countOf(probesTotal, "probe")}`);
}

/**
 * Says how a process has ended, as dtrace(1) does on its standard error.
 *
 * @param pid The process.
 * @param end Its exit code, or the name of the signal that killed it.
 * @returns A line with its line feed.
 */
export function formatProcessEnd(
  pid: number,
  end: { code: number | undefined; signal: string | undefined },
): string {
  if (end.signal !== undefined) return formatNotice(`pid ${pid} terminated by ${end.signal}`);
  return formatNotice(end.code ? `pid ${pid} exited with status ${end.code}` : `pid ${pid} has exited`);
}

/**
 * Says what there was in all.
 *
 * @param totals The hits and the drops.
 * @param unplacedTotal How many probes could not be placed.
 * @returns A line with its line feed.
 */
export function formatTotals(totals: TraceTotals, unplacedTotal: number): string {
  const { hitsTotal, drops } = totals;
  const parts = [countOf(hitsTotal, "hit")];
  for (const [cause, lost] of Object.entries(drops)) parts.push(`${countOf(lost, "drop")} (${cause})`);
  if (Object.keys(drops).length === 0) parts.push("no drops");
  if (unplacedTotal > 0) parts.push(`${countOf(unplacedTotal, "probe")} could not be placed`);
  return formatMessage(parts.join(", "));
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Scripts look for these sentences after dtrace's own name, so they come under it. */
function formatNotice(sentence: string): string {
  return `dtrace: ${sentence}\n`;
}

function formatRowEnd(probe: ProbeIdentity): string {
  return ` ${String(probe.id).padStart(ID_WIDTH)} ${
    printableName(`${probe.function}:${probe.name}`).padStart(PROBE_WIDTH)
  } \n`;
}
