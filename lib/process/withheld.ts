/**
 * Signals that are kept from a thread for a while: it is in a slot, or makes a system call for us.
 *
 * Several signals can be withheld by one thread. They are delivered in order: one at the stop that ends the stepping;
 * each other one is sent again. The kernel lets us send the `siginfo_t` of a queued signal, but not that of kill(2) and
 * its own; such a one is put back when the signal arrives, which its `si_code`, that of tgkill(2), tells from another.
 *
 * @module
 */

import type { Thread, WithheldSignal } from "./process.ts";
import { SI_TKILL, signalOf } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Withholds the signal that a thread is stopped for.
 *
 * @param tracer The tracer.
 * @param thread The thread, in a signal-delivery-stop.
 * @returns Whether the thread is still there.
 */
export function withhold(tracer: Tracer, thread: Thread): boolean {
  restoreSiginfo(tracer, thread);
  const siginfo = tracer.stop.readSiginfo(thread);
  if (siginfo === undefined) return false;
  thread.withheld.push({
    signal: signalOf(thread.status),
    siginfo: new Uint8Array(siginfo.buffer as ArrayBuffer).slice(),
  });
  return true;
}

/**
 * Sends the signals of a thread again that were withheld. It is out of the slot, or will be when they arrive.
 *
 * @param tracer The tracer.
 * @param thread The thread.
 */
export function resend(tracer: Tracer, thread: Thread): void {
  const { pid } = thread.process;
  for (const withheld of thread.withheld.splice(0)) {
    const { signal, siginfo } = withheld;
    if (tracer.kernel.call.ft_queue_signal(pid, thread.tid, signal, siginfo) >= 0) continue;
    // Only the kernel may send this siginfo.
    if (tracer.kernel.call.ft_kill(pid, thread.tid, signal) >= 0) thread.resent.push(withheld);
  }
}

/**
 * Gives the signal for which a thread is stopped the siginfo that it had when it was sent the first time.
 *
 * @param tracer The tracer.
 * @param thread The thread, in a signal-delivery-stop.
 */
export function restoreSiginfo(tracer: Tracer, thread: Thread): void {
  const index = thread.resent.findIndex(({ signal }) => signal === signalOf(thread.status));
  if (index < 0 || tracer.stop.signalCode(thread) !== SI_TKILL) return;
  const [{ siginfo }] = thread.resent.splice(index, 1) as [WithheldSignal];
  tracer.kernel.call.ft_set_siginfo(thread.tid, siginfo);
}
