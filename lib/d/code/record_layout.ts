/**
 * Records: what a clause writes into the buffer when it has run.
 *
 * ```text
 *   0  enabling 4, size 4                    the head
 *   8  time 8, in nanoseconds
 *  16  pid 4, tid 4, cpu 4, unused 4
 *  32  data of the first action, of the second..., each at an offset that is known when the clause is compiled
 * ```
 *
 * An action in an `if` has 8 bytes before its data that say whether it happened. A clause without statements records its
 * head, and so does one that only speculates; one whose statements record nothing has no record at all.
 *
 * @module
 */

import type { Action, Clause, Expression, PrintAction, Statement } from "../tree.ts";
import { type Form, sizeOf, type Type } from "../types.ts";
import { recordedBytes } from "../run/datum.ts";
import type { RunOptions } from "../run/run_options.ts";
import { framesOf } from "./code_context.ts";

/** Offsets in the head of a record, and its size. */
export const RecordHead = { epid: 0, size: 4, time: 8, pid: 16, tid: 20, cpu: 24, bytes: 32 } as const;

/** The form of a number that an action records as it is. */
const LONG: Form = { kind: "number", sizeBytes: 8, signed: true };
const INT: Form = { kind: "number", sizeBytes: 4, signed: true };

/** A datum of a record. */
export interface RecordedDatum {
  /** What is recorded. */
  readonly expression: Expression;
  readonly form: Form;
  readonly type: Type;
  readonly offset: number;
}

/** An action that is performed when its record is consumed. */
export interface RecordedAction {
  readonly action: Action;
  /** The offset of the word that says whether it happened; undefined if it always does. */
  readonly presentAt: number | undefined;
  readonly data: readonly RecordedDatum[];
}

/** The record of a clause. */
export interface RecordLayout {
  /** Its size with the head; 0 if the clause has no record. */
  readonly sizeBytes: number;
  readonly actions: readonly RecordedAction[];
}

/**
 * Lays out the record of a clause.
 *
 * @param clause The clause.
 * @param options Sizes.
 * @returns Where its data are.
 */
export function layOutRecord(clause: Clause, options: RunOptions): RecordLayout {
  const actions: RecordedAction[] = [];
  let end: number = RecordHead.bytes;
  const add = (statement: Statement, conditional: boolean): void => {
    if (statement.kind === "if") {
      for (const inner of [...statement.then, ...statement.otherwise]) add(inner, true);
      return;
    }
    const recorded = isAction(statement) ? dataOf(statement, options) : undefined;
    if (recorded === undefined) return;
    const presentAt = conditional ? end : undefined;
    if (conditional) end += 8;
    const data = recorded.map(({ expression, form }) => {
      const offset = end;
      const frames = expression.kind === "stack" ? framesOf(expression, options) : 0;
      end += recordedBytes(form, options.strsize, frames);
      return { expression, form, type: expression.type, offset };
    });
    actions.push({ action: statement as Action, presentAt, data });
  };
  for (const statement of clause.statements) add(statement, false);
  const hasRecord = actions.length > 0 || clause.statements.every(({ kind }) => kind === "speculate");
  return { sizeBytes: hasRecord ? end : 0, actions };
}

function isAction(statement: Statement): statement is Action {
  return statement.kind !== "expression" && statement.kind !== "aggregate" && statement.kind !== "if";
}

/** What an action records; undefined if it acts at once. */
function dataOf(action: Action, options: RunOptions): { expression: Expression; form: Form }[] | undefined {
  const of = (expression: Expression | undefined, form?: Form) =>
    expression === undefined ? [] : [{ expression, form: form ?? expression.form }];
  switch (action.kind) {
    case "trace":
      return of(action.value);
    case "print":
      return [...of(action.value), ...of(action.target, { kind: "bytes", sizeBytes: printedBytes(action, options) })];
    case "tracemem":
      return [...of(action.address, { kind: "bytes", sizeBytes: action.sizeBytes }), ...of(action.dynamicBytes, LONG)];
    case "printf":
    case "system":
    case "freopen":
      return action.arguments.flatMap((argument) => of(argument));
    case "exit":
      return of(action.value, INT);
    case "clear":
    case "denormalize":
    case "normalize":
    case "trunc":
      return of(action.value, LONG);
    case "setopt":
      return [...of(action.name), ...of(action.value)];
    case "printa":
    case "ftruncate":
      return [];
    default:
      return undefined;
  }
}

/** How many bytes of what a pointer leads to are printed. */
function printedBytes({ target }: PrintAction, { strsize, printsize }: RunOptions): number {
  return target === undefined ? 0 : Math.min(sizeOf(target.type, strsize), printsize);
}
