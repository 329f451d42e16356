/**
 * Which types go together: D's rules for operands, arguments and keys.
 *
 * @module
 */

import type { Expression } from "./expression.ts";
import { isTrue } from "./int64.ts";
import { formOf, resolve, type ResolvedType, type Type } from "./types.ts";

/** Whether a type is an integer or an enumeration. */
export function isInteger(type: Type): boolean {
  const { kind } = resolve(type);
  return kind === "integer" || kind === "enum";
}

/** Whether a type is a pointer, or an array, which is one where a value is wanted. */
export function isPointer(type: Type): boolean {
  const { kind } = resolve(type);
  return kind === "pointer" || kind === "array";
}

/** Whether a type is a pointer that is held as a number. */
export function isAddress(type: Type): boolean {
  const { kind } = resolve(type);
  return kind === "pointer" || kind === "function";
}

/** Whether a type has a truth value: integers and pointers. */
export function isScalar(type: Type): boolean {
  return isInteger(type) || isAddress(type);
}

/** Whether a type is D's string. */
export function isString(type: Type): boolean {
  return resolve(type).kind === "string";
}

/** Whether a value of a type may stand where a string is wanted: a string, or characters in memory. */
export function isStringLike(type: Type): boolean {
  const resolved = resolve(type);
  if (resolved.kind === "string") return true;
  const target = resolved.kind === "pointer" ? resolved.to : resolved.kind === "array" ? resolved.of : undefined;
  return target !== undefined && isCharacter(target);
}

/** Whether a type is one of C's characters. */
export function isCharacter(type: Type): boolean {
  const resolved = resolve(type);
  return resolved.kind === "integer" && resolved.isChar;
}

/** Whether two types are the same, names and qualifiers apart; those of integers count by size and sign. */
export function isSameType(left: Type, right: Type): boolean {
  const a = resolve(left);
  const b = resolve(right);
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === "pointer") return isSameType(a.to, (b as typeof a).to);
  if (a.kind === "array") return isSameType(a.of, (b as typeof a).of) && a.count === (b as typeof a).count;
  if (a.kind === "integer") return a.sizeBytes === (b as typeof a).sizeBytes && a.signed === (b as typeof a).signed;
  if (a.kind === "float") return a.sizeBytes === (b as typeof a).sizeBytes;
  if (a.kind === "function") return isSameType(a.returns, (b as typeof a).returns);
  return a.kind === "void" || a.kind === "string" || a.kind === "stack" || a.kind === "symbol";
}

/** The type that a pointer leads to, or that an array consists of. */
export function targetOf(type: Type): Type | undefined {
  const resolved = resolve(type);
  return resolved.kind === "pointer" ? resolved.to : resolved.kind === "array" ? resolved.of : undefined;
}

/**
 * Tells whether a value may be compared with a pointer, assigned to one or passed for one.
 *
 * Pointers go together if they lead to the same type or one leads to `void`; the only number that is a pointer is 0.
 */
export function isPointerCompatible(left: PointerOperand, right: PointerOperand): boolean {
  if (isInteger(left.type)) return isZero(left) && isPointer(right.type);
  if (isInteger(right.type)) return isZero(right) && isPointer(left.type);
  const a = targetOf(left.type);
  const b = targetOf(right.type);
  if (a === undefined || b === undefined) {
    return resolve(left.type).kind === "function" && resolve(right.type).kind === "function";
  }
  return resolve(a).kind === "void" || resolve(b).kind === "void" || isSameType(a, b) || isCharacterPair(a, b);
}

/** A value or the place for one. */
export type PointerOperand = Pick<Expression, "type"> & { readonly kind?: string };

function isCharacterPair(left: Type, right: Type): boolean {
  return isCharacter(left) && isCharacter(right);
}

function isZero(operand: PointerOperand): boolean {
  return operand.kind === "constant" && !isTrue((operand as Expression & { kind: "constant" }).value);
}

/** Tells whether a value may be passed or assigned where a type is wanted. */
export function isArgumentCompatible(wanted: Type, value: Expression): boolean {
  if (isInteger(wanted) && isInteger(value.type)) return true;
  if (isStringLike(wanted) && isStringLike(value.type)) return true;
  const { kind } = resolve(wanted);
  if (kind === "struct" || kind === "union" || kind === "stack" || kind === "symbol") {
    return isSameType(wanted, value.type);
  }
  if (kind === "string" || isInteger(wanted)) return false;
  return isPointerCompatible({ type: wanted }, value);
}

/**
 * Finds the type of what is computed of two integers: that of the one with the higher rank.
 *
 * The rank of a type is its size, and above that of its signed twin if it has no sign. Unlike C, D does not make an `int`
 * of smaller integers first; an enumerator is one.
 */
export function promote(left: Type, right: Type, int: Type): Type {
  const a = resolve(left).kind === "enum" ? int : left;
  const b = resolve(right).kind === "enum" ? int : right;
  return rankOf(b) > rankOf(a) ? b : a;
}

function rankOf(type: Type): number {
  const form = formOf(type);
  return form.kind === "number" ? 2 * form.sizeBytes + (form.signed ? 0 : 1) : 0;
}

/** Whether integers of a type have a sign. */
export function isSigned(type: Type): boolean {
  const form = formOf(type);
  return form.kind === "number" && form.signed;
}

/** The resolved type of a structure or union; undefined if a type is neither. */
export function structOf(type: Type): Extract<ResolvedType, { kind: "struct" | "union" }> | undefined {
  const resolved = resolve(type);
  return resolved.kind === "struct" || resolved.kind === "union" ? resolved : undefined;
}
