/**
 * Memory of a traced process as the program itself sees it: its own bytes, with its own permissions.
 *
 * Reads and writes go through process_vm_readv(2) and process_vm_writev(2), which fail where the program would fault
 * (unlike `/proc/PID/mem`, which ignores protections): emulation relies on that to leave faults to the real
 * instruction. Reads bring in pages that were never touched, so that a string literal is never empty. Our traps are
 * covered by the original bytes (fasttrap rule 103).
 *
 * Requests are made for a thread id, not for the process: when the first thread of a process has exited and others
 * live on, only a living one still has the memory. Which one that is, the kernel knows before we do: when it is said to be
 * gone, the others are tried.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { isAddress } from "../address.ts";
import type { WordMemory } from "../isa/isa.ts";
import { ESRCH } from "./ptrace.ts";
import type { TrappedText } from "./text.ts";

/** The smallest page of any architecture, so that no read crosses into a page that may be missing. */
const PAGE_BYTES = 4096;

/** Memory of a traced process. */
export class TargetMemory implements WordMemory {
  readonly #kernel: Kernel;
  readonly #text: TrappedText;
  readonly #others: () => Iterable<{ readonly tid: number }>;
  readonly #word = new Uint8Array(8);
  readonly #halves = new Uint32Array(this.#word.buffer);
  #tid: number;

  /**
   * Makes a view of memory.
   *
   * @param kernel The kernel's requests.
   * @param tid The thread to go through at first.
   * @param text The traps in this memory.
   * @param others All threads that may have this memory.
   */
  constructor(kernel: Kernel, tid: number, text: TrappedText, others: () => Iterable<{ readonly tid: number }>) {
    this.#kernel = kernel;
    this.#tid = tid;
    this.#text = text;
    this.#others = others;
  }

  /**
   * Goes through another thread from now on.
   *
   * @param tid A living thread of the process.
   */
  useThread(tid: number): void {
    this.#tid = tid;
  }

  /**
   * Reads bytes.
   *
   * @param address Where; any number. What is no address reads nothing.
   * @param into Receives the bytes.
   * @returns How many bytes could be read, from the beginning.
   */
  read(address: number, into: Uint8Array): number {
    if (!isAddress(address) || into.length === 0) return 0;
    const length = this.#request("ft_read_memory", address, into);
    if (length <= 0) return 0;
    if (this.#text.size > 0) this.#text.overlay(address, into.subarray(0, length));
    return length;
  }

  /**
   * Reads a string that ends with a NUL.
   *
   * @param address Where; any number.
   * @param limitBytes The most bytes to read.
   * @returns The bytes before the NUL, or before the limit or the end of readable memory if there is none;
   *   undefined if not even the first byte can be read.
   */
  readCString(address: number, limitBytes: number): Uint8Array | undefined {
    const bytes = new Uint8Array(limitBytes);
    let length = 0;
    while (length < limitBytes) {
      // Never past a page in one step: the next one may be missing.
      const page = PAGE_BYTES - ((address + length) % PAGE_BYTES);
      const step = Math.min(page, 256, limitBytes - length);
      const part = bytes.subarray(length, length + step);
      const read = this.read(address + length, part);
      const end = part.subarray(0, read).indexOf(0);
      if (end >= 0) return bytes.subarray(0, length + end);
      length += read;
      if (read < step) break;
    }
    return length === 0 && limitBytes > 0 ? undefined : bytes.subarray(0, length);
  }

  /**
   * Writes bytes where the program itself may write.
   *
   * @param address Where; any number.
   * @param bytes What.
   * @returns Whether all bytes were written; false also for a range that holds a trap of ours.
   */
  write(address: number, bytes: Uint8Array): boolean {
    if (!isAddress(address)) return false;
    if (bytes.length === 0) return true;
    if (this.#text.size > 0 && this.#text.overlaps(address, bytes.length)) return false;
    return this.#request("ft_write_memory", address, bytes) === bytes.length;
  }

  /** See {@linkcode WordMemory.readWord}. */
  readWord(address: number, into: Uint32Array): boolean {
    if (!isAddress(address)) return false;
    if (this.#request("ft_read_memory", address, this.#word) !== 8) return false;
    if (this.#text.size > 0) this.#text.overlay(address, this.#word);
    into[0] = this.#halves[0]!;
    into[1] = this.#halves[1]!;
    return true;
  }

  /** See {@linkcode WordMemory.writeWord}. */
  writeWord(address: number, lo: number, hi: number): boolean {
    if (!isAddress(address)) return false;
    this.#halves[0] = lo;
    this.#halves[1] = hi;
    return this.#request("ft_write_memory", address, this.#word) === 8;
  }

  #request(name: "ft_read_memory" | "ft_write_memory", address: number, bytes: Uint8Array): number {
    const { call } = this.#kernel;
    let result = call[name](this.#tid, address, bytes, bytes.length);
    if (result !== -ESRCH) return result;
    for (const { tid } of this.#others()) {
      result = call[name](tid, address, bytes, bytes.length);
      if (result === -ESRCH) continue;
      this.#tid = tid;
      break;
    }
    return result;
  }
}
