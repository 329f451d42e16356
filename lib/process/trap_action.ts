/**
 * The program's own idea of SIGTRAP, kept over our traps.
 *
 * *Problem.* When a thread executes a trap, or ends a single step, while it blocks SIGTRAP or its process ignores it, the
 * kernel resets the action of SIGTRAP to the default and unblocks the signal in the thread (force_sig_info_to_task in
 * kernel/signal.c): a debugger must get it. The program has done nothing of that. Its next own trap, or a SIGTRAP that
 * it sends itself, would kill it. A handler of SIGTRAP runs with it blocked, so that one probed function that the
 * handler calls is enough.
 *
 * *The action* is put back by a system call in the program's name. What it was is read in the same way when it is seen
 * that there is one (SigIgn and SigCgt in /proc/PID/status): whenever all threads are stopped, so also before the first
 * trap is written; when a SIGTRAP of the program's own is delivered; and at a hit, if the last look is older than
 * {@linkcode LOOK_INTERVAL_NS}.
 *
 * *Whose doing it is.* That the action is the default now proves nothing: the program may have set it. But the kernel
 * resets the address of the handler alone and leaves the flags as they were. So the action is *marked* when it is read:
 * it gets SA_NOCLDSTOP, which means something for SIGCHLD only. A default action that is marked is the kernel's doing; one
 * that is not is the program's own, and so is any action without the mark.
 *
 * *The mask* is put back by PTRACE_SETSIGMASK. Whether the thread had blocked SIGTRAP cannot be seen in its mask
 * afterwards; it follows from the action and from what the mask was before:
 *
 * | the action was | at the hit | the thread had SIGTRAP blocked |
 * | --- | --- | --- |
 * | a handler | is still there | no |
 * | a handler | is lost, and no other thread can have lost it | yes |
 * | a handler, or ignored | is lost | if the mask is that of the last look without SIGTRAP |
 * | the default | is the default | if besides the last look showed all signals of faults blocked |
 *
 * The last row is a guess, made only where it cannot hurt: nobody blocks the signals of faults one by one, so a thread
 * that has left such a section has another mask. A look is made at each thread when all are stopped; and the mask in a
 * handler of SIGTRAP is known beforehand.
 *
 * *What remains.* A handler that is installed after the last look and lost at the next hit; the mask of a thread that
 * has blocked SIGTRAP after the last look, if the process has more threads or no handler; a process whose filter
 * forbids the system call (see `remote_call.ts`). Such a program behaves as it does under every debugger.
 *
 * *Cost.* Nothing but a look at the clock for a process with the default action and a thread that does not block
 * SIGTRAP; reading a file at each hit for one with a handler; three system calls in the program's name at a hit that has
 * cost the action.
 *
 * @module
 */

import { isAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Image, Thread, TracedProcess } from "./process.ts";
import { readText } from "./proc_files.ts";
import { eventOf, signalOf, SIGTRAP } from "./ptrace.ts";
import { allowsCalls, remoteCall } from "./remote_call.ts";
import type { Tracer } from "./tracer.ts";

/** How old the last look at the action may be when a trap is hit, in nanoseconds. */
const LOOK_INTERVAL_NS = 10e6;

/** The kernel's `struct sigaction` (asm/signal.h): handler, flags, restorer, mask; 8 bytes each. */
const ACTION_BYTES = 32;
/** Indices in it, in 32-bit halves. */
const HANDLER = 0, FLAGS = 2, MASK = 6;
/** `SIG_IGN`. */
const IGNORE = 1;
/** The mark. */
const SA_NOCLDSTOP = 1;
const SA_NODEFER = 0x40000000;
const SA_RESETHAND = 0x80000000;
/** The size of the kernel's signal set in bytes. */
const MASK_BYTES = 8;
/** What may lie below the stack pointer (System V ABI, 3.2.2), in bytes. */
const RED_ZONE_BYTES = 128;

const TRAP_BIT = 1 << (SIGTRAP - 1);
/** SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV in the low half of a signal set. */
const FAULT_BITS = TRAP_BIT | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10;

/** An action as the program has set it, in 32-bit halves. */
export type TrapAction = Uint32Array<ArrayBuffer>;

/**
 * Looks at how the processes of an image take SIGTRAP, and who blocks it.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param image The image. All its threads that can be stopped are.
 */
