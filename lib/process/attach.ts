/**
 * Attaching to a process that runs, and letting it go as if nothing had been.
 *
 * *Attaching.* Each thread is seized by itself (ptrace(2), PTRACE_SEIZE: nothing is stopped or signalled by that), and
 * the list of threads is read again until it brings no new one. A thread that was just being made by a thread that was
 * not yet seized is in none of these lists; so all threads are stopped once and the list is read a last time: nobody is
 * in the middle of making a thread then. Threads made later are traced from birth. Children that share the memory, because
 * vfork made them a moment ago, belong to it and are seized too.
 *
 * *Detaching.* In this order, with all threads stopped:
 *
 * 1. a thread that has executed a trap which was not answered yet is set back in front of it;
 * 2. every original byte is restored;
 * 3. every thread is brought out of its slot or pad;
 * 4. a thread that is stopped for a trap or a step goes on to another stop: if the tracer dies in the next steps, there is no
 *    keeper any more that would take the SIGTRAP;
 * 5. the action of SIGTRAP becomes the program's own again, and the memory of slots, pads and keeper is unmapped;
 * 6. every thread is let go, with the signal that it was stopped for.
 *
 * A thread that is suspended in the kernel can be let go only when it comes out. It is awaited for a while; if it does
 * not come, steps 5 and 6 are left out for what it needs: if it comes out in a slot, that stays mapped, and leads back
 * to the restored text.
 *
 * A first thread that has exited before the others cannot be let go at all: PTRACE_DETACH wants a stop. The parent of the
 * process hears of its end only when we have waited for that thread.
 *
 * @module
 */

import { DTraceError, SystemError } from "../errors.ts";
import { isAddress } from "../address.ts";
import { explainRefusal, findObstacle } from "./permission.ts";
import { cautionOf, openImage } from "./images.ts";
import { type Image, type Thread, TracedProcess } from "./process.ts";
import { isDeliverable, isOurs, listChildren, listThreads, readAncestors, readStatus, readText } from "./proc_files.ts";
import {
  EPERM,
  ESRCH,
  eventOf,
  INTERRUPTED,
  isStepCode,
  PTRACE_EVENT_STOP,
  SIGILL,
  signalOf,
  SIGTRAP,
  TRACE_OPTIONS,
} from "./ptrace.ts";
import { clearTable, unmapKeeper } from "./keeper_memory.ts";
import { takeOutLeftovers } from "./leftovers.ts";
import { unmapPads } from "./pad_memory.ts";
import { shedTraps } from "./pending_traps.ts";
import { leaveCapture } from "./captures.ts";
import { hideSlotStep, isLate, leaveSlot, orderSignals } from "./signals.ts";
import { unmapArenas } from "./slot_memory.ts";
import { stuckTrapError } from "./text.ts";
import type { Tracer } from "./tracer.ts";
import { mendTrapAction, releaseTrapActions } from "./trap_action.ts";

/** How often the list of threads is read at most while it keeps growing. */
const PASSES_LIMIT = 1000;
/** How many stops of a thread are answered at most before it is let go. */
const STOPS_LIMIT = 256;
/** How long threads that are suspended in the kernel are awaited when a process is let go, in nanoseconds. */
const SUSPENDED_LIMIT_NS = 2e9;

/**
 * Attaches to a running process. It keeps running.
 *
 * @param tracer The tracer.
 * @param pid The process.
 * @returns Its record.
 * @throws {DTraceError} `D_PROC_GRAB` with the reason if it cannot be attached.
 */
export function attach(tracer: Tracer, pid: number): TracedProcess {
  const known = tracer.processes.get(pid);
  if (known?.wanted) return known;
  const obstacle = findObstacle(tracer.kernel, pid);
  if (obstacle !== undefined) throw obstacle;
  seize(tracer, pid, pid);
  let process: TracedProcess;
  try {
    process = new TracedProcess(pid, openImage(tracer.kernel, pid), {
      wanted: true,
      ancestors: readAncestors(tracer.kernel, pid),
    });
  } catch (error) {
    abandon(tracer, pid);
    throw error instanceof DTraceError ? error : grabError(pid, "its memory cannot be opened", error);
  }
  const caution = cautionOf(process.image);
  if (caution !== undefined) tracer.listener.warn(caution);
  tracer.addProcess(process);
  tracer.addThread(process, pid);
  process.image.isSearched = false;
  try {
    seizeThreads(tracer, process);
    tracer.quiesce(process.image);
    while (seizeThreads(tracer, process) || seizeSharers(tracer, process)) tracer.quiesce(process.image);
    takeOutLeftovers(tracer, process, () => setAllBack(tracer, process.image));
  } catch (error) {
    detach(tracer, process);
    throw error;
  }
  tracer.release();
  if (!process.alive) throw grabError(pid, "it has ended");
  return process;
}

