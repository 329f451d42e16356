/**
 * Pads: what jumps lead to, in the memory of a target.
 *
 * *Problem.* A jump decides by its bytes where its pad is: somewhere within 2 GiB, or in one of many small places far below
 * the site (see `isa/x86_64/window.ts`). Pads come and go by the thousand, and each address inside of one has to be found
 * when a thread stops there.
 *
 * *Method.* Large ranges of executable memory, of which only the pages cost anything that are used, at the distance that most
 * jumps need. A range is cut into granules of 16 bytes; a pad takes the first free run of them that its jump can reach,
 * from where the last pad of the same kind was found.
 *
 * A pad is a {@linkcode Slot} to everybody who only needs to know what a thread in it is doing.
 *
 * *Invariants.*
 * - A granule belongs to one pad at most.
 * - A pad's bytes change only while no thread can be inside (`fasttrap/barrier.ts`).
 * - {@linkcode Pads.copyAt} knows the traps inside of exactly those jumps that are in the text.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import { assert } from "../errors.ts";
import type { Isa, JumpInstaller, JumpWindow, PadAction, PadCode, PadMemory } from "../isa/isa.ts";
import type { PadArea } from "./pad_area.ts";
import type { Mapping } from "./proc_files.ts";
import type { Slot } from "./slots.ts";

/** In what ranges are cut, in bytes. A granule holds bytes of one pad at most. */
export const GRANULE_BYTES = 16;
/** The size of a range in bytes: the jumps of a module of 16 MiB that have a trap as their last byte reach into one. */
const RANGE_BYTES = 1 << 25;
/** The least range that is worth being mapped, in bytes. */
const LEAST_RANGE_BYTES = 1 << 16;
/** What is left free beside other mappings, which may grow, in bytes. */
const GUARD_BYTES = 1 << 20;
const PAGE_BYTES = 4096;
/** No program is mapped below this address (`vm.mmap_min_addr`). */
const LOWEST_ADDRESS = 1 << 16;

/** A pad. */
export interface Pad extends Slot {
  /** What its jump takes the place of. */
  readonly window: JumpWindow;
  /** Its contents. */
  readonly displacement: PadCode;
  /** Where its jump leads. */
  readonly entry: Address;
  /** The bytes of the jump. */
  readonly jump: Uint8Array;
  /** What it does at a hit. */
  readonly action: PadAction;
  /**
   * Tells whether a thread is at the beginning, where it can still be set back to the site.
   *
   * @param pc Its pc.
   * @returns Whether it is.
   */
  begins(pc: number): boolean;
}

/** A range of memory that is cut into pads. */
interface PadRange {
  readonly base: number;
  readonly sizeBytes: number;
  /** Which granules are taken. */
  readonly taken: Uint8Array;
  /** The pads by their first granule. */
  readonly pads: Map<number, Pad>;
  /** Where to look next, by the boundaries of the windows. */
  readonly next: Map<string, number>;
}

