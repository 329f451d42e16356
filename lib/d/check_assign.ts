/**
 * Checks what changes something: assignments, `++` and `--`, and with them the first mention of a variable.
 *
 * A variable that is not declared comes to be where it is first assigned, with the type of what is assigned; one that is
 * first incremented is an `int64_t`. The keys of an associative array get their types in the same way.
 *
 * @module
 */

import { nearNames } from "../near_names.ts";
import { BUILTINS } from "./builtins.ts";
import { checkDivisor, checkPointerTarget, failIncompatible } from "./check_operators.ts";
import { scale, structValue } from "./check_member.ts";
import { checkNoAction } from "./check_call.ts";
import { checkKey } from "./check_key.ts";
import { fail } from "./compile_error.ts";
import {
  isArgumentCompatible,
  isInteger,
  isPointer,
  isSigned,
  isString,
  isStringLike,
  promote,
  targetOf,
} from "./compatible.ts";
import { type Environment, type Identifier, isReserved } from "./environment.ts";
import type { Element, Expression, Place, Scope, Variable, VariableReference } from "./expression.ts";
import { type ArithmeticOperator, int64Of, isTrue } from "./int64.ts";
import { convert, decay, type Operand, toStringValue } from "./nodes.ts";
import { checkKeyCount, typeProblem } from "./prototypes.ts";
import type { AssignSyntax, ExpressionSyntax } from "./syntax.ts";
import { typeName } from "./type_name.ts";
import { formOf, resolve, sizeOf, type Type } from "./types.ts";

/** A variable as an expression names it. */
interface VariableName {
  readonly scope: Scope;
  readonly name: string;
  /** Undefined if there are no brackets. */
  readonly keys: readonly ExpressionSyntax[] | undefined;
}

const SCOPES: Readonly<Record<string, Scope>> = { self: "thread", this: "clause" };
const PREFIXES: Readonly<Record<Scope, string>> = { global: "", thread: "self->", clause: "this->" };

/** Finds out whether an expression has the shape of a variable of the program, and of which. */
export function variableNameOf(environment: Environment, syntax: ExpressionSyntax): VariableName | undefined {
  if (syntax.kind === "identifier") {
    const isOther = environment.binding(syntax.name) !== undefined || isReserved(syntax.name) ||
      syntax.name.includes("`");
    return isOther ? undefined : { scope: "global", name: syntax.name, keys: undefined };
  }
  if (syntax.kind === "member") {
    const scope = syntax.base.kind === "identifier" ? SCOPES[syntax.base.name] : undefined;
    return scope === undefined ? undefined : { scope, name: syntax.name, keys: undefined };
  }
  if (syntax.kind !== "index") return undefined;
  const array = variableNameOf(environment, syntax.base);
  return array === undefined || array.keys !== undefined ? undefined : { ...array, keys: syntax.keys };
}

/**
 * Makes a reference to a variable that is there.
 *
 * @param environment The names.
 * @param named The variable, and its keys.
 * @param identifier What the name means.
 * @param line The line of the reference.
 * @returns The variable or element.
 */
export function referTo(
  environment: Environment,
  named: VariableName,
  identifier: Extract<Identifier, { kind: "variable" }>,
  line: number,
): VariableReference | Element {
  const { variable, keyTypes } = identifier;
  const { type, form } = variable;
  const name = PREFIXES[named.scope] + named.name;
  if (named.scope === "global") environment.noteAttributes(named.name);
  if (variable.keys === undefined) return { kind: "variable", variable, type, form, line };
  if (named.keys === undefined) {
    fail("D_IDENT_BADREF", line, `associative array ${name} may not be referenced without its keys`);
  }
  const keys = checkKeys(environment, name, keyTypes, named.keys, line);
  return { kind: "element", variable, keys, type, form, line };
}

/** Checks keys against the types that an array has. */
function checkKeys(
  environment: Environment,
  name: string,
  types: readonly Type[],
  syntaxes: readonly ExpressionSyntax[],
  line: number,
): Expression[] {
  checkKeyCount(name, syntaxes.length, types.length, line);
  return syntaxes.map((syntax, index) => {
    const key = checkKey(environment, syntax, { kind: "associative array", name }, index);
    const type = types[index]!;
    if (!isArgumentCompatible(type, key)) {
      fail(
        "D_PROTO_ARG",
        line,
        typeProblem(`${name}[ ] key`, index, typeName(type), typeName(key.type)),
      );
    }
    return isString(type) ? toStringValue(key) : convert(key, type);
  });
}

