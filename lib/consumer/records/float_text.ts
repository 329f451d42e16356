/**
 * Floating-point numbers as C's `printf` writes them.
 *
 * JavaScript has the digits (`toFixed`, `toExponential`, exact to 100 places); C wants at least two digits of the exponent,
 * the shorter of two styles for `g`, and `inf` and `nan` in the case of the letter.
 *
 * @module
 */

import { type ConversionSpec, padNumber } from "./field.ts";

const PRECISION_DEFAULT = 6;
const PRECISION_MAX = 100;
/** From here on `toFixed` writes exponents. */
const FIXED_LIMIT = 1e21;

/**
 * Prints a floating-point number.
 *
 * @param value The number.
 * @param spec How; a letter that is none of C's for such numbers is `f`.
 * @returns The text.
 */
export function formatFloat(value: number, spec: ConversionSpec): string {
  const letter = spec.name.at(-1)!;
  const field = { ...spec, precision: undefined };
  if (!Number.isFinite(value)) {
    const word = Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
    const text = padNumber(word, "", { ...field, flags: spec.flags.replace("0", "") });
    return isUpper(letter) ? text.toUpperCase() : text;
  }
  const precision = Math.min(spec.precision ?? PRECISION_DEFAULT, PRECISION_MAX);
  const digits = digitsOf(Math.abs(value), letter.toLowerCase(), precision, spec.flags.includes("#"));
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const text = padNumber(sign + digits, "", field);
  return isUpper(letter) ? text.toUpperCase() : text;
}

function isUpper(letter: string): boolean {
  return letter !== letter.toLowerCase();
}

function digitsOf(value: number, letter: string, precision: number, alternate: boolean): string {
  if (letter === "e") return exponential(value, precision, alternate);
  if (letter !== "g") return fixed(value, precision, alternate);
  const significant = Math.max(1, precision);
  const exponent = value === 0 ? 0 : Number(value.toExponential(significant - 1).split("e")[1]);
  const text = exponent < -4 || exponent >= significant
    ? exponential(value, significant - 1, alternate)
    : fixed(value, significant - 1 - exponent, alternate);
  return alternate ? text : text.replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
}

function fixed(value: number, precision: number, alternate: boolean): string {
  const text = value < FIXED_LIMIT ? value.toFixed(Math.min(precision, PRECISION_MAX)) : fixedBigInt(value, precision);
  return alternate && precision === 0 ? `${text}.` : text;
}

/** Numbers from 2^53 on are whole, and so are these. */
function fixedBigInt(value: number, precision: number): string {
  return `${BigInt(value)}${precision === 0 ? "" : `.${"0".repeat(precision)}`}`;
}

function exponential(value: number, precision: number, alternate: boolean): string {
  const [mantissa, exponent] = value.toExponential(precision).split("e") as [string, string];
  const point = alternate && precision === 0 ? "." : "";
  return `${mantissa}${point}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
