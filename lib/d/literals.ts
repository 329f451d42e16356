/**
 * Numbers, characters and strings as D writes them.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { fromBigInt, type Int64 } from "./int64.ts";
import type { IntegerLiteral } from "./token.ts";

/** The integers of D as a pattern: hexadecimal, octal or decimal digits, and suffixes. */
export const INTEGER = /0[xX][0-9a-fA-F]+[uU]?[lL]{0,2}[uU]?|[0-9]+[uU]?[lL]{0,2}[uU]?/y;

const CHARACTER_BYTES_MAX = 8;
const TEXT_ENCODER = new TextEncoder();

/** What the letter behind a backslash stands for, as documented; with any other both stand for themselves. */
const ESCAPES: Readonly<Record<string, number>> = {
  ...{ a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 },
  ...{ '"': 34, "'": 39, "?": 63, "\\": 92 },
};

/**
 * Reads an integer.
 *
 * @param text Text that {@linkcode INTEGER} matches.
 * @param line Its line, for the error.
 * @param overflow The tag of the error if it has more than 64 bits.
 * @returns The integer.
 * @throws {CompileError} `D_INT_DIGIT`, and `D_INT_OFLOW` or the other tag.
 */
export function parseInteger(
  text: string,
  line: number,
  overflow: "D_INT_OFLOW" | "D_MACRO_OFLOW" = "D_INT_OFLOW",
): IntegerLiteral {
  const digits = text.replace(/[uUlL]+$/, "");
  const suffix = text.slice(digits.length).toLowerCase();
  const isOctal = /^0[0-9]/.test(digits);
  const wrong = isOctal ? /[89]/.exec(digits) : null;
  if (wrong !== null) fail("D_INT_DIGIT", line, `octal constant ${digits} contains invalid digit '${wrong[0]}'`);
  const value = parseDigitsBigInt(digits, isOctal);
  if (value === undefined) {
    fail(overflow, line, `integer constant ${text} cannot be represented in any built-in integral type`);
  }
  return {
    value,
    isDecimal: !/^0./.test(digits),
    isUnsigned: suffix.includes("u"),
    isNegative: false,
    longs: suffix.replace("u", "").length,
  };
}

function parseDigitsBigInt(digits: string, isOctal: boolean): Int64 | undefined {
  const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  return value < 1n << 64n ? fromBigInt(value) : undefined;
}

/**
 * Takes the escapes out of the inside of a string or character constant.
 *
 * @param text What stands between the quotes.
 * @returns Its bytes.
 */
export function unescape(text: string): Uint8Array {
  const bytes: number[] = [];
  const pattern = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([^]))|[^\\]+|\\/gu;
  for (const [whole, hexadecimal, octal, letter] of text.matchAll(pattern)) {
    if (hexadecimal !== undefined) bytes.push(parseInt(hexadecimal, 16));
    else if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff);
    else if (letter !== undefined && letter in ESCAPES) bytes.push(ESCAPES[letter]!);
    else bytes.push(...TEXT_ENCODER.encode(whole));
  }
  return Uint8Array.from(bytes);
}

/**
 * Reads a character constant.
 *
 * @param text What stands between the quotes.
 * @param line Its line, for the error.
 * @returns The integer; the last of several characters is the lowest byte.
 * @throws {CompileError} `D_CHR_NULL`, `D_CHR_OFLOW`.
 */
export function parseCharacter(text: string, line: number): IntegerLiteral {
  const bytes = unescape(text);
  if (bytes.length === 0) fail("D_CHR_NULL", line, "empty character constant");
  if (bytes.length > CHARACTER_BYTES_MAX) fail("D_CHR_OFLOW", line, "character constant is too long");
  const isNegative = bytes[0]! >= 0x80 && (bytes.length === 1 || bytes.length === CHARACTER_BYTES_MAX);
  return { value: valueBigInt(bytes), isDecimal: true, isUnsigned: false, isNegative, longs: 0 };
}

function valueBigInt(bytes: Uint8Array): Int64 {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  // A single character has the sign of a char.
  return fromBigInt(bytes.length === 1 ? BigInt.asIntN(8, value) : value);
}
