/**
 * The options of a D program: those of DTrace that say how it runs and how its results are printed.
 *
 * They come from `-x`, from letters such as `-b` and `-q`, from `#pragma D option` and from `setopt()`. A size is digits
 * with `k`, `m`, `g` or `t`; a time is digits with a unit, nanoseconds by default, or `hz`, how many times a second; a
 * switch is on without a value.
 *
 * Digits may be octal or hexadecimal as in C. The variables `DTRACE_OPT_NAME` of the environment set options as well; what they
 * say wrongly is passed over, as dtrace(1) does.
 *
 * What options say of the kernel, of linking, or of the compiler's own workings has no meaning here: they are accepted, so that
 * scripts which set them run.
 *
 * What `agghist`, `aggpack`, `aggzoom` and `encoding` draw is as in illumos; Oracle's DTrace for Linux does not have these
 * options.
 *
 * @module
 */

import { parseAttributes } from "../../spec/stability.ts";
import { RUN_DEFAULTS, type RunOptions } from "../../d/run/run_options.ts";

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** Everything that can be set. */
export interface ConsumerOptions extends Mutable<RunOptions> {
  /** The least attributes that a clause may have; empty for any. */
  amin: string;
  quiet: boolean;
  flowindent: boolean;
  destructive: boolean;
  rawbytes: boolean;
  stackindent: number;
  aggsortkey: boolean;
  aggsortkeypos: number;
  aggsortpos: number;
  aggsortrev: boolean;
  aggzoom: boolean;
  agghist: boolean;
  aggpack: boolean;
  /** `utf8` or `ascii`; empty if nobody has said. */
  encoding: string;
  droptags: boolean;
  /** Whether the tags of errors are printed. */
  errtags: boolean;
  /** Whether arguments of the script that are missing are 0 or empty. */
  defaultargs: boolean;
  /** Whether a description may match nothing. */
  zdefs: boolean;
  /** Whether a word in front of a clause is a probe description even if it is a type's name. */
  pspec: boolean;
  /** Whether a program may be empty. */
  empty: boolean;
  /** Whether scripts and libraries go through the C preprocessor. */
  cpp: boolean;
  /** The preprocessor's file, and arguments for it. */
  cpppath: string;
  cppargs: readonly string[];
  /** Whether it prints the names of the headers that it reads. */
  cpphdrs: boolean;
  /** What it defines, undefines, and where it looks for headers. */
  define: readonly string[];
  undef: readonly string[];
  incdir: readonly string[];
  /** By how much it conforms to ISO C, as `-X` says: `a`, `c`, `s`, `t`. */
  stdc: string;
  /** The folders of D libraries. */
  libdir: readonly string[];
  /** Whether they are left out. */
  nolibs: boolean;
  /** The version of D that the program is written for. */
  version: string;
  /** Whether addresses are left as they are where their names would be printed. */
  noresolve: boolean;
  /** How many frames `stack()` has; the kernel's are not seen here. */
  stackframes: number;
  /** Whether a buffer that does not fit into memory is made smaller (`auto`). */
  bufresize: string;
  /** Whether nothing is said of that. */
  quietresize: boolean;
  /** Times are nanoseconds between two. */
  switchrate: number;
  aggrate: number;
  statusrate: number;
  cleanrate: number;
}

const SECOND = 1e9;

/** What holds unless it is set. */
export const CONSUMER_DEFAULTS: Readonly<ConsumerOptions> = {
  ...RUN_DEFAULTS,
  amin: "",
  quiet: false,
  flowindent: false,
  destructive: false,
  rawbytes: false,
  stackindent: 14,
  aggsortkey: false,
  aggsortkeypos: 0,
  aggsortpos: 0,
  aggsortrev: false,
  aggzoom: false,
  agghist: false,
  aggpack: false,
  encoding: "",
  droptags: false,
  errtags: false,
  defaultargs: false,
  zdefs: false,
  pspec: false,
  empty: false,
  cpp: false,
  cpppath: "cpp",
  cppargs: [],
  cpphdrs: false,
  define: [],
  undef: [],
  incdir: [],
  stdc: "a",
  libdir: [],
  nolibs: false,
  version: "2.0",
  bufresize: "auto",
  quietresize: false,
  noresolve: false,
  stackframes: 20,
  switchrate: SECOND,
  aggrate: SECOND,
  statusrate: SECOND,
  cleanrate: SECOND / 101,
};

/** What an option takes. */
type Kind = "switch" | "size" | "count" | "time" | "text" | "list" | "version" | "attributes" | readonly string[];