export function lookAtTrapActions(tracer: Tracer, image: Image): void {
  for (const process of image.processes) {
    const threads = [...process.threads.values()].filter(({ state }) => state === "stopped");
    const quiet = threads.filter((thread) => !isTrapped(thread));
    const caller = quiet.find(({ status, stepping }) => eventOf(status) !== 0 && !stepping) ??
      threads.find(({ stepping, inVfork }) => !stepping && !inVfork);
    if (caller !== undefined) checkAction(tracer, process, caller);
    for (const thread of quiet) thread.blockedMask = trapBlockingMask(readMask(tracer, thread));
  }
}

/**
 * Puts back what a trap of ours, or a step, that a thread has just made has cost the program. The registers in
 * `StopContext` may be those of the thread, and are so afterwards.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped and not stepping.
 * @returns Whether it had blocked SIGTRAP, as it does again.
 */
export function mendTrapAction(tracer: Tracer, thread: Thread): boolean {
  const { process } = thread;
  const known = process.trapAction;
  if (known === undefined) {
    if (thread.blockedMask !== undefined) return isFull(thread.blockedMask) && mendMask(tracer, thread);
    // The clock is cheaper than the look.
    if (tracer.kernel.call.ft_clock_ns() - process.actionSeenNs >= LOOK_INTERVAL_NS) {
      checkAction(tracer, process, thread);
    }
    return false;
  }
  if (!checkAction(tracer, process, thread)) thread.blockedMask = undefined;
  else if (thread.blockedMask !== undefined && mendMask(tracer, thread)) return true;
  else if (known[HANDLER] !== IGNORE && process.threads.size === 1) return blockTrap(tracer, thread);
  return false;
}

/**
 * Looks at the action when a SIGTRAP of the program's own is about to be delivered.
 *
 * @param tracer The tracer.
 * @param thread The thread, in the signal-delivery-stop and not stepping.
 */
export function foreseeTrapHandler(tracer: Tracer, thread: Thread): void {
  const { process } = thread;
  checkAction(tracer, process, thread);
  const { trapAction } = process;
  if (trapAction === undefined) return;
  const mask = readMask(tracer, thread);
  if (mask !== undefined && trapAction[HANDLER] !== IGNORE) {
    mask[0]! |= trapAction[MASK]! | (hasFlag(trapAction, SA_NODEFER) ? 0 : TRAP_BIT);
    mask[1]! |= trapAction[MASK + 1]!;
    thread.blockedMask = trapBlockingMask(mask);
  }
  // Delivery makes it the default.
  if (hasFlag(trapAction, SA_RESETHAND)) process.trapAction = undefined;
}

/**
 * Takes the mark from the actions of the processes of an image that is let go, and puts them back if they are lost.
 *
 * @param tracer The tracer.
 * @param image The image. All its threads that can be stopped are, and no trap is in its text.
 */
export function releaseTrapActions(tracer: Tracer, image: Image): void {
  lookAtTrapActions(tracer, image);
  for (const process of image.processes) {
    const { trapAction } = process;
    const caller = [...process.threads.values()].find(({ state, inVfork }) => state === "stopped" && !inVfork);
    process.trapAction = undefined;
    if (trapAction !== undefined && caller !== undefined) exchange(tracer, caller, trapAction);
  }
}

/**
 * Compares the action with what is known of it, and puts it back if the kernel has reset it.
 *
 * @returns Whether it had.
 */
function checkAction(tracer: Tracer, process: TracedProcess, caller: Thread): boolean {
  const { kernel } = tracer;
  const known = process.trapAction;
  const kept = hasAction(tracer, process);
  const now = kernel.call.ft_clock_ns();
  const recent = now - process.actionSeenNs < LOOK_INTERVAL_NS;
  if (kept === (known !== undefined) && (!kept || recent)) {
    if (!recent) process.actionSeenNs = now;
    return false;
  }
  process.actionSeenNs = now;
  if (!allowsCalls(kernel, process.pid)) return false;
  const actual = exchange(tracer, caller);
  if (actual === undefined) return false;
  const isMarked = hasFlag(actual, SA_NOCLDSTOP);
  if (isMarked && !kept && known !== undefined) {
    exchange(tracer, caller, marked(known));
    return true;
  }
  if (isMarked && known !== undefined) return false;
  // The program has set it since; or it has the mark from a parent that is traced.
  process.trapAction = kept ? unmarked(actual) : undefined;
  if (kept && !isMarked) exchange(tracer, caller, marked(actual));
  return false;
}

