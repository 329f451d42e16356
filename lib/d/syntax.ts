/**
 * The syntax tree: what the parser has read, before anything of it is understood.
 *
 * It holds names, not variables, and declarations as they are written: the checker makes types and the typed tree of it.
 *
 * @module
 */

import type { Int64 } from "./int64.ts";
import type { IntegerLiteral } from "./token.ts";
import type { Type } from "./types.ts";

/** An expression as it is written. */
export type ExpressionSyntax =
  | { readonly kind: "integer"; readonly literal: IntegerLiteral; readonly line: number }
  | { readonly kind: "string"; readonly bytes: Uint8Array; readonly line: number }
  /** A constant that has been computed already. */
  | { readonly kind: "constant"; readonly value: Int64; readonly type: Type; readonly line: number }
  | IdentifierSyntax
  | AggregationSyntax
  | IndexSyntax
  | MemberSyntax
  | CallSyntax
  | UnarySyntax
  | BinarySyntax
  | {
    readonly kind: "postfix";
    readonly operator: "++" | "--";
    readonly operand: ExpressionSyntax;
    readonly line: number;
  }
  | AssignSyntax
  | ConditionalSyntax
  | { readonly kind: "comma"; readonly expressions: readonly ExpressionSyntax[]; readonly line: number }
  | { readonly kind: "cast"; readonly type: TypeNameSyntax; readonly operand: ExpressionSyntax; readonly line: number }
  | { readonly kind: "sizeof-type"; readonly type: TypeNameSyntax; readonly line: number }
  | { readonly kind: "offsetof"; readonly type: TypeNameSyntax; readonly member: string; readonly line: number }
  | {
    readonly kind: "xlate";
    readonly type: TypeNameSyntax;
    readonly operand: ExpressionSyntax;
    readonly line: number;
  };

/** A name; `self->x` and `this->x` are members of the identifiers `self` and `this`. */
export interface IdentifierSyntax {
  readonly kind: "identifier";
  readonly name: string;
  readonly line: number;
}

/** `@name[keys]`. */
export interface AggregationSyntax {
  readonly kind: "aggregation";
  /** Without the at sign. */
  readonly name: string;
  /** Undefined if there are no brackets. */
  readonly keys: readonly ExpressionSyntax[] | undefined;
  readonly line: number;
}

/** `base[keys]`. */
export interface IndexSyntax {
  readonly kind: "index";
  readonly base: ExpressionSyntax;
  readonly keys: readonly ExpressionSyntax[];
  readonly line: number;
}

/** `base.name` or `base->name`. */
export interface MemberSyntax {
  readonly kind: "member";
  readonly base: ExpressionSyntax;
  readonly name: string;
  readonly operator: "." | "->";
  readonly line: number;
}

/** `callee(arguments)`. */
export interface CallSyntax {
  readonly kind: "call";
  readonly callee: ExpressionSyntax;
  readonly arguments: readonly ExpressionSyntax[];
  readonly line: number;
}

/** An operator in front of its operand. */
export interface UnarySyntax {
  readonly kind: "unary";
  readonly operator: "++" | "--" | "&" | "*" | "+" | "-" | "~" | "!" | "sizeof" | "stringof";
  readonly operand: ExpressionSyntax;
  readonly line: number;
}

/** An operator between two operands. */
export interface BinarySyntax {
  readonly kind: "binary";
  readonly operator: string;
  readonly left: ExpressionSyntax;
  readonly right: ExpressionSyntax;
  readonly line: number;
}

/** An assignment, `=` or with an operator in front of that. */
export interface AssignSyntax {
  readonly kind: "assign";
  readonly operator: string;
  readonly left: ExpressionSyntax;
  readonly right: ExpressionSyntax;
  readonly line: number;
}

/** `condition ? then : otherwise`. */
export interface ConditionalSyntax {
  readonly kind: "conditional";
  readonly condition: ExpressionSyntax;
  readonly then: ExpressionSyntax;
  readonly otherwise: ExpressionSyntax;
  readonly line: number;
}

/** The name of a type, as in a cast. */
export interface TypeNameSyntax {
  readonly specifiers: SpecifiersSyntax;
  readonly declarator: DeclaratorSyntax;
  readonly line: number;
}

/** Where what is declared lives; `global` is what `auto` and nothing mean. */
export type StorageClass = "auto" | "register" | "static" | "extern" | "typedef" | "self" | "this";

/** The words in front of declarators. */
export interface SpecifiersSyntax {
  readonly storage: StorageClass | undefined;
  readonly qualifiers: readonly ("const" | "volatile" | "restrict")[];
  readonly isUserland: boolean;
  /** `int`, `long`, `unsigned`... in their order. */
  readonly words: readonly string[];
  /** A structure, an enumeration or the name of a type. */
  readonly named: NamedSpecifier | undefined;
  readonly line: number;
}

