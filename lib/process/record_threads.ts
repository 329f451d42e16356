/**
 * Which thread a record is of.
 *
 * *Problem.* A pad cannot ask the kernel who it is running for; that would cost more than everything else. It writes a number
 * that is made from a register in which threads differ (`RecordWriter` of `isa/jumps.ts`).
 *
 * *Method.* The registers of each thread are read once, when all are stopped or the thread is being born. A number is used
 * again when its thread has ended, and a child that shares the memory has that of its parent, which is suspended meanwhile:
 * whoever changes what a number means has the records read before ({@linkcode RecordThreads.isTaken}).
 *
 * *Limit.* A thread that changes its thread pointer itself, after it was looked at, has a number that nobody knows, until all
 * are looked at again.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { RecordWriter } from "../isa/jumps.ts";
import type { Image, Thread } from "./process.ts";
import { NT_PRSTATUS } from "./ptrace.ts";

/** A thread, as records are told of it. */
export interface ThreadIdentity {
  /** Its process; a child that shares its parent's memory has its own. */
  readonly pid: number;
  /** Its id. */
  readonly tid: number;
}

/** See the module's comment. */
export class RecordThreads {
  readonly #kernel: Kernel;
  readonly #writer: RecordWriter;
  readonly #registers: Uint32Array;
  readonly #bytes: Uint8Array;
  /** The threads by their numbers; of two, the first waits until the second, a child, has gone. */
  readonly #byNumber = new Map<number, readonly ThreadIdentity[]>();

  /**
   * Looks at the threads of an image.
   *
   * @param kernel The kernel's requests.
   * @param writer How their numbers are made.
   * @param image The image, whose threads are stopped.
   */
  constructor(kernel: Kernel, writer: RecordWriter, image: Image) {
    this.#kernel = kernel;
    this.#writer = writer;
    this.#registers = new Uint32Array(image.isa.registersBytes / 4);
    this.#bytes = new Uint8Array(this.#registers.buffer);
    this.addAll(image);
  }

  /**
   * Looks at all threads again.
   *
   * @param image The image, whose threads are stopped.
   */
  addAll(image: Image): void {
    for (const thread of image.threads()) this.add(thread);
  }

  /**
   * Looks at a thread.
   *
   * @param thread The thread, stopped. One that cannot be looked at is passed over.
   */
  add(thread: Thread): void {
    const number = this.#numberOf(thread);
    if (number === undefined) return;
    const { tid, process: { pid } } = thread;
    const others = this.#byNumber.get(number)?.filter((other) => other.pid !== pid) ?? [];
    this.#byNumber.set(number, [...others, { pid, tid }]);
  }

  /**
   * Tells whether records that were written until now may bear the number of a thread, but be of another.
   *
   * @param thread The thread, stopped, which has not been looked at.
   * @returns Whether they may.
   */
  isTaken(thread: Thread): boolean {
    const number = this.#numberOf(thread);
    return number !== undefined && this.#byNumber.has(number);
  }

  /**
   * Forgets the threads of a process that does not share the memory any more.
   *
   * @param pid The process.
   */
  remove(pid: number): void {
    for (const [number, threads] of this.#byNumber) {
      const others = threads.filter((thread) => thread.pid !== pid);
      if (others.length < threads.length) this.#byNumber.set(number, others);
    }
  }

  /**
   * Finds a thread.
   *
   * @param number The number that a record names it by.
   * @returns The thread, which may have ended; undefined if there is none.
   */
  find(number: number): ThreadIdentity | undefined {
    return this.#byNumber.get(number)?.at(-1);
  }

  #numberOf({ tid }: Thread): number | undefined {
    if (this.#kernel.call.ft_get_regset(tid, NT_PRSTATUS, this.#bytes, this.#bytes.length) < 0) return undefined;
    const { threadRegister } = this.#writer;
    return this.#writer.threadNumber(this.#registers[threadRegister]!, this.#registers[threadRegister + 1]!);
  }
}
