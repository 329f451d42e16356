/**
 * The typed tree: what the front end of D hands to code generation.
 *
 * **The problem.** A D program is text whose meaning depends on much else: declarations, translators, inlines, options,
 * macro arguments, the arguments of the probes that it names. Code generation shall depend on the tree alone.
 *
 * **The method.** The checker resolves everything and says in nodes what C says by rules:
 *
 * - Names are gone. A variable is a {@linkcode Variable} object, the same one at each use, with a number in its scope; a
 *   member is an offset in a {@linkcode Load}; inlines, translators, `sizeof` and enumerators are what they stand for.
 * - Every expression has a {@linkcode Form}, which says how its value is held, and a type, which only `print()` and
 *   messages need. A node's operands already have the form that its operator wants: where C converts silently there is a
 *   {@linkcode Convert} or {@linkcode ToString}.
 * - Pointers are numbers here. Adding to one is a multiplication by a constant and an addition, both in the tree.
 * - Constants are folded, and are {@linkcode Int64}.
 * - What is evaluated once in C has one node: `a[f()] += 1` is an {@linkcode Assign} with an operator.
 * - Expressions have values; actions and aggregations are statements of their own, with checked arguments.
 *
 * **Computing.** Operators compute with 64 bits whatever the size of their operands, as DTrace's do: `int` operands have
 * been extended to 64 bits, and the sum of two of them is not cut to 32. A value is cut where it is stored, recorded,
 * passed or cast, and there the tree has a `Convert`, or the place has a form: whoever stores into a {@linkcode Place} or
 * records a value cuts it to the form's size. Where there is `signed`, it is that of the operation and not of the result.
 *
 * **Memory.** An address means the traced program's memory, or memory that the clause has made itself (`alloca`, `copyin`:
 * scratch memory, whose addresses are told apart when the clause runs). Values of the form `bytes` are addresses, too;
 * a variable of that form lives in memory of its own, and its node's value is the address of that. Storing such a value
 * copies the bytes. A `Load` of the form `bytes` loads nothing: its value is its address.
 *
 * **Failing.** A division by zero, a bad address, a size beyond what is there end the clause for this hit, and fire ERROR.
 *
 * A clause that is written for several probe descriptions is one {@linkcode Clause}, unless it uses `args[]`, whose types
 * depend on the probe; then it is one for each description.
 *
 * @module
 */

import type { Attributes } from "../spec/stability.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import type { PrintFormat } from "./print_format.ts";
import type { BuiltinName, Expression, Load, Scope, Variable } from "./expression.ts";
import type { Form, Type } from "./types.ts";

export type * from "./expression.ts";

/** A compiled program. */
export interface Program {
  /** The clauses in the order in which they are written, which is the order in which they run. */
  readonly clauses: readonly Clause[];
  /** Variables by scope; the number of one is its place in its list. */
  readonly variables: { readonly [scope in Scope]: readonly Variable[] };
  /** Aggregations; the number of one is its place in the list. */
  readonly aggregations: readonly Aggregation[];
  /** What `#pragma D option` sets, in the order of the text; names are known, values are not checked. */
  readonly options: readonly ProgramOption[];
  /** Providers that the program declares. */
  readonly providers: readonly ProviderDeclaration[];
}

/** An option that the program sets. */
export interface ProgramOption {
  readonly name: string;
  /** The text behind the equals sign; undefined if there is none. */
  readonly value: string | undefined;
  readonly line: number;
}

/** A clause. */
export interface Clause {
  /** The probes that fire it; macro variables are expanded. */
  readonly probes: readonly ProbeDescription[];
  /** A number; the clause runs if it is not zero, or if there is none. */
  readonly predicate: Expression | undefined;
  /** What it does. Empty: it records that the probe fired, and nothing else. */
  readonly statements: readonly Statement[];
  /** What has to be there, and allowed, before it runs. */
  readonly needs: Needs;
  /** How much one may rely on what it uses, the probes apart. */
  readonly attributes: Attributes;
  /** The line on which its first probe description begins. */
  readonly line: number;
  /** Which of the program's texts it is in, from 0. */
  readonly part: number;
}

/** What a clause needs that is asked for before it runs. */
export interface Needs {
  /** The built-in variables that are read, other than arguments and registers. */
  readonly builtins: ReadonlySet<BuiltinName>;
  /** Whether the thread is changed or kept: `stop`, `raise`, `copyout`, `chill`, `system`. Needs the option `destructive`. */
  readonly destructive: boolean;
}

/** The functions that aggregate. */
export type AggregatingFunction =
  | "count"
  | "sum"
  | "avg"
  | "min"
  | "max"
  | "stddev"
  | "quantize"
  | "lquantize"
  | "llquantize";

