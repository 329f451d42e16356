/**
 * Checks any expression: names, constants, casts and sizes here, all other operators in the modules beside.
 *
 * @module
 */

import { formatProbeDescription } from "../spec/probe_description.ts";
import { BUILTINS, KERNEL_BUILTINS, STRUCTURE_BUILTINS } from "./builtins.ts";
import { arrayOf, checkAssign, checkStep, checkVariable, variableNameOf } from "./check_assign.ts";
import { checkCall } from "./check_call.ts";
import {
  checkDereference,
  checkMember,
  checkPointerIndex,
  checkTranslation,
  findMember,
  memberOffset,
} from "./check_member.ts";
import { checkBinary, checkConditional, checkUnary } from "./check_operators.ts";
import { fail } from "./compile_error.ts";
import { isArgumentCompatible, isScalar, isStringLike, structOf } from "./compatible.ts";
import { isComplete } from "./declare.ts";
import type { Environment, Inline } from "./environment.ts";
import type { BuiltinName, Expression } from "./expression.ts";
import { numberOf } from "./int64.ts";
import {
  addressOf,
  charactersOf,
  constant,
  convert,
  decay,
  numberConstant,
  type Operand,
  toStringValue,
  valueOf,
} from "./nodes.ts";
import { checkKeyCount, FUNCTION_KIND_NAMES, PROTOTYPES, typeProblem } from "./prototypes.ts";
import type { ExpressionSyntax, IndexSyntax, TypeNameSyntax, UnarySyntax } from "./syntax.ts";
import type { IntegerLiteral } from "./token.ts";
import { typeName } from "./type_name.ts";
import { formOf, resolve, sizeOf, type Type } from "./types.ts";

/**
 * Checks an expression.
 *
 * @param environment The names.
 * @param syntax The expression.
 * @returns What it is.
 * @throws {CompileError} If it is nothing.
 */
export function checkExpression(environment: Environment, syntax: ExpressionSyntax): Operand {
  const { line } = syntax;
  switch (syntax.kind) {
    case "integer":
      return checkInteger(environment, syntax.literal, line);
    case "string": {
      const type = environment.type("string");
      return { kind: "string", bytes: syntax.bytes, type, form: formOf(type), line };
    }
    case "constant":
      return constant(syntax.value, syntax.type, line);
    case "identifier":
      return checkName(environment, syntax.name, line);
    case "aggregation":
      return fail("D_CG_DYN", line, "expression cannot evaluate to result of dynamic type");
    case "index":
      return checkIndex(environment, syntax);
    case "member": {
      const named = variableNameOf(environment, syntax);
      return named === undefined ? checkMember(environment, syntax) : checkVariable(environment, named, line);
    }
    case "call":
      return checkCall(environment, syntax);
    case "unary":
      return checkPrefix(environment, syntax);
    case "postfix":
      return checkStep(environment, syntax.operator, syntax.operand, true, line);
    case "binary":
      return checkBinary(environment, syntax);
    case "assign":
      return checkAssign(environment, syntax);
    default:
      return checkOther(environment, syntax);
  }
}

/** Checks the expressions that are rarer. */
function checkOther(
  environment: Environment,
  syntax: Extract<ExpressionSyntax, { kind: "conditional" | "comma" | "cast" | "sizeof-type" | "offsetof" | "xlate" }>,
): Operand {
  const { line } = syntax;
  switch (syntax.kind) {
    case "conditional":
      checkNoAction(syntax.then);
      checkNoAction(syntax.otherwise);
      return checkConditional(
        environment,
        environment.value(syntax.condition),
        environment.value(syntax.then),
        environment.value(syntax.otherwise),
        line,
      );
    case "comma": {
      const expressions = syntax.expressions.map((expression) => environment.value(expression));
      const { type, form } = expressions.at(-1)!;
      return { kind: "comma", expressions, type, form, line };
    }
    case "cast":
      return checkCast(environment, syntax.type, environment.check(syntax.operand), line);
    case "sizeof-type":
      return checkSize(environment, environment.declarer.typeOfName(syntax.type), line);
    case "offsetof":
      return checkOffset(environment, syntax.type, syntax.member, line);
    case "xlate":
      return checkTranslation(environment, syntax.type, environment.check(syntax.operand), line);
  }
}

/** How many registers `uregs[]` has: those of `struct user_regs_struct`. */
const REGISTERS = 27;

