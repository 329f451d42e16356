/**
 * The lexer: source text to tokens.
 *
 * **The problem.** D's words depend on where they stand. `syscall::read*:entry` is one word in front of a clause, and an
 * expression inside of one; `int*x` in front of a clause is a declaration if `int` is a type. A slash begins a predicate,
 * ends it, or divides.
 *
 * **The method.** The parser knows where it is, and asks: {@linkcode Lexer.next} for the next word of an expression or
 * declaration, {@linkcode Lexer.nextOuter} in front of clauses and declarations, where a word that begins no declaration
 * is a probe description. A slash ends a predicate if `{`, `;`, another slash or nothing follows it, which is what no
 * divisor begins with. Nothing is read ahead of what was asked for, so that a type is known when the next word matters.
 *
 * Comments are blanks, those from `//` to the end of the line included. A line that begins with `#` is a directive: it is
 * handed to `onDirective`, with its place, and is a blank, too.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { INTEGER, parseCharacter, parseInteger, unescape } from "./literals.ts";
import type { Macros } from "./macros.ts";
import { DECLARATION_KEYWORDS, KEYWORDS, PREDICATE_END, PUNCTUATORS, type Token, type TokenKind } from "./token.ts";

/** What the lexer asks and tells. */
export interface LexerOptions {
  readonly macros: Macros;
  /** Tells whether a name is that of a type. */
  readonly isTypeName: (name: string) => boolean;
  /** Whether any word may be a probe description, even one that looks like a declaration (`-x pspec`). */
  readonly prefersDescriptions: boolean;
  /** Takes a directive: the text behind the `#`, and its line. Returns the number of the next line if it sets that. */
  readonly onDirective: (text: string, line: number) => number | undefined;
}

