/**
 * Reading what pads have recorded: a ring for each CPU, in memory that the program shares.
 *
 * *Problem.* Records come on all CPUs at once, tens of millions a second at worst, while threads are stopped in the middle of
 * writing one, are killed there, or write nonsense into the ring. Consumers want them in order, each once, and to know of
 * each that is missing.
 *
 * *Method.* A cell whose first word is 0 is not written; {@linkcode RecordRings.collect} goes through each ring up to the
 * first record that is not committed, and merges what it has found by time. Records are read where they are.
 * {@linkcode RecordRings.release} sets the first words of their cells to 0 and moves the tail, after which pads may use them
 * again. When nobody is left to write, records that were begun are skipped.
 *
 * *Order.* Consumers follow a thread from record to record, so each thread's have to come in its own order, though it moves
 * from CPU to CPU and rings are not read at the same moment. {@linkcode RecordRings.collect} is told a time from before it looks
 * at the first ring, and gives out nothing younger: when a record of that time or before was begun, its thread had finished all
 * that it had written earlier, and the rings are found to hold it. But a cell that is not finished hides what is behind it. So
 * nothing is given out either that may be younger than that cell, which was begun after its ring was last seen to end before
 * it, and after the records before it. What is collected and not given out is *held* until the next collection, and so are the
 * cells behind it.
 *
 * *Untrusted.* The program can write anything into the ring. A place in it never leads outside of it, and what a header says
 * is checked; what makes no sense is passed over and counted.
 *
 * *Invariants.*
 * - The first words of all cells from the tail, as this module knows it, up to the head that it has seen are 0, or belong to a
 *   record that was begun since.
 * - Between `collect` and `release` nothing changes what was collected but the program itself.
 *
 * @module
 */

import { CELL_BYTES, type PadMemory, RECORD_CELLS_LIMIT } from "../isa/jumps.ts";

const CELL_WORDS = CELL_BYTES / 4;
/** The most cells of one ring that are collected at once. */
const COLLECTED_LIMIT = 1 << 14;
/** Of how many records before an unread cell one at least was not interrupted between its beginning and its time. */
const UNDISTURBED = 64;
/** How long a cell that is not finished keeps others waiting, in ticks: its thread has lost its CPU, or it was destroyed. */
const HELD_TICKS_LIMIT = 1e9;
/** How a header is cut: above the number of cells, below that of the site. */
const CELLS_SHIFT = 24;
const SITE_MASK = (1 << CELLS_SHIFT) - 1;

/** What is known of one ring. */
interface Ring {
  /** Where its cells begin, and the words of its ends are, as indices of words. */
  readonly cells: number;
  readonly head: number;
  readonly tail: number;
  /** The first cell that was not released. */
  released: number;
  /** The first cell that was not collected. */
  collected: number;
  /** What was collected of it and not released, in order of time; undefined until there is anything. */
  ticks: Float64Array | undefined;
  places: Uint32Array | undefined;
  total: number;
  /** How many of them have been given out. */
  merged: number;
  /** A time at which no cell had been begun that was not collected. */
  horizon: number;
  /** Since when nothing more of it could be collected, though something was begun; infinite if that is not so. */
  heldSince: number;
  /** How many records were collected, and the oldest of the last ones and of as many before. */
  recordsTotal: number;
  oldest: number;
  oldestBefore: number;
}

/** See the module's comment. */
export class RecordRings {
  /** The times of the collected records, ascending, in ticks since the base. */
  ticks: Float64Array = new Float64Array();
  /** Where they begin, as indices of 32-bit words. */
  places: Uint32Array = new Uint32Array();
  /** All records up to this time have been given out, in ticks since the base; infinite if order was not asked for. */
  horizon = -Infinity;
  /** How many cells have been passed over because the program has destroyed what was in them. */
  damagedTotal = 0;
  /** How many records were begun and never finished, because their threads were killed. */
  unfinishedTotal = 0;
  /** All areas. */
  readonly words: Uint32Array;
  readonly #rings: Ring[];
  readonly #areaWords: number;
  readonly #mask: number;
  readonly #baseLo: number;
  readonly #baseHi: number;

