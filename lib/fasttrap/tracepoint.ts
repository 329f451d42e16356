/**
 * Tracepoints: places in a program where a trap is written.
 *
 * *Problem.* Two probes can want the same instruction (`f:entry` and `f:0`, the same probe of pid and of oneshot), and
 * one probe can want many (`f:return`, a static probe that was inlined twice). There must be one trap, one copy of the
 * original bytes and one slot for it all the same.
 *
 * *Method.* Probes and tracepoints are many to many. A tracepoint has three lists of probes: those that fire before the
 * instruction takes effect (entry, offset, static), those that fire after it (return), and those that the program asks
 * about here, which do not fire: the instruction is replaced by the answer yes (rule 134). It lives in the table from the
 * first probe that is enabled on it to the last that is disabled: the lists are the reference count. fasttrap in the kernel
 * allocates one tracepoint per probe and site beforehand and swaps them when the owner of the live one leaves (rule 41),
 * because it cannot allocate later; here a live tracepoint belongs to nobody, and cannot be freed by anybody.
 *
 * *Invariants.*
 * - The lists are replaced, never changed: a hit that walks one sees the probes that were enabled when it came, whatever
 *   their handlers enable and disable meanwhile.
 * - Order: the probe that was enabled last fires first (rule 34).
 * - The tracepoint is in the table before its trap is in the text, and out of the table after the trap is out of the
 *   text (rules 37 and 42).
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Instruction } from "../isa/isa.ts";
import type { Image } from "../process/process.ts";
import type { Pad } from "../process/pads.ts";
import type { Slot } from "../process/slots.ts";
import { tracepointIndex } from "./hash.ts";
import { type Chained, HashTable } from "./hash_table.ts";
import type { Probe } from "./probe.ts";

const NO_PROBES: readonly Probe[] = [];
const NO_TRACEPOINTS: readonly Tracepoint[] = [];

/** A place where a trap is written. */
export class Tracepoint implements Chained<Tracepoint> {
  /** See {@linkcode Chained.next}. */
  next: Tracepoint | undefined;
  /** The process that owns the memory. */
  readonly pid: number;
  /** The address of the instruction. */
  readonly pc: Address;
  /** The memory. */
  readonly image: Image;
  /** The original instruction. */
  readonly instruction: Instruction;
  /** Whether it can be emulated, memory permitting. */
  readonly emulated: boolean;
  /** Whether emulating it takes memory of the program, which costs more than its displaced copy. */
  readonly usesMemory: boolean;
  /** Whether it can be executed in its own place only. */
  readonly inPlace: boolean;
  /** Whether the program may change it, so that nobody but the processor knows what it is when it is hit. */
  readonly mayChange: boolean;
  /** Whether it may be performed on a stack that just ends, with other data behind it. */
  readonly endsStack: boolean;
  /** Where its displaced copy is; undefined if it needs none, or can have none. */
  slot: Slot | undefined;
  /** Where the jump leads that is in its place; undefined if a trap is there. */
  pad: Pad | undefined;
  /** All that share its jump, by address, this one among them; none if it has a jump of its own, or a trap. */
  sharers: readonly Tracepoint[] = NO_TRACEPOINTS;
  /** Why it is a trap, as the end of a sentence; undefined if it is a jump, or nothing yet. */
  trapReason: string | undefined;
  /** The probes that fire before the instruction, the last enabled first. */
  before: readonly Probe[] = NO_PROBES;
  /** The probes that fire after it, the last enabled first. */
  after: readonly Probe[] = NO_PROBES;
  /** The probes that the program asks about with it. */
  asked: readonly Probe[] = NO_PROBES;

  /**
   * Makes a tracepoint that is nowhere yet.
   *
   * @param image The memory.
   * @param instruction The original instruction.
   * @param emulated Whether it can be emulated.
   * @param options Whether that takes memory of the program, whether it can be executed in its own place only, whether the
   *   program may change it, and whether it may be performed where a stack ends.
   */
  constructor(
    image: Image,
    instruction: Instruction,
    emulated: boolean,
    { usesMemory = false, inPlace = false, mayChange = false, endsStack = false }: {
      readonly usesMemory?: boolean;
      readonly inPlace?: boolean;
      readonly mayChange?: boolean;
      readonly endsStack?: boolean;
    } = {},
  ) {
    this.pid = image.pid;
    this.pc = instruction.address;
    this.image = image;
    this.instruction = instruction;
    this.emulated = emulated;
    this.usesMemory = usesMemory;
    this.inPlace = inPlace;
    this.mayChange = mayChange;
    this.endsStack = endsStack;
  }

  /** All whose jump or trap comes and goes together with its own, this one among them. */
  get together(): readonly Tracepoint[] {
    return this.sharers.length > 0 ? this.sharers : [this];
  }

  /** Whether no probe is enabled on it. */
  get unused(): boolean {
    return this.before.length === 0 && this.after.length === 0 && this.asked.length === 0;
  }

  /** Whether threads step over it in its place. */
  get isStepped(): boolean {
    return this.inPlace || this.mayChange;
  }

  /** Whether threads are sent to its slot, unless the program steps itself. What fires behind it would not be seen there. */
  get inSlot(): boolean {
    return this.slot !== undefined && !this.isStepped &&
      (!this.emulated || (this.usesMemory && this.after.length === 0));
  }

  /**
   * Adds a probe to the list that its kind, or the sort of its site here, belongs to.
   *
   * @param probe The probe, one of whose sites this is.
   */
  link(probe: Probe): void {
    if (this.#asks(probe)) this.asked = [probe, ...this.asked];
    else if (probe.kind === "return") this.after = [probe, ...this.after];
    else this.before = [probe, ...this.before];
  }

  /**
   * Takes a probe from its list.
   *
   * @param probe The probe.
   */
  unlink(probe: Probe): void {
    if (this.#asks(probe)) this.asked = this.asked.filter((other) => other !== probe);
    else if (probe.kind === "return") this.after = this.after.filter((other) => other !== probe);
    else this.before = this.before.filter((other) => other !== probe);
  }

  /** Whether this is where the program asks about a probe. */
  #asks({ isEnabledSites }: Probe): boolean {
    return isEnabledSites.length > 0 && isEnabledSites.includes(this.pc);
  }
}

/** The table of tracepoints by process and address. */
export class TracepointTable extends HashTable<Tracepoint> {
  /**
   * Makes an empty table.
   *
   * @param buckets The number of buckets at first, a power of two.
   */
  constructor(buckets: number) {
    super(buckets, ({ pc, pid, image }, mask) => tracepointIndex(pc, pid, image.isa.unitBytes, mask), { grows: true });
  }

  /**
   * Finds a tracepoint.
   *
   * @param pid The process that owns the memory.
   * @param pc The address.
   * @param unitBytes The unit of instruction addresses.
   * @returns The youngest one there; undefined if there is none.
   */
  find(pid: number, pc: number, unitBytes: number): Tracepoint | undefined {
    let tracepoint = this.head(tracepointIndex(pc, pid, unitBytes, this.mask));
    while (tracepoint !== undefined && (tracepoint.pc !== pc || tracepoint.pid !== pid)) tracepoint = tracepoint.next;
    return tracepoint;
  }
}
