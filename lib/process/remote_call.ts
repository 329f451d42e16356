/**
 * System calls made in the name of a traced process.
 *
 * *Problem.* Executable memory for slots has to be mapped by the target itself.
 *
 * *Method.* A stopped thread is given the registers of the call and a pc at a system call instruction, goes on to the
 * beginning of the call (PTRACE_SYSCALL), from there to a stop behind it, and gets its own registers back. No other thread
 * needs to stop. A single step would do as well, but its SIGTRAP may change how the program takes SIGTRAP: see
 * `trap_action.ts`.
 *
 * *The instruction* is the first of a *caller* (`isa/keeper.ts`), which gives the thread its registers back by itself if
 * the tracer dies before it can. The caller is written for the time of the call, into memory that can be executed and
 * that nothing is in: the zeros between the end of a module's code and that of its last page. If tracers that were killed have
 * left callers in all of them, one of those is overwritten. Where there are none, a system call instruction that is in
 * memory anyway has to do. Where it cannot be found out whether there are, no call is made.
 *
 * *The stop behind it* must be one in which the kernel still looks at the registers for an interrupted call, and at
 * which the thread's own stop can be answered:
 *
 * | own stop | stop behind the call | told by |
 * | --- | --- | --- |
 * | for a trap, and waiting to be answered | PTRACE_EVENT_STOP, in front of the trap, which is made again | PTRACE_INTERRUPT |
 * | for a signal | for the same signal, which gets its siginfo back | the signal, which is let in for that time, sent to it |
 * | any other | PTRACE_EVENT_STOP, or group-stop again if the process is stopped | PTRACE_INTERRUPT |
 *
 * So the thread has its signal again if the tracer dies, but for the short time up to the beginning of the call, in which
 * only one of a trap does not matter. Threads that are stopped for a signal are the last choice for a call.
 *
 * *Orderings.*
 * - A thread that is stopped *inside* a system call (PTRACE_EVENT_CLONE, PTRACE_EVENT_EXEC and the like) is first moved
 *   to a stop behind it: its result would overwrite the register that the new call's number is in.
 * - With the registers goes the number of an interrupted call; giving them back makes the kernel restart that call as if
 *   nothing had been.
 * - Signals that arrive meanwhile are withheld and sent again; see `withheld.ts`.
 * - The thread's own stop is answered afterwards, as if it had not moved.
 * - The caller is written before the registers are those of the call, and taken out when they are the thread's again. What
 *   it knows of a thread that is stopped for a trap which was not answered yet is the pc before the trap.
 *
 * *Filters.* A seccomp filter may kill a process for a call that it never makes itself. {@linkcode allowsCalls} judges
 * before each, since a program may have confined itself after it was attached to.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, fromHalves, isAddress, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Isa } from "../isa/isa.ts";
import type { KeeperInstaller } from "../isa/keeper.ts";
import type { Image, Thread } from "./process.ts";
import { readMappings, readStatus } from "./proc_files.ts";
import {
  CALL_STOP,
  eventOf,
  INTERRUPTED,
  isTrap,
  PTRACE_EVENT_STOP,
  SI_TKILL,
  SIGINFO_BYTES,
  signalOf,
} from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";
import { isTwoByteTrap } from "./two_byte_trap.ts";
import { resend, withhold } from "./withheld.ts";

/**
 * Data that a call reads. It lies behind the caller, where nothing else writes: what is below the stack pointer of a thread
 * is overwritten when the tracer dies and a signal arrives before the call is made.
 */
export interface CallData {
  /** The data, at most 32 bytes. */
  readonly bytes: Uint8Array;
  /** The index of the parameter that leads to it. Where there is no caller, that parameter stays as it is. */
  readonly parameter: number;
}

/** How long the call may take, in microseconds. */
const CALL_LIMIT_US = 5_000_000;
/** How many stops that are not those of the call are passed over at most. */
const STOPS_LIMIT = 256;
/** How much data of a call lies behind its caller, in bytes. */
const DATA_BYTES = 32;
/** The largest mapping that is searched for a system call instruction, in bytes. */
const SEARCH_BYTES = 1 << 23;

