/**
 * Checks calls against the table of prototypes, and makes those that are expressions: subroutines, stacks and symbols.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { isArgumentCompatible, isInteger, isStringLike } from "./compatible.ts";
import { type Environment, isReserved } from "./environment.ts";
import type { Call, Expression, Stack, SubroutineName, SymbolOf } from "./expression.ts";
import { formatInt64, isTrue, numberOf } from "./int64.ts";
import { convert, decay, toStringValue } from "./nodes.ts";
import {
  countProblem,
  FUNCTION_KIND_NAMES,
  type Prototype,
  PROTOTYPES,
  type StackName,
  typeProblem,
} from "./prototypes.ts";
import { functionAttributes } from "./reliance.ts";
import type { CallSyntax } from "./syntax.ts";
import { typeName } from "./type_name.ts";
import { formOf, resolve, type SymbolKind, type Type } from "./types.ts";
import { allExpressions } from "./walk.ts";

/**
 * Finds the function that is called.
 *
 * @param environment The names.
 * @param syntax The call.
 * @returns Its prototype.
 * @throws {CompileError} `D_FUNC_IDENT`, `D_FUNC_IDKIND`, `D_FUNC_UNDEF`.
 */
export function prototypeOf(environment: Environment, { callee, line }: CallSyntax): Prototype {
  if (callee.kind !== "identifier") fail("D_FUNC_IDENT", line, "function designator is not of function type");
  const prototype = PROTOTYPES.get(callee.name);
  if (prototype !== undefined) {
    environment.clause?.attributes.push(functionAttributes(prototype.name));
    return prototype;
  }
  const identifier = environment.identifiers.get(callee.name);
  if (identifier !== undefined || isReserved(callee.name)) {
    const kind = identifier?.kind === "enumerator" ? "enumerator" : "variable";
    fail("D_FUNC_IDKIND", line, `${kind} '${callee.name}' is not a function`);
  }
  fail("D_FUNC_UNDEF", line, `undefined function name: ${callee.name}`);
}

/**
 * Checks a call in an expression.
 *
 * @param environment The names.
 * @param syntax The call.
 * @returns Its value.
 *   An action is a call that has none, for {@linkcode checkNoAction} to find where nobody has minded that.
 * @throws {CompileError} If something is wrong with its arguments.
 */
export function checkCall(environment: Environment, syntax: CallSyntax): Expression {
  const prototype = prototypeOf(environment, syntax);
  const { name, kind, returns } = prototype;
  const { line } = syntax;
  if (kind === "action" || kind === "aggregating") return { ...nothing(line), name: name as SubroutineName };
  if (kind === "stack") return checkStack(environment, syntax, name as StackName);
  const list = checkArguments(environment, prototype, syntax);
  if (kind === "symbol") {
    const type: Type = { kind: "symbol", of: name as SymbolKind };
    return {
      kind: "symbol",
      of: name as SymbolKind,
      address: list[0]!,
      type,
      form: formOf(type),
      line,
    } satisfies SymbolOf;
  }
  const size = name === "alloca" ? list[0] : name === "copyin" ? list[1] : undefined;
  if (size !== undefined) checkScratch(environment, name, size);
  const type = environment.type(returns);
  return { kind: "call", name: name as SubroutineName, arguments: list, type, form: formOf(type), line } satisfies Call;
}

/** Checks that a size that is known is not more than all scratch memory. */
function checkScratch({ scratchsize }: Environment, name: string, size: Expression): void {
  if (size.kind !== "constant" || scratchsize === undefined || numberOf(size.value, false) <= scratchsize) return;
  const text = formatInt64(size.value, false);
  fail("D_ALLOCA_SIZE", size, `${name}(${text}) size larger than scratchsize ${scratchsize}`);
}

function nothing(line: number): Omit<Call, "name"> {
  return { kind: "call", arguments: [], type: { kind: "void" }, form: { kind: "void" }, line };
}

/**
 * Checks that there is no action in an expression.
 *
 * @param expression The expression.
 * @throws {CompileError} `D_CG_EXPR`.
 */
