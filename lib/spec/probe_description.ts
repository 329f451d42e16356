/**
 * Probe descriptions: the four names that say which probes are meant.
 *
 * A description is `provider:module:function:name`. Fields are filled from the right, so that `malloc:entry` is a
 * function and a name; a field that is empty or not written matches everything. What the last field is depends on the
 * option of dtrace(1): `-n` ends with the name, `-f` with the function, `-m` with the module, `-P` with the provider.
 *
 * Only the last colon-separated fields are cut, and nothing but the colon is special here: function names hold almost any
 * other character (`main.(*T).Run` in Go, `_ZN4core3fmt5Write9write_fmt17h$u7b$` in Rust).
 *
 * @module
 */

import { DTraceError } from "../errors.ts";
import { compileGlob } from "./glob.ts";

/** A field of a probe description. */
export type ProbeField = "provider" | "module" | "function" | "name";

/** Which probes are meant. An empty field matches everything, and each field may be a glob. */
export type ProbeDescription = { readonly [field in ProbeField]: string };

/** Values of macro variables by name, without the dollar sign: `{ target: 1234, 1: "malloc" }`. */
export type MacroValues = Readonly<Record<string, string | number | undefined>>;

const FIELDS: readonly ProbeField[] = ["provider", "module", "function", "name"];

/**
 * Parses a probe description.
 *
 * @example What `-n` takes
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const description = parseProbeDescription("libc.so.6:malloc:entry");
 * assertEquals(description, { provider: "", module: "libc.so.6", function: "malloc", name: "entry" });
 * ```
 *
 * @param text The description.
 * @param lastField The field that the text ends with.
 * @returns The fields; those that are not in the text are empty.
 * @throws {SyntaxError} If the text is empty, has too many fields, holds an action or a malformed glob.
 */
export function parseProbeDescription(text: string, lastField: ProbeField = "name"): ProbeDescription {
  const trimmed = text.trim();
  if (trimmed === "") throw new SyntaxError("Cannot parse probe description: it is empty");
  if (trimmed.endsWith("}") && trimmed.includes("{")) {
    throw new SyntaxError(`Cannot parse probe description "${trimmed}": predicates and actions are not supported`);
  }
  const parts = trimmed.split(":");
  const fieldsMax = FIELDS.indexOf(lastField) + 1;
  if (parts.length > fieldsMax) {
    throw new SyntaxError(
      `Cannot parse probe description "${trimmed}": it has ${parts.length} fields, and ${allowedFields(fieldsMax)}` +
        (trimmed.includes("::") && parts.length > 4 ? '; match a "::" of a C++ name by "??"' : ""),
    );
  }
  const description = { provider: "", module: "", function: "", name: "" };
  parts.forEach((part, index) => {
    compileGlob(part);
    description[FIELDS[fieldsMax - parts.length + index]!] = part;
  });
  return description;
}

/**
 * Takes a description as it may be given.
 *
 * @param description The text, or its fields.
 * @returns The fields.
 * @throws {SyntaxError} If the text is none.
 */
export function asProbeDescription(description: string | ProbeDescription): ProbeDescription {
  return typeof description === "string" ? parseProbeDescription(description) : description;
}

/**
 * Writes a probe description with all of its colons.
 *
 * @param description The description, or the names of a probe.
 * @returns `provider:module:function:name`.
 */
export function formatProbeDescription(description: ProbeDescription): string {
  const { provider, module, function: functionName, name } = description;
  return `${provider}:${module}:${functionName}:${name}`;
}

/**
 * Replaces macro variables, such as `$target` in `pid$target`.
 *
 * In the provider an unknown macro variable is an error. In the other fields a dollar sign that begins no known one
 * belongs to the name, as in Rust's and many compilers' symbols.
 *
 * @param description The description.
 * @param macros The values; one that is undefined counts as unknown.
 * @returns The description with the values.
 * @throws {DTraceError} `D_MACRO_UNDEF` if the provider names an unknown macro variable.
 */
export function expandMacros(description: ProbeDescription, macros: MacroValues): ProbeDescription {
  const valueOf = (name: string) => Object.hasOwn(macros, name) ? macros[name] : undefined;
  const expand = (field: string, unknown: (macro: string, name: string) => string) =>
    field.replace(/\$(\d+|[A-Za-z_]\w*)/g, (macro, name) => String(valueOf(name) ?? unknown(macro, name)));
  const keep = (macro: string) => macro;
  return {
    provider: expand(description.provider, (macro, name) => {
      const hint = name === "target" ? "Name a process with -p or a command with -c" : undefined;
      throw new DTraceError("D_MACRO_UNDEF", `macro variable ${macro} is not defined`, { hint });
    }),
    module: expand(description.module, keep),
    function: expand(description.function, keep),
    name: expand(description.name, keep),
  };
}

/**
 * Finds out which process a provider is about.
 *
 * As in libdtrace, a provider of a process ends in the digits of its pid, whatever stands before them: `pid1234`,
 * `oneshot1234`, a USDT provider such as `node1234`, or a glob over all of these such as `*1234`.
 *
 * @param provider The provider field, without macro variables.
 * @returns The pid; `undefined` if the provider does not end in a digit and so belongs to no process.
 * @throws {DTraceError} `D_PROC_BADPID` if the digits are not a pid, `D_PROC_BADPROV` if there is nothing else.
 */
export function pidOfProvider(provider: string): number | undefined {
  const digits = /\d+$/.exec(provider)?.[0];
  if (digits === undefined) return undefined;
  if (digits.length === provider.length) {
    throw new DTraceError("D_PROC_BADPROV", `'${provider}' is not a valid provider`, {
      hint: `For the functions of process ${digits} write pid${digits}`,
    });
  }
  const pid = Number(digits);
  if (pid === 0 || pid > PID_MAX) {
    throw new DTraceError("D_PROC_BADPID", `'${provider}' does not contain a valid pid`);
  }
  return pid;
}

/** The largest `pid_t`. */
const PID_MAX = 2 ** 31 - 1;

/**
 * Makes the error for a description that matched nothing.
 *
 * @param description The description.
 * @param hint What the user can do.
 * @returns The error, `D_PDESC_ZERO`.
 */
export function noProbesError(description: ProbeDescription, hint?: string): DTraceError {
  return new DTraceError(
    "D_PDESC_ZERO",
    `probe description ${formatProbeDescription(description)} does not match any probes`,
    { hint },
  );
}

/** Says how many fields are possible, and which. */
function allowedFields(count: number): string {
  return count === 1
    ? `only the ${FIELDS[0]} is allowed`
    : `at most ${count} are allowed (${FIELDS.slice(0, count).join(":")})`;
}
