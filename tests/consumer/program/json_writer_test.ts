import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import schema from "../../../schema/events.schema.json" with { type: "json" };
import { screenOf } from "./screens.ts";

const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
const isDescribed = (value: unknown): boolean => validate(value);

/** The lines of a program, each as the published schema says. */
function linesOf(source: string): Record<string, unknown>[] {
  const bytes = Uint8Array.from(screenOf(source, { json: true }).out, (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes).trimEnd().split("\n").map((line) => {
    const value = JSON.parse(line);
    assert(isDescribed(value), `${line}${JSON.stringify(validate.errors)}`);
    return value;
  });
}

Deno.test("JsonWriter writes a record with the data of its actions", () => {
  const [record] = linesOf(
    'BEGIN { trace(1); trace(0x7fffffffffffffff); trace("é"); ustack(); usym(0x1000); printf("%d!", 5); print((char)97); }',
  );
  assertEquals(record, {
    type: "record",
    ts: 1000,
    pid: 100,
    tid: 101,
    epid: 2,
    probe: "dtrace:::BEGIN",
    cpu: 0,
    data: [
      { action: "trace", value: 1 },
      { action: "trace", value: "9223372036854775807" },
      { action: "trace", value: "é" },
      { action: "trace", value: [] },
      { action: "trace", value: "libc.so.6`malloc" },
      { action: "printf", text: "5!" },
      { action: "print", text: "(char)'a'\n" },
    ],
  });
});

Deno.test("JsonWriter writes aggregations with their functions", () => {
  const lines = linesOf(
    'BEGIN { @a["x", 1] = count(); @q = quantize(5); @l = lquantize(50, 0, 10, 5); @z = llquantize(0, 10, 1, 2, 10); }',
  );
  assertEquals(lines.slice(0, 2), [
    { type: "aggregation", name: "@a", function: "count", key: ["x", 1], value: 1 },
    {
      type: "aggregation",
      name: "@q",
      function: "quantize",
      key: [],
      buckets: [{ bound: 2, count: 0 }, { bound: 4, count: 1 }, { bound: 8, count: 0 }],
    },
  ]);
  assertEquals(lines[2]!.buckets, [{ bound: 5, count: 0 }, { bound: 10, relation: ">=", count: 1 }]);
  assertEquals((lines[3]!.buckets as unknown[])[1], { label: "abs() < 10", count: 1 });
});

Deno.test("JsonWriter writes printa with its rows, and its text if it has a format", () => {
  const [record] = linesOf('BEGIN { @ = sum(5); printa(@); printa("[%@d]", @); }');
  const row = { type: "aggregation", name: "@", function: "sum", key: [], value: 5 };
  assertEquals(record!.data, [{ action: "printa", aggregations: [row] }, {
    action: "printa",
    text: "[5]",
    aggregations: [row],
  }]);
});

Deno.test("JsonWriter writes the totals last", () => {
  assertEquals(linesOf("BEGIN { self->a = 1; } END {}").at(-1), { type: "end", hits: 2, drops: {} });
});

Deno.test("JsonWriter writes what has failed", () => {
  const [error] = linesOf("BEGIN { *(int *)0x10; }");
  assertEquals(error, {
    type: "error",
    ts: 1000,
    pid: 100,
    tid: 101,
    epid: 2,
    probe: "dtrace:::BEGIN",
    fault: "badAddress",
    action: 1,
    address: "0x10",
  });
});
