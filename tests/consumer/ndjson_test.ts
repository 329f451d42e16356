import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import { NdjsonFormatter } from "../../lib/consumer/ndjson.ts";
import { formatStatsObject } from "../../lib/consumer/stats.ts";
import { Session } from "../../mod.ts";
import type { SiteDetails } from "../../mod.ts";
import schema from "../../schema/events.schema.json" with { type: "json" };
import { makeEvent, makeProbe } from "./events.ts";

const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
/** Whether the published schema describes a value. Hides that `validate` narrows types. */
const isDescribed = (value: unknown): boolean => validate(value);

/** Parses a line and checks it against the published schema. */
function parseLine(line: string): Record<string, unknown> {
  assert(line.endsWith("}\n") && line.indexOf("\n") === line.length - 1, `not one line: ${line}`);
  const value = JSON.parse(line);
  assert(isDescribed(value), `${line}${JSON.stringify(validate.errors)}`);
  return value;
}

Deno.test("NdjsonFormatter.format() writes an event as the schema says", () => {
  const line = new NdjsonFormatter().format(makeEvent([32n, 0n, 0x7fff_ffff_f000n]));
  parseLine(line);
  assertEquals(
    line,
    '{"type":"event","ts":81723,"pid":1234,"tid":1235,"probe":"pid1234:libc.so.6:malloc:entry","args":[32,0,140737488351232]}\n',
  );
});

Deno.test("NdjsonFormatter.format() writes as many arguments as are valid", () => {
  const formatter = new NdjsonFormatter();
  for (const count of [0, 1, 2, 6]) {
    const args = Array.from({ length: count }, (_, index) => BigInt(index));
    assertEquals(parseLine(formatter.format(makeEvent(args))).args, args.map(Number));
  }
});

Deno.test("NdjsonFormatter.format() writes signed integers, as strings where a number is not exact", () => {
  const formatter = new NdjsonFormatter();
  const edges = [
    0n,
    10n ** 6n,
    10n ** 15n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n,
    10n ** 16n,
    10n ** 18n,
    2n ** 62n,
    2n ** 63n,
  ];
  const values = edges.flatMap((edge) => [edge - 1n, edge, edge + 1n, -edge - 1n, -edge, -edge + 1n])
    .filter((value) => BigInt.asIntN(64, value) === value);
  for (const value of values) {
    const [arg] = parseLine(formatter.format(makeEvent([value]))).args as [number | string];
    assertEquals(arg, Number.isSafeInteger(Number(value)) ? Number(value) : String(value));
  }
});

Deno.test("NdjsonFormatter.format() quotes names and keeps probes apart", () => {
  const formatter = new NdjsonFormatter();
  const names = ['operator""_x', "back\\slash", "line\nfeed", "ünï", "a:b"];
  for (let hit = 0; hit < 2; hit++) {
    names.forEach((name, id) => {
      const event = makeEvent([], makeProbe({ id, function: name }));
      assertEquals(parseLine(formatter.format(event)).probe, `pid1234:libc.so.6:${name}:entry`);
    });
  }
});

Deno.test("NdjsonFormatter.format() writes the arguments of static probes by their types", () => {
  const bits = (value: number) => new DataView(new Float64Array([value]).buffer).getBigUint64(0, true);
  const narrow = (value: number) => BigInt(new DataView(new Float32Array([value]).buffer).getUint32(0, true));
  const rows: [type: string, value: bigint, expected: unknown][] = [
    ["uint64_t", 2n ** 64n - 1n, "18446744073709551615"],
    ["int64_t", 2n ** 64n - 1n, -1],
    ["char *", 2n ** 63n, "9223372036854775808"],
    ["struct s", 2n ** 63n, "-9223372036854775808"],
    ["uint32_t", 7n, 7],
    ["double", bits(-0.5), -0.5],
    ["double", bits(1e300), 1e300],
    ["double", bits(NaN), "NaN"],
    ["double", bits(-Infinity), "-Infinity"],
    ["float", narrow(1.25), 1.25],
  ];
  for (const [index, [type, value, expected]] of rows.entries()) {
    const probe = makeProbe({ id: index + 1, argumentTypes: [type] });
    assertEquals([type, parseLine(new NdjsonFormatter().format(makeEvent([value], probe))).args], [type, [expected]]);
    assertEquals(parseLine(new NdjsonFormatter().formatProbe(probe)).argumentTypes, [type]);
  }
});

