/**
 * The compiler's front end: D in, a typed tree out.
 *
 * **The order.** The text is read as a whole into a syntax tree; options that it sets come next, because types depend on
 * `strsize`; then its parts are checked one after the other, since a name is there from its declaration on. The library
 * of D and those that the caller gives are read in front of the program in the same way.
 *
 * **The errors.** The first thing that is wrong ends the compilation with a {@linkcode CompileError}: D's tag, and a text
 * with the line (of a file) or the part of the clause (of the command line).
 *
 * @module
 */

import { type Attributes, formatAttributes, isLess, minimumAttributes, parseAttributes } from "../spec/stability.ts";
import type { ProbeDescription, ProbeField } from "../spec/probe_description.ts";
import { checkClause, inRegion } from "./check_clause.ts";
import { checkExpression } from "./check_expression.ts";
import { checkDeclaration, checkInline, checkProvider, checkTranslator } from "./check_item.ts";
import { CompileError, fail } from "./compile_error.ts";
import { Descriptions } from "./descriptions.ts";
import { Environment } from "./environment.ts";
import { librarySource } from "./library.ts";
import { type MacroContext, Macros } from "./macros.ts";
import { needsOf } from "./needs.ts";
import { type Pragma, readDirective, readPragma } from "./pragma.ts";
import { parseProgram } from "./program_parser.ts";
import { argumentAttributes, descriptionAttributes } from "./reliance.ts";
import type { ClauseSyntax, ItemSyntax } from "./syntax.ts";
import type { Clause, Program, ProgramOption, ProviderDeclaration } from "./tree.ts";

/** A part of a program: a script, or what one `-n` says. */
export interface ProgramText {
  readonly text: string;
  /** Whether it is that of a file, so that errors say lines and probe descriptions do not stand alone. */
  readonly isFile: boolean;
  /** The field that a probe description ends with; `-n` ends with the name, which is the default. */
  readonly lastField?: ProbeField | undefined;
}

/** What a program depends on beside its text. */
export interface CompileContext {
  /** The values of macro variables; none by default. */
  readonly macros?: MacroContext | undefined;
  /** Whether the text, if it is one, is that of a file. */
  readonly isFile?: boolean | undefined;
  /** Whether `$target` stays in the providers of probe descriptions: there are several targets, or will be. */
  readonly keepsTarget?: boolean | undefined;
  /** The size of a string in bytes, unless the program sets it; 256 by default. */
  readonly strsize?: number | undefined;
  /** How much scratch memory a clause has, unless the program sets it; what is larger is asked for in vain. */
  readonly scratchsize?: number | undefined;
  /** The least attributes that a clause may have (`-x amin`), unless the program sets them. */
  readonly leastAttributes?: Attributes | undefined;
  /** Whether a word in front of a clause is a probe description even if it is a type's name (`-x pspec`). */
  readonly prefersDescriptions?: boolean | undefined;
  /** Whether an empty program is one (`-x empty`); otherwise it is `D_EMPTY`. */
  readonly allowsEmpty?: boolean | undefined;
  /** Further libraries of D, in any order. */
  readonly libraries?: readonly Library[] | undefined;
  /** Tells whether there is a module, or a provider, that a library depends on; by default there is any. */
  readonly isAvailable?: ((kind: "module" | "provider", name: string) => boolean) | undefined;
  /**
   * Finds the types of a probe's `args[]` by their names in C; undefined if its probes have none, or different ones. It is
   * asked only if a clause uses them.
   */
  readonly argumentTypes?: ((description: ProbeDescription) => readonly string[] | undefined) | undefined;
  /** Finds the probe of a number, for `-i`. */
  readonly describeProbe?: ((id: number) => ProbeDescription | undefined) | undefined;
  /** Says what is wrong with an option that the program sets; undefined if nothing is. */
  readonly optionProblem?: ((option: ProgramOption) => string | undefined) | undefined;
}

/** A file of D with declarations for programs. */
export interface Library {
  /** The name of the file, as `depends_on` names it. */
  readonly name: string;
  /** Its path, for errors. */
  readonly path: string;
  readonly source: string;
}

