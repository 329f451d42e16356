/**
 * Pads: what jumps lead to, in the memory of a target.
 *
 * *Problem.* A jump decides by its bytes where its pad is: somewhere within 2 GiB, or in one of many small places far below
 * the site, or at a single address (see `isa/x86_64/window.ts`). Pads come and go by the thousand, and each address inside of
 * one has to be found when a thread stops there.
 *
 * *Method.* Large ranges of executable memory, of which only the pages cost anything that are used: at the distance that most
 * jumps need, and wherever a jump leads that keeps bytes of the program. Ranges do not cross multiples of their size, so that
 * each is found by its address. A pad takes the first free run of granules (`pad_range.ts`) that its jump can reach, from where
 * the last pad of the same kind was found.
 *
 * *Where ranges may be.* Not where the program expects to grow: above its heap, and below its first stack.
 *
 * A pad is a {@linkcode Slot} to everybody who only needs to know what a thread in it is doing. Its contents are made again
 * when somebody asks: few threads are ever found in one of thousands.
 *
 * *Pads that share a jump* follow each other by {@linkcode Pad.next}. What holds of the jump is asked of the first.
 *
 * *Invariants.*
 * - A pad's bytes change only while no thread can be inside (`fasttrap/barrier.ts`).
 * - {@linkcode Pads.copyAt} knows the traps inside of exactly those jumps that are in the text.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import type { Instruction, Isa } from "../isa/isa.ts";
import type { JumpInstaller, JumpWindow, PadAction, PadCode, PadMemory } from "../isa/jumps.ts";
import { innerCopies, innerSite } from "./inner_sites.ts";
import type { KeptSite } from "./keeper.ts";
import type { PadArea } from "./pad_area.ts";
import { PadRange } from "./pad_range.ts";
import type { Mapping } from "./proc_files.ts";
import type { Slot } from "./slots.ts";

/** The size of a range in bytes: the jumps of a module of 16 MiB that have a trap as their last byte reach into two. */
export const RANGE_BYTES = 1 << 25;
/** The least range that is worth being mapped, in bytes. */
const LEAST_RANGE_BYTES = 1 << 16;
/** What is left free beside other mappings, which may grow, in bytes. */
const GUARD_BYTES = 1 << 20;
/** What is left free above the heap, in bytes. What malloc(3) does not get there it maps elsewhere. */
const HEAP_BYTES = 1 << 26;
/** What is left free below the first stack, in bytes. */
const STACK_BYTES = 1 << 30;
const PAGE_BYTES = 4096;
/** No program is mapped below this address (`vm.mmap_min_addr`). */
const LOWEST_ADDRESS = 1 << 16;
/** How far a jump reaches, in bytes. */
const REACH_BYTES = 2 ** 31;
/** Windows that are in the same multiple of this look for their pads one behind the other, in bytes. */
const NEAR_BYTES = 1 << 20;
/** What a pad may have at least, in bytes, to be guessed before it is made. */
const GUESSED_BYTES = 96;

/** A range that can be mapped. */
export interface Gap {
  readonly base: Address;
  readonly sizeBytes: number;
}

/** A pad. */
export class Pad implements Slot {
  /** Its first address. */
  readonly address: Address;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Where its jump leads. */
  readonly entry: Address;
  /** The instruction of its site. */
  readonly instruction: Instruction;
  /** What its jump takes the place of. */
  readonly window: JumpWindow;
  /** What it does at a hit. */
  readonly action: PadAction;
  /** Where in it the displaced copies begin, for each instruction of the window; -1 for one that needs none. */
  readonly copies: readonly number[];
  /** Where the displaced copy of the instruction of its site is. */
  readonly siteCopy: Address;
  /** The pad of the next site that shares its jump; undefined if there is none. */
  next: Pad | undefined;
  readonly #jumps: JumpInstaller;
  readonly #memory: PadMemory;
  #code: Uint8Array | undefined;

  /**
   * Makes a pad.
   *
   * @param jumps What makes its contents.
   * @param instruction The instruction of its site.
   * @param window What its jump takes the place of.
   * @param entry Where its jump leads.
   * @param memory What it shares with the tracer.
   * @param action What it does at a hit.
   * @param code Its contents.
   */
  constructor(
    jumps: JumpInstaller,
    instruction: Instruction,
    window: JumpWindow,
    entry: Address,
    memory: PadMemory,
    action: PadAction,
    code: PadCode,
  ) {
    this.#jumps = jumps;
    this.instruction = instruction;
    this.#memory = memory;
    this.#code = code.code;
    this.address = toAddress(entry - code.entry);
    this.sizeBytes = code.code.length;
    this.entry = entry;
    this.window = window;
    this.action = action;
    this.copies = code.copies;
    this.siteCopy = toAddress(this.address + code.copies[window.boundaries.indexOf(window.siteOffset) + 1]!);
  }

