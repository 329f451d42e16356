/**
 * Traps that a thread has executed but not reported.
 *
 * *Problem.* A thread that is told to stop while it executes a trap obeys the order first: in get_signal the kernel
 * looks for orders (do_jobctl_trap) before it takes the trap's signal from the queue (dequeue_synchronous_signal). Such
 * a thread stands behind the trap, with SIGTRAP pending. If the trap were removed now, nobody would know the signal for
 * ours, and it would kill the program. The same goes for the SIGTRAP of a step.
 *
 * *Method.* When all threads of an image have stopped, those that stand behind a trap, or make steps, and have a SIGTRAP
 * pending are let go on: they stop again at once, for the signal, before they execute anything. While it is not known yet
 * what an earlier tracer has left in the text, each place may be one of a trap.
 *
 * @module
 */

import type { Image, Thread } from "./process.ts";
import { isDeliverable, readStatus } from "./proc_files.ts";
import { eventOf, PTRACE_EVENT_STOP, SIGILL, signalOf, SIGTRAP } from "./ptrace.ts";
import { stopAgain } from "./remote_call.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Has every thread report the trap that it has executed.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param image The image. All its threads that can be stopped are.
 */
export function takePendingTraps(tracer: Tracer, image: Image): void {
  for (const thread of [...image.threads()]) {
    if (!isBehindTrap(tracer, image, thread)) continue;
    const inGroupStop = signalOf(thread.status) !== SIGTRAP;
    tracer.withdraw(thread);
    tracer.resume(thread, 0);
    tracer.await(thread);
    // The rest of the process has stopped: so must this thread, when its trap has been answered.
    if (inGroupStop) tracer.kernel.call.ft_interrupt(thread.tid);
  }
  image.text.settle();
}

/**
 * Has the threads of an image that are still stopped for a trap or a step, which was answered, go on to another stop, before
 * they execute anything: the signal would come if the tracer died.
 *
 * @param tracer The tracer.
 * @param image The image. All its threads that can be stopped are.
 */
export function shedTraps(tracer: Tracer, image: Image): void {
  for (const thread of [...image.threads()]) {
    const { state, reported, status } = thread;
    if (state !== "stopped" || eventOf(reported) !== 0 || eventOf(status) === 0) continue;
    tracer.withdraw(thread);
    stopAgain(tracer, thread);
  }
}

/** Whether a thread stands behind a trap of ours, or a step, whose signal is pending. */
function isBehindTrap(tracer: Tracer, image: Image, thread: Thread): boolean {
  if (thread.state !== "stopped" || eventOf(thread.status) !== PTRACE_EVENT_STOP) return false;
  if (!thread.stepping && image.isSearched) {
    // Most threads are not behind a trap: for them the status need not be read.
    if (image.text.untouched || !tracer.stop.loadRegisters(thread)) return false;
    const pc = tracer.stop.getPc(image) - image.isa.trapPcBytes;
    const isInside = image.pads.copyAt(pc + image.isa.trapPcBytes) !== undefined;
    if (!isInside && !image.trapsAt(pc) && !image.text.mayBeLate(pc)) return false;
    if (isInside) return isPending(tracer, thread, SIGILL) || isPending(tracer, thread, SIGTRAP);
  }
  return isPending(tracer, thread, SIGTRAP);
}

/**
 * Tells whether a thread has made a step whose signal is pending: let go now, it would be killed by that.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped.
 * @returns Whether it has.
 */
export function hasStepPending(tracer: Tracer, thread: Thread): boolean {
  return thread.stepping && eventOf(thread.status) === PTRACE_EVENT_STOP && isPending(tracer, thread, SIGTRAP);
}

function isPending({ kernel }: Tracer, { tid }: Thread, signal: number): boolean {
  const status = readStatus(kernel, tid);
  return status !== undefined && isDeliverable(status, signal);
}