const STRSIZE = 256;
const NO_MACROS: MacroContext = { arguments: [], variables: {}, defaults: false };

/**
 * Compiles a program.
 *
 * @example What a clause needs
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const program = compileProgram("pid1:libc:open:entry { trace(copyinstr(arg0)); }");
 * const [clause] = program.clauses;
 * assertEquals(clause?.probes[0]?.function, "open");
 * assertEquals(clause?.needs.destructive, false);
 * ```
 *
 * @param source The text, or several texts one behind the other, which are one program.
 * @param context What it depends on.
 * @returns The program.
 * @throws {CompileError} If it is none; the tag says why.
 */
export function compileProgram(source: string | readonly ProgramText[], context: CompileContext = {}): Program {
  const texts = typeof source === "string" ? [{ text: source, isFile: context.isFile ?? false }] : source;
  const library = librarySource(mentionedIn(texts, context));
  try {
    return new Compiler(context).compile(texts, library);
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    // Near matches are looked for among all names.
    return new Compiler(context).compile(texts, librarySource());
  }
}

/** All text in which a name may be that the program depends on. */
function mentionedIn(texts: readonly ProgramText[], { libraries = [], macros = NO_MACROS }: CompileContext): string {
  return [...texts.map(({ text }) => text), ...libraries.map(({ source }) => source), ...macros.arguments].join("\n");
}

/** A part of a program, with the file that it comes from. */
interface Item {
  readonly syntax: ItemSyntax;
  readonly file: string | undefined;
}

/** What a text is: of a library, of the program, or the last of the program. */
type Role = "library" | "program" | "last";

class Compiler {
  readonly #context: CompileContext;
  readonly #macros: Macros;
  readonly #environment: Environment;
  readonly #descriptions: Descriptions;
  readonly #options: ProgramOption[] = [];
  readonly #clauses: Clause[] = [];
  readonly #providers: ProviderDeclaration[] = [];
  /** Pragmas about identifiers, which may be declared later. */
  readonly #pragmas: { readonly pragma: Pragma & { kind: "attributes" | "binding" }; readonly line: number }[] = [];
  /** The libraries that have been compiled. */
  readonly #libraries = new Set<string>();
  #file: string | undefined;
  #leastAttributes: Attributes | undefined;
  /** Which of the program's texts is read. */
  #part = 0;

  constructor(context: CompileContext) {
    this.#context = context;
    this.#macros = new Macros(context.macros ?? NO_MACROS);
    this.#environment = new Environment(context.strsize ?? STRSIZE, checkExpression);
    this.#environment.scratchsize = context.scratchsize;
    this.#leastAttributes = context.leastAttributes;
    this.#descriptions = new Descriptions(this.#macros, context, this.#environment.types, this.#providers);
  }

  compile(texts: readonly ProgramText[], library: string): Program {
    this.#library(library, undefined);
    for (const { name, path, source } of sortLibraries(this.#context.libraries ?? [])) {
      if (this.#isLeftOut(path, source)) continue;
      this.#libraries.add(name);
    }
    texts.forEach(({ text, isFile, lastField }, part) => {
      this.#file = undefined;
      this.#part = part;
      this.#descriptions.lastField = lastField ?? "name";
      this.#placed(text, isFile, part === texts.length - 1 ? "last" : "program");
    });
    const { variables, aggregations } = this.#environment;
    return {
      clauses: this.#clauses,
      variables,
      aggregations: [...aggregations.values()],
      options: this.#options,
      providers: this.#providers,
    };
  }

  #library(source: string, path: string | undefined): void {
    this.#file = path;
    this.#placed(source, true, "library");
  }

  /** Compiles a library, unless it depends on what is not there: those of a system that is not this one are left out. */
  #isLeftOut(path: string, source: string): boolean {
    try {
      this.#library(source, path);
      return false;
    } catch (error) {
      if (!(error instanceof CompileError) || error.tag !== "D_PRAGMA_DEPEND") throw error;
      return true;
    }
  }

