/**
 * The parser of declarations: C's specifiers and declarators, with D's storage classes and tuples of key types.
 *
 * A declarator is read inside out: what makes the type of a name stands around it. `layers` lists it from the type in
 * front of the declarator outwards, so that the type is made by one walk over them.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { ExpressionParser } from "./expression_parser.ts";
import type { Lexer } from "./lexer.ts";
import type {
  DeclarationSyntax,
  DeclaratorSyntax,
  EnumeratorSyntax,
  Layer,
  MemberDeclaration,
  NamedSpecifier,
  ParameterSyntax,
  SpecifiersSyntax,
  StorageClass,
  TypeNameSyntax,
} from "./syntax.ts";
import { type Token, withoutScope } from "./token.ts";

const TYPE_WORDS = new Set([
  "char",
  "double",
  "float",
  "int",
  "long",
  "short",
  "signed",
  "string",
  "unsigned",
  "void",
]);
const QUALIFIERS = new Set(["const", "volatile", "restrict"]);
const STORAGE_CLASSES = new Set(["auto", "register", "static", "extern", "typedef", "self", "this"]);

type Qualifier = "const" | "volatile" | "restrict";

/** Which kinds of declarators may stand somewhere: with a name, without one, or both. */
type Naming = "named" | "abstract" | "any";

/** Reads declarations. */
export abstract class DeclarationParser extends ExpressionParser {
  /** The names of types that have been declared, which the lexer knows as well. */
  protected readonly typeNames: Set<string>;

  /**
   * Makes a parser.
   *
   * @param lexer The lexer.
   * @param typeNames The names of types; those that the text declares are added.
   */
  constructor(lexer: Lexer, typeNames: Set<string>) {
    super(lexer);
    this.typeNames = typeNames;
  }

  /** Tells whether a token begins the name of a type. */
  protected override beginsType({ kind, text }: Token): boolean {
    if (kind === "identifier") return this.typeNames.has(withoutScope(text));
    return kind === "keyword" &&
      (TYPE_WORDS.has(text) || QUALIFIERS.has(text) || ["struct", "union", "enum", "userland"].includes(text));
  }

  /** Reads the name of a type, as in a cast. */
  protected override parseTypeName(): TypeNameSyntax {
    const { line } = this.peek();
    const specifiers = this.parseSpecifiers();
    return { specifiers, declarator: this.parseDeclarator("abstract"), line };
  }

  /** Reads a declaration to its semicolon. */
  protected parseDeclaration(): DeclarationSyntax {
    const { line } = this.peek();
    const specifiers = this.parseSpecifiers();
    const declarators: DeclaratorSyntax[] = [];
    if (!this.at(";")) {
      do {
        const declarator = this.parseDeclarator("named");
        declarators.push(declarator);
        if (specifiers.storage === "typedef") this.typeNames.add(declarator.name);
      } while (this.takeIf(","));
    }
    this.expect(";");
    return { kind: "declaration", specifiers, declarators, line };
  }

  /** Reads the words in front of a declarator. */
  protected parseSpecifiers(): SpecifiersSyntax {
    const { line } = this.peek();
    let storage: StorageClass | undefined;
    let isUserland = false;
    let named: NamedSpecifier | undefined;
    const qualifiers: Qualifier[] = [];
    const words: string[] = [];
    for (;;) {
      const { kind, text } = this.peek();
      if (kind === "keyword" && STORAGE_CLASSES.has(text)) {
        this.take();
        if (storage !== undefined) fail("D_DECL_CLASS", line, "only one storage class allowed in a declaration");
        storage = text as StorageClass;
      } else if (kind === "keyword" && QUALIFIERS.has(text)) qualifiers.push(this.take().text as Qualifier);
      else if (kind === "keyword" && TYPE_WORDS.has(text)) words.push(this.take().text);
      else if (kind === "keyword" && text === "userland") {
        this.take();
        isUserland = true;
      } else if (kind === "keyword" && (text === "struct" || text === "union" || text === "enum")) {
        if (named !== undefined) fail("D_DECL_COMBO", line, "invalid type combination");
        named = text === "enum" ? this.#enumeration() : this.#structure(text);
      } else if (
        kind === "identifier" && this.typeNames.has(withoutScope(text)) && named === undefined && words.length === 0
      ) {
        named = { kind: "typedef", name: this.take().text };
      } else break;
    }
    if (named === undefined && words.length === 0 && storage === undefined && qualifiers.length === 0) {
      this.failSyntax();
    }
    return { storage, qualifiers, isUserland, words, named, line };
  }