/** The options that there are, and whether they can be set while the program runs. */
const KINDS: Readonly<Record<string, { readonly kind: Kind; readonly dynamic: boolean }>> = {
  amin: { kind: "attributes", dynamic: false },
  strsize: { kind: "size", dynamic: false },
  bufsize: { kind: "size", dynamic: false },
  bufpolicy: { kind: ["switch", "fill", "ring"], dynamic: false },
  dynvarsize: { kind: "size", dynamic: false },
  scratchsize: { kind: "size", dynamic: false },
  aggsize: { kind: "size", dynamic: false },
  nspec: { kind: "count", dynamic: false },
  specsize: { kind: "size", dynamic: false },
  ustackframes: { kind: "count", dynamic: false },
  jstackframes: { kind: "count", dynamic: false },
  maxframes: { kind: "count", dynamic: false },
  stackframes: { kind: "count", dynamic: false },
  printsize: { kind: "size", dynamic: false },
  quiet: { kind: "switch", dynamic: true },
  flowindent: { kind: "switch", dynamic: true },
  destructive: { kind: "switch", dynamic: false },
  rawbytes: { kind: "switch", dynamic: true },
  stackindent: { kind: "count", dynamic: true },
  aggsortkey: { kind: "switch", dynamic: true },
  aggsortkeypos: { kind: "count", dynamic: true },
  aggsortpos: { kind: "count", dynamic: true },
  aggsortrev: { kind: "switch", dynamic: true },
  aggzoom: { kind: "switch", dynamic: true },
  agghist: { kind: "switch", dynamic: true },
  aggpack: { kind: "switch", dynamic: true },
  encoding: { kind: ["ascii", "utf8"], dynamic: true },
  droptags: { kind: "switch", dynamic: true },
  errtags: { kind: "switch", dynamic: false },
  defaultargs: { kind: "switch", dynamic: false },
  zdefs: { kind: "switch", dynamic: false },
  pspec: { kind: "switch", dynamic: false },
  empty: { kind: "switch", dynamic: false },
  cpp: { kind: "switch", dynamic: false },
  cpppath: { kind: "text", dynamic: false },
  cppargs: { kind: "list", dynamic: false },
  cpphdrs: { kind: "switch", dynamic: false },
  define: { kind: "list", dynamic: false },
  undef: { kind: "list", dynamic: false },
  incdir: { kind: "list", dynamic: false },
  stdc: { kind: ["a", "c", "s", "t"], dynamic: false },
  libdir: { kind: "list", dynamic: false },
  nolibs: { kind: "switch", dynamic: false },
  version: { kind: "version", dynamic: false },
  bufresize: { kind: ["auto", "manual"], dynamic: false },
  noresolve: { kind: "switch", dynamic: false },
  quietresize: { kind: "switch", dynamic: true },
  switchrate: { kind: "time", dynamic: true },
  aggrate: { kind: "time", dynamic: true },
  statusrate: { kind: "time", dynamic: true },
  cleanrate: { kind: "time", dynamic: true },
};

/** Options that are accepted and mean nothing, whatever their value: switches, and others. */
const MEANINGLESS: ReadonlySet<string> = new Set([
  ..."aggpercpu argref bpflog debugassert disasm iregs kdefs knodefs lazyload linknommap strip temporal tregs".split(
    " ",
  ),
  ..."udefs unodefs bpflogsize core ctfpath ctypes debug dtypes jstackstrsize late ldpath linkmode linktype".split(" "),
  ..."lockmem modpath pcapsize pgmax preallocate procfspath syslibdir sysslice tree".split(" "),
]);
const ENVIRONMENT_PREFIX = "DTRACE_OPT_";
const DIGITS = "0x[0-9a-f]+|[0-9]+";
const COUNT = new RegExp(`^(?:${DIGITS})$`, "i");
const SIZE = new RegExp(`^(${DIGITS})([kmgt]?)$`, "i");
const TIME = new RegExp(`^(${DIGITS})([a-z]*)$`, "i");
const SIZE_UNITS = "kmgt";
const TIME_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  ns: 1,
  nsec: 1,
  us: 1e3,
  usec: 1e3,
  ms: 1e6,
  msec: 1e6,
  s: SECOND,
  sec: SECOND,
  m: 60 * SECOND,
  min: 60 * SECOND,
  h: 3600 * SECOND,
  hour: 3600 * SECOND,
  d: 86400 * SECOND,
  day: 86400 * SECOND,
};
/** The most that a count may be, and a size: the memory of a program is addressed by 32 bits. */
const COUNT_MAX = 2 ** 31 - 1;
const SIZE_MAX = 2 ** 31 - 1;
/** What sizes are lowered to that are larger, with what dtrace(1) calls them. */
const LOWERED: readonly (readonly [name: "bufsize" | "aggsize" | "specsize" | "dynvarsize", words: string])[] = [
  ["bufsize", "buffer size"],
  ["aggsize", "aggregation size"],
  ["specsize", "speculation size"],
  ["dynvarsize", "dynamic variable size"],
];
const LOWERED_MAX = 2 ** 30;
const STRSIZE_MIN = 8;
/** The versions of D, up to Oracle's. */
const VERSION = /^(?:1\.[0-9]{1,2}(?:\.[0-9]{1,2})?|2\.0(?:\.[0-9]{1,2})?)$/;

