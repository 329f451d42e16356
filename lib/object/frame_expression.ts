/**
 * Expressions of call frame information: a stack machine (DWARF 5, section 2.5). Linkers use one for the frames of linkage
 * tables, C libraries for what the kernel has put on the stack of a signal handler.
 *
 * Numbers are exact up to 2^53, which addresses of programs are.
 *
 * @module
 */

import type { FrameCursor } from "./frame_cursor.ts";

const HALF = 2 ** 32;
const STACK_MAX = 64;
const BITS = 64;

/** What expressions are about. */
export interface FrameMachine {
  /** The registers by their numbers in DWARF; NaN where one is not known. */
  readonly registers: ArrayLike<number>;
  /**
   * Reads a word of memory.
   *
   * @param address Where; any number.
   * @returns The word as a number; NaN if it cannot be read.
   */
  word(address: number): number;
}

/** Operations of one value. */
const UNARY: Readonly<Record<number, (value: number, machine: FrameMachine) => number>> = {
  0x06: (value, machine) => machine.word(value), // deref
  0x19: (value) => Math.abs(value), // abs
  0x1f: (value) => -value, // neg
};

/** Operations of two values, the last one on top. */
const BINARY: Readonly<Record<number, (first: number, second: number) => number>> = {
  0x1a: and,
  0x1b: (first, second) => second === 0 ? NaN : Math.trunc(first / second), // div
  0x1c: (first, second) => first - second, // minus
  0x1d: (first, second) => second === 0 ? NaN : first % second, // mod
  0x1e: (first, second) => first * second, // mul
  0x21: (first, second) => first + second - and(first, second), // or
  0x22: (first, second) => first + second, // plus
  0x24: (first, second) => second < BITS ? first * 2 ** second : 0, // shl
  0x25: (first, second) => second < BITS ? Math.floor(first / 2 ** second) : 0, // shr
  0x29: (first, second) => Number(first === second), // eq
  0x2a: (first, second) => Number(first >= second), // ge
  0x2b: (first, second) => Number(first > second), // gt
  0x2c: (first, second) => Number(first <= second), // le
  0x2d: (first, second) => Number(first < second), // lt
  0x2e: (first, second) => Number(first !== second), // ne
};

/** Operations that put a number after them onto the stack. */
const CONSTANTS: Readonly<Record<number, (code: FrameCursor) => number>> = {
  0x08: (code) => code.u8(),
  0x09: (code) => code.s8(),
  0x0a: (code) => code.u16(),
  0x0b: (code) => code.s16(),
  0x0c: (code) => code.u32(),
  0x0d: (code) => code.s32(),
  0x0e: (code) => code.u64(),
  0x0f: (code) => code.s64(),
  0x10: (code) => code.uleb(),
  0x11: (code) => code.sleb(),
};

/**
 * Evaluates an expression.
 *
 * @param expression The expression, which stays as it is.
 * @param machine What it is about.
 * @param initial What is on the stack at the beginning: the CFA, for a register's rule.
 * @returns The value; NaN if it is not known.
 */
export function evaluate(expression: FrameCursor, machine: FrameMachine, initial?: number): number {
  const code = expression.copy();
  const stack = initial === undefined ? [] : [initial];
  while (code.more) {
    const byte = code.u8();
    const value = valueOf(byte, code, machine);
    if (value !== undefined) stack.push(value);
    else if (!operate(byte, code, machine, stack)) return NaN;
    if (stack.length > STACK_MAX) return NaN;
  }
  return code.failed ? NaN : stack.at(-1) ?? NaN;
}

/** What an operation puts onto the stack that takes nothing from it; undefined if it is another one. */
function valueOf(byte: number, code: FrameCursor, { registers }: FrameMachine): number | undefined {
  if (byte >= 0x30 && byte <= 0x4f) return byte - 0x30; // lit
  if (byte >= 0x70 && byte <= 0x8f) return (registers[byte - 0x70] ?? NaN) + code.sleb(); // breg
  if (byte === 0x92) return (registers[code.uleb()] ?? NaN) + code.sleb(); // bregx
  return CONSTANTS[byte]?.(code);
}

/** Performs an operation on the stack. Returns whether it is known, and what it takes is there. */
function operate(byte: number, code: FrameCursor, machine: FrameMachine, stack: number[]): boolean {
  const unary = UNARY[byte];
  const binary = BINARY[byte];
  if (byte === 0x96) return true; // nop
  if (stack.length < (binary !== undefined || byte === 0x14 || byte === 0x16 ? 2 : 1)) return false;
  if (unary !== undefined) stack.push(unary(stack.pop()!, machine));
  else if (binary !== undefined) {
    const second = stack.pop()!;
    stack.push(binary(stack.pop()!, second));
  } else if (byte === 0x12) stack.push(stack.at(-1)!); // dup
  else if (byte === 0x13) stack.pop(); // drop
  else if (byte === 0x14) stack.push(stack.at(-2)!); // over
  else if (byte === 0x15) stack.push(stack.at(-1 - code.u8()) ?? NaN); // pick
  else if (byte === 0x16) stack.push(...stack.splice(-2).reverse()); // swap
  else if (byte === 0x23) stack.push(stack.pop()! + code.uleb()); // plus_uconst
  else return false;
  return true;
}

function and(first: number, second: number): number {
  const high = (Math.floor(first / HALF) & Math.floor(second / HALF)) >>> 0;
  return high * HALF + ((first & second) >>> 0);
}
