/**
 * Which places of a function a description means.
 *
 * The name of a pid probe is `entry`, `return`, or the offset of an instruction in lower-case hexadecimal digits without
 * prefix. A glob is matched against all three kinds, so that `*` and the empty name mean the entry, the returns and every
 * instruction. A name without glob characters must be one of them, or the description is wrong rather than unmatched
 * (`dt_pid_per_sym` of libdtrace).
 *
 * The function `-` stands for the whole address space: the name of its probes is an absolute address.
 *
 * @module
 */

import { type Address, isAddress } from "../address.ts";
import { DTraceError } from "../errors.ts";
import { compileGlob, isGlob } from "./glob.ts";

/** The function field that makes the name an absolute address. */
export const ANY_FUNCTION = "-";

/** The places that a name means. */
export interface ProbeNamePattern {
  /** Whether the entry is meant. */
  readonly entry: boolean;
  /** Whether the returns are meant. */
  readonly return: boolean;
  /** The one offset that is meant, if the name is an offset. */
  readonly offset: number | undefined;
  /** Tells whether the instruction at an offset is meant, if the name is a glob. */
  readonly matchesOffset: ((offset: number) => boolean) | undefined;
}

/** What must be known of a function to check an offset. */
export interface FunctionExtent {
  /** Its name, for the error. */
  readonly name: string;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Tells whether an instruction begins at an offset. */
  readonly isInstruction: (offset: number) => boolean;
}

/**
 * Compiles the name field of a probe description.
 *
 * @example Entry and return by a glob
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const { entry, return: returns, matchesOffset } = compileProbeName("[er]*");
 * assertEquals([entry, returns, matchesOffset?.(0x1f), matchesOffset?.(0xe0)], [true, true, false, true]);
 * ```
 *
 * @param name The field.
 * @returns The places that it means.
 * @throws {DTraceError} `D_PROC_NAME` if it is no glob, neither `entry` nor `return`, and no offset.
 * @throws {SyntaxError} If it is a malformed glob.
 */
export function compileProbeName(name: string): ProbeNamePattern {
  if (isGlob(name)) {
    const matches = compileGlob(name);
    return {
      entry: matches("entry"),
      return: matches("return"),
      offset: undefined,
      matchesOffset: (offset) => matches(offset.toString(16)),
    };
  }
  const isKeyword = name === "entry" || name === "return";
  return {
    entry: name === "entry",
    return: name === "return",
    offset: isKeyword ? undefined : parseHexName(name),
    matchesOffset: undefined,
  };
}

/**
 * Parses the name of a probe of the function `-`.
 *
 * @param name The field.
 * @returns The absolute address.
 * @throws {DTraceError} `D_PROC_NAME` if it is not an address.
 */
export function parseAddressName(name: string): Address {
  if (isGlob(name)) {
    throw new DTraceError("D_PROC_NAME", "only individual addresses may be specified with the '-' function");
  }
  const address = parseHexName(name);
  if (!isAddress(address)) throw new DTraceError("D_PROC_NAME", `'${name}' is an invalid probe name`);
  return address;
}

/**
 * Checks that an offset names an instruction of a function.
 *
 * @param offset The offset.
 * @param extent The function.
 * @throws {DTraceError} `D_PROC_OFF` if it is past the end, `D_PROC_ALIGN` if it is inside an instruction.
 */
export function checkOffset(offset: number, extent: FunctionExtent): void {
  const hex = `0x${offset.toString(16)}`;
  if (offset >= extent.sizeBytes) {
    throw new DTraceError("D_PROC_OFF", `offset ${hex} outside of function '${extent.name}'`, {
      hint: `The function has 0x${extent.sizeBytes.toString(16)} bytes`,
    });
  }
  if (!extent.isInstruction(offset)) {
    throw new DTraceError("D_PROC_ALIGN", `offset ${hex} is not aligned on an instruction`);
  }
}

/** Parses a number as it stands in the names of probes. Other spellings of it would match no probe's name. */
function parseHexName(name: string): number {
  const match = /^(?:0x)?([0-9a-f]+)$/i.exec(name);
  const value = match === null ? NaN : parseInt(match[1]!, 16);
  const spelling = value.toString(16);
  if (spelling === name) return value;
  throw new DTraceError("D_PROC_NAME", `'${name}' is an invalid probe name`, {
    hint: Number.isSafeInteger(value)
      ? `Offsets are lower-case hexadecimal digits: write ${spelling}`
      : "A probe is called entry, return, or the offset of an instruction in hexadecimal digits",
  });
}
