/**
 * The errors of the compiler.
 *
 * libdtrace words a compile error in three parts: where, what, and in brackets in front of both a tag, which dtrace(1)
 * prints under `-x errtags`. Where is the line of a script's file; for a program of the command line it is the part of
 * the clause, because there are no lines to speak of.
 *
 * @module
 */

import { DTraceError } from "../errors.ts";

/** The part of a program in which something is wrong, where it is one of a clause. */
export type Region = "probe description" | "predicate" | "action list";

/** Where something is wrong. */
export interface Place {
  /** The line, from 1. */
  readonly line: number;
  /** The file that a `# line` directive names. */
  readonly file?: string | undefined;
  readonly region?: Region | undefined;
  /** Which of the program's texts it is in, from 0; undefined while it is in hand. */
  readonly part?: number | undefined;
}

/** A program that does not compile. */
export class CompileError extends DTraceError {
  /** Where. */
  readonly place: Place;
  /** What is wrong, without where. */
  readonly text: string;

  /**
   * Makes an error.
   *
   * @param tag libdtrace's tag, such as `D_SYNTAX`.
   * @param place Where.
   * @param text What is wrong.
   * @param isFile Whether the place is said by its line.
   * @param hint What the user can do.
   */
  constructor(tag: string, place: Place, text: string, isFile = true, hint?: string) {
    super(tag, formatPlace(place, isFile) + text, { hint });
    this.place = place;
    this.text = text;
  }
}

function formatPlace({ line, file, region }: Place, isFile: boolean): string {
  const prefix = file === undefined ? "" : `"${file}", `;
  if (isFile) return `${prefix}line ${line}: `;
  return region === undefined ? prefix : `${prefix}in ${region}: `;
}

/**
 * Throws a compile error.
 *
 * @param tag libdtrace's tag.
 * @param line Where, or what is there.
 * @param text What is wrong.
 * @param hint What the user can do.
 * @throws {CompileError} Always.
 */
export function fail(tag: string, line: number | { readonly line: number }, text: string, hint?: string): never {
  throw new CompileError(tag, { line: typeof line === "number" ? line : line.line }, text, true, hint);
}