/** The types that keys give to an array which is first mentioned with them. */
function keyTypesOf(environment: Environment, name: string, syntaxes: readonly ExpressionSyntax[]): Type[] {
  return syntaxes.map((syntax, index) =>
    checkKey(environment, syntax, { kind: "associative array", name }, index).type
  );
}

/**
 * Checks a place that is to be changed.
 *
 * @param environment The names.
 * @param syntax The place.
 * @param operator The operator that changes it, for messages.
 * @param typeIfNew The type of a variable that comes to be here; computed only then.
 * @returns The place.
 */
function checkPlace(
  environment: Environment,
  syntax: ExpressionSyntax,
  operator: string,
  typeIfNew: () => Type,
): Place {
  const { line } = syntax;
  const named = variableNameOf(environment, syntax);
  if (named !== undefined) {
    const identifier = environment.find(named.scope, named.name);
    if (identifier === undefined) return makeVariable(environment, named, typeIfNew, line);
    if (identifier.kind === "variable" && (identifier.variable.keys !== undefined || named.keys === undefined)) {
      return referTo(environment, named, identifier, line);
    }
  }
  const checked = environment.check(syntax);
  if (checked.kind === "load" || checked.kind === "variable" || checked.kind === "element") return checked;
  const isVariable = checked.kind === "builtin" || checked.kind === "argument" || checked.kind === "register" ||
    checked.kind === "translated" || syntax.kind === "identifier";
  if (isVariable) fail("D_OP_WRITE", line, `operator ${operator} can only be applied to a writable variable`);
  fail("D_OP_LVAL", line, `operator ${operator} requires modifiable lvalue as an operand`);
}

function makeVariable(
  environment: Environment,
  named: VariableName,
  typeIfNew: () => Type,
  line: number,
): VariableReference | Element {
  const { scope, name } = named;
  if (scope === "clause" && named.keys !== undefined) {
    fail("D_ARR_LOCAL", line, `this->${name} may not be used as a clause-local associative array`);
  }
  const keyTypes = named.keys && keyTypesOf(environment, name, named.keys);
  const type = typeIfNew();
  // The type's own expression may have been the first to mention the variable.
  if (environment.find(scope, name) === undefined) environment.declare(scope, name, type, keyTypes, line);
  const identifier = environment.find(scope, name) as Extract<Identifier, { kind: "variable" }>;
  return referTo(environment, named, identifier, line);
}

/**
 * Checks an assignment.
 *
 * @param environment The names.
 * @param syntax The assignment.
 * @returns Its value.
 */
export function checkAssign(environment: Environment, syntax: AssignSyntax): Expression {
  const { operator, left, right, line } = syntax;
  if (left.kind === "aggregation") {
    fail("D_AGG_FUNC", line, `aggregation @${left.name} may only be assigned an aggregating function`);
  }
  // Two pairs of brackets behind an aggregation are wrong whatever is assigned.
  if (left.kind === "index" && left.base.kind === "aggregation") environment.check(left);
  const operand = environment.check(right);
  if (operator === "=") return checkPlainAssign(environment, left, operand, line);
  const value = structValue(environment, operand);
  const int64 = () => environment.type("int64_t");
  const place = checkPlace(environment, left, operator, int64);
  return compound(environment, place, operator.slice(0, -1) as ArithmeticOperator, value, line);
}

function checkPlainAssign(
  environment: Environment,
  left: ExpressionSyntax,
  operand: Operand,
  line: number,
): Expression {
  const value = structValue(environment, operand);
  checkAssignable(value, line);
  const place = checkPlace(environment, left, "=", () => newType(environment, value, line));
  const { type, form } = place;
  return {
    kind: "assign",
    place,
    operator: undefined,
    signed: false,
    value: valueFor(environment, place, value, line),
    type,
    form,
    line,
  };
}

/** Checks that a value can be kept in a variable. */
function checkAssignable(value: Expression, line: number): void {
  const { kind } = value.form;
  if (kind === "stack" || kind === "symbol") {
    fail("D_OP_ACT", line, "operator = cannot be applied to the result of a tracing function");
  }
  checkNoAction(value);
  if (kind === "void") fail("D_OP_VOID", line, "operator = cannot be applied to a void expression");
  if (kind === "float") {
    fail("D_OP_ARITH", line, "operator = requires operands of arithmetic type, and D has no floating-point variables");
  }
}

/** The type of a variable that comes to be by an assignment. */
function newType(environment: Environment, value: Expression, line: number): Type {
  const type = resolve(value.type);
  if (type.kind !== "array") return value.type;
  if (isStringLike(type)) return environment.type("string");
  fail("D_OP_ARRFUN", line, "operator = may not be applied to operand of array type");
}