export function checkNoAction(expression: Expression): void {
  for (const part of allExpressions(expression)) {
    if (part.kind !== "call") continue;
    const { name, kind } = PROTOTYPES.get(part.name)!;
    if (kind === "subroutine") continue;
    fail(
      "D_CG_EXPR",
      part,
      `${FUNCTION_KIND_NAMES[kind]} ${name}( ) may not be called from a D expression (D program context required)`,
    );
  }
}

/**
 * Checks the arguments of a call, and gives them the types of the parameters.
 *
 * @param environment The names.
 * @param prototype The function.
 * @param syntax The call.
 * @returns The arguments; those beyond the parameters as they are.
 * @throws {CompileError} `D_PROTO_LEN`, `D_PROTO_ARG`.
 */
export function checkArguments(environment: Environment, prototype: Prototype, syntax: CallSyntax): Expression[] {
  checkCount(prototype, syntax);
  return syntax.arguments.map((argument, index) => {
    const value = environment.value(argument);
    const parameter = prototype.parameters[index];
    return parameter === undefined ? value : checkArgument(environment, prototype, parameter.type, value, index);
  });
}

/** Checks how many arguments there are. */
export function checkCount(prototype: Prototype, syntax: CallSyntax): void {
  const problem = countProblem(prototype, syntax.arguments.length);
  if (problem !== undefined) fail("D_PROTO_LEN", syntax, `${prototype.name}( ) ${problem}`);
}

function checkArgument(
  environment: Environment,
  { name }: Prototype,
  parameter: string,
  value: Expression,
  index: number,
): Expression {
  if (parameter === "@") return value;
  const wanted = environment.type(parameter);
  if (!isArgumentCompatible(wanted, value)) {
    const hint = parameter === "uintptr_t" && resolve(value.type).kind === "pointer"
      ? "Write (uintptr_t) in front of the pointer"
      : undefined;
    fail(
      "D_PROTO_ARG",
      value,
      typeProblem(`${name}( ) argument`, index, parameter, typeName(value.type)),
      hint,
    );
  }
  if (!isStringLike(wanted)) return convert(decay(value), wanted);
  // strtok(0, ...) goes on where it was.
  const isNull = name === "strtok" && index === 0 && value.kind === "constant" && !isTrue(value.value);
  return isNull ? value : toStringValue(value);
}

function checkInteger(name: string, value: Expression, index: number): void {
  if (isInteger(value.type)) return;
  fail(
    "D_PROTO_ARG",
    value,
    typeProblem(`${name}( ) argument`, index, "uint32_t", typeName(value.type)),
  );
}

/** Checks `stack(frames)`, `ustack(frames, bytes)` and `jstack(frames, bytes)`. */
function checkStack(environment: Environment, syntax: CallSyntax, name: StackName): Stack {
  const { line } = syntax;
  const most = name === "stack" ? 1 : 2;
  if (syntax.arguments.length > most) {
    fail(
      name === "stack" ? "D_STACK_PROTO" : "D_USTACK_PROTO",
      line,
      `${name}( ) prototype mismatch: too many arguments`,
    );
  }
  const [frames, bytes] = syntax.arguments.map((argument, index) => {
    const value = environment.value(argument);
    if (name !== "stack") checkInteger(name, value, index);
    return value.kind === "constant" && isInteger(value.type) && value.form.kind === "number"
      ? numberOf(value.value, value.form.signed)
      : NaN;
  });
  if (frames !== undefined && !(frames > 0)) {
    if (name === "stack") {
      fail("D_STACK_SIZE", line, "stack( ) size must be a non-zero positive integral constant expression");
    }
    fail("D_USTACK_FRAMES", line, `${name}( ) argument #1 must be a non-zero positive integer constant`);
  }
  if (bytes !== undefined && !(bytes >= 0)) {
    fail("D_USTACK_STRSIZE", line, `${name}( ) argument #2 must be a positive integer constant`);
  }
  const type: Type = { kind: "stack" };
  return { kind: "stack", of: name, frames, stringBytes: bytes, type, form: formOf(type), line };
}
