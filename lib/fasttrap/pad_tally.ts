/**
 * What a pad has tallied on its way to the consumers.
 *
 * *Problem.* A hit is one locked instruction after the other, and a thread may lose its CPU, or be stopped, between them. Who
 * comes in the middle shall not get half of the hit, and who goes shall not leave half of it behind.
 *
 * *Method.* A pad tallies for the consumers that its tracepoint has when it is made, from its first hit to its last; when others
 * come, or one of them goes, there is a new pad with counters of its own. So hits that are under way in the old one are its
 * consumers', whole. What a consumer knows of a probe is the sum of what it gets from all its pads, and of the hits for which the
 * thread was stopped.
 *
 * Hits are counted behind everything else, so that the values of all that are counted have been tallied; those of a hit under way
 * may be known earlier than the hit itself.
 *
 * @module
 */

import type { TalliedValue, TallyAction } from "../isa/jumps.ts";
import type { ExtendedValue } from "../isa/recorded_value.ts";
import { readTally, type TallyWish } from "../process/pad_tallies.ts";
import { Tally, type TallyPart } from "../tally.ts";
import type { Enabling, Probe } from "./probe.ts";
import { findValue } from "./recorded_values.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** Who wants to know what a value comes to. */
interface Consumer {
  readonly probe: Probe;
  readonly enabling: Enabling;
  /** The value that it is about; undefined if no pad has it. */
  readonly value: ExtendedValue | undefined;
}

/** What is kept of a value. */
interface Kept {
  readonly places: TalliedValue;
  readonly consumers: readonly Consumer[];
  /** What was read the last time. */
  readonly known: Tally;
}

/** What has been read, and what is new of it; nobody needs two at once. */
const now = new Tally();
const news = new Tally();

/** See the module's comment. */
export class PadTally {
  readonly #tracepoint: Tracepoint;
  readonly #consumers: readonly Consumer[];
  readonly #kept: readonly Kept[];

  /**
   * Begins to read what a pad keeps.
   *
   * @param tracepoint Its tracepoint.
   * @param action What it does.
   */
  constructor(tracepoint: Tracepoint, action: TallyAction) {
    this.#tracepoint = tracepoint;
    this.#consumers = consumersOf(tracepoint);
    this.#kept = action.tallied.map((places) => {
      const known = new Tally();
      this.#read(places, known);
      return { places, known, consumers: this.#consumers.filter(({ value }) => isSame(value, places.value)) };
    });
  }

  /**
   * Tells whether it is for just those consumers that a tracepoint has.
   *
   * @param tracepoint The tracepoint.
   * @returns Whether it is.
   */
  serves(tracepoint: Tracepoint): boolean {
    const consumers = consumersOf(tracepoint);
    return consumers.length === this.#consumers.length && consumers.every(({ probe, enabling }, index) => {
      const other = this.#consumers[index]!;
      return other.probe === probe && other.enabling === enabling;
    });
  }

  /**
   * Gives the consumers what has been tallied since the last time.
   *
   * @param hits How many hits that was, at least 1.
   */
  harvest(hits: number): void {
    for (const { places, consumers, known } of this.#kept) {
      this.#read(places, now);
      news.setDifference(now.words, known.words);
      news.addCount(hits);
      known.words.set(now.words);
      for (const { probe, enabling } of consumers) enabling.tallied?.(probe, news);
    }
  }

  #read(places: TalliedValue, tally: Tally): void {
    const { area } = this.#tracepoint.image.pads;
    if (area === undefined) tally.clear();
    else readTally(area, places, tally);
  }
}

/**
 * Says what a pad has to tally for the consumers of a tracepoint.
 *
 * @param tracepoint The tracepoint.
 * @returns What; undefined if a consumer wants more, or values that pads do not have.
 */
export function tallyWishOf(tracepoint: Tracepoint): TallyWish | undefined {
  const { image, before, after } = tracepoint;
  const probes = [...before, ...after];
  const isTallied = probes.every(({ enablings }) =>
    enablings.every(({ counted, tally }) => counted !== undefined || tally !== undefined)
  );
  if (!isTallied) return undefined;
  const tallied: TallyWish["tallied"][number][] = [];
  for (const consumers of Map.groupBy(consumersOf(tracepoint), ({ value }) => JSON.stringify(value)).values()) {
    const { value } = consumers[0]!;
    if (value === undefined || !image.isa.jumps!.canTally(value.place)) return undefined;
    const parts = [...new Set(consumers.flatMap(({ enabling }): readonly TallyPart[] => enabling.tally!.keep))];
    tallied.push({ value, parts });
  }
  return { kind: "tally", tallied };
}

function consumersOf(tracepoint: Tracepoint): Consumer[] {
  return [...tracepoint.before, ...tracepoint.after].flatMap((probe) =>
    probe.enablings.flatMap((enabling) =>
      enabling.tally === undefined
        ? []
        : [{ probe, enabling, value: findValue(tracepoint, probe, enabling.tally.argument) }]
    )
  );
}

function isSame(one: ExtendedValue | undefined, other: ExtendedValue): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
