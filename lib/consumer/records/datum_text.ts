/**
 * Data as `trace()`, `tracemem()` and stacks print them, and as the keys of an aggregation are printed.
 *
 * | datum | traced | with `-q` | key |
 * | --- | --- | --- | --- |
 * | number of 8, 4, 2, 1 bytes | a blank and 16, 8, 5, 3 columns | its digits | the same columns; 1 and 2 bytes without a sign |
 * | string | two blanks and 33 columns, on the left | as it is | two blanks and 50 columns |
 * | bytes | as a string if that is what they look like, else a dump | | the same |
 * | stack | a line for each frame, indented | the same | the same |
 * | symbol | two blanks and 50 columns | the same | the same |
 *
 * @module
 */

import type { Datum } from "../../d/run/datum.ts";
import { textOfBytes, textOfName } from "./byte_text.ts";
import { cutUnsigned, formatHex, formatSigned, formatUnsigned } from "./integer_text.ts";

/** The columns of a number of so many bytes. */
const NUMBER_WIDTHS: Readonly<Record<number, number>> = { 8: 16, 4: 8, 2: 5, 1: 3 };
const TRACED_WIDTH = 33;
const KEY_WIDTH = 50;
const DUMP_MARGIN = 5;
const DUMP_BYTES = 16;

/** What is known of an address. */
export interface AddressName {
  /** The file that is mapped there, without its folders. */
  readonly module: string;
  /** The function or object; undefined if there is none. */
  readonly symbol: string | undefined;
  /** How far behind its beginning the address is. */
  readonly offsetBytes: number;
}

/** Finds out what is at an address. */
export interface AddressResolver {
  /**
   * Names an address.
   *
   * @param pid The process.
   * @param address The address.
   * @returns What is known; undefined if no file is mapped there.
   */
  nameOf(pid: number, address: number): AddressName | undefined;
}

/** How data are printed. */
export interface DatumOptions {
  /** Whether only what was asked for is printed (`-q`). */
  readonly quiet: boolean;
  /** Whether bytes are never taken for a string (`rawbytes`). */
  readonly rawBytes: boolean;
  /** How far frames of stacks are indented (`stackindent`). */
  readonly stackIndent: number;
  /** Finds the names of addresses. */
  readonly resolver: AddressResolver;
}

/**
 * Writes a datum as `trace()` does.
 *
 * @param datum The datum.
 * @param options How.
 * @returns The text.
 */
export function formatTraced(datum: Datum, options: DatumOptions): string {
  if (datum.kind === "number") {
    const digits = digitsOf(datum);
    return options.quiet ? digits : ` ${digits.padStart(NUMBER_WIDTHS[datum.sizeBytes]!)}`;
  }
  return formatOther(datum, TRACED_WIDTH, options);
}

/**
 * Writes a key of an aggregation. As in DTrace, integers of one and two bytes are printed without a sign here.
 *
 * @param datum The datum.
 * @param options How; quiet has no meaning.
 * @returns The text.
 */
export function formatKey(datum: Datum, options: DatumOptions): string {
  if (datum.kind === "number") {
    const { lo, hi, sizeBytes } = datum;
    const digits = sizeBytes < 4 ? formatUnsigned(...cutUnsigned(lo, hi, sizeBytes)) : digitsOf(datum);
    return ` ${digits.padStart(NUMBER_WIDTHS[sizeBytes]!)}`;
  }
  return formatOther(datum, KEY_WIDTH, { ...options, quiet: false });
}

/**
 * Writes bytes as `tracemem()` does: 16 in a line, as numbers and as characters.
 *
 * @param bytes The bytes.
 * @returns Whole lines, after an end of line.
 */
export function formatDump(bytes: Uint8Array): string {
  const margin = " ".repeat(DUMP_MARGIN);
  const digits = "0123456789abcdef";
  let text = `\n${margin}      ${Array.from(digits, (digit) => `  ${digit}`).join("")}  ${digits}\n`;
  for (let at = 0; at < bytes.length; at += DUMP_BYTES) {
    const row = bytes.subarray(at, at + DUMP_BYTES);
    const numbers = Array.from(row, (byte) => ` ${byte.toString(16).padStart(2, "0")}`).join("");
    const characters = Array.from(row, (byte) => byte < 0x20 || byte > 0x7e ? "." : String.fromCharCode(byte)).join("");
    text += `${margin}${at.toString(16).padStart(5)}:${numbers.padEnd(3 * DUMP_BYTES)}  ${characters}\n`;
  }
  return text;
}