Deno.test("NdjsonFormatter.formatEnd() writes hits and drops as the schema says", () => {
  const formatter = new NdjsonFormatter();
  const line = formatter.formatEnd({ hitsTotal: 2, drops: { "ring-full": 1 } });
  parseLine(line);
  assertEquals(line, '{"type":"end","hits":2,"drops":{"ring-full":1}}\n');
  assertEquals(formatter.formatEnd({ hitsTotal: 0, drops: {} }), '{"type":"end","hits":0,"drops":{}}\n');
});

Deno.test("NdjsonFormatter.formatCount() and formatProbe() write what the schema says", () => {
  const formatter = new NdjsonFormatter();
  const probe = makeProbe({ function: 'operator""_x' });
  assertEquals(parseLine(formatter.formatCount({ probe, hitsTotal: 12 })), {
    type: "aggregation",
    name: "@",
    key: ['pid1234:libc.so.6:operator""_x:entry'],
    value: 12,
  });
  assertEquals(parseLine(formatter.formatProbe(probe)), { type: "probe", ...probe });
  const words = { attributes: "Evolving/Evolving/ISA", argumentAttributes: "Private/Private/Unknown" };
  const sites: SiteDetails[] = [
    {
      address: 4096,
      offset: 0,
      code: new Uint8Array([0x0f, 5]),
      performed: "slot",
      refusal: undefined,
      trapReason: "so",
    },
    { address: 4098, offset: undefined, code: new Uint8Array(), performed: undefined, refusal: "it is none" },
  ];
  assertEquals(parseLine(formatter.formatProbe(probe, { ...words, argumentTypes: ["int"], sites })), {
    ...{ type: "probe", ...probe, ...words, argumentTypes: ["int"] },
    sites: [{ address: 4096, offset: 0, code: "0f05", performed: "slot", trapReason: "so" }, {
      address: 4098,
      code: "",
      refusal: "it is none",
    }],
  });
  const argument = { type: "uint64_t", operand: "8@what", problem: "it is not understood" };
  const asks = { address: 1, code: new Uint8Array([0x90]), performed: "emulated", isEnabledSite: true } as const;
  const details = {
    ...{
      ...words,
      argumentTypes: ["uint64_t"],
      semaphores: [{ address: 8, value: 1 }, { address: 9, value: undefined }],
    },
    sites: [{ ...asks, offset: undefined, refusal: undefined, arguments: [argument] }],
  };
  assertEquals(parseLine(formatter.formatProbe(probe, details)), {
    ...{ type: "probe", ...probe, ...words, argumentTypes: ["uint64_t"] },
    ...{ semaphores: [{ address: 8, value: 1 }, { address: 9 }] },
    sites: [{ ...asks, code: "90", arguments: [argument] }],
  });
});

Deno.test("formatStatsObject() writes what the schema says", () => {
  using session = new Session({ signals: false });
  const line = parseLine(formatStatsObject(session.stats()));
  assertEquals([line.type, line.total, line.providers], ["fasttrapstats", 0, { buckets: 256, entries: [] }]);
});

Deno.test("events.schema.json refuses what no line may be", () => {
  const event = JSON.parse(new NdjsonFormatter().format(makeEvent([1n])));
  assert(isDescribed(event));
  for (
    const wrong of [
      null,
      {},
      { type: "start" },
      { ...event, ts: undefined },
      { ...event, ts: "1" },
      { ...event, pid: 0 },
      { ...event, probe: "malloc:entry" },
      { ...event, args: [null] },
      { ...event, args: ["-0"] },
      { ...event, args: ["12"] },
      { ...event, args: ["0x20000000000000"] },
      { type: "aggregation", name: "a", key: [], value: 1 },
      { type: "aggregation", name: "@", key: [true], value: 1 },
      { type: "probe", id: 1, provider: "pid1", module: "m", function: "f" },
      { ...makeProbe(), type: "probe", sites: [{ address: 1, code: "0" }] },
      { ...makeProbe(), type: "probe", attributes: "Private" },
      { type: "end", hits: 1 },
      { type: "end", hits: 1, drops: { ring: -1 } },
    ]
  ) assert(!isDescribed(wrong), JSON.stringify(wrong));
});