/** The pads of one memory image. */
export class Pads {
  /** What they share with the tracer; undefined until it is made. */
  area: PadArea | undefined;
  /** Why there can be none, as the end of a sentence; undefined if there can, or if that was not tried. */
  refused: string | undefined;
  /** Why none of them can write records, as the end of a sentence; undefined if they can, or if that was not tried. */
  recordsRefused: string | undefined;
  readonly #jumps: JumpInstaller | undefined;
  readonly #ranges: PadRange[] = [];
  readonly #copies = new Map<number, Address>();
  /** Where traps inside of jumps have been, which a thread may have met and not told yet. */
  readonly #late = new Set<number>();
  /** The most granules that a pad has had. */
  #longest = 0;

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
    return this.#ranges.length === 0;
  }

  /** The ranges, to be unmapped at the end. */
  get ranges(): { readonly base: Address; readonly sizeBytes: number }[] {
    return this.#ranges.map(({ base, sizeBytes }) => ({ base: toAddress(base), sizeBytes }));
  }

  /**
   * Finds where a range can be mapped that the jump of a window reaches.
   *
   * @param mappings The mappings of the process, ascending.
   * @param window The window.
   * @returns The range; undefined if there is no gap that the jump reaches.
   */
  findGap(
    mappings: readonly Mapping[],
    window: JumpWindow,
  ): { readonly base: Address; readonly sizeBytes: number } | undefined {
    // At the distance that most windows need, where the pads of others can be as well; else anywhere.
    const middle = window.address + (this.#jumps?.padDistance ?? 0);
    return this.#findGapIn(mappings, window, middle - GUARD_BYTES, middle + RANGE_BYTES) ??
      this.#findGapIn(mappings, window, LOWEST_ADDRESS, Infinity);
  }

  /**
   * Adds a range that has been mapped.
   *
   * @param base Its first address.
   * @param sizeBytes Its size.
   */
  add(base: Address, sizeBytes: number): void {
    const taken = new Uint8Array(Math.floor(sizeBytes / GRANULE_BYTES));
    this.#ranges.push({ base, sizeBytes, taken, pads: new Map(), next: new Map() });
  }

  /**
   * Makes a pad. Its bytes still have to be written.
   *
   * @param window What its jump takes the place of.
   * @param memory What it shares with the tracer.
   * @param action What it does at a hit.
   * @returns The pad; undefined if no range has room that the jump reaches; a string if there can be no pad says why.
   */
  allocate(window: JumpWindow, memory: PadMemory, action: PadAction): Pad | string | undefined {
    const jumps = this.#jumps;
    assert(jumps !== undefined, "pads are made where jumps can be");
    // What it takes is nearly the same everywhere: where that is not free, nothing has to be made.
    let draft = jumps.makePad(window, window.address, memory, action);
    for (const range of this.#ranges) {
      for (const entry of this.#candidates(range, window)) {
        if (draft !== undefined && !isFree(range, entry - draft.entry, draft.code.length)) continue;
        const displacement = draft = jumps.makePad(window, entry, memory, action);
        if (displacement === undefined) return "its copy would have another effect";
        const address = toAddress(entry - displacement.entry);
        if (!isFree(range, address, displacement.code.length)) continue;
        this.#take(range, address, displacement.code.length);
        const pad: Pad = {
          address,
          entry,
          window,
          action,
          displacement,
          instruction: window.instructions[0]!,
          jump: jumps.makeJump(window, entry),
          begins: (pc) => isBeginning(displacement, pc - address),
        };
        range.pads.set(granuleOf(range, address), pad);
        range.next.set(window.boundaries.join(), entry + 1);
        return pad;
      }
    }
    return undefined;
  }

  /**
   * Frees a pad. All threads of the image must be outside of it.
   *
   * @param pad The pad.
   * @returns Whether it was one of these.
   */
  free(pad: Slot): boolean {
    const range = this.#rangeAt(pad.address);
    if (range === undefined) return false;
    const first = granuleOf(range, pad.address);
    if (range.pads.get(first) !== pad) return true;
    range.pads.delete(first);
    range.taken.fill(0, first, granuleOf(range, pad.address + pad.displacement.code.length - 1) + 1);
    range.next.clear();
    this.area?.free((pad as Pad).action);
    return true;
  }

  /**
   * Finds the pad that an address lies in.
   *
   * @param pc The address; any number.
   * @returns The pad; undefined if it is in none.
   */
  at(pc: number): Pad | undefined {
    const range = this.#rangeAt(pc);
    if (range === undefined) return undefined;
    const granule = granuleOf(range, pc);
    for (let first = granule; first >= 0 && granule - first < this.#longest && range.taken[first] === 1; first--) {
      const pad = range.pads.get(first);
      if (pad !== undefined) return pc >= pad.address ? pad : undefined;
    }
    return undefined;
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
    for (const [offset, copy] of innerCopies(pad)) {
      this.#copies.set(pad.window.address + offset, toAddress(pad.address + copy));
    }
  }

  /**
   * Notes that the jump of a pad is no longer in the text.
   *
   * @param pad The pad.
   */
  disarm(pad: Pad): void {
    for (const [offset] of innerCopies(pad)) {
      this.#copies.delete(pad.window.address + offset);
      this.#late.add(pad.window.address + offset);
    }
  }

  /** Forgets all ranges, which have been unmapped. What the pads have counted can still be read. */
  clear(): void {
    this.#ranges.length = 0;
    this.#copies.clear();
  }

  #findGapIn(
    mappings: readonly Mapping[],
    window: JumpWindow,
    from: number,
    to: number,
  ): { readonly base: Address; readonly sizeBytes: number } | undefined {
    let previousEnd = LOWEST_ADDRESS;
    for (const { start, end } of mappings) {
      const low = roundUp(Math.max(previousEnd + GUARD_BYTES, from));
      const high = Math.min(start - GUARD_BYTES, to);
      previousEnd = end;
      const first = high - low < LEAST_RANGE_BYTES ? undefined : this.#firstAddress(window, low, high);
      if (first === undefined) continue;
      const base = Math.max(first - (first % PAGE_BYTES) - PAGE_BYTES, low);
      const sizeBytes = Math.min(RANGE_BYTES, high - (high % PAGE_BYTES) - base);
      if (sizeBytes >= LEAST_RANGE_BYTES) return { base: toAddress(base), sizeBytes };
    }
    return undefined;
  }

  #firstAddress(window: JumpWindow, from: number, to: number): Address | undefined {
    for (const address of this.#jumps?.padAddresses(window, from, to) ?? []) return address;
    return undefined;
  }

  /** The addresses in a range at which the pad of a window can be, from where the last one was found. */
  *#candidates(range: PadRange, window: JumpWindow): Generator<Address> {
    const next = range.next.get(window.boundaries.join()) ?? range.base;
    const end = range.base + range.sizeBytes;
    yield* this.#jumps!.padAddresses(window, Math.max(next, range.base), end);
  }

  /** Takes the granules of a pad. */
  #take(range: PadRange, address: number, sizeBytes: number): void {
    const first = granuleOf(range, address);
    const last = granuleOf(range, address + sizeBytes - 1);
    range.taken.fill(1, first, last + 1);
    this.#longest = Math.max(this.#longest, last - first + 1);
  }

  #rangeAt(pc: number): PadRange | undefined {
    for (const range of this.#ranges) if (pc >= range.base && pc < range.base + range.sizeBytes) return range;
    return undefined;
  }
}

/** The places inside of a jump at which instructions began, each with its copy, as offsets in window and pad. */
function innerCopies({ window, displacement }: Pad): [offset: number, copy: number][] {
  return window.boundaries
    .map((offset, index): [number, number] => [offset, displacement.copies[index + 1]!])
    .filter(([, copy]) => copy >= 0);
}

/** Whether all granules of a part of a range are free. */
function isFree(range: PadRange, address: number, sizeBytes: number): boolean {
  if (address < range.base || address + sizeBytes > range.base + range.sizeBytes) return false;
  const last = granuleOf(range, address + sizeBytes - 1);
  for (let granule = granuleOf(range, address); granule <= last; granule++) {
    if (range.taken[granule] === 1) return false;
  }
  return true;
}

/** Whether an offset in a pad is behind its entry and before anything that a thread could not be set back from. */
function isBeginning({ entry, resume }: PadCode, offset: number): boolean {
  const held = resume.find(({ offset: at, isHeld }) => at > entry && isHeld)?.offset ?? entry;
  return offset >= entry && offset < held;
}

function granuleOf(range: PadRange, address: number): number {
  return Math.floor((address - range.base) / GRANULE_BYTES);
}

function roundUp(address: number): number {
  return Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
}
