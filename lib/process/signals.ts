/**
 * Signal-delivery-stops: which signals are our traps and steps, and how all others reach the program unchanged.
 *
 * *Problem.* The program must see exactly the signals that it would see untraced: the same ones, in the same order,
 * with the same `siginfo_t` and, in the interrupted context, a pc of its own text. But a thread can be interrupted while
 * it is in a slot, where the pc is ours.
 *
 * *Method.* A SIGTRAP raised by a trap instruction is offered to the listener; one raised by a step ends the step. Every
 * other signal is delivered. Before that a thread in a slot is brought out of it:
 *
 * | where the thread is | the signal | what is done |
 * | --- | --- | --- |
 * | behind the displaced instruction | any | the pc becomes that of the next original instruction |
 * | before it | a fault that it raised | the pc, and `si_addr` if it is the pc, become the original's |
 * | before it | any other | the signal is withheld, the thread steps out, then the signal is delivered |
 * | before a system call | any other | the pc becomes the original's: stepping could block, and withhold the signal for ever |
 *
 * A fault of what a pad reads is not the program's (`capture_faults.ts`).
 *
 * In the last case the probe fires once more when the handler returns. So it does after {@linkcode STEPS_LIMIT} steps,
 * which only a repeated string instruction can need. Out of a pad a thread steps however many signals come meanwhile: it has
 * done what the hit is to do.
 *
 * *A late trap* (fasttrap rule 49): a thread executed a trap just before it was removed. No tracepoint is found, and
 * there is no trap instruction any more: the thread is set back to the original instruction. If there still is one, it
 * is the program's own, and so is the signal. The two-byte form of `int 3` on x86 (CD 03) is never taken for ours.
 *
 * If a thread blocks or ignores SIGTRAP when it executes a trap, the kernel changes that: `trap_action.ts` puts it back.
 *
 * @module
 */

import { type Address, fromHalves, highHalf, isAddress, toAddress } from "../address.ts";
import type { ResumePoint } from "../isa/isa.ts";
import { mendRead } from "./capture_faults.ts";
import { hideStep, stepsOver } from "./step_over.ts";
import type { Image, Thread } from "./process.ts";
import { eventOf, isStepCode, SIGILL, signalOf, SIGTRAP } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";
import { isTwoByteTrap } from "./two_byte_trap.ts";
import { foreseeTrapHandler, mendTrapAction } from "./trap_action.ts";
import { resend, restoreSiginfo, withhold } from "./withheld.ts";

/** How many steps a thread makes at most to get out of a slot. */
const STEPS_LIMIT = 4096;
/** How many signals a thread in a slot can have withheld at most; a further one is delivered at once. */
const WITHHELD_LIMIT = 64;

/**
 * Answers a signal-delivery-stop.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped and not in the backlog.
 */
export function handleSignalStop(tracer: Tracer, thread: Thread): void {
  const signal = signalOf(thread.status);
  if (signal === SIGILL && passInside(tracer, thread)) return;
  if (mendRead(tracer, thread)) return tracer.resume(thread, 0);
  if (signal !== SIGTRAP) return deliver(tracer, thread, signal);
  const code = tracer.stop.signalCode(thread);
  if (code === undefined) return;
  if (thread.stepping && isStepCode(code)) return stepped(tracer, thread);
  const { image } = thread.process;
  if (code !== image.isa.trapCode && code > 0) return deliver(tracer, thread, signal);
  if (!tracer.stop.loadRegisters(thread)) return;
  const pc = tracer.stop.getTrapPc(thread);
  image.memory.useThread(thread.tid);
  const wasBlocked = image.trapsAt(pc) && mendTrapAction(tracer, thread);
  if (code !== image.isa.trapCode) {
    if (!wasBlocked) return deliver(tracer, thread, signal);
    // One that the thread had blocked was pending: the trap has let it out, and its own was dropped for it.
    if (!withhold(tracer, thread)) return;
    resend(tracer, thread);
  }
  const outcome = isAddress(pc) ? tracer.listener.trapped(thread, pc) : "unknown";
  if (outcome === "resumed") return;
  if (outcome === "performed") {
    tracer.stop.storeRegisters(thread);
    return tracer.resume(thread, 0);
  }
  if (isAddress(pc) && isLate(image, pc)) {
    mendTrapAction(tracer, thread);
    tracer.stop.setPc(image, pc);
    tracer.stop.storeRegisters(thread);
    return tracer.resume(thread, 0);
  }
  deliver(tracer, thread, signal);
}