/**
 * Writes the frames of a stack.
 *
 * @param stack The stack.
 * @param indent How far each line is indented.
 * @param resolver Finds the names of addresses.
 * @returns A line for each frame, after an end of line.
 */
export function formatStack(
  stack: { readonly pid: number; readonly frames: readonly number[] },
  indent: number,
  resolver: AddressResolver,
): string {
  const blanks = " ".repeat(indent);
  return "\n" + stack.frames.map((frame) => `${blanks}${formatAddress(stack.pid, frame, resolver)}\n`).join("");
}

/**
 * Writes an address as `uaddr()` does.
 *
 * @param pid The process.
 * @param address The address.
 * @param resolver Finds the names of addresses.
 * @returns Module, symbol and offset, as far as they are known; else the number.
 */
export function formatAddress(pid: number, address: number, resolver: AddressResolver): string {
  const name = resolver.nameOf(pid, address);
  if (name === undefined) return `0x${address.toString(16)}`;
  if (name.symbol === undefined) return `${textOfName(name.module)}\`0x${address.toString(16)}`;
  const offset = name.offsetBytes === 0 ? "" : `+0x${name.offsetBytes.toString(16)}`;
  return `${textOfName(name.module)}\`${textOfName(name.symbol)}${offset}`;
}

/**
 * Writes what `usym()` and its like stand for.
 *
 * @param symbol The datum.
 * @param resolver Finds the names of addresses.
 * @returns The name, or the number if there is none.
 */
export function formatSymbol(symbol: Datum & { kind: "symbol" }, resolver: AddressResolver): string {
  const { pid, address } = symbol;
  // There is no kernel here to have symbols: its addresses are numbers.
  if (symbol.of === "uaddr") return formatAddress(pid, address, resolver);
  const name = symbol.of.startsWith("u") ? resolver.nameOf(pid, address) : undefined;
  if (name === undefined) return `0x${address.toString(16)}`;
  if (symbol.of === "umod") return textOfName(name.module);
  return name.symbol === undefined
    ? `${textOfName(name.module)}\`0x${address.toString(16)}`
    : `${textOfName(name.module)}\`${textOfName(name.symbol)}`;
}

/**
 * Writes a number in decimal, with a sign if its type has one.
 *
 * @param number The datum.
 * @returns The digits.
 */
export function digitsOf({ lo, hi, signed }: Datum & { kind: "number" }): string {
  return signed ? formatSigned(lo, hi) : formatUnsigned(lo, hi);
}

function formatOther(datum: Exclude<Datum, { kind: "number" }>, width: number, options: DatumOptions): string {
  switch (datum.kind) {
    case "string":
      if (options.rawBytes) return formatDump(datum.bytes);
      return formatWord(textOfBytes(datum.bytes), width, options.quiet);
    case "bytes": {
      const text = options.rawBytes ? undefined : stringIn(datum.bytes);
      return text === undefined ? formatDump(datum.bytes) : formatWord(text, width, options.quiet);
    }
    case "float":
      return formatWord(String(datum.value), width, options.quiet);
    case "stack":
      return formatStack(datum, options.stackIndent, options.resolver);
    case "symbol":
      return `  ${formatSymbol(datum, options.resolver).padEnd(KEY_WIDTH)}`;
  }
}

function formatWord(text: string, width: number, quiet: boolean): string {
  return quiet ? text : `  ${text.padEnd(width)}`;
}

/**
 * The string that bytes look like: printable characters, blanks and the two controls that do no harm, and behind them
 * nothing, or NULs alone.
 */
function stringIn(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  const length = end < 0 ? bytes.length : end;
  if (length === 0 || bytes.subarray(length).some((byte) => byte !== 0)) return undefined;
  const text = textOfBytes(bytes.subarray(0, length));
  // deno-lint-ignore no-control-regex
  return /^[\x07-\x0d\x20-\x7e]*$/.test(text) ? text : undefined;
}

/**
 * Writes an address that is no symbol.
 *
 * @param number The datum.
 * @returns Hexadecimal digits behind `0x`.
 */
export function formatNumericAddress({ lo, hi }: { readonly lo: number; readonly hi: number }): string {
  return `0x${formatHex(lo, hi)}`;
}
