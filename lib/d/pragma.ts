/**
 * `#pragma D ...`, and the other lines that begin with `#`.
 *
 * | line | means |
 * | --- | --- |
 * | `#pragma D option name=value` | sets an option |
 * | `#pragma D attributes a/b/c name` | says how much one may rely on an identifier, or a part of a provider |
 * | `#pragma D binding "1.0" name` | says since which version an identifier is there |
 * | `#pragma D depends_on library name.d` | has another library read first |
 * | `#pragma error text`, `#error text` | ends the compilation |
 * | `#line 5 "file"`, `# 5 "file"` | says where the next line comes from, as preprocessors do |
 * | `#!`, `#ident`, other pragmas | nothing |
 *
 * @module
 */

import { type Attributes, parseAttributes } from "../spec/stability.ts";
import { fail } from "./compile_error.ts";
import type { PragmaSyntax } from "./syntax.ts";
import type { ProgramOption } from "./tree.ts";

/** What a pragma says. */
export type Pragma =
  | { readonly kind: "option"; readonly option: ProgramOption }
  | {
    readonly kind: "attributes";
    readonly attributes: Attributes;
    readonly name: string;
    readonly part: string | undefined;
  }
  | { readonly kind: "binding"; readonly version: string; readonly name: string }
  | { readonly kind: "depends_on"; readonly class: "library" | "module" | "provider"; readonly name: string };

/**
 * Reads a pragma of D.
 *
 * @param syntax The pragma.
 * @returns What it says.
 * @throws {CompileError} `D_PRAGMA_MALFORM`, `D_PRAGMA_INVAL`.
 */
export function readPragma({ words, line }: PragmaSyntax): Pragma {
  const [name, ...rest] = words;
  switch (name) {
    case undefined:
      return fail("D_PRAGMA_MALFORM", line, "malformed #pragma D: name expected");
    case "option":
      return readOption(rest, line);
    case "attributes":
      return readAttributes(rest, line);
    case "binding":
      return readBinding(rest, line);
    case "depends_on":
      return readDependency(rest, line);
    case "error":
      return fail("D_PRAGERR", line, `#error: ${rest.join(" ")}`);
    default:
      return fail("D_PRAGMA_INVAL", line, `invalid D pragma: ${name}`);
  }
}

function readOption(words: readonly string[], line: number): Pragma {
  const [, name = "", value] = /^([^=]*)(?:=([^]*))?$/.exec(words[0] ?? "") ?? [];
  if (name === "") fail("D_PRAGMA_MALFORM", line, "malformed #pragma option: <option>=<value> expected");
  checkEnd("option", words, 1, line);
  return { kind: "option", option: { name, value: value && unquote(value), line } };
}

function readAttributes(words: readonly string[], line: number): Pragma {
  const [text, second, third] = words;
  if (text === undefined || second === undefined) {
    fail("D_PRAGMA_MALFORM", line, "malformed #pragma attributes <attributes> <identifier> expected");
  }
  const isProvider = second === "provider" && third !== undefined;
  checkEnd("attributes", words, isProvider ? 4 : 2, line);
  const part = isProvider ? words[3] ?? "provider" : undefined;
  if (part !== undefined && !["provider", "module", "function", "name", "args"].includes(part)) {
    fail("D_PRAGMA_INVAL", line, `invalid provider attribute: ${part}`);
  }
  const attributes = parseAttributes(text) ?? fail("D_PRAGMA_INVAL", line, `invalid attributes: ${text}`);
  return { kind: "attributes", attributes, name: isProvider ? third : second, part };
}

function readBinding(words: readonly string[], line: number): Pragma {
  const [version, name] = words;
  if (version === undefined || name === undefined) {
    fail("D_PRAGMA_MALFORM", line, 'malformed #pragma binding "version" <identifier> expected');
  }
  checkEnd("binding", words, 2, line);
  if (!/^"[0-9]{1,3}\.[0-9]{1,4}(?:\.[0-9]{1,4})?"$/.test(version)) {
    fail("D_PRAGMA_INVAL", line, `invalid version: ${version}`);
  }
  return { kind: "binding", version: unquote(version), name };
}

function readDependency(words: readonly string[], line: number): Pragma {
  const [kind, name] = words;
  if (kind === undefined || name === undefined) {
    fail("D_PRAGMA_MALFORM", line, "malformed #pragma depends_on <class> <name> expected");
  }
  checkEnd("depends_on", words, 2, line);
  if (kind !== "library" && kind !== "module" && kind !== "provider") {
    fail("D_PRAGMA_INVAL", line, `invalid class ${kind} specified by #pragma depends_on`);
  }
  return { kind: "depends_on", class: kind, name };
}

function checkEnd(pragma: string, words: readonly string[], most: number, line: number): void {
  if (words.length > most) {
    fail("D_PRAGMA_MALFORM", line, `superfluous arguments specified for #pragma ${pragma}`);
  }
}

function unquote(text: string): string {
  return text.replace(/^"(.*)"$/, "$1");
}

/** What a directive says of the line behind it. */
export interface LineDirective {
  readonly line: number;
  /** The file, if it names one. */
  readonly file: string | undefined;
}

/**
 * Reads a directive that is no pragma of D.
 *
 * @param text The text behind the `#`.
 * @param line Its line.
 * @returns Where the next line comes from; undefined if the directive does not say it.
 * @throws {CompileError} `D_PRAGERR` for an `#error`, `D_PRAGCTL_INVAL` for what is unknown.
 */
export function readDirective(text: string, line: number): LineDirective | undefined {
  const trimmed = text.trim();
  if (text.startsWith("!") || trimmed === "") return undefined;
  const [, number, file] = /^(?:line\s+)?([0-9]+)(?:\s+"([^"]*)")?(?:\s+[0-9]+)*$/.exec(trimmed) ?? [];
  if (number !== undefined) return { line: Number(number), file };
  const [name = "", ...rest] = trimmed.split(/\s+/);
  if (name === "error") fail("D_PRAGERR", line, `#error: ${rest.join(" ")}`);
  if (name === "pragma" && rest[0] === "error") fail("D_PRAGERR", line, `#error: ${rest.slice(1).join(" ")}`);
  if (name === "pragma" || name === "ident") return undefined;
  if (name === "line") fail("D_PRAGMA_MALFORM", line, "malformed #line: line number expected");
  fail("D_PRAGCTL_INVAL", line, `invalid control directive: #${name}`, "Preprocess the program with -C");
}
