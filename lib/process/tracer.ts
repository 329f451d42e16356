/**
 * The tracer: who is traced, who is stopped, and who may go on.
 *
 * *Problem.* The kernel reports stops of hundreds of threads in any order, mixed with their births and ends, while
 * changes of the text need all threads of an image to stand still. A stop must be looked at once, answered once, and
 * never forgotten: a forgotten stop is a hanging thread.
 *
 * *Method.* Two steps. *Seeing* a status (wait) does the book-keeping that everything else relies on: threads are
 * born, end, become another program. The thread then stands in the *backlog*. *Dispatching* takes it from there,
 * decides what its stop means and lets it go on. {@linkcode Tracer.pump} does both in turn;
 * {@linkcode Tracer.quiesce} only sees, until no thread of an image runs, so that whatever it meets on the way (a
 * signal, a trap, a birth) waits in the backlog in order of arrival.
 *
 * A stop is not consumed for the kernel. If the tracer dies, the kernel then delivers the signal that the thread has
 * stopped for; one whose stop was consumed it would take for answered with none (ptrace_stop, wait_task_stopped). Only a
 * stop that lasts while others are looked for is consumed at last (`parking.ts`).
 *
 * *Invariants and orderings.*
 * - A thread in the backlog is `stopped`, and a thread is in it once at most.
 * - While an image is quiesced no thread of it executes user code. Threads that cannot be stopped because they are deep
 *   in the kernel are `suspended`: they stop on their way out.
 * - A fork child gets its clean text at the moment its parent's event is consumed, that is before any later change of
 *   the parent's traps, and before it runs.
 * - ESRCH from a thread is not an error: it was killed, and its end will be reported.
 *
 * Requests are made on the JavaScript thread only; see `ffi/fasttrap.h`.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { SystemError } from "../errors.ts";
import type { RegisterHalves } from "../isa/isa.ts";
import { Backlog } from "./backlog.ts";
import { adoptOrphans, handleBirth } from "./births.ts";
import { cautionOf, openImage } from "./images.ts";
import type { Image, Thread, TracedProcess } from "./process.ts";
import { StopContext } from "./stop_context.ts";
import { park } from "./parking.ts";
import { hasStepPending, takePendingTraps } from "./pending_traps.ts";
import { readEndStatus, readState } from "./proc_files.ts";
import {
  ECHILD,
  eventOf,
  INTERRUPTED,
  isEnd,
  isTrap,
  PTRACE_EVENT_CLONE,
  PTRACE_EVENT_EXEC,
  PTRACE_EVENT_FORK,
  PTRACE_EVENT_STOP,
  PTRACE_EVENT_VFORK,
  PTRACE_EVENT_VFORK_DONE,
  signalOf,
} from "./ptrace.ts";
import { findIgnoredSetId } from "./set_id.ts";
import { handleSignalStop } from "./signals.ts";
import type { StopListener } from "./stop_listener.ts";
import { finishStepOver } from "./step_over.ts";
import { lookAtTrapActions } from "./trap_action.ts";
import { Strangers } from "./strangers.ts";

/** How long a thread is waited for before its state is looked at, in microseconds. */
const STATE_CHECK_US = 2000;
/** How long a thread that neither stops nor says why is waited for, in microseconds. */
const STOP_LIMIT_US = 20_000_000;

/** See the module's comment. */
export class Tracer {
  /** The kernel's requests. */
  readonly kernel: Kernel;
  /** Who decides. */
  readonly listener: StopListener;
  /** The traced processes by pid. */
  readonly processes: Map<number, TracedProcess> = new Map();
  /** What is known of the stopped thread that is being dealt with. */
  readonly stop: StopContext;
  /** Threads that have something to report before the event that says who they are. */
  readonly strangers: Strangers = new Strangers(this);
  /** The thread whose stop was dispatched last; it may have ended. */
  lastStopped: Thread | undefined;
  readonly #threads = new Map<number, Thread>();
  readonly #backlog = new Backlog();
  readonly #status = new Int32Array(1);
  /** The registers of a hit in whose handler an image is quiesced. */
  #savedRegisters: RegisterHalves | undefined;
  /** Whether a stop is being dispatched: a handler may be running. */
  #isDispatching = false;

  /**
   * Makes a tracer of nothing.
   *
   * @param kernel The kernel's requests.
   * @param listener Who decides.
   */
  constructor(kernel: Kernel, listener: StopListener) {
    this.kernel = kernel;
    this.stop = new StopContext(kernel);
    this.listener = listener;
  }

