/**
 * What the code of a clause refers to.
 *
 * @module
 */

import type { Expression, Stack, StringConstant, SymbolOf, Variable } from "../expression.ts";
import type { RunOptions } from "../run/run_options.ts";
import type { Form } from "../types.ts";
import type { FunctionCode } from "./assembler.ts";
import type { Helpers } from "./helper_code.ts";
import type { HostFunction } from "./host_imports.ts";
import type { MemoryLayout } from "./memory_layout.ts";

/** What all clauses share. */
export interface ProgramContext {
  readonly host: Readonly<Record<HostFunction, number>>;
  readonly helpers: Helpers;
  readonly layout: MemoryLayout;
  readonly options: RunOptions;
  /** Where the constant strings are. */
  readonly constants: ReadonlyMap<StringConstant, number>;
  /** The numbers of associative arrays. */
  readonly arrays: ReadonlyMap<Variable, number>;
}

/** The code of one clause while it grows. */
export interface ClauseContext extends ProgramContext {
  readonly code: FunctionCode;
}

/** Generates the code of expressions; what is on WebAssembly's stack afterwards depends on the form. */
export interface ExpressionEmitter {
  /** Evaluates a number, 64 bits; of bytes and floats their address. */
  emitNumber(expression: Expression): void;
  /** Evaluates a number and cuts it to the size of a form, in which it is to be stored. */
  emitCutNumber(expression: Expression, form: Form): void;
  /** Evaluates a string: the offset of its bytes, which end in a NUL. */
  emitString(expression: Expression): void;
  /** Evaluates a string whose bytes are wanted: NULL is an address that nobody has. */
  emitText(expression: Expression): void;
  /** Evaluates bytes and copies them to the offset that `emitTo` pushes. */
  emitBytesTo(expression: Expression, sizeBytes: number, emitTo: () => void): void;
  /** Records a stack at the offset that `emitTo` pushes; leaves how many frames there are. */
  emitStack(stack: Stack, emitTo: () => void): void;
  /** Stores a symbol at the offset that `emitTo` pushes. */
  emitSymbol(symbol: SymbolOf, emitTo: () => void): void;
}

/**
 * Tells how many frames a stack has at most.
 *
 * @param stack The stack.
 * @param options The options that say so if the stack does not.
 * @returns The number.
 */
export function framesOf(stack: Stack, options: RunOptions): number {
  if (stack.of === "stack") return 0;
  const frames = stack.frames ?? (stack.of === "jstack" ? options.jstackframes : options.ustackframes);
  return Math.min(frames, options.maxframes);
}
