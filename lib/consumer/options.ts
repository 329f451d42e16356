/**
 * The command line: which options there are, and what they mean together.
 *
 * The letters are dtrace(1)'s, and so is their order: descriptions are enabled, and processes grabbed, as they are
 * written. `argument_tokens.ts` cuts the arguments by {@linkcode OPTION_TYPES}; {@linkcode readOptions} reads the parts.
 *
 * @module
 */

import { nearNames } from "../near_names.ts";
import type { EvaluationTime } from "../process/startup.ts";
import {
  formatProbeDescription,
  parseProbeDescription,
  type ProbeDescription,
  type ProbeField,
} from "../spec/probe_description.ts";
import type { ArgumentToken, OptionType } from "./argument_tokens.ts";
import { UsageError } from "./failure.ts";
import {
  CONSUMER_DEFAULTS,
  type ConsumerOptions,
  isConsumerOption,
  setConsumerOption,
} from "./program/consumer_options.ts";
import { splitWords } from "./words.ts";

/** The options by name. A name of one letter is written with one dash. */
export const OPTION_TYPES: Readonly<Record<string, OptionType>> = {
  p: { type: "string", short: "p" },
  c: { type: "string", short: "c" },
  n: { type: "string", short: "n" },
  P: { type: "string", short: "P" },
  m: { type: "string", short: "m" },
  f: { type: "string", short: "f" },
  l: { type: "boolean", short: "l" },
  q: { type: "boolean", short: "q" },
  s: { type: "string", short: "s" },
  w: { type: "boolean", short: "w" },
  b: { type: "string", short: "b" },
  F: { type: "boolean", short: "F" },
  o: { type: "string", short: "o" },
  x: { type: "string", short: "x" },
  Z: { type: "boolean", short: "Z" },
  j: { type: "boolean", short: "j" },
  v: { type: "boolean", short: "v" },
  V: { type: "boolean", short: "V" },
  format: { type: "string" },
  count: { type: "boolean" },
  follow: { type: "boolean" },
  help: { type: "boolean", short: "h" },
};

/** How events are written. */
export type OutputFormat = "text" | "ndjson";

/** A description as it was written. */
export interface WrittenDescription {
  /** What dtrace calls it: the field that it ends with, or `description`. */
  readonly kind: string;
  /** The text. */
  readonly text: string;
  /** Its fields. */
  readonly fields: ProbeDescription;
}

/** An option of DTrace as it was written. */
export interface WrittenOption {
  readonly name: string;
  /** Undefined if there is none. */
  readonly value: string | undefined;
}

/** A clause of the command line. */
export interface WrittenClause {
  /** What dtrace calls it, as for a description. */
  readonly kind: string;
  /** The probe description as it was written, which is what reports call the clause. */
  readonly name: string;
  /** The clause in D. */
  readonly source: string;
}

/** A D program as it was written. */
export interface WrittenProgram {
  /** The clauses of `-n`, and descriptions alone, which are clauses without statements, in order. */
  readonly clauses: readonly WrittenClause[];
  /** The file of `-s`; undefined if there is none. */
  readonly script: string | undefined;
  /** Its arguments, `$1` and so on. */
  readonly words: readonly string[];
}

