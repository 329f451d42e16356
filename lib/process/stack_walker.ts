/**
 * Walks the stacks of stopped threads: from a function to its caller, and to that one's.
 *
 * *Problem.* Most programs keep no frame pointers, so that `%rbp` leads nowhere; and what a walk finds must be right, or it is
 * worse than nothing.
 *
 * *Method.* Each frame is found by the call frame information of its instruction (`object/frame_rules.ts`), which is loaded
 * with the program and is read from its memory. An address to return to is looked up by the byte before it: the
 * call may be the last instruction of its function. Where a signal was delivered it is not: that was between two.
 * Code without such information, as that of a just-in-time compiler, is taken to keep frame pointers.
 *
 * *Ends.* A walk ends where the information says so (`_start`, the first function of a thread), where an address is in no
 * code, where the stack does not grow any more, where memory cannot be read, and at the limit.
 *
 * *Cost.* What is known of an instruction is kept; the stack is read some kilobytes at once. So a frame that was seen before
 * costs no system call. The code that is mapped is looked up once a second, and when an address is in none: so where a module
 * takes the place of another one within a second, and no address was in neither, a frame may be taken by the old one's rules.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import { isAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import type { FrameRegisters, RegisterHalves } from "../isa/isa.ts";
import { evaluate, type FrameMachine } from "../object/frame_expression.ts";
import {
  FOLLOWED_REGISTERS,
  type FrameRow,
  frameRowAt,
  indexFrames,
  type RegisterRule,
} from "../object/frame_rules.ts";
import { type FrameSearch, type LoadedBytes, searchFrames } from "../object/frame_search.ts";
import type { TargetMemory } from "./memory.ts";
import { type CallFramesPlace, listModules, type Module } from "./modules.ts";
import type { Image, TracedProcess } from "./process.ts";
import { readMappings } from "./proc_files.ts";

const HALF = 2 ** 32;
const WORD_BYTES = 8;
/** How much of a stack is read at once. */
const WINDOW_BYTES = 1 << 13;
/** How long what is mapped is believed, and how soon it is looked up again for an address that is nowhere; nanoseconds. */
const BELIEVED_NS = 1e9;
const AGAIN_NS = 1e7;
/** How many instructions' frames are kept of a program. */
const ROWS_MAX = 1 << 16;
/** Addresses may carry a signature or a tag above these bits. */
const POINTER_LIMIT = 2 ** 48;

/** A range of code. */
interface CodeRange {
  readonly start: number;
  readonly end: number;
  /** Finds the call frame information of its module; undefined if that has none. */
  readonly search: FrameSearch | undefined;
}

/** What is known of a program's code. */
interface Code {
  ranges: readonly CodeRange[];
  readNs: number;
  /** By where the information is, as text. */
  readonly searches: Map<string, FrameSearch>;
  /** By the instruction; `null` if nothing is known. */
  readonly rows: Map<number, FrameRow | null>;
}

/** Where a thread is. */
export interface WalkStart {
  readonly process: TracedProcess;
  /** The registers, as they are at the instruction. */
  readonly registers: RegisterHalves;
  /** The instruction. */
  readonly pc: number;
  /** Whether the thread is at the first instruction of a function. */
  readonly entered: boolean;
}

/** See the module's comment. One walker serves all threads. */
export class StackWalker implements FrameMachine, LoadedBytes {
  readonly #kernel: Kernel;
  readonly #code = new WeakMap<Image, Code>();
  readonly #window = new DataView(new ArrayBuffer(WINDOW_BYTES));
  #windowStart = 0;
  #windowEnd = 0;
  /** Where what a frame has kept begins. */
  #windowBase = 0;
  #memory!: TargetMemory;
  /** See {@linkcode FrameMachine.registers}: those of the frame in hand, and of its caller. */
  registers: Float64Array<ArrayBuffer> = new Float64Array(FOLLOWED_REGISTERS);
  #callers = new Float64Array(FOLLOWED_REGISTERS);

