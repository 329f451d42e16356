/**
 * Births: threads, fork children, and children that share their parent's memory.
 *
 * *Problem.* A fork copies our traps into a child that nobody traces: it would die at the first one. A vfork or
 * posix_spawn child *is* in its parent's memory: to clean it for the child would take the parent's probes out. Which of
 * the two a clone makes cannot be told by its event: the event says how it was asked for, not what is shared.
 *
 * *Method.* Every child of a traced thread is traced from birth and starts with a stop. When the parent's event is
 * consumed, that stop is awaited and the child looked at:
 *
 * | child | told by | what is done |
 * | --- | --- | --- |
 * | a thread | it is in `/proc/PID/task` of its parent | it is traced like the others |
 * | shares the memory | kcmp(2) | it is traced, by its parent's tracepoints, until it executes a program or ends |
 * | has a copy | kcmp(2) | its text is restored before it runs its first instruction; then it is let go, or traced as a process of its own if the listener wants it |
 *
 * A copy keeps the slots' pages: they hold no trap, nothing leads to them, and to unmap them would take a system call
 * in the child's name; so it does pads, until it gets some of its own (`inherited_pads.ts`). It keeps the handler of its
 * parent's keeper for the same reason, which takes every SIGTRAP for what it is.
 *
 * *Ordering.* The child's stop may be reported before its parent's event. It is then kept among the strangers. If the
 * parent was killed in between, its event never comes: {@linkcode adoptOrphans} looks for the child when the process
 * has ended, or has executed a program, which kills all threads but one. It has a new parent then, one of the old one's
 * ancestors.
 *
 * @module
 */

import { cString } from "../../ffi/ffi.ts";
import { openImage, readLayout } from "./images.ts";
import { rangesOf } from "./pad_memory.ts";
import { type Image, type Thread, TracedProcess } from "./process.ts";
import { isOurs, listChildren, readStatus } from "./proc_files.ts";
import { eventOf, isEnd, NT_PRSTATUS, PTRACE_EVENT_CLONE, PTRACE_EVENT_VFORK } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";

/** How often nothing has to be found before there is nothing. */
const QUIET_LOOKS = 3;
/** How long a child's first stop is awaited, in microseconds. */
const FIRST_STOP_LIMIT_US = 5_000_000;

/**
 * Answers the event by which a thread says that it has made a child. The thread itself stays stopped.
 *
 * @param tracer The tracer.
 * @param parent The thread.
 */
export function handleBirth(tracer: Tracer, parent: Thread): void {
  const { kernel } = tracer;
  const message = new Uint32Array(2);
  if (kernel.call.ft_event_message(parent.tid, bytesOf(message)) < 0) return;
  const child = message[0]!;
  const event = eventOf(parent.status);
  if (event === PTRACE_EVENT_VFORK) parent.inVfork = true;
  const status = awaitFirstStop(tracer, child);
  if (status === undefined || isEnd(status)) return;
  const { process } = parent;
  const values = new Float64Array(7);
  if (
    event === PTRACE_EVENT_CLONE &&
    kernel.call.ft_stat(cString(`/proc/${process.pid}/task/${child}`), bytesOf(values)) >= 0
  ) {
    return adopt(tracer, process, child, status);
  }
  const same = kernel.call.ft_same_memory(child, parent.tid);
  // A kernel without kcmp leaves the event to go by: only vfork shares as a rule.
  const shares = same < 0 ? event === PTRACE_EVENT_VFORK : same === 0;
  if (!shares) {
    return tracer.listener.adopts(process)
      ? adoptCopy(tracer, process, child, status)
      : releaseCopy(tracer, process.image, child);
  }
  const sharer = new TracedProcess(child, process.image, {
    wanted: false,
    diesWithTracer: process.diesWithTracer,
    ancestors: [process.pid, ...process.ancestors],
  });
  sharer.trapAction = process.trapAction;
  sharer.isGuarded = process.isGuarded;
  tracer.addProcess(sharer);
  adopt(tracer, sharer, child, status);
}

/**
 * Looks after children whose parent was killed before it could tell of them: they are traced, but not known.
 *
 * @param tracer The tracer.
 * @param process The process that has ended, or is about to leave its image. The children may have copies of its traps.
 */
