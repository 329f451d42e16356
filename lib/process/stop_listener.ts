/**
 * What the tracer leaves to others: what a trap means, who is traced, and what follows from an end or a new program.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Image, Thread, TracedProcess } from "./process.ts";

/**
 * What was done about a trap: `performed`, and {@linkcode StopContext.registers} are the thread's from now on; `resumed`, the
 * thread has been let go on already; `unknown`, no tracepoint is there.
 */
export type TrapOutcome = "performed" | "resumed" | "unknown";

/** Who decides what a trap means, and wants to hear of ends and of new programs. */
export interface StopListener {
  /**
   * A thread has executed a trap at `pc`. Its registers are in {@linkcode StopContext.registers}.
   *
   * @param thread The thread, which is stopped.
   * @param pc The trap's address.
   * @returns What was done about it.
   */
  trapped(thread: Thread, pc: Address): TrapOutcome;
  /**
   * Decides whether a process is to be traced because another one is: a child with a copy of its memory, and a child that
   * has shared it until now, when it executes a program. So it is decided, too, whether one that executes another program
   * is still of interest.
   *
   * @param process The process that is traced: the parent, or the one that executes.
   * @returns Whether it is.
   */
  adopts(process: TracedProcess): boolean;
  /**
   * A process that was adopted, or that has executed another program, is about to run for the first time.
   *
   * @param process The process. Its only thread is stopped.
   */
  started(process: TracedProcess): void;
  /**
   * A process has executed another program.
   *
   * @param process The process; its image is the new one, unless that cannot be traced.
   */
  executed(process: TracedProcess): void;
  /**
   * The last thread of a process has ended.
   *
   * @param process The process, with its end status.
   */
  ended(process: TracedProcess): void;
  /**
   * No traced process lives in an image any more: all have ended, executed another program, or been let go. It comes
   * before `executed` and `ended`.
   *
   * @param image The image; it is closed.
   */
  closed(image: Image): void;
  /**
   * Something went wrong that the user should know, though tracing goes on.
   *
   * @param message One sentence without a final period.
   */
  warn(message: string): void;
}
