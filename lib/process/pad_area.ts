/**
 * What pads share with the tracer: counters and a ring of records, an area of them for each CPU.
 *
 * *Problem.* What a hit has left must be there when the target has ended or executed another program a microsecond later, and
 * reading them must not cost the target anything.
 *
 * *Method.* A file in memory that the target has made and mapped, and of which the tracer has a duplicate
 * (pidfd_getfd(2)): both see the same pages. A counter has 8 bytes in the area of each CPU; its value is their sum. A counter
 * is given away with the value that it has then, since adding to it is all that a pad can do; those of extremes apart
 * (`pad_tallies.ts`).
 *
 * Records are read by `record_rings.ts`, from the first one that is wanted on.
 *
 * *Captures.* A word in the file says whether pads may read memory of the program (`isa/x86_64/capture.ts`). It is in the list
 * of robust futexes of the tracing thread, which the kernel goes through when that is killed, before it lets go of the
 * target: so pads read nothing any more that nobody would be there to mend. A bit of it has pads ask the kernel before each
 * page: while no one waits for stops, so that a fault would not be answered at once, and for ever when a page that had been
 * read was not there any more, which nearly no program comes to.
 *
 * *Untrusted.* The program can write anything into these pages. What is read of a counter is taken for a number of hits, and
 * nothing else is concluded from it.
 *
 * @module
 */

import { type Kernel, mappedMemory } from "../../ffi/ffi.ts";
import { type Address, toAddress } from "../address.ts";
import type { CaptureMemory, PadAction, PadMemory, RecordWriter, RingLayout } from "../isa/jumps.ts";
import { CounterSpace } from "./counter_space.ts";
import type { Image } from "./process.ts";
import { RecordRings } from "./record_rings.ts";
import { RecordThreads } from "./record_threads.ts";
import { TickClock } from "./tick_clock.ts";

/** The size of a counter in bytes. */
const COUNTER_BYTES = 8;
/** How often a counter that changes all the time is read at most. */
const TRIES_LIMIT = 8;
/** Sites have numbers from 1 up to this, which are used again when all have been (`RecordAction` of `isa/jumps.ts`). */
const SITES_LIMIT = 2 ** 24 - 1;

/** `FUTEX_WAITERS` (linux/futex.h), which has no other meaning in the word `alive`. */
const DISTRUSTED = 0x80000000;
/** How far before the end of the file that word is, and how large the page is that it is in (`ft_mark_end`). */
const ALIVE_BYTES = 16;
const PAGE_BYTES = 4096;

/** What it takes to read records. */
export interface Recording {
  /** The rings. */
  readonly rings: RecordRings;
  /** Their time. */
  readonly clock: TickClock;
  /** Their threads. */
  readonly threads: RecordThreads;
}

/** Where in each area the pages are noted that could be read. */
type Pages = Omit<CaptureMemory, "alive">;

/** See the module's comment. */
export class PadArea implements PadMemory, Disposable {
  /** See {@linkcode PadMemory.enabled}. */
  readonly enabled: Address;
  /** See {@linkcode PadMemory.areas}. */
  readonly areas: Address;
  /** See {@linkcode PadMemory.areasTotal}. */
  readonly areasTotal: number;
  /** See {@linkcode PadMemory.areaBytes}. */
  readonly areaBytes: number;
  /** See {@linkcode PadMemory.ring}. */
  readonly ring: RingLayout;
  /** See {@linkcode PadMemory.captures}. */
  readonly captures: CaptureMemory;
  /** Whether any pad reads memory of the program. */
  readsMemory = false;
  readonly #counters: CounterSpace;
  readonly #kernel: Kernel;
  readonly #address: Address;
  readonly #words: Uint32Array;
  /** What {@linkcode Kernel.call.ft_mark_end} has given; negative if it could not. */
  readonly #endMark: number;
  #isDistrusted = false;
  #open = true;
  #lastSite = 0;
  readonly #freed: PadAction[] = [];
  readonly #freedSites: number[] = [];
  #recording: Recording | undefined;

