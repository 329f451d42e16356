/**
 * Records of hits on their way from the rings to the consumers.
 *
 * *Problem.* Pads write records whenever they like. Whoever reads them has to know whose they are: which tracepoint, which
 * probes, which thread, and what was enabled at the time.
 *
 * *Method.* A record names its site by a number; the tracepoint that had it then gives the probes, and they their consumers. So
 * that these are those of the time of the hit, records are drained before anything changes of that, and the number of a site is
 * forgotten when its pad is free and the rings are empty. Threads are told by `record_threads.ts`.
 *
 * *Order.* Records of one process come in the order of their times, but for what `record_rings.ts` says. A thread that stays
 * in the middle of one too long is stopped and led out, and so is one when the hit of a stopped thread is to be handled, of
 * which records might be behind it. So each thread's hits come in its own order, whichever way they are performed.
 *
 * *Invariants.*
 * - Nothing is allocated for a record, and nothing thrown: what a consumer throws is kept, and the first of it given to
 *   whoever runs the session.
 * - Consumers may do anything, let the process go as well: memory that is being read is unmapped only after that.
 *
 * @module
 */

import { layOut, type PlacedCapture, sizeOfRegisters, sizeOfValues } from "../isa/captures.ts";
import type { Isa } from "../isa/isa.ts";
import type { RecordAction } from "../isa/jumps.ts";
import { finishCaptures } from "../process/captures.ts";
import type { Recording } from "../process/pad_area.ts";
import type { Image } from "../process/process.ts";
import type { ThreadIdentity } from "../process/record_threads.ts";
import type { Tracer } from "../process/tracer.ts";
import { RecordView, UNKNOWN_CPU } from "./hit_record.ts";
import type { Probe } from "./probe.ts";
import { findPlaces, type ValuePlaces } from "./recorded_values.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** How often rings are collected in one go at most, if others wait, and if all that was in them is wanted. */
const ROUNDS_LIMIT = 6;
const COMPLETE_ROUNDS_LIMIT = 64;
/**
 * How many records are gone through by one call: few enough that the functions that do so become hot soon after the start, and many
 * enough that calling them costs nothing. What is hot only by its loop is compiled anew each time.
 */
const RUN_RECORDS = 128;

/** How records are drained. */
interface DrainOptions {
  /** Whether nobody is left who could finish a record. */
  readonly isFinal?: boolean;
  /** Whether it is done now and then: threads may be stopped, to look at one that is not known or to help one out. */
  readonly isRoutine?: boolean;
}

/** Whose records bear a number, and what is in them. */
interface RecordedSite {
  readonly tracepoint: Tracepoint;
  readonly values: RecordAction["values"];
  /** What is in them beside the values. */
  readonly captured: readonly PlacedCapture[];
  /** Where probes find their arguments, as far as that was asked for. */
  readonly places: Map<Probe, ValuePlaces | undefined>;
  /** The answer to the last question. */
  lastProbe: Probe | undefined;
  lastPlaces: ValuePlaces | undefined;
}

type SitesByNumber = ReadonlyMap<number, RecordedSite> | undefined;

const NOTHING_SPECIAL: DrainOptions = {};
const ROUTINE: DrainOptions = { isRoutine: true };

/** See the module's comment. */
export class Records {
  readonly #tracer: Tracer;
  /** The sites by their numbers. */
  readonly #byImage = new Map<Image, Map<number, RecordedSite>>();
  readonly #view = new RecordView();
  readonly #errors: unknown[] = [];
  #drained: Image | undefined;
  /**
   * How many records could not be read, by the CPU that they were written on: threads were killed in the middle of them, or the program
   * has destroyed them. Nobody can tell whose they were.
   */
  readonly unreadableByCpu: Map<number, number> = new Map();
  /** What is to be done when the image that is being drained has been. */
  readonly #atEnd: (() => void)[] = [];

