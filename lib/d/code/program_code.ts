/**
 * Code of programs: a module of WebAssembly with a function for each clause.
 *
 * Everything has its place in one memory that is as large as the options allow and never grows (see `memory_layout.ts`).
 * What is generated depends on the typed tree and the options alone, so that a program is compiled once, before the first
 * probe is enabled.
 *
 * @module
 */

import type { Expression, Program, StringConstant, Variable } from "../tree.ts";
import { allExpressions, allStatements, expressionsOf } from "../walk.ts";
import type { Form } from "../types.ts";
import type { RunOptions } from "../run/run_options.ts";
import { ModuleBuilder } from "./assembler.ts";
import { ClauseCode } from "./clause_code.ts";
import { framesOf, type ProgramContext } from "./code_context.ts";
import { makeHelpers } from "./helper_code.ts";
import { importHost } from "./host_imports.ts";
import { align, layOutMemory, type MemoryLayout } from "./memory_layout.ts";
import { layOutRecord, type RecordLayout } from "./record_layout.ts";

const KEY_SLACK_BYTES = 16;

/** A program that can be run. */
export interface ProgramCode {
  /** The module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly layout: MemoryLayout;
  /** The records of the clauses, in their order. */
  readonly records: readonly RecordLayout[];
  /** The names of the clauses' functions, in their order. */
  readonly exports: readonly string[];
  /** The associative arrays; the number of one is its place. */
  readonly arrays: readonly Variable[];
  /** What is in the memory before the program runs, by offset. */
  readonly contents: ReadonlyMap<number, Uint8Array>;
}

/**
 * Compiles a program.
 *
 * @param program The typed tree.
 * @param options Sizes.
 * @returns The module and what is known of it.
 */
export function generateProgram(program: Program, options: RunOptions): ProgramCode {
  const { global, thread, clause } = program.variables;
  const variables = [...global, ...thread, ...clause];
  const strings = collectStrings(program);
  const constantBytes = strings.reduce((sum, string) => sum + sizeOf(string, options), 0);
  const layout = layOutMemory({ variables, constantBytes, keyBytes: longestKey(program, options) }, options);
  const { constants, contents } = placeStrings(strings, layout, options);
  const arrays = variables.filter(({ keys }) => keys !== undefined);
  const builder = new ModuleBuilder();
  const host = importHost(builder);
  const context: ProgramContext = {
    host,
    helpers: makeHelpers(builder, host, layout),
    layout,
    options,
    constants,
    arrays: new Map(arrays.map((array, index) => [array, index])),
  };
  const records = program.clauses.map((one) => layOutRecord(one, options));
  const exports = program.clauses.map((one, index) => {
    const name = `clause${index}`;
    const { code } = builder.function({ parameters: [], results: [] }, name);
    new ClauseCode({ ...context, code }, records[index]!).emit(one);
    return name;
  });
  return { bytes: builder.encode(layout.pages), layout, records, exports, arrays, contents };
}

function collectStrings(program: Program): StringConstant[] {
  return [...expressionsIn(program)].filter((one) => one.kind === "string");
}

/** All expressions of all clauses. */
function* expressionsIn(program: Program): Generator<Expression> {
  for (const { predicate, statements } of program.clauses) {
    if (predicate !== undefined) yield* allExpressions(predicate);
    for (const statement of allStatements(statements)) {
      for (const expression of expressionsOf(statement)) yield* allExpressions(expression);
    }
  }
}

/** How many bytes a constant takes; what `strsize` does not allow is cut. */
function sizeOf({ bytes }: StringConstant, { strsize }: RunOptions): number {
  return align(Math.min(bytes.length + 1, strsize));
}

function placeStrings(
  strings: readonly StringConstant[],
  layout: MemoryLayout,
  options: RunOptions,
): { constants: Map<StringConstant, number>; contents: Map<number, Uint8Array> } {
  const constants = new Map<StringConstant, number>();
  const contents = new Map<number, Uint8Array>();
  let at = layout.constants.begin;
  for (const string of strings) {
    const size = sizeOf(string, options);
    const bytes = new Uint8Array(size);
    bytes.set(string.bytes.subarray(0, Math.min(string.bytes.length, options.strsize - 1)));
    constants.set(string, at);
    contents.set(at, bytes);
    at += size;
  }
  return { constants, contents };
}

/** The most bytes of a tuple, of an aggregation or of an associative array. */
function longestKey(program: Program, options: RunOptions): number {
  let frames = Math.max(options.ustackframes, options.jstackframes);
  for (const one of expressionsIn(program)) {
    if (one.kind === "stack") frames = Math.max(frames, framesOf(one, options));
  }
  const { global, thread, clause } = program.variables;
  const tuples = [
    ...program.aggregations.map(({ keys }) => keys),
    ...[...global, ...thread, ...clause].map(({ keys }) => keys ?? []),
  ];
  const lengths = tuples.map((forms) => forms.reduce((sum, form) => sum + keyBytes(form, options, frames), 0));
  return KEY_SLACK_BYTES + Math.max(0, ...lengths);
}

function keyBytes(form: Form, options: RunOptions, frames: number): number {
  switch (form.kind) {
    case "string":
      return align(options.strsize);
    case "bytes":
      return align(form.sizeBytes);
    case "stack":
      return 8 + 8 * frames;
    case "symbol":
      return 16;
    default:
      return 8;
  }
}
