/**
 * Finds the clauses that need no hit by itself: it is enough to know what the values of all hits of a probe come to.
 *
 * **The problem.** Most clauses of one line count calls, or sum up or sort an argument, under keys that are the same at each hit
 * of a probe. To run them for each hit is a million times the same.
 *
 * **The method.** Such a clause has no predicate and nothing but aggregating statements. Their functions are those whose result
 * for many values follows from the count, the sum, the extremes or the histogram of these (`lib/tally.ts`); what they aggregate
 * is an argument that is in a register, as it is; and their keys are constants, or parts of the probe's name. The clause is
 * run once for all hits of a probe.
 *
 * **Extremes** are known since the tracing began. Where the program sets an aggregation back, by `clear()` or `trunc()`, they would
 * have to be those since then, and each hit is looked at.
 *
 * @module
 */

import type { TallyPart } from "../tally.ts";
import { numberOf } from "./int64.ts";
import type { Aggregate, AggregatingFunction, Argument, BuiltinName, Clause, Expression, Program } from "./tree.ts";
import { allStatements } from "./walk.ts";

/** What a statement needs of the hits. */
export interface TalliedStatement {
  /** Which argument it aggregates, 0 to 5; undefined if it only counts. */
  readonly argument: number | undefined;
  /** What has to be known of it, besides the count. */
  readonly parts: readonly TallyPart[];
}

/** What functions need; what is not here needs each hit. */
const PARTS: Readonly<Partial<Record<AggregatingFunction, readonly TallyPart[]>>> = {
  count: [],
  sum: ["sum"],
  avg: ["sum"],
  min: ["min"],
  max: ["max"],
  quantize: ["log2"],
};
/** The arguments of a function from the sixth on are not in registers. */
const ARGUMENT_MAX = 5;
const WORD_BYTES = 8;
/** What is the same at each hit of a probe. */
const OF_PROBE: ReadonlySet<BuiltinName> = new Set(["id", "probefunc", "probemod", "probename", "probeprov"]);

/**
 * Says what a clause needs of the hits of its probes, if it does not need each by itself.
 *
 * @param clause The clause.
 * @param program Its program.
 * @returns What each of its statements needs, in their order; undefined if it needs each hit.
 */
export function findTally(clause: Clause, program: Program): readonly TalliedStatement[] | undefined {
  const { predicate, statements } = clause;
  if (predicate !== undefined || statements.length === 0) return undefined;
  const tallied: TalliedStatement[] = [];
  for (const statement of statements) {
    const one = statement.kind === "aggregate" ? statementTally(statement, program) : undefined;
    if (one === undefined) return undefined;
    tallied.push(one);
  }
  return tallied;
}

function statementTally(
  { aggregation, keys, value, increment }: Aggregate,
  program: Program,
): TalliedStatement | undefined {
  const parts = PARTS[aggregation.function];
  const counts = increment === undefined || (increment.kind === "constant" && numberOf(increment.value, true) === 1);
  if (parts === undefined || !counts || !keys.every(isOfProbe)) return undefined;
  const isExtreme = parts.includes("min") || parts.includes("max");
  if (isExtreme && isSetBack(program, aggregation.id)) return undefined;
  if (value === undefined) return { argument: undefined, parts };
  const argument = argumentOf(value);
  return argument === undefined ? undefined : { argument: argument.index, parts };
}

/** Whether an expression has the same value at each hit of a probe, and no effect. */
function isOfProbe(expression: Expression): boolean {
  switch (expression.kind) {
    case "constant":
    case "string":
      return true;
    case "builtin":
      return OF_PROBE.has(expression.name);
    case "convert":
      return isOfProbe(expression.operand);
    default:
      return false;
  }
}

/** The argument that an expression is, with all its bits. */
function argumentOf(expression: Expression): Argument | undefined {
  const { kind, form } = expression;
  if (form.kind !== "number" || form.sizeBytes !== WORD_BYTES) return undefined;
  if (kind === "convert") return argumentOf(expression.operand);
  return kind === "argument" && !expression.typed && expression.index <= ARGUMENT_MAX ? expression : undefined;
}

/** Whether a program sets an aggregation back. */
function isSetBack({ clauses }: Program, id: number): boolean {
  return clauses.some(({ statements }) =>
    [...allStatements(statements)].some((statement) =>
      (statement.kind === "clear" || statement.kind === "trunc") && statement.aggregation.id === id
    )
  );
}
