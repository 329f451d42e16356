/**
 * The generation barrier: when the memory of a slot may be used again.
 *
 * *Problem.* A slot is retired with the last probe of its tracepoint, but a thread may still be in it: stopped between the
 * displaced instruction and the jump back, in the middle of a string instruction, or blocked for hours in a system call.
 * Other bytes there would be executed by that thread.
 *
 * *Method.* The kernel's fasttrap waits until every CPU has left probe context (`fasttrap_mod_barrier`). Here threads take
 * the place of CPUs, and nobody waits. A *generation* counts the retirements. A retired slot bears the number of its own.
 * Each thread bears the number of the generation at which it was last seen outside of all retired slots:
 *
 * - at a hit, where its pc is that of a tracepoint; that costs one store;
 * - when all threads of an image are stopped for a change, by a look at their program counters.
 *
 * A slot may be used again when every thread of its image has been seen outside since it was retired, that is, bears its
 * number or a higher one.
 *
 * *Invariants.*
 * - A thread gets into a slot only by a tracepoint that is in the table; when a slot is retired its tracepoint is out of
 *   it. So a thread that has been seen outside of a retired slot never comes back.
 * - A signal handler never interrupts a thread in a slot (`process/signals.ts`), so no saved context leads into one.
 * - A new thread bears 0: it may begin in the slot of the system call that made it.
 * - A thread that cannot be looked at (suspended in the kernel) keeps its old number, and the slots wait.
 *
 * @module
 */

import type { Image, Thread } from "../process/process.ts";
import type { Slot } from "../process/slots.ts";
import type { Tracer } from "../process/tracer.ts";

/** A slot that no tracepoint leads to any more. */
interface RetiredSlot {
  readonly slot: Slot;
  readonly generation: number;
}

/** See the module's comment. */
export class Barrier {
  readonly #tracer: Tracer;
  readonly #retired = new Map<Image, RetiredSlot[]>();
  #generation = 0;

  /**
   * Makes the barrier of slots of which none is retired.
   *
   * @param tracer The tracer.
   */
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** How many retirements there have been. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * How many retired slots of an image wait for a thread.
   *
   * @param image The image.
   * @returns The number.
   */
  waitingTotal(image: Image): number {
    return this.#retired.get(image)?.length ?? 0;
  }

  /**
   * Retires slots.
   *
   * @param image Their image.
   * @param slots The slots; no tracepoint in the table leads to one.
   */
  retire(image: Image, slots: readonly Slot[]): void {
    if (slots.length === 0) return;
    const generation = ++this.#generation;
    const retired = this.#retired.get(image) ?? [];
    for (const slot of slots) retired.push({ slot, generation });
    this.#retired.set(image, retired);
  }

  /**
   * Notes that a thread stands at a tracepoint.
   *
   * @param thread The thread.
   */
  seen(thread: Thread): void {
    thread.seenGeneration = this.#generation;
  }

  /**
   * Looks where the threads of an image are, and frees the retired slots that none can be in. All threads that can be
   * stopped must be; the tracer's registers are overwritten.
   *
   * @param image The image.
   */
  pass(image: Image): void {
    const retired = this.#retired.get(image);
    if (retired === undefined) return;
    const slots = new Set(retired.map(({ slot }) => slot));
    for (const thread of image.threads()) this.#look(image, thread, slots);
    this.#reclaim(image, retired);
  }

  /**
   * Forgets the slots of an image whose memory is gone.
   *
   * @param image The image.
   */
  forget(image: Image): void {
    this.#retired.delete(image);
  }

  #look(image: Image, thread: Thread, retired: ReadonlySet<Slot>): void {
    if (thread.state !== "stopped" || !this.#tracer.stop.loadRegisters(thread)) return;
    const slot = image.slots.at(this.#tracer.stop.getPc(image));
    if (slot === undefined || !retired.has(slot)) thread.seenGeneration = this.#generation;
  }

  #reclaim(image: Image, retired: readonly RetiredSlot[]): void {
    let passed = this.#generation;
    for (const { state, seenGeneration } of image.threads()) {
      if (state !== "ended") passed = Math.min(passed, seenGeneration);
    }
    const waiting = retired.filter(({ slot, generation }) => {
      if (generation <= passed) image.slots.free(slot);
      return generation > passed;
    });
    if (waiting.length > 0) this.#retired.set(image, waiting);
    else this.#retired.delete(image);
  }
}
