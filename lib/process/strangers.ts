/**
 * Threads that report something before it is known who they are.
 *
 * *Problem.* A new thread or child may stop before its parent's event says that it was made; if the parent is killed in
 * between, nothing ever says so. Children of the runtime and threads of another session report to the same wait. A
 * status that nobody consumes hides those that come behind it.
 *
 * *Method.* The stop of a thread that is traced by us, and belongs to one of our processes or to a child of one, is
 * consumed and kept until the event of its birth asks for it. Its end needs no answer: the event finds it gone. So it
 * is with a first thread that had exited when the others were let go: its process's parent hears of the end when we have
 * waited for it. Everybody else is left alone.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { isOurs, listThreads, readStatus } from "./proc_files.ts";
import type { TracedProcess } from "./process.ts";
import { isEnd } from "./ptrace.ts";

/** How many stops are kept at most while the events of their births are awaited. */
const STOPS_LIMIT = 4096;

/** Who knows which threads are no strangers. */
interface Acquaintance {
  readonly kernel: Kernel;
  readonly processes: ReadonlyMap<number, TracedProcess>;
  knows(tid: number): boolean;
}

/** See the module's comment. */
export class Strangers {
  readonly #tracer: Acquaintance;
  readonly #stops = new Map<number, number>();
  readonly #leftBehind = new Set<number>();
  readonly #status = new Int32Array(1);

  /**
   * Makes the record of nobody.
   *
   * @param tracer The tracer.
   */
  constructor(tracer: Acquaintance) {
    this.#tracer = tracer;
  }

  /** Whether the end of a first thread that was left behind is still to come. */
  get awaitsEnds(): boolean {
    return this.#leftBehind.size > 0;
  }

  /** The threads whose stops are kept. */
  get tids(): number[] {
    return [...this.#stops.keys()];
  }

  /**
   * Tells whether the stop of a thread is kept.
   *
   * @param tid The thread.
   * @returns Whether it is.
   */
  has(tid: number): boolean {
    return this.#stops.has(tid);
  }

  /**
   * Gives the stop of a thread that is a stranger no longer.
   *
   * @param tid The thread.
   * @returns Its wait status; undefined if it has not stopped yet.
   */
  identify(tid: number): number | undefined {
    const status = this.#stops.get(tid);
    this.#stops.delete(tid);
    return status;
  }

  /**
   * Awaits the end of a first thread that has exited before the others.
   *
   * @param tid The thread.
   */
  leaveBehind(tid: number): void {
    this.#leftBehind.add(tid);
  }

  /**
   * Consumes what an unknown thread has to report, if it is ours.
   *
   * @param tid The thread.
   * @returns Whether there was anything.
   */
  take(tid: number): boolean {
    if (this.#leftBehind.delete(tid)) return this.#consume(tid);
    return this.#isRelative(tid) && this.#stops.size < STOPS_LIMIT && this.#consume(tid);
  }

  /**
   * Consumes a status of each thread of our processes of whose birth we have not heard: it may never be told. Those whose stops
   * are kept may have been killed since, and the first thread is waited for only when they have been.
   *
   * @returns Whether there was any.
   */
  takeUnborn(): boolean {
    const { kernel, processes } = this.#tracer;
    let found = false;
    for (const { pid } of [...processes.values()]) {
      for (const tid of listThreads(kernel, pid) ?? []) {
        if (!this.#tracer.knows(tid) && this.#consume(tid)) found = true;
      }
    }
    return found;
  }

  #consume(tid: number): boolean {
    if (this.#tracer.kernel.call.ft_wait(tid, 0, this.#status) <= 0) return false;
    if (isEnd(this.#status[0]!)) this.#stops.delete(tid);
    else this.#stops.set(tid, this.#status[0]!);
    return true;
  }

  /** Whether a thread is traced by us, and of one of our processes or a child of one. */
  #isRelative(tid: number): boolean {
    const { kernel, processes } = this.#tracer;
    const status = readStatus(kernel, tid);
    return status !== undefined && (processes.has(status.tgid) || processes.has(status.ppid)) && isOurs(kernel, tid);
  }
}
