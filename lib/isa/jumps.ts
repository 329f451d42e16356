/**
 * What the rest of the project knows of jumps that take the place of instructions, and of the pads that they lead to.
 *
 * A jump is wider than the instructions that it replaces, so that a *window* of them goes with it; the *pad* does what a hit is
 * to do, performs displaced copies of the window's instructions, and jumps back. An architecture that can do that has a
 * {@linkcode JumpInstaller}.
 *
 * *Sites that are close together* share a jump. Each has its own pad: that of the first performs the instructions before the
 * second, and goes on into the pad of that one instead of performing it, and so on; the last jumps back. So a pad has one
 * site, whoever leads to it. Pads that share a jump come and go together.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import type { Capture } from "./captures.ts";
import type { Displacement } from "./isa.ts";
import type { ExtendedValue, RecordedValue } from "./recorded_value.ts";

/** The instructions that a jump takes the place of. */
export interface JumpWindow {
  /** The address of the first one. */
  readonly address: Address;
  /** How far behind the first one the site is, in bytes: 0, or one of the boundaries. */
  readonly siteOffset: number;
  /** The bytes of the instructions, and as many behind them as the jump touches. */
  readonly code: Uint8Array;
  /** How far behind the first one, in bytes, the others begin: those that the jump overwrites, and those up to the site. */
  readonly boundaries: readonly number[];
  /** How many bytes of the jump may differ from what is there: those behind them are as they are in the code. */
  readonly keptFrom: number;
  /** Whether it is the end of another window, whose jump has to do: its own pad is entered from the one of that. */
  readonly isInner?: boolean;
  /** The first of the sites inside; undefined if there is none. */
  readonly inside?: InnerSite | undefined;
}

/** A site inside of a window, which has a pad of its own for the rest of the window. */
export interface InnerSite {
  /** How far behind the first instruction of the window it is, in bytes: one of the boundaries. */
  readonly offset: number;
  /** Where its pad is entered. */
  readonly entry: Address;
}

/**
 * Makes the window of a site inside of another one's.
 *
 * @param window The other window, which begins at its own site.
 * @param offset How far behind the other site the one inside is, in bytes: one of the boundaries.
 * @param jumpBytes The size of a jump in bytes.
 * @returns Its instructions from there on.
 */
export function innerWindow({ address, boundaries, code }: JumpWindow, offset: number, jumpBytes: number): JumpWindow {
  return {
    address: toAddress(address + offset),
    siteOffset: 0,
    code: code.subarray(offset),
    boundaries: boundaries.filter((boundary) => boundary > offset).map((boundary) => boundary - offset),
    keptFrom: jumpBytes,
    isInner: true,
  };
}

/**
 * Memory that pads share with the tracer: as many areas as there are CPUs, one behind the other. A pad uses that of its CPU
 * or thread.
 */
export interface PadMemory {
  /** A 4-byte word that is 0 where pads are to do nothing but the displaced instructions. */
  readonly enabled: Address;
  /** The first area. */
  readonly areas: Address;
  /** The number of areas, a power of two; CPUs beyond it share those that there are. */
  readonly areasTotal: number;
  /** The size of an area in bytes, a power of two. */
  readonly areaBytes: number;
  /** Where the ring of records is in each area. */
  readonly ring: RingLayout;
  /** What pads need to copy memory of the program; undefined if none does. */
  readonly captures?: CaptureMemory | undefined;
}

/** What pads need to know that memory can be read. */
export interface CaptureMemory {
  /**
   * A 4-byte word. Bit 30 is set if the tracer has died, so that nothing is to be read any more; bit 31 if the kernel has to be
   * asked before each page.
   */
  readonly alive: Address;
  /** Where in each area the numbers of pages are that could be read, 8 bytes each, that of page `n` at `n` modulo their number. */
  readonly pagesOffset: number;
  /** How many there are, a power of two. */
  readonly pagesTotal: number;
  /** The features of the CPU, as `/proc/cpuinfo` names them, as far as a question to the kernel depends on them; none by default. */
  readonly cpuFlags?: readonly string[];
}

/**
 * A ring of records in an area. It is cut into cells of {@linkcode CELL_BYTES}; a record takes one or more that follow each
 * other. Cells are counted on from 0 by 32 bits, and the one of number `n` is at `n` modulo {@linkcode RingLayout.cellsTotal};
 * a record that begins in the last cells goes on behind them.
 */
export interface RingLayout {
  /** Where in the area the number of the next free cell is, a 4-byte word. Pads add to it. */
  readonly headOffset: number;
  /** Where in the area the number of the first cell is that has not been read, a 4-byte word. The tracer adds to it. */
  readonly tailOffset: number;
  /** Where in the area the cells begin. */
  readonly cellsOffset: number;
  /** The number of cells, a power of two. */
  readonly cellsTotal: number;
}

