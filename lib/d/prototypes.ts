/**
 * The prototypes of all functions of D: one table, which drives every check of the number and the types of arguments.
 *
 * A prototype is written as in C. `@` is any type, brackets are around what may be left out, `...` stands for what the
 * function checks by itself. The kind says where a function may stand: subroutines and symbols in expressions, actions
 * and stacks as statements, aggregating functions behind `@name =`.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import type { SubroutineName } from "./expression.ts";
import type { AggregatingFunction } from "./tree.ts";
import type { SymbolKind } from "./types.ts";

/** Where a function may stand. */
export type FunctionKind = "action" | "subroutine" | "aggregating" | "stack" | "symbol";

/** The functions that are statements. */
export type ActionName =
  | "breakpoint"
  | "chill"
  | "clear"
  | "commit"
  | "denormalize"
  | "discard"
  | "exit"
  | "freopen"
  | "ftruncate"
  | "normalize"
  | "panic"
  | "print"
  | "printa"
  | "printf"
  | "raise"
  | "setopt"
  | "speculate"
  | "stop"
  | "system"
  | "trace"
  | "tracemem"
  | "trunc";

/** The functions that record stacks. */
export type StackName = "stack" | "ustack" | "jstack";

/** The name of any function. */
export type FunctionName = ActionName | SubroutineName | AggregatingFunction | StackName | SymbolKind;

/** A function as its calls are checked. */
export interface Prototype {
  readonly name: FunctionName;
  readonly kind: FunctionKind;
  /** The name of the type that it returns. */
  readonly returns: string;
  readonly parameters: readonly Parameter[];
  /** Whether there may be more arguments than parameters. */
  readonly isVariadic: boolean;
}

/** A parameter. */
export interface Parameter {
  /** The name of its type; `@` for any. */
  readonly type: string;
  readonly isOptional: boolean;
}

const ACTIONS: Readonly<Record<ActionName, string>> = {
  "breakpoint": "void()",
  chill: "void(int)",
  clear: "void(...)",
  commit: "void(int)",
  denormalize: "void(...)",
  discard: "void(int)",
  exit: "void(int)",
  freopen: "void(@, ...)",
  ftruncate: "void()",
  normalize: "void(...)",
  panic: "void()",
  print: "void(@)",
  printa: "void(@, ...)",
  printf: "void(@, ...)",
  raise: "void(int)",
  setopt: "void(const char *, [const char *])",
  speculate: "void(int)",
  stop: "void()",
  system: "void(@, ...)",
  trace: "void(@)",
  tracemem: "void(@, size_t, [size_t])",
  trunc: "void(...)",
};

const SUBROUTINES: Readonly<Record<SubroutineName, string>> = {
  alloca: "void *(size_t)",
  basename: "string(const char *)",
  bcopy: "void(void *, void *, size_t)",
  cleanpath: "string(const char *)",
  copyin: "void *(uintptr_t, size_t)",
  copyinstr: "string(uintptr_t, [size_t])",
  copyinto: "void(uintptr_t, size_t, void *)",
  copyout: "void(void *, uintptr_t, size_t)",
  copyoutstr: "void(char *, uintptr_t, size_t)",
  "d_path": "string(void *)",
  dirname: "string(const char *)",
  getmajor: "unsigned int(dev_t)",
  getminor: "unsigned int(dev_t)",
  htonl: "uint32_t(uint32_t)",
  htonll: "uint64_t(uint64_t)",
  htons: "uint16_t(uint16_t)",
  index: "int(const char *, const char *, [int])",
  "inet_ntoa": "string(ipaddr_t *)",
  "inet_ntoa6": "string(void *)",
  "inet_ntop": "string(int, void *)",
  json: "string(const char *, const char *)",
  "link_ntop": "string(int, void *)",
  lltostr: "string(int64_t, [int])",
  "mutex_owned": "int(void *)",
  "mutex_owner": "uintptr_t(void *)",
  "mutex_type_adaptive": "int(void *)",
  "mutex_type_spin": "int(void *)",
  ntohl: "uint32_t(uint32_t)",
  ntohll: "uint64_t(uint64_t)",
  ntohs: "uint16_t(uint16_t)",
  progenyof: "int(pid_t)",
  rand: "int()",
  rindex: "int(const char *, const char *, [int])",
  "rw_iswriter": "int(void *)",
  "rw_read_held": "int(void *)",
  "rw_write_held": "int(void *)",
  speculation: "int()",
  strchr: "string(const char *, char)",
  strjoin: "string(const char *, const char *)",
  strlen: "size_t(const char *)",
  strrchr: "string(const char *, char)",
  strstr: "string(const char *, const char *)",
  strtok: "string(const char *, const char *)",
  strtoll: "int64_t(const char *, [int])",
  substr: "string(const char *, int, [int])",
  tolower: "string(const char *)",
  toupper: "string(const char *)",
};