/** Types that a constant may have, in the order in which C tries them. */
const DECIMAL_TYPES = ["int", "long", "unsigned long"];
const OTHER_TYPES = ["int", "unsigned int", "long", "unsigned long"];

/** Gives an integer the first of C's types that can hold it. */
function checkInteger(environment: Environment, literal: IntegerLiteral, line: number): Expression {
  const { value, isDecimal, isUnsigned, isNegative, longs } = literal;
  const names = (isDecimal && !isUnsigned ? DECIMAL_TYPES : OTHER_TYPES)
    .filter((name) => !isUnsigned || name.startsWith("unsigned"))
    .filter((name) => longs === 0 || name.endsWith("long"));
  const name = names.find((name) => {
    const { sizeBytes, signed } = environment.types.integer(name);
    if (isNegative) return signed && (sizeBytes === 8 || (value.hi === 0xffffffff && value.lo >= 2 ** 31));
    const high = sizeBytes === 8 ? value.hi : value.lo;
    return (sizeBytes === 8 || value.hi === 0) && (!signed || high < 2 ** 31);
  }) ?? "unsigned long";
  const type = environment.types.integer(longs === 2 ? name.replace("long", "long long") : name);
  return constant(value, type, line);
}

/** Checks a name that stands for itself. */
function checkName(environment: Environment, name: string, line: number): Operand {
  const bound = environment.binding(name);
  if (bound !== undefined) return bound;
  const identifier = environment.identifiers.get(name);
  environment.noteAttributes(name);
  if (identifier?.kind === "enumerator") return numberConstant(identifier.value, identifier.type, line);
  if (identifier?.kind === "inline") {
    if (identifier.parameters !== undefined) {
      fail("D_IDENT_BADREF", line, `inline ${name} may not be referenced without its arguments`);
    }
    return expandInline(environment, identifier, new Map(), line);
  }
  const builtin = BUILTINS[name as BuiltinName];
  if (builtin !== undefined) {
    const type = environment.type(builtin);
    return { kind: "builtin", name: name as BuiltinName, type, form: formOf(type), line };
  }
  if (/^arg[0-9]$/.test(name)) {
    const type = environment.type("int64_t");
    return { kind: "argument", index: Number(name.slice(3)), typed: false, type, form: formOf(type), line };
  }
  return checkSpecialName(environment, name, line);
}

function checkSpecialName(environment: Environment, name: string, line: number): Operand {
  const structure = STRUCTURE_BUILTINS.get(name);
  if (structure !== undefined) {
    const type = environment.type(structure);
    return { kind: "translated", type, form: formOf(type), source: name as "curpsinfo", input: undefined, line };
  }
  if (name === "args" || name === "uregs") {
    fail("D_IDENT_BADREF", line, `associative array ${name} may not be referenced without its keys`);
  }
  const prototype = PROTOTYPES.get(name);
  if (prototype !== undefined) {
    fail(
      "D_IDENT_BADREF",
      line,
      `${FUNCTION_KIND_NAMES[prototype.kind]} '${name}' may not be referenced as a variable`,
    );
  }
  const hint = KERNEL_BUILTINS.get(name);
  if (hint !== undefined) fail("D_IDENT_UNDEF", line, `failed to resolve ${name}: Unknown variable name`, hint);
  if (name.includes("`")) fail("D_IDENT_UNDEF", line, `failed to resolve ${name}: Unknown symbol name`);
  return checkVariable(environment, { scope: "global", name, keys: undefined }, line);
}

/** Puts the value of an inline in place of its name. */
function expandInline(
  environment: Environment,
  inline: Inline,
  bindings: ReadonlyMap<string, Operand>,
  line: number,
): Operand {
  const value = environment.bound(bindings, line, () => environment.check(inline.value));
  return value.kind === "translated" ? { ...value, line } : inlineValue(inline, value);
}

/** Gives the value of an inline the type that it declares. */
export function inlineValue(inline: Inline, value: Expression): Expression {
  const { type, name, line } = inline;
  if (!isArgumentCompatible(type, value)) {
    fail(
      "D_OP_INCOMPAT",
      line,
      `inline ${name} definition uses incompatible types: "${typeName(type)}" = "${typeName(value.type)}"`,
    );
  }
  if (resolve(type).kind === "string") return toStringValue(value);
  return isScalar(type) ? convert(decay(value), type) : value;
}

