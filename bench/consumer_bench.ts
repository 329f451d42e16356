/**
 * What an event costs on its way out: one hit with six arguments, as text and as JSON. The baseline is what one would write
 * without thinking: an object, its arguments through `bigint`, and `JSON.stringify`.
 */

import { NdjsonFormatter } from "../lib/consumer/ndjson.ts";
import { TextFormatter } from "../lib/consumer/text.ts";
import type { TraceEvent } from "../lib/session/event.ts";

const event: TraceEvent = {
  timestampNs: 81_723_456_789,
  cpu: 1,
  pid: 1234,
  tid: 1235,
  probe: { id: 3, provider: "pid1234", module: "libc.so.6", function: "malloc", name: "entry" },
  arguments: Uint32Array.of(32, 0, 0xf7d1_2010, 0x7fff, 0, 0, 7, 0, 0xffff_ffff, 0xffff_ffff, 1, 0),
  argumentCount: 6,
};

/** The arguments of the event as signed numbers, or texts where a number is not exact. */
function plainArguments(): (number | string)[] {
  return Array.from({ length: event.argumentCount }, (_, index) => {
    const [lo, hi] = event.arguments.subarray(2 * index);
    const value = BigInt.asIntN(64, (BigInt(hi!) << 32n) | BigInt(lo!));
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  });
}

const ndjson = new NdjsonFormatter();
const text = new TextFormatter();

Deno.bench("JSON.stringify() event with six arguments", { group: "event to text", baseline: true }, () => {
  const { timestampNs: ts, pid, tid, probe } = event;
  const name = `${probe.provider}:${probe.module}:${probe.function}:${probe.name}`;
  JSON.stringify({ type: "event", ts, pid, tid, probe: name, args: plainArguments() });
});

Deno.bench("NdjsonFormatter.format() event with six arguments", { group: "event to text" }, () => {
  ndjson.format(event);
});

Deno.bench("TextFormatter.format() event", { group: "event to text" }, () => {
  text.format(event);
});
