/**
 * Checks actions: the functions that are statements.
 *
 * @module
 */

import { checkArguments, checkCount } from "./check_call.ts";
import { checkFormat } from "./check_format.ts";
import { aggregationName } from "./check_aggregate.ts";
import { checkDereference, structValue } from "./check_member.ts";
import { fail } from "./compile_error.ts";
import { isSameType, isScalar, isStringLike, structOf, targetOf } from "./compatible.ts";
import type { Environment } from "./environment.ts";
import type { Expression, Load } from "./expression.ts";
import { numberOf } from "./int64.ts";
import { decay, toStringValue } from "./nodes.ts";
import { type ActionName, passed, type Prototype, typeProblem } from "./prototypes.ts";
import type { CallSyntax, ExpressionSyntax } from "./syntax.ts";
import type { Action, Aggregation } from "./tree.ts";
import { typeName } from "./type_name.ts";
import { resolve, sizeOf } from "./types.ts";

/** Checks the call of one action. */
type Checker = (environment: Environment, syntax: CallSyntax, prototype: Prototype) => Action;

const CHECKERS: Readonly<Record<ActionName, Checker>> = {
  "breakpoint": checkPlain,
  chill: checkNumber,
  clear: checkOnAggregation,
  commit: checkNumber,
  denormalize: checkOnAggregation,
  discard: checkNumber,
  exit: checkNumber,
  freopen: checkFormatted,
  ftruncate: checkPlain,
  normalize: checkOnAggregation,
  panic: checkPlain,
  print: checkPrint,
  printa: checkPrintAggregations,
  printf: checkFormatted,
  raise: checkNumber,
  setopt: checkSetOption,
  speculate: checkNumber,
  stop: checkPlain,
  system: checkFormatted,
  trace: checkTrace,
  tracemem: checkTraceMemory,
  trunc: checkOnAggregation,
};

/**
 * Checks an action.
 *
 * @param environment The names.
 * @param syntax The call.
 * @param prototype The action's prototype.
 * @returns The statement.
 */
export function checkAction(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  return CHECKERS[prototype.name as ActionName](environment, syntax, prototype);
}

function checkPlain(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  checkArguments(environment, prototype, syntax);
  return { kind: prototype.name as "stop", line: syntax.line };
}

function checkNumber(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  const [value] = checkArguments(environment, prototype, syntax);
  return { kind: prototype.name as "exit", value: value!, line: syntax.line };
}

/** Checks a value that is recorded. */
function checkRecorded(environment: Environment, name: "print" | "trace", syntax: ExpressionSyntax): Expression {
  const tag = name.toUpperCase();
  if (syntax.kind === "aggregation") {
    fail(`D_${tag}_DYN`, syntax, `${name}( ) may not be applied to a dynamic expression`);
  }
  const operand = environment.check(syntax);
  if (operand.kind === "translated" && resolve(operand.type).kind === "pointer") {
    fail(`D_${tag}_DYN`, syntax, `${name}( ) may not be applied to a translated pointer`);
  }
  const value = structValue(environment, operand);
  if (value.form.kind === "void") {
    fail(`D_${tag}_VOID`, syntax, `${name}( ) may not be applied to a void expression`);
  }
  return value;
}

function checkTrace(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  checkCount(prototype, syntax);
  return { kind: "trace", value: checkRecorded(environment, "trace", syntax.arguments[0]!), line: syntax.line };
}

function checkPrint(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  checkCount(prototype, syntax);
  const { line } = syntax;
  const value = checkRecorded(environment, "print", syntax.arguments[0]!);
  const to = resolve(value.type).kind === "pointer" ? targetOf(value.type)! : undefined;
  if (to === undefined || resolve(to).kind === "function") return { kind: "print", value, target: undefined, line };
  const struct = structOf(to);
  if (resolve(to).kind === "void" || struct?.complete === false || sizeOf(to, environment.strsize) === 0) {
    const type = `'${typeName(to)}' with size 0`;
    fail("D_PRINT_SIZE", line, `print( ) argument #1 reference has type ${type}; cannot print( ) it.`);
  }
  return { kind: "print", value, target: checkDereference(value, line) as Load, line };
}

function checkTraceMemory(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  const { line } = syntax;
  const [first, size, dynamicBytes] = checkArguments(environment, prototype, syntax);
  const address = decay(first!);
  if (!isScalar(address.type)) {
    fail("D_TRACEMEM_ADDR", line, "tracemem( ) argument #1 must be a pointer or integral type");
  }
  const sizeBytes = size!.kind === "constant" ? numberOf(size!.value, true) : NaN;
  if (!(sizeBytes > 0)) {
    fail("D_TRACEMEM_SIZE", line, "tracemem( ) argument #2 must be a non-zero positive integral constant expression");
  }
  return { kind: "tracemem", address, sizeBytes, dynamicBytes, line };
}

/** `printf`, `system` and `freopen`. */
function checkFormatted(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  checkCount(prototype, syntax);
  const { line } = syntax;
  const name = prototype.name as "printf" | "system" | "freopen";
  const [formatSyntax, ...rest] = syntax.arguments;
  const bytes = formatBytes(environment, name, formatSyntax!);
  const values = rest.map((argument) => checkPrinted(environment, name, argument));
  const types = values.map(({ type }) => type);
  const format = checkFormat(bytes, { name, types, aggregations: undefined, line });
  const text = new TextDecoder().decode(bytes);
  if (name === "freopen" && (text === "." || text === "..")) {
    fail("D_FREOPEN_INVALID", line, `freopen( ) argument #1 cannot be "${text}"`);
  }
  return { kind: name, format, arguments: values, line };
}