/**
 * Tells whether a trap that was executed has been removed since.
 *
 * @param image The image.
 * @param pc Where the trap was.
 * @returns Whether there is no trap instruction any more.
 */
export function isLate(image: Image, pc: Address): boolean {
  const { trap } = image.isa;
  const bytes = new Uint8Array(trap.length);
  if (image.memory.read(pc, bytes) < bytes.length || isTwoByteTrap(image, pc)) return false;
  return trap.some((byte, i) => bytes[i] !== byte);
}

/**
 * Brings a stopped thread's pc out of a slot, if it is in one, without executing anything. A fault that it is stopped for
 * and that names the pc as its address names the original one afterwards.
 *
 * @param tracer The tracer.
 * @param thread The thread.
 * @returns Whether it was in a slot.
 */
export function leaveSlot(tracer: Tracer, thread: Thread): boolean {
  const { image } = thread.process;
  if (image.slots.isEmpty || !tracer.stop.loadRegisters(thread)) return false;
  const pc = tracer.stop.getPc(image);
  const point = image.slots.resumePoint(pc);
  if (point === undefined) return false;
  const siginfo = point.done ? undefined : tracer.stop.readFault(thread);
  if (siginfo !== undefined && fromHalves(siginfo.getUint32(16, true), siginfo.getUint32(20, true)) === pc) {
    siginfo.setUint32(16, point.pc >>> 0, true);
    siginfo.setUint32(20, highHalf(point.pc), true);
    tracer.kernel.call.ft_set_siginfo(thread.tid, bytesOf(siginfo));
  }
  image.slots.applyResumePoint(point, tracer.stop.registers);
  tracer.stop.storeRegisters(thread);
  return true;
}

/**
 * Makes the oldest of the signals that were withheld from a thread, and the one that it is stopped for, the one to be
 * delivered at this stop. A fault goes first, since its instruction would raise it again. The others are sent again.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped and out of its slot. The signal in its status is replaced.
 */
export function orderSignals(tracer: Tracer, thread: Thread): void {
  if (eventOf(thread.status) === 0) {
    restoreSiginfo(tracer, thread);
    if (thread.withheld.length > 0 && tracer.stop.readFault(thread) === undefined && withhold(tracer, thread)) {
      const { signal, siginfo } = thread.withheld.shift()!;
      tracer.kernel.call.ft_set_siginfo(thread.tid, siginfo);
      thread.status = (signal << 8) | 0x7f;
    }
  }
  resend(tracer, thread);
}

/** Delivers a signal of the program's, as the table above says. */
function deliver(tracer: Tracer, thread: Thread, signal: number): void {
  const { image } = thread.process;
  restoreSiginfo(tracer, thread);
  if (signal === SIGTRAP && !thread.stepping) foreseeTrapHandler(tracer, thread);
  if (image.slots.isEmpty || !tracer.stop.loadRegisters(thread)) return tracer.resume(thread, signal);
  const pc = tracer.stop.getPc(image);
  const point = image.slots.resumePoint(pc);
  if (point === undefined) return deliverHere(tracer, thread);
  const isFault = tracer.stop.readFault(thread) !== undefined;
  const pad = image.pads.at(pc);
  if (isFault && pad?.begins(pc)) return hitAtPad(tracer, thread, point);
  // A program that steps itself is told of a step when an instruction of its own has been performed.
  if (isFault && pad?.entry === pc && signal === SIGTRAP) return tracer.resume(thread, 0);
  const blocks = image.slots.at(pc)?.instruction.flow === "system-call";
  const mayStep = thread.stepsTotal < STEPS_LIMIT &&
    (pad !== undefined || thread.withheld.length < WITHHELD_LIMIT);
  if (point.isHeld || (!point.done && !blocks && !isFault && mayStep)) {
    if (!withhold(tracer, thread)) return;
    thread.stepping = true;
    return tracer.resume(thread, 0);
  }
  leaveSlot(tracer, thread);
  deliverHere(tracer, thread);
}

