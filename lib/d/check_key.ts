/**
 * Checks keys: of associative arrays, and of aggregations, which may have stacks and symbols among them.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { isStringLike } from "./compatible.ts";
import type { Environment } from "./environment.ts";
import type { Expression } from "./expression.ts";
import { decay, toStringValue } from "./nodes.ts";
import type { ExpressionSyntax } from "./syntax.ts";
import { typeName } from "./type_name.ts";
import { type Form, resolve } from "./types.ts";

/** What has keys. */
export interface KeyOwner {
  readonly kind: "associative array" | "aggregation";
  /** Its name with its prefix. */
  readonly name: string;
}

const NEVER: ReadonlySet<Form["kind"]> = new Set(["void", "float"]);
const IN_AGGREGATIONS: ReadonlySet<Form["kind"]> = new Set(["stack", "symbol"]);

/**
 * Checks a key.
 *
 * @param environment The names.
 * @param syntax The key.
 * @param owner What it is a key of.
 * @param index Its place, from 0.
 * @returns The key as it is kept: characters in memory as a string.
 * @throws {CompileError} `D_KEY_TYPE`.
 */
export function checkKey(
  environment: Environment,
  syntax: ExpressionSyntax,
  owner: KeyOwner,
  index: number,
): Expression {
  const refuse = (what: string): never =>
    fail(
      "D_KEY_TYPE",
      syntax,
      `${what} expression may not be used as ${owner.kind} index: ${owner.name}[ ] key #${index + 1}`,
    );
  if (syntax.kind === "aggregation") return refuse("dynamic");
  const key = environment.check(syntax);
  if (key.kind === "translated") return refuse("dynamic");
  const { kind } = key.form;
  if (NEVER.has(kind)) return refuse(kind);
  if (IN_AGGREGATIONS.has(kind) && owner.kind !== "aggregation") return refuse(typeName(key.type));
  if (resolve(key.type).kind !== "array") return key;
  return isStringLike(key.type) ? toStringValue(key) : decay(key);
}
