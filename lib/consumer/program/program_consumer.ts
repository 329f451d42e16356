/**
 * The consumer of a D program: takes its records out and does what they say, as dtrace(1) does.
 *
 * **The problem.** Most actions happen when a record is consumed, not when the probe fires: printing, but also `printa`,
 * `clear`, `trunc` and `normalize`, which find aggregations as they are then; and the options that `setopt` changes.
 *
 * **The method.** {@linkcode ProgramConsumer.consume} is called at `switchrate`. It copies the records of the buffer, and
 * performs their actions in order: what is text goes to a writer (of dtrace's text, or of JSON), what changes aggregations
 * is done to them, what is none of our business goes to the host. At the end come the clauses of END, and all aggregations
 * that have not been printed.
 *
 * Drops of the principal buffer and of aggregations are reported after the records, those of variables and speculations at
 * `statusrate`, by kind, with how many there were since the last time.
 *
 * @module
 */

import { sortedRows } from "../aggregations/aggregation_rows.ts";
import type { NormalizedTable } from "../aggregations/aggregation_text.ts";
import { type DropKind, formatDrops, formatFault, formatOptionProblem } from "../records/messages.ts";
import type { ConversionContext } from "../records/conversion.ts";
import { bytesOfText } from "../records/byte_text.ts";
import { formatPrint } from "../records/print_format.ts";
import { RecordHead } from "../../d/code/record_layout.ts";
import type { Enabling } from "../../d/host.ts";
import { type Datum, readDatum } from "../../d/run/datum.ts";
import { faultOf } from "../../d/run/fault.ts";
import { ERROR_EPID, ErrorRecord, type RunningProgram } from "../../d/run/running_program.ts";
import type { Aggregation, AggregationAction } from "../../d/tree.ts";
import type { ConsumedAction, ConsumedRecord, RecordWriter } from "./consumed_record.ts";
import { type ConsumerOptions, setConsumerOption } from "./consumer_options.ts";

const HALF = 2 ** 32;
const decoder = new TextDecoder();

/** What the consumer asks of whoever runs it. */
export interface ConsumerHost {
  /** Writes output. */
  write(bytes: Uint8Array<ArrayBuffer>): void;
  /** Says something on standard error; the text is of bytes. */
  say(text: string): void;
  /** Runs a command of `system()`, behind what was written. */
  system(command: Uint8Array<ArrayBuffer>): void;
  /** Lets output go to a file, or back to where it went first if the name is empty. */
  reopen(path: Uint8Array<ArrayBuffer>): void;
  /** Empties the file that output goes to. */
  truncate(): void;
  /** An option that is not the consumer's is set; returns what is wrong. */
  setOption(name: string, value: string | undefined): string | undefined;
}

/** See the module's comment. */
export class ProgramConsumer {
  /** The options, which `setopt()` can change. */
  readonly options: ConsumerOptions;
  /** What `exit()` was called with last, which END may do; undefined if it was not. */
  exitStatus: number | undefined;
  readonly #running: RunningProgram;
  readonly #writer: RecordWriter;
  readonly #context: ConversionContext;
  readonly #host: ConsumerHost;
  readonly #enablings = new Map<number, Enabling>();
  readonly #tables: readonly (NormalizedTable & { factor: number })[];
  readonly #printed = new Set<number>();
  readonly #drops: Record<string, number> = {};

  /**
   * Makes a consumer.
   *
   * @param running The program.
   * @param options The options.
   * @param writer Writes records.
   * @param context What `system()` and `freopen()` print by.
   * @param host Does the rest.
   */
  constructor(
    running: RunningProgram,
    options: ConsumerOptions,
    writer: RecordWriter,
    context: ConversionContext,
    host: ConsumerHost,
  ) {
    this.#running = running;
    this.options = options;
    this.#writer = writer;
    this.#context = context;
    this.#host = host;
    this.#tables = running.aggregations.map((table) => ({ table, factor: 1 }));
  }

  /**
   * Makes an enabling known, before its probe fires.
   *
   * @param enabling The enabling.
   */
  register(enabling: Enabling): void {
    this.#enablings.set(enabling.epid, enabling);
  }

