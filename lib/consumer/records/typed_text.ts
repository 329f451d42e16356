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
 * indented as far as its are. A pointer is printed as an address; what it points to is not followed.
 *
 * @module
 */

import type { Datum } from "../../d/run/datum.ts";
import { typeName } from "../../d/type_name.ts";
import { formOf, type Member, resolve, sizeOf, type StructType, type Type } from "../../d/types.ts";
import { textOfBytes } from "./byte_text.ts";
import { type DatumOptions, digitsOf, formatNumericAddress, formatTraced } from "./datum_text.ts";

const INDENT = 44;

/**
 * Writes a datum with its type.
 *
 * @param datum The datum.
 * @param type Its type.
 * @param options How, where the type does not say it.
 * @returns Whole lines.
 */
export function formatTyped(datum: Datum, type: Type, options: DatumOptions): string {
  switch (datum.kind) {
    case "number":
      return `(${typeName(type)})${scalarText(datum, type)}\n`;
    case "string":
      return `(string)"${textOfBytes(datum.bytes)}"\n`;
    case "bytes":
      return `\n${" ".repeat(INDENT)}${compoundText(datum.bytes, type, INDENT)}\n`;
    default:
      return `${formatTraced(datum, options)}\n`;
  }
}

/** A structure or an array, from its opening bracket on. */
function compoundText(bytes: Uint8Array, type: Type, indent: number): string {
  const resolved = resolve(type);
  const blanks = " ".repeat(indent);
  if (resolved.kind === "array") {
    const size = sizeOf(resolved.of, 0);
    let text = `(${typeName(type)}) [\n`;
    for (let at = 0; at + size <= bytes.length && size > 0; at += size) {
      const element = bytes.subarray(at, at + size);
      if (isZero(element)) continue;
      text += `${blanks} ${valueText(element, resolved.of, indent + 1)},\n`;
    }
    return `${text}${blanks}]`;
  }
  if (resolved.kind !== "struct" && resolved.kind !== "union") return "";
  let text = `(${compoundName(resolved, type)}) {\n`;
  for (const member of resolved.members) {
    const part = memberText(bytes, member, indent + 1);
    if (part !== undefined) text += `${blanks} .${member.name} = ${part},\n`;
  }
  return `${text}${blanks}}`;
}

function compoundName(struct: StructType, type: Type): string {
  return struct.tag === "" && type === struct ? struct.kind : typeName(type);
}

function memberText(bytes: Uint8Array, { type, offsetBytes, bits }: Member, indent: number): string | undefined {
  if (bits === undefined) {
    const own = bytes.subarray(offsetBytes, offsetBytes + sizeOf(type, 0));
    const { kind } = resolve(type);
    return isZero(own) && kind !== "enum" && kind !== "array" ? undefined : valueText(own, type, indent);
  }
  const form = formOf(type);
  let value = 0;
  for (let i = bits.width - 1; i >= 0; i--) {
    const bit = bits.shift + i;
    value = 2 * value + ((bytes[offsetBytes + (bit >> 3)]! >> (bit & 7)) & 1);
  }
  if (form.kind === "number" && form.signed && value >= 2 ** (bits.width - 1)) value -= 2 ** bits.width;
  return value === 0 ? undefined : `(${typeName(type)})${value}`;
}

function valueText(bytes: Uint8Array, type: Type, indent: number): string {
  const form = formOf(type);
  if (form.kind !== "number") return compoundText(bytes, type, indent);
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

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
