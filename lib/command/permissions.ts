/**
 * Deno's permissions: what the command needs is asked for before anything is touched.
 *
 * @module
 */

import { PermissionError } from "../consumer/failure.ts";
import type { ConsumerOptions } from "../consumer/program/consumer_options.ts";
import type { PrintFormat } from "../d/print_format.ts";
import type { Program } from "../d/tree.ts";
import { allStatements } from "../d/walk.ts";

/** What runs the commands of `system()`. */
export const SHELL = "/bin/sh";

/**
 * Asks for a permission: on a terminal Deno prompts, elsewhere it refuses what was not given.
 *
 * @param descriptor The permission.
 * @param purpose What it is for, as in "start gdb".
 * @param flag The option of Deno that gives it.
 * @throws {PermissionError} If it is not given.
 */
export async function askFor(descriptor: Deno.PermissionDescriptor, purpose: string, flag: string): Promise<void> {
  const { state } = await Deno.permissions.request(descriptor);
  if (state !== "granted") throw new PermissionError(`Cannot ${purpose}: Deno refuses it without ${flag}`);
}

/**
 * Asks for what `-C` needs.
 *
 * @param options The options of the program.
 * @throws {PermissionError} If it is not given.
 */
export async function askForPreprocessor({ cpp, cpppath: command }: ConsumerOptions): Promise<void> {
  if (cpp) await askFor({ name: "run", command }, `start the preprocessor "${command}"`, "--allow-run");
}

/**
 * Asks for what the actions of a program need: `system()` a shell, `freopen()` files.
 *
 * @param program The program.
 * @throws {PermissionError} If it is not given.
 */
export async function askForActions({ clauses }: Program): Promise<void> {
  for (const action of clauses.flatMap(({ statements }) => [...allStatements(statements)])) {
    if (action.kind === "system") await askFor({ name: "run", command: SHELL }, "run system()", "--allow-run");
    if (action.kind !== "freopen" || action.format.length === 0) continue;
    const path = textOf(action.format);
    if (path === undefined) await askFor({ name: "write" }, "write where freopen() says", "--allow-write");
    else await askFor({ name: "write", path }, `write to "${path}"`, `--allow-write=${path}`);
  }
}

/** The text of a format without conversions; undefined of any other. */
function textOf(format: PrintFormat): string | undefined {
  const decoder = new TextDecoder();
  let text = "";
  for (const part of format) {
    if (part.kind !== "text") return undefined;
    text += decoder.decode(part.bytes);
  }
  return text;
}
