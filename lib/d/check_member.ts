/**
 * Checks members of structures, translated ones included, and what is behind pointers and indexes.
 *
 * @module
 */

import { memberBuiltin } from "./builtins.ts";
import { fail } from "./compile_error.ts";
import {
  isArgumentCompatible,
  isInteger,
  isPointer,
  isSameType,
  isSigned,
  isStringLike,
  structOf,
  targetOf,
} from "./compatible.ts";
import { flatMembers } from "./declare.ts";
import type { Environment } from "./environment.ts";
import type { Builtin, Expression, Load } from "./expression.ts";
import { arithmetic, int64Of, numberOf } from "./int64.ts";
import {
  addressOf,
  constant,
  convert,
  decay,
  numberConstant,
  type Operand,
  toStringValue,
  type Translated,
  type Translator,
  valueOf,
} from "./nodes.ts";
import type { ConstructMember } from "./tree.ts";
import type { IndexSyntax, MemberSyntax, TypeNameSyntax } from "./syntax.ts";
import { typeName } from "./type_name.ts";
import { formOf, type Member, resolve, sizeOf, type StructType, type Type } from "./types.ts";
import { rootOf } from "./walk.ts";

/**
 * Checks `base.name` and `base->name`.
 *
 * @param environment The names.
 * @param syntax The member; its base is neither `self` nor `this`.
 * @returns What it is.
 */
export function checkMember(environment: Environment, syntax: MemberSyntax): Operand {
  const base = environment.check(syntax.base);
  const struct = structBehind(base, syntax);
  if (!struct.complete) {
    fail(
      "D_OP_INCOMPLETE",
      syntax,
      `operator ${syntax.operator} cannot be applied to a forward declaration: no ` +
        `${typeName(struct)} definition is available`,
    );
  }
  const member = memberOf(struct, syntax.name, syntax.line);
  if (base.kind === "translated") return translatedMember(environment, base, member, syntax.line);
  const pointer: Type = { kind: "pointer", to: struct, userland: false };
  const address = syntax.operator === "->" ? decay(base) : addressOf(base, pointer);
  const isUser = syntax.operator === "->" ? isUserPointer(base.type) : base.kind === "load" && base.userland;
  return load(environment, address, member, isUser, syntax.line);
}

/** Finds the structure that an operator is applied to. */
function structBehind(base: Operand, { operator, line }: MemberSyntax): StructType {
  const name = typeName(base.type);
  if (operator === ".") {
    const struct = structOf(base.type);
    if (struct !== undefined) return struct;
    if (structOf(targetOf(base.type) ?? base.type) !== undefined) {
      fail("D_OP_DOT", line, `operator . cannot be applied to pointer to type "${name}"; use operator -> instead`);
    }
    fail("D_OP_SOU", line, `operator . cannot be applied to type "${name}"; must be applied to a struct or union`);
  }
  const target = targetOf(base.type);
  if (target === undefined) fail("D_OP_PTR", line, "operator -> must be applied to a pointer");
  const struct = structOf(target);
  if (struct !== undefined) return struct;
  fail(
    "D_OP_SOU",
    line,
    `operator -> cannot be applied to pointer to type "${typeName(target)}"; must be applied to a ` +
      "struct or union pointer",
  );
}

/** Finds a member. */
export function memberOf(struct: StructType, name: string, line: number): Member {
  return findMember(struct, name) ?? fail("D_TYPE_MEMBER", line, `${name} is not a member of ${typeName(struct)}`);
}

/** Finds a member, if there is one of that name. */
export function findMember(struct: StructType, name: string): Member | undefined {
  for (const member of flatMembers(struct)) if (member.name === name) return member;
  return undefined;
}

function isUserPointer(type: Type): boolean {
  const resolved = resolve(type);
  return resolved.kind === "pointer" && resolved.userland;
}

/** Makes a load of a member, whose structure is at an address. */
function load(environment: Environment, base: Expression, member: Member, userland: boolean, line: number): Load {
  const { type, bits } = member;
  const address = addTo(environment, base, member.offsetBytes, line);
  return { kind: "load", address, bits, userland, type, form: formOf(type), line };
}

/** Adds a constant to an address. */
function addTo(environment: Environment, base: Expression, offsetBytes: number, line: number): Expression {
  if (offsetBytes === 0) return base;
  const offset = numberConstant(offsetBytes, environment.type("long"), line);
  return add(base, offset, base.type, line);
}

