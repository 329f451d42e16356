/**
 * Running where the target runs.
 *
 * *Problem.* A hit is two switches between tracer and target. On one CPU a switch is cheap; across CPUs each wakes an
 * idle one, which doubles the cost of a hit on a virtual machine (18 to 31 us against 15).
 *
 * *Method.* While hits come fast, the tracing thread binds itself to the CPU that the thread with the last hit ran on.
 * The target is never bound. The binding lasts within one slice of the event loop only: whatever the program starts
 * between two slices (a pool thread, a child) would inherit it.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Thread } from "../process/process.ts";
import { readCpu } from "../process/proc_files.ts";

/** Room for the mask of as many CPUs as Linux can be configured for, in bytes. */
const MASK_BYTES = 1024;

/** See the module's comment. */
export class CpuFollower {
  readonly #kernel: Kernel;
  readonly #own = new Uint8Array(MASK_BYTES);
  readonly #bound = new Uint8Array(MASK_BYTES);
  #isBound = false;

  /**
   * Makes a follower that is not bound.
   *
   * @param kernel The kernel's requests.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Binds the tracing thread to the CPU of another thread, if it may run there.
   *
   * @param thread The thread.
   */
  follow(thread: Thread): void {
    const size = this.#kernel.call.ft_get_affinity(this.#own, MASK_BYTES);
    if (this.#isBound || size <= 0) return;
    const cpu = readCpu(this.#kernel, thread.process.pid, thread.tid);
    const bit = 1 << (cpu & 7);
    if (((this.#own[cpu >> 3] ?? 0) & bit) === 0) return;
    this.#bound.fill(0);
    this.#bound[cpu >> 3] = bit;
    this.#isBound = this.#kernel.call.ft_set_affinity(this.#bound, size) >= 0;
  }

  /** Lets the tracing thread run where it might before. */
  release(): void {
    if (this.#isBound) this.#kernel.call.ft_set_affinity(this.#own, MASK_BYTES);
    this.#isBound = false;
  }
}
