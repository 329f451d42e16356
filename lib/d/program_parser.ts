/**
 * The parser of whole programs: clauses, declarations, inlines, translators, providers and pragmas.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { DeclarationParser } from "./declaration_parser.ts";
import { Lexer } from "./lexer.ts";
import type { Macros } from "./macros.ts";
import type {
  ClauseSyntax,
  DescriptionSyntax,
  InlineSyntax,
  ItemSyntax,
  ParameterSyntax,
  ProbeSyntax,
  ProviderSyntax,
  StatementSyntax,
  TranslatorSyntax,
} from "./syntax.ts";
import { type Token, withoutScope } from "./token.ts";

/** What the parser must know beside the text. */
export interface ParserOptions {
  readonly macros: Macros;
  /** The names of types that are there; those that the text declares are added. */
  readonly typeNames: Set<string>;
  /** Whether the text is that of a file, where a probe description does not stand alone. */
  readonly isFile: boolean;
  /** Whether any word in front of a clause is a probe description (`-x pspec`). */
  readonly prefersDescriptions: boolean;
  /** Takes a directive that is no pragma of D; see {@linkcode Lexer}. */
  readonly onDirective: (text: string, line: number) => number | undefined;
  /** Takes a part of the program when it has been read; pragmas come in front of the clause in which they stand. */
  readonly onItem: (item: ItemSyntax) => void;
}

/**
 * Reads a program.
 *
 * @example A clause
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Macros } from "./macros.ts";
 *
 * const kinds: string[] = [];
 * parseProgram("BEGIN { exit(0); }", {
 *   macros: new Macros({ arguments: [], variables: {}, defaults: false }),
 *   typeNames: new Set(),
 *   isFile: true,
 *   prefersDescriptions: false,
 *   onDirective: () => undefined,
 *   onItem: ({ kind }) => kinds.push(kind),
 * });
 * assertEquals(kinds, ["clause"]);
 * ```
 *
 * @param source The text.
 * @param options What must be known beside it.
 * @throws {CompileError} `D_SYNTAX` and the tags of the lexer.
 */
export function parseProgram(source: string, options: ParserOptions): void {
  const lexer = new Lexer(source, {
    macros: options.macros,
    isTypeName: (name) => options.typeNames.has(withoutScope(name)),
    prefersDescriptions: options.prefersDescriptions,
    onDirective(text, line) {
      const words = text.trim().split(/\s+/);
      if (words[0] !== "pragma" || words[1] !== "D") return options.onDirective(text, line);
      options.onItem({ kind: "pragma", words: splitPragma(text), line });
      return undefined;
    },
  });
  new ProgramParser(lexer, options).parse(options.onItem);
}

/** Splits the text of a pragma behind `D` into words; a string is one word with its quotes. */
function splitPragma(text: string): string[] {
  const rest = text.replace(/^\s*pragma\s+D\b/, "");
  return [...rest.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)].map(([word]) => word);
}

class ProgramParser extends DeclarationParser {
  readonly #isFile: boolean;

  constructor(lexer: Lexer, options: ParserOptions) {
    super(lexer, options.typeNames);
    this.#isFile = options.isFile;
  }

  parse(onItem: (item: ItemSyntax) => void): void {
    for (;;) {
      const token = this.peekOuter();
      if (token.kind === "end") return;
      onItem(this.#item(token));
    }
  }

  #item(token: Token): ItemSyntax {
    const { kind, text } = token;
    if (kind === "description" || kind === "integer") return this.#clause();
    if (kind === "keyword" && text === "inline") return this.#inline();
    if (kind === "keyword" && text === "translator") return this.#translator();
    if (kind === "keyword" && text === "provider") return this.#provider();
    if (kind === "keyword" || this.beginsType(token)) return this.parseDeclaration();
    this.failSyntax();
  }

