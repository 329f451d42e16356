/**
 * The command line of `fasttrap usdt`, which looks at files and needs no process:
 *
 * ```text
 * fasttrap usdt list FILE [-v] [--format json]
 * fasttrap usdt dump FILE [--format json]
 * ```
 *
 * @module
 */

import { nearNames } from "../near_names.ts";
import type { ArgumentToken } from "./argument_tokens.ts";
import { UsageError } from "./failure.ts";

/** What there is to do with a file. */
const ACTIONS = ["list", "dump"] as const;
const FORMATS = ["text", "json"] as const;
/** The word that the command line begins with. */
const COMMAND = "usdt";

/** What the command line asks for. */
export interface UsdtOptions {
  /** Whether to list static probes or to print DOF. */
  readonly action: typeof ACTIONS[number];
  /** The file. */
  readonly path: string;
  /** How it is printed (`--format`, `-j`). */
  readonly format: typeof FORMATS[number];
  /** Whether sites, operands and attributes are printed as well (`-v`). */
  readonly verbose: boolean;
  /** The file for the output (`-o`); standard output if undefined. */
  readonly output: string | undefined;
  /** Whether only the help is wanted (`-h`). */
  readonly help: boolean;
}

/**
 * Tells whether a command line is one of `usdt`.
 *
 * @param tokens Its tokens.
 * @returns Whether its first word is `usdt`.
 */
export function isUsdtCommand(tokens: readonly ArgumentToken[]): boolean {
  const [first] = tokens;
  return first?.kind === "positional" && first.value === COMMAND;
}

/**
 * Reads the command line.
 *
 * @param tokens Its tokens, the word `usdt` included.
 * @returns What it asks for.
 * @throws {UsageError} If it asks for what cannot be.
 */
export function readUsdtOptions(tokens: readonly ArgumentToken[]): UsdtOptions {
  const words = tokens.flatMap((token) => token.kind === "positional" ? [token.value] : []).slice(1);
  const options = { format: "text" as UsdtOptions["format"], verbose: false, output: undefined as string | undefined };
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    if (name === "help") return { ...options, action: "list", path: "", help: true };
    if (name === "v" && value === undefined) options.verbose = true;
    else if (name === "j" && value === undefined) options.format = "json";
    else if (name === "o" && value !== undefined) options.output = value;
    else if (name === "format") options.format = readFormat(value);
    else {throw new UsageError(
        `usdt has no option ${rawName}`,
        "its options are -v, -j, --format text|json and -o FILE",
      );}
  }
  const [word, path, ...others] = words;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw unknownAction(word);
  if (path === undefined) throw new UsageError(`usdt ${action} needs a file`);
  if (others.length > 0) throw new UsageError(`unexpected argument "${others[0]}"`, `usdt ${action} takes one file`);
  return { ...options, action, path, help: false };
}

function readFormat(value: string | undefined): UsdtOptions["format"] {
  const format = FORMATS.find((known) => known === value);
  if (format !== undefined) return format;
  throw new UsageError(`--format of usdt cannot be "${value ?? ""}"`, `it is one of ${FORMATS.join(", ")}`);
}

function unknownAction(word: string | undefined): UsageError {
  if (word === undefined) return new UsageError("usdt needs to know what to do", "it can list and dump a file");
  const near = nearNames(word, ACTIONS)[0];
  return new UsageError(
    `usdt cannot "${word}" a file`,
    near === undefined ? "it can list and dump one" : `did you mean ${near}?`,
  );
}
