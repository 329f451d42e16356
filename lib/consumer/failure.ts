/**
 * How the command says that it failed: the lines, and the exit code.
 *
 * ```text
 * fasttrap: D_PROC_FUNC: failed to lookup 'mallok' in module 'libc.so.6'
 * hint: no function matches "mallok" in libc.so.6 (3030 functions, from .dynsym); did you mean malloc?
 * ```
 *
 * | code | meaning |
 * | --- | --- |
 * | 0 | done, also by an interrupt |
 * | 1 | a failure while tracing |
 * | 2 | a mistake in the command line or in a probe description |
 * | 3 | a description that matches no probe |
 * | 4 | a permission that was refused, by Deno or by the kernel |
 * | 5 | a target that is gone, cannot be started, or is not supported |
 *
 * @module
 */

import { DTraceError, InvariantError, SystemError } from "../errors.ts";
import { printableName } from "../object/name_bytes.ts";

/** The exit codes; see the table in the module's comment. */
export const ExitCode = { done: 0, failure: 1, usage: 2, noProbe: 3, permission: 4, target: 5 } as const;

/** The name in front of every message that is ours and not dtrace's. */
const COMMAND = "fasttrap";

/** The exit codes of DTrace's tags; those that are not here are mistakes in the description. */
const TAG_CODES: Readonly<Record<string, number>> = {
  D_PDESC_ZERO: ExitCode.noProbe,
  D_PROC_ALIGN: ExitCode.noProbe,
  D_PROC_FUNC: ExitCode.noProbe,
  D_PROC_LIB: ExitCode.noProbe,
  D_PROC_OFF: ExitCode.noProbe,
  D_PROC_CREATE: ExitCode.target,
  D_PROC_CREATEFAIL: ExitCode.failure,
  D_PROC_ELF: ExitCode.target,
  D_PROC_GRAB: ExitCode.target,
};

/** What the tags of malformed DOF begin with. */
const DOF_TAGS = "D_DOF_";

/** A mistake in the command line. */
export class UsageError extends SyntaxError {
  /** The class's name. */
  override readonly name = "UsageError";
  /** What the user can do. */
  readonly hint: string | undefined;

  /**
   * Makes an error.
   *
   * @param message What is wrong.
   * @param hint What the user can do.
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** A permission of Deno that the user has not given. */
export class PermissionError extends TypeError {
  /** The class's name. */
  override readonly name = "PermissionError";
}

/**
 * Chooses the exit code for an error.
 *
 * @param error What was thrown.
 * @returns The code; never 0.
 */
export function exitCodeOf(error: unknown): number {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // Deno's own refusal, should it come later than ours.
    if (cause instanceof PermissionError || cause.name === "NotCapable") return ExitCode.permission;
    if (cause instanceof SystemError && (cause.errno === "EPERM" || cause.errno === "EACCES")) {
      return ExitCode.permission;
    }
  }
  if (error instanceof DTraceError) {
    return TAG_CODES[error.tag] ?? (error.tag.startsWith(DOF_TAGS) ? ExitCode.target : ExitCode.usage);
  }
  return error instanceof SyntaxError || error instanceof RangeError ? ExitCode.usage : ExitCode.failure;
}

/**
 * Says what went wrong.
 *
 * @param error What was thrown.
 * @returns One line, and a second one if there is a hint, with line feeds.
 */
export function formatFailure(error: unknown): string {
  if (error instanceof DTraceError) return formatMessage(`${error.tag}: ${error.message}`) + formatHint(error.hint);
  if (error instanceof SystemError || error instanceof UsageError) {
    return formatMessage(error.message) + formatHint(error.hint);
  }
  if (error instanceof InvariantError) return formatMessage(`internal error: ${error.message}`);
  return formatMessage(error instanceof Error ? error.message : String(error));
}

/**
 * Puts the command's name in front of a message.
 *
 * @param message The message.
 * @returns The line with its line feed.
 */
export function formatMessage(message: string): string {
  return `${COMMAND}: ${oneLine(message)}\n`;
}

function formatHint(hint: string | undefined): string {
  return hint === undefined ? "" : `hint: ${oneLine(hint)}\n`;
}

/** Names of functions, probes and files may hold any bytes; a message is one printable line nevertheless. */
function oneLine(text: string): string {
  return printableName(text.replaceAll("\n", "\\n"));
}