  /**
   * Maps the file into the tracer.
   *
   * @param kernel The kernel's requests.
   * @param fd The file, of the size of all areas.
   * @param places Where it is in the target.
   * @throws {SystemError} If it cannot be mapped.
   */
  constructor(kernel: Kernel, fd: number, memory: Omit<PadMemory, "captures"> & { readonly pages: Pages }) {
    const { enabled, areas, areasTotal, areaBytes, ring, pages } = memory;
    this.#kernel = kernel;
    this.enabled = enabled;
    this.areas = areas;
    this.areasTotal = areasTotal;
    this.areaBytes = areaBytes;
    this.ring = ring;
    this.captures = { ...pages, alive: toAddress(areas + this.sizeBytes - ALIVE_BYTES) };
    this.#counters = new CounterSpace(Math.min(ring.headOffset, ring.tailOffset, ring.cellsOffset) / COUNTER_BYTES);
    this.#address = toAddress(
      kernel.check(kernel.call.ft_map(fd, 0, this.sizeBytes, 1), "map", "the memory of pads"),
    );
    this.#words = new Uint32Array(mappedMemory(this.#address, this.sizeBytes));
    this.#endMark = kernel.call.ft_mark_end(fd, this.sizeBytes - PAGE_BYTES);
    this.#isDistrusted = this.#endMark < 0;
    this.trust(false);
  }

  /** The size of all areas together in bytes. */
  get sizeBytes(): number {
    return this.areasTotal * this.areaBytes;
  }

  /**
   * Takes counters.
   *
   * @param count How many in a row, from 1 to 128.
   * @returns The offset of the first in each area in bytes; undefined if there are not so many.
   */
  takeCounters(count: number = 1): number | undefined {
    const first = this.#counters.take(count);
    return first === undefined ? undefined : first * COUNTER_BYTES;
  }

  /**
   * Notes that no thread is in a pad any more, so that its counter does not change, and all its records are in the rings.
   *
   * @param action What the pad did.
   */
  free(action: PadAction): void {
    this.#freed.push(action);
    if (action.kind === "record") this.#freedSites.push(action.site);
  }

  /**
   * Gives counters back. No pad changes them any more, and nobody has to read them.
   *
   * @param offset The offset of the first.
   * @param count As many as were asked for.
   */
  freeCounters(offset: number, count: number = 1): void {
    this.#counters.give(offset / COUNTER_BYTES, count);
  }

  /**
   * Reads a counter.
   *
   * @param offset Its offset.
   * @returns The sum over all CPUs since the areas were made; exact below 2^53, 0 when they are gone.
   */
  read(offset: number): number {
    if (!this.#open) return 0;
    let sum = 0;
    for (let area = 0; area < this.areasTotal; area++) {
      const index = (area * this.areaBytes + offset) / 4;
      // The high half first: a carry in between is seen with the next reading at the latest. What is read behind a counter is
      // not older than that, whatever the processor does early.
      let high = Atomics.load(this.#words, index + 1);
      let low = Atomics.load(this.#words, index);
      if (Atomics.load(this.#words, index + 1) !== high) {
        high = Atomics.load(this.#words, index + 1);
        low = Atomics.load(this.#words, index);
      }
      sum += high * 2 ** 32 + low;
    }
    return sum;
  }

  /**
   * Reads what each CPU has in a counter.
   *
   * @param offset Its offset.
   * @returns The counts by the numbers of the CPUs.
   */
  readAll(offset: number): number[] {
    const halves = new Int32Array(2);
    return Array.from({ length: this.areasTotal }, (_, area) => {
      this.readOne(area, offset, halves);
      return (halves[1]! >>> 0) * 2 ** 32 + (halves[0]! >>> 0);
    });
  }

  /**
   * Reads what one CPU has in a counter, at one moment.
   *
   * @param area The number of the CPU's area.
   * @param offset The offset of the counter.
   * @param into Receives the low and the high half at index 0 and 1; zeros when the areas are gone.
   */
  readOne(area: number, offset: number, into: Int32Array): void {
    into.fill(0);
    if (!this.#open) return;
    const index = (area * this.areaBytes + offset) / 4;
    // Halves that are the same at two readings were there together, since no counter changes back and forth in between.
    for (let tries = 0; tries < TRIES_LIMIT; tries++) {
      const high = Atomics.load(this.#words, index + 1);
      const low = Atomics.load(this.#words, index);
      const isSame = high === into[1]! >>> 0 && low === into[0]! >>> 0;
      into[0] = low;
      into[1] = high;
      if (tries > 0 && isSame) return;
    }
  }

  /**
   * Sets a counter that no pad changes.
   *
   * @param offset Its offset.
   * @param lo The low half of what each CPU has in it then.
   * @param hi The high half.
   */
  setAll(offset: number, lo: number, hi: number): void {
    if (!this.#open) return;
    for (let area = 0; area < this.areasTotal; area++) {
      const index = (area * this.areaBytes + offset) / 4;
      this.#words[index] = lo;
      this.#words[index + 1] = hi;
    }
  }

  /** What it takes to read records; undefined as long as none are wanted, and when the areas are gone. */
  get recording(): Recording | undefined {
    return this.#open ? this.#recording : undefined;
  }

  /**
   * Lets pads read pages of the program again that they could read before without asking the kernel, or stops that.
   *
   * @param isPresent Whether the tracer is there to answer a fault at once.
   */
  trust(isPresent: boolean): void {
    if (!this.#open) return;
    const alive = (this.sizeBytes - ALIVE_BYTES) / 4;
    if (!isPresent || this.#isDistrusted) Atomics.or(this.#words, alive, DISTRUSTED);
    else if (this.#words[alive]! >= DISTRUSTED) Atomics.and(this.#words, alive, ~DISTRUSTED);
  }

  /** Has pads ask the kernel before they read a page of the program, from now on. */
  distrust(): void {
    this.#isDistrusted = true;
    this.trust(false);
  }

  /**
   * Prepares for records.
   *
   * @param image The image, whose threads are stopped.
   * @param writer How its pads write them.
   * @throws {SystemError} If the clock of the CPU cannot be read.
   */
  record(image: Image, writer: RecordWriter): void {
    if (this.#recording !== undefined) return;
    const clock = new TickClock(this.#kernel);
    clock.read();
    this.#recording = {
      clock,
      rings: new RecordRings(this.#words, this, clock),
      threads: new RecordThreads(this.#kernel, clock, writer, image),
    };
  }

  /**
   * Takes a number for a site whose hits are recorded. Numbers are used again only when all have been.
   *
   * @returns The number.
   */
  takeSite(): number {
    this.#lastSite = this.#lastSite % SITES_LIMIT + 1;
    return this.#lastSite;
  }

  /**
   * Takes what those pads did that have been freed since the last call. Their counters have still to be read and freed.
   *
   * @returns What they did.
   */
  takeFreed(): readonly PadAction[] {
    return this.#freed.splice(0);
  }

  /**
   * Takes the numbers of sites whose pads have been freed since the last call. Their last records are in the rings.
   *
   * @returns The numbers.
   */
  takeFreedSites(): readonly number[] {
    return this.#freedSites.splice(0);
  }

  /** Unmaps the areas from the tracer. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#endMark >= 0) this.#kernel.call.ft_unmark_end(this.#endMark);
    this.#kernel.call.ft_unmap(this.#address, this.sizeBytes);
  }
}