  #clause(): ClauseSyntax {
    const descriptions = [this.#description()];
    while (this.peekOuter().text === ",") {
      this.take();
      descriptions.push(this.#description());
    }
    const { line } = descriptions[0]!;
    const predicate = this.peekOuter().text === "/" ? this.#predicate() : undefined;
    const { kind, text } = this.peekOuter();
    if (text === "{") {
      const { statements, endLine } = this.#body();
      return { kind: "clause", descriptions, predicate, statements, line, endLine };
    }
    if (predicate !== undefined) {
      fail("D_SYNTAX", line, "expected actions { } following probe description and predicate");
    }
    if (this.#isFile) {
      if (kind === "punctuator") this.failSyntax();
      fail("D_SYNTAX", line, "expected predicate and/or actions following probe description");
    }
    return { kind: "clause", descriptions, predicate, statements: [], line, endLine: line };
  }

  #description(): DescriptionSyntax {
    const { kind } = this.peekOuter();
    if (kind !== "description" && kind !== "integer") this.failSyntax();
    const { text, line } = this.take();
    return { text, line };
  }

  #predicate() {
    this.take();
    const predicate = this.parseExpression();
    this.expect("/}");
    return predicate;
  }

  /** Reads statements in braces. */
  #block(): StatementSyntax[] {
    return this.#body().statements;
  }

  #body(): { statements: StatementSyntax[]; endLine: number } {
    this.expect("{");
    const statements: StatementSyntax[] = [];
    while (!this.at("}")) {
      if (this.takeIf(";")) continue;
      statements.push(this.#statement());
    }
    return { statements, endLine: this.take().line };
  }

  #statement(): StatementSyntax {
    const { line } = this.peek();
    if (!this.takeIf("if")) {
      const expression = this.parseExpression();
      if (!this.at("}")) this.expect(";");
      return { kind: "expression", expression, line };
    }
    this.expect("(");
    const condition = this.parseExpression();
    this.expect(")");
    const then = this.#branch();
    return { kind: "if", condition, then, otherwise: this.takeIf("else") ? this.#branch() : [], line };
  }

  #branch(): StatementSyntax[] {
    return this.nested(() => {
      if (this.at("{")) return this.#block();
      return this.takeIf(";") ? [] : [this.#statement()];
    });
  }

  #inline(): InlineSyntax {
    const { line } = this.take();
    const specifiers = this.parseSpecifiers();
    const declarator = this.parseDeclarator("named");
    this.expect("=");
    const value = this.parseAssignment();
    this.expect(";");
    return { kind: "inline", specifiers, declarator, value, line };
  }

  #translator(): TranslatorSyntax {
    const { line } = this.take();
    const output = this.parseTypeName();
    this.expect("<");
    const { line: inputLine } = this.peek();
    const specifiers = this.parseSpecifiers();
    const { name, ...rest } = this.parseDeclarator("named");
    this.expect(">");
    this.expect("{");
    const members: { name: string; value: InlineSyntax["value"]; line: number }[] = [];
    while (!this.at("}")) {
      const member = this.peek();
      const memberName = this.expectMember();
      this.expect("=");
      members.push({ name: memberName, value: this.parseAssignment(), line: member.line });
      this.expect(";");
    }
    this.take();
    this.expect(";");
    const input = { specifiers, declarator: { name: "", ...rest }, line: inputLine };
    return { kind: "translator", output, input, name, members, line };
  }

  #provider(): ProviderSyntax {
    const { line } = this.take();
    const { text: name } = this.expectName();
    this.expect("{");
    const probes: ProbeSyntax[] = [];
    while (!this.at("}")) probes.push(this.#probe());
    this.take();
    this.expect(";");
    return { kind: "provider", name, probes, line };
  }

  #probe(): ProbeSyntax {
    const { line } = this.expect("probe");
    const name = this.expectMember();
    const native = this.at("(") ? this.#parameters() : [];
    const translated = this.takeIf(":") ? this.#parameters() : undefined;
    this.expect(";");
    return { name, native, translated, line };
  }

  #parameters(): ParameterSyntax[] {
    this.expect("(");
    const { parameters } = this.parseParameters(")");
    return parameters;
  }
}