/** The size of a cell of a ring in bytes. */
export const CELL_BYTES = 64;
/** How many values a record has at most: those of three cells. */
export const RECORD_VALUES_LIMIT = 22;
/** The most cells that a record may take. */
export const RECORD_CELLS_LIMIT = 64;

/** What a pad does at a hit. */
export type PadAction = CountAction | RecordAction | TallyAction;

/** What all that pads do have in common. */
interface CountingAction {
  /** Where in the area of each CPU a counter is, in bytes; it has 8. */
  readonly counterOffset: number;
  /**
   * A function that the instruction has to leave for a hit, if it need not: a branch whose target is outside, which has to be
   * taken, or an indirect jump, whose target has to be outside; {@linkcode JumpInstaller.canTellLeaving} says whether a pad can
   * find out. Undefined if it always is one.
   */
  readonly leaving?: { readonly address: Address; readonly sizeBytes: number } | undefined;
}

/** Adds 1 to the counter. */
export interface CountAction extends CountingAction {
  /** What it does. */
  readonly kind: "count";
}

/**
 * Writes a record into the ring of an area; if there is no space, it adds 1 to the counter.
 *
 * A record has 32-bit words: 0 the header, which is written last: the number of cells times 2^24, and the number of the site; 1
 * the thread, by a number that only it has while it lives; 2 and 3 the time in ticks of the CPU; then 64-bit values, of which the
 * first cell has six, and others as many as they can hold.
 */
export interface RecordAction extends CountingAction {
  /** What it does. */
  readonly kind: "record";
  /** The number of the site: from 1, below 2^24. */
  readonly site: number;
  /**
   * Which values it has: the six arguments of a function that are in registers, the two words of a result and nothing, or
   * those that are told, {@linkcode RECORD_VALUES_LIMIT} at most.
   */
  readonly values: "arguments" | "results" | readonly RecordedValue[];
  /** What it copies behind the values (see `captures.ts`); the arguments of captures are the values of the record. */
  readonly captures?: readonly Capture[] | undefined;
}

/**
 * Keeps what values come to, and then adds 1 to the counter: whoever has read the counter finds the values of all hits that it
 * has counted.
 */
export interface TallyAction extends CountingAction {
  /** What it does. */
  readonly kind: "tally";
  /** What is kept of which value. */
  readonly tallied: readonly TalliedValue[];
}

/** What is kept of a value: where in the area of each CPU it is, in bytes. */
export interface TalliedValue {
  /** The value, which is taken for a signed integer of 64 bits. */
  readonly value: ExtendedValue;
  /** A counter to which it is added. */
  readonly sumOffset?: number | undefined;
  /** A counter that becomes the value if it is less. */
  readonly minOffset?: number | undefined;
  /** A counter that becomes the value if it is greater. */
  readonly maxOffset?: number | undefined;
  /**
   * The first of {@linkcode HISTOGRAM_COUNTERS}, of which one gets 1 added: that of the number of bits of a value, from 0 to
   * 63; or, if it is negative, the one at 63 and the number of bits of its magnitude, which are 1 to 64.
   */
  readonly bucketsOffset?: number | undefined;
}

/** How many counters a histogram has. */
export const HISTOGRAM_COUNTERS = 128;

/** The contents of a pad. */
export interface PadCode extends Displacement {
  /** Where in the code the jump has to lead. */
  readonly entry: number;
  /** Where in the code the hit begins: behind the copies of what is before the site. */
  readonly begin: number;
  /** Where in the code the displaced copies begin, for each instruction of the window; -1 for one that it has none of. */
  readonly copies: readonly number[];
  /** The instructions that read memory of the program, or its clock, and may fault. */
  readonly readers?: readonly ReadPoint[];
}

/** An instruction that may fault. */
export interface ReadPoint {
  /** Where it is in the code. */
  readonly offset: number;
  /** Where in the code a thread goes on that cannot read. */
  readonly target: number;
}

/** What pads need to write records. */
export interface RecordWriter {
  /** The features of the CPU, beside {@linkcode JumpInstaller.cpuFlags}. */
  readonly cpuFlags: readonly string[];
  /** The bits of `AT_HWCAP2` (getauxval(3)) by which the kernel says that programs may use them. */
  readonly capabilities: number;
  /** What the kernel calls the clock of the CPU that pads read, where it lists those that it trusts. */
  readonly clockSource: string;
  /** What `PTRACE_GETREGSET` is asked for the register by which threads are told; undefined if it is a general one. */
  readonly threadSet?: { readonly note: number; readonly sizeBytes: number };
  /** The index of the low half of that register in its set. */
  readonly threadRegister: number;
  /** Whether the area that a record is in tells the CPU; else threads choose one. */
  readonly tellsCpu: boolean;

  /**
   * Makes the number by which records name a thread.
   *
   * @param lo The low half of its {@linkcode RecordWriter.threadRegister}.
   * @param hi The high half.
   * @returns The number, of 32 bits.
   */
  threadNumber(lo: number, hi: number): number;

