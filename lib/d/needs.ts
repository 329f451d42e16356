/**
 * Works out what a clause needs that is asked for before it runs: what is told of the process, and the right to change it.
 * What it needs of each hit says `hit_plan.ts`.
 *
 * @module
 */

import type { BuiltinName, Expression } from "./expression.ts";
import type { Needs, Statement } from "./tree.ts";
import { resolve } from "./types.ts";
import { allExpressions, allStatements, expressionsOf } from "./walk.ts";

const DESTRUCTIVE_SUBROUTINES = new Set(["copyout", "copyoutstr"]);

/** The actions that change the program, or the system. */
export const DESTRUCTIVE_ACTIONS: ReadonlySet<string> = new Set([
  "stop",
  "raise",
  "chill",
  "system",
  "freopen",
  "breakpoint",
  "panic",
]);

/**
 * Works out what a clause needs.
 *
 * @param predicate Its predicate.
 * @param statements Its statements.
 * @returns What it needs.
 */
export function needsOf(predicate: Expression | undefined, statements: readonly Statement[]): Needs {
  const all = [...allStatements(statements)];
  const roots = all.flatMap(expressionsOf);
  if (predicate !== undefined) roots.push(predicate);
  const expressions = roots.flatMap(allExpressions);
  const builtins = new Set<BuiltinName>();
  for (const expression of expressions) if (expression.kind === "builtin") builtins.add(expression.name);
  const destructive = all.some(({ kind }) => DESTRUCTIVE_ACTIONS.has(kind)) || expressions.some(isDestructive);
  return { builtins, destructive };
}

/**
 * Tells whether an expression changes the program by itself: whether it copies something out.
 *
 * @param expression The expression.
 * @returns Whether it does; what it consists of is not looked at.
 */
export function isDestructive(expression: Expression): boolean {
  return expression.kind === "call" && DESTRUCTIVE_SUBROUTINES.has(expression.name);
}

/**
 * Tells whether the address of a string is known to be the traced program's.
 *
 * @param address The address.
 * @returns Whether it is; if not, it is memory of the clause's own, or a mistake.
 */
export function isInTarget(address: Expression): boolean {
  if (address.form.kind === "bytes") return address.kind === "load" && address.userland;
  const type = resolve(address.type);
  return type.kind === "pointer" && type.userland;
}
