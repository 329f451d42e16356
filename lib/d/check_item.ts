/**
 * Checks what stands beside clauses: declarations, inlines, translators and providers.
 *
 * @module
 */

import type { Attributes } from "../spec/stability.ts";
import { inlineValue } from "./check_expression.ts";
import { findMember, mayDefine } from "./check_member.ts";
import { fail } from "./compile_error.ts";
import { isSameType, structOf } from "./compatible.ts";
import { type Declared, isComplete } from "./declare.ts";
import type { Environment, Identifier } from "./environment.ts";
import type { Expression, Scope } from "./expression.ts";
import { ZERO } from "./int64.ts";
import { constant, type Operand, type Translator } from "./nodes.ts";
import type {
  DeclarationSyntax,
  DeclaratorSyntax,
  ExpressionSyntax,
  InlineSyntax,
  ProviderSyntax,
  TranslatorSyntax,
} from "./syntax.ts";
import type { ProviderDeclaration } from "./tree.ts";
import { typeName } from "./type_name.ts";
import { formOf, resolve, type Type } from "./types.ts";

/** The longest names of a provider and of a probe. */
const PROVIDER_NAME_MAX = 63;
const PROBE_NAME_MAX = 127;

/** What a provider's parts may be relied on for, if no pragma says so. */
const DEFAULT_ATTRIBUTES: Attributes = { name: "Unstable", data: "Unstable", class: "Common" };

/**
 * Checks a declaration, and makes its types and variables.
 *
 * @param environment The names.
 * @param syntax The declaration.
 */
export function checkDeclaration(environment: Environment, syntax: DeclarationSyntax): void {
  const { specifiers, declarators, line } = syntax;
  const base = environment.declarer.typeOf(specifiers);
  if (declarators.length === 0) {
    const { kind } = resolve(base);
    const isUseful = kind === "struct" || kind === "union" || kind === "enum";
    if (!isUseful || specifiers.named?.kind === "typedef") fail("D_DECL_USELESS", line, "useless declaration");
    return;
  }
  const { storage } = specifiers;
  if (storage === "auto" || storage === "register" || storage === "static") {
    fail("D_DECL_BADCLASS", line, "specified storage class not appropriate in D");
  }
  for (const declarator of declarators) {
    const declared = environment.declarer.declareAs(base, specifiers.isUserland, declarator);
    if (storage === "typedef") declareType(environment, declared);
    else {declareVariable(
        environment,
        storage === "self" ? "thread" : storage === "this" ? "clause" : "global",
        declared,
      );}
  }
}

function declareType(environment: Environment, { name, type, keys, line }: Declared): void {
  if (keys !== undefined) fail("D_DECL_ARRSUB", line, `cannot declare a type of associative arrays: ${name}`);
  const known = environment.types.typedef(name);
  if (known !== undefined && !isSameType(known, type)) fail("D_DECL_TYPERED", line, `type redeclared: ${name}`);
  environment.types.addTypedef(name, type);
}

function declareVariable(environment: Environment, scope: Scope, { name, type, keys, line }: Declared): void {
  const { kind } = resolve(type);
  if (kind === "void") fail("D_DECL_VOIDOBJ", line, `cannot declare void object: ${name}`);
  if (kind === "function") fail("D_DECL_FUNCTYPE", line, `cannot declare function in D: ${name}`);
  if (kind === "array" && (resolve(type) as { count: number }).count === 0) {
    fail("D_DECL_ARRNULL", line, `array declaration requires array dimension or tuple signature: ${name}`);
  }
  if (!isComplete(type)) fail("D_DECL_INCOMPLETE", line, `incomplete ${typeName(type)}: ${name}`);
  const known = environment.find(scope, name);
  if (known?.kind === "variable" && isSameVariable(known, type, keys)) return;
  if (known !== undefined && scope !== "global") {
    const prefix = scope === "thread" ? "self->" : "this->";
    const previous = known.kind === "variable" ? typeName(known.variable.type) : "";
    fail(
      "D_DECL_IDRED",
      line,
      `identifier redeclared: ${prefix}${name}\n\t current: ${typeName(type)} ${name}\n\tprevious: ${previous} ${name}`,
    );
  }
  environment.declare(scope, name, type, keys, line);
}

function isSameVariable(
  { variable, keyTypes }: Extract<Identifier, { kind: "variable" }>,
  type: Type,
  keys: readonly Type[] | undefined,
): boolean {
  return isSameType(variable.type, type) && (variable.keys === undefined) === (keys === undefined) &&
    keyTypes.length === (keys ?? []).length && keyTypes.every((key, index) => isSameType(key, keys![index]!));
}

/**
 * Checks an inline.
 *
 * @param environment The names.
 * @param syntax The inline.
 */
