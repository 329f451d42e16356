/**
 * What names mean while a program is checked.
 *
 * Names of variables, inlines and enumerators are global and exist from their declaration or first assignment on;
 * `self->` and `this->` have names of their own. While a translator or an inline with parameters is expanded, the names of
 * its inputs come first: they are the top of a stack of bindings, and nothing below it is seen.
 *
 * The checker is a set of functions over this one object, spread over modules by the grammar's areas. They call each
 * other through {@linkcode Environment.check}, because an expression may hold any other.
 *
 * @module
 */

import type { ProbeDescription } from "../spec/probe_description.ts";
import type { Attributes } from "../spec/stability.ts";
import { BUILTINS, KERNEL_BUILTINS, STRUCTURE_BUILTINS } from "./builtins.ts";
import { fail } from "./compile_error.ts";
import { Declarer } from "./declare.ts";
import type { Expression, Scope, Variable } from "./expression.ts";
import type { Int64 } from "./int64.ts";
import { type Operand, type Translator, valueOf } from "./nodes.ts";
import { PROTOTYPES } from "./prototypes.ts";
import type { ExpressionSyntax } from "./syntax.ts";
import type { Aggregation } from "./tree.ts";
import { typeName } from "./type_name.ts";
import { TypeTable } from "./type_table.ts";
import { type EnumType, formOf, type Type } from "./types.ts";

/** What a global name means, the built-in ones apart. */
export type Identifier =
  | {
    readonly kind: "variable";
    readonly variable: Variable;
    readonly keyTypes: readonly Type[];
    readonly line: number;
  }
  | Inline
  | { readonly kind: "enumerator"; readonly value: number; readonly type: EnumType; readonly line: number };

/** A name for an expression. */
export interface Inline {
  readonly kind: "inline";
  readonly name: string;
  readonly type: Type;
  /** Its parameters; undefined if it has no brackets. */
  readonly parameters: readonly { readonly name: string; readonly type: Type }[] | undefined;
  readonly value: ExpressionSyntax;
  readonly line: number;
}

/** The clause that is being checked. */
export interface ClauseContext {
  /** Its probe, or the first of several. */
  readonly description: ProbeDescription;
  /** The types of that probe's `args[]`; undefined if the description matches probes that have none, or not the same. */
  readonly argumentTypes: readonly Type[] | undefined;
  /** How much one may rely on them. */
  readonly argumentAttributes: Attributes;
  /** Whether it uses `args[]`. */
  usesArguments: boolean;
  /** How much one may rely on what it uses. */
  readonly attributes: Attributes[];
}

/** How many inlines and translated members one program may expand. */
const EXPANSIONS_MAX = 100_000;

/** How deep expressions may be nested when inlines and translators are expanded; the stack holds several times more. */
const DEPTH_MAX = 1000;

/** How many variables there may be in each scope, as DTrace's instructions number them. */
const VARIABLES_MAX = 0xffff;

/** All names of one program. */
export class Environment {
  readonly types: TypeTable = new TypeTable();
  readonly declarer: Declarer;
  readonly identifiers: Map<string, Identifier> = new Map();
  readonly aggregations: Map<string, Aggregation> = new Map();
  readonly translators: Translator[] = [];
  /** What pragmas say of how much one may rely on identifiers. */
  readonly attributes: Map<string, Attributes> = new Map();
  readonly variables: Record<Scope, Variable[]> = { global: [], thread: [], clause: [] };
  readonly #scoped = { thread: new Map<string, Identifier>(), clause: new Map<string, Identifier>() };
  readonly #bindings: ReadonlyMap<string, Operand>[] = [];
  readonly #checkExpression: (environment: Environment, syntax: ExpressionSyntax) => Operand;
  #expansions = 0;
  #depth = 0;

  /** The clause that is being checked; undefined between clauses. */
  clause: ClauseContext | undefined;

  #strsize: number;
  /** How much scratch memory a clause has; undefined if that is not known. */
  scratchsize: number | undefined;

  /**
   * Makes an environment that knows the types of C.
   *
   * @param strsize The size of a string in bytes.
   * @param checkExpression Checks any expression.
   */
  constructor(strsize: number, checkExpression: (environment: Environment, syntax: ExpressionSyntax) => Operand) {
    this.#strsize = strsize;
    this.#checkExpression = checkExpression;
    this.declarer = new Declarer({
      types: this.types,
      strsize: () => this.#strsize,
      constantOf: (expression) => this.constantOf(expression),
      addEnumerator: (name, value, type, line) => this.add(name, { kind: "enumerator", value, type, line }),
    });
  }

