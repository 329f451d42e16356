/**
 * Printers: what the command writes to its output, batch by batch, in each of its formats.
 *
 * | | batch of events | end |
 * | --- | --- | --- |
 * | text | the header once, a row an event | an empty line |
 * | text, `-q` | nothing: the default action prints only what `-q` silences | an empty line |
 * | text, `--count` | nothing | the table |
 * | ndjson | an object an event | `end` |
 * | ndjson, `--count` | nothing | an `aggregation` a probe, `end` |
 *
 * The empty line is dtrace's: it ends the trace with one before it prints aggregations, whether there are any or not.
 *
 * @module
 */

import type { TraceEvent } from "../session/event.ts";
import { formatCounts, type ProbeCount } from "./counts.ts";
import { NdjsonFormatter, type TraceTotals } from "./ndjson.ts";
import { TEXT_HEADER, TextFormatter } from "./text.ts";

/** Turns what happens into text. One printer serves one output. */
export interface Printer {
  /**
   * Formats events.
   *
   * @param events The events of a batch.
   * @returns Whole lines; empty if there is nothing to write.
   */
  format(events: readonly TraceEvent[]): string;

  /**
   * Formats what comes last.
   *
   * @param totals What is known at the end.
   * @param counts The hits by probe, with `--count`.
   * @returns Whole lines.
   */
  formatEnd(totals: TraceTotals, counts: readonly ProbeCount[]): string;
}

/** The text that dtrace prints. */
export class TextPrinter implements Printer {
  readonly #formatter = new TextFormatter();
  readonly #quiet: boolean;
  #started = false;

  /**
   * Makes a printer.
   *
   * @param options Whether nothing is printed for an event.
   */
  constructor(options: { quiet: boolean }) {
    this.#quiet = options.quiet;
  }

  /** See {@linkcode Printer.format}. */
  format(events: readonly TraceEvent[]): string {
    if (this.#quiet || events.length === 0) return "";
    let text = this.#started ? "" : TEXT_HEADER;
    this.#started = true;
    for (const event of events) text += this.#formatter.format(event);
    return text;
  }

  /** See {@linkcode Printer.formatEnd}. */
  formatEnd(_totals: TraceTotals, counts: readonly ProbeCount[]): string {
    return formatCounts(counts);
  }
}

/** One JSON object a line. */
export class NdjsonPrinter implements Printer {
  readonly #formatter = new NdjsonFormatter();

  /** See {@linkcode Printer.format}. */
  format(events: readonly TraceEvent[]): string {
    let text = "";
    for (const event of events) text += this.#formatter.format(event);
    return text;
  }

  /** See {@linkcode Printer.formatEnd}. */
  formatEnd(totals: TraceTotals, counts: readonly ProbeCount[]): string {
    const lines = counts.map((count) => this.#formatter.formatCount(count));
    return lines.join("") + this.#formatter.formatEnd(totals);
  }
}
