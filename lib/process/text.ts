/**
 * The text of a traced process: which traps and jumps are written in it, and what was there before.
 *
 * *Problem.* A trap hides the instruction below it, a jump several. Everyone who reads the text (the decoder, a user's `readBytes`, a
 * debugger-like listing) must see the program's own bytes; a fork child must get them back before it runs; detaching
 * must restore every one of them.
 *
 * *Method.* One map from address to original bytes per memory image. It is the only place that knows them. Writes go
 * through `/proc/PID/mem`, which may change pages that are mapped read-only, page by page: the bytes between the first
 * and the last change in a page are read, patched and written back in one call each, so that enabling ten thousand
 * probes costs a few hundred system calls. A jump to a pad is recorded like a trap, with what it consists of; the traps
 * inside of it are part of it. It may begin before the site that it is there for, or be there for several: whoever asks for
 * a site means the jump, and with the jump of one site goes that of all.
 *
 * *Invariants.*
 * - A trap is recorded exactly while it is in the text. Recording follows the write on installing and precedes nothing
 *   on removing: both happen in one synchronous block with all threads of the image stopped.
 * - An original is never read where our own trap is.
 * - Removing restores only bytes that still are our trap: code that was replaced meanwhile (a JIT, dlclose and mmap)
 *   stays as it is (fasttrap rule 43).
 *
 * @module
 */

import { cString, type Kernel } from "../../ffi/ffi.ts";
import type { Address } from "../address.ts";
import { SystemError } from "../errors.ts";
import { SmallBytes } from "../small_bytes.ts";

/** The largest span of text that is patched by one read and one write, in bytes. */
const SPAN_BYTES = 4096;
/** The longest jump in bytes, with what lies between it and its site. */
const JUMP_BYTES_LIMIT = 16;

/** A jump that takes the place of instructions. */
export interface TextJump {
  /** Where. */
  readonly address: Address;
  /** The addresses by which it is known to everybody else: those of one or more of the instructions. */
  readonly sites: readonly Address[];
  /** Its bytes, and those up to its site if that is behind it, 16 at most. */
  readonly bytes: Uint8Array;
}

/** The traps and jumps in one memory image. */
export class TrappedText {
  readonly #kernel: Kernel;
  readonly #pid: number;
  readonly #trap: Uint8Array;
  /** The original bytes; those of a trap packed little-endian into an unsigned number. */
  readonly #originals = new Map<Address, number | Uint8Array>();
  /** Where those are kept that are under jumps. */
  readonly #bytes = new SmallBytes();
  /** Where traps are out while threads step over the original instructions, with where that is: a jump goes with all of its sites. */
  readonly #lifted = new Map<Address, Address>();
  /** Where the jumps begin that do not begin at their sites, by the sites. */
  readonly #starts = new Map<Address, Address>();
  /** What is written where it is no trap. */
  readonly #jumps = new Map<Address, TextJump>();
  /** Where traps were taken out while threads ran, which may have executed them and not told yet. */
  readonly #late = new Set<number>();
  #fd: number;

