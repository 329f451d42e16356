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

import type { ProbeIdentity, TraceEvent } from "../session/event.ts";

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
 * @param description The description as the user wrote it.
 * @param probesTotal How many probes it matched.
 * @returns The sentence, without the name of the command in front and without a line feed.
 */
export function formatMatched(description: string, probesTotal: number): string {
  return `description '${description}' matched ${probesTotal} probe${probesTotal === 1 ? "" : "s"}`;
}

function formatRowEnd(probe: ProbeIdentity): string {
  return ` ${String(probe.id).padStart(ID_WIDTH)} ${`${probe.function}:${probe.name}`.padStart(PROBE_WIDTH)} \n`;
}
