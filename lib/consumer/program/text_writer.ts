/**
 * Records as dtrace(1)'s text.
 *
 * ```text
 * CPU     ID                    FUNCTION:NAME
 *   1      3                     malloc:entry               32
 * ```
 *
 * A record is a row: CPU, probe, what its actions print, and an end of line. With `-q` there is only what actions print;
 * with `-F` the second column is indented by calls, and is there with `-q` as well. `_DTRACE_TESTING` in the environment drops
 * the columns of the CPU and of the probe's number, and the line feed behind an interrupt, as in Oracle's command, so that
 * outputs of two runs can be compared.
 *
 * @module
 */

import {
  type AggregationOptions,
  formatAggregations,
  formatAggregationsBy,
  type NormalizedTable,
} from "../aggregations/aggregation_text.ts";
import { textOfName } from "../records/byte_text.ts";
import type { ConversionContext } from "../records/conversion.ts";
import { type DatumOptions, formatDump, formatTraced } from "../records/datum_text.ts";
import { FLOW_HEADER, FlowIndenter, type FlowRow } from "../records/flow_indent.ts";
import { formatPrint } from "../records/print_format.ts";
import { formatPrinted } from "../records/typed_text.ts";
import type { PrintFormat } from "../../d/print_format.ts";
import { recordedBytesOf } from "./consumed_record.ts";
import type { ConsumedAction, ConsumedRecord, RecordWriter } from "./consumed_record.ts";
import type { ConsumerOptions } from "./consumer_options.ts";

const CPU_WIDTH = 3;
const ID_WIDTH = 6;
const PROBE_WIDTH = 32;

/** See the module's comment. */
export class TextWriter implements RecordWriter {
  readonly #options: ConsumerOptions;
  readonly #context: ConversionContext;
  readonly #testing: boolean;
  readonly #flow = new FlowIndenter();
  #hasHeader = false;
  #isFault = false;
  #text = "";

  /**
   * Makes a writer.
   *
   * @param options The options, as they are at each moment.
   * @param context What conversions depend on.
   * @param testing Whether the columns of CPU and number are left out.
   */
  constructor(options: ConsumerOptions, context: ConversionContext, testing: boolean = false) {
    this.#options = options;
    this.#context = context;
    this.#testing = testing;
  }

  /** See {@linkcode RecordWriter.begin}. */
  begin(record: ConsumedRecord, next: ConsumedRecord | undefined): void {
    const { quiet, flowindent } = this.#options;
    this.#isFault = record.fault !== undefined;
    if (this.#isFault) return;
    if (!this.#hasHeader) this.#text += flowindent ? this.#flowColumns(FLOW_HEADER) : quiet ? "" : this.#header();
    this.#hasHeader = true;
    if (flowindent) this.#text += this.#flowColumns(this.#flow.format(rowOf(record), next && rowOf(next)));
    else if (!quiet) {
      this.#text += this.#columns(String(record.cpu), String(record.enabling.probe.id), nameOf(record)) + " ";
    }
  }

  /** See {@linkcode RecordWriter.data}. */
  data({ action, data, types }: ConsumedAction): void {
    const options = this.#data();
    if (action.kind === "printf") this.#text += formatPrint(action.format, data, this.#context);
    else if (action.kind === "print") this.#text += formatPrinted(data, types, options);
    else if (action.kind === "tracemem") this.#text += formatDump(recordedBytesOf(data).bytes);
    else for (const datum of data) this.#text += formatTraced(datum, options);
  }

  /** See {@linkcode RecordWriter.aggregations}. */
  aggregations(format: PrintFormat | undefined, tables: readonly NormalizedTable[]): void {
    const options = this.#aggregationOptions();
    this.#text += format === undefined
      ? `\n${formatAggregations(tables, options)}`
      : formatAggregationsBy(format, tables, options);
  }

  /** See {@linkcode RecordWriter.end}. */
  end(): void {
    if (!this.#options.quiet && !this.#isFault) this.#text += "\n";
  }

  /** See {@linkcode RecordWriter.interrupt}. */
  interrupt(): void {
    if (!this.#testing) this.#text += "\n";
  }

  /** See {@linkcode RecordWriter.finish}. */
  finish(tables: readonly NormalizedTable[]): void {
    const options = this.#aggregationOptions();
    this.#text += "\n" + tables.map((table) => formatAggregations([table], options)).join("");
  }

  /** See {@linkcode RecordWriter.take}. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #header(): string {
    return `${this.#columns("CPU", "ID", "FUNCTION:NAME")}\n`;
  }

  #columns(cpu: string, id: string, name: string): string {
    const probe = name.padStart(PROBE_WIDTH);
    return this.#testing ? probe : `${cpu.padStart(CPU_WIDTH)} ${id.padStart(ID_WIDTH)} ${probe}`;
  }

  /** Columns of calls, which begin with that of the CPU. */
  #flowColumns(text: string): string {
    return this.#testing ? text.slice(CPU_WIDTH + 1) : text;
  }

  #data(): DatumOptions {
    const { quiet, rawbytes, stackindent } = this.#options;
    return { quiet, rawBytes: rawbytes, stackIndent: stackindent, resolver: this.#context.resolver };
  }

  #aggregationOptions(): AggregationOptions {
    const { aggsortkey, aggsortkeypos, aggsortpos, aggsortrev, aggzoom, agghist, aggpack, encoding } = this.#options;
    return {
      sort: { byKey: aggsortkey, keyPosition: aggsortkeypos, position: aggsortpos, reverse: aggsortrev },
      data: this.#data(),
      conversions: this.#context,
      zoom: aggzoom,
      histogram: agghist,
      pack: aggpack,
      blocks: encoding === "" ? undefined : encoding === "utf8",
    };
  }
}

function nameOf({ enabling: { probe } }: ConsumedRecord): string {
  return textOfName(`${probe.function}:${probe.name}`);
}

function rowOf({ cpu, enabling }: ConsumedRecord): FlowRow {
  return { cpu, epid: enabling.epid, probe: enabling.probe };
}
