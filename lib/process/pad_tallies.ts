/**
 * The counters of pads that tally: how they are taken, begin, and are read.
 *
 * Counters to which is added have what earlier pads have left in them; who reads them takes the difference. Those of extremes
 * begin with what every value is less, or greater, than. So what is read of extremes is that of all hits of the pad. What may be
 * far more than a number of hits is not left behind: who counts hits has numbers that are exact below 2^53.
 *
 * @module
 */

import { HISTOGRAM_COUNTERS, type PadAction, type TalliedValue, type TallyAction } from "../isa/jumps.ts";
import type { ExtendedValue } from "../isa/recorded_value.ts";
import { addTo } from "../int64_words.ts";
import { bucketOfBits } from "../quantize.ts";
import { Tally, type TallyPart, TallyWord } from "../tally.ts";
import type { PadArea } from "./pad_area.ts";

/** What is wanted of a value. */
export interface ValueWish {
  /** See {@linkcode TalliedValue.value}. */
  readonly value: ExtendedValue;
  /** What is kept of it. */
  readonly parts: readonly TallyPart[];
}

/** What is wanted of the hits of a pad that tallies. */
export interface TallyWish extends Pick<TallyAction, "kind" | "leaving"> {
  /** What is kept of which value. */
  readonly tallied: readonly ValueWish[];
}

const COUNTER_BYTES = 8;
/** The parts that have one counter each, in the order of the counters, with what these begin with. */
const SINGLE_PARTS = ["sum", "min", "max"] as const;
const OFFSETS = { sum: "sumOffset", min: "minOffset", max: "maxOffset" } as const;
const INT64_MAX = [0xffff_ffff, 0x7fff_ffff] as const;
const INT64_MIN = [0, 0x8000_0000] as const;

/** What is read into; nobody needs two at once. */
const halves = new Int32Array(2);
const extremes = new Tally();

/**
 * Takes the counters of a pad.
 *
 * @param area Where they are.
 * @param wish What is wanted.
 * @returns What the pad does; undefined if there are not so many counters.
 */
export function takeTally(area: PadArea, { kind, leaving, tallied }: TallyWish): TallyAction | undefined {
  const counterOffset = area.takeCounters(singlesOf(tallied.map(({ parts }) => parts)));
  if (counterOffset === undefined) return undefined;
  let next = counterOffset;
  const places = tallied.map(({ value, parts }) => {
    const offsets: { -readonly [key in keyof TalliedValue]: TalliedValue[key] } = { value };
    for (const part of SINGLE_PARTS) if (parts.includes(part)) offsets[OFFSETS[part]] = next += COUNTER_BYTES;
    if (offsets.minOffset !== undefined) area.setAll(offsets.minOffset, ...INT64_MAX);
    if (offsets.maxOffset !== undefined) area.setAll(offsets.maxOffset, ...INT64_MIN);
    return offsets;
  });
  const action: TallyAction = { kind, leaving, counterOffset, tallied: places };
  for (const [index, { parts }] of tallied.entries()) {
    if (!parts.includes("log2")) continue;
    places[index]!.bucketsOffset = area.takeCounters(HISTOGRAM_COUNTERS);
    if (places[index]!.bucketsOffset !== undefined) continue;
    freeCounters(area, action);
    return undefined;
  }
  return action;
}

/**
 * Gives back all counters of a pad. It does not change them any more, and nobody has to read them.
 *
 * @param area Where they are.
 * @param action What the pad did.
 */
export function freeCounters(area: PadArea, action: PadAction): void {
  const { counterOffset } = action;
  if (action.kind !== "tally") return area.freeCounters(counterOffset);
  const { tallied } = action;
  for (const { bucketsOffset, sumOffset, minOffset, maxOffset } of tallied) {
    for (const offset of [sumOffset, minOffset, maxOffset]) if (offset !== undefined) area.setAll(offset, 0, 0);
    if (bucketsOffset !== undefined) area.freeCounters(bucketsOffset, HISTOGRAM_COUNTERS);
  }
  const parts = tallied.map((offsets) => SINGLE_PARTS.filter((part) => offsets[OFFSETS[part]] !== undefined));
  area.freeCounters(counterOffset, singlesOf(parts));
}

/**
 * Reads what has been kept of a value: for the extremes that of all hits, for the others what their counters have.
 *
 * @param area Where it is.
 * @param kept Where in it.
 * @param tally Receives it; its count stays 0.
 */
export function readTally(
  area: PadArea,
  { sumOffset, minOffset, maxOffset, bucketsOffset }: TalliedValue,
  tally: Tally,
): void {
  tally.clear();
  for (let cpu = 0; cpu < area.areasTotal; cpu++) {
    if (sumOffset !== undefined) addFrom(area, cpu, sumOffset, tally.words, TallyWord.sum);
    extremes.clear();
    if (minOffset !== undefined) readInto(area, cpu, minOffset, extremes.words, TallyWord.min);
    if (maxOffset !== undefined) readInto(area, cpu, maxOffset, extremes.words, TallyWord.max);
    tally.extend(extremes.words);
    if (bucketsOffset === undefined) continue;
    for (let counter = 0; counter < HISTOGRAM_COUNTERS; counter++) {
      addFrom(area, cpu, bucketsOffset + COUNTER_BYTES * counter, tally.words, bucketWordOf(counter));
    }
  }
}

/** How many counters have to be in a row: that of hits, and those of parts that need one each. */
function singlesOf(parts: readonly (readonly TallyPart[])[]): number {
  return parts.reduce((sum, some) => sum + some.filter((part) => part !== "log2").length, 1);
}

function readInto(area: PadArea, cpu: number, offset: number, words: Int32Array, at: number): void {
  area.readOne(cpu, offset, halves);
  words.set(halves, at);
}

function addFrom(area: PadArea, cpu: number, offset: number, words: Int32Array, at: number): void {
  area.readOne(cpu, offset, halves);
  addTo(words, at, halves[0]!, halves[1]!);
}

/** Where the bucket of a counter of a histogram is among the words of a tally. */
function bucketWordOf(counter: number): number {
  const isNegative = counter >= HISTOGRAM_COUNTERS / 2;
  const bits = isNegative ? counter - HISTOGRAM_COUNTERS / 2 + 1 : counter;
  return TallyWord.buckets + 2 * bucketOfBits(bits, isNegative);
}