/** The bytes of a format, which must be a constant. */
function formatBytes(environment: Environment, name: string, syntax: ExpressionSyntax): Uint8Array {
  const format = syntax.kind === "aggregation" ? undefined : environment.value(syntax);
  if (format?.kind === "string") {
    // freopen("") goes back to where the output went first.
    if (format.bytes.length > 0 || name === "freopen") return format.bytes;
    fail("D_PRINTF_FMT_EMPTY", syntax, `${name}( ) format string is empty`);
  }
  const type = format === undefined ? "aggregation" : typeName(format.type);
  const isText = format !== undefined && isStringLike(format.type);
  fail(
    isText ? "D_PRINTF_ARG_FMT" : "D_PROTO_ARG",
    syntax,
    typeProblem(`${name}( ) argument`, 0, isText ? "string constant" : "string", type),
  );
}

/** Checks a value that a format prints. */
function checkPrinted(environment: Environment, name: string, syntax: ExpressionSyntax): Expression {
  if (syntax.kind === "aggregation") {
    fail("D_PRINTF_ARG_TYPE", syntax, `${name}( ) arguments may not be aggregations: @${syntax.name}`, "Use printa()");
  }
  const value = environment.value(syntax);
  if (value.form.kind === "void") {
    fail("D_PRINTF_ARG_TYPE", syntax, `${name}( ) may not be applied to a void expression`);
  }
  return resolve(value.type).kind === "array" && isStringLike(value.type) ? toStringValue(value) : value;
}

/** `printa(format, @a, @b...)` and `printa(@a, @b...)`. */
function checkPrintAggregations(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  checkCount(prototype, syntax);
  const { line } = syntax;
  const hasFormat = isFormat(environment, syntax.arguments[0]!);
  const list = hasFormat ? syntax.arguments.slice(1) : syntax.arguments;
  const bytes = hasFormat ? formatBytes(environment, "printa", syntax.arguments[0]!) : undefined;
  if (list.length === 0) {
    fail("D_PRINTA_PROTO", line, "printa( ) prototype mismatch: at least one aggregation is expected");
  }
  const aggregations = list.map((argument, index) =>
    aggregationOf(environment, "D_PRINTA", "printa", argument, index + (hasFormat ? 1 : 0))
  );
  const [first] = aggregations;
  for (const other of aggregations) checkSameKeys(first!, other, line);
  const types = first!.keyTypes;
  const format = bytes && checkFormat(bytes, { name: "printa", types, aggregations: list.length, line });
  return { kind: "printa", format, aggregations, line };
}

/** Whether the first argument of `printa` is a format; what is neither that nor an aggregation is a wrong one. */
function isFormat(environment: Environment, syntax: ExpressionSyntax): boolean {
  return syntax.kind !== "aggregation" && isStringLike(environment.check(syntax).type);
}

function checkSameKeys(first: Aggregation, other: Aggregation, line: number): void {
  const names = `printa( ) @${other.name} and @${first.name}`;
  if (first.keys.length !== other.keys.length) {
    fail("D_PRINTA_AGGPROTO", line, `${names} have different numbers of keys`);
  }
  const isSame = first.keyTypes.every((type, index) => isSameType(type, other.keyTypes[index]!));
  if (!isSame) fail("D_PRINTA_AGGKEY", line, `${names} have keys of different types`);
}

/** Finds the aggregation that an argument names. */
function aggregationOf(
  environment: Environment,
  tag: string,
  name: string,
  syntax: ExpressionSyntax,
  index: number,
): Aggregation {
  const { line } = syntax;
  if (syntax.kind !== "aggregation") {
    const type = typeName(environment.check(syntax).type);
    fail(
      `${tag}_AGGARG`,
      line,
      typeProblem(`${name}( ) argument`, index, "aggregation", type),
    );
  }
  if (syntax.keys !== undefined) {
    fail(`${tag}_AGGARG`, line, `${name}( ) argument #${index + 1} must be an aggregation without keys`);
  }
  const aggregation = environment.aggregations.get(aggregationName(syntax));
  if (aggregation === undefined) fail(`${tag}_AGGBAD`, line, `undefined aggregation: @${syntax.name}`);
  return aggregation;
}

/** `clear`, `normalize`, `denormalize` and `trunc`. */
function checkOnAggregation(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  const { line } = syntax;
  const kind = prototype.name as "clear" | "denormalize" | "normalize" | "trunc";
  const tag = `D_${kind.toUpperCase()}`;
  const count = syntax.arguments.length;
  const [least, most] = kind === "normalize" ? [2, 2] : kind === "trunc" ? [1, 2] : [1, 1];
  if (count < least! || count > most!) {
    const expected = kind === "trunc" ? (count === 0 ? "at least 1" : "at most 2") : String(least);
    fail(`${tag}_PROTO`, line, `${kind}( ) ${passed("arg", count, expected)}`);
  }
  const aggregation = aggregationOf(environment, tag, kind, syntax.arguments[0]!, 0);
  const value = count === 2 ? environment.value(syntax.arguments[1]!) : undefined;
  if (value !== undefined && !isScalar(value.type)) {
    fail(`${tag}_SCALAR`, line, `${kind}( ) argument #2 must be of scalar type`);
  }
  return { kind, aggregation, value, line };
}

function checkSetOption(environment: Environment, syntax: CallSyntax, prototype: Prototype): Action {
  const [name, value] = checkArguments(environment, prototype, syntax);
  return { kind: "setopt", name: name!, value, line: syntax.line };
}