const AGGREGATING: Readonly<Record<AggregatingFunction, string>> = {
  avg: "void(@)",
  count: "void()",
  llquantize: "void(@, int32_t, int32_t, int32_t, int32_t, [@])",
  lquantize: "void(@, int32_t, int32_t, [@], [@])",
  max: "void(@)",
  min: "void(@)",
  quantize: "void(@, [@])",
  stddev: "void(@)",
  sum: "void(@)",
};

const STACKS: Readonly<Record<StackName, string>> = {
  jstack: "stack(...)",
  stack: "stack(...)",
  ustack: "stack(...)",
};

const SYMBOLS: Readonly<Record<SymbolKind, string>> = {
  func: "_symaddr(uintptr_t)",
  mod: "_symaddr(uintptr_t)",
  sym: "_symaddr(uintptr_t)",
  uaddr: "_usymaddr(uintptr_t)",
  ufunc: "_usymaddr(uintptr_t)",
  umod: "_usymaddr(uintptr_t)",
  usym: "_usymaddr(uintptr_t)",
};

/** All functions by name. */
export const PROTOTYPES: ReadonlyMap<string, Prototype> = new Map([
  ...prototypes("action", ACTIONS),
  ...prototypes("subroutine", SUBROUTINES),
  ...prototypes("aggregating", AGGREGATING),
  ...prototypes("stack", STACKS),
  ...prototypes("symbol", SYMBOLS),
]);

/** What D calls the kinds of functions. */
export const FUNCTION_KIND_NAMES: Readonly<Record<FunctionKind, string>> = {
  action: "tracing function",
  subroutine: "function",
  aggregating: "aggregating function",
  stack: "tracing function",
  symbol: "tracing function",
};

function prototypes(kind: FunctionKind, texts: Readonly<Record<string, string>>): [string, Prototype][] {
  return Object.entries(texts).map(([name, text]) => [name, parsePrototype(name as FunctionName, kind, text)]);
}

function parsePrototype(name: FunctionName, kind: FunctionKind, text: string): Prototype {
  const open = text.indexOf("(");
  const types = text.slice(open + 1, -1).split(", ").filter((type) => type !== "");
  return {
    name,
    kind,
    returns: text.slice(0, open),
    parameters: types.filter((type) => type !== "...").map((type) => ({
      type: type.replace(/^\[(.*)\]$/, "$1"),
      isOptional: type.startsWith("["),
    })),
    isVariadic: types.includes("..."),
  };
}

/**
 * Says what is wrong with the number of arguments.
 *
 * @param prototype The function.
 * @param count How many arguments there are.
 * @returns Such as `prototype mismatch: 1 arg passed, 2 expected`; undefined if nothing is wrong.
 */
export function countProblem({ parameters, isVariadic }: Prototype, count: number): string | undefined {
  const least = parameters.filter(({ isOptional }) => !isOptional).length;
  const most = isVariadic ? Infinity : parameters.length;
  if (count >= least && count <= most) return undefined;
  const bound = least === most ? "" : count < least ? "at least " : "at most ";
  return passed("arg", count, `${bound}${count < least ? least : most}`);
}

/**
 * Checks the number of keys.
 *
 * @param name The array with its prefix, without brackets.
 * @param count How many keys there are.
 * @param expected How many there must be.
 * @param line The line, for the error.
 * @throws {CompileError} `D_PROTO_LEN`.
 */
export function checkKeyCount(name: string, count: number, expected: number, line: number): void {
  if (count !== expected) fail("D_PROTO_LEN", line, `${name}[ ] ${passed("key", count, String(expected))}`);
}

/** Says how many are passed and expected. */
export function passed(word: "arg" | "key", count: number, expected: string): string {
  return `prototype mismatch: ${count} ${word}${count === 1 ? "" : "s"} passed, ${expected} expected`;
}

/**
 * Says that an argument or a key has the wrong type.
 *
 * @param subject What it is passed to, such as `strlen( ) argument` or `a[ ] key`.
 * @param index Its place, from 0.
 * @param prototype The type that is expected.
 * @param argument The type that it has.
 * @returns Three lines.
 */
export function typeProblem(subject: string, index: number, prototype: string, argument: string): string {
  return `${subject} #${
    index + 1
  } is incompatible with prototype:\n\tprototype: ${prototype}\n\t argument: ${argument}`;
}