export function checkInline(environment: Environment, syntax: InlineSyntax): void {
  const { specifiers, declarator, value, line } = syntax;
  if (specifiers.storage !== undefined) {
    fail("D_DECL_BADCLASS", line, "specified storage class not appropriate in D");
  }
  const { name, type } = environment.declarer.declare(specifiers, declarator);
  const { kind } = resolve(type);
  if (kind === "void") fail("D_DECL_VOIDOBJ", line, `cannot declare void inline: ${name}`);
  if (kind === "function") fail("D_DECL_FUNCTYPE", line, `cannot declare inline function: ${name}`);
  const parameters = inlineParameters(environment, declarator);
  const inline = { kind: "inline", name, type, parameters, value, line } as const;
  const bindings = new Map((parameters ?? []).map((parameter) => [parameter.name, anyValue(parameter.type, line)]));
  const checked = environment.bound(bindings, line, () => environment.check(value));
  if (checked.kind !== "translated") inlineValue(inline, checked);
  // A constant is computed once, however often and deeply it is used.
  const literal: ExpressionSyntax | undefined = checked.kind === "constant"
    ? { kind: "constant", value: checked.value, type: checked.type, line }
    : undefined;
  environment.add(name, { ...inline, value: literal ?? value });
}

function inlineParameters(environment: Environment, { name, layers, line }: DeclaratorSyntax) {
  const tuple = layers.find((layer) => layer.kind === "tuple");
  if (tuple === undefined) return undefined;
  return tuple.parameters.map(({ specifiers, declarator }, index) => {
    if (declarator.name === "") {
      fail("D_DECL_PROTO_NAME", line, `${name}[ ] parameter #${index + 1} must have a name`);
    }
    return environment.declarer.declare(specifiers, declarator);
  });
}

/** Stands for a value of a type while a definition is checked that nobody uses yet. */
function anyValue(type: Type, line: number): Expression {
  return { kind: "argument", index: 0, typed: true, type, form: formOf(type), line };
}

/**
 * Checks a translator.
 *
 * @param environment The names.
 * @param syntax The translator.
 */
export function checkTranslator(environment: Environment, syntax: TranslatorSyntax): void {
  const { name, line } = syntax;
  const outputType = environment.declarer.typeOfName(syntax.output);
  const input = environment.declarer.typeOfName(syntax.input);
  const output = structOf(outputType);
  if (output === undefined || !output.complete) {
    fail("D_XLATE_SOU", line, `translator output type must be a struct or union: ${typeName(outputType)}`);
  }
  const isKnown = environment.translators.some((other) => other.output === output && isSameType(other.input, input));
  if (isKnown) {
    const text = `translator from ${typeName(input)} to ${typeName(outputType)} has been previously declared`;
    fail("D_XLATE_REDECL", line, text);
  }
  const members = new Map<string, ExpressionSyntax>();
  const bindings = new Map<string, Operand>([[name, placeholder(input, line)]]);
  for (const { name, value, line } of syntax.members) {
    const member = translatorMember(output, name, line);
    if (members.has(name)) fail("D_XLATE_MEMB", line, `translator member ${name} is defined twice`);
    const checked = environment.bound(bindings, line, () => environment.check(value));
    if (!mayDefine(member.type, checked)) {
      const types = `"${typeName(member.type)}" = "${typeName(checked.type)}"`;
      fail("D_XLATE_INCOMPAT", line, `translator member ${name} definition uses incompatible types: ${types}`);
    }
    members.set(name, value);
  }
  const translator: Translator = { input, output, outputType, name, members, line };
  environment.translators.push(translator);
}

function translatorMember(output: Translator["output"], name: string, line: number) {
  const text = `translator member ${name} is not a member of ${typeName(output)}`;
  return findMember(output, name) ?? fail("D_XLATE_MEMB", line, text);
}

/** Stands for what a translator gets while it is checked: a structure is in memory, all else is a value. */
function placeholder(type: Type, line: number): Expression {
  if (structOf(type) === undefined) return anyValue(type, line);
  const address = constant(ZERO, { kind: "pointer", to: type, userland: false }, line);
  return { kind: "load", address, bits: undefined, userland: false, type, form: formOf(type), line };
}

/**
 * Checks the declaration of a provider.
 *
 * @param environment The names.
 * @param syntax The declaration.
 * @returns The provider; a `__` in the name of a probe is a `-`, as in USDT.
 */
export function checkProvider(environment: Environment, { name, probes, line }: ProviderSyntax): ProviderDeclaration {
  if (name.length > PROVIDER_NAME_MAX) {
    fail("D_PROV_NAME", line, `provider name may not exceed ${PROVIDER_NAME_MAX} characters: ${name}`);
  }
  if (/[0-9]$/.test(name)) fail("D_PROV_BADNAME", line, `provider name may not end with a digit: ${name}`);
  const seen = new Set<string>();
  const declared = probes.map(({ name: written, native, translated, line }) => {
    const probe = written.replaceAll("__", "-");
    if (probe.length > PROBE_NAME_MAX) {
      fail("D_PROV_PRNAME", line, `probe name may not exceed ${PROBE_NAME_MAX} characters: ${probe}`);
    }
    if (seen.has(probe)) fail("D_PROV_PRDUP", line, `probe ${name}:::${probe} has been declared twice`);
    seen.add(probe);
    const nativeTypes = environment.declarer.parameters(native, "probe");
    const translatedTypes = translated && environment.declarer.parameters(translated, "probe");
    return { name: probe, nativeTypes, translatedTypes: translatedTypes ?? nativeTypes };
  });
  const attributes = {
    provider: DEFAULT_ATTRIBUTES,
    module: DEFAULT_ATTRIBUTES,
    function: DEFAULT_ATTRIBUTES,
    name: DEFAULT_ATTRIBUTES,
    args: DEFAULT_ATTRIBUTES,
  };
  return { name, probes: declared, attributes };
}
