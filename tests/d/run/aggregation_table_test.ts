import { assertEquals } from "@std/assert";
import { AggregationTable } from "../../../lib/d/run/aggregation_table.ts";
import { CpuDrops } from "../../../lib/d/run/cpu_drops.ts";
import { LogLinearBounds, lquantizeBucket } from "../../../lib/d/run/buckets.ts";
import { QUANTIZE_BUCKETS, quantizeBucket, quantizeValue } from "../../../lib/quantize.ts";
import type { AggregatingFunction } from "../../../lib/d/tree.ts";
import { makeAggregation } from "../aggregations.ts";
import { halvesOf, makeRandom, randomBigInt } from "../random.ts";

const KEY = new Int32Array(0);

/** Aggregates values under one key, and gives its words. */
function aggregate(name: AggregatingFunction, values: readonly bigint[], increment = 1n): Int32Array {
  const table = new AggregationTable(makeAggregation({ function: name }), {
    bytesLeft: 1 << 20,
    drops: new CpuDrops(),
  });
  const by = halvesOf(increment);
  for (const value of values) {
    const { lo, hi } = halvesOf(value);
    table.add(KEY, 0, 0, lo | 0, hi | 0, by.lo | 0, by.hi | 0);
  }
  return table.value(0);
}

function wordBigInt(words: Int32Array, at: number, count = 2): bigint {
  let value = 0n;
  for (let i = count; i-- > 0;) value = (value << 32n) | BigInt(words[at + i]! >>> 0);
  return BigInt.asIntN(32 * count, value);
}

Deno.test("AggregationTable.add() is exact for integers of all sizes", () => {
  const random = makeRandom(2);
  for (let round = 0; round < 300; round++) {
    const values = Array.from({ length: 1 + random() % 40 }, () => randomBigInt(random));
    const sum = BigInt.asIntN(64, values.reduce((a, b) => a + b));
    const squares = BigInt.asIntN(128, values.reduce((a, b) => a + b * b, 0n));
    const least = values.reduce((a, b) => a < b ? a : b);
    const greatest = values.reduce((a, b) => a > b ? a : b);
    assertEquals(wordBigInt(aggregate("count", values), 0), BigInt(values.length));
    assertEquals(wordBigInt(aggregate("sum", values), 0), sum);
    assertEquals(wordBigInt(aggregate("min", values), 0), least);
    assertEquals(wordBigInt(aggregate("max", values), 0), greatest);
    const average = aggregate("avg", values);
    assertEquals([wordBigInt(average, 0), wordBigInt(average, 2)], [BigInt(values.length), sum]);
    const deviation = aggregate("stddev", values);
    assertEquals(
      [wordBigInt(deviation, 0), wordBigInt(deviation, 2), wordBigInt(deviation, 4, 4)],
      [BigInt(values.length), sum, squares],
    );
  }
});

/** The bucket by the definition: the power of two that is reached. */
function bucketBigInt(value: bigint): number {
  for (let bucket = 0; bucket < 63; bucket++) if (value <= BigInt(quantizeValue(bucket))) return bucket;
  for (let bucket = QUANTIZE_BUCKETS - 1; bucket > 63; bucket--) {
    if (value >= BigInt(quantizeValue(bucket))) return bucket;
  }
  return 63;
}

Deno.test("quantizeBucket() finds the power of two for every integer", () => {
  const random = makeRandom(3);
  const edges = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit)).flatMap((
    power,
  ) => [power - 1n, power, -power, 1n - power]);
  const values = [...edges, ...Array.from({ length: 5000 }, () => randomBigInt(random))];
  for (const value of values.map((value) => BigInt.asIntN(64, value))) {
    const { lo, hi } = halvesOf(value);
    assertEquals(quantizeBucket(lo | 0, hi | 0), bucketBigInt(value), String(value));
  }
});

