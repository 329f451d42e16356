/**
 * Walks over the typed tree.
 *
 * @module
 */

import type { Expression, Statement } from "./tree.ts";

/**
 * Lists the operands of an expression.
 *
 * @param expression The expression.
 * @returns Its operands, in the order in which they are evaluated.
 */
export function operandsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
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
    case "address":
      return [expression.operand];
    case "bounded":
      return [expression.index];
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
    default:
      return [];
  }
}

/**
 * Lists the expressions of a statement, those of the statements in it apart.
 *
 * @param statement The statement.
 * @returns Its expressions, in the order in which they are evaluated.
 */
export function expressionsOf(statement: Statement): readonly Expression[] {
  const listed = (...expressions: readonly (Expression | undefined)[]) =>
    expressions.filter((expression) => expression !== undefined);
  switch (statement.kind) {
    case "expression":
      return [statement.expression];
    case "if":
      return [statement.condition];
    case "aggregate":
      return listed(...statement.keys, statement.value, statement.increment);
    case "printf":
    case "system":
    case "freopen":
      return statement.arguments;
    case "setopt":
      return listed(statement.name, statement.value);
    case "print":
      return listed(statement.value, statement.target);
    case "tracemem":
      return listed(statement.address, statement.dynamicBytes);
    default:
      return "value" in statement && typeof statement.value === "object" ? [statement.value] : [];
  }
}

/**
 * Lists statements with those in their branches.
 *
 * @param statements The statements.
 * @returns All of them, outer ones first.
 */
export function* allStatements(statements: readonly Statement[]): Generator<Statement> {
  for (const statement of statements) {
    yield statement;
    if (statement.kind !== "if") continue;
    yield* allStatements(statement.then);
    yield* allStatements(statement.otherwise);
  }
}

/**
 * Finds what an address is computed from: the variable or the element that holds what is there, if one does.
 *
 * @param address The address.
 * @returns The expression at its root.
 */
export function rootOf(address: Expression): Expression {
  switch (address.kind) {
    case "arithmetic":
      return rootOf(address.left);
    case "address":
    case "convert":
      return rootOf(address.operand);
    case "load":
      return address.form.kind === "bytes" ? rootOf(address.address) : address;
    default:
      return address;
  }
}

/**
 * Lists an expression with all that it consists of.
 *
 * @param expression The expression.
 * @returns All of them, outer ones first.
 */
export function allExpressions(expression: Expression): readonly Expression[] {
  const all = [expression];
  // The list grows while it is walked over.
  for (const next of all) all.push(...operandsOf(next));
  return all;
}