  /**
   * Makes the way of no records.
   *
   * @param tracer The tracer.
   */
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** How full the fullest ring is, from 0 to 1; undefined if there is none. */
  get fill(): number | undefined {
    let most: number | undefined;
    for (const { pads } of this.#byImage.keys()) most = Math.max(most ?? 0, pads.area?.recording?.rings.fill ?? 0);
    return most;
  }

  /**
   * Notes whose records bear a number.
   *
   * @param tracepoint The tracepoint, whose pad is about to be used.
   * @param action What the pad does, with the number.
   */
  add(tracepoint: Tracepoint, { site, values, captures = [] }: RecordAction): void {
    const sites = this.#byImage.get(tracepoint.image) ?? new Map<number, RecordedSite>();
    const { places: captured } = layOut(
      captures,
      sizeOfRegisters(tracepoint.image.isa.registers),
      sizeOfValues(values),
    );
    const places = new Map<Probe, ValuePlaces | undefined>();
    const [lastProbe, lastPlaces] = [undefined, undefined];
    this.#byImage.set(
      tracepoint.image,
      sites.set(site, { tracepoint, values, captured, places, lastProbe, lastPlaces }),
    );
  }

  /** Gives the consumers what has been recorded, but for the last moments. No image is quiesced. */
  drainAll(): void {
    for (const image of [...this.#byImage.keys()]) {
      image.pads.area?.trust(true);
      this.drain(image, ROUTINE);
    }
  }

  /** Nobody waits for stops any more, until records are drained again. */
  rest(): void {
    for (const { pads } of this.#byImage.keys()) pads.area?.trust(false);
  }

  /**
   * Gives the consumers what has been recorded in an image until now, as far as no older record may still come. Within a
   * consumer it does nothing.
   *
   * @param image The image.
   * @param options How; by default records may still be finished, and no thread is stopped.
   */
  drain(image: Image, options: DrainOptions = NOTHING_SPECIAL): void {
    const recording = image.pads.area?.recording;
    if (recording === undefined || this.#drained !== undefined) return;
    this.#drained = image;
    try {
      this.#read(image, recording, options);
    } finally {
      this.#drained = undefined;
      for (const finish of this.#atEnd.splice(0)) finish();
    }
  }

  /**
   * Gives the consumers everything that has been recorded in an image until now, also what its threads were interrupted in:
   * before a hit of one of them is handled that comes after it, or before others hear of it. Within a consumer it does nothing.
   *
   * @param image The image, which is not quiesced.
   */
  complete(image: Image): void {
    this.drain(image);
    const rings = image.pads.area?.recording?.rings;
    if (!rings?.isBlocked || this.#drained !== undefined || !image.alive) return;
    // What a running thread is just writing is there by now.
    this.drain(image);
    if (!rings.isStuck || !image.alive) return;
    finishCaptures(this.#tracer, image);
    rings.settle();
    this.drain(image);
  }

  /**
   * Drains for the last time in a program that is gone.
   *
   * @param image Its memory.
   * @param close What is to be done behind that; later, if records are just being read.
   */
  forget(image: Image, close: () => void): void {
    const finish = () => {
      this.drain(image, { isFinal: true });
      this.#byImage.delete(image);
      close();
    };
    if (this.#drained === undefined) finish();
    else this.#atEnd.push(finish);
  }

  /**
   * Takes the first error that a consumer has thrown since the last call.
   *
   * @returns The error in an array; undefined if none was thrown.
   */
  takeError(): [unknown] | undefined {
    const [first] = this.#errors.splice(0);
    return first === undefined ? undefined : [first];
  }

  #read(image: Image, recording: Recording, { isFinal = false, isRoutine = false }: DrainOptions): void {
    const { rings, clock } = recording;
    const sites = this.#byImage.get(image);
    const limit = isRoutine ? ROUNDS_LIMIT : COMPLETE_ROUNDS_LIMIT;
    let mayStop = isRoutine;
    for (let round = 0; round < limit; round++) {
      clock.read();
      const total = rings.collect(isFinal, clock.nowTicks);
      if (mayStop && hasStrangers(recording, total)) {
        rings.putBack();
        mayStop = false;
        // The program may have ended: then all have been told of what it left.
        if (this.#pause(image, () => this.#lookAgain(image, recording))) continue;
        return;
      }
      for (let i = 0; i < total; i += RUN_RECORDS) {
        this.#tell(image, recording, sites, i, Math.min(i + RUN_RECORDS, total));
      }
      rings.release((area, count) => this.#noteUnreadable(image, area, count));
      if (total > 0) continue;
      if (!mayStop || !rings.isOverdue || !image.alive) break;
      mayStop = false;
      if (!this.#pause(image, () => finishCaptures(this.#tracer, image))) return;
      rings.settle();
    }
    if (rings.isEmpty) { for (const site of image.pads.area!.takeFreedSites()) sites?.delete(site); }
  }

  #noteUnreadable({ isa }: Image, area: number, count: number): void {
    const cpu = tellsCpu(isa) ? area : 0;
    this.unreadableByCpu.set(cpu, count + (this.unreadableByCpu.get(cpu) ?? 0));
  }

  /** Tells the consumers of some of the records that have been collected. */
  #tell(image: Image, recording: Recording, sites: SitesByNumber, begin: number, end: number): void {
    const { rings, clock, threads } = recording;
    const { words, places, ticks } = rings;
    const view = this.#view;
    const isOnCpu = tellsCpu(image.isa);
    let number = -1;
    let untilTicks = 0;
    let thread: ThreadIdentity | undefined;
    for (let i = begin; i < end; i++) {
      const place = places[i]!;
      const site = sites?.get(rings.siteOf(place));
      if (site === undefined) continue;
      const { tracepoint, captured } = site;
      if (words[place + 1] !== number || ticks[i]! >= untilTicks) {
        number = words[place + 1]!;
        thread = threads.find(number, ticks[i]!);
        untilTicks = threads.untilTicks;
      }
      view.goTo(words, place, tracepoint, captured);
      view.pid = thread?.pid ?? image.pid;
      view.tid = thread?.tid ?? 0;
      view.cpu = isOnCpu ? rings.areaOf(place) : UNKNOWN_CPU;
      view.timestampNs = clock.toNs(ticks[i]!);
      const { before, after } = tracepoint;
      for (let j = 0; j < before.length; j++) this.#deliver(site, before[j]!);
      for (let j = 0; j < after.length; j++) this.#deliver(site, after[j]!);
    }
  }

  #deliver(site: RecordedSite, probe: Probe): void {
    const { enablings } = probe;
    probe.hitsTotal++;
    this.#view.bind(probe, placesOf(site, probe));
    for (let i = 0; i < enablings.length; i++) {
      const enabling = enablings[i]!;
      this.#view.captures = enabling.captures;
      try {
        if (enabling.recorded !== undefined) enabling.recorded(this.#view);
        else enabling.counted?.(probe, 1);
      } catch (error) {
        if (this.#errors.length === 0) this.#errors.push(error ?? new TypeError("A consumer threw nothing"));
      }
    }
    this.#view.bind(undefined);
  }

  /**
   * Does what may find that the program has ended, while nothing is collected. Returns whether there is more to be read: if not,
   * its consumers have been told of all that it left.
   */
  #pause(image: Image, action: () => void): boolean {
    this.#drained = undefined;
    try {
      action();
    } finally {
      this.#drained = image;
    }
    return image.pads.area?.recording !== undefined;
  }

  /** Looks for threads that have changed their thread pointers since they were looked at. */
  #lookAgain(image: Image, { threads }: Recording): void {
    if (!image.alive) return;
    this.#tracer.quiesce(image);
    try {
      if (image.alive) threads.addAll(image);
    } finally {
      this.#tracer.release();
    }
  }
}

/** Whether a ring is that of a CPU. */
function tellsCpu({ jumps }: Isa): boolean {
  return jumps?.records?.tellsCpu ?? false;
}

/** Whether there are threads that are not known among those of the records that have been collected. */
function hasStrangers(recording: Recording, total: number): boolean {
  for (let i = 0; i < total; i += RUN_RECORDS) {
    if (hasStrangersAmong(recording, i, Math.min(i + RUN_RECORDS, total))) return true;
  }
  return false;
}

/** The same of some of them. */
function hasStrangersAmong(
  { rings: { words, places, ticks }, threads }: Recording,
  begin: number,
  end: number,
): boolean {
  let number = -1;
  let untilTicks = 0;
  for (let i = begin; i < end; i++) {
    if (words[places[i]! + 1] === number && ticks[i]! < untilTicks) continue;
    number = words[places[i]! + 1]!;
    if (threads.find(number, ticks[i]!) === undefined) return true;
    untilTicks = threads.untilTicks;
  }
  return false;
}

/** Where a probe finds its arguments; found out once. Nearly all sites are of one probe. */
function placesOf(site: RecordedSite, probe: Probe): ValuePlaces | undefined {
  if (site.lastProbe === probe) return site.lastPlaces;
  const { tracepoint, values, places } = site;
  if (!places.has(probe)) places.set(probe, findPlaces(tracepoint, values, probe));
  site.lastProbe = probe;
  return site.lastPlaces = places.get(probe);
}
