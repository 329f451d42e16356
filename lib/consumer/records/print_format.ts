/**
 * Prints a format of `printf` with the data that it was recorded with.
 *
 * @module
 */

import type { Conversion, FormatNumber, PrintFormat } from "../../d/print_format.ts";
import type { Datum } from "../../d/run/datum.ts";
import { textOfBytes } from "./byte_text.ts";
import { type ConversionContext, formatConversion } from "./conversion.ts";
import type { ConversionSpec } from "./field.ts";

const HALF = 2 ** 32;

/**
 * Prints.
 *
 * @param format The format, whose conversions take arguments.
 * @param data The data of the arguments, in order.
 * @param context What conversions depend on.
 * @returns The text.
 */
export function formatPrint(format: PrintFormat, data: readonly Datum[], context: ConversionContext): string {
  let text = "";
  for (const part of format) {
    text += part.kind === "text"
      ? textOfBytes(part.bytes)
      : formatConversion(data[part.source.index]!, specOf(part, data), context);
  }
  return text;
}

/**
 * Finds out width and precision of a conversion.
 *
 * @param conversion The conversion.
 * @param data The data of the arguments.
 * @returns How to print: a width that is negative is a minus sign among the flags, such a precision is none.
 */
export function specOf(conversion: Conversion, data: readonly Datum[]): ConversionSpec {
  const width = numberOf(conversion.width, data) ?? 0;
  const precision = numberOf(conversion.precision, data);
  return {
    name: conversion.name,
    flags: width < 0 ? `${conversion.flags}-` : conversion.flags,
    width: Math.abs(width),
    precision: precision !== undefined && precision < 0 ? undefined : precision,
  };
}

function numberOf(number: FormatNumber | undefined, data: readonly Datum[]): number | undefined {
  if (number?.kind !== "argument") return number?.value;
  const datum = data[number.index];
  return datum?.kind === "number" ? (datum.hi | 0) * HALF + datum.lo : undefined;
}