  /** Compiles a text, and has its errors say where they are. */
  #placed(source: string, isFile: boolean, role: Role): void {
    try {
      this.#text(source, isFile, role);
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const place = { ...error.place, file: this.#file, part: this.#part };
      throw new CompileError(error.tag, place, error.text, isFile, error.hint);
    }
  }

  #text(source: string, isFile: boolean, role: Role): void {
    const isProgram = role !== "library";
    const items: Item[] = [];
    parseProgram(source, {
      macros: this.#macros,
      typeNames: this.#environment.types.typeNames,
      isFile,
      prefersDescriptions: isProgram && (this.#context.prefersDescriptions ?? false),
      onDirective: (text, line) => {
        const directive = readDirective(text, line);
        if (directive?.file !== undefined) this.#file = directive.file;
        return directive?.line;
      },
      onItem: (syntax) => {
        items.push({ syntax, file: this.#file });
        // This option is about the words that are read next.
        if (syntax.kind === "pragma" && syntax.words.join(" ") === "option defaultargs") this.#macros.allowMissing();
      },
    });
    if (isProgram && items.length === 0 && !this.#context.allowsEmpty) {
      fail("D_EMPTY", 1, "empty D program translation unit");
    }
    const pragmas = new Map<Item, Pragma>();
    for (const item of items) {
      if (item.syntax.kind === "pragma") pragmas.set(item, this.#readPragma(item, isProgram));
    }
    for (const item of items) {
      this.#file = item.file;
      const pragma = pragmas.get(item);
      if (pragma === undefined) this.#item(item.syntax);
      else this.#applyPragma(pragma, item.syntax.line);
    }
    const unused = this.#pragmas.find(({ pragma }) => !this.#environment.identifiers.has(pragma.name));
    if (unused !== undefined) fail("D_PRAGMA_UNUSED", unused.line, `unused #pragma ${unused.pragma.kind}`);
    if (role === "last") this.#macros.checkUsed(source.split("\n").length);
  }

  #readPragma({ syntax, file }: Item, isProgram: boolean): Pragma {
    this.#file = file;
    const pragma = readPragma(syntax as ItemSyntax & { kind: "pragma" });
    if (pragma.kind === "option") this.#setOption(pragma.option);
    else if (pragma.kind === "depends_on") this.#checkDependency(pragma, syntax.line, isProgram);
    return pragma;
  }

  #checkDependency(pragma: Pragma & { kind: "depends_on" }, line: number, isProgram: boolean): void {
    const { class: kind, name } = pragma;
    if (kind === "library" && isProgram) {
      fail("D_PRAGMA_DEPEND", line, "main program may not explicitly depend on a library");
    }
    const isThere = kind === "library" ? this.#libraries.has(name) : this.#context.isAvailable?.(kind, name) ?? true;
    if (!isThere) fail("D_PRAGMA_DEPEND", line, `program requires ${kind} ${name}`);
  }

  #setOption(option: ProgramOption): void {
    const { name, value, line } = option;
    const problem = this.#context.optionProblem?.(option);
    if (problem !== undefined) {
      const text = value === undefined ? `'${name}'` : `'${name}' to '${value}'`;
      fail("D_PRAGMA_OPTSET", line, `failed to set option ${text}: ${problem}`);
    }
    this.#options.push(option);
    if (value === undefined) return;
    if (name === "strsize") this.#environment.setStrsize(sizeOfText(option));
    if (name === "amin") this.#leastAttributes = parseAttributes(value);
    if (name === "scratchsize") this.#environment.scratchsize = sizeOfText(option);
  }

