/**
 * Consuming a stop that lasts.
 *
 * *Problem.* While a thread stays stopped, because a handler takes its time or a program is held before it runs, its stop is
 * found again and again by who looks for others. So it has to be consumed. But then the kernel forgets the signal: if the
 * tracer dies, a thread that has executed a trap goes on behind it, as if the instruction there had been performed.
 *
 * *Method.* Such a thread is first set back in front of the trap: it would execute it again. Who answers the stop later
 * finds that noted ({@linkcode Thread.isSetBack}). Another signal than that of a trap is lost if the tracer dies before it
 * is delivered.
 *
 * @module
 */

import { highHalf, isAddress } from "../address.ts";
import type { Thread } from "./process.ts";
import { eventOf, NT_PRSTATUS, signalOf, SIGTRAP } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Consumes the stop of a thread. The registers in `StopContext` stay as they are.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped.
 */
export function park(tracer: Tracer, thread: Thread): void {
  setBack(tracer, thread);
  tracer.kernel.call.ft_wait(thread.tid, 0, new Int32Array(1));
}

function setBack({ kernel, stop }: Tracer, thread: Thread): void {
  const { image: { isa } } = thread.process;
  if (
    isa.keeper === undefined || isa.trapPcBytes === 0 || eventOf(thread.reported) !== 0 ||
    signalOf(thread.reported) !== SIGTRAP
  ) return;
  const registers = new Uint32Array(isa.registersBytes / 4);
  const bytes = new Uint8Array(registers.buffer);
  if (stop.signalCode(thread) !== isa.trapCode) return;
  if (kernel.call.ft_get_regset(thread.tid, NT_PRSTATUS, bytes, bytes.length) < 0) return;
  if (isa.keeper.isAnswered(registers)) return;
  const { pc } = isa.registers;
  const back = registers[pc]! + registers[pc + 1]! * 2 ** 32 - isa.trapPcBytes;
  if (!isAddress(back)) return;
  registers[pc] = back >>> 0;
  registers[pc + 1] = highHalf(back);
  isa.keeper.markAnswered(registers);
  if (kernel.call.ft_set_regset(thread.tid, NT_PRSTATUS, bytes, bytes.length) >= 0) thread.isSetBack = true;
}
