/**
 * The error of D programs, apart from what throws it: the command must know it without the language.
 *
 * What keeps a program from being traced is said in dtrace(1)'s words, and ends the command with 1, whatever it is.
 *
 * @module
 */

import { DTraceError, SystemError } from "../errors.ts";

/** What is said instead of the names of errors. */
const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EISDIR: "Is a directory",
  ENOTDIR: "Not a directory",
};
/** What our messages begin with, in front of the reason. */
const SUBJECT = /^Cannot \S+ (?:process \d+|".*?"): /s;

/** A D program that cannot be traced, in dtrace's words. */
export class ProgramError extends DTraceError {}

/**
 * Words the name of an error.
 *
 * @param errno The name, such as `ENOENT`.
 * @returns What is said; the name if it is none of those that files have.
 */
export function textOfErrno(errno: string): string {
  return ERRNO_TEXTS[errno] ?? errno;
}

/**
 * Does what a D program needs, and says in dtrace(1)'s words why it cannot be.
 *
 * @param words What has failed then, such as `failed to grab pid 1234`.
 * @param act Does it.
 * @returns What it returns.
 * @throws {ProgramError} If it throws an error of tracing, or of the system.
 */
export function inWordsOfDtrace<T>(words: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof DTraceError || error instanceof SystemError)) throw error;
    const isOfFile = error instanceof SystemError && error.cause !== undefined;
    const reason = isOfFile ? textOfErrno(error.errno) : error.message.replace(SUBJECT, "");
    const tag = error instanceof DTraceError ? error.tag : "D_UNKNOWN";
    throw new ProgramError(tag, `dtrace: ${words}: ${reason}`, { hint: error.hint, cause: error });
  }
}
