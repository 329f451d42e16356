/**
 * The parser of expressions: C's grammar with D's `^^`, `stringof`, `xlate`, aggregations, and keys of several parts.
 *
 * Binary operators are read by their precedence in one loop; all of them associate to the left.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import type { ExpressionSyntax, TypeNameSyntax, UnarySyntax } from "./syntax.ts";
import type { Token } from "./token.ts";
import { TokenStream } from "./token_stream.ts";

/** Binary operators from those that bind least to those that bind most. */
const PRECEDENCES: readonly (readonly string[])[] = [
  ["||"],
  ["^^"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", "<=", ">", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

const PRECEDENCE: ReadonlyMap<string, number> = new Map(
  PRECEDENCES.flatMap((operators, precedence) => operators.map((operator): [string, number] => [operator, precedence])),
);

const ASSIGNMENTS = new Set(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="]);
const UNARY_OPERATORS = new Set(["&", "*", "+", "-", "~", "!"]);

/** How many operators may follow one another without parentheses. */
const CHAIN_MAX = 500;

/** Reads expressions. */
export abstract class ExpressionParser extends TokenStream {
  /** Tells whether a token begins the name of a type. */
  protected abstract beginsType(token: Token): boolean;

  /** Reads the name of a type, as in a cast. */
  protected abstract parseTypeName(): TypeNameSyntax;

  /** Reads an expression, commas included. */
  protected parseExpression(): ExpressionSyntax {
    const { line } = this.peek();
    const expressions = this.parseList();
    return expressions.length === 1 ? expressions[0]! : { kind: "comma", expressions, line };
  }

  /** Reads expressions with commas between them. */
  protected parseList(): ExpressionSyntax[] {
    const expressions = [this.parseAssignment()];
    while (this.takeIf(",")) expressions.push(this.parseAssignment());
    return expressions;
  }

  /** Reads an expression without commas. */
  protected parseAssignment(): ExpressionSyntax {
    return this.nested(() => {
      const left = this.parseConditional();
      const token = this.peek();
      if (token.kind !== "punctuator" || !ASSIGNMENTS.has(token.text)) return left;
      // What has a precedence below that of unary operators cannot stand on the left side.
      if (left.kind === "binary" || left.kind === "conditional" || left.kind === "cast") this.failSyntax();
      this.take();
      return { kind: "assign", operator: token.text, left, right: this.parseAssignment(), line: token.line };
    });
  }

  /** Reads an expression without commas and assignments, as constants are. */
  protected parseConditional(): ExpressionSyntax {
    const condition = this.#binary(0);
    if (!this.at("?")) return condition;
    const { line } = this.take();
    return this.nested(() => {
      const then = this.parseExpression();
      this.expect(":");
      return { kind: "conditional", condition, then, otherwise: this.parseConditional(), line };
    });
  }

  #binary(least: number): ExpressionSyntax {
    let left = this.#cast();
    let count = 0;
    for (;;) {
      const token = this.peek();
      const precedence = token.kind === "punctuator" ? PRECEDENCE.get(token.text) : undefined;
      if (precedence === undefined || precedence < least) return left;
      if (++count > CHAIN_MAX) fail("D_SYNTAX", token, "expression is too long");
      this.take();
      left = { kind: "binary", operator: token.text, left, right: this.#binary(precedence + 1), line: token.line };
    }
  }

  #cast(): ExpressionSyntax {
    if (!this.at("(")) return this.#unary();
    const { line } = this.take();
    if (this.beginsType(this.peek())) {
      const type = this.parseTypeName();
      this.expect(")");
      return { kind: "cast", type, operand: this.nested(() => this.#cast()), line };
    }
    return this.#postfix(this.#restOfParentheses());
  }

  #restOfParentheses(): ExpressionSyntax {
    const inside = this.parseExpression();
    this.expect(")");
    return inside;
  }

  #unary(): ExpressionSyntax {
    const { kind, text, line } = this.peek();
    if (kind === "punctuator" && UNARY_OPERATORS.has(text)) {
      this.take();
      const operator = text as UnarySyntax["operator"];
      return { kind: "unary", operator, operand: this.nested(() => this.#cast()), line };
    }
    if (kind === "punctuator" && (text === "++" || text === "--")) {
      this.take();
      return { kind: "unary", operator: text, operand: this.nested(() => this.#unary()), line };
    }
    if (kind === "keyword" && text === "stringof") {
      this.take();
      return { kind: "unary", operator: "stringof", operand: this.nested(() => this.#unary()), line };
    }
    if (kind === "keyword" && text === "sizeof") return this.#sizeof();
    return this.#postfix(this.#primary());
  }

  #sizeof(): ExpressionSyntax {
    const { line } = this.take();
    if (!this.at("(")) return { kind: "unary", operator: "sizeof", operand: this.nested(() => this.#unary()), line };
    this.take();
    if (!this.beginsType(this.peek())) {
      return { kind: "unary", operator: "sizeof", operand: this.#postfix(this.#restOfParentheses()), line };
    }
    const type = this.parseTypeName();
    this.expect(")");
    return { kind: "sizeof-type", type, line };
  }

  #primary(): ExpressionSyntax {
    const token = this.peek();
    const { kind, text, line } = token;
    if (kind === "integer") return { kind: "integer", literal: this.take().integer!, line };
    if (kind === "string") return this.#strings();
    if (kind === "identifier") return { kind: "identifier", name: this.take().text, line };
    if (kind === "aggregation") return this.#aggregation();
    if (kind === "keyword") return this.#keyword(text, line);
    if (text !== "(" || kind !== "punctuator") this.failSyntax();
    this.take();
    return this.#restOfParentheses();
  }

  /** Strings that follow one another are one. */
  #strings(): ExpressionSyntax {
    const { line } = this.peek();
    const bytes: number[] = [];
    while (this.peek().kind === "string") bytes.push(...this.take().bytes!);
    return { kind: "string", bytes: Uint8Array.from(bytes), line };
  }

  #aggregation(): ExpressionSyntax {
    const { text, line } = this.take();
    const keys = this.takeIf("[") ? this.parseList() : undefined;
    if (keys !== undefined) this.expect("]");
    return { kind: "aggregation", name: text.slice(1), keys, line };
  }

  #keyword(text: string, line: number): ExpressionSyntax {
    if (text === "self" || text === "this") {
      this.take();
      if (!this.at("->")) this.failSyntax();
      return { kind: "identifier", name: text, line };
    }
    if (text === "offsetof") {
      this.take();
      this.expect("(");
      const type = this.parseTypeName();
      this.expect(",");
      const member = this.expectMember();
      this.expect(")");
      return { kind: "offsetof", type, member, line };
    }
    if (text !== "xlate") this.failSyntax();
    this.take();
    this.expect("<");
    const type = this.parseTypeName();
    this.expect(">");
    this.expect("(");
    return { kind: "xlate", type, operand: this.#restOfParentheses(), line };
  }

  #postfix(primary: ExpressionSyntax): ExpressionSyntax {
    let base = primary;
    for (let count = 0;; count++) {
      const { kind, text, line } = this.peek();
      if (kind !== "punctuator") return base;
      if (count > CHAIN_MAX) fail("D_SYNTAX", line, "expression is too long");
      if (text === "[") {
        this.take();
        const keys = this.parseList();
        this.expect("]");
        base = { kind: "index", base, keys, line };
      } else if (text === "(") {
        this.take();
        const list = this.at(")") ? [] : this.parseList();
        this.expect(")");
        base = { kind: "call", callee: base, arguments: list, line };
      } else if (text === "." || text === "->") {
        this.take();
        base = { kind: "member", base, name: this.expectMember(), operator: text, line };
      } else if (text === "++" || text === "--") {
        this.take();
        base = { kind: "postfix", operator: text, operand: base, line };
      } else return base;
    }
  }
}