/**
 * Tells whether a process may make system calls that it does not make of itself. The kernel shows filters only to a
 * privileged tracer; but where the tracer has at least as many, they are most likely its own, inherited from the
 * container, and let executable memory be mapped, which the JavaScript engine does all the time.
 *
 * @param kernel The kernel's requests.
 * @param pid The process, or one of its threads: each has filters of its own.
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
 * @param data What one of the parameters leads to.
 * @returns What the call returned, which may be `-errno`.
 * @throws {SystemError} If the thread ends, may be killed for the call, or has no system call instruction in its memory.
 */
export function remoteCall(
  tracer: Tracer,
  thread: Thread,
  number: number,
  parameters: readonly number[],
  data?: CallData,
): number {
  const { image } = thread.process;
  const { isa } = image;
  const subject = `thread ${thread.tid}`;
  if (!allowsCalls(tracer.kernel, thread.tid)) throw new SystemError("EPERM", "make a system call in", subject);
  const waiting = tracer.withdraw(thread);
  leaveEvent(tracer, thread);
  const own = new Uint8Array(SIGINFO_BYTES);
  if (!tracer.stop.loadRegisters(thread)) throw new SystemError("ESRCH", "read the registers of", subject);
  const repeatsTrap = waiting && setBack(tracer, thread);
  if (repeatsTrap) thread.status = INTERRUPTED;
  const hasSignal = eventOf(thread.status) === 0 && tracer.kernel.call.ft_get_siginfo(thread.tid, own) >= 0;
  const saved = tracer.stop.registers.slice();
  const putBack = keepCleared(tracer, thread);
  const caller = writeCaller(tracer, thread, hasSignal, data);
  const at = caller ?? (image.systemCall ??= findSystemCall(tracer, image));
  if (at === undefined) throw new SystemError("ENOEXEC", "find a system call instruction in", subject);
  tracer.stop.registers.set(saved);
  isa.registers.prepareSystemCall(tracer.stop.registers, number, locate(isa, caller, parameters, data));
  tracer.stop.setPc(image, at);
  tracer.stop.storeRegisters(thread);
  const { status } = thread;
  const arrived = makeCall(tracer, thread, hasSignal ? signalOf(status) : 0);
  tracer.stop.loadRegisters(thread);
  const lo = tracer.stop.registers[isa.registers.result]!;
  const hi = tracer.stop.registers[isa.registers.result + 1]!;
  if (hasSignal) tracer.kernel.call.ft_set_siginfo(thread.tid, own);
  tracer.stop.registers.set(saved);
  tracer.stop.putBackRegisters(thread);
  putBack?.();
  if (caller !== undefined) image.text.write(caller, new Uint8Array(isa.keeper!.callerBytes + DATA_BYTES));
  thread.status = status;
  if (waiting && thread.state === "stopped") tracer.enqueue(thread);
  else tracer.withdraw(thread);
  resend(tracer, thread);
  if (!arrived) throw new SystemError("ESRCH", "make a system call in", subject);
  return hi === 0xffffffff ? lo - 2 ** 32 : fromHalves(lo, hi);
}

/** Reads the registers of a thread that a call clears. Returns what puts them back; undefined if there are none. */
function keepCleared({ kernel }: Tracer, { tid, process }: Thread): (() => void) | undefined {
  const { clearedByCalls } = process.image.isa.registers;
  if (clearedByCalls === undefined) return undefined;
  const { note, sizeBytes } = clearedByCalls;
  const bytes = new Uint8Array(sizeBytes);
  const size = kernel.call.ft_get_regset(tid, note, bytes, sizeBytes);
  return size < 0 ? undefined : () => kernel.call.ft_set_regset(tid, note, bytes, size);
}

