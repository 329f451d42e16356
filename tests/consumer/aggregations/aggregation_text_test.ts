/**
 * The layouts and the orders are those of the documentation's chapter on aggregations; the distributions of `llquantize`
 * are those that Oracle documents for Linux, which has them on both sides of zero.
 */

import { bytesOfText, decodeBytes } from "../../../lib/consumer/records/byte_text.ts";
import { assertEquals } from "@std/assert";
import {
  type AggregationOptions,
  formatAggregations,
  formatAggregationsBy,
} from "../../../lib/consumer/aggregations/aggregation_text.ts";
import { AggregationTable } from "../../../lib/d/run/aggregation_table.ts";
import { CpuDrops } from "../../../lib/d/run/cpu_drops.ts";
import type { PrintFormat } from "../../../lib/d/print_format.ts";
import type { Aggregation } from "../../../lib/d/tree.ts";
import type { Form } from "../../../lib/d/types.ts";
import { makeAggregation } from "../../d/aggregations.ts";
import { halvesOf } from "../../d/random.ts";
import { CONTEXT, DATA } from "../records/data.ts";

const OPTIONS: AggregationOptions = {
  sort: { byKey: false, keyPosition: 0, position: 0, reverse: false },
  data: DATA,
  conversions: CONTEXT,
  zoom: false,
  histogram: false,
  pack: false,
  blocks: undefined,
};
const STRING: Form = { kind: "string" };
const INT: Form = { kind: "number", sizeBytes: 4, signed: true };

type Key = readonly (string | number)[];
type Entry = readonly [key: Key, value: number | bigint, increment?: number];

/** The words of a key, as a clause lays them out. */
function wordsOf(key: Key): Int32Array {
  return Int32Array.from(key.flatMap((part) => {
    if (typeof part === "number") return [part, part < 0 ? -1 : 0];
    const bytes = new TextEncoder().encode(part);
    const padded = new Uint8Array((bytes.length + 4) & ~3);
    padded.set(bytes);
    return [...new Int32Array(padded.buffer)];
  }));
}

function tableOf(differences: Partial<Aggregation>, entries: readonly Entry[]): AggregationTable {
  const table = new AggregationTable(makeAggregation(differences), { bytesLeft: 1 << 20, drops: new CpuDrops() });
  for (const [key, value, increment = 1] of entries) {
    const words = wordsOf(key);
    const { lo, hi } = halvesOf(BigInt(value));
    table.add(words, 0, words.length, lo | 0, hi | 0, increment, increment < 0 ? -1 : 0);
  }
  return table;
}

function print(tables: readonly AggregationTable[], options: Partial<AggregationOptions> = {}, factor = 1): string {
  return formatAggregations(tables.map((table) => ({ table, factor })), { ...OPTIONS, ...options });
}

const HEADER = "           value  ------------- Distribution ------------- count    ";
const ALL = "@".repeat(40);
const NONE = " ".repeat(40);

Deno.test("formatAggregations() prints keys and a number", () => {
  const table = tableOf({ keys: [STRING, INT] }, [[["cat", 12], 0], [["cat", 12], 0], [["sh", -3], 0]]);
  assertEquals(
    print([table]),
    `  ${"sh".padEnd(50)}       -3                1\n  ${"cat".padEnd(50)}       12                2\n`,
  );
});

Deno.test("formatAggregations() prints an aggregation without keys in 17 columns", () => {
  assertEquals(print([tableOf({ function: "sum" }, [[[], 12345678]])]), "         12345678\n");
  assertEquals(print([tableOf({ function: "sum" }, [])]), "");
});

Deno.test("formatAggregations() computes averages and standard deviations in whole numbers", () => {
  const values = [2, 4, 4, 4, 5, 5, 7, 10].map((value): Entry => [[], value]);
  assertEquals(print([tableOf({ function: "avg" }, values)]).trim(), "5");
  // The squares' average is 31, the average's square 25.
  assertEquals(print([tableOf({ function: "stddev" }, values)]).trim(), "2");
  const large = [2n ** 62n, -(2n ** 62n)].map((value): Entry => [[], value]);
  assertEquals(print([tableOf({ function: "stddev" }, large)]).trim(), String(2n ** 62n));
  assertEquals(print([tableOf({ function: "avg" }, [[[], -7], [[], 0]])]).trim(), "-3");
});

