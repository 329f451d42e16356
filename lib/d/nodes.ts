/**
 * Makes nodes of the typed tree.
 *
 * While expressions are checked there is one kind of operand more than the tree has: what a translator will make. Only a
 * member of it is ever computed, unless the whole structure is asked for.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import type { Constant, Expression } from "./expression.ts";
import { cut, type Int64, int64Of } from "./int64.ts";
import type { ExpressionSyntax } from "./syntax.ts";
import { typeName } from "./type_name.ts";
import { type Form, formOf, resolve, type StructType, type Type } from "./types.ts";

/** What a checked expression is. */
export type Operand = Expression | Translated;

/** A structure that a translator makes, or a pointer to it. */
export interface Translated {
  readonly kind: "translated";
  /** The structure, or the pointer to it. */
  readonly type: Type;
  readonly form: Form;
  /** What makes the members. */
  readonly source: Translator | "curpsinfo" | "curlwpsinfo";
  /** What is translated; undefined for the system's own. */
  readonly input: Operand | undefined;
  readonly line: number;
}

/** A translator. */
export interface Translator {
  readonly input: Type;
  readonly output: StructType;
  readonly outputType: Type;
  /** The name of the input in the members' definitions. */
  readonly name: string;
  readonly members: ReadonlyMap<string, ExpressionSyntax>;
  readonly line: number;
}

/** The expressions whose value may not be cut to the size of their type. */
const COMPUTED: ReadonlySet<Expression["kind"]> = new Set(["arithmetic", "unary", "conditional", "comma"]);

/**
 * Makes a constant.
 *
 * @param value Its bits.
 * @param type Its type.
 * @param line Its line.
 * @returns The node.
 */
export function constant(value: Int64, type: Type, line: number): Constant {
  return { kind: "constant", value, type, form: formOf(type), line };
}

/**
 * Makes a constant of a number.
 *
 * @param value A whole number.
 * @param type Its type.
 * @param line Its line.
 * @returns The node.
 */
export function numberConstant(value: number, type: Type, line: number): Constant {
  return constant(int64Of(value), type, line);
}

/**
 * Takes an operand for a value, which it is not if only members of it can be computed.
 *
 * @param operand The operand.
 * @returns The value.
 * @throws {CompileError} `D_OP_DYN` for a pointer to what a translator makes.
 */
export function valueOf(operand: Operand): Expression {
  if (operand.kind !== "translated") return operand;
  fail("D_OP_DYN", operand, `cannot use translated ${typeName(operand.type)} as a value; only its members have one`);
}

/**
 * Converts a number to a type.
 *
 * @param expression A number.
 * @param type An integer, enumeration or pointer.
 * @returns The number with that type.
 */
export function convert(expression: Expression, type: Type): Expression {
  const form = formOf(type);
  if (form.kind !== "number") return expression;
  if (expression.kind === "constant") {
    return { ...expression, type, form, value: cut(expression.value, form.sizeBytes, form.signed) };
  }
  // What is computed may have more bits than its type; any other value has been extended to 64 bits already.
  const from = expression.form;
  if (!COMPUTED.has(expression.kind) && from.kind === "number") {
    if (from.sizeBytes === form.sizeBytes && from.signed === form.signed) return { ...expression, type } as Expression;
  }
  return { kind: "convert", operand: expression, type, form, line: expression.line };
}

/**
 * Makes a pointer of an array, as C does where a value is wanted; everything else stays as it is.
 *
 * @param expression The expression.
 * @returns The expression, or the address of its first element.
 */
export function decay(expression: Expression): Expression {
  const type = resolve(expression.type);
  if (type.kind !== "array") return expression;
  const isUser = expression.kind === "load" && expression.userland;
  return addressOf(expression, { kind: "pointer", to: type.of, userland: isUser });
}

/**
 * Makes a pointer to the characters of a string; everything else stays as it is.
 *
 * @param expression The expression.
 * @param char The type of a character.
 * @returns The expression, or the address of its first character.
 */
export function charactersOf(expression: Expression, char: Type): Expression {
  if (expression.form.kind !== "string") return expression;
  return addressOf(expression, { kind: "pointer", to: char, userland: false });
}

/**
 * Makes the address of something in memory.
 *
 * @param expression A load, or a value of the form `bytes`.
 * @param type The type of the pointer.
 * @returns The address as a number.
 */
export function addressOf(expression: Expression, type: Type): Expression {
  if (expression.kind === "load" && expression.form.kind !== "string") {
    return { ...expression.address, type } as Expression;
  }
  return { kind: "address", operand: expression, type, form: formOf(type), line: expression.line };
}

/**
 * Makes a string of what may stand for one.
 *
 * @param expression A string, an array of characters, or the address of some.
 * @returns The string.
 */
export function toStringValue(expression: Expression): Expression {
  if (expression.form.kind === "string") return expression;
  const type = resolve(expression.type);
  return {
    kind: "to-string",
    address: expression,
    limitBytes: type.kind === "array" && type.count > 0 ? type.count : undefined,
    type: { kind: "string" },
    form: { kind: "string" },
    line: expression.line,
  };
}
