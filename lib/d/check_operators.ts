/**
 * Checks operators that compute values, and folds them if all operands are constants.
 *
 * @module
 */

import { addIndex } from "./check_member.ts";
import { fail } from "./compile_error.ts";
import {
  isAddress,
  isInteger,
  isPointer,
  isPointerCompatible,
  isScalar,
  isSigned,
  isString,
  isStringLike,
  promote,
  targetOf,
} from "./compatible.ts";
import { isComplete } from "./declare.ts";
import type { Environment } from "./environment.ts";
import type { Expression } from "./expression.ts";
import {
  arithmetic,
  type ArithmeticOperator,
  compare,
  type ComparisonOperator,
  complement,
  isTrue,
  negate,
  ONE,
  ZERO,
} from "./int64.ts";
import { constant, convert, decay, numberConstant, toStringValue } from "./nodes.ts";
import type { BinarySyntax } from "./syntax.ts";
import { typeName } from "./type_name.ts";
import { formOf, resolve, sizeOf, type Type } from "./types.ts";

const STRING: Type = { kind: "string" };
const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);
const INTEGRAL: ReadonlySet<string> = new Set(["%", "&", "|", "^", "<<", ">>"]);

/**
 * Checks an operator between two operands.
 *
 * @param environment The names.
 * @param syntax The operator with its operands.
 * @returns Its value.
 */
export function checkBinary(environment: Environment, { operator, left, right, line }: BinarySyntax): Expression {
  const a = environment.value(left);
  const b = environment.value(right);
  if (operator === "&&" || operator === "||" || operator === "^^") {
    return checkLogical(environment, operator, a, b, line);
  }
  if (COMPARISONS.has(operator)) return checkComparison(environment, operator as ComparisonOperator, a, b, line);
  return checkArithmetic(environment, operator as ArithmeticOperator, a, b, line);
}

function checkLogical(
  environment: Environment,
  operator: "&&" | "||" | "^^",
  left: Expression,
  right: Expression,
  line: number,
): Expression {
  const a = decay(left);
  const b = decay(right);
  if (!isScalar(a.type) || !isScalar(b.type)) {
    fail("D_OP_SCALAR", line, `operator ${operator} requires operands of scalar type`);
  }
  const type = environment.type("int");
  if (a.kind === "constant" && b.kind === "constant") {
    const [x, y] = [isTrue(a.value), isTrue(b.value)];
    const result = operator === "&&" ? x && y : operator === "||" ? x || y : x !== y;
    return constant(result ? ONE : ZERO, type, line);
  }
  return { kind: "logical", operator, left: a, right: b, type, form: formOf(type), line };
}

function checkComparison(
  environment: Environment,
  operator: ComparisonOperator,
  left: Expression,
  right: Expression,
  line: number,
): Expression {
  const type = environment.type("int");
  const form = formOf(type);
  const isText = isStringLike(left.type) && isStringLike(right.type) && (isString(left.type) || isString(right.type));
  if (isText) {
    return {
      kind: "string-comparison",
      operator,
      left: toStringValue(left),
      right: toStringValue(right),
      type,
      form,
      line,
    };
  }
  if ((operator === "==" || operator === "!=") && (isNothing(left, right) || isNothing(right, left))) {
    const empty: Expression = { kind: "string", bytes: new Uint8Array(0), type: STRING, form: formOf(STRING), line };
    const string = isString(left.type) ? left : right;
    return { kind: "string-comparison", operator, left: string, right: empty, type, form, line };
  }
  const a = decay(left);
  const b = decay(right);
  const areIntegers = isInteger(a.type) && isInteger(b.type);
  if (!areIntegers && !(isScalar(a.type) && isScalar(b.type) && isPointerCompatible(a, b))) {
    failIncompatible(operator, left, right, line);
  }
  const signed = areIntegers && isSigned(promote(a.type, b.type, type));
  if (a.kind === "constant" && b.kind === "constant") {
    return constant(compare(operator, a.value, b.value, signed) ? ONE : ZERO, type, line);
  }
  return { kind: "comparison", operator, left: a, right: b, signed, type, form, line };
}