/** A type that has a name or a body of its own. */
export type NamedSpecifier =
  | { readonly kind: "typedef"; readonly name: string }
  | {
    readonly kind: "struct" | "union";
    readonly tag: string;
    readonly members: readonly MemberDeclaration[] | undefined;
  }
  | { readonly kind: "enum"; readonly tag: string; readonly enumerators: readonly EnumeratorSyntax[] | undefined };

/** Members of a structure that are declared together. */
export interface MemberDeclaration {
  readonly specifiers: SpecifiersSyntax;
  /** None for an unnamed structure. */
  readonly declarators: readonly DeclaratorSyntax[];
  readonly line: number;
}

/** A name of an enumeration. */
export interface EnumeratorSyntax {
  readonly name: string;
  readonly value: ExpressionSyntax | undefined;
  readonly line: number;
}

/** What makes a type of another one. */
export type Layer =
  | { readonly kind: "pointer"; readonly qualifiers: readonly ("const" | "volatile" | "restrict")[] }
  | { readonly kind: "array"; readonly size: ExpressionSyntax | undefined }
  | { readonly kind: "tuple"; readonly parameters: readonly ParameterSyntax[]; readonly isVariadic: boolean }
  | { readonly kind: "function"; readonly parameters: readonly ParameterSyntax[]; readonly isVariadic: boolean };

/** A name with what is around it. */
export interface DeclaratorSyntax {
  /** Empty if it has none. */
  readonly name: string;
  /** From the type in front of the declarator outwards. */
  readonly layers: readonly Layer[];
  /** The width of a bit-field. */
  readonly bits: ExpressionSyntax | undefined;
  readonly line: number;
}

/** A parameter of a function, a probe, an inline or a tuple. */
export interface ParameterSyntax {
  readonly specifiers: SpecifiersSyntax;
  readonly declarator: DeclaratorSyntax;
  readonly line: number;
}

/** A statement as it is written. */
export type StatementSyntax =
  | { readonly kind: "expression"; readonly expression: ExpressionSyntax; readonly line: number }
  | {
    readonly kind: "if";
    readonly condition: ExpressionSyntax;
    readonly then: readonly StatementSyntax[];
    readonly otherwise: readonly StatementSyntax[];
    readonly line: number;
  };

/** A clause as it is written. */
export interface ClauseSyntax {
  readonly kind: "clause";
  readonly descriptions: readonly DescriptionSyntax[];
  readonly predicate: ExpressionSyntax | undefined;
  readonly statements: readonly StatementSyntax[];
  readonly line: number;
  /** The line on which it ends. */
  readonly endLine: number;
}

/** A probe description as it is written. */
export interface DescriptionSyntax {
  readonly text: string;
  readonly line: number;
}

/** What stands in a program beside clauses and declarations. */
export type ItemSyntax =
  | ClauseSyntax
  | DeclarationSyntax
  | InlineSyntax
  | TranslatorSyntax
  | ProviderSyntax
  | PragmaSyntax;

/** A declaration of variables or types. */
export interface DeclarationSyntax {
  readonly kind: "declaration";
  readonly specifiers: SpecifiersSyntax;
  readonly declarators: readonly DeclaratorSyntax[];
  readonly line: number;
}

/** `inline type name = value` or `inline type name[parameters] = value`. */
export interface InlineSyntax {
  readonly kind: "inline";
  readonly specifiers: SpecifiersSyntax;
  readonly declarator: DeclaratorSyntax;
  readonly value: ExpressionSyntax;
  readonly line: number;
}

/** `translator output < input name > { member = value; ... }`. */
export interface TranslatorSyntax {
  readonly kind: "translator";
  readonly output: TypeNameSyntax;
  readonly input: TypeNameSyntax;
  readonly name: string;
  readonly members: readonly { readonly name: string; readonly value: ExpressionSyntax; readonly line: number }[];
  readonly line: number;
}

/** `provider name { probe ... }`. */
export interface ProviderSyntax {
  readonly kind: "provider";
  readonly name: string;
  readonly probes: readonly ProbeSyntax[];
  readonly line: number;
}

/** `probe name(native) : (translated)`. */
export interface ProbeSyntax {
  readonly name: string;
  readonly native: readonly ParameterSyntax[];
  readonly translated: readonly ParameterSyntax[] | undefined;
  readonly line: number;
}

/** `#pragma D word...`, at its place among the items. */
export interface PragmaSyntax {
  readonly kind: "pragma";
  readonly words: readonly string[];
  readonly line: number;
}