/**
 * A thread that has no stack left for a pad, or that steps itself, is at the beginning of one: it has hit the probes of the
 * site, and goes on as if a trap were there.
 */
function hitAtPad(tracer: Tracer, thread: Thread, point: ResumePoint): void {
  const { image } = thread.process;
  image.slots.applyResumePoint(point, tracer.stop.registers);
  image.memory.useThread(thread.tid);
  const outcome = tracer.listener.trapped(thread, point.pc);
  if (outcome === "resumed") return;
  tracer.stop.storeRegisters(thread);
  tracer.resume(thread, 0);
}

/** Lets a thread go on that has met what is no instruction inside of a jump of ours. Returns whether it has. */
function passInside(tracer: Tracer, thread: Thread): boolean {
  const { image } = thread.process;
  if (image.pads.isEmpty || tracer.stop.readFault(thread) === undefined || !tracer.stop.loadRegisters(thread)) {
    return false;
  }
  const pc = tracer.stop.getPc(image);
  // A site inside of a jump that begins before it is hit.
  if (image.text.has(pc)) {
    image.memory.useThread(thread.tid);
    const outcome = tracer.listener.trapped(thread, toAddress(pc));
    if (outcome !== "resumed") tracer.stop.storeRegisters(thread);
    if (outcome === "performed") tracer.resume(thread, 0);
    return true;
  }
  const copy = image.pads.copyAt(pc);
  if (copy === undefined && !image.pads.mayBeLate(pc)) return false;
  tracer.stop.setPc(image, copy ?? toAddress(pc));
  tracer.stop.storeRegisters(thread);
  tracer.resume(thread, 0);
  return true;
}

/**
 * Hides a step from the program that was made over the instruction of a slot.
 *
 * @param tracer The tracer, with the registers of the thread.
 * @param thread The thread, stopped because it has made a step.
 */
export function hideSlotStep(tracer: Tracer, thread: Thread): void {
  const { image } = thread.process;
  const pc = tracer.stop.getPc(image);
  const slot = image.slots.at(pc);
  if (slot === undefined || !image.slots.resumePoint(pc)?.done) return;
  if (!image.isa.registers.stepsItself(tracer.stop.registers)) hideStep(tracer, thread, slot.instruction);
}

/** A step has been made: out of the slot, or on within it. */
function stepped(tracer: Tracer, thread: Thread): void {
  const { image } = thread.process;
  if (!tracer.stop.loadRegisters(thread)) return;
  const pc = tracer.stop.getPc(image);
  const point = image.slots.resumePoint(pc);
  if (point?.isHeld || (point?.done === false && thread.stepsTotal < STEPS_LIMIT)) return tracer.resume(thread, 0);
  hideSlotStep(tracer, thread);
  leaveSlot(tracer, thread);
  thread.stepping = false;
  thread.stepsTotal = 0;
  mendTrapAction(tracer, thread);
  const first = thread.withheld.shift();
  if (first === undefined) return tracer.resume(thread, 0);
  resend(tracer, thread);
  tracer.kernel.call.ft_set_siginfo(thread.tid, first.siginfo);
  tracer.resume(thread, first.signal);
}

/** Delivers a signal to a thread that is out of its slot, though it may still have been stepping. */
function deliverHere(tracer: Tracer, thread: Thread): void {
  if (!stepsOver(thread)) thread.stepping = false;
  thread.stepsTotal = 0;
  orderSignals(tracer, thread);
  tracer.resume(thread, signalOf(thread.status));
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer as ArrayBuffer);
}
