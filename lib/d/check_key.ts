/**
 * What may be a key of an aggregation.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { isStringLike } from "./compatible.ts";
import type { Expression } from "./expression.ts";
import { decay, toStringValue } from "./nodes.ts";
import { resolve } from "./types.ts";

/**
 * Checks a key of an aggregation: anything that has a value, stacks and symbols included.
 *
 * @param key The key.
 * @param name The aggregation, for the message.
 * @param index The place of the key, from 0.
 * @returns The key as it is kept: characters in memory as a string.
 * @throws {CompileError} `D_KEY_TYPE`.
 */
export function decayKey(key: Expression, name: string, index: number): Expression {
  if (key.form.kind === "void" || key.form.kind === "float") {
    fail(
      "D_KEY_TYPE",
      key,
      `${key.form.kind} expression may not be used as aggregation index: ${name}[ ] key #${index + 1}`,
    );
  }
  if (resolve(key.type).kind !== "array") return key;
  return isStringLike(key.type) ? toStringValue(key) : decay(key);
}