  /**
   * Makes the reader of rings in which nothing was written yet.
   *
   * @param words All areas.
   * @param memory Where the rings are in them.
   * @param base The time in ticks that others are relative to, as two halves.
   */
  constructor(words: Uint32Array, { areasTotal, areaBytes, ring }: PadMemory, base: readonly [lo: number, hi: number]) {
    this.words = words;
    this.#areaWords = areaBytes / 4;
    this.#mask = ring.cellsTotal - 1;
    [this.#baseLo, this.#baseHi] = base;
    this.#rings = Array.from({ length: areasTotal }, (_, area) => ({
      cells: (area * areaBytes + ring.cellsOffset) / 4,
      head: (area * areaBytes + ring.headOffset) / 4,
      tail: (area * areaBytes + ring.tailOffset) / 4,
      released: 0,
      collected: 0,
      ticks: undefined,
      places: undefined,
      total: 0,
      merged: 0,
      horizon: 0,
      heldSince: Infinity,
      recordsTotal: 0,
      oldest: Infinity,
      oldestBefore: Infinity,
    }));
  }

  /**
   * Tells how full the fullest ring is.
   *
   * @returns The part of its cells that is used, from 0 to 1.
   */
  get fill(): number {
    let most = 0;
    for (const { head, released } of this.#rings) most = Math.max(most, (this.words[head]! - released) >>> 0);
    return Math.min(most / (this.#mask + 1), 1);
  }

  /** Whether everything that pads have reserved has been released. */
  get isEmpty(): boolean {
    return this.#rings.every(({ head, released }) => this.words[head] === released);
  }

  /**
   * Collects records that are committed, and gives out those whose order is certain. Those that were given out before have been
   * released.
   *
   * @param now The time in ticks since the base, asked for before this call; infinite to give out what there is, whatever is
   *   still to come.
   * @param isFinal Whether no thread is left that writes, so that what was begun will never be finished.
   * @returns How many are in {@linkcode RecordRings.places} and {@linkcode RecordRings.ticks}.
   */
  collect(now: number, isFinal: boolean = false): number {
    this.horizon = now;
    let filled: Ring | undefined;
    let others = 0;
    for (const ring of this.#rings) {
      this.#collectRing(ring, now, isFinal);
      if (now - ring.heldSince < HELD_TICKS_LIMIT) this.horizon = Math.min(this.horizon, ring.horizon);
      if (ring.total === 0) continue;
      if (filled === undefined) filled = ring;
      else others++;
    }
    if (filled === undefined) return 0;
    let total = 0;
    for (const ring of this.#rings) if (ring.total > 0) total += this.#giveOut(ring);
    if (others > 0) {
      this.#merge(total);
    } else {
      this.ticks = filled.ticks!;
      this.places = filled.places!;
    }
    return total;
  }

  /** Lets pads use the cells again that were given out, up to the first one that was not. */
  release(): void {
    const { words } = this;
    for (const ring of this.#rings) {
      if (ring.collected === ring.released) continue;
      const end = this.#firstHeld(ring);
      for (let cell = ring.released; cell !== end; cell = (cell + 1) >>> 0) {
        words[ring.cells + (cell & this.#mask) * CELL_WORDS] = 0;
      }
      ring.released = end;
      Atomics.store(words, ring.tail, end);
    }
  }

  /**
   * Tells which CPU a record was written on.
   *
   * @param place Where it begins.
   * @returns The number of its area.
   */
  areaOf(place: number): number {
    return Math.floor(place / this.#areaWords);
  }

  /**
   * Tells which site a record is of.
   *
   * @param place Where it begins.
   * @returns The number of the site.
   */
  siteOf(place: number): number {
    return this.words[place]! & SITE_MASK;
  }

  #collectRing(ring: Ring, now: number, isFinal: boolean): void {
    const { words } = this;
    if (ring.merged > 0 || ring.total > 0) this.#keepHeld(ring, now);
    const head = Atomics.load(words, ring.head);
    const used = (head - ring.released) >>> 0;
    if (used > this.#mask + 1) return this.#skipAll(ring, head);
    let seen = (ring.collected - ring.released) >>> 0;
    const ticks = ring.ticks ??= used === 0 ? undefined : new Float64Array(COLLECTED_LIMIT);
    const places = ring.places ??= used === 0 ? undefined : new Uint32Array(COLLECTED_LIMIT);
    let { total } = ring;
    const first = ring.collected;
    while (seen < used && total < COLLECTED_LIMIT) {
      const place = ring.cells + (ring.collected & this.#mask) * CELL_WORDS;
      const header = Atomics.load(words, place);
      const site = header & SITE_MASK;
      let cells = header >>> CELLS_SHIFT;
      if (site === 0 && !isFinal) break;
      if (site === 0) {
        this.unfinishedTotal++;
        cells = Math.max(cells, 1);
      }
      if (cells === 0 || cells > RECORD_CELLS_LIMIT || seen + cells > used) {
        this.damagedTotal++;
        cells = 1;
      } else if (site !== 0) {
        const time = (words[place + 3]! - this.#baseHi) * 2 ** 32 + (words[place + 2]! - this.#baseLo);
        // Nearly always behind the last one: only a thread that lost its CPU makes an exception.
        let at = total++;
        for (; at > 0 && ticks![at - 1]! > time; at--) {
          ticks![at] = ticks![at - 1]!;
          places![at] = places![at - 1]!;
        }
        ticks![at] = time;
        places![at] = place;
        if (ring.recordsTotal++ % UNDISTURBED === 0) {
          ring.oldestBefore = ring.oldest;
          ring.oldest = time;
        } else if (time < ring.oldest) ring.oldest = time;
      }
      seen += cells;
      ring.collected = (ring.collected + cells) >>> 0;
    }
    ring.total = total;
    const { oldest, oldestBefore } = ring;
    const known = seen === used ? now : oldestBefore === Infinity ? 0 : Math.min(oldest, oldestBefore);
    if (known < Infinity) ring.horizon = Math.max(ring.horizon, known);
    if (seen === used) ring.heldSince = Infinity;
    else if (ring.collected !== first || ring.heldSince === Infinity) ring.heldSince = now;
  }

  /** Keeps what was not given out the last time. No time can be to come that was found then. */
  #keepHeld(ring: Ring, now: number): void {
    const { ticks, places, merged } = ring;
    ring.total -= merged;
    ring.merged = 0;
    if (ring.total === 0) return;
    ticks!.copyWithin(0, merged, merged + ring.total);
    places!.copyWithin(0, merged, merged + ring.total);
    for (let at = ring.total - 1; at >= 0 && ticks![at]! > now; at--) ticks![at] = now;
  }

  /** Decides how many records of a ring are given out. Returns how many. */
  #giveOut(ring: Ring): number {
    let count = ring.total;
    while (count > 0 && ring.ticks![count - 1]! > this.horizon) count--;
    ring.merged = count;
    return count;
  }

  /** The first cell that has to stay: that of a record which was collected and not given out, or was not collected. */
  #firstHeld({ cells, places, released, collected, merged, total }: Ring): number {
    let least = (collected - released) >>> 0;
    for (let i = merged; i < total; i++) {
      const cell = (places![i]! - cells) / CELL_WORDS;
      least = Math.min(least, (cell - released) & this.#mask);
    }
    return (released + least) >>> 0;
  }

  /** Passes over all that is in a ring whose ends make no sense. */
  #skipAll(ring: Ring, head: number): void {
    this.damagedTotal++;
    for (let cell = 0; cell <= this.#mask; cell++) this.words[ring.cells + cell * CELL_WORDS] = 0;
    ring.total = ring.merged = 0;
    ring.released = ring.collected = head;
    Atomics.store(this.words, ring.tail, head);
  }

  #merge(total: number): void {
    if (this.ticks.length < total || this.#rings.some(({ ticks }) => ticks === this.ticks)) {
      const size = 2 ** Math.ceil(Math.log2(Math.max(total, 1)));
      this.ticks = new Float64Array(size);
      this.places = new Uint32Array(size);
    }
    const { ticks, places } = this;
    const filled = this.#rings.filter((ring) => ring.merged > 0);
    const next = filled.map(() => 0);
    for (let at = 0; at < total; at++) {
      let first = -1;
      let time = Infinity;
      for (let i = 0; i < filled.length; i++) {
        const ring = filled[i]!;
        if (next[i] === ring.merged || ring.ticks![next[i]!]! >= time) continue;
        first = i;
        time = ring.ticks![next[i]!]!;
      }
      if (first < 0) break;
      ticks[at] = time;
      places[at] = filled[first]!.places![next[first]!++]!;
    }
  }
}
