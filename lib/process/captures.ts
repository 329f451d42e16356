/**
 * Bringing threads out of what a pad does at a hit, where they cannot be set back from.
 *
 * *Method.* A few dozen single steps, more if strings are copied, none of which can block. A signal that the
 * thread is stopped for is withheld meanwhile; the caller delivers it (`orderSignals` in `signals.ts`, or `resend` in `withheld.ts`).
 *
 * @module
 */

import type { Image, Thread } from "./process.ts";
import { eventOf, INTERRUPTED, isStepCode, signalOf, SIGTRAP } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";
import { mendRead } from "./capture_faults.ts";
import { mendTrapAction } from "./trap_action.ts";
import { resend, withhold } from "./withheld.ts";

/** More steps than a pad takes up to its copies, which is most where it copies memory of the program. */
const STEPS_LIMIT = 1 << 15;
/** How long a step may take, in microseconds. */
const STEP_LIMIT_US = 1_000_000;

/**
 * Lets a thread go on until it can be set back, if it is where it cannot be.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped. Its place in the backlog, if it has one, it keeps.
 */
export function leaveCapture(tracer: Tracer, thread: Thread): void {
  const { image } = thread.process;
  if (!image.pads.isEmpty) stepOut(tracer, thread, (pc) => image.slots.resumePoint(pc)?.isHeld ?? false);
}

/**
 * Has all threads finish what they were interrupted in, so that nothing that pads have begun is unfinished.
 *
 * @param tracer The tracer.
 * @param image The image, which is not quiesced.
 * @throws {SystemError} `ETIMEDOUT` if a thread cannot be stopped.
 */
export function finishCaptures(tracer: Tracer, image: Image): void {
  tracer.quiesce(image);
  try {
    for (const thread of [...image.threads()]) {
      leaveCapture(tracer, thread);
      if (!thread.stepping) resend(tracer, thread);
    }
  } finally {
    tracer.release();
  }
}

/**
 * Lets a thread make single steps until it is out of some place.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped. Its place in the backlog, if it has one, it keeps.
 * @param isInside Tells by its pc whether it is in there, where nothing can block.
 * @returns Whether it is outside.
 */
export function stepOut(tracer: Tracer, thread: Thread, isInside: (pc: number) => boolean): boolean {
  const { image } = thread.process;
  const isHeld = () =>
    thread.state === "stopped" && tracer.stop.loadRegisters(thread) && isInside(tracer.stop.getPc(image));
  if (!isHeld()) return true;
  const waiting = tracer.withdraw(thread);
  if (!takeStop(tracer, thread)) return false;
  thread.stepping = true;
  for (let steps = 0; steps < STEPS_LIMIT && isHeld(); steps++) {
    tracer.resume(thread, 0);
    if (tracer.awaitStep(thread, STEP_LIMIT_US) === undefined) return false;
    if (!takeStop(tracer, thread)) return false;
  }
  thread.stepping = false;
  thread.stepsTotal = 0;
  mendTrapAction(tracer, thread);
  thread.status = INTERRUPTED;
  if (waiting) tracer.enqueue(thread);
  return !isHeld();
}

/** Keeps a signal for later that is neither a step nor the fault of a pad. Returns whether the thread is still there. */
function takeStop(tracer: Tracer, thread: Thread): boolean {
  return eventOf(thread.status) !== 0 || isStep(tracer, thread) || mendRead(tracer, thread) || withhold(tracer, thread);
}

function isStep(tracer: Tracer, thread: Thread): boolean {
  return signalOf(thread.status) === SIGTRAP && isStepCode(tracer.stop.signalCode(thread));
}