/** Whether a process catches or ignores SIGTRAP. */
function hasAction({ kernel }: Tracer, { pid }: TracedProcess): boolean {
  const sets = /^SigIgn:\t(\w+)\nSigCgt:\t(\w+)/m.exec(readText(kernel, `/proc/${pid}/status`) ?? "");
  return sets !== null && [sets[1]!, sets[2]!].some((set) => (Number.parseInt(set.slice(-2), 16) & TRAP_BIT) !== 0);
}

/** Has a thread read the action of SIGTRAP, or replace it; undefined if it cannot. Its stack lends the memory. */
function exchange(tracer: Tracer, thread: Thread, action?: TrapAction): TrapAction | undefined {
  const { process: { pid, image } } = thread;
  const { kernel, stop } = tracer;
  if (!stop.loadRegisters(thread)) return undefined;
  const room = stop.getSp(image) - stop.getSp(image) % 8 - RED_ZONE_BYTES - 2 * ACTION_BYTES;
  const saved = new Uint8Array(2 * ACTION_BYTES);
  if (!isAddress(room) || image.memory.read(room, saved) < saved.length) return undefined;
  if (action !== undefined && kernel.call.ft_write_memory(pid, room, bytesOf(action), ACTION_BYTES) < 0) {
    return undefined;
  }
  try {
    const { rtSigaction } = image.isa.registers.systemCalls;
    const old = room + ACTION_BYTES;
    const parameters = [SIGTRAP, action === undefined ? 0 : room, old, MASK_BYTES];
    if (remoteCall(tracer, thread, rtSigaction, parameters) !== 0) return undefined;
    const result = new Uint32Array(ACTION_BYTES / 4);
    return image.memory.read(old, bytesOf(result)) === ACTION_BYTES ? result : undefined;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return undefined;
  } finally {
    kernel.call.ft_write_memory(pid, room, saved, saved.length);
  }
}

/** Blocks SIGTRAP again in a thread that has blocked it before, if all else in its mask is as it was. */
function mendMask(tracer: Tracer, thread: Thread): boolean {
  const before = thread.blockedMask!;
  const mask = readMask(tracer, thread);
  if (mask !== undefined && (mask[0]! | TRAP_BIT) === (before[0]! | 0) && mask[1] === before[1]) {
    return tracer.kernel.call.ft_set_sigmask(thread.tid, bytesOf(before)) >= 0;
  }
  thread.blockedMask = undefined;
  return false;
}

function blockTrap(tracer: Tracer, thread: Thread): boolean {
  const mask = readMask(tracer, thread);
  if (mask === undefined) return false;
  mask[0]! |= TRAP_BIT;
  thread.blockedMask = mask;
  return tracer.kernel.call.ft_set_sigmask(thread.tid, bytesOf(mask)) >= 0;
}

function readMask({ kernel }: Tracer, { tid }: Thread): Uint32Array<ArrayBuffer> | undefined {
  const mask = new Uint32Array(2);
  return kernel.call.ft_get_sigmask(tid, bytesOf(mask)) < 0 ? undefined : mask;
}

/** A mask, if SIGTRAP is in it. */
function trapBlockingMask(mask: Uint32Array<ArrayBuffer> | undefined): Uint32Array<ArrayBuffer> | undefined {
  return mask !== undefined && (mask[0]! & TRAP_BIT) !== 0 ? mask : undefined;
}

/** Whether a mask contains the signals of all faults. */
function isFull(mask: Uint32Array): boolean {
  return (mask[0]! & FAULT_BITS) === FAULT_BITS;
}

/** Whether a thread is stopped for a SIGTRAP, which may have changed its mask. */
function isTrapped({ status }: Thread): boolean {
  return eventOf(status) === 0 && signalOf(status) === SIGTRAP;
}

function hasFlag(action: TrapAction, flag: number): boolean {
  return ((action[FLAGS]! & flag) >>> 0) === flag;
}

function marked(action: TrapAction): TrapAction {
  const copy = action.slice();
  copy[FLAGS]! |= SA_NOCLDSTOP;
  return copy;
}

function unmarked(action: TrapAction): TrapAction {
  const copy = action.slice();
  copy[FLAGS]! &= ~SA_NOCLDSTOP;
  return copy;
}

function bytesOf(halves: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(halves.buffer);
}