/** Checks `base[keys]`: an array of D, of C, arguments, registers or an inline. */
function checkIndex(environment: Environment, syntax: IndexSyntax): Operand {
  const { base, keys, line } = syntax;
  if (base.kind === "aggregation") {
    fail("D_AGG_MDIM", line, `improper attempt to reference @${base.name} as a multi-dimensional aggregation`);
  }
  if (base.kind === "identifier" && environment.binding(base.name) === undefined) {
    if (base.name === "args") return checkTypedArgument(environment, keys, line);
    if (base.name === "uregs") return checkRegister(environment, keys, line);
    const identifier = environment.identifiers.get(base.name);
    if (identifier?.kind === "inline" && identifier.parameters !== undefined) {
      return expandInline(environment, identifier, inlineArguments(environment, identifier, keys, line), line);
    }
  }
  const named = variableNameOf(environment, syntax);
  if (named !== undefined) {
    const isUnknown = environment.find(named.scope, named.name) === undefined;
    if (isUnknown || arrayOf(environment, named) !== undefined) return checkVariable(environment, named, line);
  }
  return checkPointerIndex(environment, charactersOf(environment.value(base), environment.type("char")), syntax);
}

function inlineArguments(
  environment: Environment,
  { name, parameters }: Inline,
  keys: readonly ExpressionSyntax[],
  line: number,
): Map<string, Operand> {
  checkKeyCount(name, keys.length, parameters!.length, line);
  return new Map(parameters!.map((parameter, index) => {
    const value = environment.value(keys[index]!);
    if (!isArgumentCompatible(parameter.type, value)) {
      fail(
        "D_PROTO_ARG",
        line,
        typeProblem(`${name}[ ] key`, index, typeName(parameter.type), typeName(value.type)),
      );
    }
    const isText = resolve(parameter.type).kind === "string";
    return [parameter.name, isText ? toStringValue(value) : convert(decay(value), parameter.type)];
  }));
}

/** `args[n]`. */
function checkTypedArgument(environment: Environment, keys: readonly ExpressionSyntax[], line: number): Operand {
  const { clause } = environment;
  if (clause === undefined) fail("D_ARGS_NONE", line, "args[ ] may not be referenced outside of a clause");
  checkKeyCount("args", keys.length, 1, line);
  const key = environment.value(keys[0]!);
  if (key.kind !== "constant" || key.form.kind !== "number") {
    fail("D_ARGS_TYPE", line, "args[ ] must be referenced using an integer constant");
  }
  clause.usesArguments = true;
  clause.attributes.push(clause.argumentAttributes);
  const types = clause.argumentTypes;
  if (types === undefined) {
    const text = formatProbeDescription(clause.description);
    fail(
      "D_ARGS_NONE",
      line,
      `args[ ] may not be referenced because probe description ${text} matches an unstable ` +
        "set of probes",
    );
  }
  const index = numberOf(key.value, key.form.signed);
  const type = types[index];
  if (type === undefined) {
    const text = formatProbeDescription(clause.description);
    fail("D_ARGS_IDX", line, `index ${index} is out of range for ${text} args[ ]`);
  }
  return { kind: "argument", index, typed: true, type, form: formOf(type), line };
}

/** `uregs[n]`. */
function checkRegister(environment: Environment, keys: readonly ExpressionSyntax[], line: number): Operand {
  checkKeyCount("uregs", keys.length, 1, line);
  const index = environment.value(keys[0]!);
  if (index.kind !== "constant") {
    fail("D_PROTO_ARG", line, typeProblem("uregs[ ] key", 0, "integer constant", typeName(index.type)));
  }
  const number = numberOf(index.value, true);
  if (number < 0 || number >= REGISTERS) {
    fail("D_UNKNOWN", line, `uregs[ ] index ${number} is out of range (0 to ${REGISTERS - 1})`);
  }
  const type = environment.type("uint64_t");
  return { kind: "register", index, type, form: formOf(type), line };
}

/** Checks an operator in front of its operand. */
function checkPrefix(environment: Environment, { operator, operand, line }: UnarySyntax): Operand {
  switch (operator) {
    case "++":
    case "--":
      return checkStep(environment, operator, operand, false, line);
    case "&":
      return checkAddress(environment, operand, line);
    case "*":
      return checkDereference(withCharacters(environment, environment.check(operand)), line);
    case "sizeof":
      return checkSizeOfValue(environment, operand, line);
    case "stringof":
      return checkStringOf(environment.value(operand), line);
    default:
      return checkUnary(environment, operator, environment.value(operand), line);
  }
}

