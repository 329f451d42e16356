/**
 * Events that wait to be taken.
 *
 * @module
 */

import type { Capture } from "../isa/captures.ts";
import { type HitRecord, RecordView } from "../fasttrap/hit_record.ts";
import type { TraceEvent } from "./event.ts";

/** See the module's comment. */
export class EventQueue {
  /** Whether events of threads that were stopped tell the CPU. */
  readonly #tellsCpu: boolean;
  #events: TraceEvent[] = [];
  /** Whether any event has come from a record. */
  #hasRecords = false;

  /**
   * Makes an empty queue.
   *
   * @param options Whether events of threads that were stopped tell the CPU.
   */
  constructor({ tellsCpu }: { readonly tellsCpu: boolean }) {
    this.#tellsCpu = tellsCpu;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /**
   * Copies a hit into an event.
   *
   * @param hit The hit, or what was recorded of it.
   * @param captures What was captured.
   */
  add(hit: HitRecord, captures?: readonly Capture[]): void {
    const { probe, argumentCount } = hit;
    const values = new Uint32Array(2 * argumentCount);
    for (let i = 0; i < argumentCount; i++) hit.readArg(i, values.subarray(2 * i, 2 * i + 2));
    const isRecord = hit instanceof RecordView;
    this.#hasRecords ||= isRecord;
    const event: TraceEvent = {
      timestampNs: hit.timestampNs,
      cpu: this.#tellsCpu || isRecord ? hit.cpu : 0,
      pid: hit.pid,
      tid: hit.tid,
      probe,
      arguments: values,
      argumentCount,
    };
    if (captures === undefined) return void this.#events.push(event);
    const captured = captures.map(({ kind }, i) => kind === "string" ? hit.string(i) : hit.bytes(i));
    this.#events.push({ ...event, captured });
  }

  /**
   * Takes all events.
   *
   * @returns The events, in the order of their times.
   */
  take(): readonly TraceEvent[] {
    const events = this.#events;
    this.#events = [];
    // Those of stops were there before records were read.
    return this.#hasRecords ? events.sort((a, b) => a.timestampNs - b.timestampNs) : events;
  }
}