/** Adds two numbers; constants are folded. */
function add(left: Expression, right: Expression, type: Type, line: number): Expression {
  if (left.kind === "constant" && right.kind === "constant") {
    return constant(arithmetic("+", left.value, right.value, false), type, line);
  }
  return { kind: "arithmetic", operator: "+", left, right, signed: false, type, form: formOf(type), line };
}

/** Multiplies an index by the size of what a pointer leads to. */
export function scale(environment: Environment, index: Expression, sizeBytes: number): Expression {
  const type = environment.type("long");
  const size = numberConstant(sizeBytes, type, index.line);
  if (index.kind === "constant") return constant(arithmetic("*", index.value, size.value, true), type, index.line);
  if (sizeBytes === 1) return index;
  const { line } = index;
  return { kind: "arithmetic", operator: "*", left: index, right: size, signed: true, type, form: formOf(type), line };
}

/**
 * Adds an index to a pointer.
 *
 * @param environment The names.
 * @param pointer The pointer.
 * @param index The index, already multiplied.
 * @returns The pointer to the element.
 */
export function addIndex(environment: Environment, pointer: Expression, index: Expression): Expression {
  const target = targetOf(pointer.type)!;
  return add(pointer, scale(environment, index, sizeOf(target, environment.strsize)), pointer.type, pointer.line);
}

/**
 * Checks `base[index]` of a pointer or an array in memory.
 *
 * @param environment The names.
 * @param base What is in front of the brackets.
 * @param syntax The whole.
 * @returns The element.
 */
export function checkPointerIndex(environment: Environment, base: Expression, syntax: IndexSyntax): Expression {
  if (!isPointer(base.type)) {
    fail(
      "D_OP_PTR",
      syntax,
      `operator [ ] cannot be applied to type "${typeName(base.type)}"; must be applied to an ` +
        "array or a pointer",
    );
  }
  if (syntax.keys.length !== 1) {
    fail("D_ARR_BADREF", syntax, "tuple may not be used as an index of an array that is not associative");
  }
  const index = environment.value(syntax.keys[0]!);
  if (!isInteger(index.type)) fail("D_OP_INT", syntax, "operator [ ] requires an index of integral type");
  const bounded = checkBounds(base, index, syntax.line);
  const isUser = isUserPointer(base.type) || (base.kind === "load" && base.userland);
  const pointer = decay(base);
  checkTarget(pointer.type, syntax.line);
  return dereference(addIndex(environment, pointer, bounded), isUser, syntax.line);
}

/** Checks an index of an array whose size is known: a constant now, another one of a variable's array when it runs. */
function checkBounds(base: Expression, index: Expression, line: number): Expression {
  const array = resolve(base.type);
  if (array.kind !== "array" || array.count === 0) return index;
  if (index.kind !== "constant") {
    const { kind } = rootOf(base);
    const isOwn = kind === "variable" || kind === "element";
    return isOwn ? { kind: "bounded", index, count: array.count, type: index.type, form: index.form, line } : index;
  }
  const value = numberOf(index.value, isSigned(index.type));
  if (value >= 0 && value < array.count) return index;
  return fail("D_ARR_BOUNDS", line, `index outside array bounds: ${value}, max is ${array.count - 1}`);
}

/** Checks that a pointer leads to something that has a value. */
function checkTarget(type: Type, line: number): Type {
  const target = targetOf(type);
  if (target === undefined) fail("D_DEREF_NONPTR", line, "cannot dereference non-pointer type");
  const { kind } = resolve(target);
  if (kind === "void") fail("D_DEREF_VOID", line, "cannot dereference pointer to void");
  if (kind === "function") fail("D_DEREF_FUNC", line, "cannot dereference pointer to function");
  return target;
}

/** Makes a load of what a pointer leads to. */
function dereference(address: Expression, userland: boolean, line: number): Load {
  const type = targetOf(address.type)!;
  return { kind: "load", address, bits: undefined, userland, type, form: formOf(type), line };
}

/**
 * Checks `*pointer`.
 *
 * @param pointer The pointer, or an array.
 * @param line The line of the operator.
 * @returns What it leads to.
 */
export function checkDereference(pointer: Operand, line: number): Operand {
  if (pointer.kind === "translated") {
    const target = targetOf(pointer.type);
    if (target === undefined) fail("D_DEREF_NONPTR", line, "cannot dereference non-pointer type");
    return { ...pointer, type: target, form: formOf(target), line };
  }
  if (resolve(pointer.type).kind === "function") fail("D_DEREF_FUNC", line, "cannot dereference pointer to function");
  checkTarget(pointer.type, line);
  const isUser = isUserPointer(pointer.type) || (pointer.kind === "load" && pointer.userland);
  return dereference(decay(pointer), isUser, line);
}