/** What the command line asks for. */
export interface CommandOptions {
  /** What to do. */
  readonly mode: "trace" | "list" | "help" | "version" | "doctor";
  /** The processes to attach to (`-p`). */
  readonly pids: readonly number[];
  /** The programs to start with their arguments (`-c`, `--`). */
  readonly commands: readonly (readonly string[])[];
  /** The probes (`-n`, `-P`, `-m`, `-f`). */
  readonly descriptions: readonly WrittenDescription[];
  /** The D program (`-s`, and `-n` with a clause); undefined if there is none, and hits are events. */
  readonly program: WrittenProgram | undefined;
  /** The options of DTrace for the program (`-x`, `-b`, `-F`, `-q`, `-w`), in order. */
  readonly settings: readonly WrittenOption[];
  /** Whether only what was asked for is printed (`-q`). */
  readonly quiet: boolean;
  /** The file for the output (`-o`); standard output if undefined. */
  readonly output: string | undefined;
  /** The format of the output. */
  readonly format: OutputFormat;
  /** Whether hits are only counted (`--count`). */
  readonly count: boolean;
  /** Whether children and the programs that targets execute are traced as well (`--follow`). */
  readonly follow: boolean;
  /** Whether a list tells all that is known of a probe (`-v`). */
  readonly verbose: boolean;
  /** Whether a description may match nothing (`-Z`). */
  readonly allowNone: boolean;
  /** Whether the probes that there are are listed, because no description says which. */
  readonly listsAll: boolean;
  /** How far a program runs before its probes are set (`-x evaltime`). */
  readonly moment: EvaluationTime;
  /** The size of the tracepoint table (`-x fthashsize`). */
  readonly hashSize: number | undefined;
  /** The most tracepoints (`-x ftmax`). */
  readonly limit: number | undefined;
  /** Whether hits that need not stop the thread are jumps (`-x jumps`). */
  readonly jumps: boolean;
  /** Whether the tables are dumped (`-x fasttrapstats`). */
  readonly stats: boolean;
}

type Draft = { -readonly [key in keyof CommandOptions]: CommandOptions[key] } & {
  /** All that `-n` and its like have named. */
  clauses: WrittenClause[];
  script: string | undefined;
  /** The words that are no options. */
  words: string[];
};

/** What ends the description of a clause. */
const CLAUSE_BEGIN = /[{/;]/;
/** The field that a description ends with, by the option's letter. */
const LAST_FIELDS: Readonly<Record<string, ProbeField>> = { n: "name", P: "provider", m: "module", f: "function" };
/** Options of dtrace(1) that are not here, with what they would do. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  "3": "a data model (-32)",
  "6": "a data model (-64)",
  a: "anonymous tracing",
  A: "anonymous tracing",
  C: "the C preprocessor",
  D: "the C preprocessor",
  e: "compiling without tracing",
  G: "making an ELF file with DOF",
  H: "the C preprocessor",
  i: "naming a probe by its number",
  I: "the C preprocessor",
  L: "D libraries",
  S: "printing the intermediate code",
  U: "the C preprocessor",
  X: "a degree of conformance to ISO C",
};
/** What `-l` lists if it is not told: as in DTrace the probes that there are, which are the static ones. */
const LISTED_BY_DEFAULT = "*$target:::";
const MOMENTS: readonly EvaluationTime[] = ["exec", "preinit", "postinit", "main"];
const SWITCHES = ["on", "off"] as const;
const FORMATS: readonly OutputFormat[] = ["text", "ndjson"];
/** The largest `pid_t`. */
const PID_MAX = 2 ** 31 - 1;
/** What dtrace(1) allows behind a size: the place in the list is the power of 1024. */
const SIZE_SUFFIXES = ["", "k", "m", "g", "t"];

/** What sets an option of `-x`, by its name. */
const TUNABLES: Readonly<Record<string, (draft: Draft, value: string | undefined) => void>> = {
  evaltime: (draft, value) => draft.moment = oneOf(MOMENTS, value, "-x evaltime"),
  fasttrapstats: (draft) => draft.stats = true,
  // The table itself says what it makes of a size that it cannot have (rule 2).
  fthashsize: (draft, value) => draft.hashSize = value === "0" ? 0 : parseSize("fthashsize", value),
  ftmax: (draft, value) => draft.limit = parseSize("ftmax", value),
  jumps: (draft, value) => draft.jumps = oneOf(SWITCHES, value, "-x jumps") === "on",
  oformat: (draft, value) => draft.format = oneOf(FORMATS, value, "-x oformat"),
};

/** What an option sets, by its name. */
const SETTERS: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  p: (draft, value) => draft.pids = [...draft.pids, parsePid(value)],
  c: (draft, value) => draft.commands = [...draft.commands, splitWords(value)],
  l: (draft) => draft.mode = "list",
  q: (draft) => {
    draft.quiet = true;
    set(draft, "quiet", undefined);
  },
  s: (draft, value) => {
    if (draft.script !== undefined) throw new UsageError("several -s are not supported yet");
    draft.script = value;
  },
  w: (draft) => set(draft, "destructive", undefined),
  b: (draft, value) => set(draft, "bufsize", value),
  F: (draft) => set(draft, "flowindent", undefined),
  o: (draft, value) => draft.output = value,
  x: setTunable,
  Z: (draft) => draft.allowNone = true,
  j: (draft) => draft.format = "ndjson",
  v: (draft) => draft.verbose = true,
  V: (draft) => draft.mode = "version",
  format: (draft, value) => draft.format = oneOf(FORMATS, value, "--format"),
  count: (draft) => draft.count = true,
  follow: (draft) => draft.follow = true,
  help: (draft) => draft.mode = "help",
};

