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
 * *Order.* Those of each thread in its own, whichever CPUs it was on. Pads leave each ring in order of time. Collections are
 * told a time from before they look at the first ring, and give nothing that is newer: when such a record was begun, all that
 * its thread had done earlier was in the rings. And a ring that ends in a record that is not committed hides what is behind
 * it: nothing is given either that is newer than the record before that, or than the last collection that did not see it begun.
 * What is held back so waits for the next collection, until that record is committed, or until its thread has been led out of
 * it in vain ({@linkcode RecordRings.settle}). Time alone ends nothing: a tracer that has lost its CPU for long would believe
 * that it has waited. Records of several threads are in the order of their times, but for one whose thread lost its CPU between
 * reading the time and reserving the record.
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
import type { TickClock } from "./tick_clock.ts";

const CELL_WORDS = CELL_BYTES / 4;
/** The most cells of one ring that are collected at once. */
const COLLECTED_LIMIT = 1 << 14;
/**
 * How many cells are gone through by one call: few enough that the functions that do so become hot soon after the start. What is
 * hot only by its loop is compiled anew each time.
 */
const RUN_CELLS = 128;
/** How far in the future the time of a record may be at most, in seconds. */
const FUTURE_S = 0.1;
/** After how many seconds, or how full a ring may be before it is worth while to stop the threads. */
const OVERDUE_S = 0.0125;
const OVERDUE_FILL = 0.5;
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
  /** What was collected of it; undefined until there is anything. */
  ticks: Float64Array | undefined;
  places: Uint32Array | undefined;
  total: number;
  /** How many of them have been merged. */
  merged: number;
  /** How many were passed over because they cannot be read. */
  unreadable: number;
  /** Whether what was not collected begins with a record that is not committed, and whether it did so the last time. */
  isBlocked: boolean;
  isStuck: boolean;
  /** Whether nobody is going to commit it. */
  isSettled: boolean;
  /** A time that what was not collected is not before. */
  knownTicks: number;
  /** The cell that it begins in, or did, and when that was first seen. */
  blockedCell: number;
  blockedTicks: number;
}

/** See the module's comment. */
export class RecordRings {
  /** The times of the collected records, ascending, in ticks since the base. */
  ticks: Float64Array = new Float64Array();
  /** Where they begin, as indices of 32-bit words. */
  places: Uint32Array = new Uint32Array();
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
  readonly #futureTicks: number;
  readonly #overdueTicks: number;
  /** Up to when records were wanted the last time that not all were. */
  #untilTicks = 0;

