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
 * *Order.* Records of one process come in the order of their times, and those of each thread in its own (`record_rings.ts`).
 * Before a hit that stops a thread is handled, records are drained, so that whichever way a thread's hits are performed, they
 * come in its order. Who drains them so, or before something changes, wants all that there were until then, and waits for a
 * thread that has lost its CPU in the middle of writing one; but for some milliseconds at most.
 *
 * *Invariants.*
 * - Nothing is allocated for a record, and nothing thrown: what a consumer throws is kept, and the first of it given to
 *   whoever runs the session.
 * - Consumers may do anything, let the process go as well: memory that is being read is unmapped only after that.
 *
 * @module
 */

import type { Recording } from "../process/pad_area.ts";
import type { Image } from "../process/process.ts";
import type { ThreadIdentity } from "../process/record_threads.ts";
import type { Tracer } from "../process/tracer.ts";
import { RecordView } from "./hit_record.ts";
import type { Probe } from "./probe.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** How often a ring is collected in one go at most: what was in it is collected then, and what comes all the time is not. */
const ROUNDS_LIMIT = 8;
/** The same for the last time, when nothing comes any more that is not written into the rings by mistake. */
const FINAL_ROUNDS_LIMIT = 64;
/** How often, and how long, a thread is waited for that has lost its CPU while it wrote a record, in milliseconds. */
const WAITS_LIMIT = 20;
const WAIT_MS = 0.05;

/** How records are drained. */
interface DrainOptions {
  /** Whether nobody is left who could finish a record. */
  readonly isFinal?: boolean;
  /** Whether this is done now and then: what is not in order yet may wait, and threads be stopped to look at an unknown one. */
  readonly isRoutine?: boolean;
}

const NOTHING_SPECIAL: DrainOptions = {};
const ROUTINE: DrainOptions = { isRoutine: true };
const waiting = new Int32Array(new SharedArrayBuffer(4));

/** See the module's comment. */
export class Records {
  readonly #tracer: Tracer;
  /** The tracepoints by the numbers of their sites. */
  readonly #byImage = new Map<Image, Map<number, Tracepoint>>();
  readonly #view = new RecordView();
  readonly #errors: unknown[] = [];
  #drained: Image | undefined;
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
   * @param site The number.
   */
  add(tracepoint: Tracepoint, site: number): void {
    const sites = this.#byImage.get(tracepoint.image) ?? new Map<number, Tracepoint>();
    this.#byImage.set(tracepoint.image, sites.set(site, tracepoint));
  }

  /** Gives the consumers what has been recorded. No image is quiesced. */
  drainAll(): void {
    for (const image of [...this.#byImage.keys()]) this.drain(image, ROUTINE);
  }

  /**
   * Gives the consumers what has been recorded in an image until now. Within a consumer it does nothing.
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
    const begin = clock.now();
    let waits = 0;
    let isDone = false;
    for (let round = 0; round < (isFinal ? FINAL_ROUNDS_LIMIT : ROUNDS_LIMIT) && !isDone; round++) {
      const isOrdered = waits < WAITS_LIMIT;
      const total = rings.collect(!isOrdered ? Infinity : round === 0 ? begin : clock.now(), isFinal);
      if (total > 0) {
        clock.read();
        this.#tell(image, recording, total, isRoutine && round === 0);
      }
      rings.release();
      const isAll = isFinal ? rings.isEmpty : isOrdered && !isRoutine && rings.horizon >= begin;
      isDone = isAll || (total === 0 && (isRoutine || !isOrdered));
      if (isDone || isRoutine || total > 0) continue;
      // Who asks wants all that there has been. The thread that keeps it waiting needs a CPU, if there is any.
      if (!isFinal) Atomics.wait(waiting, 0, 0, WAIT_MS);
      waits++;
      round = 0;
    }
    if (rings.isEmpty) {
      const sites = this.#byImage.get(image);
      for (const site of image.pads.area!.takeFreedSites()) sites?.delete(site);
    }
  }

  /** Gives the consumers what has been collected. */
  #tell(image: Image, recording: Recording, total: number, mayStop: boolean): void {
    const { rings, clock, threads } = recording;
    const { words, places, ticks } = rings;
    const sites = this.#byImage.get(image);
    const view = this.#view;
    let mayLook = mayStop;
    let number = -1;
    let thread: ThreadIdentity | undefined;
    for (let i = 0; i < total; i++) {
      const place = places[i]!;
      const tracepoint = sites?.get(rings.siteOf(place));
      if (tracepoint === undefined) continue;
      if (words[place + 1] !== number) {
        number = words[place + 1]!;
        thread = threads.find(number);
        if (thread === undefined && mayLook) {
          thread = this.#lookAgain(image, recording, number);
          mayLook = false;
        }
      }
      view.goTo(words, place, tracepoint.pc);
      view.pid = thread?.pid ?? image.pid;
      view.tid = thread?.tid ?? 0;
      view.cpu = rings.areaOf(place);
      view.timestampNs = clock.toNs(ticks[i]!);
      const { before, after } = tracepoint;
      for (let j = 0; j < before.length; j++) this.#deliver(before[j]!);
      for (let j = 0; j < after.length; j++) this.#deliver(after[j]!);
    }
  }

  #deliver(probe: Probe): void {
    const { enablings } = probe;
    probe.hitsTotal++;
    this.#view.bind(probe);
    for (let i = 0; i < enablings.length; i++) {
      const enabling = enablings[i]!;
      try {
        if (enabling.recorded !== undefined) enabling.recorded(this.#view);
        else enabling.counted?.(probe, 1);
      } catch (error) {
        if (this.#errors.length === 0) this.#errors.push(error ?? new TypeError("A consumer threw nothing"));
      }
    }
    this.#view.bind(undefined);
  }

  /** Looks for a thread that has changed its thread pointer since it was looked at. */
  #lookAgain(image: Image, { threads }: Recording, number: number): ThreadIdentity | undefined {
    if (!image.alive) return undefined;
    this.#tracer.quiesce(image);
    try {
      threads.addAll(image);
    } finally {
      this.#tracer.release();
    }
    return threads.find(number);
  }
}
