/**
 * The error classes of the project, and its assertion.
 *
 * A caller's mistake is a built-in `TypeError`, `RangeError` or `SyntaxError`. A probe that cannot be had is a
 * {@linkcode DTraceError} with DTrace's own tag. A request that the kernel refused is a {@linkcode SystemError}.
 * Nothing else is thrown on purpose; a broken invariant is an {@linkcode InvariantError}.
 *
 * Messages read "Cannot <verb> <subject>: <state>", without a final period. What the user can do about it stands in
 * `hint`, so that a front end can print it on a line of its own.
 *
 * @module
 */

/** Options of a {@linkcode DTraceError} or {@linkcode SystemError}. */
export interface ErrorDetails {
  /** What the user can do, preferably a command to run. */
  hint?: string | undefined;
  /** The error that led to this one. */
  cause?: unknown;
}

/** An error of the tracing domain, named by the tag that libdtrace uses for it (`D_PROC_GRAB`, `D_PDESC_ZERO`...). */
export class DTraceError extends Error {
  /** The class's name. */
  override readonly name = "DTraceError";
  /** DTrace's tag. */
  readonly tag: string;
  /** What the user can do, if anything. */
  readonly hint: string | undefined;

  /**
   * Makes an error.
   *
   * @param tag DTrace's tag, such as `D_PROC_FUNC`.
   * @param message What could not be done, to what, and why.
   * @param details A hint and a cause.
   */
  constructor(tag: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.tag = tag;
    this.hint = details.hint;
  }
}

/** A request that the kernel refused. */
export class SystemError extends Error {
  /** The class's name. */
  override readonly name = "SystemError";
  /** The name of the error number, such as `EPERM`. */
  readonly errno: string;
  /** The request, such as `PTRACE_SEIZE`. */
  readonly request: string;
  /** What it was made for, such as `process 1234`. */
  readonly subject: string;
  /** What the user can do, if anything. */
  readonly hint: string | undefined;

  /**
   * Makes an error.
   *
   * @param errno The name of the error number, such as `EPERM`.
   * @param request The request, such as `PTRACE_SEIZE`.
   * @param subject What it was made for, such as `process 1234`.
   * @param details A hint and a cause.
   */
  constructor(errno: string, request: string, subject: string, details: ErrorDetails = {}) {
    super(
      `Cannot ${request} ${subject}: ${errno}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.errno = errno;
    this.request = request;
    this.subject = subject;
    this.hint = details.hint;
  }
}

/** A broken invariant: a mistake in this project, never the user's. */
export class InvariantError extends Error {
  /** The class's name. */
  override readonly name = "InvariantError";
}

/**
 * Throws when an internal invariant does not hold. It stays on in production.
 *
 * @param condition The invariant.
 * @param context What was going on, for the report.
 * @throws {InvariantError} If the condition does not hold.
 */
export function assert(condition: unknown, context: string): asserts condition {
  if (!condition) throw new InvariantError(`Invariant broken: ${context}`);
}
