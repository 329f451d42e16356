/**
 * The parser's view of the tokens: one to look at, and what to say if it is the wrong one.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import type { Lexer } from "./lexer.ts";
import type { Token } from "./token.ts";

/** How deep expressions and statements may be nested; far beyond what anybody writes, and within the stack. */
const DEPTH_MAX = 200;

/** Tokens of one text with one of them ahead. */
export abstract class TokenStream {
  readonly #lexer: Lexer;
  #ahead: Token | undefined;
  #depth = 0;
  /** The brackets that are open. */
  readonly #open: string[] = [];

  /**
   * Makes a stream.
   *
   * @param lexer The lexer, which nobody else uses.
   */
  constructor(lexer: Lexer) {
    this.#lexer = lexer;
  }

  /** Looks at the next token. */
  protected peek(): Token {
    return this.#ahead ??= this.#lexer.next();
  }

  /** Looks at the next token where a probe description may be. */
  protected peekOuter(): Token {
    return this.#ahead ??= this.#lexer.nextOuter();
  }

  /** Takes the next token. */
  protected take(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    if (token.kind === "punctuator") this.#count(token.text);
    return token;
  }

  /** Tells whether the next token is a punctuator or keyword. */
  protected at(text: string): boolean {
    const token = this.peek();
    return token.text === text && (token.kind === "punctuator" || token.kind === "keyword");
  }

  /** Takes the next token if it is a punctuator or keyword. */
  protected takeIf(text: string): boolean {
    if (!this.at(text)) return false;
    this.take();
    return true;
  }

  /** Takes the next token, which must be a punctuator or keyword. */
  protected expect(text: string): Token {
    if (!this.at(text)) this.failSyntax();
    return this.take();
  }

  /** Takes a name. */
  protected expectName(): Token {
    if (this.peek().kind !== "identifier") this.failSyntax();
    return this.take();
  }

  /** Takes the name of a member, which may be a keyword as well. */
  protected expectMember(): string {
    const { kind } = this.peek();
    if (kind !== "identifier" && kind !== "keyword") this.failSyntax();
    return this.take().text;
  }

  /** Takes what a function reads, one level deeper. */
  protected nested<T>(read: () => T): T {
    if (++this.#depth > DEPTH_MAX) fail("D_SYNTAX", this.peek(), "program is nested too deeply");
    const result = read();
    this.#depth--;
    return result;
  }

  /** Says that the next token cannot stand where it is. */
  protected failSyntax(): never {
    const token = this.peek();
    if (token.kind !== "end") fail("D_SYNTAX", token, `syntax error near "${token.text === "/}" ? "/" : token.text}"`);
    const open = this.#open.at(-1);
    fail(
      "D_SYNTAX",
      token,
      open === undefined ? "syntax error near end of input" : `end-of-file encountered before matching ${open}`,
    );
  }

  #count(text: string): void {
    const closing = { "{": "}", "[": "]", "(": ")" }[text];
    if (closing !== undefined) this.#open.push(closing);
    else if (text === this.#open.at(-1)) this.#open.pop();
  }
}
