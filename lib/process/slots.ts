/**
 * Slots: displaced instructions near the modules they come from.
 *
 * *Problem.* An instruction that is neither emulated nor safe to step has to be executed somewhere else, by many
 * threads at once, with operands relative to the pc that reach only 2 GiB.
 *
 * *Method.* An *arena* is a range of executable memory that the target maps for us (a remote system call), near a
 * module. It is cut into slots of one size. A slot is written once, before the trap that leads to it, and holds the
 * displaced instruction and a jump back; threads pass through without stopping. The same slot serves all threads.
 *
 * | bytes of a slot | contents |
 * | --- | --- |
 * | 0 .. n-1 | the instruction, or its replacement |
 * | n .. | a jump to the instruction behind the original |
 * | rest | trap bytes: falling off the end is a mistake that must show |
 *
 * *Invariants.*
 * - A slot's bytes change only while no thread can be inside: it is freed with all threads of the image stopped and
 *   their program counters looked at.
 * - For every pc inside an arena {@linkcode SlotArenas.at} knows the pc that the program itself would have.
 *
 * @module
 */

import { type Address, highHalf, toAddress } from "../address.ts";
import { assert } from "../errors.ts";
import type { Displacement, Instruction, Isa, RegisterHalves, ResumePoint } from "../isa/isa.ts";
import type { Pads } from "./pads.ts";
import type { Mapping } from "./proc_files.ts";

/** The size of the first arena near a module in bytes; each further one is twice as large as the last. */
const FIRST_ARENA_BYTES = 1 << 16;
/** The largest arena in bytes: 262,144 slots of 64 bytes. */
const LAST_ARENA_BYTES = 1 << 24;
/** What is left free between an arena and a mapping that may grow, in bytes. */
const GUARD_BYTES = 1 << 20;
/** No program is mapped below this address (`vm.mmap_min_addr`). */
const LOWEST_ADDRESS = 1 << 16;

/** A slot that holds a displaced instruction. */
export interface Slot {
  /** Its address. */
  readonly address: Address;
  /** The instruction that it displaces. */
  readonly instruction: Instruction;
  /** Its contents. */
  readonly displacement: Displacement;
}

/** A range of memory that is cut into slots. */
interface Arena {
  readonly base: number;
  readonly sizeBytes: number;
  readonly slots: (Slot | undefined)[];
  readonly free: number[];
}

/** The arenas of one memory image. */
export class SlotArenas {
  readonly #isa: Isa;
  readonly #pads: Pads;
  readonly #arenas: Arena[] = [];

  /**
   * Makes the arenas of an image; there is none at first.
   *
   * @param isa The instruction set of its code.
   * @param pads The pads of the image, in which a thread can be as in slots.
   */
  constructor(isa: Isa, pads: Pads) {
    this.#isa = isa;
    this.#pads = pads;
  }

  /** Whether no thread can be in a slot or a pad. */
  get isEmpty(): boolean {
    return this.#arenas.length === 0 && this.#pads.isEmpty;
  }

  /** The ranges of all arenas, to be unmapped at the end. */
  get ranges(): { readonly base: Address; readonly sizeBytes: number }[] {
    return this.#arenas.map(({ base, sizeBytes }) => ({ base: toAddress(base), sizeBytes }));
  }

  /**
   * Tells whether a free slot is near enough to an instruction.
   *
   * @param address The instruction's address.
   * @returns Whether {@linkcode SlotArenas.allocate} would succeed.
   */
  hasRoom(address: Address): boolean {
    return this.#arenaFor(address) !== undefined;
  }

