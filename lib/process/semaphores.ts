/**
 * Semaphores of static probes: 16-bit counters of who listens, in the memory of the program.
 *
 * *Problem.* Most static probes of interpreters and servers prepare their arguments only if their semaphore is not 0. So
 * it has to be raised while the probe is enabled, and lowered again, whatever ends first. Several sites and several
 * probes share one, and other tracers may count in it as well (the kernel's uprobes do).
 *
 * *Method.* One count for each semaphore: it is raised by one with the first probe that needs it and lowered by one with
 * the last, so that what others have counted stays. A child with a copy of the memory gets its copy lowered before it
 * runs.
 *
 * *What is checked.* Memory is written only as far as the program itself may write it. The file that is mapped at the
 * address is remembered, and compared before the counter is lowered: the module may have been unloaded, and another one
 * may lie there now.
 *
 * *Limit.* If the tracer is killed by SIGKILL, semaphores stay raised: the program prepares arguments for nobody. The
 * next tracer raises them once more and lowers them by one.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { type Address, formatAddress } from "../address.ts";
import { readMappings } from "./proc_files.ts";

const SIZE_BYTES = 2;
const LARGEST = 0xffff;

/** A semaphore that has been raised. */
interface Raised {
  /** How many probes need it. */
  usersTotal: number;
  /** The file that is mapped there, as `/proc/PID/maps` names it. */
  readonly file: string;
}

/** The semaphores in one memory. */
export class Semaphores {
  readonly #kernel: Kernel;
  readonly #pid: number;
  readonly #raised = new Map<Address, Raised>();
  readonly #users = new Map<object, readonly Address[]>();

  /**
   * Makes the record of a memory in which none has been raised.
   *
   * @param kernel The kernel's requests.
   * @param pid The process.
   */
  constructor(kernel: Kernel, pid: number) {
    this.#kernel = kernel;
    this.#pid = pid;
  }

  /**
   * Raises semaphores.
   *
   * @param user Who needs them; once is enough.
   * @param addresses Where they are.
   * @returns Why some could not be raised, as ends of sentences.
   */
  raise(user: object, addresses: readonly Address[]): string[] {
    if (addresses.length === 0 || this.#users.has(user)) return [];
    const problems: string[] = [];
    const raised: Address[] = [];
    for (const address of addresses) {
      const known = this.#raised.get(address);
      const file = known?.file ?? this.#fileAt(address);
      if (known !== undefined) known.usersTotal++;
      else if (file !== undefined && this.#add(this.#pid, address, 1)) {
        this.#raised.set(address, { usersTotal: 1, file });
      } else {
        problems.push(`its semaphore at ${formatAddress(address)} cannot be raised`);
        continue;
      }
      raised.push(address);
    }
    this.#users.set(user, raised);
    return problems;
  }

  /**
   * Lowers the semaphores that nobody else needs.
   *
   * @param user Who does not need them any more; one that needs none is no mistake.
   */
  lower(user: object): void {
    const addresses = this.#users.get(user);
    if (addresses === undefined) return;
    this.#users.delete(user);
    for (const address of addresses) {
      const semaphore = this.#raised.get(address);
      if (semaphore === undefined || --semaphore.usersTotal > 0) continue;
      this.#raised.delete(address);
      if (this.#fileAt(address) === semaphore.file) this.#add(this.#pid, address, -1);
    }
  }

  /** Lowers all that have been raised: the process is let go. */
  lowerAll(): void {
    for (const user of [...this.#users.keys()]) this.lower(user);
  }

  /**
   * Lowers all that have been raised in a copy of this memory, which a fork has made.
   *
   * @param pid The process that has the copy.
   */
  lowerIn(pid: number): void {
    for (const address of this.#raised.keys()) this.#add(pid, address, -1);
  }

  #fileAt(address: Address): string | undefined {
    return readMappings(this.#kernel, this.#pid)?.find(({ start, end }) => address >= start && address < end)?.file;
  }

  #add(pid: number, address: Address, change: 1 | -1): boolean {
    const bytes = new Uint8Array(SIZE_BYTES);
    if (this.#kernel.call.ft_read_memory(pid, address, bytes, SIZE_BYTES) !== SIZE_BYTES) return false;
    const view = new DataView(bytes.buffer);
    const value = view.getUint16(0, true) + change;
    if (value < 0 || value > LARGEST) return false;
    view.setUint16(0, value, true);
    return this.#kernel.call.ft_write_memory(pid, address, bytes, SIZE_BYTES) === SIZE_BYTES;
  }
}