/** Whether a string is compared with `NULL`, which is 0: what `strstr()` and its like return is empty then. */
function isNothing(string: Expression, other: Expression): boolean {
  return isString(string.type) && other.kind === "constant" && !isTrue(other.value);
}

/** Says that two operands do not go together. */
export function failIncompatible(
  operator: string,
  left: { readonly type: Type },
  right: { readonly type: Type },
  line: number,
): never {
  const [a, b] = [typeName(left.type), typeName(right.type)];
  fail("D_OP_INCOMPAT", line, `operands have incompatible types: "${a}" ${operator} "${b}"`);
}

/**
 * Checks an operator that computes a number of two operands.
 *
 * @param environment The names.
 * @param operator The operator.
 * @param left The left operand.
 * @param right The right operand.
 * @param line The line of the operator.
 * @returns Its value.
 */
export function checkArithmetic(
  environment: Environment,
  operator: ArithmeticOperator,
  left: Expression,
  right: Expression,
  line: number,
): Expression {
  const areIntegers = isInteger(left.type) && isInteger(right.type);
  if ((operator === "+" || operator === "-") && !areIntegers && (isPointer(left.type) || isPointer(right.type))) {
    return checkPointerArithmetic(environment, operator, decay(left), decay(right), line);
  }
  if (!areIntegers) {
    const kind = INTEGRAL.has(operator) ? "integral" : "arithmetic";
    fail(
      kind === "integral" ? "D_OP_INT" : "D_OP_ARITH",
      line,
      `operator ${operator} requires operands of ${kind} type`,
    );
  }
  checkDivisor(operator, right, line);
  const int = environment.type("int");
  const type = promote(left.type, right.type, int);
  const signed = isSigned(type);
  if (left.kind === "constant" && right.kind === "constant") {
    return constant(arithmetic(operator, left.value, right.value, signed), type, line);
  }
  return { kind: "arithmetic", operator, left, right, signed, type, form: formOf(type), line };
}

/** Checks that a program does not say that it divides by zero. */
export function checkDivisor(operator: string, right: Expression, line: number): void {
  if ((operator === "/" || operator === "%") && right.kind === "constant" && !isTrue(right.value)) {
    fail("D_DIV_ZERO", line, "expression contains division by zero");
  }
}

function checkPointerArithmetic(
  environment: Environment,
  operator: "+" | "-",
  left: Expression,
  right: Expression,
  line: number,
): Expression {
  const isBlind = [left, right].some(({ type }) => ["void", "function"].includes(resolve(targetOf(type) ?? type).kind));
  if (isBlind) failIncompatible(operator, left, right, line);
  for (const { type } of [left, right]) checkPointerTarget(operator, type, line);
  if (isPointer(left.type) && isPointer(right.type)) {
    if (operator === "+") failIncompatible(operator, left, right, line);
    if (!isPointerCompatible(left, right)) failIncompatible(operator, left, right, line);
    return difference(environment, left, right, line);
  }
  const [pointer, index] = isPointer(left.type) ? [left, right] : [right, left];
  if (!isInteger(index.type) || (operator === "-" && pointer === right)) failIncompatible(operator, left, right, line);
  return { ...addIndex(environment, pointer, operator === "-" ? negated(index) : index), line };
}

/** Checks that what a pointer leads to has a size. */
export function checkPointerTarget(operator: string, type: Type, line: number): void {
  const target = targetOf(type);
  if (target === undefined) return;
  const { kind } = resolve(target);
  if (kind === "void" || kind === "function") {
    fail("D_OP_VFPTR", line, `operator ${operator} cannot be applied to a pointer to void or to a function`);
  }
  if (!isComplete(target)) {
    fail(
      "D_OP_INCOMPLETE",
      line,
      `operator ${operator} cannot be applied to a pointer to incomplete ${typeName(target)}`,
    );
  }
}

