/**
 * Records as JSON, one object a line; `schema/events.schema.json` describes them.
 *
 * ```json
 * {"type":"record","ts":81723,"pid":1234,"tid":1235,"cpu":0,"epid":2,"probe":"pid1234:libc.so.6:malloc:entry","data":[{"action":"trace","value":32}]}
 * {"type":"error","ts":81730,"pid":1234,"tid":1235,"epid":2,"probe":"pid1234:libc.so.6:malloc:entry","fault":"badAddress","action":1,"address":"0x10"}
 * {"type":"end","hits":1,"drops":{}}
 * ```
 *
 * @module
 */

import { formatProbeDescription } from "../../spec/probe_description.ts";
import type { PrintFormat } from "../../d/print_format.ts";
import type { FaultKind } from "../../d/run/fault.ts";
import { decodeText, type Json, jsonOfAggregation, jsonOfDatum } from "../aggregations/aggregation_json.ts";
import type { SortOptions } from "../aggregations/aggregation_rows.ts";
import {
  type AggregationOptions,
  formatAggregationsBy,
  type NormalizedTable,
} from "../aggregations/aggregation_text.ts";
import { textOfName } from "../records/byte_text.ts";
import type { ConversionContext } from "../records/conversion.ts";
import type { DatumOptions } from "../records/datum_text.ts";
import { formatNumericAddress } from "../records/datum_text.ts";
import { formatSigned } from "../records/integer_text.ts";
import { formatPrint } from "../records/print_format.ts";
import { formatPrinted } from "../records/typed_text.ts";
import { recordedBytesOf } from "./consumed_record.ts";
import type { ConsumedAction, ConsumedRecord, ProgramTotals, RecordWriter } from "./consumed_record.ts";
import type { ConsumerOptions } from "./consumer_options.ts";

/** What the values of faults are, for those that have one. */
const VALUE_NAMES: Readonly<Partial<Record<FaultKind, "address" | "size" | "index">>> = {
  badAddress: "address",
  badAlignment: "address",
  badStack: "address",
  badSize: "size",
  badIndex: "index",
};

/** See the module's comment. */
export class JsonWriter implements RecordWriter {
  readonly #options: ConsumerOptions;
  readonly #context: ConversionContext;
  #record: ConsumedRecord | undefined;
  #data: Json[] = [];
  #text = "";

  /**
   * Makes a writer.
   *
   * @param options The options, as they are at each moment.
   * @param context What conversions depend on.
   */
  constructor(options: ConsumerOptions, context: ConversionContext) {
    this.#options = options;
    this.#context = context;
  }

  /** See {@linkcode RecordWriter.begin}. */
  begin(record: ConsumedRecord): void {
    this.#record = record;
    this.#data = [];
  }

  /** See {@linkcode RecordWriter.data}. */
  data({ action, data, types }: ConsumedAction): void {
    const { resolver } = this.#context;
    if (action.kind === "printf") {
      this.#data.push({ action: "printf", text: decodeText(formatPrint(action.format, data, this.#context)) });
    } else if (action.kind === "print") {
      this.#data.push({ action: "print", text: decodeText(formatPrinted(data, types, this.#datumOptions())) });
    } else if (action.kind === "tracemem") {
      this.#data.push({ action: "tracemem", value: jsonOfDatum(recordedBytesOf(data), resolver) });
    } else this.#data.push({ action: action.kind, value: jsonOfDatum(data[0]!, resolver) });
  }

  /** See {@linkcode RecordWriter.aggregations}. */
  aggregations(format: PrintFormat | undefined, tables: readonly NormalizedTable[]): void {
    const rows = tables.flatMap((table) => jsonOfAggregation(table, this.#sort(), this.#context.resolver));
    const text = format && decodeText(formatAggregationsBy(format, tables, this.#aggregationOptions()));
    this.#data.push({ action: "printa", ...(text === undefined ? {} : { text }), aggregations: rows });
  }

  /** See {@linkcode RecordWriter.end}. */
  end(): void {
    const { enabling, timestampNs: ts, pid, tid, cpu, fault } = this.#record!;
    const head = { ts, pid, tid, epid: enabling.epid, probe: formatProbeDescription(enabling.probe) };
    if (fault === undefined) return this.#write({ type: "record", ...head, cpu, data: this.#data });
    const name = VALUE_NAMES[fault.fault];
    const value = name === "index" ? formatSigned(fault.value.lo, fault.value.hi) : formatNumericAddress(fault.value);
    const report = { fault: fault.fault, action: fault.action, ...(name === undefined ? {} : { [name]: value }) };
    this.#write({ type: "error", ...head, ...report });
  }

  /** See {@linkcode RecordWriter.interrupt}. */
  interrupt(): void {}

  /** See {@linkcode RecordWriter.finish}. */
  finish(tables: readonly NormalizedTable[], { hitsTotal, drops }: ProgramTotals): void {
    for (const table of tables) {
      for (const row of jsonOfAggregation(table, this.#sort(), this.#context.resolver)) this.#write(row);
    }
    this.#write({ type: "end", hits: hitsTotal, drops });
  }

  /** See {@linkcode RecordWriter.take}. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  #write(value: Json): void {
    this.#text += `${textOfName(JSON.stringify(value))}\n`;
  }

  #sort(): SortOptions {
    const { aggsortkey, aggsortkeypos, aggsortpos, aggsortrev } = this.#options;
    return { byKey: aggsortkey, keyPosition: aggsortkeypos, position: aggsortpos, reverse: aggsortrev };
  }

  #datumOptions(): DatumOptions {
    const { rawbytes, stackindent } = this.#options;
    return { quiet: true, rawBytes: rawbytes, stackIndent: stackindent, resolver: this.#context.resolver };
  }

  #aggregationOptions(): AggregationOptions {
    const { aggzoom: zoom } = this.#options;
    const text = { zoom, histogram: false, pack: false, blocks: undefined };
    return { sort: this.#sort(), data: this.#datumOptions(), conversions: this.#context, ...text };
  }
}
