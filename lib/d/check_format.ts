/**
 * Reads formats, and checks their conversions against the values that they print.
 *
 * A format of `printf` takes its arguments in order; an asterisk in place of a width or a precision takes one, too. A
 * format of `printa` takes keys in order, and `%@d` takes the aggregations in order, the last one again and again.
 *
 * @module
 */

import { fail } from "./compile_error.ts";
import { isInteger, isStringLike } from "./compatible.ts";
import type { ConversionSource, FormatNumber, PrintFormat } from "./print_format.ts";
import { typeName } from "./type_name.ts";
import { resolve, sizeOf, type Type } from "./types.ts";

/** What the values of a format are. */
export interface FormatValues {
  /** The name of the function, for messages. */
  readonly name: string;
  /** The types of the arguments, or of the keys of an aggregation. */
  readonly types: readonly Type[];
  /** How many aggregations there are; undefined if the function takes none. */
  readonly aggregations: number | undefined;
  readonly line: number;
}

/** What a conversion prints. */
interface ConversionKind {
  readonly accepts: (type: Type) => boolean;
  /** The types that it prints, for messages. */
  readonly prototype: string;
}

const isAnyInteger = isInteger;
const isPointerLike = (type: Type) => isInteger(type) || ["pointer", "function", "symbol"].includes(resolve(type).kind);
const isFloat = (type: Type) => resolve(type).kind === "float";

const INTEGERS: ConversionKind = { accepts: isAnyInteger, prototype: "char, short, int, long, or long long" };
const FLOATS: ConversionKind = { accepts: isFloat, prototype: "float, double, or long double" };
const isText = (type: Type) => isStringLike(type) && resolve(type).kind !== "pointer";
const STRINGS: ConversionKind = { accepts: isText, prototype: "char [] or string (or use stringof)" };
const ADDRESSES: ConversionKind = { accepts: isPointerLike, prototype: "pointer or integer" };
const isLong = (type: Type) => isInteger(type) && sizeOf(type, 0) === 8;
const TIMES: ConversionKind = { accepts: isLong, prototype: "int64_t" };
const WIDE: ConversionKind = { accepts: isAnyInteger, prototype: "wchar_t" };
const STACKS: ConversionKind = { accepts: (type) => resolve(type).kind === "stack", prototype: "stack" };

const CONVERSIONS: ReadonlyMap<string, ConversionKind> = new Map([
  ...each("d i o u x X c C", INTEGERS),
  ...each("e E f g G", FLOATS),
  ...each("s S", STRINGS),
  ...each("a A p", ADDRESSES),
  ...each("Y T", TIMES),
  ...each("P", { accepts: isAnyInteger, prototype: "uint16_t" }),
  ...each("I", STRINGS),
  ...each("wc", WIDE),
  ...each("ws", { accepts: (type: Type) => resolve(type).kind === "array", prototype: "wchar_t []" }),
  ...each("k", STACKS),
]);

