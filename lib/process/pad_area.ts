/**
 * What pads share with the tracer: counters, an area of them for each CPU.
 *
 * *Problem.* The counts of a hit must be there when the target has ended or executed another program a microsecond later, and
 * reading them must not cost the target anything.
 *
 * *Method.* A file in memory that the target has made and mapped, and of which the tracer has a duplicate
 * (pidfd_getfd(2)): both see the same pages. A counter has 8 bytes in the area of each CPU; its value is their sum. A counter
 * is given away with the value that it has then, since adding to it is all that a pad can do.
 *
 * *Untrusted.* The program can write anything into these pages. Whatever is read is taken for a number of hits, and
 * nothing else is concluded from it.
 *
 * @module
 */

import { type Kernel, mappedMemory } from "../../ffi/ffi.ts";
import { type Address, toAddress } from "../address.ts";
import type { PadMemory } from "../isa/isa.ts";

/** The size of a counter in bytes. */
const COUNTER_BYTES = 8;

/** See the module's comment. */
export class PadArea implements PadMemory, Disposable {
  /** See {@linkcode PadMemory.enabled}. */
  readonly enabled: Address;
  /** See {@linkcode PadMemory.areas}. */
  readonly areas: Address;
  /** See {@linkcode PadMemory.areasTotal}. */
  readonly areasTotal: number;
  /** See {@linkcode PadMemory.areaBytes}. */
  readonly areaBytes: number;
  readonly #kernel: Kernel;
  readonly #address: Address;
  readonly #words: Uint32Array;
  readonly #free: number[] = [];
  #used = 0;
  #open = true;

  /**
   * Maps the file into the tracer.
   *
   * @param kernel The kernel's requests.
   * @param fd The file, of the size of all areas.
   * @param places Where it is in the target.
   * @throws {SystemError} If it cannot be mapped.
   */
  constructor(kernel: Kernel, fd: number, { enabled, areas, areasTotal, areaBytes }: PadMemory) {
    this.#kernel = kernel;
    this.enabled = enabled;
    this.areas = areas;
    this.areasTotal = areasTotal;
    this.areaBytes = areaBytes;
    this.#address = toAddress(
      kernel.check(kernel.call.ft_map(fd, 0, this.sizeBytes, 0), "map", "the counters of pads"),
    );
    this.#words = new Uint32Array(mappedMemory(this.#address, this.sizeBytes));
  }

  /** The size of all areas together in bytes. */
  get sizeBytes(): number {
    return this.areasTotal * this.areaBytes;
  }

  /**
   * Takes a counter.
   *
   * @returns Its offset in each area in bytes; undefined if none is left.
   */
  takeCounter(): number | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const offset = this.#used * COUNTER_BYTES;
    if (offset >= this.areaBytes) return undefined;
    this.#used++;
    return offset;
  }

  /**
   * Gives a counter back. No pad adds to it any more.
   *
   * @param offset Its offset.
   */
  freeCounter(offset: number): void {
    this.#free.push(offset);
  }

  /**
   * Reads a counter.
   *
   * @param offset Its offset.
   * @returns The sum over all CPUs since the areas were made; exact below 2^53, 0 when they are gone.
   */
  read(offset: number): number {
    if (!this.#open) return 0;
    let sum = 0;
    for (let area = 0; area < this.areasTotal; area++) {
      const index = (area * this.areaBytes + offset) / 4;
      // The high half first: a carry in between is seen with the next reading at the latest.
      let high = this.#words[index + 1]!;
      let low = this.#words[index]!;
      if (this.#words[index + 1] !== high) {
        high = this.#words[index + 1]!;
        low = this.#words[index]!;
      }
      sum += high * 2 ** 32 + low;
    }
    return sum;
  }

  /** Unmaps the areas from the tracer. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#kernel.call.ft_unmap(this.#address, this.sizeBytes);
  }
}