/**
 * Reads the command line.
 *
 * @param tokens Its tokens.
 * @returns What it asks for. `--help` and `-V` win over everything behind them.
 * @throws {UsageError} If it asks for what cannot be.
 * @throws {SyntaxError} If a probe description or a command cannot be parsed.
 */
export function readOptions(tokens: readonly ArgumentToken[]): CommandOptions {
  const draft: Draft = {
    mode: "trace",
    pids: [],
    commands: [],
    descriptions: [],
    clauses: [],
    script: undefined,
    words: [],
    program: undefined,
    settings: [],
    quiet: false,
    output: undefined,
    format: "text",
    count: false,
    follow: false,
    verbose: false,
    allowNone: false,
    listsAll: false,
    moment: "preinit",
    hashSize: undefined,
    limit: undefined,
    jumps: true,
    stats: false,
  };
  const terminator = tokens.findIndex(({ kind }) => kind === "option-terminator");
  for (const [index, token] of tokens.slice(0, terminator < 0 ? undefined : terminator).entries()) {
    if (token.kind === "option") readOption(draft, token);
    else if (token.kind === "positional") readWord(draft, token.value, index);
    if (draft.mode === "help" || draft.mode === "version") return draft;
  }
  if (terminator >= 0) readCommand(draft, tokens.slice(terminator + 1));
  check(draft);
  return draft;
}

function readOption(draft: Draft, token: ArgumentToken & { kind: "option" }): void {
  const { name, rawName, value } = token;
  const type = Object.hasOwn(OPTION_TYPES, name) ? OPTION_TYPES[name] : undefined;
  const isLong = rawName.startsWith("--");
  if (type === undefined || (isLong && name.length === 1)) throw unknownOption(rawName, name, isLong);
  if (type.type === "boolean" && value !== undefined) throw new UsageError(`option ${rawName} takes no argument`);
  if (type.type === "string" && value === undefined) throw new UsageError(`option ${rawName} needs an argument`);
  const lastField = LAST_FIELDS[name];
  if (lastField === undefined) {
    SETTERS[name]!(draft, value ?? "");
    return;
  }
  const clauseBegin = name === "n" ? value!.search(CLAUSE_BEGIN) : -1;
  if (clauseBegin >= 0) {
    draft.clauses.push({ kind: "description", name: value!.slice(0, clauseBegin), source: value! });
    return;
  }
  const description = writtenDescription(value!, lastField);
  draft.descriptions = [...draft.descriptions, description];
  const source = `${formatProbeDescription(description.fields)} {}`;
  draft.clauses.push({ kind: description.kind, name: value!, source });
}

/** Sets an option of DTrace, which is tried out first. */
function set(draft: Draft, name: string, value: string | undefined): void {
  const trial: ConsumerOptions = { ...CONSUMER_DEFAULTS };
  const problem = setConsumerOption(trial, name, value);
  if (problem !== undefined) throw new UsageError(`-x ${name} cannot be "${value ?? ""}": ${problem}`);
  draft.settings = [...draft.settings, { name, value }];
}

function writtenDescription(text: string, lastField: ProbeField): WrittenDescription {
  const kind = lastField === "name" ? "description" : lastField;
  return { kind, text, fields: parseProbeDescription(text, lastField) };
}

