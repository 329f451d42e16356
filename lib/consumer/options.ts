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
import { parseProbeDescription, type ProbeDescription, type ProbeField } from "../spec/probe_description.ts";
import type { ArgumentToken, OptionType } from "./argument_tokens.ts";
import { UsageError } from "./failure.ts";
import { ProgramError } from "./program_error.ts";
import {
  CONSUMER_DEFAULTS,
  isConsumerOption,
  makeConsumerOptions,
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
  i: { type: "string", short: "i" },
  e: { type: "boolean", short: "e" },
  C: { type: "boolean", short: "C" },
  D: { type: "string", short: "D" },
  U: { type: "string", short: "U" },
  I: { type: "string", short: "I" },
  H: { type: "boolean", short: "H" },
  X: { type: "string", short: "X" },
  L: { type: "string", short: "L" },
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
  "6": { type: "string", short: "6" },
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

/** A part of a D program as it was written. */
export interface WrittenPart {
  /** What dtrace calls it: the field that a description ends with, `description`, `probe` for a number, or `script`. */
  readonly kind: string;
  /** What reports call it: the probe description as it was written, or the file of a script. */
  readonly name: string;
  /** The clause; undefined for a script, which is in its file. */
  readonly source: string | undefined;
  /** The field that its probe descriptions end with. */
  readonly lastField: ProbeField;
}

/** A D program as it was written. */
export interface WrittenProgram {
  /** Scripts (`-s`) and clauses, descriptions alone among them, in order. */
  readonly parts: readonly WrittenPart[];
  /** The arguments of the program, `$1` and so on. */
  readonly words: readonly string[];
}

/** What the command line asks for. */
export interface CommandOptions {
  /** What to do. */
  readonly mode: "trace" | "compile" | "header" | "list" | "help" | "version" | "doctor";
  /** The processes to attach to (`-p`). */
  readonly pids: readonly number[];
  /** The programs to start with their arguments (`-c`, `--`). */
  readonly commands: readonly (readonly string[])[];
  /** The probes (`-n`, `-P`, `-m`, `-f`). */
  readonly descriptions: readonly WrittenDescription[];
  /** The D program (`-s`, and `-n` and its like with a clause); undefined if there is none, and hits are events. */
  readonly program: WrittenProgram | undefined;
  /** The options of DTrace for the program (`-x`, and letters that mean the same), in order. */
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
  /** Whether a list tells all that is known of a probe, and a program how much one may rely on it (`-v`). */
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
  /** All that `-s`, `-n` and their like have named. */
  parts: WrittenPart[];
  /** Whether `-h` was there, which is for help, or with a script for its header. */
  isHeader: boolean;
  /** What is wrong first with an option that dtrace(1) has words for: they are said if there is a D program. */
  mistake: { readonly words: string; readonly error: UsageError } | undefined;
  /** The words that are no options. */
  words: string[];
};

/** What says what is to be done, which can be one thing. */
const MODE_LETTERS: ReadonlySet<string> = new Set(["-h", "-l", "-V"]);
/** What ends the description of a clause. */
const CLAUSE_BEGIN = /[{/;]/;
/** The field that a description ends with, by the option's letter. */
const LAST_FIELDS: Readonly<Record<string, ProbeField>> = { n: "name", P: "provider", m: "module", f: "function" };
/** Options of dtrace(1) that are not here, with what they would do. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  "3": "the data model of 32 bits",
  a: "anonymous tracing, which begins with the kernel",
  A: "anonymous tracing, which begins with the kernel",
  G: "making an ELF file with DOF: programs have their probes from sys/sdt.h",
  S: "printing the intermediate code: clauses are compiled to WebAssembly",
};
/** The probes that are in no target. */
const TRACER_PROBE = /^(?:BEGIN|END|ERROR|tick-.*|profile-.*)$/;
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
  p: (draft, value) => orMistake(draft, `invalid pid: ${value}`, () => draft.pids = [...draft.pids, parsePid(value)]),
  c: (draft, value) => draft.commands = [...draft.commands, splitWords(value)],
  l: (draft) => draft.mode = "list",
  q: (draft) => {
    draft.quiet = true;
    set(draft, "quiet", undefined);
  },
  s: (draft, value) => void draft.parts.push({ kind: "script", name: value, source: undefined, lastField: "name" }),
  i: (draft, value) => void draft.parts.push(writtenPart("probe", value, "name")),
  e: (draft) => draft.mode = "compile",
  C: (draft) => set(draft, "cpp", undefined),
  D: (draft, value) => set(draft, "define", value, `-D ${value}`),
  U: (draft, value) => set(draft, "undef", value, `-U ${value}`),
  I: (draft, value) => set(draft, "incdir", value, `-I ${value}`),
  H: (draft) => set(draft, "cpphdrs", undefined),
  X: (draft, value) => set(draft, "stdc", value, `-X ${value}`),
  L: (draft, value) => set(draft, "libdir", value, `-L ${value}`),
  w: (draft) => set(draft, "destructive", undefined),
  b: (draft, value) => set(draft, "bufsize", value, `-b ${value}`),
  F: (draft) => set(draft, "flowindent", undefined),
  o: (draft, value) => draft.output = value,
  x: setTunable,
  Z: (draft) => draft.allowNone = true,
  j: (draft) => draft.format = "ndjson",
  v: (draft) => draft.verbose = true,
  V: (draft) => draft.mode = "version",
  // There is no other data model.
  "6": (_, value) => {
    if (value !== "4") throw new UsageError(`illegal option -- 6${value}`);
  },
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
    parts: [],
    isHeader: false,
    mistake: undefined,
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
  const modes = new Set<string>();
  for (const [index, token] of tokens.slice(0, terminator < 0 ? undefined : terminator).entries()) {
    if (token.kind === "option" && MODE_LETTERS.has(token.rawName)) modes.add(token.rawName);
    if (modes.size > 1) throw new UsageError("only one of the [-hlV] options can be specified at a time");
    if (token.kind === "option" && token.rawName === "-h") draft.isHeader = true;
    else if (token.kind === "option") readOption(draft, token);
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
  const kind = lastField === "name" ? "description" : lastField;
  draft.parts.push(writtenPart(kind, value!, lastField));
  if (!CLAUSE_BEGIN.test(value!)) draft.descriptions = [...draft.descriptions, writtenDescription(value!, lastField)];
}

/** A part that begins with a probe description. */
function writtenPart(kind: string, source: string, lastField: ProbeField): WrittenPart {
  const end = source.search(CLAUSE_BEGIN);
  return { kind, name: end < 0 ? source : source.slice(0, end), source, lastField };
}

/** Sets an option of DTrace, which is tried out first, as it was written. */
function set(draft: Draft, name: string, value: string | undefined, written: string = `-x ${name}`): void {
  const problem = setConsumerOption(makeConsumerOptions(), name, value);
  orMistake(draft, `failed to set ${written}: ${problem}`, () => {
    if (problem !== undefined) throw new UsageError(`-x ${name} cannot be "${value ?? ""}": ${problem}`);
    draft.settings = [...draft.settings, { name, value }];
  });
}

/** Does what a mistake may be found in that dtrace(1) has words for. It is told when all has been read. */
function orMistake(draft: Draft, words: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    draft.mistake ??= { words, error };
  }
}

/** Tells a mistake: dtrace(1) exits with 1 where we exit with 2, and so do we if there is a D program. */
function tellMistake(draft: Draft): void {
  if (draft.mistake === undefined) return;
  const { words, error } = draft.mistake;
  if (!needsProgram(draft)) throw error;
  throw new ProgramError("D_UNKNOWN", `dtrace: ${words}`, { hint: error.hint, cause: error });
}

function writtenDescription(text: string, lastField: ProbeField): WrittenDescription {
  const kind = lastField === "name" ? "description" : lastField;
  return { kind, text, fields: parseProbeDescription(text, lastField) };
}

function unknownOption(rawName: string, name: string, isLong: boolean): UsageError {
  if (!isLong && Object.hasOwn(UNSUPPORTED, name)) {
    return new UsageError(`option ${rawName} (${UNSUPPORTED[name]}) is not supported`);
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
  tellMistake(draft);
  if (draft.mode === "doctor") {
    const others = draft.commands.length + draft.descriptions.length;
    if (others > 0) throw new UsageError("doctor takes no option but -p");
    refuseWords(draft);
    return;
  }
  if (draft.isHeader) {
    draft.mode = draft.parts.some(({ kind }) => kind === "script") ? "header" : "help";
    if (draft.mode === "help") return;
  }
  if (needsProgram(draft)) draft.program = { parts: draft.parts, words: draft.words };
  else refuseWords(draft);
  if (draft.descriptions.length > 0 || draft.program !== undefined) return;
  if (draft.mode !== "list") {
    throw new UsageError("no probes specified", "name them with -n, as in -n 'pid$target:libc:malloc:entry'");
  }
  if (draft.pids.length + draft.commands.length === 0) {
    throw new UsageError("Cannot list probes: no process is named", "name one with -p, or a command with -c");
  }
  draft.descriptions = [writtenDescription(LISTED_BY_DEFAULT, "name")];
  draft.allowNone = true;
  draft.listsAll = true;
}

/** Whether the hits of what is named are more than events: there are scripts, clauses, or probes of no target. */
function needsProgram({ mode, verbose, parts, descriptions }: Draft): boolean {
  if (parts.length > descriptions.length) return true;
  if (descriptions.length > 0 && mode !== "list" && (verbose || mode === "compile")) return true;
  return descriptions.some(({ fields: { provider, name } }) =>
    provider === "dtrace" || provider === "profile" || (provider === "" && TRACER_PROBE.test(name))
  );
}

function refuseWords({ words: [word] }: Draft): void {
  if (word === undefined) return;
  throw new UsageError(`unexpected argument "${word}"`, `a command to trace follows "--", or -c as one argument`);
}

function setTunable(draft: Draft, text: string): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (isConsumerOption(name)) {
    set(draft, name, equals < 0 ? undefined : text.slice(equals + 1));
    const { quiet, zdefs } = makeConsumerOptions(draft.settings);
    if (name === "quiet") draft.quiet = quiet;
    if (name === "zdefs") draft.allowNone = zdefs;
    return;
  }
  if (!Object.hasOwn(TUNABLES, name)) {
    const near = nearNames(name, [...Object.keys(TUNABLES), ...Object.keys(CONSUMER_DEFAULTS)]);
    const hint = near.length > 0 ? `did you mean -x ${near[0]}?` : "--help lists the options";
    const error = new UsageError(`unknown option -x ${name}`, hint);
    draft.mistake ??= { words: `failed to set -x ${name}: Invalid option name`, error };
    return;
  }
  orMistake(draft, `failed to set -x ${name}: Invalid value for specified option`, () => {
    TUNABLES[name]!(draft, equals < 0 ? undefined : text.slice(equals + 1));
  });
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