  /**
   * Tells where a function has an argument.
   *
   * @param index Which one, from 0.
   * @param atEntry Whether the return address is on the stack, above what the function itself has there.
   * @returns The place.
   */
  argument(index: number, atEntry: boolean): RecordedValue;

  /**
   * Tells whether a pad can fetch a value.
   *
   * @param value The value.
   * @returns Whether it can.
   */
  canRecord(value: RecordedValue): boolean;

  /**
   * Tells whether fetching a value reads memory that need not be readable.
   *
   * @param value The value.
   * @returns Whether it does.
   */
  mayFault(value: RecordedValue): boolean;
}

/** How control flows in a function, as far as its instructions show. */
export interface FunctionFlow {
  /**
   * Tells whether the function looks first whether there is space left on the stack, as Go's do: then there are some 800 bytes of
   * it at each of its instructions.
   */
  checksStack(): boolean;
  /**
   * Tells whether a direct branch or jump of the function leads to an address.
   *
   * @param address The address; any number.
   */
  leadsTo(address: number): boolean;
  /**
   * Finds the instructions before a site from which control always gets there, and which can be performed elsewhere. No
   * branch is seen to lead to one of them, but for the first.
   *
   * @param site The site.
   * @param sizeBytes How far before it they may begin.
   * @returns How far from the site they begin, in bytes: negative numbers, ascending.
   */
  straightBefore(site: Address, sizeBytes: number): readonly number[];
}

/** Puts jumps to pads in the place of instructions. */
export interface JumpInstaller {
  /** The size of a jump in bytes. */
  readonly jumpBytes: number;
  /** How far before its site a jump may begin at most, in bytes. */
  readonly earliestBytes: number;
  /** Where pads preferably are, in bytes behind the site (before it if negative). */
  readonly padDistance: number;
  /** The features of the CPU that pads need, as `/proc/cpuinfo` names them. */
  readonly cpuFlags: readonly string[];
  /** How pads write records; undefined if they cannot on this machine. */
  readonly records?: RecordWriter;

  /**
   * Tells whether a pad can tally a value.
   *
   * @param value Where it is.
   * @returns Whether it can.
   */
  canTally(value: RecordedValue): boolean;

  /**
   * Finds the instructions that a jump would take the place of.
   *
   * @param code Bytes that hold them, as many behind the site as can be read.
   * @param offset Where in `code` the site is.
   * @param address The site.
   * @param functionEnd The address behind the function that the site is in.
   * @param isTarget Tells whether a branch leads to an address.
   * @returns The window; a string if there can be no jump says why, as the end of a sentence.
   */
  findWindow(
    code: Uint8Array,
    offset: number,
    address: Address,
    functionEnd: Address,
    isTarget: (address: number) => boolean,
  ): JumpWindow | string;

  /**
   * Makes a window that begins before its site, at instructions that always go on to it.
   *
   * @param window The window that begins at the site.
   * @param starts How far from the site these instructions begin, in bytes: negative numbers, ascending.
   * @param code Their bytes.
   * @returns The window.
   */
  beginEarlier(window: JumpWindow, starts: readonly number[], code: Uint8Array): JumpWindow;

  /**
   * Has the jump of a window keep more bytes, so that its pad can be elsewhere.
   *
   * @param window The window.
   * @returns The window without its last instruction; undefined if that is the site.
   */
  shrink(window: JumpWindow): JumpWindow | undefined;

  /**
   * Finds an address at which the jump of a window can have its pad: where each byte of the jump at which an instruction
   * began is a trap, or no instruction, or is kept.
   *
   * @param window The window.
   * @param from The least address that is wanted.
   * @param to The address that it must be less than.
   * @returns The least one; undefined if there is none.
   */
  padAddress(window: JumpWindow, from: number, to: number): Address | undefined;

  /**
   * Tells whether a pad can find out whether the first instruction of a window is about to leave a function.
   *
   * @param window The window.
   * @returns Whether it can; of use only for branches and indirect jumps.
   */
  canTellLeaving(window: JumpWindow): boolean;

  /**
   * Finds out how control flows in a function.
   *
   * @param code The bytes of the function.
   * @param address Its address.
   */
  readFlow(code: Uint8Array, address: Address): FunctionFlow;

  /**
   * Makes the contents of a pad.
   *
   * @param window The window.
   * @param pad Where the entry of the pad is to be.
   * @param memory What the pad shares with the tracer.
   * @param action What it does at a hit.
   * @param keepsResume Whether the resume points are wanted, which they are by default; else there are none.
   * @returns The contents, which begin {@linkcode PadCode.entry} bytes before `pad`; undefined if there can be none.
   */
  makePad(
    window: JumpWindow,
    pad: Address,
    memory: PadMemory,
    action: PadAction,
    keepsResume?: boolean,
  ): PadCode | undefined;

  /**
   * Makes the jump.
   *
   * @param window The window.
   * @param pad One of its addresses for pads.
   * @returns The bytes to be written where the window begins.
   */
  makeJump(window: JumpWindow, pad: Address): Uint8Array;
}