Deno.test("lquantizeBucket() counts steps, and what is beside them", () => {
  const bucket = (value: bigint) => {
    const { lo, hi } = halvesOf(value);
    return lquantizeBucket([-10, 21, 10], lo | 0, hi | 0);
  };
  // Three steps fit between -10 and 21; what the last one leaves is beyond the limit.
  const expected: [bigint, number][] = [
    [-(2n ** 63n), 0],
    [-11n, 0],
    [-10n, 1],
    [-1n, 1],
    [0n, 2],
    [10n, 3],
    [19n, 3],
    [20n, 4],
    [
      21n,
      4,
    ],
    [2n ** 63n - 1n, 4],
  ];
  for (const [value, index] of expected) assertEquals(bucket(value), index, String(value));
});

Deno.test("LogLinearBounds.bucket() finds the greatest bound that is not above the value", () => {
  const random = makeRandom(4);
  for (
    const parameters of [[10, 0, 6, 20], [4, 0, 1, 2], [4, 0, 1, 4], [4, 0, 1, 8], [4, 4, 6, 32], [3, 3, 5, 27], [
      2,
      0,
      1,
      4,
    ], [10, 0, 3, 1]]
  ) {
    const bounds = new LogLinearBounds(parameters);
    const middle = bounds.bounds.length;
    for (let round = 0; round < 2000; round++) {
      const value = random() % (2 * bounds.bounds.at(-1)!) * (random() % 2 === 0 ? 1 : -1);
      const side = bounds.bounds.filter((bound) => bound <= Math.abs(value)).length;
      const { lo, hi } = halvesOf(BigInt(value));
      assertEquals(bounds.bucket(lo | 0, hi | 0), value < 0 ? middle - side : middle + side, `${parameters}: ${value}`);
    }
  }
});

Deno.test("LogLinearBounds divides magnitudes into steps that are not narrower than 1", () => {
  assertEquals(new LogLinearBounds([4, 0, 1, 2]).bounds, [1, 2, 4, 8, 16]);
  assertEquals(new LogLinearBounds([4, 0, 1, 8]).bounds, [1, 2, 3, 4, 6, 8, 10, 12, 14, 16]);
  assertEquals(new LogLinearBounds([10, 0, 0, 20]).bounds, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assertEquals(new LogLinearBounds([10, 0, 1, 1]).bounds, [1, 10, 100]);
});

Deno.test("AggregationTable.add() counts distributions by the increment", () => {
  const words = aggregate("quantize", [5n, 5n, -3n], -2n);
  assertEquals([wordBigInt(words, 2 * 66), wordBigInt(words, 2 * 61)], [-4n, -2n]);
});

Deno.test("AggregationTable.add() drops what does not fit, and says so", () => {
  const space = { bytesLeft: 3 * (4 + 8), drops: new CpuDrops(() => 5) };
  const table = new AggregationTable(
    makeAggregation({ keys: [{ kind: "number", sizeBytes: 4, signed: true }] }),
    space,
  );
  for (let round = 0; round < 2; round++) {
    for (let key = 0; key < 5; key++) table.add(Int32Array.of(key), 0, 1, 0, 0, 1, 0);
  }
  assertEquals([table.keys.size, space.bytesLeft], [3, 0]);
  assertEquals([...space.drops.take()], [[5, 4]]);
  table.remove(1);
  table.add(Int32Array.of(9), 0, 1, 0, 0, 1, 0);
  assertEquals([...table.keys.entries()].map((entry) => [table.keys.key(entry)[0], table.value(entry)[0]]), [[0, 2], [
    9,
    1,
  ], [2, 2]]);
});

Deno.test("AggregationTable.clear() keeps keys, and begins anew", () => {
  for (const [name, empty] of [["count", 0n], ["min", 2n ** 63n - 1n], ["max", -(2n ** 63n)], ["sum", 0n]] as const) {
    const table = new AggregationTable(makeAggregation({ function: name }), { bytesLeft: 100, drops: new CpuDrops() });
    table.add(KEY, 0, 0, 5, 0, 1, 0);
    table.clear();
    assertEquals(wordBigInt(table.value(0), 0), empty, name);
  }
});