function difference(environment: Environment, left: Expression, right: Expression, line: number): Expression {
  const type = environment.type("ptrdiff_t");
  const form = formOf(type);
  const bytes: Expression = { kind: "arithmetic", operator: "-", left, right, signed: true, type, form, line };
  const size = sizeOf(targetOf(left.type)!, environment.strsize);
  if (size === 1) return bytes;
  const divisor = numberConstant(size, type, line);
  return { kind: "arithmetic", operator: "/", left: bytes, right: divisor, signed: true, type, form, line };
}

/** Makes a number negative. */
function negated(operand: Expression): Expression {
  const { type, form, line } = operand;
  if (operand.kind === "constant") return constant(negate(operand.value), type, line);
  return { kind: "unary", operator: "-", operand, type, form, line };
}

/**
 * Checks an operator in front of a number.
 *
 * @param environment The names.
 * @param operator The operator.
 * @param operand Its operand.
 * @param line The line of the operator.
 * @returns Its value.
 */
export function checkUnary(
  environment: Environment,
  operator: "+" | "-" | "~" | "!",
  operand: Expression,
  line: number,
): Expression {
  const int = environment.type("int");
  const value = decay(operand);
  if (operator === "!") {
    if (!isScalar(value.type)) fail("D_OP_SCALAR", line, "operator ! requires an operand of scalar type");
    if (value.kind === "constant") return constant(isTrue(value.value) ? ZERO : ONE, int, line);
    return { kind: "unary", operator, operand: value, type: int, form: formOf(int), line };
  }
  if (!isInteger(value.type)) {
    if (operator === "~") fail("D_OP_INT", line, "operator ~ requires an operand of integral type");
    fail("D_OP_ARITH", line, `operator ${operator} requires an operand of arithmetic type`);
  }
  const type = promote(value.type, value.type, int);
  if (value.kind === "constant") {
    const { value: bits } = value;
    return constant(operator === "-" ? negate(bits) : operator === "~" ? complement(bits) : bits, type, line);
  }
  if (operator === "+") return { ...value, line };
  return { kind: "unary", operator, operand: value, type, form: formOf(type), line };
}

/**
 * Checks the types of `condition ? then : otherwise`.
 *
 * @param environment The names.
 * @param condition The condition.
 * @param then The value if it is true.
 * @param otherwise The value if it is not.
 * @param line The line of the operator.
 * @returns Its value.
 */
export function checkConditional(
  environment: Environment,
  condition: Expression,
  then: Expression,
  otherwise: Expression,
  line: number,
): Expression {
  const test = decay(condition);
  if (!isScalar(test.type)) fail("D_OP_SCALAR", line, "operator ?: expression must be of scalar type");
  const [a, b] = branches(environment, then, otherwise, line);
  if (test.kind === "constant") return isTrue(test.value) ? a : b;
  const { type, form } = a;
  return { kind: "conditional", condition: test, then: a, otherwise: b, type, form, line };
}

/** Gives two values one type. */
function branches(
  environment: Environment,
  then: Expression,
  otherwise: Expression,
  line: number,
): [Expression, Expression] {
  if (isInteger(then.type) && isInteger(otherwise.type)) {
    const type = promote(then.type, otherwise.type, environment.type("int"));
    return [convert(then, type), convert(otherwise, type)];
  }
  if (isStringLike(then.type) && isStringLike(otherwise.type) && (isString(then.type) || isString(otherwise.type))) {
    return [toStringValue(then), toStringValue(otherwise)];
  }
  const [a, b] = [decay(then), decay(otherwise)];
  const isPair = (isAddress(a.type) || isInteger(a.type)) && (isAddress(b.type) || isInteger(b.type));
  if (isPair && isPointerCompatible(a, b)) {
    const { type } = isAddress(a.type) ? a : b;
    return [convert(a, type), convert(b, type)];
  }
  const struct = resolve(a.type);
  if ((struct.kind === "struct" || struct.kind === "union") && struct === resolve(b.type)) return [a, b];
  if (struct.kind === "void" && resolve(b.type).kind === "void") return [a, b];
  fail("D_OP_INCOMPAT", line, "operator ?: operands must have compatible types");
}
