/**
 * Which thread a record is of.
 *
 * *Problem.* A pad cannot ask the kernel who it is running for; that would cost more than everything else. It writes a number
 * that is made from a register in which threads differ (`RecordWriter` of `isa/jumps.ts`).
 *
 * *Method.* The registers of each thread are read once, when all are stopped or the thread is being born. A number is used
 * again when its thread has ended, and a child that shares the memory has that of its parent, which is suspended meanwhile:
 * so what a number means depends on the time of the record. A thread is born, and its predecessor has made its last record,
 * before the clock is read that says from when on the number means it.
 *
 * *Limit.* A thread that changes its thread pointer itself, after it was looked at, has a number that nobody knows, until all
 * are looked at again.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { RecordWriter } from "../isa/jumps.ts";
import type { Image, Thread } from "./process.ts";
import { NT_PRSTATUS } from "./ptrace.ts";
import type { TickClock } from "./tick_clock.ts";

/** As long are the threads remembered that had a number before, in seconds: longer than records may lie in rings. */
const REMEMBERED_S = 1;

/** A thread, as records are told of it. */
export interface ThreadIdentity {
  /** Its process; a child that shares its parent's memory has its own. */
  readonly pid: number;
  /** Its id. */
  readonly tid: number;
}

/** What a number means from some time on. */
interface Bearer extends ThreadIdentity {
  /** In ticks of the clock. */
  readonly sinceTicks: number;
  /** Who bears the number again when the process shares the memory no more: its parent, which may be such a child itself. */
  readonly before: Bearer | undefined;
}

/** See the module's comment. */
export class RecordThreads {
  /** When what {@linkcode RecordThreads.find} has found ceases to be true, in ticks; infinite if it is so now. */
  untilTicks = Infinity;
  readonly #kernel: Kernel;
  readonly #clock: TickClock;
  readonly #writer: RecordWriter;
  /** Which registers are asked for. */
  readonly #note: number;
  readonly #registers: Uint32Array;
  readonly #bytes: Uint8Array;
  /** The threads by their numbers, in the order of time. */
  readonly #byNumber = new Map<number, Bearer[]>();
  /** The only thread there has been; undefined if there are several. */
  #only: ThreadIdentity | undefined;

  /**
   * Looks at the threads of an image.
   *
   * @param kernel The kernel's requests.
   * @param clock The time of records.
   * @param writer How their numbers are made.
   * @param image The image, whose threads are stopped.
   */
  constructor(kernel: Kernel, clock: TickClock, writer: RecordWriter, image: Image) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#writer = writer;
    const { note, sizeBytes } = writer.threadSet ?? { note: NT_PRSTATUS, sizeBytes: image.isa.registersBytes };
    this.#note = note;
    this.#registers = new Uint32Array(sizeBytes / 4);
    this.#bytes = new Uint8Array(this.#registers.buffer);
    this.addAll(image);
  }

  /**
   * Looks at all threads again.
   *
   * @param image The image, whose threads are stopped.
   */
  addAll(image: Image): void {
    for (const thread of image.threads()) this.add(thread);
  }

  /**
   * Looks at a thread.
   *
   * @param thread The thread, stopped. One that cannot be looked at is passed over.
   */
  add(thread: Thread): void {
    const number = this.#numberOf(thread);
    if (number !== undefined) this.#follow(number, { pid: thread.process.pid, tid: thread.tid });
  }

  /**
   * A process does not share the memory any more: what its numbers meant before it was born they mean again.
   *
   * @param pid The process.
   */
  remove(pid: number): void {
    for (const [number, bearers] of this.#byNumber) {
      const last = bearers.at(-1)!;
      if (last.pid === pid && last.before !== undefined) this.#follow(number, last.before);
    }
  }

  /**
   * Finds a thread.
   *
   * @param number The number that a record names it by.
   * @param ticks The time of the record.
   * @returns The thread, which may have ended; undefined if there is none.
   */
  find(number: number, ticks: number): ThreadIdentity | undefined {
    this.untilTicks = Infinity;
    const bearers = this.#byNumber.get(number);
    // A program sets its thread pointer some time after it was executed, and may have ended when that is noticed.
    if (bearers === undefined) return this.#only;
    let index = bearers.length - 1;
    for (; index > 0 && bearers[index]!.sinceTicks > ticks; index--) this.untilTicks = bearers[index]!.sinceTicks;
    return bearers[index];
  }

  #follow(number: number, { pid, tid }: ThreadIdentity): void {
    this.#clock.read();
    const { nowTicks, ticksPerSecond } = this.#clock;
    if (this.#byNumber.size === 0) this.#only = { pid, tid };
    else if (this.#only?.tid !== tid) this.#only = undefined;
    const bearers = this.#byNumber.get(number) ?? [];
    // Those that were followed long ago: the one that was then has to stay.
    const old = bearers.findLastIndex(({ sinceTicks }) => sinceTicks < nowTicks - REMEMBERED_S * ticksPerSecond);
    if (old > 0) bearers.splice(0, old);
    bearers.push({ pid, tid, sinceTicks: nowTicks, before: beforeOf(bearers.at(-1), pid) });
    this.#byNumber.set(number, bearers);
  }

  #numberOf({ tid }: Thread): number | undefined {
    if (this.#kernel.call.ft_get_regset(tid, this.#note, this.#bytes, this.#bytes.length) < 0) return undefined;
    const { threadRegister } = this.#writer;
    return this.#writer.threadNumber(this.#registers[threadRegister]!, this.#registers[threadRegister + 1]!);
  }
}

/** Who comes before a process in the chain of those that bear a number. */
function beforeOf(last: Bearer | undefined, pid: number): Bearer | undefined {
  for (let bearer = last; bearer !== undefined; bearer = bearer.before) {
    if (bearer.pid === pid) return bearer.before;
  }
  return last;
}