/** An aggregation: one name with one function and one shape of keys. */
export interface Aggregation {
  /** The name without the at sign; `_` for the one that has none. */
  readonly name: string;
  /** Its number, from 0 in the order of the text. */
  readonly id: number;
  readonly function: AggregatingFunction;
  /**
   * The constants of the function: of `lquantize` base, limit and step, of `llquantize` factor, low, high and steps;
   * otherwise none. All are 32-bit integers.
   */
  readonly parameters: readonly number[];
  /** The forms of its keys. */
  readonly keys: readonly Form[];
  /** The types of its keys. */
  readonly keyTypes: readonly Type[];
  /** Whether the values have a sign, for the functions that add or compare. */
  readonly signed: boolean;
}

/** What a clause does. */
export type Statement = ExpressionStatement | If | Aggregate | Action;

/** An expression whose value nobody wants. */
export interface ExpressionStatement {
  readonly kind: "expression";
  readonly expression: Expression;
  readonly line: number;
}

/** `if` and `else`. */
export interface If {
  readonly kind: "if";
  readonly condition: Expression;
  readonly then: readonly Statement[];
  readonly otherwise: readonly Statement[];
  readonly line: number;
}

/** `@name[keys] = function(value)`. */
export interface Aggregate {
  readonly kind: "aggregate";
  readonly aggregation: Aggregation;
  /** The keys, of the forms that the aggregation has. */
  readonly keys: readonly Expression[];
  /** What is aggregated; undefined for `count`. */
  readonly value: Expression | undefined;
  /** By how much the functions that quantize count; undefined for 1. */
  readonly increment: Expression | undefined;
  readonly line: number;
}

/** A statement that records, or does something beyond computing. */
export type Action =
  | TraceAction
  | TraceMemoryAction
  | PrintAction
  | FormatAction
  | PrintAggregationsAction
  | ValueAction
  | PlainAction
  | SetOptionAction
  | AggregationAction;

/** `trace(value)`, and a stack or a symbol as a statement. */
export interface TraceAction {
  readonly kind: "trace";
  readonly value: Expression;
  readonly line: number;
}

/** `tracemem(address, bytes)`. */
export interface TraceMemoryAction {
  readonly kind: "tracemem";
  readonly address: Expression;
  /** How many bytes are recorded; 1 at least. */
  readonly sizeBytes: number;
  /** How many of them are printed, if that is computed. */
  readonly dynamicBytes: Expression | undefined;
  readonly line: number;
}

/** `print(value)`; the type of the value says how. */
export interface PrintAction {
  readonly kind: "print";
  readonly value: Expression;
  /** What a pointer leads to, which is printed with it; undefined if the value is no pointer. */
  readonly target: Load | undefined;
  readonly line: number;
}

/** `printf`, `system` and `freopen`. */
export interface FormatAction {
  readonly kind: "printf" | "system" | "freopen";
  readonly format: PrintFormat;
  /** The values; conversions refer to them by their places. */
  readonly arguments: readonly Expression[];
  readonly line: number;
}

/** `printa`. */
export interface PrintAggregationsAction {
  readonly kind: "printa";
  /** Undefined if there is no format: the aggregation is printed as at the end of the program. */
  readonly format: PrintFormat | undefined;
  /** One at least; all have keys of the same forms. */
  readonly aggregations: readonly Aggregation[];
  readonly line: number;
}

/** An action with one number. */
export interface ValueAction {
  readonly kind: "exit" | "raise" | "chill" | "speculate" | "commit" | "discard";
  /** The status, the signal, the nanoseconds, the speculation. */
  readonly value: Expression;
  readonly line: number;
}

/** An action without arguments. */
export interface PlainAction {
  readonly kind: "stop" | "ftruncate" | "breakpoint" | "panic";
  readonly line: number;
}

/** `setopt(name, value)`; both are strings. */
export interface SetOptionAction {
  readonly kind: "setopt";
  readonly name: Expression;
  readonly value: Expression | undefined;
  readonly line: number;
}

/** An action on an aggregation. */
export interface AggregationAction {
  readonly kind: "clear" | "denormalize" | "normalize" | "trunc";
  readonly aggregation: Aggregation;
  /** By what `normalize` divides, how many `trunc` keeps; undefined for all others, and for `trunc` of everything. */
  readonly value: Expression | undefined;
  readonly line: number;
}

/** A provider that the program declares. */
export interface ProviderDeclaration {
  readonly name: string;
  readonly probes: readonly ProbeDeclaration[];
  /** The attributes that pragmas give, by what they are about. */
  readonly attributes: Readonly<Record<"provider" | "module" | "function" | "name" | "args", Attributes>>;
}

/** A probe that a provider declares. */
export interface ProbeDeclaration {
  readonly name: string;
  readonly nativeTypes: readonly Type[];
  /** The types of `args[]`; the native ones unless the declaration says others. */
  readonly translatedTypes: readonly Type[];
}