/** The parameters of a call, with the one in it that leads to data behind the caller. */
function locate(
  { keeper }: Isa,
  caller: Address | undefined,
  parameters: readonly number[],
  data: CallData | undefined,
): readonly number[] {
  if (data === undefined || caller === undefined) return parameters;
  return parameters.with(data.parameter, caller + keeper!.callerBytes);
}

/**
 * Has a thread that is stopped for a trap, and whose stop waits to be answered, make the trap again later. Its registers are
 * in `StopContext`.
 *
 * @returns Whether it will.
 */
function setBack({ stop }: Tracer, thread: Thread): boolean {
  const { image, image: { isa, memory } } = thread.process;
  if (!isTrap(thread.status)) return false;
  if (stop.signalCode(thread) !== isa.trapCode) return false;
  const pc = stop.getTrapPc(thread);
  if (!isAddress(pc) || memory.read(pc, new Uint8Array(1)) === 0 || isTwoByteTrap(image, pc)) return false;
  stop.setPc(image, pc);
  return true;
}

/**
 * Writes the caller for a thread, whose registers are in `StopContext`, where the memory for it is still as it was found.
 *
 * @returns Where it is; undefined if there is no place for it.
 */
function writeCaller(
  tracer: Tracer,
  thread: Thread,
  hasSignal: boolean,
  data: CallData | undefined,
): Address | undefined {
  const { image } = thread.process;
  const { isa, text } = image;
  const { keeper } = isa;
  if (keeper === undefined) return undefined;
  if (image.callerPlace === undefined || !isEmpty(image, image.callerPlace, keeper)) {
    image.callerPlace = findEmpty(tracer, image, keeper);
  }
  const place = image.callerPlace;
  if (place === undefined) return undefined;
  const isOwnTrap = hasSignal && isTrap(thread.status) && tracer.stop.signalCode(thread) === isa.trapCode;
  // A trap that was not answered is made again.
  if (isOwnTrap && !keeper.isAnswered(tracer.stop.registers)) {
    tracer.stop.setPc(image, toAddress(Math.max(tracer.stop.getPc(image) - isa.trapPcBytes, 0)));
  }
  const bytes = new Uint8Array(keeper.callerBytes + DATA_BYTES);
  bytes.set(keeper.makeCaller(tracer.stop.registers));
  if (data !== undefined) bytes.set(data.bytes, keeper.callerBytes);
  if (!text.write(place, bytes)) throw new SystemError("EIO", "write the text of", `process ${image.pid}`);
  return place;
}

/**
 * Tells where a caller is, if there is any, at the end of code.
 *
 * @param end The end of the mapping.
 * @param keeper What makes callers.
 * @returns Where it begins; data may be behind it.
 */
export function callerPlaceBefore(end: number, { callerBytes }: KeeperInstaller): Address {
  return toAddress(end - callerBytes - DATA_BYTES);
}

/** Looks for memory between the end of a module's code and that of its last page. */
function findEmpty(tracer: Tracer, image: Image, keeper: KeeperInstaller): Address | undefined {
  const ends = readMappings(tracer.kernel, image.pid)?.filter(({ path, permissions }) =>
    path.startsWith("/") && permissions === "r-xp"
  );
  const places = ends?.map(({ end }) => callerPlaceBefore(end, keeper)) ?? [];
  const place = places.find((place) => isEmpty(image, place, keeper)) ??
    places.find((place) => isAbandoned(tracer, image, place, keeper));
  if (place !== undefined || (places.length > 0 && places.every((place) => isEmpty(image, place, keeper) === false))) {
    return place;
  }
  throw new SystemError("EIO", "read the text of", `process ${image.pid}`);
}

/** Whether there is nothing but zeros where a caller is to be; undefined if it cannot be read. */
function isEmpty({ memory }: Image, place: Address, { callerBytes }: KeeperInstaller): boolean | undefined {
  const bytes = new Uint8Array(callerBytes + DATA_BYTES);
  return memory.read(place, bytes) < bytes.length ? undefined : bytes.every((byte) => byte === 0);
}

