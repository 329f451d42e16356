/**
 * Walks over the typed tree, for what has to be known before code is generated: which strings there are, how long tuples
 * become, what is asked of the host.
 *
 * @module
 */

import type { Clause, Expression, Statement } from "../tree.ts";

/**
 * Lists the operands of an expression.
 *
 * @param expression The expression.
 * @returns Its direct operands, in order.
 */
export function operandsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "constant":
    case "string":
    case "variable":
    case "builtin":
    case "argument":
    case "stack":
      return [];
    case "element":
      return expression.keys;
    case "register":
      return [expression.index];
    case "load":
    case "to-string":
    case "symbol":
      return [expression.address];
    case "convert":
    case "unary":
      return [expression.operand];
    case "arithmetic":
    case "comparison":
    case "string-comparison":
    case "logical":
      return [expression.left, expression.right];
    case "conditional":
      return [expression.condition, expression.then, expression.otherwise];
    case "comma":
      return expression.expressions;
    case "assign":
      return [expression.place, expression.value];
    case "step":
      return [expression.place];
    case "call":
      return expression.arguments;
    case "construct":
      return expression.members.map(({ value }) => value);
  }
}

/**
 * Lists the expressions of a statement, those of statements in it apart.
 *
 * @param statement The statement.
 * @returns The expressions, in order.
 */
export function expressionsOf(statement: Statement): readonly Expression[] {
  const present = (...expressions: readonly (Expression | undefined)[]) =>
    expressions.filter((one) => one !== undefined);
  switch (statement.kind) {
    case "expression":
      return [statement.expression];
    case "if":
      return [statement.condition];
    case "aggregate":
      return present(...statement.keys, statement.value, statement.increment);
    case "tracemem":
      return present(statement.address, statement.dynamicBytes);
    case "printf":
    case "system":
    case "freopen":
      return statement.arguments;
    case "trace":
    case "print":
    case "exit":
    case "raise":
    case "chill":
    case "speculate":
    case "commit":
    case "discard":
    case "clear":
    case "denormalize":
    case "normalize":
    case "trunc":
      return present(statement.value);
    default:
      return [];
  }
}

/**
 * Visits every statement and every expression of clauses.
 *
 * @param clauses The clauses.
 * @param visit Called for each; operands come after what they belong to.
 */
export function walk(
  clauses: readonly Clause[],
  visit: { statement?(statement: Statement): void; expression?(expression: Expression): void },
): void {
  const expression = (one: Expression): void => {
    visit.expression?.(one);
    operandsOf(one).forEach(expression);
  };
  const statement = (one: Statement): void => {
    visit.statement?.(one);
    expressionsOf(one).forEach(expression);
    if (one.kind === "if") [...one.then, ...one.otherwise].forEach(statement);
  };
  for (const clause of clauses) {
    if (clause.predicate !== undefined) expression(clause.predicate);
    clause.statements.forEach(statement);
  }
}