  /**
   * Makes a walker.
   *
   * @param kernel The kernel's requests.
   */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * Walks a stack.
   *
   * @param start Where the thread is.
   * @param into Receives the addresses: the instruction, and where each caller will go on; as many as there is room for.
   * @returns How many there are.
   */
  walk({ process, registers, pc, entered }: WalkStart, into: Float64Array): number {
    if (into.length === 0) return 0;
    const { isa, memory } = process.image;
    const { frames } = isa.registers;
    const { sp } = frames;
    this.#memory = memory;
    this.#windowEnd = 0;
    this.registers.fill(NaN);
    frames.indices.forEach((index, number) =>
      this.registers[number] = registers[index + 1]! * HALF + registers[index]!
    );
    const code = this.#codeOf(process);
    into[0] = pc;
    let count = 1;
    let at = pc;
    let exact = true;
    while (count < into.length) {
      const before = this.registers[sp]!;
      this.registers[frames.pc] = at;
      this.#windowBase = before;
      const row = this.#rowAt(process, code, exact ? at : at - 1);
      const next = row !== undefined
        ? this.#leave(row, sp)
        : count === 1 && entered
        ? this.#leaveEntered(frames)
        : this.#leavePointer(frames);
      const isSignal = row?.isSignal ?? false;
      // A handler may have a stack of its own.
      if (!(this.registers[sp]! > before || isSignal || (count === 1 && this.registers[sp] === before))) break;
      if (this.#rangeOf(process, code, next) === undefined) break;
      into[count++] = next;
      at = next;
      exact = isSignal;
    }
    return count;
  }

  /** See {@linkcode FrameMachine.word}. */
  word(address: number): number {
    if (!(address >= this.#windowStart && address + WORD_BYTES <= this.#windowEnd)) {
      if (!isAddress(address)) return NaN;
      const bytes = new Uint8Array(this.#window.buffer);
      const distance = address - this.#windowBase;
      this.#windowStart = distance > 0 && distance < WINDOW_BYTES / 2 ? this.#windowBase : address;
      this.#windowEnd = this.#windowStart + this.#memory.read(this.#windowStart, bytes);
      if (address + WORD_BYTES > this.#windowEnd) return NaN;
    }
    const offset = address - this.#windowStart;
    return this.#window.getUint32(offset + 4, true) * HALF + this.#window.getUint32(offset, true);
  }

  /** Goes to the caller by call frame information. Returns where it goes on; NaN if there is none. */
  #leave({ cfa: rule, rules, returnRegister }: FrameRow, sp: number): number {
    const cfa = "register" in rule ? this.registers[rule.register]! + rule.offset : evaluate(rule.expression, this);
    const callers = this.#callers;
    callers.set(this.registers);
    callers[sp] = cfa;
    for (const [register, each] of rules) {
      if (register < callers.length) callers[register] = this.#valueOf(each, cfa);
    }
    this.#callers = this.registers;
    this.registers = callers;
    return callers[returnRegister]! % POINTER_LIMIT;
  }

  #valueOf(rule: RegisterRule, cfa: number): number {
    switch (rule.kind) {
      case "undefined":
        return NaN;
      case "offset":
        return this.word(cfa + rule.value);
      case "value-offset":
        return cfa + rule.value;
      case "register":
        return this.registers[rule.value] ?? NaN;
      case "expression":
        return this.word(evaluate(rule.expression, this, cfa));
      case "value-expression":
        return evaluate(rule.expression, this, cfa);
    }
  }

  /** Goes to the caller of a function that has done nothing yet. */
  #leaveEntered({ sp, link }: FrameRegisters): number {
    if (link !== undefined) return this.registers[link]! % POINTER_LIMIT;
    const at = this.registers[sp]!;
    this.registers[sp] = at + WORD_BYTES;
    return this.word(at);
  }

  /** Goes to the caller by the frame pointer: it leads to the caller's, and behind that is where that goes on. */
  #leavePointer({ fp, sp }: FrameRegisters): number {
    const at = this.registers[fp]!;
    if (at % WORD_BYTES !== 0) return NaN;
    this.registers[fp] = this.word(at);
    this.registers[sp] = at + 2 * WORD_BYTES;
    return this.word(at + WORD_BYTES) % POINTER_LIMIT;
  }