/**
 * Lets a process go, and whoever shares its memory.
 *
 * @param tracer The tracer.
 * @param process The process; one that has ended is no mistake.
 * @throws {SystemError} If bytes of its text could not be restored. It has been let go nevertheless.
 */
export function detach(tracer: Tracer, process: TracedProcess): void {
  const { image } = process;
  if (!process.alive || !image.alive) return;
  tracer.quiesce(image);
  const threads = [...image.threads()];
  // Those that are let go below end for us as well.
  const exited = threads.filter(({ state }) => state === "ended");
  const outside = threads.every((thread) => thread.state !== "suspended" || !isInSlot(tracer, image, thread));
  setAllBack(tracer, image);
  const stuck = image.text.removeAll();
  const falling = image.semaphores.releaseAll();
  if (stuck.length === 0) clearTable(image);
  image.semaphores.lower(falling);
  for (const thread of threads) {
    // One that cannot be stopped has yet to report its step.
    if (thread.state !== "stopped") continue;
    thread.stepping = false;
    leaveCapture(tracer, thread);
    leaveSlot(tracer, thread);
    orderSignals(tracer, thread);
  }
  shedTraps(tracer, image);
  releaseTrapActions(tracer, image);
  if (outside) unmapQuietly(tracer, image);
  for (const thread of threads) {
    if (thread.state === "stopped") letGo(tracer, thread);
    else thread.detaching = true;
  }
  // What else had stopped in the meantime goes its way.
  tracer.release();
  for (const thread of exited) if (outlived(tracer, thread)) tracer.leaveBehind(thread);
  const deadline = tracer.kernel.call.ft_clock_ns() + SUSPENDED_LIMIT_NS;
  const waiting = () => threads.some(({ tid, process }) => process.threads.has(tid));
  while (waiting() && tracer.kernel.call.ft_clock_ns() < deadline) tracer.pump(1000);
  if (stuck.length > 0) throw stuckTrapError(process.pid, stuck);
}

/** Seizes the threads that are not traced yet. Returns whether there were any. */
function seizeThreads(tracer: Tracer, process: TracedProcess): boolean {
  let found = false;
  for (let pass = 0; pass < PASSES_LIMIT; pass++) {
    const tids = listThreads(tracer.kernel, process.pid) ?? [];
    let added = false;
    for (const tid of tids) {
      if (process.threads.has(tid) || !seize(tracer, process.pid, tid)) continue;
      tracer.addThread(process, tid);
      added = true;
    }
    if (!added) return found;
    found = true;
  }
  throw grabError(process.pid, `it makes threads faster than they can be traced`);
}

/** Seizes the children that share the memory of a process and are not traced yet. Returns whether there were any. */
function seizeSharers(tracer: Tracer, process: TracedProcess): boolean {
  let found = false;
  for (const pid of listChildren(tracer.kernel, process.pid)) {
    if (tracer.knows(pid) || tracer.kernel.call.ft_same_memory(pid, process.pid) !== 0) continue;
    if (tracer.kernel.call.ft_seize(pid, TRACE_OPTIONS) < 0) continue;
    const ancestors = [process.pid, ...process.ancestors];
    const sharer = new TracedProcess(pid, process.image, { wanted: false, ancestors });
    tracer.addProcess(sharer);
    tracer.addThread(sharer, pid);
    found = true;
  }
  return found;
}

/** Seizes a thread. Returns whether it was done; a thread that has ended, or is ours already, is not. */
function seize(tracer: Tracer, pid: number, tid: number): boolean {
  const result = tracer.kernel.call.ft_seize(tid, TRACE_OPTIONS);
  if (result >= 0) return true;
  if (tid !== pid && (result === -ESRCH || isOurs(tracer.kernel, tid))) return false;
  // An exiting thread is refused with EPERM.
  const state = readStatus(tracer.kernel, tid)?.state;
  if (tid !== pid && (state === undefined || state === "Z" || state === "X")) return false;
  if (result === -ESRCH) throw grabError(pid, "it has ended");
  if (result === -EPERM) throw explainRefusal(tracer.kernel, pid);
  try {
    tracer.kernel.check(result, "PTRACE_SEIZE", `thread ${tid}`);
  } catch (error) {
    throw grabError(pid, `${(error as SystemError).errno}`, error);
  }
  return false;
}

/** Lets go of a process of which only the first thread has been seized. */
function abandon(tracer: Tracer, pid: number): void {
  tracer.kernel.call.ft_interrupt(pid);
  const status = new Uint8Array(4);
  tracer.kernel.call.ft_wait(pid, 1e6, status);
  tracer.kernel.call.ft_detach(pid, 0);
}

