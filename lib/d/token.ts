/**
 * The words of D.
 *
 * @module
 */

import type { Int64 } from "./int64.ts";

/** What a token is. */
export type TokenKind =
  | "identifier"
  | "keyword"
  | "integer"
  | "string"
  /** `@name`; the text has the at sign. */
  | "aggregation"
  | "punctuator"
  /** A probe description, with its macro variables. */
  | "description"
  | "end";

/** A token. */
export interface Token {
  readonly kind: TokenKind;
  /** The text that counts; that of a macro variable is its value. */
  readonly text: string;
  /** The line on which it begins. */
  readonly line: number;
  /** Where it begins in the source, and where what follows it begins. */
  readonly start: number;
  readonly end: number;
  /** Of an integer: its value, and what is said of its type. */
  readonly integer?: IntegerLiteral;
  /** The bytes of a string. */
  readonly bytes?: Uint8Array;
}

/** An integer as it is written. */
export interface IntegerLiteral {
  readonly value: Int64;
  /** Whether it is written in decimal digits, so that it has a sign unless it must not. */
  readonly isDecimal: boolean;
  readonly isUnsigned: boolean;
  /** Whether the value is below zero, as that of a character or a macro variable may be. */
  readonly isNegative: boolean;
  /** How many `l` there are: 0, 1 or 2. */
  readonly longs: number;
}

/** The words that cannot be names. Some mean nothing yet. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  "auto",
  "break",
  "case",
  "char",
  "const",
  "continue",
  "counter",
  "default",
  "do",
  "double",
  "else",
  "enum",
  "extern",
  "float",
  "for",
  "goto",
  "if",
  "import",
  "inline",
  "int",
  "long",
  "offsetof",
  "probe",
  "provider",
  "register",
  "restrict",
  "return",
  "self",
  "short",
  "signed",
  "sizeof",
  "static",
  "string",
  "stringof",
  "struct",
  "switch",
  "this",
  "translator",
  "typedef",
  "union",
  "unsigned",
  "userland",
  "void",
  "volatile",
  "while",
  "xlate",
]);

/** The keywords that begin a declaration, so that no probe description does. */
export const DECLARATION_KEYWORDS: ReadonlySet<string> = new Set([
  "auto",
  "char",
  "const",
  "counter",
  "double",
  "enum",
  "extern",
  "float",
  "import",
  "inline",
  "int",
  "long",
  "provider",
  "register",
  "restrict",
  "self",
  "short",
  "signed",
  "static",
  "string",
  "struct",
  "this",
  "translator",
  "typedef",
  "union",
  "unsigned",
  "userland",
  "void",
  "volatile",
]);

/** Punctuators, longer ones before those that they begin with. `/` at the end of a predicate is `/}` here. */
export const PUNCTUATORS: readonly string[] = [
  "<<=",
  ">>=",
  "...",
  "->",
  "++",
  "--",
  "<<",
  ">>",
  "<=",
  ">=",
  "==",
  "!=",
  "&&",
  "||",
  "^^",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "&=",
  "|=",
  "^=",
  ..."{}[]();:,?.=+-*/%&|^~!<>",
];

/** The text of the token that closes a predicate, which in the source is a slash like that of a division. */
export const PREDICATE_END = "/}";

/**
 * Takes the scope of types off a name: those of the program and of C may be written with it, D`point and C`int.
 *
 * @param name The name.
 * @returns What is behind the scope.
 */
export function withoutScope(name: string): string {
  return /^[CD]`/.test(name) ? name.slice(2) : name;
}
