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
import { Crc32 } from "../object/crc32.ts";
import type { KeptSemaphore } from "./keeper.ts";
import { type Mapping, readMappings } from "./proc_files.ts";

const SIZE_BYTES = 2;
const LARGEST = 0xffff;

/** A semaphore that has been raised. */
interface Raised {
  /** How many probes need it. */
  usersTotal: number;
  /** The file that is mapped there, as `/proc/PID/maps` names it. */
  readonly file: string;
}

/** A semaphore that is to be lowered. */
export interface RaisedSemaphore {
  /** Where. */
  readonly address: Address;
  /** The file that was mapped there when it was raised. */
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
   * @param wanted Where the semaphores of each user are; once is enough for a user.
   * @returns Why some could not be raised, as ends of sentences, by user.
   */
  raise<User extends object>(wanted: ReadonlyMap<User, readonly Address[]>): Map<User, string[]> {
    const problems = new Map<User, string[]>();
    const files = new FileFinder(this.#kernel, this.#pid);
    for (const [user, addresses] of wanted) {
      if (addresses.length === 0 || this.#users.has(user)) continue;
      const failed = addresses.filter((address) => !this.#raiseOne(address, files));
      this.#users.set(user, addresses.filter((address) => !failed.includes(address)));
      if (failed.length === 0) continue;
      problems.set(user, failed.map((address) => `its semaphore at ${formatAddress(address)} cannot be raised`));
    }
    return problems;
  }

  /**
   * Finds the semaphores that nobody else needs; they are no longer among {@linkcode Semaphores.raised}.
   *
   * @param users Who do not need them any more; one that needs none is no mistake.
   * @returns What is to be lowered.
   */
  release(users: Iterable<object>): RaisedSemaphore[] {
    const falling: RaisedSemaphore[] = [];
    for (const user of users) {
      const addresses = this.#users.get(user);
      if (addresses === undefined) continue;
      this.#users.delete(user);
      for (const address of addresses) {
        const semaphore = this.#raised.get(address);
        if (semaphore === undefined || --semaphore.usersTotal > 0) continue;
        this.#raised.delete(address);
        falling.push({ address, file: semaphore.file });
      }
    }
    return falling;
  }

  /**
   * Lowers semaphores whose file is still mapped where they are.
   *
   * @param falling What {@linkcode Semaphores.release} gave.
   */
  lower(falling: readonly RaisedSemaphore[]): void {
    const files = new FileFinder(this.#kernel, this.#pid);
    for (const { address, file } of falling) if (files.at(address) === file) this.#add(this.#pid, address, -1);
  }

  /**
   * Reads a semaphore.
   *
   * @param address Where it is.
   * @returns How many listen; undefined if it cannot be read.
   */
  valueAt(address: Address): number | undefined {
    return this.#read(this.#pid, address);
  }

  /** All that are raised, as a later tracer can find them. */
  raised(): KeptSemaphore[] {
    return [...this.#raised].map(([address, { file }]) => ({ address, file: fileNumber(file) }));
  }

  /** All that have been raised are to be lowered: the process is let go. */
  releaseAll(): RaisedSemaphore[] {
    return this.release([...this.#users.keys()]);
  }

  /**
   * Lowers all that have been raised in a copy of this memory, which a fork has made.
   *
   * @param pid The process that has the copy.
   */
  lowerIn(pid: number): void {
    for (const address of this.#raised.keys()) this.#add(pid, address, -1);
  }

  /** Counts one more user of a semaphore, and raises it for the first. Returns whether it is raised. */
  #raiseOne(address: Address, files: FileFinder): boolean {
    const known = this.#raised.get(address);
    const file = known?.file ?? files.at(address);
    if (known !== undefined) known.usersTotal++;
    else if (file !== undefined && this.#add(this.#pid, address, 1)) this.#raised.set(address, { usersTotal: 1, file });
    else return false;
    return true;
  }

  #read(pid: number, address: Address): number | undefined {
    const bytes = new Uint8Array(SIZE_BYTES);
    if (this.#kernel.call.ft_read_memory(pid, address, bytes, SIZE_BYTES) !== SIZE_BYTES) return undefined;
    return new DataView(bytes.buffer).getUint16(0, true);
  }

  #add(pid: number, address: Address, change: 1 | -1): boolean {
    const value = (this.#read(pid, address) ?? NaN) + change;
    // Not a number is neither.
    if (!(value >= 0 && value <= LARGEST)) return false;
    const bytes = new Uint8Array(SIZE_BYTES);
    new DataView(bytes.buffer).setUint16(0, value, true);
    return this.#kernel.call.ft_write_memory(pid, address, bytes, SIZE_BYTES) === SIZE_BYTES;
  }
}

/**
 * Makes a number of what tells a file that is mapped.
 *
 * @param file The file, as `/proc/PID/maps` names it.
 * @returns 32 bits that another file hardly has.
 */
export function fileNumber(file: string): number {
  const sum = new Crc32();
  sum.update(new TextEncoder().encode(file));
  return sum.value;
}

/** The files that are mapped in a process, as they were at the first question. */
class FileFinder {
  readonly #kernel: Kernel;
  readonly #pid: number;
  #mappings: readonly Mapping[] | undefined;
  /** The mapping of the last answer: semaphores lie side by side. */
  #last: Mapping | undefined;

  constructor(kernel: Kernel, pid: number) {
    this.#kernel = kernel;
    this.#pid = pid;
  }

  /** The file at an address, as `/proc/PID/maps` names it; undefined if nothing is mapped there. */
  at(address: Address): string | undefined {
    const holds = ({ start, end }: Mapping) => address >= start && address < end;
    if (this.#last === undefined || !holds(this.#last)) {
      this.#mappings ??= readMappings(this.#kernel, this.#pid) ?? [];
      this.#last = this.#mappings.find(holds);
    }
    return this.#last?.file;
  }
}
