/**
 * The memory of a program: what is where.
 *
 * ```text
 *        0  cells      what clauses and host tell each other: see Cell
 *      512  zeros      what a variable is that was never assigned; as long as the longest variable
 *           constants  strings of the program                                  | what addresses of D may read
 *           variables  global and clause-local variables                       |  | what they may write
 *           dynamic    variables of threads, elements of associative arrays    |  |
 *           scratch    results of subroutines, until the clause ends           |  |
 *           texts      built-in variables that are strings, for the last hit   |
 *           keys       the tuples that are being looked up
 *           buffer     the principal buffer
 * ```
 *
 * **Addresses.** An address of D is 64 bits. Those whose upper half is 0x80000000 are of this memory, with the offset in
 * the lower half: no address of a program on Linux looks like that. All others are the traced program's.
 *
 * Everything begins at a multiple of 8. The size never changes while the program runs.
 *
 * @module
 */

import type { Variable } from "../tree.ts";
import type { Form } from "../types.ts";
import type { RunOptions } from "../run/run_options.ts";

/** The upper half of addresses of the program's own memory. */
export const OWN_HIGH = 0x80000000;

/** Offsets of the cells. */
export const Cell = {
  /** 64 bits: what a function of the host gives. */
  result: 8,
  /** 32 bits: where the next record begins, and where the buffer ends. */
  position: 16,
  limit: 20,
  /** 32 bits: the enabling that runs. */
  epid: 24,
  /** 32 bits: the statement that runs, from 1; 0 is the predicate. */
  action: 28,
  /** What goes into the head of a record: time 8, pid 4, tid 4, cpu 4. */
  time: 32,
  pid: 40,
  tid: 44,
  cpu: 48,
  /** 32 bits: the variables of the thread; the zeros if it has none. */
  thread: 56,
  /** 32 bits: not zero if a variable of the thread was set to zero. */
  threadFreed: 60,
  /** 64 bits each: arguments of a subroutine. */
  call: 64,
  /** 32 bits: how far scratch memory is in use. */
  scratch: 128,
} as const;

/** How many arguments a subroutine has at most. */
export const CALL_ARGUMENTS_MAX = 8;

const CELLS_BYTES = 512;
const PAGE_BYTES = 65536;
const KEY_DEPTH_MAX = 8;
const TEXTS_MAX = 16;

/** A part of the memory. */
export interface Area {
  readonly begin: number;
  readonly end: number;
}

/** Where everything is. */
export interface MemoryLayout {
  readonly zeros: Area;
  readonly constants: Area;
  readonly variables: Area;
  /** The clause-local ones among the variables. */
  readonly clauseVariables: Area;
  readonly dynamic: Area;
  readonly scratch: Area;
  readonly texts: Area;
  readonly keys: Area;
  /** How many bytes of the keys a tuple may have; tuples in tuples have their own. */
  readonly keyBytes: number;
  readonly buffer: Area;
  readonly pages: number;
  /** Where variables are: of global and clause-local ones the offset, of those of threads that in the thread's block. */
  readonly offsets: ReadonlyMap<Variable, number>;
  /** How large a thread's block is. */
  readonly threadBytes: number;
}

/** What memory must hold. */
export interface MemoryContents {
  readonly variables: readonly Variable[];
  readonly constantBytes: number;
  /** The longest tuple. */
  readonly keyBytes: number;
}

/**
 * Lays the memory out.
 *
 * @param contents What it must hold.
 * @param options Sizes.
 * @returns Where everything is.
 */
export function layOutMemory(contents: MemoryContents, options: RunOptions): MemoryLayout {
  const offsets = new Map<Variable, number>();
  let end = CELLS_BYTES;
  const take = (bytes: number): Area => {
    const begin = end;
    end += align(bytes);
    return { begin, end };
  };
  const place = (scope: Variable["scope"], begin: number): number => {
    let at = begin;
    for (const variable of contents.variables) {
      if (variable.scope !== scope || variable.keys !== undefined) continue;
      offsets.set(variable, at);
      at += storedBytes(variable.form, options.strsize);
    }
    return at - begin;
  };
  const threadBytes = place("thread", 0);
  const longest = Math.max(0, ...contents.variables.map(({ form }) => storedBytes(form, options.strsize)));
  const zeros = take(Math.max(threadBytes, longest, 8));
  const constants = take(contents.constantBytes);
  const globals = take(place("global", end));
  const clauseVariables = take(place("clause", end));
  const dynamic = take(options.dynvarsize);
  const scratch = take(options.scratchsize);
  const texts = take(TEXTS_MAX * align(options.strsize));
  const keys = take(KEY_DEPTH_MAX * align(contents.keyBytes));
  const buffer = take(options.bufsize);
  return {
    zeros,
    constants,
    variables: { begin: globals.begin, end: clauseVariables.end },
    clauseVariables,
    dynamic,
    scratch,
    texts,
    keys,
    keyBytes: align(contents.keyBytes),
    buffer,
    pages: Math.ceil(end / PAGE_BYTES),
    offsets,
    threadBytes,
  };
}

/**
 * Tells how many bytes a variable takes.
 *
 * @param form How its value is held.
 * @param strsize The size of a string.
 * @returns The bytes, a multiple of 8.
 */
export function storedBytes(form: Form, strsize: number): number {
  switch (form.kind) {
    case "number":
      return 8;
    case "string":
      return align(strsize);
    case "bytes":
    case "float":
      return align(form.sizeBytes);
    default:
      return 16;
  }
}

/**
 * Rounds up to a multiple of 8.
 *
 * @param bytes A number of bytes.
 * @returns The multiple.
 */
export function align(bytes: number): number {
  return (bytes + 7) & ~7;
}
