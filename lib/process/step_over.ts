/**
 * The last fallback: an instruction stepped in its own place.
 *
 * *Problem.* An instruction can be neither emulated (its operand faults, the program single-steps itself) nor sent
 * through a slot (the target forbids executable memory, a filter forbids mmap).
 *
 * *Method.* All threads of the image are stopped, the original bytes put back, the thread steps once, the trap is
 * written again, the others go on. No thread can pass the place unseen.
 *
 * A system call may block, perhaps until another thread acts. After {@linkcode STEP_LIMIT_US} the others are therefore
 * let go with the trap still out: hits of theirs at this one place are missed until the call returns, which is counted
 * and said by the listener. Everything else in this project that waits for a thread to finish a step is bounded by the
 * instruction itself.
 *
 * *Cost.* Two rounds of stops and two single steps: 50 us and more. Not a way for anything that is hit often.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Thread } from "./process.ts";
import { eventOf, isStepCode, PTRACE_EVENT_STOP, SIGINFO_BYTES, signalOf, SIGTRAP } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";

/** How long the other threads wait for a step, in microseconds. */
const STEP_LIMIT_US = 2000;

/**
 * Executes an original instruction below a trap in a stopped thread, and lets the thread go on. Its registers are taken
 * from {@linkcode Tracer.registers}.
 *
 * @param tracer The tracer.
 * @param thread The thread, which is not in the backlog.
 * @param address Where the instruction is.
 */
export function stepOver(tracer: Tracer, thread: Thread, address: Address): void {
  const { image } = thread.process;
  tracer.setPc(image, address);
  tracer.storeRegisters(thread);
  tracer.quiesce(image);
  image.text.remove([address]);
  thread.stepping = true;
  thread.steppingOver = address;
  tracer.resume(thread, 0);
  const status = tracer.awaitStep(thread, STEP_LIMIT_US);
  if (status !== undefined) answer(tracer, thread);
  else if (thread.state === "running") tracer.listener.warn(missedHits(thread, address));
  tracer.release();
}

/**
 * Tells whether a thread is stepping over an instruction in place.
 *
 * @param thread The thread.
 * @returns Whether it is.
 */
export function stepsOver(thread: Thread): boolean {
  return thread.steppingOver !== undefined;
}

/**
 * Writes the trap again, when the thread that stepped over it has stopped or ended.
 *
 * @param thread The thread.
 */
export function finishStepOver(thread: Thread): void {
  const { image } = thread.process;
  if (thread.steppingOver !== undefined && image.alive) image.text.install([thread.steppingOver]);
  thread.steppingOver = undefined;
}

/** The thread has stopped: the step is made, or something came before it. */
function answer(tracer: Tracer, thread: Thread): void {
  thread.stepping = false;
  const event = eventOf(thread.status);
  if (event === 0 && signalOf(thread.status) === SIGTRAP) {
    const siginfo = new Uint8Array(SIGINFO_BYTES);
    tracer.kernel.call.ft_get_siginfo(thread.tid, siginfo);
    if (isStepCode(new DataView(siginfo.buffer).getInt32(8, true))) return tracer.resume(thread, 0);
  }
  // A signal, or an order to stop, that came before the step: the trap is back, and will be hit again.
  if (event === PTRACE_EVENT_STOP && signalOf(thread.status) === SIGTRAP) return tracer.resume(thread, 0);
  tracer.enqueue(thread);
}

function missedHits(thread: Thread, address: Address): string {
  return `Cannot see other threads of process ${thread.process.pid} at 0x${address.toString(16)}: ` +
    `thread ${thread.tid} is blocked in a system call there`;
}