const IDENTIFIER = /[A-Za-z_`][A-Za-z0-9_`]*/y;
/** What a probe description begins with and goes on with; behind a colon names may have more than DTrace's letters. */
const DESCRIPTION = /[-$:a-zA-Z_.?*\\[\]!][-$:0-9a-zA-Z_.`?*\\[\]!]*/y;
const DESCRIPTION_REST = /[-$:0-9a-zA-Z_.`?*\\[\]!+()~@<>&=]*/y;
const MACRO = /\$(\$?)([0-9]+|[A-Za-z_][A-Za-z0-9_]*)/y;
const FLOAT = /[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+/y;
const AGGREGATION = /@[A-Za-z_0-9]*/y;
const QUOTED = { '"': /"((?:[^"\\\n]|\\[^\n])*)("?)/y, "'": /'((?:[^'\\\n]|\\[^\n])*)('?)/y };

/** Cuts one source text into tokens. */
export class Lexer {
  readonly #source: string;
  readonly #options: LexerOptions;
  #at = 0;
  #line = 1;

  /**
   * Makes a lexer at the beginning of a text.
   *
   * @param source The text.
   * @param options What it asks and tells.
   */
  constructor(source: string, options: LexerOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** The line of what is read next. */
  get line(): number {
    return this.#line;
  }

  /**
   * Reads the next token of an expression or a declaration.
   *
   * @returns The token; at the end of the text one of the kind `end`, as often as it is asked for.
   * @throws {CompileError} If no token is there.
   */
  next(): Token {
    this.#skipBlanks();
    const character = this.#source[this.#at];
    if (character === undefined) return this.#take("end", "");
    if (character === '"' || character === "'") return this.#quoted(character);
    if (character === "$") return this.#macro();
    if (character === "@") return this.#take("aggregation", this.#match(AGGREGATION)![0]);
    const identifier = this.#match(IDENTIFIER);
    if (identifier !== null) return this.#word(identifier[0], identifier[0].length);
    if (this.#match(FLOAT) !== null) fail("D_SYNTAX", this.#line, "floating-point constants are not permitted");
    const integer = this.#match(INTEGER);
    if (integer !== null) return this.#integer(integer[0]);
    return this.#punctuator();
  }

  /**
   * Reads the next token where a declaration, a clause or another of its probe descriptions may begin.
   *
   * @returns A probe description, the first token of a declaration, a punctuator or the end.
   * @throws {CompileError} If no token is there.
   */
  nextOuter(): Token {
    this.#skipBlanks();
    const character = this.#source[this.#at];
    if (character === undefined || "{}/;,".includes(character)) return this.next();
    const match = this.#match(DESCRIPTION);
    if (match === null) return this.next();
    if (!this.#options.prefersDescriptions && this.#beginsDeclaration(match[0])) return this.next();
    let text = match[0];
    if (text.includes(":")) text += this.#match(DESCRIPTION_REST, this.#at + text.length)![0];
    return this.#take("description", text);
  }

  /** Tells whether a word is one of a declaration: `int`, or `int*` and the like with nothing of a description in it. */
  #beginsDeclaration(text: string): boolean {
    const [word] = /^(?:[CD]`)?[A-Za-z_][A-Za-z0-9_]*/.exec(text) ?? [];
    if (word === undefined || !/^\**(?:[A-Za-z_]\w*)?$/.test(text.slice(word.length))) return false;
    return DECLARATION_KEYWORDS.has(word) || this.#options.isTypeName(word);
  }

  #quoted(quote: '"' | "'"): Token {
    const [whole, inside, end] = this.#match(QUOTED[quote])!;
    if (quote === "'") {
      if (end === "") fail("D_CHR_NL", this.#line, "newline encountered in character constant");
      return this.#take("integer", whole, { integer: parseCharacter(inside!, this.#line) });
    }
    if (end === "") fail("D_STR_NL", this.#line, "newline encountered in string literal");
    return this.#take("string", whole, { bytes: unescape(inside!) });
  }

  #integer(text: string): Token {
    const token = this.#take("integer", text, { integer: parseInteger(text, this.#line) });
    const rest = this.#match(IDENTIFIER);
    if (rest !== null) fail("D_SYNTAX", token, `syntax error near "${rest[0]}"`);
    return token;
  }

  #macro(): Token {
    const match = this.#match(MACRO);
    if (match === null) fail("D_SYNTAX", this.#line, 'syntax error near "$"');
    const [whole, second, name] = match;
    const value = this.#options.macros.valueOf(name!, whole, this.#line);
    if (second === "$") return this.#take("string", whole, { bytes: new TextEncoder().encode(value ?? "") });
    const text = (value ?? "0").trim();
    const digits = /^-?(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*$/.exec(text);
    if (digits === null) return this.#word(text, whole.length);
    return this.#take("integer", whole, { integer: this.#macroInteger(text) });
  }

  #macroInteger(text: string) {
    const literal = parseInteger(text.replace(/^-/, ""), this.#line, "D_MACRO_OFLOW");
    if (!text.startsWith("-")) return literal;
    const { lo, hi } = literal.value;
    return { ...literal, isNegative: true, value: { lo: -lo >>> 0, hi: (lo === 0 ? -hi : ~hi) >>> 0 } };
  }

  #word(text: string, length: number): Token {
    return this.#take(KEYWORDS.has(text) ? "keyword" : "identifier", text, {}, length);
  }

  #punctuator(): Token {
    const found = PUNCTUATORS.find((text) => this.#source.startsWith(text, this.#at));
    if (found === undefined) {
      const character = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
      fail("D_SYNTAX", this.#line, `syntax error near "${character}"`);
    }
    if (!found.startsWith("/")) return this.#take("punctuator", found);
    const token = this.#take("punctuator", found === "/=" ? found : this.#slash());
    return token;
  }

  /** Tells a slash that ends a predicate from one that divides, by what follows it. */
  #slash(): string {
    const [rest] = this.#match(/[ \f\n\r\t\v]*([^]?)/y, this.#at + 1)!;
    const next = rest.trim();
    return next === "" || next === "{" || next === ";" || next === "/" ? PREDICATE_END : "/";
  }

  #match(pattern: RegExp, at = this.#at): RegExpExecArray | null {
    pattern.lastIndex = at;
    return pattern.exec(this.#source);
  }

  #take(kind: TokenKind, text: string, more: Partial<Token> = {}, length?: number): Token {
    const start = this.#at;
    this.#at += length ?? (text === PREDICATE_END ? 1 : text.length);
    return { kind, text, line: this.#line, start, end: this.#at, ...more };
  }

  /** Skips blanks, comments and directives. */
  #skipBlanks(): void {
    for (;;) {
      const character = this.#source[this.#at];
      if (character === "\n") {
        this.#line++;
        this.#at++;
      } else if (character !== undefined && " \f\r\t\v".includes(character)) this.#at++;
      else if (this.#source.startsWith("/*", this.#at)) this.#skipComment();
      else if (this.#source.startsWith("//", this.#at)) this.#at = this.#lineEnd();
      else if (character === "#" && this.#isAtLineStart()) this.#directive();
      else return;
    }
  }

  #lineEnd(): number {
    const newline = this.#source.indexOf("\n", this.#at);
    return newline < 0 ? this.#source.length : newline;
  }

  #isAtLineStart(): boolean {
    const start = this.#source.lastIndexOf("\n", this.#at - 1) + 1;
    return this.#at === 0 || this.#source.slice(start, this.#at).trim() === "";
  }

  #skipComment(): void {
    const end = this.#source.indexOf("*/", this.#at + 2);
    const inside = this.#source.slice(this.#at + 2, end < 0 ? undefined : end);
    if (inside.includes("/*")) {
      const line = this.#line + inside.slice(0, inside.indexOf("/*")).split("\n").length - 1;
      fail("D_SYNTAX", line, "/* encountered inside a comment");
    }
    if (end < 0) fail("D_SYNTAX", this.#line, "end-of-file encountered before matching */");
    this.#line += inside.split("\n").length - 1;
    this.#at = end + 2;
  }

  #directive(): void {
    const end = this.#lineEnd();
    const next = this.#options.onDirective(this.#source.slice(this.#at + 1, end), this.#line);
    this.#at = end;
    // The newline itself is still to be counted.
    if (next !== undefined) this.#line = next - 1;
  }
}