/** What may stand between `%` and the size: flags, width and precision, in any order. */
const MODIFIER = /[-+ #0'@]|[1-9]\d*|[.*?$]/y;
const NAME = /(h{1,2}|l{1,2}|L)?(w[cs]|[a-zA-Z%])?/y;

/** The width of a pointer in hexadecimal digits, which `%?` means. */
const POINTER_WIDTH = 16;

/**
 * Reads a format and checks it.
 *
 * @param bytes The format.
 * @param values What it prints.
 * @returns The format with the places of its values.
 * @throws {CompileError} `D_SYNTAX` for a malformed conversion, `D_PRINTF_*` for what does not fit.
 */
export function checkFormat(bytes: Uint8Array, values: FormatValues): PrintFormat {
  return new FormatReader(bytes, values).read();
}

class FormatReader {
  readonly #text: string;
  readonly #values: FormatValues;
  readonly #parts: PrintFormat[number][] = [];
  #count = 0;
  #taken = 0;
  #aggregations = 0;

  constructor(bytes: Uint8Array, values: FormatValues) {
    // One character for each byte, so that text comes out as it went in.
    this.#text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    this.#values = values;
  }

  read(): PrintFormat {
    const text = this.#text;
    let at = 0;
    while (at < text.length) {
      const percent = text.indexOf("%", at);
      const end = percent < 0 ? text.length : percent;
      this.#addText(text.slice(at, end));
      if (percent < 0) break;
      at = this.#conversion(percent);
    }
    this.#checkRest();
    return this.#parts;
  }

  #addText(text: string): void {
    if (text === "") return;
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const last = this.#parts.at(-1);
    if (last?.kind !== "text") this.#parts.push({ kind: "text", bytes });
    else this.#parts[this.#parts.length - 1] = { kind: "text", bytes: Uint8Array.from([...last.bytes, ...bytes]) };
  }

  /** Reads a conversion; returns where it ends. */
  #conversion(percent: number): number {
    const text = this.#text;
    if (text.startsWith("%%", percent)) {
      this.#addText("%");
      return percent + 2;
    }
    const number = ++this.#count;
    const { flags, width, precision, end } = this.#modifiers(percent + 1, number);
    NAME.lastIndex = end;
    const [suffix, size = "", name] = NAME.exec(text)!;
    const whole = text.slice(percent, end + suffix.length);
    if (name === undefined) {
      const next = text.slice(end + suffix.length, end + suffix.length + 1);
      if (next !== "") this.#malformed(number, `is undefined: ${whole}${next}`);
      this.#malformed(number, "name expected before end of format string");
    }
    if (name === "%") this.#malformed(number, "cannot be combined with other format flags: %%");
    const kind = CONVERSIONS.get(name) ?? this.#malformed(number, `is undefined: %${size}${name}`);
    const conversion = {
      kind: "conversion" as const,
      name,
      size,
      flags: [...flags].filter((flag) => flag !== "@").join(""),
      width: width === "?" ? { kind: "number" as const, value: POINTER_WIDTH } : this.#number(width, number, name),
      precision: this.#number(precision, number, name),
    };
    this.#parts.push({ ...conversion, source: this.#source(flags.has("@"), kind, number, size + name) });
    return end + suffix.length;
  }

  /** Reads flags, width and precision. */
  #modifiers(begin: number, number: number) {
    const flags = new Set<string>();
    let width: string | undefined;
    let precision: string | undefined;
    let at = begin;
    while (true) {
      MODIFIER.lastIndex = at;
      const [word] = MODIFIER.exec(this.#text) ?? [];
      if (word === undefined) return { flags, width, precision, end: at };
      at += word.length;
      if (word === "$") this.#malformed(number, "uses unsupported positional format (%n$)");
      else if (word === "*" && precision === undefined) {
        if (width === "*") this.#malformed(number, "has more than one '*' specified for the output width");
        width = word;
      } else if (word === "*") {
        if (precision === "*") this.#malformed(number, "has more than one '*' specified for the output precision");
        precision = word;
      } else if (word === ".") {
        if (precision !== undefined) this.#malformed(number, "has more than one '.' specified");
        precision = "";
      } else if (word === "?") width = word;
      else if (/^[1-9]/.test(word) && precision === undefined) width = word;
      else if (/^\d/.test(word) && precision !== undefined) precision = word;
      else flags.add(word);
    }
  }

  #malformed(number: number, text: string): never {
    return fail("D_SYNTAX", this.#values.line, `format conversion #${number} ${text}`);
  }

  /** Reads a width or a precision. */
  #number(text: string | undefined, conversion: number, name: string): FormatNumber | undefined {
    if (text === undefined) return undefined;
    if (text !== "*") return { kind: "number", value: Number(text) };
    const { name: caller, types, line } = this.#values;
    const index = this.#taken++;
    const type = types[index];
    if (type === undefined) {
      const what = `conversion #${conversion} (%${name}) is missing a corresponding "*" argument`;
      fail("D_PRINTF_DYN_PROTO", line, `${caller}( ) prototype mismatch: ${what}`);
    }
    if (!isInteger(type)) {
      fail(
        "D_PRINTF_DYN_TYPE",
        line,
        `${caller}( ) argument #${index + 2} is incompatible with conversion #${conversion} prototype:\n` +
          `\tconversion: %*\n\t prototype: int\n\t  argument: ${typeName(type)}`,
      );
    }
    return { kind: "argument", index };
  }

  /** Finds where a conversion takes its value from. */
  #source(isAggregation: boolean, kind: ConversionKind, conversion: number, name: string): ConversionSource {
    const { name: caller, types, aggregations, line } = this.#values;
    if (isAggregation) {
      if (aggregations === undefined) {
        fail("D_PRINTF_AGG_CONV", line, `%@ conversion requires an aggregation and is not for use with ${caller}( )`);
      }
      return { kind: "aggregation", index: Math.min(this.#aggregations++, aggregations - 1) };
    }
    const index = this.#taken++;
    const type = types[index];
    if (type === undefined) {
      const what = `conversion #${conversion} (%${name}) is missing a corresponding value argument`;
      fail("D_PRINTF_ARG_PROTO", line, `${caller}( ) prototype mismatch: ${what}`);
    }
    if (!kind.accepts(type)) {
      fail(
        "D_PRINTF_ARG_TYPE",
        line,
        `${caller}( ) ${aggregations === undefined ? `argument #${index + 2}` : `key #${index + 1}`} is incompatible ` +
          `with conversion #${conversion} prototype:\n\tconversion: %${name}\n\t prototype: ${kind.prototype}\n` +
          `\t  argument: ${typeName(type)}`,
      );
    }
    return { kind: aggregations === undefined ? "argument" : "key", index };
  }

  #checkRest(): void {
    const { name, types, aggregations, line } = this.#values;
    if (aggregations !== undefined || this.#taken >= types.length) return;
    fail(
      "D_PRINTF_ARG_EXTRA",
      line,
      `${name}( ) prototype mismatch: only ${this.#taken} arguments required by this format string`,
    );
  }
}

function each(names: string, kind: ConversionKind): [string, ConversionKind][] {
  return names.split(" ").map((name) => [name, kind]);
}