/** Makes what is assigned to a place of what stands on the right side. */
function valueFor(environment: Environment, place: Place, value: Expression, line: number): Expression {
  const { kind } = resolve(place.type);
  // A zero frees an element or a thread's variable that is a structure, too.
  const isFreed = place.kind === "element" || (place.kind === "variable" && place.variable.scope === "thread");
  if (isFreed && place.form.kind === "bytes" && value.kind === "constant" && !isTrue(value.value)) return value;
  if (kind === "array" || kind === "function") {
    fail("D_OP_ARRFUN", line, `operator = may not be applied to operand of type "${typeName(place.type)}"`);
  }
  if (kind === "string" && value.kind === "constant" && !isTrue(value.value)) {
    const type = environment.type("string");
    return { kind: "string", bytes: new Uint8Array(0), type, form: formOf(type), line };
  }
  if (!isArgumentCompatible(place.type, value)) failIncompatible("=", place, value, line);
  if (kind === "string") return toStringValue(value);
  if (isPointer(place.type) && isString(value.type)) failIncompatible("=", place, value, line);
  return convert(decay(value), place.type);
}

/** Makes an assignment with an operator. */
function compound(
  environment: Environment,
  place: Place,
  operator: ArithmeticOperator,
  value: Expression,
  line: number,
): Expression {
  const { type, form } = place;
  if (isPointer(type) && (operator === "+" || operator === "-")) {
    checkPointerTarget(`${operator}=`, type, line);
    if (!isInteger(value.type)) failIncompatible(`${operator}=`, place, value, line);
    const size = sizeOf(targetOf(type)!, environment.strsize);
    return { kind: "assign", place, operator, signed: false, value: scale(environment, value, size), type, form, line };
  }
  if (!isInteger(type) || !isInteger(value.type)) {
    const isIntegral = ["%", "&", "|", "^", "<<", ">>"].includes(operator);
    const [tag, kind] = isIntegral ? ["D_OP_INT", "integral"] : ["D_OP_ARITH", "arithmetic"];
    fail(tag!, line, `operator ${operator}= requires operands of ${kind} type`);
  }
  checkDivisor(operator, value, line);
  const int = environment.type("int");
  const signed = isSigned(promote(type, value.type, int));
  return { kind: "assign", place, operator, signed, value, type, form, line };
}

/**
 * Checks `++` and `--`.
 *
 * @param environment The names.
 * @param operator The operator.
 * @param syntax Its operand.
 * @param postfix Whether the operator stands behind the operand.
 * @param line Its line.
 * @returns Its value.
 */
export function checkStep(
  environment: Environment,
  operator: "++" | "--",
  syntax: ExpressionSyntax,
  postfix: boolean,
  line: number,
): Expression {
  const place = checkPlace(environment, syntax, operator, () => environment.type("int64_t"));
  const { type, form } = place;
  if (!isInteger(type) && resolve(type).kind !== "pointer") {
    fail("D_OP_SCALAR", line, `operator ${operator} requires operand of scalar type`);
  }
  checkPointerTarget(operator, type, line);
  const size = isInteger(type) ? 1 : sizeOf(targetOf(type)!, environment.strsize);
  const by = int64Of(operator === "++" ? size : -size);
  return { kind: "step", place, by, postfix, type, form, line };
}

/** Makes a reference to a variable that must be there, and says so if it is not. */
export function checkVariable(environment: Environment, named: VariableName, line: number): Expression {
  const identifier = environment.find(named.scope, named.name);
  if (identifier?.kind === "variable") return referTo(environment, named, identifier, line);
  const name = PREFIXES[named.scope] + named.name;
  if (named.scope === "global" && named.keys === undefined) {
    const [near] = nearNames(name, [...environment.identifiers.keys(), ...Object.keys(BUILTINS)], 1);
    const hint = near === undefined ? undefined : `did you mean ${near}?`;
    fail("D_IDENT_UNDEF", line, `failed to resolve ${name}: Unknown variable name`, hint);
  }
  const brackets = named.keys === undefined ? "" : "[ ]";
  fail("D_VAR_UNDEF", line, `${name}${brackets} has not yet been declared or assigned`);
}

/** A variable and whether it is an associative array; for the checker of indexes. */
export function arrayOf(environment: Environment, named: VariableName): Variable | undefined {
  const identifier = environment.find(named.scope, named.name);
  return identifier?.kind === "variable" && identifier.variable.keys !== undefined ? identifier.variable : undefined;
}
