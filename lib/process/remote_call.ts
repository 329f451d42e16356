/**
 * System calls made in the name of a traced process.
 *
 * *Problem.* Executable memory for slots has to be mapped by the target itself.
 *
 * *Method.* A stopped thread is given the registers of the call and a pc at some system call instruction that is in its
 * memory anyway (nearly always in the vDSO, so that no text is changed), goes on to the beginning of the call
 * (PTRACE_SYSCALL), from there to a stop behind it, and gets its own registers back. No other thread needs to stop. A
 * single step would do as well, but its SIGTRAP may change how the program takes SIGTRAP: see `trap_action.ts`.
 *
 * *The stop behind it* must be one in which the kernel still looks at the registers for an interrupted call, and at
 * which the thread's own stop can be answered:
 *
 * | own stop | stop behind the call | told by |
 * | --- | --- | --- |
 * | for a signal | for a signal as well, which the own one then replaces | SIGSTOP, which no thread can block, sent to it |
 * | any other | PTRACE_EVENT_STOP, or group-stop again if the process is stopped | PTRACE_INTERRUPT |
 *
 * A SIGSTOP takes a SIGCONT from the program that it has blocked and not taken yet; so threads that are stopped for a
 * signal are the last choice for a call.
 *
 * *Orderings.*
 * - A thread that is stopped *inside* a system call (PTRACE_EVENT_CLONE, PTRACE_EVENT_EXEC and the like) is first moved
 *   to a stop behind it: its result would overwrite the register that the new call's number is in.
 * - With the registers goes the number of an interrupted call; giving them back makes the kernel restart that call as if
 *   nothing had been.
 * - Signals that arrive meanwhile are withheld and sent again; see `withheld.ts`.
 * - The thread's own stop is answered afterwards, as if it had not moved.
 *
 * *Filters.* A seccomp filter may kill a process for a call that it never makes itself. {@linkcode allowsCalls} judges
 * beforehand.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, fromHalves, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Image, Thread } from "./process.ts";
import { readMappings, readStatus } from "./proc_files.ts";
import { CALL_STOP, eventOf, PTRACE_EVENT_STOP, SI_TKILL, SIGINFO_BYTES, signalOf, SIGSTOP } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";
import { resend, withhold } from "./withheld.ts";

/** How long the call may take, in microseconds. */
const CALL_LIMIT_US = 5_000_000;
/** How many stops that are not those of the call are passed over at most. */
const STOPS_LIMIT = 256;
/** The largest mapping that is searched for a system call instruction, in bytes. */
const SEARCH_BYTES = 1 << 23;

/**
 * Tells whether a process may make system calls that it does not make of itself. The kernel shows filters only to a
 * privileged tracer; but where the tracer has at least as many, they are most likely its own, inherited from the
 * container, and let executable memory be mapped, which the JavaScript engine does all the time.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns Whether it is safe.
 */
export function allowsCalls(kernel: Kernel, pid: number): boolean {
  const target = readStatus(kernel, pid);
  if (target === undefined || target.seccomp === 1) return false;
  if (target.seccomp === 0) return true;
  const own = readStatus(kernel, "self");
  return own?.seccomp === 2 && target.seccompFilters > 0 && target.seccompFilters <= own.seccompFilters;
}

/**
 * Finds a thread that can make a system call for us: not one whose own call ends only with a vfork child.
 *
 * @param image The image.
 * @returns A stopped thread, one that is not stopped for a signal if there is any; undefined if there is none.
 */
export function findCaller(image: Image): Thread | undefined {
  const callers = [
    ...image.threads().filter(({ state, stepping, inVfork }) => state === "stopped" && !stepping && !inVfork),
  ];
  return callers.find(({ status }) => eventOf(status) !== 0) ?? callers[0];
}

/**
 * Makes a system call in a stopped thread.
 *
 * @param tracer The tracer.
 * @param thread A stopped thread. It may be in the backlog; it keeps its place there.
 * @param number The number of the system call.
 * @param parameters Up to six integers.
 * @returns What the call returned, which may be `-errno`.
 * @throws {SystemError} If the thread ends, or has no system call instruction in its memory.
 */