  /** The bytes of the instruction of its site, and some behind it. */
  get siteCode(): Uint8Array {
    return this.window.code.subarray(this.window.siteOffset);
  }

  /** How many bytes the jump changes or has in front of its site. */
  get jumpBytes(): number {
    const { siteOffset } = this.window;
    const { jumpBytes } = this.#jumps;
    return siteOffset < jumpBytes ? jumpBytes : siteOffset + 1;
  }

  /** The bytes of the jump. */
  get jump(): Uint8Array {
    return this.#jumps.makeJump(this.window, this.entry);
  }

  /** Its contents. */
  get displacement(): PadCode {
    return this.#jumps.makePad(this.window, this.entry, this.#memory, this.action)!;
  }

  /**
   * Gives its code away, to be written.
   *
   * @returns The bytes.
   */
  takeCode(): Uint8Array {
    const code = this.#code ?? this.displacement.code;
    this.#code = undefined;
    return code;
  }

  /**
   * Finds where a thread goes on that has faulted reading memory of the program.
   *
   * @param pc Its pc.
   * @returns Where; undefined if nothing is read there.
   */
  behindRead(pc: number): Address | undefined {
    const { readers = [] } = this.displacement;
    const reader = readers.find(({ offset }) => this.address + offset === pc);
    return reader && toAddress(this.address + reader.target);
  }

  /**
   * Tells whether a thread is at the beginning, where it can still be set back to the site.
   *
   * @param pc Its pc.
   * @returns Whether it is.
   */
  begins(pc: number): boolean {
    const { begin, resume } = this.displacement;
    const offset = pc - this.address;
    const held = resume.find(({ offset: at, isHeld }) => at > begin && isHeld)?.offset ?? begin;
    return offset >= begin && offset < held;
  }
}

/** The pads of one memory image. */
export class Pads {
  /** What they share with the tracer; undefined until it is made. */
  area: PadArea | undefined;
  /** How often a thread has read in one of them what is not there, and was sent on. */
  readFaultsTotal = 0;
  /** Why there can be none, as the end of a sentence; undefined if there can, or if that was not tried. */
  refused: string | undefined;
  /** Why none of them can write records, as the end of a sentence; undefined if they can, or if that was not tried. */
  recordsRefused: string | undefined;
  /** Whether ranges may be anywhere, for single jumps; else only at the distance that most need. */
  mayScatter = true;
  readonly #jumps: JumpInstaller | undefined;
  /** All ranges by the multiple of their size that they are in. */
  readonly #ranges = new Map<number, PadRange<Pad>[]>();
  /** Those that were made for jumps that have a choice. */
  readonly #common: PadRange<Pad>[] = [];
  readonly #copies = new Map<number, Address>();
  /** Where traps inside of jumps have been, which a thread may have met and not told yet. */
  readonly #late = new Set<number>();

  /**
   * Makes the pads of an image; there is none at first.
   *
   * @param isa The instruction set of its code.
   */
  constructor(isa: Isa) {
    this.#jumps = isa.jumps;
  }

  /** Whether there is none, and never was. */
  get isEmpty(): boolean {
    return this.#ranges.size === 0;
  }