Deno.test("formatAggregations() draws a distribution with an empty bucket on each side", () => {
  const table = tableOf({ function: "quantize" }, [[[], 16], [[], 31], [[], 16], [[], 70]]);
  assertEquals(
    print([table]),
    [
      "",
      HEADER,
      `               8 |${NONE} 0        `,
      `              16 |${"@".repeat(30)}${" ".repeat(10)} 3        `,
      `              32 |${NONE} 0        `,
      `              64 |${"@".repeat(10)}${" ".repeat(30)} 1        `,
      `             128 |${NONE} 0        `,
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("formatAggregations() draws the last bucket of quantize", () => {
  const table = tableOf({ function: "quantize" }, [[[], 2n ** 63n - 1n, 1234]]);
  assertEquals(
    print([table]),
    ["", HEADER, `2305843009213693952 |${NONE} 0        `, `4611686018427387904 |${ALL} 1234     `, "", ""].join("\n"),
  );
});

Deno.test("formatAggregations() draws lquantize with what is below and above", () => {
  const table = tableOf({ function: "lquantize", parameters: [0, 30, 10] }, [[[], -5], [[], 5], [[], 30], [[], 99]]);
  assertEquals(
    print([table]),
    [
      "",
      HEADER,
      `             < 0 |${"@".repeat(10)}${" ".repeat(30)} 1        `,
      `               0 |${"@".repeat(10)}${" ".repeat(30)} 1        `,
      `              10 |${NONE} 0        `,
      `              20 |${NONE} 0        `,
      `           >= 30 |${"@".repeat(20)}${" ".repeat(20)} 2        `,
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("formatAggregations() draws llquantize on both sides of zero", () => {
  const values = [-20, -16, -8, -6, -5, -4, -1, 0, 1, 5, 8, 12, 20].map((value): Entry => [[], value]);
  const labels = print([tableOf({ function: "llquantize", parameters: [4, 0, 1, 4] }, values)])
    .split("\n").slice(2, -2).map((line) => [line.slice(0, 16).trim(), line.slice(-9).trim()].join(": "));
  assertEquals(labels, [
    "<= -16: 2",
    "-12: 0",
    "-8: 1",
    "-4: 3",
    "-3: 0",
    "-2: 0",
    "-1: 1",
    "0: 1",
    "1: 1",
    "2: 0",
    "3: 0",
    "4: 1",
    "8: 1",
    "12: 1",
    ">= 16: 1",
  ]);
  const higher = print([tableOf({ function: "llquantize", parameters: [3, 3, 5, 27] }, [[[], 5], [[], -30]])]);
  assertEquals(
    higher.split("\n").slice(2, -2).map((line) => line.slice(0, 16).trim()),
    ["-30", "-27", "abs() < 27", "27"].toSpliced(0, 0, "-33"),
  );
});

Deno.test("formatAggregations() draws negative counts to the left", () => {
  const one = { function: "llquantize", parameters: [2, 0, 1, 2] } as const;
  assertEquals(
    print([tableOf(one, [[[], 2, -1]])]),
    [
      "",
      HEADER,
      `               1 ${NONE}| 0        `,
      `               2 ${ALL}| -1       `,
      `            >= 4 ${NONE}| 0        `,
      "",
      "",
    ]
      .join("\n"),
  );
  const half = " ".repeat(20);
  assertEquals(
    print([tableOf(one, [[[], 1, 1], [[], 2, -1]])]),
    [
      "",
      HEADER,
      `               0 ${half}|${half} 0        `,
      `               1 ${half}|${"@".repeat(10)}${" ".repeat(10)} 1        `,
      `               2 ${" ".repeat(10)}${"@".repeat(10)}|${half} -1       `,
      `            >= 4 ${half}|${half} 0        `,
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("formatAggregations() draws three empty buckets where nothing is left", () => {
  const labels = (differences: Partial<Aggregation>) =>
    print([tableOf(differences, [[[], 0, 1], [[], 0, -1]])]).split("\n").slice(2, -2).map((line) =>
      line.slice(0, 16).trim()
    );
  assertEquals(labels({ function: "quantize" }), ["-1", "0", "1"]);
  assertEquals(labels({ function: "llquantize", parameters: [2, 0, 1, 2] }), ["0", "1", "2"]);
  assertEquals(labels({ function: "lquantize", parameters: [0, 30, 10] }), ["< 0", "0", "10"]);
});

Deno.test("formatAggregations() lets the longest bar nearly fill the width with aggzoom", () => {
  const table = tableOf({ function: "quantize" }, [[[], 1, 1], [[], 2, 2], [[], 4, 4]]);
  const bars = print([table], { zoom: true }).split("\n").slice(3, 6).map((line) => line.split("@").length - 1);
  assertEquals(bars, [10, 19, 38]);
});

Deno.test("formatAggregations() draws keys with agghist", () => {
  const table = tableOf({ keys: [STRING] }, [[["cat"], 0], [["cat"], 0], [["cat"], 0], [["sh"], 0]]);
  assertEquals(
    print([table], { histogram: true }),
    [
      "",
      "              key  ------------- Distribution ------------- count    ",
      `               sh |${"@".repeat(10)}${" ".repeat(30)} 1        `,
      `              cat |${"@".repeat(30)}${" ".repeat(10)} 3        `,
      "",
      "",
    ].join("\n"),
  );
});

/** The characters of text that has one for each byte. */
function unicodeOf(text: string): string {
  return decodeBytes(bytesOfText(text));
}

Deno.test("formatAggregations() draws bars to an eighth of a column with encoding=utf8", () => {
  const table = tableOf({ function: "quantize" }, [[[], 1, 1], [[], 2, 15]]);
  const bars = unicodeOf(print([table], { blocks: true })).split("\n").slice(2, -2).map((line) => line.slice(17, 58));
  assertEquals(bars, ["", "██▌", "█".repeat(37) + "▌", ""].map((bar) => `|${bar.padEnd(40)}`));
});

Deno.test("formatAggregations() draws distributions in a line each with aggpack", () => {
  const table = tableOf({ function: "quantize", keys: [STRING] }, [
    [["one"], 8, 1],
    [["two"], 16, 4],
    [["two"], 64, 1],
    [["two"], 0, 1],
  ]);
  assertEquals(
    unicodeOf(print([table], { pack: true, zoom: true })),
    [
      "",
      "              key  min .---------. max  | count",
      "              one    0 :    █    : 128  | 1",
      "              two    0 :▃    █ ▃ : 128  | 6",
      "",
    ].join("\n"),
  );
  const letters = print([table], { pack: true, blocks: false }).split("\n").slice(2, -1);
  assertEquals(letters.map((line) => line.slice(24, 33)), ["    X    ", "_    x _ "]);
  const linear = tableOf({ function: "lquantize", parameters: [0, 3, 1] }, [[[], 1, 1], [[], 9, -1]]);
  assertEquals(
    unicodeOf(print([linear], { pack: true })),
    "\n     min .-----. max      | count\n     < 0 :  ▅ v: >= 3     | 0\n",
  );
});

/** The keys in the order of a print. */
function orderOf(tables: readonly AggregationTable[], sort: Partial<AggregationOptions["sort"]>): string[] {
  return print(tables, { sort: { ...OPTIONS.sort, ...sort } }).trimEnd().split("\n").map((line) =>
    line.trim().split(/\s+/)[0]!
  );
}

Deno.test("formatAggregations() sorts by value, then by key, or as the options say", () => {
  const sums: Entry[] = [[["b"], 3], [["a"], 3], [["d"], -1], [["c"], 7]];
  const table = tableOf({ function: "sum", keys: [STRING] }, sums);
  assertEquals(orderOf([table], {}), ["d", "a", "b", "c"]);
  assertEquals(orderOf([table], { reverse: true }), ["c", "b", "a", "d"]);
  assertEquals(orderOf([table], { byKey: true }), ["a", "b", "c", "d"]);
  const counts = tableOf({ id: 1, keys: [STRING] }, [[["a"], 0], [["c"], 0], [["b"], 0], [["b"], 0]]);
  assertEquals(orderOf([table, counts], {}), ["d", "a", "b", "c"]);
  assertEquals(orderOf([table, counts], { position: 1 }), ["d", "a", "c", "b"]);
});

Deno.test("formatAggregations() sorts keys from the position of the option, integers without a sign", () => {
  const table = tableOf({ keys: [INT, INT] }, [[[-1, 1], 0], [[2, 2], 0], [[1, 2], 0], [[0, 3], 0]]);
  const order = (keyPosition: number) => orderOf([table], { byKey: true, keyPosition });
  assertEquals(order(0), ["0", "1", "2", "-1"]);
  assertEquals(order(1), ["-1", "1", "2", "0"]);
});

Deno.test("formatAggregations() sorts keys of 64 bits by all of them", () => {
  const long = { kind: "number", sizeBytes: 8, signed: false } as const;
  const table = new AggregationTable(makeAggregation({ keys: [long] }), { bytesLeft: 1 << 20, drops: new CpuDrops() });
  for (const words of [[1, 1], [2, 0], [0, 2]]) table.add(Int32Array.from(words), 0, 2, 0, 0, 1, 0);
  assertEquals(orderOf([table], { byKey: true }), ["2", "4294967297", "8589934592"]);
});

Deno.test("formatAggregations() rounds the length of bars", () => {
  const table = tableOf({ function: "quantize" }, [[[], 1, 1], [[], 2, 2]]);
  const bars = print([table]).split("\n").slice(3, 5).map((line) => line.split("@").length - 1);
  assertEquals(bars, [13, 27]);
});

Deno.test("formatAggregations() sorts distributions by what is in them", () => {
  const table = tableOf({ function: "quantize", keys: [STRING] }, [[["big"], 100], [["small"], 3], [["negative"], -5], [
    ["zero"],
    0,
  ]]);
  const names = print([table]).split("\n").filter((line) => /^ {2}\w/.test(line)).map((line) => line.trim());
  assertEquals(names, ["negative", "zero", "small", "big"]);
});

Deno.test("formatAggregations() prints several aggregations side by side, with zeros for what is missing", () => {
  const counts = tableOf({ keys: [STRING] }, [[["a"], 0], [["b"], 0], [["b"], 0]]);
  const sums = tableOf({ id: 1, function: "sum", keys: [STRING] }, [[["b"], 5]]);
  assertEquals(
    print([counts, sums]),
    `  ${"a".padEnd(50)}                1                0\n  ${"b".padEnd(50)}                2                5\n`,
  );
});

Deno.test("formatAggregations() normalizes values and counts", () => {
  assertEquals(print([tableOf({ function: "sum" }, [[[], -25]])], {}, 10), "               -2\n");
  assertEquals(print([tableOf({ function: "avg" }, [[[], 100], [[], 300]])], {}, 10).trim(), "20");
  assertEquals(print([tableOf({ function: "stddev" }, [[[], 100], [[], 300]])], {}, 10).trim(), "10");
  assertEquals(
    print([tableOf({ function: "quantize" }, [[[], 1, 50]])], {}, 10).split("\n")[3],
    `               1 |${ALL} 5        `,
  );
});

Deno.test("formatAggregationsBy() prints the format once for each row", () => {
  const text = (value: string) => ({ kind: "text", bytes: new TextEncoder().encode(value) }) as const;
  const conversion = (name: string, source: "key" | "aggregation", index: number, width: number) =>
    ({
      kind: "conversion",
      name,
      size: "",
      flags: "",
      width: { kind: "number", value: width },
      precision: undefined,
      source: { kind: source, index },
    }) as const;
  const counts = tableOf({ keys: [STRING, INT] }, [[["a", 1], 0], [["b", 2], 0], [["b", 2], 0]]);
  const sums = tableOf({ id: 1, function: "sum", keys: [STRING, INT] }, [[["b", 2], -1]]);
  const format: PrintFormat = [
    conversion("s", "key", 0, 3),
    text("="),
    conversion("d", "key", 1, 0),
    text(": "),
    conversion("d", "aggregation", 0, 5),
    conversion("x", "aggregation", 1, 18),
    text("\n"),
  ];
  const tables = [counts, sums].map((table) => ({ table, factor: 1 }));
  assertEquals(
    formatAggregationsBy(format, tables, OPTIONS),
    "  a=1:     1                 0\n  b=2:     2  ffffffffffffffff\n",
  );
});
