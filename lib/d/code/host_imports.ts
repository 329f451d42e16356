/**
 * The functions of the host that clauses call.
 *
 * No 64-bit integer crosses the boundary, since it would arrive as a `bigint`: addresses and values come as halves, and
 * what the host gives is 32 bits or lies in the cell for results.
 *
 * @module
 */

import type { ModuleBuilder, Signature } from "./assembler.ts";
import { I32, type ValueCode } from "./opcodes.ts";

/** For each function how many 32-bit integers it takes, and whether it gives one. */
const SHAPES = {
  /** Ends the clause: kind, address lo, hi. Never returns. */
  fault: [3, 0],
  /** A numeric built-in variable by its number, to the result. */
  builtin: [1, 0],
  /** A built-in variable that is a string: its offset. */
  text: [1, 1],
  /** An argument of the probe: index, whether it is typed; to the result. */
  argument: [2, 0],
  /** A register by its index, to the result. */
  register: [2, 0],
  /** Reads memory of the traced program: address lo, hi, size (1, 2, 4 or 8); to the result, zero-extended. */
  load: [3, 0],
  /** Copies memory of the traced program to an offset: offset, address lo, hi, bytes. */
  copyIn: [4, 0],
  /** Makes sure that there is a string: address lo, hi, the most bytes; its offset. */
  string: [3, 1],
  /** Takes scratch memory, filled with zeros: bytes; its offset. */
  scratch: [1, 1],
  /** Makes the block of variables of the thread; 0 if there is no room. */
  thread: [0, 1],
  /** Finds an element: array, key, words of the key; the zeros if there is none. */
  element: [3, 1],
  /** Finds or makes an element; 0 if there is no room. */
  makeElement: [3, 1],
  /** Frees an element, if there is one. */
  freeElement: [3, 0],
  /** Adds to an aggregation: number, key, words, value lo, hi, increment lo, hi. */
  aggregate: [7, 0],
  /** Calls a subroutine: number, how many arguments are in the cells; an offset, or the result is in its cell. */
  subroutine: [2, 1],
  /** Records a stack: kind, offset, the most frames; how many there are. */
  stack: [3, 1],
  /** Makes room for a record: its bytes; its offset, or 0 if there is none. */
  reserve: [1, 1],
  /** Speculates: number lo, hi; whether that is possible. */
  speculate: [2, 1],
  /** Moves a record to the speculation: offset, bytes. */
  speculated: [2, 0],
  /** Acts at once: action, value lo, hi. */
  act: [3, 0],
} as const satisfies Record<string, readonly [number, 0 | 1]>;

/** The name of a function of the host. */
export type HostFunction = keyof typeof SHAPES;

/** What the host has to offer: for each name a function of 32-bit integers. */
export type HostFunctions = { readonly [name in HostFunction]: (...values: number[]) => number | void };

/** The actions of {@linkcode HostFunctions.act}; their numbers are their places. */
export const ACTS = ["raise", "chill", "commit", "discard", "stop", "breakpoint", "panic", "exit"] as const;

/** The kinds of stacks; their numbers are their places. */
export const STACKS = ["stack", "ustack", "jstack"] as const;

/**
 * Imports all functions of the host.
 *
 * @param builder The module.
 * @returns Their indices.
 */
export function importHost(builder: ModuleBuilder): Readonly<Record<HostFunction, number>> {
  const indices = Object.entries(SHAPES).map(([name, shape]) => [name, builder.import(name, signatureOf(shape))]);
  return Object.fromEntries(indices);
}

function signatureOf([parameterCount, resultCount]: readonly [number, number]): Signature {
  const integers = (count: number): ValueCode[] => new Array<ValueCode>(count).fill(I32);
  return { parameters: integers(parameterCount), results: integers(resultCount) };
}