  /** Takes all records out, performs their actions, and reports what the buffers have lost. */
  consume(): void {
    const records: ConsumedRecord[] = [];
    this.#running.drain((at) => {
      const record = this.#read(at);
      if (record !== undefined) records.push(record);
    });
    records.forEach((record, index) => this.#perform(record, records[index + 1]));
    this.#flush();
    for (const [kind, byCpu] of Object.entries(this.#running.takeBufferDrops())) {
      for (const [cpu, count] of byCpu) this.#reportDrops(kind as DropKind, count, cpu);
    }
  }

  /** Reports what else was lost. */
  reportStatus(): void {
    for (const [kind, count] of Object.entries(this.#running.takeDrops())) this.#reportDrops(kind as DropKind, count);
  }

  /** The user has interrupted the trace. */
  interrupt(): void {
    this.#writer.interrupt();
  }

  /** Consumes what is left, and prints the aggregations that were not printed. */
  finish(): void {
    this.consume();
    this.reportStatus();
    const left = this.#tables.filter(({ table }) => !this.#printed.has(table.aggregation.id));
    const totals = { hitsTotal: this.#running.firingsTotal, drops: this.#drops };
    this.#writer.finish(this.options.aggsortrev ? left.reverse() : left, totals);
    this.#flush();
  }

  #read(at: number): ConsumedRecord | undefined {
    const { view, records, options } = this.#running;
    const epid = view.getUint32(at + RecordHead.epid, true);
    const head = {
      timestampNs: view.getUint32(at + RecordHead.time, true) + view.getUint32(at + RecordHead.time + 4, true) * HALF,
      pid: view.getUint32(at + RecordHead.pid, true),
      tid: view.getUint32(at + RecordHead.tid, true),
      cpu: view.getInt32(at + RecordHead.cpu, true),
    };
    if (epid === ERROR_EPID) return this.#readFault(at, head);
    const enabling = this.#enablings.get(epid);
    if (enabling === undefined) return undefined;
    const actions: ConsumedAction[] = [];
    for (const { action, presentAt, data } of records[enabling.clause]!.actions) {
      if (presentAt !== undefined && view.getUint32(at + presentAt, true) === 0) continue;
      actions.push({
        action,
        data: data.map(({ form, offset }) => readDatum(form, view, at + offset, options.strsize)),
        types: data.map(({ type }) => type),
      });
    }
    return { ...head, enabling, actions, fault: undefined };
  }

  #readFault(at: number, head: Omit<ConsumedRecord, "enabling" | "actions" | "fault">): ConsumedRecord | undefined {
    const { view } = this.#running;
    const epid = view.getUint32(at + ErrorRecord.epid, true);
    const enabling = this.#enablings.get(epid);
    if (enabling === undefined) return undefined;
    const fault = faultOf(view.getUint32(at + ErrorRecord.fault, true));
    const value = {
      lo: view.getUint32(at + ErrorRecord.address, true),
      hi: view.getUint32(at + ErrorRecord.address + 4, true),
    };
    const report = {
      epid,
      probe: enabling.probe,
      fault,
      value,
      action: view.getUint32(at + ErrorRecord.action, true),
    };
    return { ...head, enabling, actions: [], fault: report };
  }

  #perform(record: ConsumedRecord, next: ConsumedRecord | undefined): void {
    if (record.fault !== undefined) {
      this.#host.say(formatFault(record.fault));
      this.#writer.begin(record, next);
      return this.#writer.end();
    }
    this.#writer.begin(record, next?.fault === undefined ? next : undefined);
    for (const action of record.actions) this.#act(action, record.enabling);
    this.#writer.end();
  }

  #act(consumed: ConsumedAction, enabling: Enabling): void {
    const { action, data } = consumed;
    switch (action.kind) {
      case "trace":
      case "tracemem":
      case "print":
      case "printf":
        return this.#writer.data(consumed);
      case "printa": {
        for (const { id } of action.aggregations) this.#printed.add(id);
        return this.#writer.aggregations(action.format, action.aggregations.map((one) => this.#tableOf(one)));
      }
      case "exit":
        this.exitStatus = numberOf(data[0]);
        return;
      case "system":
        this.#flush();
        return this.#host.system(bytesOfText(formatPrint(action.format, data, this.#context)));
      case "freopen":
        this.#flush();
        return this.#host.reopen(bytesOfText(formatPrint(action.format, data, this.#context)));
      case "ftruncate":
        this.#flush();
        return this.#host.truncate();
      case "setopt":
        return this.#setOption(data, enabling);
      case "clear":
      case "trunc":
      case "normalize":
      case "denormalize":
        return this.#change(action, data);
    }
  }

  #setOption(data: readonly Datum[], enabling: Enabling): void {
    const [name = "", value] = data.map((datum) => datum.kind === "string" ? decoder.decode(datum.bytes) : "");
    const problem = setConsumerOption(this.options, name, value, true);
    const unknown = problem === "Invalid option name" ? this.#host.setOption(name, value) : problem;
    if (unknown !== undefined) this.#host.say(formatOptionProblem(enabling, { name, value }, unknown));
  }

  #change({ kind, aggregation }: AggregationAction, data: readonly Datum[]): void {
    const normalized = this.#tableOf(aggregation);
    switch (kind) {
      case "clear":
        return normalized.table.clear();
      case "denormalize":
        normalized.factor = 1;
        return;
      case "normalize":
        normalized.factor = Math.abs(numberOf(data[0])) || 1;
        return;
      case "trunc":
        return truncate(normalized, data.length === 0 ? 0 : numberOf(data[0]));
    }
  }

  #tableOf({ id }: Aggregation): NormalizedTable & { factor: number } {
    return this.#tables[id]!;
  }

  #reportDrops(kind: DropKind, count: number, cpu?: number): void {
    if (count === 0) return;
    this.#drops[kind] = (this.#drops[kind] ?? 0) + count;
    this.#host.say(formatDrops(kind, count, { cpu, tags: this.options.droptags }));
  }

  #flush(): void {
    const text = this.#writer.take();
    if (text !== "") this.#host.write(bytesOfText(text));
  }
}

/** Keeps the entries with the greatest values, or with a negative number those with the least; of 0 none. */
function truncate({ table }: NormalizedTable, count: number): void {
  const rows = sortedRows([table], { byKey: false, keyPosition: 0, position: 0, reverse: count > 0 });
  for (const { entries } of rows.slice(Math.abs(count))) table.remove(entries[0]!);
}

function numberOf(datum: Datum | undefined): number {
  return datum?.kind === "number" ? (datum.hi | 0) * HALF + datum.lo : 0;
}
