/**
 * What pads have counted on its way to the consumers.
 *
 * *Problem.* Each hit that a pad counts, or has to drop, is to be known once, also that of a thread which is in the middle of a
 * pad whose jump has just been taken out.
 *
 * *Method.* The counter of a pad is read from when the pad is made until it is free, that is until no thread is inside
 * (`barrier.ts`), and then once more; only after that it is given to another pad. What it has grown by since the last reading
 * is of the consumers that the tracepoint has at that moment. Therefore all are read before that changes. What pads have tallied
 * is of the consumers that they were made for (`pad_tally.ts`).
 *
 * @module
 */

import type { PadAction } from "../isa/jumps.ts";
import { freeCounters } from "../process/pad_tallies.ts";
import type { Image } from "../process/process.ts";
import { PadTally } from "./pad_tally.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** A counter that a pad of a tracepoint adds to. */
interface PadCount {
  readonly tracepoint: Tracepoint;
  /** What was in it at the last reading. */
  countedTotal: number;
  /** The same by CPU, of pads that record; undefined until there was anything. */
  countedByCpu: number[] | undefined;
  /** What else is kept; undefined if nothing is. */
  readonly tally: PadTally | undefined;
}

/** See the module's comment. */
export class PadCounts {
  readonly #byImage = new Map<Image, Map<PadAction, PadCount>>();

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#byImage.size === 0;
  }

  /**
   * Begins to read the counter of a pad.
   *
   * @param tracepoint The tracepoint.
   * @param action What its new pad does.
   */
  add(tracepoint: Tracepoint, action: PadAction): void {
    const { image } = tracepoint;
    const counts = this.#byImage.get(image) ?? new Map<PadAction, PadCount>();
    const tally = action.kind === "tally" ? new PadTally(tracepoint, action) : undefined;
    const countedTotal = readCounter(image, action);
    const isUsed = countedTotal > 0 && action.kind === "record";
    const countedByCpu = isUsed ? image.pads.area!.readAll(action.counterOffset) : undefined;
    this.#byImage.set(image, counts.set(action, { tracepoint, countedTotal, countedByCpu, tally }));
  }

  /**
   * Tells whether a pad tallies for just those consumers that its tracepoint has.
   *
   * @param tracepoint The tracepoint.
   * @param action What its pad does.
   * @returns Whether it does.
   */
  serves(tracepoint: Tracepoint, action: PadAction): boolean {
    return this.#byImage.get(tracepoint.image)?.get(action)?.tally?.serves(tracepoint) ?? false;
  }

  /**
   * Gives what has been counted in an image since the last call to the consumers.
   *
   * @param image The image.
   */
  harvest(image: Image): void {
    const counts = this.#byImage.get(image);
    const { area } = image.pads;
    if (counts === undefined || area === undefined) return;
    // Those that are free now do not change any more.
    const freed = area.takeFreed();
    for (const [action, count] of counts) harvest(count, action);
    for (const action of freed) {
      counts.delete(action);
      freeCounters(area, action);
    }
  }

  /**
   * Forgets an image.
   *
   * @param image The image.
   */
  delete(image: Image): void {
    this.#byImage.delete(image);
  }
}

function readCounter({ pads }: Image, { counterOffset }: PadAction): number {
  return pads.area?.read(counterOffset) ?? 0;
}

function harvest(count: PadCount, action: PadAction): void {
  const { tracepoint: { image, before, after }, countedTotal } = count;
  const counted = readCounter(image, action);
  const hits = counted - countedTotal;
  // The program can write what it wants there.
  if (!(hits > 0)) return;
  count.countedTotal = counted;
  count.tally?.harvest(hits);
  if (action.kind === "record") harvestDrops(count, action, hits);
  for (const probe of [...before, ...after]) {
    probe.hitsTotal += hits;
    for (const enabling of probe.enablings) {
      enabling.counted?.(probe, hits);
    }
  }
}

/** Tells consumers that want records which CPUs have dropped hits. */
function harvestDrops(count: PadCount, action: PadAction, hits: number): void {
  const { tracepoint: { image, before, after } } = count;
  const counted = image.pads.area!.readAll(action.counterOffset);
  const last = count.countedByCpu ??= counted.map(() => 0);
  let rest = hits;
  counted.forEach((total, cpu) => {
    // What has come since the sum was read is told the next time.
    const dropped = Math.min(rest, total - last[cpu]!);
    if (!(dropped > 0)) return;
    last[cpu] = last[cpu]! + dropped;
    rest -= dropped;
    for (const probe of [...before, ...after]) {
      for (const enabling of probe.enablings) {
        if (enabling.counted === undefined) enabling.dropped?.(probe, dropped, cpu);
      }
    }
  });
}