  /**
   * The size that the next arena should have.
   *
   * @param slotsWanted How many slots are needed at once.
   * @returns Bytes, a power of two.
   */
  nextArenaBytes(slotsWanted: number): number {
    let size = FIRST_ARENA_BYTES * 2 ** Math.min(this.#arenas.length, 8);
    while (size < slotsWanted * this.#isa.slotBytes && size < LAST_ARENA_BYTES) size *= 2;
    return Math.min(size, LAST_ARENA_BYTES);
  }

  /**
   * Finds where an arena can be mapped so that it is near an instruction.
   *
   * @param mappings The mappings of the process.
   * @param address The instruction's address.
   * @param sizeBytes The arena's size.
   * @returns The address that is nearest; undefined if there is no gap in reach.
   */
  findGap(mappings: readonly Mapping[], address: Address, sizeBytes: number): Address | undefined {
    const reach = this.#isa.slotReachBytes - sizeBytes;
    let best: number | undefined;
    const consider = (base: number) => {
      if (Math.abs(base - address) > reach) return;
      if (best === undefined || Math.abs(base - address) < Math.abs(best - address)) best = base;
    };
    let previousEnd = LOWEST_ADDRESS;
    for (const { start, end, path } of mappings) {
      // At the upper end of a gap an arena is in the way of nothing but a stack, which grows down.
      const roof = path.startsWith("[stack") ? start - LAST_ARENA_BYTES : start;
      const top = roof - sizeBytes;
      if (top - GUARD_BYTES >= previousEnd) consider(top - top % 4096);
      previousEnd = end;
    }
    return best === undefined ? undefined : toAddress(best);
  }

  /**
   * Adds an arena that has been mapped.
   *
   * @param base Its first address.
   * @param sizeBytes Its size.
   */
  add(base: Address, sizeBytes: number): void {
    const count = Math.floor(sizeBytes / this.#isa.slotBytes);
    const free = Array.from({ length: count }, (_, i) => count - 1 - i);
    this.#arenas.push({ base, sizeBytes, slots: new Array(count), free });
  }

  /**
   * Makes a slot for an instruction. Its bytes still have to be written.
   *
   * @param instruction The instruction.
   * @param code Its original bytes.
   * @returns The slot; undefined if the instruction cannot be displaced, or no arena in reach has room.
   */
  allocate(instruction: Instruction, code: Uint8Array): Slot | undefined {
    const arena = this.#arenaFor(instruction.address);
    const index = arena?.free.at(-1);
    if (arena === undefined || index === undefined) return undefined;
    const address = toAddress(arena.base + index * this.#isa.slotBytes);
    const displacement = this.#isa.displace(instruction, code, address);
    if (displacement === undefined) return undefined;
    assert(displacement.code.length <= this.#isa.slotBytes, "a displaced instruction fits in its slot");
    arena.free.pop();
    const slot = { address, instruction, displacement };
    arena.slots[index] = slot;
    return slot;
  }

  /**
   * Frees a slot, or a pad. All threads of the image must be stopped outside of it.
   *
   * @param slot The slot.
   */
  free(slot: Slot): void {
    if (this.#pads.free(slot)) return;
    const arena = this.#arenaAt(slot.address);
    assert(arena !== undefined, "a slot that is freed lies in an arena");
    const index = (slot.address - arena.base) / this.#isa.slotBytes;
    if (arena.slots[index] !== slot) return;
    arena.slots[index] = undefined;
    arena.free.push(index);
  }

  /**
   * Finds the slot, or the pad, that an address lies in.
   *
   * @param pc The address; any number.
   * @returns The slot; undefined if it is in none.
   */
  at(pc: number): Slot | undefined {
    const arena = this.#arenaAt(pc);
    if (arena === undefined) return this.#pads.at(pc);
    return arena.slots[Math.floor((pc - arena.base) / this.#isa.slotBytes)];
  }

  /**
   * Finds what an address in a slot means for the program.
   *
   * @param pc The address; any number.
   * @returns The resume point; undefined if it is in no slot.
   */
  resumePoint(pc: number): ResumePoint | undefined {
    const slot = this.at(pc);
    const point = slot?.displacement.resume.findLast(({ offset }) => offset <= pc - slot.address);
    assert(slot === undefined || point !== undefined, "every place in a slot has a resume point");
    return point;
  }

  /**
   * Gives a thread that is in a slot the registers that it has as far as the program can know.
   *
   * @param point What {@linkcode SlotArenas.resumePoint} gave for its pc.
   * @param registers Its registers, changed in place.
   */
  applyResumePoint(point: ResumePoint, registers: RegisterHalves): void {
    const { pc, sp } = this.#isa.registers;
    for (const register of point.pcRegister < 0 ? [pc] : [pc, point.pcRegister]) {
      registers[register] = point.pc >>> 0;
      registers[register + 1] = highHalf(point.pc);
    }
    const lo = registers[sp]! + point.stackBytes;
    registers[sp] = lo;
    if (lo > 0xffffffff) registers[sp + 1]!++;
  }

  /** Forgets all arenas, which have been unmapped. */
  clear(): void {
    this.#arenas.length = 0;
  }

  #arenaAt(pc: number): Arena | undefined {
    for (const arena of this.#arenas) {
      if (pc >= arena.base && pc < arena.base + arena.sizeBytes) return arena;
    }
    return undefined;
  }

  #arenaFor(address: Address): Arena | undefined {
    return this.#arenas.find(({ base, sizeBytes, free }) =>
      free.length > 0 && Math.max(Math.abs(base - address), Math.abs(base + sizeBytes - address)) <=
        this.#isa.slotReachBytes
    );
  }
}
