/**
 * What pads are to tally, said in another way.
 *
 * @module
 */

import type { TallyAction } from "../../lib/isa/jumps.ts";
import type { Extension } from "../../lib/isa/recorded_value.ts";
import type { Random } from "./x86_64/random.ts";

/** Where counters are. */
export interface CounterMemory {
  /** Reads a counter by its offset in the area. */
  get(offset: number): bigint;
  /** Changes one. */
  set(offset: number, value: bigint): void;
}

/** Where values fall into another bucket, or have another sign, and what surrounds that. */
export const BORDERS = [
  ...Array.from({ length: 64 }, (_, n) => [1n << BigInt(n), -(1n << BigInt(n))]).flat(),
  0n,
].flatMap((value) => [value - 1n, value, value + 1n]).map((value) => BigInt.asIntN(64, value));

/** The counter of a histogram that a value belongs to: by the digits that it has. */
function counterOf(value: bigint): number {
  const bits = value === 0n ? 0 : (value < 0n ? -value : value).toString(2).length;
  return value < 0n ? 63 + bits : bits;
}

/** What is tallied of a word of 64 bits. */
export function extend(word: bigint, { sizeBytes, signed }: Extension): bigint {
  return BigInt.asIntN(64, signed ? BigInt.asIntN(8 * sizeBytes, word) : BigInt.asUintN(8 * sizeBytes, word));
}

/** What a hit changes. */
export function tallyByHand(counters: CounterMemory, action: TallyAction, values: readonly bigint[]): void {
  const add = (offset: number | undefined, value: bigint) =>
    offset !== undefined && counters.set(offset, BigInt.asIntN(64, counters.get(offset) + value));
  for (const [index, { sumOffset, minOffset, maxOffset, bucketsOffset }] of action.tallied.entries()) {
    const value = values[index]!;
    add(sumOffset, value);
    if (minOffset !== undefined && value < counters.get(minOffset)) counters.set(minOffset, value);
    if (maxOffset !== undefined && value > counters.get(maxOffset)) counters.set(maxOffset, value);
    if (bucketsOffset !== undefined) add(bucketsOffset + 8 * counterOf(value), 1n);
  }
  add(action.counterOffset, 1n);
}

/** A number of any size, often at a border. */
export function randomValue(random: Random): bigint {
  const wide = (BigInt(random.half()) << 32n) | BigInt(random.half());
  return random.below(2) === 0 ? random.pick(BORDERS) : BigInt.asIntN(64, wide) >> BigInt(random.below(64));
}