/** Computes a member of what a translator makes. */
function translatedMember(environment: Environment, base: Translated, member: Member, line: number): Operand {
  const { type, name } = member;
  if (typeof base.source === "string") return systemMember(environment, base.source, name, type, line);
  const syntax = base.source.members.get(name);
  if (syntax === undefined) {
    fail("D_XLATE_NOCONV", line, `translator does not define conversion for member: ${name}`);
  }
  const bindings = new Map([[base.source.name, base.input!]]);
  const value = environment.bound(bindings, line, () => environment.check(syntax));
  return value.kind === "translated" ? value : asMember(value, type);
}

/** A member of `curpsinfo` or `curlwpsinfo`. */
function systemMember(
  environment: Environment,
  structure: "curpsinfo" | "curlwpsinfo",
  member: string,
  type: Type,
  line: number,
): Expression {
  const name = memberBuiltin(structure, member);
  // What may be a string is one here, although the structure has an array of characters.
  const valueType = isStringLike(type) ? environment.type("string") : type;
  if (name !== undefined) {
    return { kind: "builtin", name, type: valueType, form: formOf(valueType), line } satisfies Builtin;
  }
  if (valueType !== type) {
    return { kind: "string", bytes: new Uint8Array(0), type: valueType, form: formOf(valueType), line };
  }
  return numberConstant(0, type, line);
}

/** Gives a value the type of the member that it defines. */
function asMember(value: Expression, type: Type): Expression {
  if (isStringLike(type) && isStringLike(value.type) && value.form.kind !== "number") return toStringValue(value);
  return convert(decayUnlessSame(value, type), type);
}

function decayUnlessSame(value: Expression, type: Type): Expression {
  return isSameType(value.type, type) ? value : decay(value);
}

/**
 * Checks `xlate <type> (operand)`.
 *
 * @param environment The names.
 * @param typeSyntax The type.
 * @param input What is translated.
 * @param line The line of the operator.
 * @returns What the translator makes.
 */
export function checkTranslation(
  environment: Environment,
  typeSyntax: TypeNameSyntax,
  input: Operand,
  line: number,
): Translated {
  const type = environment.declarer.typeOfName(typeSyntax);
  const struct = structOf(type) ?? structOf(targetOf(type) ?? type);
  if (struct === undefined) {
    fail(
      "D_XLATE_SOU",
      line,
      `cannot translate to type "${typeName(type)}"; must be a struct or union, or a pointer to one`,
    );
  }
  const source = environment.translators.find((translator) =>
    translator.output === struct && acceptsInput(translator, input)
  );
  if (source === undefined) {
    fail("D_XLATE_NONE", line, `cannot translate from "${typeName(input.type)}" to "${typeName(type)}"`);
  }
  return { kind: "translated", type, form: formOf(type), source, input, line };
}

function acceptsInput(translator: Translator, input: Operand): boolean {
  if (isSameType(translator.input, input.type)) return true;
  return input.kind !== "translated" && isInteger(translator.input) && isInteger(input.type);
}

/**
 * Makes the structure that a translator makes, with all of its members.
 *
 * @param environment The names.
 * @param operand A structure, translated or not.
 * @returns Its value.
 */
export function structValue(environment: Environment, operand: Operand): Expression {
  if (operand.kind !== "translated") return operand;
  const struct = structOf(operand.type);
  const { source, line } = operand;
  if (struct === undefined || typeof source === "string") return valueOf(operand);
  const members: ConstructMember[] = [];
  for (const member of flatMembers(struct)) {
    if (!source.members.has(member.name)) continue;
    const value = structValue(environment, translatedMember(environment, operand, member, line));
    members.push({ offsetBytes: member.offsetBytes, bits: member.bits, value });
  }
  return { kind: "construct", members, type: operand.type, form: formOf(operand.type), line };
}

/**
 * Checks that an expression may define a member of a translator.
 *
 * @param type The type of the member.
 * @param value The expression.
 * @returns Whether it may.
 */
export function mayDefine(type: Type, value: Operand): boolean {
  if (value.kind === "translated") return isSameType(type, value.type);
  return isArgumentCompatible(type, value) || isSameType(type, value.type) ||
    (resolve(type).kind === "array" && isStringLike(type) && isStringLike(value.type));
}

/** The offset of a member as a constant. */
export function memberOffset(environment: Environment, member: Member, line: number): Expression {
  return constant(int64Of(member.offsetBytes), environment.type("size_t"), line);
}
