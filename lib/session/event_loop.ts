/**
 * The loop: stops are handled on the JavaScript thread, in slices, and waited for on another.
 *
 * *Problem.* A stopped thread costs the target time until it is handled, so the tracer should stay with it. But timers,
 * signals, output and the user's own promises need the same JavaScript thread, and blocking it in wait(2) would starve
 * them.
 *
 * *Method.* One *turn* handles stops for at most {@linkcode SLICE_NS}. As long as stops keep coming within
 * {@linkcode POLL_US}, the turn goes on: polling costs a third of being woken. When they do not, the next stop is awaited
 * on a pool thread, which costs nothing while the target runs undisturbed. A turn that was cut off by its slice gives
 * way to everything else that is due, and comes back at once.
 *
 * *Rings* (`process/record_rings.ts`) have to be read before they are full, and nothing tells when. While there are any, a turn
 * ends when they are due. A wait that it leaves on the pool thread is taken up by the next turn, which need not poll.
 *
 * *Back pressure.* Turns are taken by whoever consumes. A consumer that is busy takes none; the threads that hit a probe
 * meanwhile wait at their traps. Nothing is ever dropped here; records for which the rings have no space are dropped by the
 * pads, which count them.
 *
 * *Ordering.* Only one turn is under way at a time, and only one wait.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Tracer } from "../process/tracer.ts";
import { Alarm } from "./alarm.ts";
import { CpuFollower } from "./cpu_follower.ts";

/** The longest time that stops are handled without a pause, in nanoseconds. */
const SLICE_NS = 10e6;
/** How long the next stop is polled for, in microseconds. */
const POLL_US = 100;
/** How many stops in one slice it takes to bind the tracing thread to the target's CPU, and how many if the last was full. */
const STOPS_BEFORE_FOLLOWING = 16;
const STOPS_BEFORE_FOLLOWING_ON = 2;
/** How long to wait when only a child of the runtime itself has something to report, in milliseconds. */
const FOREIGN_CHILD_MS = 1;
/** How often to look whether a child of this program has been waited for by the runtime, in milliseconds. */
const LOST_CHILD_MS = 100;
/** How long the child that ends a wait is awaited, in microseconds. */
const WAKE_LIMIT_US = 1e6;

/** See the module's comment. */
export class EventLoop {
  readonly #kernel: Kernel;
  readonly #tracer: Tracer;
  readonly #follower: CpuFollower;
  readonly #alarm = new Alarm();
  readonly #dueMs: () => number | undefined;
  #turn: Promise<void> | undefined;
  /** The wait on the pool thread that is under way. */
  #wait: Promise<void> | undefined;
  /** Has the turn go on that waits, with the child that has something to report. */
  #goOn: ((tid: number) => void) | undefined;
  /** Whether the turn that is under way is not to wait, or no longer. */
  #woken = false;
  #wakePid = 0;
  /** Whether the last slice has ended because of its time. */
  #wasFull = false;

  /**
   * Makes the loop of a tracer.
   *
   * @param kernel The kernel's requests.
   * @param tracer The tracer.
   * @param dueMs How long a turn may wait at most, in milliseconds; undefined if that does not matter.
   */
  constructor(kernel: Kernel, tracer: Tracer, dueMs: () => number | undefined) {
    this.#kernel = kernel;
    this.#tracer = tracer;
    this.#dueMs = dueMs;
    this.#follower = new CpuFollower(kernel);
  }

  /** What is under way, perhaps waiting on a pool thread, after which the C library may be unloaded. */
  get pending(): Promise<unknown> | undefined {
    return this.#wait === undefined ? this.#turn : Promise.allSettled([this.#turn, this.#wait]);
  }

  /**
   * Takes one turn: handles what there is, or waits until there is something.
   *
   * @returns A promise for the end of the turn.
   */
  turn(): Promise<void> {
    // It begins later, so that it is known to be under way when a handler asks.
    return this.#turn ??= Promise.resolve().then(() => this.#takeTurn()).finally(() => {
      this.#turn = undefined;
      this.#woken = false;
    });
  }

  /** Lets the thread run on any CPU again, so that what is started now does not inherit a binding. */
  unbind(): void {
    this.#follower.release();
  }

  /** Ends the turn that is under way, also if it is yet to begin, and the wait. */
  wake(): void {
    this.#woken = this.#turn !== undefined;
    if (this.#wait !== undefined && this.#wakePid === 0) this.#wakePid = Math.max(this.#kernel.call.ft_wake(), 0);
  }

  /** Ends the wait that the last turn has left, if no other turn follows. */
  rest(): void {
    if (this.#turn === undefined) this.wake();
  }

  async #takeTurn(): Promise<void> {
    if (this.#slice() || this.#dueMs() === 0) return await giveWay();
    if (this.#tracer.idle || this.#woken) return;
    const tid = await this.#awaitReport();
    if (tid > 0 && !this.#slice()) await new Promise((resolve) => setTimeout(resolve, FOREIGN_CHILD_MS));
  }

  /** Waits until a child has something to report. Returns its id; 0 if the wait was ended, or something else was due first. */
  async #awaitReport(): Promise<number> {
    this.#wait ??= this.#kernel.call.ft_wait_pool().then((tid) => this.#endWait(tid));
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#goOn = resolve;
    this.#await(this.#dueMs() ?? Infinity, resolve);
    const tid = await promise;
    this.#goOn = undefined;
    this.#alarm.cancel();
    return tid;
  }

  /** Has a turn go on after some time, and looks after what its wait may depend on meanwhile. */
  #await(restMs: number, resolve: (tid: number) => void): void {
    this.#alarm.set(Math.min(restMs, LOST_CHILD_MS), () => {
      if (this.#goOn !== resolve) return;
      if (restMs <= LOST_CHILD_MS) return resolve(0);
      // A wait that could not be ended, because there was no memory for it, is ended later.
      if (this.#tracer.takeLostChildren() || this.#woken) this.wake();
      this.#await(restMs - LOST_CHILD_MS, resolve);
    });
  }

  #endWait(tid: number): void {
    this.#wait = undefined;
    if (this.#wakePid === 0) return this.#goOn?.(tid);
    this.#kernel.call.ft_wait(this.#wakePid, WAKE_LIMIT_US, new Uint8Array(4));
    this.#wakePid = 0;
    this.#goOn?.(0);
  }

  /** Handles stops while they come. Returns whether there were any. */
  #slice(): boolean {
    // A wait that is under way tells of stops.
    if (!this.#tracer.pump(this.#wait === undefined ? POLL_US : 0)) return false;
    const end = this.#kernel.call.ft_clock_ns() + SLICE_NS;
    const enough = this.#wasFull ? STOPS_BEFORE_FOLLOWING_ON : STOPS_BEFORE_FOLLOWING;
    this.#wasFull = false;
    for (let stops = 1; !this.#wasFull && this.#tracer.pump(POLL_US); stops++) {
      const { lastStopped } = this.#tracer;
      if (stops === enough && lastStopped !== undefined) this.#follower.follow(lastStopped);
      this.#wasFull = this.#kernel.call.ft_clock_ns() >= end;
    }
    this.#follower.release();
    return true;
  }
}

/**
 * Lets everything else come first that is due. A message does that in 50 us, a timer of no time in 2 ms; the function of
 * `node:timers` that is meant for it is there only 4 ms later.
 */
async function giveWay(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(undefined);
  });
  port1.close();
}