  /**
   * Makes the reader of rings in which nothing was written yet.
   *
   * @param words All areas.
   * @param memory Where the rings are in them.
   * @param clock The time in ticks that others are relative to, as two halves, and how many there are in a second.
   */
  constructor(
    words: Uint32Array,
    { areasTotal, areaBytes, ring }: PadMemory,
    { base, ticksPerSecond }: Pick<TickClock, "base" | "ticksPerSecond">,
  ) {
    this.words = words;
    this.#areaWords = areaBytes / 4;
    this.#mask = ring.cellsTotal - 1;
    [this.#baseLo, this.#baseHi] = base;
    this.#futureTicks = FUTURE_S * ticksPerSecond;
    this.#overdueTicks = OVERDUE_S * ticksPerSecond;
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
      unreadable: 0,
      isBlocked: false,
      isStuck: false,
      isSettled: false,
      knownTicks: -Infinity,
      blockedTicks: -Infinity,
      blockedCell: -1,
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

  /** Whether there were records that could not be collected, because one before them was not committed. */
  get isBlocked(): boolean {
    return this.#rings.some(({ isBlocked }) => isBlocked);
  }

  /** Whether that was so the last two times, and for the same record, because its thread does not run. */
  get isStuck(): boolean {
    return this.#rings.some(({ isStuck }) => isStuck);
  }

  /** Whether that has lasted so long, or rings are so full meanwhile, that the thread should be led out. */
  get isOverdue(): boolean {
    const isFull = this.fill > OVERDUE_FILL;
    const isLong = ({ blockedTicks }: Ring) => this.#untilTicks - blockedTicks > this.#overdueTicks;
    return this.#rings.some((ring) => ring.isStuck && !ring.isSettled && (isFull || isLong(ring)));
  }

  /**
   * Collects records that are committed. Those that were collected before have been released.
   *
   * @param isFinal Whether no thread is left that writes, so that what was begun will never be finished.
   * @param untilTicks Those up to which time are wanted: a time that was read before this call, in ticks since the base. If
   *   nobody is left, all are.
   * @returns How many are in {@linkcode RecordRings.places} and {@linkcode RecordRings.ticks}.
   */
  collect(isFinal: boolean, untilTicks: number): number {
    let total = 0;
    let filled: Ring | undefined;
    let others = 0;
    for (const ring of this.#rings) this.#collectRing(ring, isFinal);
    if (!isFinal) this.#holdBack(untilTicks);
    for (const ring of this.#rings) {
      if (ring.total === 0) continue;
      total += ring.total;
      if (filled === undefined) filled = ring;
      else others++;
    }
    if (filled === undefined) return 0;
    if (others > 0) {
      this.#merge(total);
    } else {
      this.ticks = filled.ticks!;
      this.places = filled.places!;
    }
    return total;
  }

  /** Leaves what was collected to the next collection. */
  putBack(): void {
    for (const ring of this.#rings) ring.collected = ring.released;
  }

  /**
   * Lets pads use the cells again that were collected.
   *
   * @param passedOver Hears how many records of an area could not be read, if there were any.
   */
  release(passedOver?: (area: number, count: number) => void): void {
    for (const ring of this.#rings) {
      if (ring.collected === ring.released) continue;
      if (ring.unreadable > 0) passedOver?.(this.areaOf(ring.cells), ring.unreadable);
      for (let left = (ring.collected - ring.released) >>> 0; left > 0; left = (ring.collected - ring.released) >>> 0) {
        this.#releaseRun(ring, Math.min(left, RUN_CELLS));
      }
      Atomics.store(this.words, ring.tail, ring.released);
    }
  }

  /** Says that all threads have been led out of their records since the last collection: what holds back others then does so no more. */
  settle(): void {
    for (const ring of this.#rings) ring.isSettled = ring.isStuck;
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

  #releaseRun(ring: Ring, count: number): void {
    const { words } = this;
    const mask = this.#mask;
    const { cells, released } = ring;
    for (let i = 0; i < count; i++) words[cells + ((released + i) & mask) * CELL_WORDS] = 0;
    ring.released = (released + count) >>> 0;
  }

  /** Gives back what is newer than what may still come. */
  #holdBack(untilTicks: number): void {
    this.#untilTicks = untilTicks;
    let cut = untilTicks;
    for (const ring of this.#rings) cut = Math.min(cut, this.#findKnown(ring, untilTicks));
    for (const ring of this.#rings) {
      // What cannot have happened yet was not written by a pad.
      const isDamaged = ring.total > 0 && ring.ticks![0]! > untilTicks + this.#futureTicks;
      if (ring.total > 0 && ring.ticks![ring.total - 1]! > cut && !isDamaged) this.#shorten(ring, cut);
    }
  }

  /** Finds a time, at most the one given, that what was not collected of a ring is not before. */
  #findKnown(ring: Ring, untilTicks: number): number {
    const isFull = ring.total === COLLECTED_LIMIT;
    ring.isStuck = ring.isBlocked && ring.blockedCell === ring.collected;
    if (!ring.isBlocked && !isFull) return ring.knownTicks = untilTicks;
    if (ring.total > 0) ring.knownTicks = Math.max(ring.knownTicks, ring.ticks![ring.total - 1]!);
    if (isFull) return ring.knownTicks;
    if (!ring.isStuck) {
      ring.blockedCell = ring.collected;
      ring.blockedTicks = untilTicks;
      ring.isSettled = false;
    }
    return ring.isSettled ? untilTicks : ring.knownTicks;
  }

  /** Gives back what is newer than a time. */
  #shorten(ring: Ring, cut: number): void {
    let total = ring.total;
    while (total > 0 && ring.ticks![total - 1]! > cut) total--;
    if (total === ring.total) return;
    const cell = (ring.places![total]! - ring.cells) / CELL_WORDS;
    ring.total = total;
    ring.collected = (ring.released + ((cell - ring.released) & this.#mask)) >>> 0;
  }

  /** Collects the records of a ring up to the first that is not committed. */
  #collectRing(ring: Ring, isFinal: boolean): void {
    const { words } = this;
    ring.total = 0;
    ring.merged = 0;
    ring.unreadable = 0;
    ring.isBlocked = false;
    const head = Atomics.load(words, ring.head);
    const used = (head - ring.released) >>> 0;
    if (used === 0) return;
    if (used > this.#mask + 1) return this.#skipAll(ring, head);
    const ticks = ring.ticks ??= new Float64Array(COLLECTED_LIMIT);
    const places = ring.places ??= new Uint32Array(COLLECTED_LIMIT);
    ring.collected = ring.released;
    while (ring.collected !== head && ring.total < COLLECTED_LIMIT && !ring.isBlocked) {
      this.#collectRun(ring, head, ticks, places, isFinal);
    }
  }

  /** The same of some cells, from the first that was not collected on. */
  #collectRun(ring: Ring, head: number, ticks: Float64Array, places: Uint32Array, isFinal: boolean): void {
    const { words } = this;
    const [baseLo, baseHi] = [this.#baseLo, this.#baseHi];
    let { total, collected: cell } = ring;
    const limit = Math.min(total + RUN_CELLS, COLLECTED_LIMIT);
    for (let left = (head - cell) >>> 0; left > 0 && total < limit; left = (head - cell) >>> 0) {
      const place = ring.cells + (cell & this.#mask) * CELL_WORDS;
      const header = Atomics.load(words, place);
      const site = header & SITE_MASK;
      let cells = header >>> CELLS_SHIFT;
      if (site === 0 && !isFinal) {
        ring.isBlocked = true;
        break;
      }
      if (site === 0) {
        this.unfinishedTotal++;
        ring.unreadable++;
        cells = Math.max(cells, 1);
      }
      if (cells === 0 || cells > RECORD_CELLS_LIMIT || cells > left) {
        this.damagedTotal++;
        ring.unreadable++;
        cells = 1;
      } else if (site !== 0) {
        const time = (words[place + 3]! - baseHi) * 2 ** 32 + (words[place + 2]! - baseLo);
        // What is behind another one is no older.
        ticks[total] = total > 0 ? Math.max(ticks[total - 1]!, time) : time;
        places[total++] = place;
      }
      cell = (cell + cells) >>> 0;
    }
    ring.total = total;
    ring.collected = cell;
  }

  /** Passes over all that is in a ring whose ends make no sense. */
  #skipAll(ring: Ring, head: number): void {
    this.damagedTotal++;
    for (let cell = 0; cell <= this.#mask; cell++) this.words[ring.cells + cell * CELL_WORDS] = 0;
    ring.released = ring.collected = head;
    Atomics.store(this.words, ring.tail, head);
  }

  #merge(total: number): void {
    if (this.ticks.length < total || this.#rings.some(({ ticks }) => ticks === this.ticks)) {
      const size = 2 ** Math.ceil(Math.log2(total));
      this.ticks = new Float64Array(size);
      this.places = new Uint32Array(size);
    }
    const { ticks, places } = this;
    const filled = this.#rings.filter((ring) => ring.total > 0);
    for (let at = 0; at < total; at++) {
      let first: Ring | undefined;
      let time = Infinity;
      for (let i = 0; i < filled.length; i++) {
        const ring = filled[i]!;
        if (ring.merged === ring.total || ring.ticks![ring.merged]! >= time) continue;
        first = ring;
        time = ring.ticks![ring.merged]!;
      }
      if (first === undefined) break;
      ticks[at] = time;
      places[at] = first.places![first.merged++]!;
    }
  }
}