export function adoptOrphans(tracer: Tracer, process: TracedProcess): void {
  // Children that end while the kernel lists them hide others (proc_pid_children(5)).
  for (let quietLooks = 0; quietLooks < QUIET_LOOKS;) quietLooks = adoptListed(tracer, process) ? 0 : quietLooks + 1;
}

/** Looks after the children that are listed. Returns whether there were any. */
function adoptListed(tracer: Tracer, process: TracedProcess): boolean {
  const { kernel, strangers } = tracer;
  const children = [process.pid, ...process.ancestors].flatMap((pid) => listChildren(kernel, pid));
  let found = false;
  for (const child of new Set([...strangers.tids, ...children])) {
    if (tracer.knows(child) || !isOurs(kernel, child)) continue;
    const parentPid = readStatus(kernel, child)?.ppid ?? 0;
    // A child of another traced process waits for that one's event.
    if (parentPid !== process.pid && tracer.processes.has(parentPid)) continue;
    // What another session traces looks the same, but is no copy.
    if (!strangers.has(child) && readLayout(kernel, child) !== process.image.layout) continue;
    const status = awaitFirstStop(tracer, child);
    found ||= status !== undefined;
    if (status !== undefined && !isEnd(status)) releaseCopy(tracer, process.image, child);
  }
  return found;
}

function awaitFirstStop(tracer: Tracer, child: number): number | undefined {
  const early = tracer.strangers.identify(child);
  if (early !== undefined) return early;
  const status = new Int32Array(1);
  const result = tracer.kernel.call.ft_wait(child, FIRST_STOP_LIMIT_US, bytesOf(status));
  if (result === 0) tracer.listener.warn(`Cannot follow child ${child}: it has not stopped`);
  return result > 0 ? status[0]! : undefined;
}

/** Traces a new thread, or the only thread of a child that shares memory. */
function adopt(tracer: Tracer, process: TracedProcess, tid: number, status: number): void {
  const thread = tracer.addThread(process, tid);
  thread.state = "stopped";
  thread.status = status;
  thread.reported = status;
  tracer.enqueue(thread);
  process.image.pads.area?.recording?.threads.add(thread);
}

/** Traces a process that has a copy of its parent's image, without anything of ours in it, as one of its own. */
function adoptCopy(tracer: Tracer, parent: TracedProcess, child: number, status: number): void {
  cleanCopy(tracer, parent.image, child);
  try {
    const copy = new TracedProcess(child, openImage(tracer.kernel, child), {
      wanted: true,
      diesWithTracer: parent.diesWithTracer,
      ancestors: [parent.pid, ...parent.ancestors],
    });
    copy.trapAction = parent.trapAction;
    copy.isGuarded = parent.isGuarded;
    copy.image.keeper = parent.image.keeper?.copy();
    copy.image.keeperTried = parent.image.keeperTried;
    copy.image.inherited = [...rangesOf(parent.image.pads), ...parent.image.inherited];
    copy.fresh = true;
    tracer.addProcess(copy);
    adopt(tracer, copy, child, status);
  } catch (error) {
    tracer.listener.warn(`Cannot follow child ${child}: ${(error as Error).message}`);
    tracer.kernel.call.ft_detach(child, 0);
  }
}

/** Takes everything of ours out of a copy of an image, and lets its process go. */
function releaseCopy(tracer: Tracer, image: Image, child: number): void {
  cleanCopy(tracer, image, child);
  tracer.kernel.call.ft_detach(child, 0);
}

/** Restores the text in a copy of an image, and the pc of its only thread. */
function cleanCopy(tracer: Tracer, image: Image, child: number): void {
  const registers = new Uint32Array(image.isa.registersBytes / 4);
  const bytes = bytesOf(registers);
  const { pc } = image.isa.registers;
  if (tracer.kernel.call.ft_get_regset(child, NT_PRSTATUS, bytes, bytes.length) >= 0) {
    const point = image.slots.resumePoint(registers[pc]! + registers[pc + 1]! * 2 ** 32);
    if (point !== undefined) {
      image.slots.applyResumePoint(point, registers);
      tracer.kernel.call.ft_set_regset(child, NT_PRSTATUS, bytes, bytes.length);
    }
  }
  if (!image.text.restoreIn(child)) {
    tracer.listener.warn(`Cannot restore the text of child ${child}: it may be killed by SIGTRAP`);
  }
  image.semaphores.lowerIn(child);
}

function bytesOf(array: Uint32Array | Int32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer as ArrayBuffer);
}