export function remoteCall(tracer: Tracer, thread: Thread, number: number, parameters: readonly number[]): number {
  const { image } = thread.process;
  const { isa } = image;
  const subject = `thread ${thread.tid}`;
  const waiting = tracer.withdraw(thread);
  leaveEvent(tracer, thread);
  const own = new Uint8Array(SIGINFO_BYTES);
  const hasSignal = eventOf(thread.status) === 0 && tracer.kernel.call.ft_get_siginfo(thread.tid, own) >= 0;
  image.systemCall ??= findSystemCall(tracer, image);
  if (image.systemCall === undefined) throw new SystemError("ENOEXEC", "find a system call instruction in", subject);
  if (!tracer.stop.loadRegisters(thread)) throw new SystemError("ESRCH", "read the registers of", subject);
  const saved = tracer.stop.registers.slice();
  isa.registers.prepareSystemCall(tracer.stop.registers, number, parameters);
  tracer.stop.setPc(image, image.systemCall);
  tracer.stop.storeRegisters(thread);
  const { status } = thread;
  const arrived = makeCall(tracer, thread, hasSignal);
  tracer.stop.loadRegisters(thread);
  const lo = tracer.stop.registers[isa.registers.result]!;
  const hi = tracer.stop.registers[isa.registers.result + 1]!;
  tracer.stop.registers.set(saved);
  tracer.stop.storeRegisters(thread);
  thread.status = status;
  if (hasSignal) tracer.kernel.call.ft_set_siginfo(thread.tid, own);
  if (waiting && thread.state === "stopped") tracer.enqueue(thread);
  else tracer.withdraw(thread);
  resend(tracer, thread);
  if (!arrived) throw new SystemError("ESRCH", "make a system call in", subject);
  return hi === 0xffffffff ? lo - 2 ** 32 : fromHalves(lo, hi);
}

/** Goes on to the beginning of the call, and from there to a stop behind it. Signals are withheld. */
function makeCall(tracer: Tracer, thread: Thread, needsSignal: boolean): boolean {
  const { call } = tracer.kernel;
  const isBeginning = (status: number) => eventOf(status) === 0 && signalOf(status) === CALL_STOP;
  if (!goOn(tracer, thread, () => call.ft_continue_to_call(thread.tid), isBeginning)) return false;
  if (needsSignal) call.ft_kill(thread.process.pid, thread.tid, SIGSTOP);
  else call.ft_interrupt(thread.tid);
  return goOn(tracer, thread, () => call.ft_continue(thread.tid, 0), (status) => {
    if (!needsSignal) return eventOf(status) === PTRACE_EVENT_STOP;
    return eventOf(status) === 0 && signalOf(status) === SIGSTOP && tracer.stop.signalCode(thread) === SI_TKILL;
  });
}

/** Lets a thread go on until it stops where it is wanted. */
function goOn(tracer: Tracer, thread: Thread, resume: () => void, isWanted: (status: number) => boolean): boolean {
  for (let stops = 0; stops < STOPS_LIMIT; stops++) {
    thread.state = "running";
    resume();
    const status = tracer.awaitStep(thread, CALL_LIMIT_US);
    if (status === undefined) return false;
    if (isWanted(status)) return true;
    if (eventOf(status) === 0 && signalOf(status) !== CALL_STOP && !withhold(tracer, thread)) return false;
  }
  return false;
}

/** Moves a thread that is stopped inside a system call to a stop behind it. */
function leaveEvent(tracer: Tracer, thread: Thread): void {
  const event = eventOf(thread.status);
  if (event !== 0 && event !== PTRACE_EVENT_STOP) stopAgain(tracer, thread);
}

/** Lets a thread go on to its next stop, which comes before it executes an instruction. */
function stopAgain(tracer: Tracer, thread: Thread): void {
  tracer.kernel.call.ft_interrupt(thread.tid);
  thread.state = "running";
  tracer.kernel.call.ft_continue(thread.tid, 0);
  tracer.await(thread);
}

/** Looks for a system call instruction, first where the kernel itself puts one. */
function findSystemCall(tracer: Tracer, image: Image): Address | undefined {
  const mappings = (readMappings(tracer.kernel, image.pid) ?? []).filter(({ permissions }) => permissions[2] === "x");
  mappings.sort((a, b) => Number(b.path === "[vdso]") - Number(a.path === "[vdso]"));
  const { systemCall: wanted, unitBytes } = image.isa;
  for (const { start, end } of mappings) {
    const bytes = new Uint8Array(Math.min(end - start, SEARCH_BYTES));
    const length = image.memory.read(start, bytes);
    for (
      let at = bytes.indexOf(wanted[0]!);
      at >= 0 && at + wanted.length <= length;
      at = bytes.indexOf(wanted[0]!, at + 1)
    ) {
      if (at % unitBytes === 0 && wanted.every((byte, i) => bytes[at + i] === byte)) return toAddress(start + at);
    }
  }
  return undefined;
}