/**
 * Whether a place holds the caller of an earlier tracer, which was killed, and no thread is in it. Only until the program has
 * been searched can there be one.
 */
function isAbandoned(tracer: Tracer, image: Image, place: Address, keeper: KeeperInstaller): boolean {
  if (image.isSearched || !isCallerAt(image, place, keeper)) return false;
  const own = tracer.stop.registers.slice();
  const isOutside = [...image.threads()].every((thread) => {
    if (thread.state === "ended") return true;
    if (thread.state !== "stopped" || !tracer.stop.loadRegisters(thread)) return false;
    const pc = tracer.stop.getPc(image);
    return pc < place || pc >= place + keeper.callerBytes;
  });
  tracer.stop.registers.set(own);
  return isOutside;
}

/**
 * Tells whether a caller is at a place.
 *
 * @param image The image.
 * @param place The place.
 * @param keeper What makes callers.
 * @returns Whether its code is there.
 */
export function isCallerAt({ isa, memory }: Image, place: Address, keeper: KeeperInstaller): boolean {
  const wanted = keeper.makeCaller(new Uint32Array(isa.registersBytes / 4));
  const code = wanted.subarray(0, wanted.findLastIndex((byte) => byte !== 0) + 1);
  const actual = new Uint8Array(code.length);
  return memory.read(place, actual) === actual.length && code.every((byte, i) => actual[i] === byte);
}

/** Goes on to the beginning of the call, and from there to a stop behind it. Signals are withheld. */
function makeCall(tracer: Tracer, thread: Thread, signal: number): boolean {
  const { call } = tracer.kernel;
  if (!toCallStop(tracer, thread)) return false;
  if (signal !== 0) return takeSignal(tracer, thread, signal);
  call.ft_interrupt(thread.tid);
  return goOn(
    tracer,
    thread,
    () => call.ft_continue(thread.tid, 0),
    (status) => eventOf(status) === PTRACE_EVENT_STOP,
  );
}

/** Goes on to the beginning of the call, or from there to its end. */
function toCallStop(tracer: Tracer, thread: Thread): boolean {
  const isCallStop = (status: number) => eventOf(status) === 0 && signalOf(status) === CALL_STOP;
  return goOn(tracer, thread, () => tracer.kernel.call.ft_continue_to_call(thread.tid), isCallStop);
}

/**
 * Goes on from the beginning of a call to a stop for a signal behind it, which is no other than the one that is sent. It is
 * sent when the call has been made, which may be one that discards it.
 */
function takeSignal(tracer: Tracer, thread: Thread, signal: number): boolean {
  const { kernel: { call } } = tracer;
  const { tid, process: { pid } } = thread;
  const mask = new Uint32Array(2);
  if (!toCallStop(tracer, thread)) return false;
  if (call.ft_get_sigmask(tid, bytesOf(mask)) < 0) return false;
  const open = mask.slice();
  open[signal > 32 ? 1 : 0]! &= ~(1 << ((signal - 1) % 32));
  call.ft_set_sigmask(tid, bytesOf(open));
  const isOurs = (status: number) =>
    eventOf(status) === 0 && signalOf(status) === signal && tracer.stop.signalCode(thread) === SI_TKILL;
  // If one of the program's own is pending, ours is dropped for it: it is sent anew each time.
  const arrived = goOn(tracer, thread, () => {
    call.ft_kill(pid, tid, signal);
    call.ft_continue(tid, 0);
  }, isOurs);
  call.ft_set_sigmask(tid, bytesOf(mask));
  return arrived;
}

function bytesOf(halves: Uint32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(halves.buffer);
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

/**
 * Lets a thread go on to its next stop, which comes before it executes an instruction. A signal that it is stopped for is
 * dropped.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped.
 */
export function stopAgain(tracer: Tracer, thread: Thread): void {
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
