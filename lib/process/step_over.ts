/**
 * The last fallback: an instruction stepped in its own place.
 *
 * *Problem.* An instruction can be neither emulated (its operand faults, the program single-steps itself) nor sent
 * through a slot (the target forbids executable memory, a filter forbids mmap).
 *
 * *Method.* All threads of the image are stopped, the original bytes put back, the thread steps once, the trap is
 * written again, the others go on. No thread can pass the place unseen.
 *
 * The hit is over, so the thread must not come back to the trap without having made the step. What stops it before, it goes on
 * from: an order to stop from when the others were stopped, which is answered by that; a signal, which is sent again behind the
 * step; the stop of the whole process, to which it is sent back then. Only a fault of the instruction itself is delivered, and
 * more signals than {@linkcode STOPS_LIMIT} are.
 *
 * A system call may block, perhaps until another thread acts. If the thread sleeps after {@linkcode STEP_LIMIT_US}, the
 * others are therefore let go with the trap still out: hits of theirs at this one place are missed until the call returns, which is counted
 * and said by the listener. Everything else in this project that waits for a thread to finish a step is bounded by the
 * instruction itself.
 *
 * *Cost.* Two rounds of stops and two single steps: 50 us and more. Not a way for anything that is hit often.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Instruction } from "../isa/isa.ts";
import type { Thread, ThreadState } from "./process.ts";
import { readState } from "./proc_files.ts";
import { eventOf, INTERRUPTED, isStepCode, isTrap, PTRACE_EVENT_STOP, signalOf, SIGTRAP } from "./ptrace.ts";
import { resend, withhold } from "./withheld.ts";
import type { Tracer } from "./tracer.ts";
import { mendTrapAction } from "./trap_action.ts";

/** How long a step takes before the thread is looked at, in microseconds. */
const STEP_LIMIT_US = 2000;
/** How often a thread that makes a step is stopped by something else before. */
const STOPS_LIMIT = 64;
/** How many repetitions of a string instruction are one hit; it is hit again every so many. */
const REPETITIONS_LIMIT = 4096;

/**
 * Executes an original instruction below a trap in a stopped thread, and lets the thread go on. Its registers are taken
 * from {@linkcode StopContext.registers}.
 *
 * @param tracer The tracer.
 * @param thread The thread, which is not in the backlog.
 * @param instruction The instruction.
 * @param stepped Called when it has taken effect, with the thread's registers loaded and the others running; it may
 *   change the registers, or let the thread go.
 */
export function stepOver(tracer: Tracer, thread: Thread, instruction: Instruction, stepped?: () => void): void {
  const { image } = thread.process;
  const { address, flow } = instruction;
  const stepsItself = image.isa.registers.stepsItself(tracer.stop.registers);
  tracer.stop.setPc(image, address);
  tracer.stop.storeRegisters(thread);
  tracer.quiesce(image);
  let made = false;
  for (let steps = 1; makeStep(tracer, thread, instruction); steps++) {
    made = isStep(tracer, thread);
    if (made && !stepsItself) hideStep(tracer, thread, instruction);
    // A repeated string instruction: a step is one repetition.
    const repeated = flow === "next" && made && tracer.stop.loadRegisters(thread) &&
      tracer.stop.getPc(image) === address;
    if (!repeated || stepsItself || steps >= REPETITIONS_LIMIT) break;
  }
  if (thread.state === "running" && stepsOver(thread)) tracer.listener.warn(missedHits(thread, address));
  resend(tracer, thread);
  tracer.release();
  if (thread.state !== "stopped") return;
  thread.stepping = false;
  if (!made && !stepsItself) forgetStep(tracer, thread);
  if (made && !stepsItself) {
    mendTrapAction(tracer, thread);
    thread.status = INTERRUPTED;
  }
  if (made && stepped !== undefined && tracer.stop.loadRegisters(thread)) {
    image.memory.useThread(thread.tid);
    stepped();
    if ((thread as { state: ThreadState }).state !== "stopped") return;
    tracer.stop.storeRegisters(thread);
  }
  answer(tracer, thread);
}

/**
 * Tells whether a thread is stepping over an instruction in place.
 *
 * @param thread The thread.
 * @returns Whether it is.
 */
export function stepsOver(thread: Thread): boolean {
  return thread.steppingOver !== undefined;
}

/**
 * Writes the trap again, when the thread that stepped over it has stopped or ended, if it is still wanted.
 *
 * @param thread The thread.
 */
