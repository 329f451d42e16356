/**
 * Works out what a clause needs from the thread that hits its probe.
 *
 * @module
 */

import type { BuiltinName, Expression } from "./expression.ts";
import { numberOf } from "./int64.ts";
import type { ArgumentString, Needs, Statement } from "./tree.ts";
import { resolve } from "./types.ts";
import { allExpressions, allStatements, expressionsOf } from "./walk.ts";

/** What reads the memory of the program. */
const READERS = new Set([
  "copyin",
  "copyinstr",
  "copyinto",
  "inet_ntoa",
  "inet_ntoa6",
  "inet_ntop",
  "link_ntop",
  "bcopy",
]);
const DESTRUCTIVE_SUBROUTINES = new Set(["copyout", "copyoutstr"]);
const DESTRUCTIVE_ACTIONS = new Set(["stop", "raise", "chill", "system", "freopen", "breakpoint", "panic"]);
const SPECULATIVE = new Set(["speculate", "commit", "discard"]);

/**
 * Works out what a clause needs.
 *
 * @param predicate Its predicate.
 * @param statements Its statements.
 * @returns What it needs.
 */
export function needsOf(predicate: Expression | undefined, statements: readonly Statement[]): Needs {
  const all = [...allStatements(statements)];
  const roots = all.flatMap(expressionsOf);
  if (predicate !== undefined) roots.push(predicate);
  const found = new Finder();
  for (const root of roots) found.add(root);
  const kinds = new Set(all.map(({ kind }) => kind));
  const hasKind = (names: ReadonlySet<string>) => [...kinds].some((kind) => names.has(kind));
  return {
    arguments: found.arguments,
    builtins: found.builtins,
    registers: found.registers,
    userStack: found.userStack,
    strings: found.strings,
    readsMemory: found.readsMemory || kinds.has("tracemem"),
    destructive: found.destructive || hasKind(DESTRUCTIVE_ACTIONS),
    aggregates: kinds.has("aggregate"),
    variables: found.variables,
    speculates: found.speculates || hasKind(SPECULATIVE),
  };
}

/**
 * Tells whether the address of a string is known to be the traced program's.
 *
 * @param address The address.
 * @returns Whether it is; if not, it is memory of the clause's own, or a mistake.
 */
export function isInTarget(address: Expression): boolean {
  if (address.form.kind === "bytes") return address.kind === "load" && address.userland;
  const type = resolve(address.type);
  return type.kind === "pointer" && type.userland;
}

/** Collects needs of expressions. */
class Finder {
  arguments = 0;
  registers = false;
  userStack = false;
  readsMemory = false;
  destructive = false;
  variables = false;
  speculates = false;
  readonly builtins: Set<BuiltinName> = new Set();
  readonly strings: ArgumentString[] = [];

  add(root: Expression): void {
    for (const expression of allExpressions(root)) this.#one(expression);
  }

  #one(expression: Expression): void {
    switch (expression.kind) {
      case "argument":
        this.arguments |= expression.typed ? 0x3ff : 1 << expression.index;
        break;
      case "builtin":
        this.builtins.add(expression.name);
        break;
      case "register":
        this.registers = true;
        break;
      case "stack":
        this.userStack ||= expression.of !== "stack";
        break;
      case "load":
        this.readsMemory ||= expression.form.kind !== "bytes";
        break;
      case "to-string":
        this.readsMemory = true;
        break;
      case "variable":
      case "element":
        this.variables ||= expression.variable.scope !== "clause";
        break;
      case "call":
        this.#call(expression);
    }
  }

  #call(call: Expression & { kind: "call" }): void {
    this.destructive ||= DESTRUCTIVE_SUBROUTINES.has(call.name);
    this.speculates ||= call.name === "speculation";
    const string = argumentString(call);
    if (string === undefined) this.readsMemory ||= READERS.has(call.name);
    else if (!this.strings.some((other) => isSameString(other, string))) this.strings.push(string);
  }
}

function isSameString(left: ArgumentString, right: ArgumentString): boolean {
  return left.argument === right.argument && left.limitBytes === right.limitBytes;
}

/** A copy of a string from where an argument leads to, and how many bytes it may have. */
function argumentString({ name, arguments: list }: Expression & { kind: "call" }): ArgumentString | undefined {
  if (name !== "copyinstr") return undefined;
  const [address, limit] = list;
  const argument = address!.kind === "convert" ? address.operand : address!;
  if (argument.kind !== "argument" || argument.typed) return undefined;
  if (limit === undefined) return { argument: argument.index, limitBytes: undefined };
  if (limit.kind !== "constant") return undefined;
  return { argument: argument.index, limitBytes: numberOf(limit.value, false) };
}
