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
import { readTally, type TallyWish } from "../process/pad_tallies.ts";
import { Tally, type TallyPart } from "../tally.ts";
import type { Enabling, Probe } from "./probe.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** How many values of the two kinds pads can have. */
const VALUES = { arguments: 6, results: 2 };

/** Who wants to know what a value comes to. */
interface Consumer {
  readonly probe: Probe;
  readonly enabling: Enabling;
  readonly value: number;
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
      return { places, known, consumers: this.#consumers.filter(({ value }) => value === places.value) };
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
  if (!isTallied || !image.isa.jumps?.tallies || (before.length > 0 && after.length > 0)) return undefined;
  // The arguments of static probes can be anywhere.
  if (probes.some(({ kind }) => kind === "static")) return undefined;
  const values = after.length > 0 ? "results" : "arguments";
  const consumers = consumersOf(tracepoint);
  if (consumers.some(({ value }) => value < 0 || value >= VALUES[values])) return undefined;
  const tallied = [...Map.groupBy(consumers, ({ value }) => value)].map(([value, some]) => ({
    value,
    parts: [...new Set(some.flatMap(({ enabling }): readonly TallyPart[] => enabling.tally!.keep))],
  }));
  return { kind: "tally", values, tallied };
}

function consumersOf({ before, after }: Tracepoint): Consumer[] {
  return [...before, ...after].flatMap((probe) =>
    probe.enablings.filter(({ tally }) => tally !== undefined).map((enabling) => ({
      ...{ probe, enabling },
      // A return has the result as its first value, and as argument 1.
      value: enabling.tally!.argument - (probe.kind === "return" ? 1 : 0),
    }))
  );
}
