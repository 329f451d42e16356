/**
 * Data as `print()` writes them: with their types, structures member by member.
 *
 * ```text
 * (struct point) {
 *  .x = (int)1,
 *  .name = (char [5]) [
 *   (char)'t',
 *  ],
 * }
 * ```
 *
 * Members that are zero are left out, except for enumerators and arrays, as in Oracle's DTrace for Linux. Lines are
 * indented as far as its are. A pointer that is printed by itself comes with what it leads to, `0x7ffd5c10 = *` and that;
 * the pointers in it are addresses. Of what is longer than `printsize` dots stand for the rest.
 *
 * @module
 */

import { type Datum, readFloat } from "../../d/run/datum.ts";
import { typeName } from "../../d/type_name.ts";
import {
  type BitField,
  type Form,
  formOf,
  type Member,
  resolve,
  sizeOf,
  type StructType,
  type Type,
} from "../../d/types.ts";
import { textOfBytes } from "./byte_text.ts";
import { type DatumOptions, digitsOf, formatNumericAddress, formatTraced } from "./datum_text.ts";
import { formatFloat } from "./float_text.ts";

const INDENT = 44;
/** Floating-point numbers have a sign and an exponent, and as many digits as their type tells apart. */
const FLOAT = { name: "e", flags: "+", width: 0 };
const FLOAT_DIGITS: Readonly<Record<number, number>> = { 4: 7, 8: 15, 16: 18 };

/**
 * Writes what `print()` has recorded: a value, or a pointer and what it leads to.
 *
 * @param data The data.
 * @param types Their types.
 * @param options How, where the types do not say it.
 * @returns Whole lines.
 */
export function formatPrinted(data: readonly Datum[], types: readonly Type[], options: DatumOptions): string {
  const [value, target] = data;
  return value?.kind === "number" && target?.kind === "bytes"
    ? formatPointed(value, target.bytes, types[1]!)
    : formatTyped(value!, types[0]!, options);
}

function formatTyped(datum: Datum, type: Type, options: DatumOptions): string {
  switch (datum.kind) {
    case "number":
      return `(${typeName(type)})${scalarText(datum, type)}\n`;
    case "string":
      return `${stringText(datum.bytes)}\n`;
    case "bytes":
      return `\n${" ".repeat(INDENT)}${compoundText(datum.bytes, type, INDENT, datum.bytes.length)}\n`;
    default:
      return `${formatTraced(datum, options)}\n`;
  }
}

function formatPointed(pointer: Datum & { kind: "number" }, bytes: Uint8Array, type: Type): string {
  const size = sizeOf(type, bytes.length);
  const whole = new Uint8Array(size);
  whole.set(bytes);
  const text = valueText(whole, type, INDENT, bytes.length);
  return `${formatNumericAddress(pointer)} = *\n${" ".repeat(INDENT)}${text}\n`;
}

/** A structure or an array, from its opening bracket on; `present` says how many of the bytes are known. */
function compoundText(bytes: Uint8Array, type: Type, indent: number, present: number): string {
  const resolved = resolve(type);
  const blanks = " ".repeat(indent);
  if (resolved.kind === "array") {
    const size = sizeOf(resolved.of, 0);
    let text = `(${typeName(type)}) [\n`;
    for (let at = 0; at < present && at + size <= bytes.length && size > 0; at += size) {
      const element = bytes.subarray(at, at + size);
      if (isZero(element)) continue;
      text += `${blanks} ${valueText(element, resolved.of, indent + 1, present - at)},\n`;
    }
    return `${text}${blanks}]`;
  }
  if (resolved.kind !== "struct" && resolved.kind !== "union") return "";
  let text = `(${compoundName(resolved, type)}) {\n`;
  for (const member of resolved.members) {
    if (member.offsetBytes >= present) {
      text += `${blanks} ...\n`;
      break;
    }
    const part = memberText(bytes, member, indent + 1, present - member.offsetBytes);
    const name = member.name === "" ? "" : `.${member.name} = `;
    if (part !== undefined) text += `${blanks} ${name}${part},\n`;
  }
  return `${text}${blanks}}`;
}

function compoundName(struct: StructType, type: Type): string {
  return struct.tag === "" && type === struct ? struct.kind : typeName(type);
}

function memberText(
  bytes: Uint8Array,
  { type, offsetBytes, bits }: Member,
  indent: number,
  present: number,
): string | undefined {
  if (bits === undefined) {
    const { kind } = resolve(type);
    const own = bytes.subarray(offsetBytes, kind === "string" ? undefined : offsetBytes + sizeOf(type, 0));
    if (kind === "string") return own[0] === 0 ? undefined : stringText(own);
    return isZero(own) && kind !== "enum" && kind !== "array" ? undefined : valueText(own, type, indent, present);
  }
  const datum = fieldDatum(bytes.subarray(offsetBytes), bits, formOf(type));
  return datum.lo === 0 && datum.hi === 0 ? undefined : `(${typeName(type)})${scalarText(datum, type)}`;
}

/** The value of a bit-field, extended by its sign. */
function fieldDatum(bytes: Uint8Array, { shift, width }: BitField, form: Form): Datum & { kind: "number" } {
  const bitAt = (bit: number) => (bytes[(shift + bit) >> 3]! >> ((shift + bit) & 7)) & 1;
  const signed = form.kind === "number" && form.signed;
  const above = signed ? bitAt(width - 1) : 0;
  let [lo, hi] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const value = bit < width ? bitAt(bit) : above;
    if (bit < 32) lo |= value << bit;
    else hi |= value << (bit - 32);
  }
  return { kind: "number", lo: lo >>> 0, hi: hi >>> 0, sizeBytes: 8, signed };
}

function valueText(bytes: Uint8Array, type: Type, indent: number, present: number): string {
  const form = formOf(type);
  if (form.kind === "float") {
    const value = readFloat(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, form.sizeBytes);
    return `(${typeName(type)})${formatFloat(value, { ...FLOAT, precision: FLOAT_DIGITS[form.sizeBytes] })}`;
  }
  if (form.kind === "string") return stringText(bytes);
  if (form.kind !== "number") return compoundText(bytes, type, indent, present);
  const wide = new Uint8Array(8);
  wide.set(bytes);
  if (form.signed && bytes.at(-1)! >= 0x80) wide.fill(0xff, bytes.length);
  const view = new DataView(wide.buffer);
  const datum = { ...form, lo: view.getUint32(0, true), hi: view.getUint32(4, true) };
  return `(${typeName(type)})${scalarText(datum, type)}`;
}

function scalarText(datum: Datum & { kind: "number" }, type: Type): string {
  const resolved = resolve(type);
  if (resolved.kind === "pointer" || resolved.kind === "function") return formatNumericAddress(datum);
  if (resolved.kind === "enum") {
    return resolved.enumerators.find(({ value }) => value === (datum.lo | 0))?.name ?? digitsOf(datum);
  }
  const isPrintable = datum.hi === 0 && datum.lo >= 0x20 && datum.lo < 0x7f;
  if (resolved.kind === "integer" && resolved.isChar && isPrintable) return `'${String.fromCharCode(datum.lo)}'`;
  return digitsOf(datum);
}

/** A string up to its NUL. */
function stringText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return `(string)"${textOfBytes(end < 0 ? bytes : bytes.subarray(0, end))}"`;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
