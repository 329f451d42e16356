import { assertEquals } from "@std/assert";
import { Tally, TallyWord } from "../lib/tally.ts";
import { Random } from "./isa/x86_64/random.ts";

const ALL = ["sum", "min", "max", "log2"] as const;

/** What a tally comes to, by hand. */
function byHand(values: readonly bigint[]): unknown[] {
  const ordered = values.toSorted((a, b) => a < b ? -1 : a > b ? 1 : 0);
  return [values.length, BigInt.asIntN(64, values.reduce((sum, one) => sum + one, 0n)), ordered[0], ordered.at(-1)];
}

function told(tally: Tally): unknown[] {
  return [tally.count, tally.sumBigInt(), tally.minBigInt(), tally.maxBigInt()];
}

function randomValue(random: Random): bigint {
  return BigInt.asIntN(64, (BigInt(random.half()) << 32n) | BigInt(random.half()));
}

Deno.test("Tally.add() keeps sums that wrap, extremes and sizes of signed integers, whatever sign halves have", () => {
  const random = new Random(31);
  for (let round = 0; round < 200; round++) {
    const values = Array.from({ length: random.below(8) }, () => randomValue(random));
    const tally = new Tally(ALL);
    values.forEach((value, index) => {
      const [lo, hi] = [Number(value & 0xffff_ffffn), Number(BigInt.asUintN(64, value) >> 32n)];
      if (index % 2 === 0) tally.add(lo, hi);
      else tally.add(lo | 0, hi | 0);
    });
    assertEquals(told(tally), byHand(values).map((one) => values.length === 0 && one === undefined ? undefined : one));
    assertEquals(tally.buckets!.reduce((sum, { count }) => sum + count, 0), values.length);
  }
});

Deno.test("Tally.addAll() of differences gives what was added meanwhile, and the extremes of all", () => {
  const random = new Random(32);
  const [one, other, news] = [new Tally(ALL), new Tally(ALL), new Tally(ALL)];
  const values: bigint[] = [];
  for (let round = 0; round < 50; round++) {
    const before = one.words.slice();
    for (let count = random.below(5); count >= 0; count--) {
      const value = randomValue(random);
      values.push(value);
      one.add(Number(value & 0xffff_ffffn), Number(BigInt.asUintN(64, value) >> 32n));
    }
    news.setDifference(one.words, before);
    other.addAll(news.words);
    assertEquals([told(other), other.buckets], [told(one), one.buckets]);
  }
  assertEquals(told(other), byHand(values));
});

Deno.test("Tally tells nothing of extremes before the first value, and nothing of what is not kept", () => {
  const empty = new Tally(ALL);
  assertEquals([empty.count, empty.sum, empty.min, empty.max, empty.buckets], [0, 0, undefined, undefined, []]);
  const tally = new Tally(["min"]);
  tally.add(0xffff_fffe, 0xffff_ffff);
  tally.addCount(2 ** 33);
  assertEquals([tally.count, tally.sum, tally.min, tally.max, tally.buckets], [
    2 ** 33 + 1,
    undefined,
    -2,
    undefined,
    undefined,
  ]);
  assertEquals([tally.sumBigInt(), tally.minBigInt(), tally.maxBigInt()], [undefined, -2n, undefined]);
  tally.clear();
  assertEquals([tally.count, tally.words[TallyWord.sum]], [0, 0]);
});