function withCharacters(environment: Environment, operand: Operand): Operand {
  return operand.kind === "translated" ? operand : charactersOf(operand, environment.type("char"));
}

/** Checks that what a condition chooses is no action. */
function checkNoAction(syntax: ExpressionSyntax): void {
  const name = syntax.kind === "call" && syntax.callee.kind === "identifier" ? syntax.callee.name : "";
  if (PROTOTYPES.get(name)?.kind !== "action") return;
  fail("D_OP_ACT", syntax, "operator ?: operands may not be tracing functions");
}

function checkAddress(environment: Environment, syntax: ExpressionSyntax, line: number): Expression {
  if (syntax.kind === "aggregation") fail("D_ADDROF_VAR", line, `cannot take address of aggregation: @${syntax.name}`);
  const operand = valueOf(environment.check(syntax));
  const { kind, type } = operand;
  if (kind === "variable" || kind === "element" || kind === "builtin" || kind === "argument" || kind === "register") {
    const what = kind === "element" ? "associative array element" : "scalar variable";
    fail("D_ADDROF_VAR", line, `cannot take address of ${what}: ${nameOf(operand)}`);
  }
  if (kind !== "load") fail("D_ADDROF_LVAL", line, "unary & operator requires an lvalue as its operand");
  if (operand.bits !== undefined) fail("D_ADDROF_BITFIELD", line, "cannot take address of bit-field");
  return addressOf(operand, { kind: "pointer", to: type, userland: operand.userland });
}

function nameOf(operand: Expression): string {
  if (operand.kind === "variable" || operand.kind === "element") return operand.variable.name;
  if (operand.kind === "builtin") return operand.name;
  return operand.kind === "argument" ? (operand.typed ? "args[ ]" : `arg${operand.index}`) : "uregs[ ]";
}

function checkStringOf(operand: Expression, line: number): Expression {
  const { type } = operand;
  if (!isScalar(type) && !isStringLike(type) && resolve(type).kind !== "array") {
    fail("D_STRINGOF_TYPE", line, `cannot apply stringof to a value of type ${typeName(type)}`);
  }
  return toStringValue(operand);
}

function checkSizeOfValue(environment: Environment, syntax: ExpressionSyntax, line: number): Expression {
  const operand = environment.check(syntax);
  if (operand.kind === "load" && operand.bits !== undefined) {
    fail("D_SIZEOF_BITFIELD", line, "cannot apply sizeof to a bit-field");
  }
  return checkSize(environment, operand.type, line);
}

function checkSize(environment: Environment, type: Type, line: number): Expression {
  if (!isComplete(type) || resolve(type).kind === "stack") {
    fail("D_SIZEOF_TYPE", line, `cannot apply sizeof to an operand of ${typeName(type)} type`);
  }
  return numberConstant(sizeOf(type, environment.strsize), environment.type("size_t"), line);
}

function checkOffset(environment: Environment, typeSyntax: TypeNameSyntax, name: string, line: number): Expression {
  const struct = structOf(environment.declarer.typeOfName(typeSyntax));
  if (struct === undefined) fail("D_OFFSETOF_TYPE", line, "offsetof operand must be a struct or union type");
  const member = findMember(struct, name);
  if (member === undefined) fail("D_UNKNOWN", line, `failed to determine offset of ${name}: no such member`);
  if (member.bits !== undefined) fail("D_OFFSETOF_BITFIELD", line, `cannot take offset of a bit-field: ${name}`);
  return memberOffset(environment, member, line);
}

/** Checks `(type) operand`; a cast to `void` has no value. */
function checkCast(environment: Environment, syntax: TypeNameSyntax, operand: Operand, line: number): Operand {
  const type = environment.declarer.typeOfName(syntax);
  const { kind } = resolve(type);
  const value = valueOf(operand);
  if (kind === "void") return { kind: "convert", operand: value, type, form: formOf(type), line };
  if (kind === "string" && (isStringLike(value.type) || isScalar(value.type))) return toStringValue(value);
  const plain = decay(value);
  if (isScalar(type) && isScalar(plain.type)) return { ...convert(plain, type), line };
  const struct = structOf(type);
  if (struct !== undefined && struct === structOf(value.type)) return { ...value, type, line } as Expression;
  fail("D_CAST_INVAL", line, `invalid cast expression: from type "${typeName(value.type)}" to "${typeName(type)}"`);
}