function unknownOption(rawName: string, name: string, isLong: boolean): UsageError {
  if (!isLong && Object.hasOwn(UNSUPPORTED, name)) {
    return new UsageError(`option ${rawName} (${UNSUPPORTED[name]}) is not supported yet`);
  }
  const near = isLong ? nearNames(name, Object.keys(OPTION_TYPES).filter((known) => known.length > 1)) : [];
  return new UsageError(
    `unknown option ${rawName}`,
    near.length > 0 ? `did you mean --${near[0]}?` : "--help lists the options",
  );
}

/** Reads an argument that is no option: a subcommand, or an argument of a program. */
function readWord(draft: Draft, word: string, index: number): void {
  if (word === "doctor" && index === 0) draft.mode = "doctor";
  else draft.words.push(word);
}

function readCommand(draft: Draft, tokens: readonly ArgumentToken[]): void {
  const words = tokens.map((token) => token.kind === "positional" ? token.value : "");
  if (words.length === 0) throw new UsageError('there is no command behind "--"');
  draft.commands = [...draft.commands, words];
}

/** Checks what the options mean together. */
function check(draft: Draft): void {
  if (draft.mode === "doctor") {
    const others = draft.commands.length + draft.descriptions.length;
    if (others > 0) throw new UsageError("doctor takes no option but -p");
    refuseWords(draft);
    return;
  }
  if (draft.verbose && draft.mode !== "list") {
    throw new UsageError("option -v without -l (a report on the stability of a program) is not supported yet");
  }
  if (draft.script !== undefined && draft.clauses.length > 0) {
    throw new UsageError("-s together with -n is not supported yet");
  }
  if (draft.script !== undefined || draft.clauses.length > draft.descriptions.length) {
    draft.program = { clauses: draft.clauses, script: draft.script, words: draft.words };
  } else refuseWords(draft);
  if (draft.descriptions.length > 0 || draft.program !== undefined) return;
  if (draft.mode === "trace") {
    throw new UsageError("no probes specified", "name them with -n, as in -n 'pid$target:libc:malloc:entry'");
  }
  if (draft.pids.length + draft.commands.length === 0) {
    throw new UsageError("Cannot list probes: no process is named", "name one with -p, or a command with -c");
  }
  draft.descriptions = [writtenDescription(LISTED_BY_DEFAULT, "name")];
  draft.allowNone = true;
  draft.listsAll = true;
}

function refuseWords({ words: [word] }: Draft): void {
  if (word === undefined) return;
  throw new UsageError(`unexpected argument "${word}"`, `a command to trace follows "--", or -c as one argument`);
}

function setTunable(draft: Draft, text: string): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "quiet") draft.quiet = true;
  if (name === "zdefs") draft.allowNone = true;
  if (isConsumerOption(name)) return set(draft, name, equals < 0 ? undefined : text.slice(equals + 1));
  if (!Object.hasOwn(TUNABLES, name)) {
    const near = nearNames(name, [...Object.keys(TUNABLES), ...Object.keys(CONSUMER_DEFAULTS)]);
    throw new UsageError(
      `unknown option -x ${name}`,
      near.length > 0 ? `did you mean -x ${near[0]}?` : "--help lists the options",
    );
  }
  TUNABLES[name]!(draft, equals < 0 ? undefined : text.slice(equals + 1));
}

function oneOf<T extends string>(values: readonly T[], value: string | undefined, option: string): T {
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new UsageError(`${option} cannot be "${value ?? ""}"`, `it is one of ${values.join(", ")}`);
}

function parseSize(name: string, value: string | undefined): number {
  const parts = /^([1-9]\d*)([kmgt]?)$/i.exec(value ?? "");
  const size = parts === null ? NaN : Number(parts[1]) * 1024 ** SIZE_SUFFIXES.indexOf(parts[2]!.toLowerCase());
  if (Number.isSafeInteger(size)) return size;
  throw new UsageError(`-x ${name} cannot be "${value ?? ""}"`, "it is a number from 1 on, or one with k, m, g, t");
}

function parsePid(text: string): number {
  const pid = /^\d+$/.test(text) ? Number(text) : 0;
  if (pid >= 1 && pid <= PID_MAX) return pid;
  throw new UsageError(`"${text}" is not a process id`, "pgrep NAME prints the process ids of a program");
}
