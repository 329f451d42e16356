/**
 * The names of types as messages and `print()` write them.
 *
 * @module
 */

import type { FunctionType, Type } from "./types.ts";

/**
 * Writes the name of a type.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const int = { kind: "integer", name: "int", sizeBytes: 4, signed: true, isChar: false } as const;
 * assertEquals(typeName({ kind: "pointer", to: int, userland: false }), "int *");
 * ```
 *
 * @param type The type.
 * @returns Its name in C, such as `struct stat *` or `int [4]`.
 */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "integer":
    case "float":
    case "typedef":
      return type.name;
    case "void":
    case "string":
      return type.kind;
    case "stack":
      return "stack";
    case "symbol":
      return "_symaddr";
    case "struct":
    case "union":
    case "enum":
      return type.tag === "" ? `${type.kind} (anon)` : `${type.kind} ${type.tag}`;
    case "qualified":
      return type.of.kind === "pointer"
        ? `${typeName(type.of)} ${type.qualifiers.join(" ")}`
        : `${type.qualifiers.join(" ")} ${typeName(type.of)}`;
    default:
      return declare(type, "");
  }
}

/** Writes a type that stands around what it is made of. */
function declare(type: Type, middle: string): string {
  if (type.kind === "pointer") {
    const isAround = type.to.kind === "array" || type.to.kind === "function";
    return declare(type.to, isAround ? `(*${middle})` : `*${middle}`);
  }
  if (type.kind === "array") return declare(type.of, `${middle}[${type.count === 0 ? "" : type.count}]`);
  if (type.kind === "function") return declare(type.returns, `${middle}(${parameterNames(type)})`);
  return `${typeName(type)} ${middle}`;
}

function parameterNames({ parameters, variadic }: FunctionType): string {
  const names = parameters.map(typeName);
  return variadic ? [...names, "..."].join(", ") : names.join(", ");
}