/**
 * Makes the options of a program.
 *
 * @param settings What a command line says of them, in order.
 * @returns What it says, and what holds unless it is set.
 */
export function makeConsumerOptions(
  settings: readonly { readonly name: string; readonly value: string | undefined }[] = [],
): ConsumerOptions {
  const options = { ...CONSUMER_DEFAULTS };
  for (const { name, value } of settings) setConsumerOption(options, name, value);
  return options;
}

/**
 * Tells whether there is such an option.
 *
 * @param name Its name.
 * @returns Whether it is one of those here.
 */
export function isConsumerOption(name: string): boolean {
  return Object.hasOwn(KINDS, name) || MEANINGLESS.has(name);
}

/**
 * Finds the options that the environment sets.
 *
 * @param variables Its variables, such as `DTRACE_OPT_STRSIZE=1k`.
 * @returns Those that can be set so.
 */
export function settingsOfEnvironment(variables: readonly string[]): { name: string; value: string }[] {
  return Object.keys(KINDS).flatMap((name) => {
    const prefix = `${ENVIRONMENT_PREFIX}${name.toUpperCase()}=`;
    const value = variables.find((variable) => variable.startsWith(prefix))?.slice(prefix.length);
    if (value === undefined) return [];
    return setConsumerOption({ ...CONSUMER_DEFAULTS }, name, value) === undefined ? [{ name, value }] : [];
  });
}

/**
 * Sets an option.
 *
 * @param options Where.
 * @param name Its name, which is one of those here.
 * @param value The text of its value; undefined if there is none.
 * @param running Whether the program runs already.
 * @returns What is wrong, in DTrace's words; undefined if it is set.
 */
export function setConsumerOption(
  options: ConsumerOptions,
  name: string,
  value: string | undefined,
  running: boolean = false,
): string | undefined {
  if (MEANINGLESS.has(name)) return undefined;
  const known = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (known === undefined) return "Invalid option name";
  if (running && !known.dynamic) return "Operation illegal when tracing is active";
  const parsed = parse(known.kind, value);
  if (parsed === undefined) return "Invalid value for specified option";
  const all = options as unknown as Record<string, unknown>;
  if (known.kind === "list") {
    all[name] = [...all[name] as readonly string[], parsed];
    return undefined;
  }
  const isLowered = LOWERED.some(([lowered]) => lowered === name);
  if (known.kind === "size" && !isLowered && (parsed as number) > SIZE_MAX) return "Invalid value for specified option";
  if (name === "strsize" && (parsed as number) < STRSIZE_MIN) return "Invalid value for specified option";
  all[name] = parsed;
  return undefined;
}

/**
 * Lowers the sizes of buffers that are larger than memory allows.
 *
 * @param options Where they are.
 * @returns What dtrace(1) says of each.
 */
export function lowerSizes(options: ConsumerOptions): string[] {
  return LOWERED.filter(([name]) => options[name] > LOWERED_MAX).map(([name, words]) => {
    options[name] = LOWERED_MAX;
    return `${words} lowered to 1g`;
  });
}

function parse(kind: Kind, value: string | undefined): boolean | number | string | undefined {
  if (kind === "switch") return parseSwitch(value);
  if (value === undefined) return undefined;
  if (kind === "text" || kind === "list") return value === "" ? undefined : value;
  if (kind === "attributes") return parseAttributes(value) === undefined ? undefined : value;
  if (kind === "version") return VERSION.test(value) ? value : undefined;
  if (kind === "size") return parseSize(value);
  if (kind === "time") return parseTime(value);
  if (kind === "count") return COUNT.test(value) && valueOf(value) <= COUNT_MAX ? valueOf(value) : undefined;
  return kind.includes(value) ? value : undefined;
}

function parseSwitch(value: string | undefined): boolean | undefined {
  // An empty value switches off, as in dtrace(1).
  if (value === undefined || value === "1" || /^(?:true|yes|on|set|enabled?)$/i.test(value)) return true;
  return value === "" || value === "0" || /^(?:false|no|off|unset|disabled?)$/i.test(value) ? false : undefined;
}

/** The value of digits as in C: octal behind a 0, hexadecimal behind 0x. */
function valueOf(digits: string): number {
  return /^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits);
}

function parseSize(value: string): number | undefined {
  const [, digits, unit] = SIZE.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const size = valueOf(digits) * 1024 ** (unit === "" ? 0 : SIZE_UNITS.indexOf(unit!.toLowerCase()) + 1);
  return Number.isSafeInteger(size) ? size : undefined;
}

function parseTime(value: string): number | undefined {
  const [, digits, unit] = TIME.exec(value) ?? [];
  if (digits === undefined) return undefined;
  const count = valueOf(digits);
  if (unit!.toLowerCase() === "hz") return count === 0 ? undefined : SECOND / count;
  const factor = TIME_UNITS[unit!.toLowerCase()];
  return factor === undefined ? undefined : count * factor;
}