  /** What is known of the frame of an instruction. */
  #rowAt(process: TracedProcess, code: Code, pc: number): FrameRow | undefined {
    let row = code.rows.get(pc);
    if (row === undefined) {
      const search = this.#rangeOf(process, code, pc)?.search;
      row = (search && frameRowAt(this, search, pc)) ?? null;
      if (code.rows.size >= ROWS_MAX) code.rows.clear();
      code.rows.set(pc, row);
    }
    return row ?? undefined;
  }

  /** See {@linkcode LoadedBytes.view}: what is loaded of all modules. */
  view(address: number, length: number): DataView | undefined {
    const bytes = new Uint8Array(length);
    return this.#memory.read(address, bytes) === length ? new DataView(bytes.buffer) : undefined;
  }

  /** The code that an address is in. */
  #rangeOf(process: TracedProcess, code: Code, address: number): CodeRange | undefined {
    if (!(address > 0)) return undefined;
    const range = findRange(code.ranges, address);
    if (range !== undefined || this.#kernel.call.ft_clock_ns() - code.readNs < AGAIN_NS) return range;
    this.#read(process, code);
    return findRange(code.ranges, address);
  }

  #codeOf(process: TracedProcess): Code {
    let code = this.#code.get(process.image);
    if (code === undefined) {
      this.#code.set(process.image, code = { ranges: [], readNs: -Infinity, searches: new Map(), rows: new Map() });
    }
    if (this.#kernel.call.ft_clock_ns() - code.readNs > BELIEVED_NS) this.#read(process, code);
    return code;
  }

  /** Makes what finds call frame information; an index of it where there is no table, when it is asked for first. */
  #searchIn(place: CallFramesPlace): FrameSearch {
    if ("table" in place) return (address) => searchFrames(this, place.table, address);
    let index: FrameSearch | undefined;
    return (address) => (index ??= indexFrames(this, place.start, place.end))(address);
  }

  /** Looks up what code is mapped. */
  #read(process: TracedProcess, code: Code): void {
    const modules = listModules(this.#kernel, process);
    const vdso = modules[0]?.vdso();
    const known = new Map<number, FrameSearch | undefined>();
    for (const module of vdso === undefined ? modules : [...modules, vdso]) {
      const place = placeOf(module);
      const search = place && (code.searches.get(keyOf(place)) ?? this.#searchIn(place));
      if (place !== undefined) code.searches.set(keyOf(place), search!);
      for (const { start } of module.code) known.set(start, search);
    }
    const ranges = (readMappings(this.#kernel, process.pid) ?? [])
      .filter(({ permissions }) => permissions[2] === "x")
      .map(({ start, end }) => ({ start, end, search: known.get(start) }));
    const isSame = ranges.length === code.ranges.length && ranges.every(({ start, end, search }, index) => {
      const other = code.ranges[index]!;
      return start === other.start && end === other.end && search === other.search;
    });
    if (!isSame) code.rows.clear();
    code.ranges = ranges;
    code.readNs = this.#kernel.call.ft_clock_ns();
  }
}

function placeOf(module: Module): CallFramesPlace | undefined {
  try {
    return module.callFrames();
  } catch (error) {
    if (error instanceof DTraceError) return undefined;
    throw error;
  }
}

function keyOf(place: CallFramesPlace): string {
  return "table" in place ? `${place.table}` : `${place.start} ${place.end}`;
}

/** The range that an address is in, among ascending ones. */
function findRange(ranges: readonly CodeRange[], address: number): CodeRange | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle]!.end <= address) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range.start <= address ? range : undefined;
}