/** Sets a thread that has executed one of our traps back in front of it; a step that it has made is over. */
function setBack(tracer: Tracer, image: Image, thread: Thread): void {
  if (isInsideJump(tracer, image, thread)) thread.status = INTERRUPTED;
  if (eventOf(thread.status) !== 0 || signalOf(thread.status) !== SIGTRAP) return;
  const code = tracer.stop.signalCode(thread);
  if (thread.stepping && isStepCode(code)) {
    thread.stepping = false;
    if (tracer.stop.loadRegisters(thread)) hideSlotStep(tracer, thread);
    mendTrapAction(tracer, thread);
    thread.status = INTERRUPTED;
    return;
  }
  if (code !== image.isa.trapCode || !tracer.stop.loadRegisters(thread)) return;
  const pc = tracer.stop.getTrapPc(thread);
  image.memory.useThread(thread.tid);
  if (!isAddress(pc) || !(image.text.has(pc) || isLate(image, pc))) return;
  mendTrapAction(tracer, thread);
  tracer.stop.setPc(image, pc);
  tracer.stop.storeRegisters(thread);
  thread.status = INTERRUPTED;
}

/** Sets the threads of an image back. */
function setAllBack(tracer: Tracer, image: Image): void {
  for (const thread of image.threads()) if (thread.state === "stopped") setBack(tracer, image, thread);
}

/** Whether a thread is stopped for a SIGILL that what is written inside of a jump of ours has raised. */
function isInsideJump(tracer: Tracer, image: Image, thread: Thread): boolean {
  if (eventOf(thread.status) !== 0 || signalOf(thread.status) !== SIGILL || image.pads.isEmpty) return false;
  if (!tracer.stop.loadRegisters(thread)) return false;
  const pc = tracer.stop.getPc(image);
  return image.pads.copyAt(pc) !== undefined || image.pads.mayBeLate(pc);
}

/** Whether a thread that is suspended in the kernel, and cannot be asked for its registers, will come out in a slot. */
function isInSlot({ kernel }: Tracer, image: Image, { process, tid }: Thread): boolean {
  // The last field is the pc, unless the thread runs again (proc_pid_syscall(5)).
  const pc = Number(readText(kernel, `/proc/${process.pid}/task/${tid}/syscall`)?.trim().split(" ").at(-1));
  return !isAddress(pc) || image.slots.at(pc) !== undefined;
}

/**
 * Lets a stopped thread go, with the signal that it is stopped for. Those that were withheld from it and need us to get
 * their siginfo back are delivered before, as far as it does not block them.
 */
function letGo(tracer: Tracer, thread: Thread): void {
  for (let stops = 0; stops < STOPS_LIMIT && hasResent(tracer, thread); stops++) {
    const signal = signalAt(thread);
    // A signal is delivered up to the handler's first instruction, where the order to stop awaits the thread.
    if (signal !== 0) tracer.kernel.call.ft_interrupt(thread.tid);
    tracer.resume(thread, signal);
    tracer.await(thread);
    if (!tracer.withdraw(thread)) break;
    orderSignals(tracer, thread);
  }
  if (thread.state === "stopped") {
    tracer.kernel.call.ft_detach(thread.tid, signalAt(thread));
    tracer.removeThread(thread);
  } else if (thread.state !== "ended") {
    thread.detaching = true;
  }
}

/** The signal that a thread is stopped for, 0 if it is stopped for another reason. */
function signalAt({ status }: Thread): number {
  return eventOf(status) === 0 ? signalOf(status) : 0;
}

/** Whether a signal that was sent again is on its way to a thread, unless its process is stopped. */
function hasResent(tracer: Tracer, { resent, status, tid }: Thread): boolean {
  if (resent.length === 0 || (eventOf(status) === PTRACE_EVENT_STOP && signalOf(status) !== SIGTRAP)) return false;
  const own = readStatus(tracer.kernel, tid);
  return own !== undefined && resent.some(({ signal }) => isDeliverable(own, signal));
}

/** Whether others of the process of a first thread that has exited, which have been let go, have not. */
function outlived(tracer: Tracer, { process: { pid } }: Thread): boolean {
  return (listThreads(tracer.kernel, pid)?.length ?? 0) > 1;
}

/** The memory of slots is a convenience to take back: a target that dies on the way is no failure. */
function unmapQuietly(tracer: Tracer, image: Image): void {
  try {
    unmapArenas(tracer, image);
    unmapPads(tracer, image);
    unmapKeeper(tracer, image);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}

function grabError(pid: number, why: string, cause?: unknown): DTraceError {
  return new DTraceError("D_PROC_GRAB", `Cannot grab process ${pid}: ${why}`, { cause });
}