  #structure(kind: "struct" | "union"): NamedSpecifier {
    this.take();
    const tag = this.peek().kind === "identifier" ? this.take().text : "";
    if (!this.at("{")) {
      if (tag === "") this.failSyntax();
      return { kind, tag, members: undefined };
    }
    this.take();
    const members: MemberDeclaration[] = [];
    do members.push(this.nested(() => this.#members())); while (!this.at("}"));
    this.take();
    return { kind, tag, members };
  }

  #members(): MemberDeclaration {
    const { line } = this.peek();
    const specifiers = this.parseSpecifiers();
    const declarators: DeclaratorSyntax[] = [];
    if (!this.at(";")) {
      do declarators.push(this.#memberDeclarator()); while (this.takeIf(","));
    }
    this.expect(";");
    return { specifiers, declarators, line };
  }

  #memberDeclarator(): DeclaratorSyntax {
    const { line } = this.peek();
    const declarator = this.at(":") ? { name: "", layers: [], bits: undefined, line } : this.parseDeclarator("named");
    return this.takeIf(":") ? { ...declarator, bits: this.parseConditional() } : declarator;
  }

  #enumeration(): NamedSpecifier {
    this.take();
    const tag = this.peek().kind === "identifier" ? this.take().text : "";
    if (!this.at("{")) {
      if (tag === "") this.failSyntax();
      return { kind: "enum", tag, enumerators: undefined };
    }
    this.take();
    const enumerators: EnumeratorSyntax[] = [];
    do {
      if (this.at("}")) break;
      const { text, line } = this.expectName();
      enumerators.push({ name: text, value: this.takeIf("=") ? this.parseConditional() : undefined, line });
    } while (this.takeIf(","));
    this.expect("}");
    return { kind: "enum", tag, enumerators };
  }

  /** Reads a declarator. */
  protected parseDeclarator(naming: Naming): DeclaratorSyntax {
    return this.nested(() => {
      const { line } = this.peek();
      const pointers: Layer[] = [];
      while (this.at("*")) {
        this.take();
        const qualifiers: Qualifier[] = [];
        while (QUALIFIERS.has(this.peek().text)) qualifiers.push(this.take().text as Qualifier);
        pointers.push({ kind: "pointer", qualifiers });
      }
      const inner = this.#direct(naming);
      const suffixes: Layer[] = [];
      while (this.at("[") || this.at("(")) suffixes.push(this.at("[") ? this.#brackets() : this.#function());
      return { name: inner.name, layers: [...pointers, ...suffixes.reverse(), ...inner.layers], bits: undefined, line };
    });
  }

  /** Reads the middle of a declarator: a name, nothing, or another declarator in parentheses. */
  #direct(naming: Naming): { readonly name: string; readonly layers: readonly Layer[] } {
    if (this.peek().kind === "identifier" && naming !== "abstract") return { name: this.take().text, layers: [] };
    if (this.at("(")) {
      this.take();
      if (naming !== "named" && (this.at(")") || this.beginsType(this.peek()))) {
        return { name: "", layers: [this.#restOfFunction()] };
      }
      const inner = this.parseDeclarator(naming);
      this.expect(")");
      return inner;
    }
    if (naming === "named") this.failSyntax();
    return { name: "", layers: [] };
  }

  #brackets(): Layer {
    this.take();
    if (this.takeIf("]")) return { kind: "array", size: undefined };
    if (this.beginsType(this.peek()) || STORAGE_CLASSES.has(this.peek().text) || this.at("...")) {
      return { kind: "tuple", ...this.parseParameters("]") };
    }
    const size = this.parseConditional();
    this.expect("]");
    return { kind: "array", size };
  }

  #function(): Layer {
    this.take();
    return this.#restOfFunction();
  }

  #restOfFunction(): Layer {
    return { kind: "function", ...this.parseParameters(")") };
  }

  /** Reads parameters up to a closing bracket, and that. */
  protected parseParameters(closing: ")" | "]"): { parameters: ParameterSyntax[]; isVariadic: boolean } {
    const parameters: ParameterSyntax[] = [];
    let isVariadic = false;
    if (!this.at(closing)) {
      do {
        if (this.takeIf("...")) {
          isVariadic = true;
          break;
        }
        const { line } = this.peek();
        const specifiers = this.parseSpecifiers();
        parameters.push({ specifiers, declarator: this.parseDeclarator("any"), line });
      } while (this.takeIf(","));
    }
    this.expect(closing);
    return { parameters, isVariadic };
  }
}
