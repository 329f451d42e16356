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
 * *The keeper* (`keeper.ts`) takes the place of the default action where that is the program's: then the process is
 * *guarded*. Its flags are its mark: a default action that has them is the kernel's doing, and the keeper is put back. The
 * program sees the keeper when it asks for the action. What it installs instead is noticed when all threads are stopped,
 * though not more often than every {@linkcode GUARD_INTERVAL_NS}, and when a SIGTRAP of its own is delivered.
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

import { fromHalves, highHalf, isAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Keeper } from "./keeper.ts";
import type { Image, Thread, TracedProcess } from "./process.ts";
import { readText } from "./proc_files.ts";
import { eventOf, isTrap, SIGTRAP } from "./ptrace.ts";
import { allowsCalls, remoteCall } from "./remote_call.ts";
import type { Tracer } from "./tracer.ts";

/** How old the last look at the action may be when a trap is hit, in nanoseconds. */
const LOOK_INTERVAL_NS = 10e6;
/** How old the last look at a keeper may be, which takes a system call in the program's name, in nanoseconds. */
const GUARD_INTERVAL_NS = 100e6;

/** The kernel's `struct sigaction` (asm/signal.h): handler, flags, restorer, mask; 8 bytes each. */
const ACTION_BYTES = 32;
/** Indices in it, in 32-bit halves. */
const HANDLER = 0, FLAGS = 2, RESTORER = 4, MASK = 6;
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
    // A SIGTRAP may have changed the mask of who has stopped for it.
    const quiet = [...process.threads.values()].filter(({ state, status }) => state === "stopped" && !isTrap(status));
    const caller = findCallerIn(process);
    if (caller !== undefined) checkAction(tracer, process, caller);
    for (const thread of quiet) thread.blockedMask = trapBlockingMask(readMask(tracer, thread));
  }
}

/**
 * Makes the handler of its keeper the action of SIGTRAP in the processes of an image, unless they have an action of their
 * own. The tracer's registers are free to be used.
 *
 * @param tracer The tracer.
 * @param image The image. All its threads that can be stopped are.
 */
export function guardProcesses(tracer: Tracer, image: Image): void {
  for (const process of image.processes) {
    const caller = findCallerIn(process);
    if (caller !== undefined && process.trapAction === undefined) guard(tracer, process, caller);
  }
}

/** A stopped thread of a process that can make a system call, one that is not stopped for a signal if there is any. */
function findCallerIn({ threads }: TracedProcess): Thread | undefined {
  const callers = [...threads.values()].filter(({ state, stepping, inVfork }) =>
    state === "stopped" && !stepping && !inVfork
  );
  return callers.find(({ status }) => eventOf(status) !== 0) ?? callers[0];
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
    const isBlocked = thread.blockedMask !== undefined && isFull(thread.blockedMask) && mendMask(tracer, thread);
    if (thread.blockedMask !== undefined && !process.isGuarded) return isBlocked;
    // The clock is cheaper than the look.
    if (tracer.kernel.call.ft_clock_ns() - process.actionSeenNs >= LOOK_INTERVAL_NS) {
      checkAction(tracer, process, thread);
    }
    return isBlocked;
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
  if (process.isGuarded) checkGuard(tracer, process, thread);
  else checkAction(tracer, process, thread);
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
    if (caller === undefined) continue;
    if (trapAction !== undefined) exchange(tracer, caller, trapAction);
    else if (process.isGuarded) release(tracer, process, caller);
  }
}

/**
 * Makes the default the action of a process, if it is the handler of an earlier tracer.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param process The process. All its threads that can be stopped are.
 * @param isHandler Tells whether an address is that of such a handler.
 */
export function forgetTrapAction(
  tracer: Tracer,
  process: TracedProcess,
  isHandler: (handler: number) => boolean,
): void {
  const caller = findCallerIn(process);
  const { trapAction } = process;
  if (trapAction === undefined || caller === undefined || !isHandler(handlerOf(trapAction))) return;
  if (exchange(tracer, caller, new Uint32Array(ACTION_BYTES / 4)) !== undefined) process.trapAction = undefined;
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
  if (process.isGuarded) {
    if (!recent) process.actionSeenNs = now;
    // At a hit it would take a signal to look.
    if (kept && (eventOf(caller.status) === 0 || now - process.guardSeenNs < GUARD_INTERVAL_NS)) return false;
    return !recent && checkGuard(tracer, process, caller);
  }
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
  if (isKeeper(process, actual)) {
    // One that its parent has had.
    process.isGuarded = true;
    process.trapAction = undefined;
    return false;
  }
  // The program has set it since; or it has the mark from a parent that is traced.
  process.trapAction = kept ? unmarked(actual) : undefined;
  if (kept && !isMarked) exchange(tracer, caller, marked(actual));
  return false;
}

/**
 * Looks whether the handler of the keeper is still there, and puts it back where it is not, unless the program has an action
 * of its own now.
 *
 * @returns Whether the kernel had taken it away.
 */
function checkGuard(tracer: Tracer, process: TracedProcess, caller: Thread): boolean {
  process.guardSeenNs = tracer.kernel.call.ft_clock_ns();
  const actual = exchange(tracer, caller);
  if (actual === undefined || isKeeper(process, actual)) return false;
  process.isGuarded = false;
  if (handlerOf(actual) !== 0) {
    process.trapAction = unmarked(actual);
    exchange(tracer, caller, marked(actual));
    return false;
  }
  // One without flags is the keeper's doing: it ends the program by a SIGTRAP that is the program's own.
  if (actual[FLAGS] !== 0) guard(tracer, process, caller);
  return actual[FLAGS] === process.image.keeper?.flags;
}

/** Makes the handler of the keeper the action, unless there is another than the default. */
function guard(tracer: Tracer, process: TracedProcess, caller: Thread): void {
  const { keeper } = process.image;
  if (keeper === undefined) return;
  const before = exchange(tracer, caller, actionOf(keeper));
  process.guardSeenNs = tracer.kernel.call.ft_clock_ns();
  if (before === undefined) return;
  process.isGuarded = handlerOf(before) === 0 || isKeeper(process, before);
  if (!process.isGuarded) exchange(tracer, caller, before);
}

/** Makes the default the action again. */
function release(tracer: Tracer, process: TracedProcess, caller: Thread): void {
  process.isGuarded = false;
  const actual = exchange(tracer, caller);
  if (actual !== undefined && isKeeper(process, actual)) exchange(tracer, caller, new Uint32Array(ACTION_BYTES / 4));
}

function isKeeper({ image: { keeper } }: TracedProcess, action: TrapAction): boolean {
  return keeper !== undefined && handlerOf(action) === keeper.handler;
}

function handlerOf(action: TrapAction): number {
  return fromHalves(action[HANDLER]!, action[HANDLER + 1]!);
}

/** The action that a keeper is: no signal comes in between but SIGTRAP, without which it could not be stepped through. */
function actionOf({ handler, restorer, flags }: Keeper): TrapAction {
  const action = new Uint32Array(ACTION_BYTES / 4);
  action.set([handler >>> 0, highHalf(handler)], HANDLER);
  action[FLAGS] = flags;
  action.set([restorer >>> 0, highHalf(restorer)], RESTORER);
  action.set([~TRAP_BIT >>> 0, 0xffffffff], MASK);
  return action;
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
    const data = action && { bytes: bytesOf(action), parameter: 1 };
    if (remoteCall(tracer, thread, rtSigaction, parameters, data) !== 0) return undefined;
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