export function finishStepOver(thread: Thread): void {
  const { image } = thread.process;
  if (thread.steppingOver !== undefined && image.alive) image.text.lower(thread.steppingOver);
  thread.steppingOver = undefined;
}

/** Makes a step with the trap taken out. Returns whether the thread has stopped for it, or for what has come instead. */
function makeStep(tracer: Tracer, thread: Thread, instruction: Instruction): boolean {
  let isGroupStopped = false;
  let hasStopped = true;
  for (let stops = 0; hasStopped && stops < STOPS_LIMIT; stops++) {
    hasStopped = awaitStop(tracer, thread, instruction);
    const isOrder = eventOf(thread.status) === PTRACE_EVENT_STOP;
    if (hasStopped && isOrder) isGroupStopped ||= thread.status !== INTERRUPTED;
    else if (!hasStopped || !isEarly(tracer, thread, instruction) || !withhold(tracer, thread)) break;
  }
  // The rest of its process has stopped, and so must it.
  if (isGroupStopped && thread.state !== "ended") tracer.kernel.call.ft_interrupt(thread.tid);
  return hasStopped;
}

/** Resumes a thread that makes a step, and waits until it stops. Returns whether it has; else it has ended, or is blocked. */
function awaitStop(tracer: Tracer, thread: Thread, { address, flow }: Instruction): boolean {
  thread.process.image.text.lift(address);
  thread.stepping = true;
  thread.steppingOver = address;
  tracer.resume(thread, 0);
  do {
    if (tracer.awaitStep(thread, STEP_LIMIT_US) !== undefined) return true;
  } while (thread.state === "running" && !isBlocked(tracer, thread, flow));
  return false;
}

/** Whether a thread has stopped for a signal before it has made its step. */
function isEarly(tracer: Tracer, thread: Thread, { address }: Instruction): boolean {
  const { status, process: { image } } = thread;
  if (eventOf(status) !== 0 || isStep(tracer, thread) || tracer.stop.readFault(thread) !== undefined) return false;
  return tracer.stop.loadRegisters(thread) && tracer.stop.getPc(image) === address;
}

/** Whether a thread that makes a step waits for somebody, and not just for a CPU or a page of its memory. */
function isBlocked({ kernel }: Tracer, { process, tid }: Thread, flow: Instruction["flow"]): boolean {
  const state = readState(kernel, process.pid, tid);
  return state === "S" || (state === "D" && flow === "system-call");
}

/**
 * Hides a step from the program.
 *
 * @param tracer The tracer.
 * @param thread The thread, stopped because it has made the step.
 * @param instruction The instruction over which it was made.
 */
export function hideStep(tracer: Tracer, thread: Thread, instruction: Instruction): void {
  const { isa, memory } = thread.process.image;
  if (!tracer.stop.loadRegisters(thread)) return;
  memory.useThread(thread.tid);
  if (isa.hideStep(instruction, tracer.stop.registers, memory)) tracer.stop.storeRegisters(thread);
}

/**
 * Takes back a step that was not made, because something else has stopped the thread before. The kernel does so itself,
 * unless the instruction is one that may set the flag (enable_single_step in arch/x86/kernel/step.c).
 */
function forgetStep(tracer: Tracer, thread: Thread): void {
  const { isa: { registers } } = thread.process.image;
  if (!tracer.stop.loadRegisters(thread) || !registers.stepsItself(tracer.stop.registers)) return;
  registers.endSteps(tracer.stop.registers);
  tracer.stop.putBackRegisters(thread);
}

/** Whether the thread is stopped because it has made a step. */
function isStep(tracer: Tracer, thread: Thread): boolean {
  return isTrap(thread.status) && isStepCode(tracer.stop.signalCode(thread));
}

/**
 * Answers the stop behind a step, or what came instead. The trap behind an instruction of a program that steps itself is the
 * program's.
 */
function answer(tracer: Tracer, thread: Thread): void {
  const { status } = thread;
  if (eventOf(status) === PTRACE_EVENT_STOP && signalOf(status) === SIGTRAP) tracer.resume(thread, 0);
  else tracer.enqueue(thread);
}

function missedHits(thread: Thread, address: Address): string {
  return `Cannot see other threads of process ${thread.process.pid} at 0x${address.toString(16)}: ` +
    `thread ${thread.tid} is blocked in a system call there`;
}
