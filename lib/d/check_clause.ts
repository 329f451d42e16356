/**
 * Checks clauses: their predicates, their statements, and the order of what records and speculates.
 *
 * A clause may speculate, or commit what it has speculated, but what is recorded must all go to one place: it cannot
 * record first and speculate then. What cannot be undone, or is not recorded in a buffer, cannot be speculative.
 *
 * @module
 */

import { checkAction } from "./check_action.ts";
import { checkAggregate } from "./check_aggregate.ts";
import { checkCall, checkNoAction, prototypeOf } from "./check_call.ts";
import { CompileError, fail, type Region } from "./compile_error.ts";
import { isScalar } from "./compatible.ts";
import type { Environment } from "./environment.ts";
import type { Expression } from "./expression.ts";
import { DESTRUCTIVE_ACTIONS, isDestructive } from "./needs.ts";
import { decay } from "./nodes.ts";
import type { CallSyntax, ClauseSyntax, ExpressionSyntax, StatementSyntax } from "./syntax.ts";
import type { Statement } from "./tree.ts";
import { allExpressions, expressionsOf } from "./walk.ts";

/** What a clause does, checked. */
export interface CheckedClause {
  readonly predicate: Expression | undefined;
  readonly statements: readonly Statement[];
}

/**
 * Checks a clause.
 *
 * @param environment The names; its `clause` is the one to check.
 * @param syntax The clause.
 * @returns What it does.
 */
export function checkClause(environment: Environment, { predicate, statements }: ClauseSyntax): CheckedClause {
  const checkedPredicate = predicate && inRegion("predicate", () => checkCondition(environment, predicate));
  return inRegion("action list", () => {
    const checked = statements.map((statement) => checkStatement(environment, statement));
    checkOrder(checked, { commits: false, speculates: false, records: false });
    return { predicate: checkedPredicate, statements: checked };
  });
}

/** Does something whose errors are in a part of a clause. */
export function inRegion<T>(region: Region, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof CompileError) || error.place.region !== undefined) throw error;
    throw new CompileError(error.tag, { ...error.place, region }, error.text, true, error.hint);
  }
}

function checkCondition(environment: Environment, syntax: ExpressionSyntax): Expression {
  const condition = decay(environment.value(syntax));
  if (!isScalar(condition.type)) fail("D_PRED_SCALAR", syntax, "predicate result must be of scalar type");
  return condition;
}

function checkStatement(environment: Environment, syntax: StatementSyntax): Statement {
  const statement = checkAnyStatement(environment, syntax);
  expressionsOf(statement).forEach(checkNoAction);
  return statement;
}

function checkAnyStatement(environment: Environment, syntax: StatementSyntax): Statement {
  const { line } = syntax;
  if (syntax.kind === "if") {
    return {
      kind: "if",
      condition: checkCondition(environment, syntax.condition),
      then: syntax.then.map((statement) => checkStatement(environment, statement)),
      otherwise: syntax.otherwise.map((statement) => checkStatement(environment, statement)),
      line,
    };
  }
  const { expression } = syntax;
  if (expression.kind === "aggregation") fail("D_AGG_NULL", line, "expression has null effect");
  if (expression.kind === "assign" && expression.left.kind === "aggregation" && expression.operator === "=") {
    return checkAggregate(environment, expression.left, expression.right);
  }
  if (expression.kind === "call") return checkCallStatement(environment, expression);
  return { kind: "expression", expression: environment.value(expression), line };
}

function checkCallStatement(environment: Environment, syntax: CallSyntax): Statement {
  const prototype = prototypeOf(environment, syntax);
  const { line } = syntax;
  if (prototype.kind === "action") return checkAction(environment, syntax, prototype);
  const value = checkCall(environment, syntax);
  const isRecorded = prototype.kind === "stack" || prototype.kind === "symbol";
  return isRecorded ? { kind: "trace", value, line } : { kind: "expression", expression: value, line };
}

/** What a clause has done up to a statement. */
interface Order {
  readonly commits: boolean;
  readonly speculates: boolean;
  readonly records: boolean;
}

/** Checks the order of statements, and tells what they have done. */
function checkOrder(statements: readonly Statement[], before: Order): Order {
  let order = before;
  for (const statement of statements) {
    if (statement.kind === "if") {
      const branches = [checkOrder(statement.then, order), checkOrder(statement.otherwise, order)];
      order = {
        commits: branches.some(({ commits }) => commits),
        speculates: branches.some(({ speculates }) => speculates),
        records: branches.some(({ records }) => records),
      };
    } else order = checkNext(statement, order);
  }
  return order;
}

/** Whether a statement changes the program: an action that does, or an expression that copies something out. */
function changesProgram(statement: Statement): boolean {
  return DESTRUCTIVE_ACTIONS.has(statement.kind) ||
    expressionsOf(statement).flatMap(allExpressions).some(isDestructive);
}

function checkNext(statement: Exclude<Statement, { kind: "if" }>, order: Order): Order {
  const { kind } = statement;
  const { commits, speculates, records } = order;
  if (kind === "commit") {
    if (records) fail("D_COMM_DREC", statement, "commit( ) may not follow data-recording action(s)");
    return { ...order, commits: true };
  }
  if (kind === "speculate") {
    if (speculates) fail("D_SPEC_SPEC", statement, "speculate( ) may not follow speculate( )");
    if (commits) fail("D_SPEC_COMM", statement, "speculate( ) may not follow commit( )");
    if (records) fail("D_SPEC_DREC", statement, "speculate( ) may not follow data-recording action(s)");
    return { ...order, speculates: true };
  }
  if (kind === "aggregate") {
    if (commits) fail("D_AGG_COMM", statement, "aggregating actions may not follow commit( )");
    if (speculates) fail("D_AGG_SPEC", statement, "aggregating actions may not follow speculate( )");
    return { ...order, records: true };
  }
  if (speculates && changesProgram(statement)) {
    fail("D_ACT_SPEC", statement, "destructive actions may not follow speculate( )");
  }
  if (speculates && kind === "exit") fail("D_EXIT_SPEC", statement, "exit( ) may not follow speculate( )");
  if (kind === "expression" || kind === "discard" || DESTRUCTIVE_ACTIONS.has(kind)) return order;
  if (commits) fail("D_DREC_COMM", statement, "data-recording actions may not follow commit( )");
  return speculates ? order : { ...order, records: true };
}