  #applyPragma(pragma: Pragma, line: number): void {
    if (pragma.kind !== "attributes" && pragma.kind !== "binding") return;
    const provider = pragma.kind === "attributes" && pragma.part !== undefined;
    if (provider) return this.#applyToProvider(pragma, line);
    this.#pragmas.push({ pragma, line });
    if (pragma.kind === "attributes") this.#environment.attributes.set(pragma.name, pragma.attributes);
  }

  #applyToProvider({ name, part, attributes }: Pragma & { kind: "attributes" }, line: number): void {
    const index = this.#providers.findIndex((provider) => provider.name === name);
    if (index < 0) fail("D_PRAGMA_SCOPE", line, `#pragma attributes: provider ${name} is not defined`);
    const provider = this.#providers[index]!;
    this.#providers[index] = { ...provider, attributes: { ...provider.attributes, [part!]: attributes } };
  }

  #item(syntax: ItemSyntax): void {
    switch (syntax.kind) {
      case "clause":
        return this.#clause(syntax);
      case "declaration":
        return checkDeclaration(this.#environment, syntax);
      case "inline":
        return checkInline(this.#environment, syntax);
      case "translator":
        return checkTranslator(this.#environment, syntax);
      case "provider":
        this.#providers.push(checkProvider(this.#environment, syntax));
    }
  }

  /** Checks a clause once for all of its probes, or once for each if it uses their typed arguments. */
  #clause(syntax: ClauseSyntax): void {
    const probes = inRegion(
      "probe description",
      () => syntax.descriptions.map((text) => this.#descriptions.parse(text)),
    );
    const first = this.#checked(syntax, probes, probes[0]!);
    if (probes.length === 1 || !this.#environment.clause!.usesArguments) this.#clauses.push(first);
    else {
      for (const probe of probes) this.#clauses.push(this.#checked(syntax, [probe], probe));
    }
    this.#environment.clause = undefined;
  }

  #checked(syntax: ClauseSyntax, probes: readonly ProbeDescription[], probe: ProbeDescription): Clause {
    const environment = this.#environment;
    const descriptions = this.#descriptions;
    environment.clause = {
      description: probe,
      get argumentTypes() {
        return descriptions.argumentTypes(probe);
      },
      argumentAttributes: argumentAttributes(probe, this.#providers),
      usesArguments: false,
      attributes: [],
    };
    const { predicate, statements } = checkClause(environment, syntax);
    const attributes = minimumAttributes([STABLE, ...environment.clause.attributes]);
    const all = minimumAttributes([attributes, ...probes.map((one) => descriptionAttributes(one, this.#providers))]);
    if (this.#leastAttributes !== undefined && isLess(all, this.#leastAttributes)) {
      const text = `attributes for clause (${formatAttributes(all)}) are less than predefined minimum`;
      fail("D_ATTR_MIN", syntax.endLine, text);
    }
    const needs = needsOf(predicate, statements);
    return { probes, predicate, statements, needs, attributes, line: syntax.line, part: this.#part };
  }
}

const STABLE = { name: "Stable", data: "Stable", class: "Common" } as const;

/** Reads the size that an option sets: `512`, `4k`, `1m`. */
function sizeOfText({ name, value, line }: ProgramOption): number {
  const [, digits, unit] = /^(0x[0-9a-f]+|[0-9]+)([kmg]?)$/i.exec(value!) ?? [];
  const number = digits !== undefined && /^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits);
  const size = number * 1024 ** " kmg".indexOf(unit?.toLowerCase() || " ");
  if (size > 0 && size <= 2 ** 31) return size;
  fail("D_PRAGMA_OPTSET", line, `failed to set option '${name}' to '${value}': Invalid value for specified option`);
}

/** Puts libraries behind those that they depend on. */
function sortLibraries(libraries: readonly Library[]): Library[] {
  const sorted: Library[] = [];
  const visit = (library: Library, way: readonly Library[]): void => {
    if (sorted.includes(library) || way.includes(library)) return;
    for (const [, name] of library.source.matchAll(/^\s*#\s*pragma\s+D\s+depends_on\s+library\s+(\S+)/gm)) {
      const other = libraries.find((candidate) => candidate.name === name);
      if (other !== undefined) visit(other, [...way, library]);
    }
    sorted.push(library);
  };
  for (const library of libraries) visit(library, []);
  return sorted;
}