  /**
   * Tells whether a thread is one of those that are traced and accounted for.
   *
   * @param tid The thread.
   * @returns Whether it is.
   */
  knows(tid: number): boolean {
    return this.#threads.has(tid);
  }

  /** Whether no thread is traced. */
  get idle(): boolean {
    return this.#threads.size === 0;
  }

  /** Whether nothing is left to be waited for either. */
  get settled(): boolean {
    return this.idle && !this.strangers.awaitsEnds;
  }

  /**
   * Consumes and dispatches what there is, for a bounded time. Within a handler, which may let a process go or start one,
   * traps of other threads wait until it has returned: there is one hit at a time.
   *
   * @param limitUs How long to look for the first stop, in microseconds.
   * @returns Whether there was anything.
   */
  pump(limitUs: number): boolean {
    if (this.#isDispatching) return this.#pumpInHandler(limitUs);
    if (this.#backlog.isEmpty && !this.#take(limitUs)) return false;
    for (let thread; (thread = this.#backlog.next()) !== undefined;) this.#dispatch(thread);
    return true;
  }

  #pumpInHandler(limitUs: number): boolean {
    const found = this.#take(limitUs);
    const registers = this.stop.registers.slice();
    for (const thread of this.#backlog.extract((thread) => thread.detaching || !isTrap(thread.status))) {
      this.#dispatch(thread);
    }
    this.stop.registers.set(registers);
    return found;
  }

  /**
   * Notices the ends of children of this program that somebody else has waited for: no wait tells of them any more.
   *
   * @returns Whether there were any.
   */
  takeLostChildren(): boolean {
    let found = false;
    for (const process of [...this.processes.values()]) {
      if (!process.ownChild || this.kernel.call.ft_ended(process.pid) !== -ECHILD) continue;
      for (const thread of [...process.threads.values()]) this.#end(thread, undefined);
      found = true;
    }
    return found;
  }

  /**
   * Stops all threads of an image and leaves them so; {@linkcode Tracer.release} lets them go on. Until then
   * {@linkcode StopContext.registers} are free to be used.
   *
   * @param image The image.
   * @throws {SystemError} `ETIMEDOUT` if a thread neither stops nor ends nor is blocked.
   */
  quiesce(image: Image): void {
    this.#savedRegisters ??= this.stop.registers.slice();
    const asked = new Set<Thread>();
    for (let settled = false; !settled;) {
      settled = true;
      for (const thread of image.threads()) {
        if (!mayRun(thread) || asked.has(thread)) continue;
        asked.add(thread);
        // Waiting for a vfork child is no ptrace-stop and cannot be interrupted, but it ends with a stop.
        if (thread.inVfork) thread.state = "suspended";
        else this.kernel.call.ft_interrupt(thread.tid);
      }
      for (const thread of [...image.threads()]) {
        if (!mayRun(thread)) continue;
        settled = false;
        this.await(thread);
      }
    }
    takePendingTraps(this, image);
    lookAtTrapActions(this, image);
  }

  /** Lets those threads go on that stopped only because they were told to. What else they met stays in the backlog. */
  release(): void {
    // A new process stops in the same way, and must not run before its probes are there.
    const interrupted = this.#backlog.extract(({ status, detaching, process }) =>
      status === INTERRUPTED && !detaching && !process.fresh
    );
    for (const thread of interrupted) this.resume(thread, 0);
    if (this.#savedRegisters !== undefined) this.stop.registers.set(this.#savedRegisters);
    this.#savedRegisters = undefined;
  }

  /**
   * Waits until one thread has stopped, ended, or turned out to be suspended in the kernel.
   *
   * @param thread The thread, which has been told to stop or is about to.
   * @throws {SystemError} `ETIMEDOUT` if it does none of that.
   */
  await(thread: Thread): void {
    for (let waitedUs = 0; mayRun(thread); waitedUs += STATE_CHECK_US) {
      if (this.#fetch(thread, STATE_CHECK_US)) return;
      const state = readState(this.kernel, thread.process.pid, thread.tid);
      if (state === "D") thread.state = "suspended";
      // A first thread that has exited stays a zombie until the others have; it will not run again.
      else if (state === "Z" && thread.tid === thread.process.pid && thread.process.threads.size > 1) {
        thread.state = "ended";
      } else if (waitedUs > STOP_LIMIT_US) throw new SystemError("ETIMEDOUT", "stop", `thread ${thread.tid}`);
    }
  }

  /**
   * Waits for a thread that has been resumed to make one single step, or to be stopped by something else.
   *
   * @param thread The thread.
   * @param limitUs How long to wait, in microseconds.
   * @returns Its status, not dispatched and not in the backlog; undefined if it is still on its way or has ended.
   */
  awaitStep(thread: Thread, limitUs: number): number | undefined {
    const result = this.kernel.call.ft_look(thread.tid, limitUs, this.#status);
    if (result <= 0) return undefined;
    this.#see(thread, this.#status[0]!);
    if (thread.state !== "stopped") return undefined;
    this.withdraw(thread);
    return thread.status;
  }

  /**
   * Puts a stopped thread into the backlog, to be dispatched.
   *
   * @param thread The thread.
   */
  enqueue(thread: Thread): void {
    this.#backlog.add(thread);
  }

  /**
   * Takes a thread out of the backlog; the caller answers its stop.
   *
   * @param thread The thread.
   * @returns Whether it was in it.
   */
  withdraw(thread: Thread): boolean {
    return this.#backlog.remove(thread);
  }

  /**
   * Lets a stopped thread go on, by a single step if it is stepping.
   *
   * @param thread The thread.
   * @param signal The signal to deliver, 0 for none.
   */
  resume(thread: Thread, signal: number): void {
    thread.state = "running";
    if (thread.stepping) {
      thread.stepsTotal++;
      this.kernel.call.ft_step(thread.tid, signal);
    } else {
      this.kernel.call.ft_continue(thread.tid, signal);
    }
  }

  /**
   * Adds a process whose threads are about to be traced.
   *
   * @param process The process.
   */
  addProcess(process: TracedProcess): void {
    this.processes.set(process.pid, process);
  }

  /**
   * Adds a thread, so that its stops find it.
   *
   * @param process Its process.
   * @param tid Its id.
   * @returns Its record.
   */
  addThread(process: TracedProcess, tid: number): Thread {
    const thread = process.addThread(tid);
    this.#threads.set(tid, thread);
    return thread;
  }

  /**
   * Removes a thread that is traced no longer. A process without threads goes with its last one.
   *
   * @param thread The thread.
   */
  removeThread(thread: Thread): void {
    thread.state = "ended";
    this.withdraw(thread);
    if (this.#threads.get(thread.tid) === thread) this.#threads.delete(thread.tid);
    thread.process.threads.delete(thread.tid);
    if (!thread.process.alive) this.#removeProcess(thread.process);
  }

  /**
   * Removes a first thread that has exited before others which have been let go. It is waited for when it is over.
   *
   * @param thread The thread.
   */
  leaveBehind(thread: Thread): void {
    this.strangers.leaveBehind(thread.tid);
    this.removeThread(thread);
  }

  #removeProcess(process: TracedProcess): void {
    if (this.processes.get(process.pid) === process) this.processes.delete(process.pid);
    this.#leaveImage(process);
  }

  #leaveImage(process: TracedProcess): void {
    const { image } = process;
    image.processes.delete(process);
    if (image.processes.size > 0) {
      image.pads.area?.recording?.threads.remove(process.pid);
      return;
    }
    image.close();
    this.listener.closed(image);
  }

  /** Consumes the next status of anyone. */
  #take(limitUs: number): boolean {
    const tid = this.kernel.call.ft_peek(limitUs, this.#status);
    if (tid === 0) return false;
    // Without any child the threads that are still known have been waited for by somebody else.
    if (tid < 0) return this.#fetchAny();
    const thread = this.#threads.get(tid);
    // What has been seen already hides what is behind it.
    const isNews = thread === undefined ? this.strangers.take(tid) : this.#hear(thread, this.#status[0]!);
    return isNews || this.#fetchAny() || this.strangers.takeUnborn();
  }

  /** Takes note of what was peeked at. The end of a child of this program may be somebody else's to wait for. */
  #hear(thread: Thread, status: number): boolean {
    return isEnd(status) || thread.process.ownChild ? this.#fetch(thread, 0) : this.#see(thread, status);
  }

  /**
   * Consumes the status of one thread, if it has any. The end of a child of this program that something else has started
   * is left for that to wait for; it may even have done so already.
   */
  #fetch(thread: Thread, limitUs: number): boolean {
    if (thread.process.ownChild && this.kernel.call.ft_ended(thread.tid) > 0) {
      this.#end(thread, readEndStatus(this.kernel, thread.process.pid));
      return true;
    }
    const result = this.kernel.call.ft_look(thread.tid, limitUs, this.#status);
    if (result > 0) return this.#see(thread, this.#status[0]!);
    if (result === -ECHILD) this.#end(thread, undefined);
    return result !== 0;
  }

  /** Consumes one status of each thread that has any. */
  #fetchAny(): boolean {
    let found = false;
    for (const thread of [...this.#threads.values()]) if (this.#fetch(thread, 0)) found = true;
    return found;
  }

  /**
   * Takes note of what a thread reports. A stop stays unconsumed as long as nobody is hindered by that. Returns whether it
   * was news.
   */
  #see(thread: Thread, status: number): boolean {
    // What another thread has executed answers to requests only when that has been consumed (looks_like_a_spurious_pid).
    const mustTake = isEnd(status) || eventOf(status) === PTRACE_EVENT_EXEC;
    if (mustTake) this.kernel.call.ft_wait(thread.tid, 0, this.#status);
    else if (thread.state === "stopped" && thread.reported === status) {
      park(this, thread);
      return false;
    }
    this.#note(thread, status);
    return true;
  }

  #note(thread: Thread, status: number): void {
    if (thread.steppingOver !== undefined) finishStepOver(thread);
    if (isEnd(status)) return this.#end(thread, status);
    thread.status = status;
    thread.reported = status;
    thread.isSetBack = false;
    thread.state = "stopped";
    this.enqueue(thread);
    switch (eventOf(status)) {
      case PTRACE_EVENT_FORK:
      case PTRACE_EVENT_VFORK:
      case PTRACE_EVENT_CLONE:
        return handleBirth(this, thread);
      case PTRACE_EVENT_VFORK_DONE:
        thread.inVfork = false;
        return;
      case PTRACE_EVENT_EXEC:
        return this.#execute(thread);
    }
  }

  #end(thread: Thread, status: number | undefined): void {
    const { process } = thread;
    this.removeThread(thread);
    if (process.alive) return;
    adoptOrphans(this, process);
    process.endStatus = status;
    this.listener.ended(process);
  }

  /** The process has become another program: one thread is left, under the first thread's id. */
  #execute(thread: Thread): void {
    const { process } = thread;
    for (const other of [...process.threads.values()]) {
      if (other === thread) continue;
      other.state = "ended";
      this.withdraw(other);
      process.threads.delete(other.tid);
      this.#threads.delete(other.tid);
    }
    thread.stepping = false;
    thread.inVfork = false;
    thread.withheld.length = 0;
    thread.resent.length = 0;
    thread.blockedMask = undefined;
    process.trapAction = undefined;
    process.actionSeenNs = 0;
    process.isGuarded = false;
    adoptOrphans(this, process);
    this.#leaveImage(process);
    process.fresh = this.listener.adopts(process);
    process.wanted ||= process.fresh;
    try {
      if (process.wanted) process.image = openImage(this.kernel, process.pid);
      else thread.detaching = true;
    } catch (error) {
      thread.detaching = true;
      this.listener.warn(`Cannot go on tracing process ${process.pid}: ${(error as Error).message}`);
    }
    if (!thread.detaching) process.image.processes.add(process);
    const caution = thread.detaching ? undefined : cautionOf(process.image);
    for (const warning of [caution, findIgnoredSetId(this.kernel, process.pid)]) {
      if (warning !== undefined) this.listener.warn(warning);
    }
    this.listener.executed(process);
  }

  #dispatch(thread: Thread): void {
    if (thread.state !== "stopped") return;
    this.lastStopped = thread;
    if (thread.detaching) return this.#letGo(thread);
    if (thread.process.fresh) {
      thread.process.fresh = false;
      this.listener.started(thread.process);
      if (thread.state !== "stopped") return;
    }
    const { status } = thread;
    const event = eventOf(status);
    if (event === 0) this.#handleSignal(thread);
    else if (event === PTRACE_EVENT_STOP && status !== INTERRUPTED) this.#listen(thread);
    else this.resume(thread, 0);
  }

  #handleSignal(thread: Thread): void {
    const wasDispatching = this.#isDispatching;
    this.#isDispatching = true;
    try {
      handleSignalStop(this, thread);
    } finally {
      this.#isDispatching = wasDispatching;
    }
  }

  /** Group-stop: the thread stays stopped, but we hear of the SIGCONT that ends it. */
  #listen(thread: Thread): void {
    thread.state = "listening";
    this.kernel.call.ft_listen(thread.tid);
  }

  #letGo(thread: Thread): void {
    if (hasStepPending(this, thread)) {
      // It stops again at once.
      thread.stepping = false;
      return this.resume(thread, 0);
    }
    const signal = eventOf(thread.status) === 0 && !isTrap(thread.status) ? signalOf(thread.status) : 0;
    this.kernel.call.ft_detach(thread.tid, signal);
    this.removeThread(thread);
  }
}

/** Whether a thread may be executing the program's code, as far as we know. */
function mayRun(thread: Thread): boolean {
  return thread.state === "running" || thread.state === "listening";
}
