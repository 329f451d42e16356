/**
 * One conversion of `printf`: a datum by the letter, the flags, the width and the precision of C.
 *
 * | letters | take | print |
 * | --- | --- | --- |
 * | `d` `i` | numbers of any size | decimal, with a sign if the type has one |
 * | `u` `o` `x` `X` `p` | numbers of any size | without a sign, as wide as the type; `p` is `x` |
 * | `c` `wc` | numbers | a byte; a character as UTF-8 |
 * | `C` `S` | numbers, strings | characters that cannot be printed as C writes them |
 * | `s` `ws` | strings, bytes | the string; wide characters as UTF-8 |
 * | `e` `f` `g` `a`... | floating-point numbers | as C does |
 * | `a` `A` | addresses | module, symbol and offset |
 * | `k` | stacks | a line for each frame; the width is the indentation |
 * | `Y` `T` | nanoseconds since 1970 | `2024 Mar  1 14:02:07`; `Fri, 01 Mar 2024 14:02:07 UTC` |
 *
 * Strings, symbols and stacks print as themselves whatever the letter is.
 *
 * @module
 */

import type { Datum } from "../../d/run/datum.ts";
import { textOfBytes, textOfName } from "./byte_text.ts";
import {
  type AddressResolver,
  digitsOf,
  formatAddress,
  formatNumericAddress,
  formatStack,
  formatSymbol,
} from "./datum_text.ts";
import { type ConversionSpec, padNumber, padText } from "./field.ts";
import { formatFloat } from "./float_text.ts";
import { cutUnsigned, formatHex, formatOctal, formatUnsigned } from "./integer_text.ts";

const HALF = 2 ** 32;
const NANOSECONDS = 1e9;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/** Characters that C writes as a backslash and a letter. */
const ESCAPES: Readonly<Record<number, string>> = {
  0: "\\0",
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/** Moments as a place on the earth writes them. */
export interface Clock {
  /**
   * Tells how far the local time is ahead.
   *
   * @param seconds The moment, in seconds since 1970.
   * @returns The seconds to add, and the name of the time zone.
   */
  zone(seconds: number): { offsetSeconds: number; name: string };
}

/** What conversions depend on besides the datum. */
export interface ConversionContext {
  /** Finds the names of addresses. */
  readonly resolver: AddressResolver;
  /** The process whose symbols `%A` prints. */
  readonly pid: number;
  /** How far frames are indented if the conversion has no width. */
  readonly stackIndent: number;
  readonly clock: Clock;
}

/**
 * Prints a datum.
 *
 * @param datum The datum.
 * @param spec How.
 * @param context What it depends on.
 * @returns The text.
 */
export function formatConversion(datum: Datum, spec: ConversionSpec, context: ConversionContext): string {
  switch (datum.kind) {
    case "number":
      return formatNumber(datum, spec, context);
    case "string":
      return formatString(datum.bytes, spec);
    case "bytes":
      return formatString(beforeNul(datum.bytes, spec.name), spec);
    case "float":
      return formatFloat(datum.value, spec);
    case "stack":
      return formatStack(datum, spec.width === 0 ? context.stackIndent : spec.width, context.resolver);
    case "symbol":
      return padText(formatSymbol(datum, context.resolver), { ...spec, precision: undefined });
  }
}

function formatNumber(datum: Datum & { kind: "number" }, spec: ConversionSpec, context: ConversionContext): string {
  const { lo, hi, sizeBytes, signed } = datum;
  const plain = { ...spec, flags: spec.flags.replace(/[+ ]/g, "") };
  switch (spec.name) {
    case "c":
      return padText(String.fromCharCode(lo & 0xff), { ...spec, precision: undefined });
    case "C":
      return padText(escapeByte(lo & 0xff), spec);
    case "wc":
    case "lc":
      return padText(textOfName(characterOf(lo)), { ...spec, precision: undefined });
    case "x":
    case "X":
    case "p":
    case "o":
    case "u":
      return formatUnsignedNumber(...cutUnsigned(lo, hi, sizeBytes), plain);
    case "a":
      return padText(formatNumericAddress(datum), spec);
    case "A":
      return padText(formatAddress(context.pid, hi * HALF + lo, context.resolver), spec);
    case "Y":
    case "T":
      return padText(formatTime(spec.name, hi * HALF + lo, context.clock), spec);
    default:
      return padNumber(digitsOf(datum), "", signed ? spec : plain);
  }
}

function formatUnsignedNumber(lo: number, hi: number, spec: ConversionSpec): string {
  const alternate = spec.flags.includes("#");
  if (spec.name === "u") return padNumber(formatUnsigned(lo, hi), "", spec);
  if (spec.name === "o") {
    const digits = formatOctal(lo, hi);
    const { precision } = spec;
    // The alternate form of octal is one more zero as a digit, unless there is one already.
    const longer = alternate && digits !== "0" && (precision ?? 0) <= digits.length ? `0${digits}` : digits;
    return alternate && digits === "0" && precision === 0
      ? padNumber("0", "", { ...spec, precision: 1 })
      : padNumber(longer, "", spec);
  }
  const prefix = alternate && (lo !== 0 || hi !== 0) ? "0x" : "";
  const text = padNumber(formatHex(lo, hi), prefix, spec);
  return spec.name === "X" ? text.toUpperCase() : text;
}

function formatString(bytes: Uint8Array, spec: ConversionSpec): string {
  if (spec.name === "S") return padText(Array.from(bytes, escapeByte).join(""), spec);
  if (spec.name === "ws" || spec.name === "ls") return padText(textOfName(wideString(bytes)), spec);
  return padText(textOfBytes(bytes), spec);
}

/** The bytes before the first NUL; of wide characters, all. */
function beforeNul(bytes: Uint8Array, name: string): Uint8Array {
  const end = name === "ws" || name === "ls" ? -1 : bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function escapeByte(byte: number): string {
  const escape = ESCAPES[byte];
  if (escape !== undefined) return escape;
  if (byte >= 0x20 && byte <= 0x7e) return String.fromCharCode(byte);
  return `\\${byte.toString(8).padStart(3, "0")}`;
}

function wideString(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const code = view.getUint32(at, true);
    if (code === 0) break;
    text += characterOf(code);
  }
  return text;
}

function characterOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

/** A moment as `%Y` and `%T` print it. */
function formatTime(name: "Y" | "T", nanoseconds: number, clock: Clock): string {
  const seconds = Math.floor(nanoseconds / NANOSECONDS);
  const zone = clock.zone(seconds);
  const date = new Date((seconds + zone.offsetSeconds) * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const year = date.getUTCFullYear();
  const month = MONTHS[date.getUTCMonth()]!;
  const day = date.getUTCDate();
  return name === "Y"
    ? `${year} ${month} ${String(day).padStart(2)} ${time}`
    : `${DAYS[date.getUTCDay()]}, ${two(day)} ${month} ${year} ${time} ${zone.name}`;
}