  /** The size of a string in bytes. */
  get strsize(): number {
    return this.#strsize;
  }

  /** Sets the size of a string, which types depend on that are made from now on. */
  setStrsize(bytes: number): void {
    this.#strsize = bytes;
  }

  /** Checks an expression that may be what a translator makes. */
  check(syntax: ExpressionSyntax): Operand {
    if (++this.#depth > DEPTH_MAX) fail("D_CG_EXPR", syntax, "expression is nested too deeply");
    const operand = this.#checkExpression(this, syntax);
    this.#depth--;
    return operand;
  }

  /** Checks an expression that has a value. */
  value(syntax: ExpressionSyntax): Expression {
    return valueOf(this.check(syntax));
  }

  /** Computes a constant; undefined if an expression is none. */
  constantOf(syntax: ExpressionSyntax): { value: Int64; signed: boolean } | undefined {
    const checked = this.check(syntax);
    if (checked.kind !== "constant" || checked.form.kind !== "number") return undefined;
    return { value: checked.value, signed: checked.form.signed };
  }

  /** A clause uses a name of which a pragma may say how much one may rely on it. */
  noteAttributes(name: string): void {
    const attributes = this.attributes.get(name);
    if (attributes !== undefined) this.clause?.attributes.push(attributes);
  }

  /** Finds a type by its name. */
  type(name: string): Type {
    return this.types.named(name, false)!;
  }

  /** What a name is bound to by the translator or inline that is being expanded. */
  binding(name: string): Operand | undefined {
    return this.#bindings.at(-1)?.get(name);
  }

  /** Does something with names bound. */
  bound<T>(bindings: ReadonlyMap<string, Operand>, line: number, action: () => T): T {
    if (++this.#expansions > EXPANSIONS_MAX) fail("D_CG_EXPR", line, "too many inlines and translators are expanded");
    this.#bindings.push(bindings);
    const result = action();
    this.#bindings.pop();
    return result;
  }

  /** Gives a global name its meaning. */
  add(name: string, identifier: Identifier): void {
    const known = this.identifiers.get(name);
    if (known !== undefined || isReserved(name)) {
      fail(
        "D_DECL_IDRED",
        identifier.line,
        `identifier redeclared: ${name}\n\t current: ${describe(name, identifier)}\n\tprevious: ${
          known === undefined ? `built-in ${name}` : describe(name, known)
        }`,
      );
    }
    this.identifiers.set(name, identifier);
  }

  /** Finds a variable by its name. */
  find(scope: Scope, name: string): Identifier | undefined {
    return scope === "global" ? this.identifiers.get(name) : this.#scoped[scope].get(name);
  }

  /** Makes a variable, or finds the one that is declared in the same way. */
  declare(scope: Scope, name: string, type: Type, keyTypes: readonly Type[] | undefined, line: number): Variable {
    if (scope === "clause" && keyTypes !== undefined) {
      fail("D_DECL_LOCASSC", line, `cannot declare clause-local associative array: this->${name}`);
    }
    const list = this.variables[scope];
    if (list.length >= VARIABLES_MAX) fail("D_ID_OFLOW", line, `limit of ${VARIABLES_MAX} ${scope} variables exceeded`);
    const keys = keyTypes?.map(formOf);
    const variable: Variable = { name, scope, id: list.length, keys, type, form: formOf(type) };
    const identifier: Identifier = { kind: "variable", variable, keyTypes: keyTypes ?? [], line };
    if (scope === "global") this.add(name, identifier);
    else this.#scoped[scope].set(name, identifier);
    list.push(variable);
    return variable;
  }
}

/** Whether a name is one of D's own variables or functions. */
export function isReserved(name: string): boolean {
  return name in BUILTINS || PROTOTYPES.has(name) || STRUCTURE_BUILTINS.has(name) || KERNEL_BUILTINS.has(name) ||
    /^(?:arg[0-9]|args|uregs|self|this)$/.test(name);
}

/** Says what an identifier is, in words of D. */
function describe(name: string, identifier: Identifier): string {
  if (identifier.kind === "enumerator") return `enumerator ${name}`;
  if (identifier.kind === "inline") return `inline ${typeName(identifier.type)} ${name}`;
  const { variable, keyTypes } = identifier;
  return `${typeName(variable.type)} ${name}${
    variable.keys === undefined ? "" : `[${keyTypes.map(typeName).join(", ")}]`
  }`;
}