  /**
   * Opens the text of a process.
   *
   * @param kernel The kernel's requests.
   * @param pid The process, or any living thread of it.
   * @param trap The trap's bytes, 4 at most.
   * @throws {SystemError} If its memory cannot be opened.
   */
  constructor(kernel: Kernel, pid: number, trap: Uint8Array) {
    this.#kernel = kernel;
    this.#pid = pid;
    this.#trap = trap;
    this.#fd = kernel.check(
      kernel.call.ft_open(cString(`/proc/${pid}/mem`), 1),
      "open the memory of",
      `process ${pid}`,
    );
  }

  /** The number of traps and jumps that are written. */
  get size(): number {
    return this.#originals.size;
  }

  /** Whether no thread can have executed a trap of ours that it has not told of. */
  get untouched(): boolean {
    return this.#originals.size === 0 && this.#late.size === 0;
  }

  /** The addresses of all traps, and the sites of all jumps. */
  addresses(): Iterable<Address> {
    return [...this.#originals.keys()].flatMap((address) => this.#sitesAt(address));
  }

  /** All traps and jumps with the original bytes that they hide. */
  *sites(): Generator<{ readonly address: Address; readonly original: Uint8Array }> {
    for (const [address, known] of this.#originals) {
      const original = typeof known === "number" ? Uint8Array.from(this.#trap, (_, i) => byteOf(known, i)) : known;
      yield { address, original };
    }
  }

  /**
   * Tells whether one of our traps, or a site of our jumps, is at an address.
   *
   * @param address The address.
   * @returns Whether it is.
   */
  has(address: number): boolean {
    const start = this.#startOf(address as Address);
    return this.#originals.has(start) && (start !== address || this.#sitesAt(start).includes(start));
  }

  /**
   * Writes traps. All threads of the image must be stopped.
   *
   * @param addresses Where, in any order, without duplicates and without those that are there already.
   * @returns The addresses that could not be written.
   */
  install(addresses: readonly Address[]): Address[] {
    const failed: Address[] = [];
    for (const address of addresses) this.#lifted.delete(address);
    this.#patch(this.#fd, addresses, failed, (bytes, offset, address) => {
      this.#originals.set(address, pack(bytes, offset, this.#trap.length));
      bytes.set(this.#trap, offset);
      return true;
    });
    for (const address of failed) this.#originals.delete(address);
    return failed;
  }

  /**
   * Writes jumps. All threads of the image must be stopped.
   *
   * @param jumps The jumps, in any order. None of them overlaps another, or a trap.
   * @returns The sites of those that could not be written.
   */
  installJumps(jumps: readonly TextJump[]): Address[] {
    const failed: Address[] = [];
    for (const jump of jumps) {
      const { address, sites } = jump;
      this.#jumps.set(address, jump);
      for (const site of sites) {
        this.#lifted.delete(site);
        if (site !== address) this.#starts.set(site, address);
      }
    }
    this.#patch(this.#fd, jumps.map(({ address }) => address), failed, (bytes, offset, address) => {
      const jump = this.#written(address);
      this.#originals.set(address, this.#bytes.copy(bytes, offset, offset + jump.length));
      bytes.set(jump, offset);
      return true;
    });
    const unwritten = new Set(failed);
    const sites = jumps.filter(({ address }) => unwritten.has(address)).flatMap(({ sites }) => sites);
    this.forget(sites);
    return sites;
  }

  /**
   * Takes traps and jumps out. All threads of the image must be stopped.
   *
   * @param addresses Where, in any order. Those where nothing of ours is are passed over; a jump goes with all of its sites.
   * @returns The addresses where it is still in the text because the write was refused. They stay recorded.
   */
  remove(addresses: readonly Address[]): Address[] {
    const failed: Address[] = [];
    for (const address of addresses) this.#lifted.delete(address);
    const ours = addresses.filter((address) => this.has(address));
    const starts = new Set(ours.map((address) => this.#startOf(address)));
    this.#patch(this.#fd, [...starts], failed, (bytes, offset, address) => this.#restore(bytes, offset, address));
    // What cannot even be read is unmapped: the trap went with it.
    const stuck = new Set(failed.filter((address) => this.#isWrittenAt(address)));
    const isStuck = (address: Address) => stuck.has(this.#startOf(address));
    const left = ours.filter(isStuck);
    this.forget(ours.filter((address) => !isStuck(address)));
    return left;
  }

  /**
   * Removes all traps, those that are lifted as well.
   *
   * @returns The addresses where a trap is left: as for {@linkcode TrappedText.remove}.
   */
  removeAll(): Address[] {
    this.#lifted.clear();
    return this.remove([...this.addresses()]);
  }

  /**
   * Takes a trap or a jump out for as long as a thread steps over the original instruction.
   *
   * @param address The trap's address, or a site of the jump.
   */
  lift(address: Address): void {
    if (!this.has(address)) return;
    const sites = this.#sitesAt(this.#startOf(address));
    if (this.remove([address]).length === 0) { for (const site of sites) this.#lifted.set(site, address); }
  }

  /**
   * Writes the traps again that were lifted, and those of all sites of a jump, unless they were removed or written meanwhile.
   *
   * @param address What was lifted.
   */
  lower(address: Address): void {
    this.install([...this.#lifted].filter(([, lifted]) => lifted === address).map(([site]) => site));
  }

  /**
   * Takes one trap out while threads run: nothing but its own bytes is written. A thread may have executed it already;
   * {@linkcode TrappedText.mayBeLate} says so until {@linkcode TrappedText.settle}.
   *
   * @param address Where.
   * @returns Whether no trap of ours is there any more.
   */
  removeRunning(address: Address): boolean {
    this.#late.add(address);
    return this.remove([address]).length === 0;
  }

  /**
   * Tells whether a thread can have executed a trap that is recorded no more.
   *
   * @param address Where the trap was; any number.
   * @returns Whether one was taken out there since all threads were stopped.
   */
  mayBeLate(address: number): boolean {
    return this.#late.has(address);
  }

  /** All threads are stopped, and all that had executed a trap have told. */
  settle(): void {
    this.#late.clear();
  }

  /**
   * Tells which traps and jumps are no longer in the text, because somebody else wrote there or the memory is gone.
   *
   * @param addresses Addresses with traps or jumps.
   * @returns Those where it is not there.
   */
  missing(addresses: readonly Address[]): Address[] {
    return addresses.filter((address) => this.has(address) && !this.#isWrittenAt(this.#startOf(address)));
  }

  /**
   * Forgets traps and jumps without touching the text, which is not there any more or no longer ours.
   *
   * @param addresses Which ones; a jump goes with all of its sites.
   */
  forget(addresses: readonly Address[]): void {
    for (const address of addresses) {
      const start = this.#startOf(address);
      for (const site of this.#sitesAt(start)) this.#starts.delete(site);
      this.#originals.delete(start);
      this.#jumps.delete(start);
    }
  }

  /**
   * Writes bytes that are no trap, such as the contents of a slot, into memory that the program may not write.
   *
   * @param address Where.
   * @param bytes What.
   * @returns Whether it could be written.
   */
  write(address: Address, bytes: Uint8Array): boolean {
    return this.#write(this.#fd, address, bytes);
  }

  /**
   * Puts the original bytes over the traps in what was read from the text.
   *
   * @param address Where it was read.
   * @param bytes What was read; changed in place.
   */
  overlay(address: number, bytes: Uint8Array): void {
    const first = address - this.#longestBytes + 1;
    const end = address + bytes.length;
    const patch = (at: Address, original: number | Uint8Array) => {
      const size = this.#written(at).length;
      for (let i = 0; i < size; i++) {
        if (at + i >= address && at + i < end) bytes[at + i - address] = byteOf(original, i);
      }
    };
    if (end - first > this.#originals.size) {
      for (const [at, original] of this.#originals) if (at >= first && at < end) patch(at, original);
      return;
    }
    for (let at = first; at < end; at++) {
      const original = this.#originals.get(at as Address);
      if (original !== undefined) patch(at as Address, original);
    }
  }

  /**
   * Tells whether a range holds a byte of our traps and jumps.
   *
   * @param address The first byte.
   * @param length The size in bytes.
   * @returns Whether it does.
   */
  overlaps(address: number, length: number): boolean {
    for (const at of this.#originals.keys()) {
      if (at < address + length && at + this.#written(at).length > address) return true;
    }
    return false;
  }

  /**
   * Restores the text of a copy of this image, which a fork has made. The copy's only thread must be stopped.
   *
   * @param pid The process that has the copy.
   * @returns Whether every trap is out of it.
   */
  restoreIn(pid: number): boolean {
    if (this.#originals.size === 0) return true;
    const fd = this.#kernel.call.ft_open(cString(`/proc/${pid}/mem`), 1);
    if (fd < 0) return false;
    const failed: Address[] = [];
    this.#patch(
      fd,
      [...this.#originals.keys()],
      failed,
      (bytes, offset, address) => this.#restore(bytes, offset, address),
    );
    const stuck = failed.filter((address) => this.#isWrittenAt(address, fd));
    this.#kernel.call.ft_close(fd);
    return stuck.length === 0;
  }

  /** Closes the memory. Nothing can be installed or removed afterwards. */
  close(): void {
    if (this.#fd >= 0) this.#kernel.call.ft_close(this.#fd);
    this.#fd = -1;
  }

  /**
   * Reads, changes and writes back the spans around addresses. `change` says whether it changed anything; addresses
   * whose span cannot be read or written are added to `failed`.
   */
  #patch(
    fd: number,
    addresses: readonly Address[],
    failed: Address[],
    change: (bytes: Uint8Array, offset: number, address: Address) => boolean,
  ): void {
    const size = this.#longestBytes;
    const sorted = Float64Array.from(addresses).sort() as unknown as ArrayLike<Address>;
    const buffer = new Uint8Array(SPAN_BYTES + size);
    for (let begin = 0, end; begin < sorted.length; begin = end) {
      const base = sorted[begin]!;
      const page = base - (base % SPAN_BYTES);
      for (end = begin + 1; end < sorted.length && sorted[end]! < page + SPAN_BYTES; end++);
      const last = sorted[end - 1]!;
      const bytes = buffer.subarray(0, last - base + this.#written(last).length);
      let changed = false;
      if (this.#kernel.call.ft_pread(fd, base, bytes, bytes.length) === bytes.length) {
        for (let i = begin; i < end; i++) {
          if (change(bytes, sorted[i]! - base, sorted[i]!)) changed = true;
        }
        if (!changed || this.#write(fd, base, bytes)) continue;
      } else if (end - begin > 1) {
        // The span may cross into memory that is gone: try its addresses one by one.
        for (let i = begin; i < end; i++) this.#patch(fd, [sorted[i]!], failed, change);
        continue;
      }
      for (let i = begin; i < end; i++) failed.push(sorted[i]!);
    }
  }

  #write(fd: number, address: number, bytes: Uint8Array): boolean {
    const written = this.#kernel.call.ft_pwrite(fd, address, bytes, bytes.length);
    return written === bytes.length || (fd === this.#fd && this.#poke(address, bytes));
  }

  /** Writes by PTRACE_POKEDATA, where the kernel lets nobody write through /proc/PID/mem. */
  #poke(address: number, bytes: Uint8Array): boolean {
    const base = address - (address % 8);
    const words = new Uint8Array(Math.ceil((address + bytes.length - base) / 8) * 8);
    if (this.#kernel.call.ft_pread(this.#fd, base, words, words.length) !== words.length) return false;
    words.set(bytes, address - base);
    for (let at = 0; at < words.length; at += 8) {
      if (this.#kernel.call.ft_poke(this.#pid, base + at, words.subarray(at, at + 8)) < 0) return false;
    }
    return true;
  }

  /** Where what is known by an address begins. */
  #startOf(address: Address): Address {
    return this.#starts.get(address) ?? address;
  }

  /** By which addresses is known what begins at one. */
  #sitesAt(start: Address): readonly Address[] {
    return this.#jumps.get(start)?.sites ?? [start];
  }

  #restore(bytes: Uint8Array, offset: number, address: Address): boolean {
    const written = this.#written(address);
    if (!written.every((byte, i) => bytes[offset + i] === byte)) return false;
    const original = this.#originals.get(address)!;
    for (let i = 0; i < written.length; i++) bytes[offset + i] = byteOf(original, i);
    return true;
  }

  /** What is written at an address of ours. */
  #written(address: Address): Uint8Array {
    return this.#jumps.get(address)?.bytes ?? this.#trap;
  }

  get #longestBytes(): number {
    return this.#jumps.size > 0 ? JUMP_BYTES_LIMIT : this.#trap.length;
  }

  #isWrittenAt(address: Address, fd = this.#fd): boolean {
    const written = this.#written(address);
    const bytes = new Uint8Array(written.length);
    return this.#kernel.call.ft_pread(fd, address, bytes, bytes.length) === bytes.length &&
      written.every((byte, i) => bytes[i] === byte);
  }
}

/** Packs bytes into an integer below 2^32. */
function pack(bytes: Uint8Array, offset: number, length: number): number {
  let packed = 0;
  for (let i = length - 1; i >= 0; i--) packed = packed * 256 + bytes[offset + i]!;
  return packed;
}

function byteOf(original: number | Uint8Array, index: number): number {
  return typeof original === "number" ? Math.floor(original / 256 ** index) % 256 : original[index]!;
}

/**
 * Makes the error for text that cannot be restored.
 *
 * @param pid The process.
 * @param addresses Where traps are left.
 * @returns The error.
 */
export function stuckTrapError(pid: number, addresses: readonly Address[]): SystemError {
  return new SystemError("EIO", "restore the text of", `process ${pid} at ${addresses.length} addresses`);
}
