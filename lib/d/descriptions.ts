/**
 * The probe descriptions of clauses: their fields, their macro variables, and the types of their probes' arguments.
 *
 * Fields are filled from the right. A macro variable in the provider must be defined; in the other fields a dollar sign
 * may belong to a symbol's name.
 *
 * @module
 */

import type { ProbeDescription, ProbeField } from "../spec/probe_description.ts";
import { fail } from "./compile_error.ts";
import type { Macros } from "./macros.ts";
import { declaredProvider } from "./reliance.ts";
import type { DescriptionSyntax } from "./syntax.ts";
import type { ProviderDeclaration } from "./tree.ts";
import type { TypeTable } from "./type_table.ts";
import type { Type } from "./types.ts";

/** What is asked about probes. */
export interface DescriptionContext {
  readonly keepsTarget?: boolean | undefined;
  readonly argumentTypes?: ((description: ProbeDescription) => readonly string[] | undefined) | undefined;
  readonly describeProbe?: ((id: number) => ProbeDescription | undefined) | undefined;
}

const FIELDS: readonly ProbeField[] = ["provider", "module", "function", "name"];

/** Reads descriptions. */
export class Descriptions {
  /** The field that a description ends with. */
  lastField: ProbeField = "name";
  readonly #macros: Macros;
  readonly #context: DescriptionContext;
  readonly #types: TypeTable;
  readonly #providers: readonly ProviderDeclaration[];

  /**
   * Makes a reader.
   *
   * @param macros The macro variables.
   * @param context What is asked about probes.
   * @param types The types of the program.
   * @param providers The providers that the program declares; they may be added later.
   */
  constructor(
    macros: Macros,
    context: DescriptionContext,
    types: TypeTable,
    providers: readonly ProviderDeclaration[],
  ) {
    this.#macros = macros;
    this.#context = context;
    this.#types = types;
    this.#providers = providers;
  }

  /**
   * Reads a description.
   *
   * @param syntax The description, or the number of a probe.
   * @returns Its fields with the values of macro variables.
   * @throws {CompileError} `D_PDESC_INVAL`.
   */
  parse({ text, line }: DescriptionSyntax): ProbeDescription {
    const invalid = (why: string): never => fail("D_PDESC_INVAL", line, `invalid probe description "${text}": ${why}`);
    if (/^[0-9]/.test(text)) {
      const description = this.#context.describeProbe?.(Number(text));
      return description ?? fail("D_PDESC_INVAL", line, `invalid probe identifier ${text}: Unknown probe identifier`);
    }
    const parts = text.split(":");
    const count = FIELDS.indexOf(this.lastField) + 1;
    if (parts.length > count) invalid("Overspecified probe description");
    const description = { provider: "", module: "", function: "", name: "" };
    parts.forEach((part, index) => {
      const field = FIELDS[count - parts.length + index]!;
      const isStrict = field === "provider";
      const kept = isStrict && this.#context.keepsTarget === true ? "target" : undefined;
      description[field] = this.#macros.expand(part, isStrict, kept) ??
        invalid("Undefined macro variable in probe description");
    });
    return description;
  }

  /**
   * Finds the types of `args[]`.
   *
   * @param description A description.
   * @returns The types; undefined if the probes have none, or not the same ones.
   */
  argumentTypes(description: ProbeDescription): readonly Type[] | undefined {
    const declared = declaredProvider(description.provider, this.#providers)
      ?.probes.find(({ name }) => name === description.name);
    if (declared !== undefined) return declared.translatedTypes;
    const names = this.#context.argumentTypes?.(description);
    return names?.map((name) => this.#types.named(name, true) ?? this.#types.named("int64_t", true)!);
  }
}
