/**
 * The error of D programs, apart from what throws it: the command must know it without the language.
 *
 * @module
 */

import { DTraceError } from "../errors.ts";

/** A D program that cannot be traced, in dtrace's words. */
export class ProgramError extends DTraceError {}
