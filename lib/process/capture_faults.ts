/**
 * Faults of pads that read memory of the program, or the clock of its CPU.
 *
 * *Problem.* A pad reads what it has reason to believe can be read (`isa/x86_64/capture.ts`). If that is not so, the thread
 * gets a signal that the program would never have got.
 *
 * *Method.* The tracer sees each signal first. One that such an instruction has raised is not delivered: the thread goes on
 * behind the read, as if nothing were there. From then on pads ask the kernel before each page, so that it hardly happens again.
 * The clock is read before a record is begun: where a program forbids that meanwhile (PR_SET_TSC), each hit faults and is a drop.
 *
 * *What it cannot take back.* A thread that has blocked the signal, or a program that ignores it, has the default action
 * afterwards, and it is not blocked any more (force_sig_info_to_task). Where that is so when probes are enabled, the kernel is
 * asked from the beginning; then only memory can fault that another thread unmaps between the question and the read. And a
 * thread that has faulted dies of it if the tracer is killed before it has sent it on, in some microseconds.
 *
 * @module
 */

import { readText } from "./proc_files.ts";
import type { Image, Thread } from "./process.ts";
import { eventOf, SIGBUS, signalOf, SIGSEGV } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Sends a thread on that has faulted in a pad where memory of the program is read. It still has to be resumed.
 *
 * @param tracer The tracer. Its registers become those of the thread.
 * @param thread The thread, stopped.
 * @returns Whether it was such a thread.
 */
export function mendRead(tracer: Tracer, thread: Thread): boolean {
  const { image } = thread.process;
  const signal = signalOf(thread.status);
  if (eventOf(thread.status) !== 0 || (signal !== SIGSEGV && signal !== SIGBUS) || image.pads.isEmpty) return false;
  if (!((tracer.stop.signalCode(thread) ?? 0) > 0) || !tracer.stop.loadRegisters(thread)) return false;
  const pc = tracer.stop.getPc(image);
  const next = image.pads.at(pc)?.behindRead(pc);
  if (next === undefined) return false;
  tracer.stop.setPc(image, next);
  tracer.stop.storeRegisters(thread);
  image.pads.readFaultsTotal++;
  image.pads.area?.distrust();
  return true;
}

/**
 * Tells whether a fault would change more of a program than that a signal arrives.
 *
 * @param tracer The tracer.
 * @param image The image, whose threads are stopped.
 * @returns Whether a thread blocks the signals of faults, or the program ignores them.
 */
export function mindsFaults({ kernel }: Tracer, image: Image): boolean {
  for (const { process: { pid }, tid } of image.threads()) {
    const status = readText(kernel, `/proc/${pid}/task/${tid}/status`) ?? "";
    for (const [, digits] of status.matchAll(/^Sig(?:Blk|Ign):\t(\w+)/mg)) {
      if ((Number.parseInt(digits!.slice(-3), 16) & FAULTS) !== 0) return true;
    }
  }
  return false;
}

const FAULTS = (1 << (SIGSEGV - 1)) | (1 << (SIGBUS - 1));