  /** The ranges, to be unmapped at the end. */
  get ranges(): readonly Gap[] {
    return [...this.#ranges.values()].flat();
  }

  /** The places inside of jumps in the text at which threads make traps. */
  *innerSites(): Generator<KeptSite> {
    for (const [address, target] of this.#copies) yield innerSite(toAddress(address), target);
  }

  /**
   * Finds where a range can be mapped that the jump of a window reaches.
   *
   * @param mappings The mappings of the process, ascending.
   * @param window The window.
   * @returns The range; undefined if there is no gap that the jump reaches.
   */
  findGap(mappings: readonly Mapping[], window: JumpWindow): Gap | undefined {
    const keeps = this.#keeps(window);
    if (keeps && !this.mayScatter) return undefined;
    const { address } = window;
    const anywhere = () => this.#findGapIn(mappings, window, address - REACH_BYTES, address + REACH_BYTES);
    if (keeps) return anywhere();
    // At the distance that most windows need, where the pads of others can be as well; else anywhere.
    const middle = address + (this.#jumps?.padDistance ?? 0);
    return this.#findGapIn(mappings, window, middle - GUARD_BYTES, middle + RANGE_BYTES) ?? anywhere();
  }

  /**
   * Adds a range that has been mapped.
   *
   * @param gap The range.
   * @param window The window that it is for.
   */
  add({ base, sizeBytes }: Gap, window: JumpWindow): void {
    const range = new PadRange<Pad>(base, sizeBytes);
    const index = Math.floor(base / RANGE_BYTES);
    this.#ranges.set(index, [...this.#ranges.get(index) ?? [], range]);
    if (!this.#keeps(window)) this.#common.push(range);
  }

  /**
   * Makes a pad. Its bytes still have to be written.
   *
   * @param instruction The instruction of its site.
   * @param window What its jump takes the place of.
   * @param memory What it shares with the tracer.
   * @param action What it does at a hit.
   * @returns The pad; undefined if no range has room that the jump reaches; a string if there can be no pad says why.
   */
  allocate(
    instruction: Instruction,
    window: JumpWindow,
    memory: PadMemory,
    action: PadAction,
  ): Pad | string | undefined {
    let reason: string | undefined;
    for (const range of this.#rangesFor(window)) {
      const pad = this.#allocateIn(range, instruction, window, memory, action);
      if (typeof pad !== "string" && pad !== undefined) return pad;
      reason ??= pad;
    }
    return reason;
  }

  /**
   * Frees a pad. All threads of the image must be outside of it.
   *
   * @param pad The pad.
   * @returns Whether it was one of these.
   */
  free(pad: Slot): boolean {
    if (!(pad instanceof Pad)) return false;
    const range = this.#rangeAt(pad.address);
    if (range?.release(pad.address, pad.sizeBytes, pad)) this.area?.free(pad.action);
    return true;
  }

  /**
   * Tells whether nothing is between two pads.
   *
   * @param pad The first.
   * @param next The one behind it.
   * @returns Whether they are in one range, in which all granules between them are free.
   */
  areBeside(pad: Pad, next: Pad): boolean {
    const range = this.#rangeAt(pad.address);
    return range !== undefined && range === this.#rangeAt(next.address) &&
      range.isFree(pad.address + pad.sizeBytes, next.address);
  }

  /**
   * Finds the pad that an address lies in.
   *
   * @param pc The address; any number.
   * @returns The pad; undefined if it is in none.
   */
  at(pc: number): Pad | undefined {
    const pad = this.#rangeAt(pc)?.at(pc);
    return pad !== undefined && pc >= pad.address ? pad : undefined;
  }

  /**
   * Finds where a thread has to go on that has met a trap, or what is no instruction, inside of a jump.
   *
   * @param pc The address of the trap; any number.
   * @returns The displaced copy of the instruction that was there; undefined if there is no such trap.
   */
  copyAt(pc: number): Address | undefined {
    return this.#copies.get(pc);
  }

  /**
   * Tells whether a thread can have met a trap that was inside of a jump.
   *
   * @param pc The address; any number.
   * @returns Whether there was one.
   */
  mayBeLate(pc: number): boolean {
    return this.#late.has(pc);
  }

  /**
   * Notes that the jump of a pad is in the text.
   *
   * @param pad The pad.
   */
  arm(pad: Pad): void {
    if (pad.window.isInner) return;
    for (const [place, copy] of innerCopies(pad, pad.jumpBytes)) this.#copies.set(place, copy);
  }

  /**
   * Notes that the jump of a pad is no longer in the text.
   *
   * @param pad The pad.
   */
  disarm(pad: Pad): void {
    const { address: site, boundaries } = pad.window;
    for (const offset of boundaries) {
      if (this.#copies.delete(site + offset)) this.#late.add(site + offset);
    }
  }

  /** Forgets all ranges, which have been unmapped. What the pads have counted can still be read. */
  clear(): void {
    this.#ranges.clear();
    this.#common.length = 0;
    this.#copies.clear();
  }

  /** Forgets everything, in a program that is gone. */
  forget(): void {
    this.clear();
    this.#late.clear();
    this.area?.[Symbol.dispose]();
    this.area = undefined;
  }

  /** Whether a jump keeps bytes, so that there is hardly a choice where it leads. */
  #keeps({ keptFrom }: JumpWindow): boolean {
    return keptFrom < this.#jumps!.jumpBytes;
  }

  /** The ranges that have been made for jumps such as that of a window. */
  #rangesFor(window: JumpWindow): readonly PadRange<Pad>[] {
    if (!this.#keeps(window)) return this.#common;
    // The last byte of the displacement is given: what it reaches lies in two multiples of the size of a range at most.
    const least = this.#jumps!.padAddress(window, window.address - REACH_BYTES, window.address + REACH_BYTES);
    if (least === undefined) return [];
    const index = Math.floor(least / RANGE_BYTES);
    return [...this.#ranges.get(index) ?? [], ...this.#ranges.get(index + 1) ?? []];
  }

  #allocateIn(
    range: PadRange<Pad>,
    instruction: Instruction,
    window: JumpWindow,
    memory: PadMemory,
    action: PadAction,
  ): Pad | string | undefined {
    const jumps = this.#jumps!;
    const kind = kindOf(window);
    let from: number = (kind === undefined ? undefined : range.next.get(kind)) ?? range.base;
    let guessed = GUESSED_BYTES;
    let before = 0;
    for (;;) {
      const entry = jumps.padAddress(window, from, range.end);
      if (entry === undefined) {
        if (kind !== undefined) range.next.set(kind, from);
        return undefined;
      }
      from = entry + 1;
      const address = entry - before;
      if (address < range.base) continue;
      const obstacle = range.obstacle(address, guessed);
      if (obstacle !== undefined) {
        from = Math.max(from, obstacle + before);
        continue;
      }
      const code = jumps.makePad(window, entry, memory, action, false);
      if (code === undefined) return "its copy would have another effect";
      before = code.entry;
      guessed = code.code.length;
      const pad = new Pad(jumps, instruction, window, entry, memory, action, code);
      if (pad.address < range.base || pad.address + guessed > range.end) continue;
      const other = range.obstacle(pad.address, guessed);
      if (other !== undefined) {
        from = Math.max(from, other + before);
        continue;
      }
      pad.next = window.inside && this.at(window.inside.entry);
      range.take(pad.address, guessed, pad);
      if (kind !== undefined) range.next.set(kind, pad.address + guessed + before);
      return pad;
    }
  }

  #findGapIn(mappings: readonly Mapping[], window: JumpWindow, from: number, to: number): Gap | undefined {
    let low = LOWEST_ADDRESS + GUARD_BYTES;
    for (const mapping of mappings) {
      if (mapping.start > from) {
        const high = mapping.start - this.#guardBelow(mapping);
        const gap = this.#cutGap(window, Math.max(roundUp(low), from), Math.min(high, to));
        if (gap !== undefined) return gap;
      }
      if (mapping.start > to) return undefined;
      low = mapping.end + this.#guardAbove(mapping);
    }
    return undefined;
  }

  /** The part of a gap that a range can be in. */
  #cutGap(window: JumpWindow, low: number, high: number): Gap | undefined {
    if (high - low < LEAST_RANGE_BYTES) return undefined;
    const first = this.#jumps!.padAddress(window, low + PAGE_BYTES, high - PAGE_BYTES);
    if (first === undefined) return undefined;
    const start = first - (first % RANGE_BYTES);
    const base = roundUp(Math.max(start, low));
    const end = Math.min(start + RANGE_BYTES, high);
    const sizeBytes = end - (end % PAGE_BYTES) - base;
    return sizeBytes >= LEAST_RANGE_BYTES ? { base: toAddress(base), sizeBytes } : undefined;
  }

  #guardBelow(mapping: Mapping): number {
    if (this.#rangeAt(mapping.start) !== undefined) return 0;
    return mapping.path === "[stack]" ? STACK_BYTES : GUARD_BYTES;
  }

  #guardAbove(mapping: Mapping): number {
    if (this.#rangeAt(mapping.start) !== undefined) return 0;
    return mapping.path === "[heap]" ? HEAP_BYTES : GUARD_BYTES;
  }

  #rangeAt(pc: number): PadRange<Pad> | undefined {
    const ranges = this.#ranges.get(Math.floor(pc / RANGE_BYTES));
    if (ranges === undefined) return undefined;
    for (const range of ranges) if (pc >= range.base && pc < range.end) return range;
    return undefined;
  }
}

/**
 * A number for what the jump of a window demands of the address of its pad, and where about the window is; undefined if it
 * demands so much that there is hardly a choice.
 */
function kindOf({ address, boundaries, code, isInner, keptFrom }: JumpWindow): number | undefined {
  if (keptFrom < 3) return undefined;
  let kind = keptFrom;
  for (const offset of isInner ? [] : boundaries) kind |= 1 << (offset + 2);
  const kept = (keptFrom < 4 ? code[3]! * 256 : 0) + (keptFrom < 5 ? code[4]! : 0);
  return (Math.floor(address / NEAR_BYTES) * 2 ** 7 + kind) * 2 ** 16 + kept;
}

function roundUp(address: number): number {
  return Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
}
