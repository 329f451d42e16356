/**
 * Aggregations for programs: an object for each key.
 *
 * ```json
 * {"type":"aggregation","name":"@bytes","function":"quantize","key":["cat"],"buckets":[{"bound":8,"count":0},{"bound":16,"count":3}]}
 * ```
 *
 * @module
 */

import type { Int64 } from "../../d/int64.ts";
import { digitsOf, formatAddress, formatSymbol } from "../records/datum_text.ts";
import type { AddressResolver } from "../records/datum_text.ts";
import { decodeBytes } from "../records/byte_text.ts";
import { formatSigned } from "../records/integer_text.ts";
import type { Datum } from "../../d/run/datum.ts";
import { type Bucket, bucketsOfEntry, isDistribution, numberOfEntry } from "./aggregate_value.ts";
import { sortedRows, type SortOptions } from "./aggregation_rows.ts";
import type { NormalizedTable } from "./aggregation_text.ts";

/** A value of JSON. */
export type Json = string | number | readonly Json[] | { readonly [key: string]: Json };

/**
 * Makes objects of an aggregation.
 *
 * @param normalized The aggregation.
 * @param sort Their order.
 * @param resolver Finds the names of addresses.
 * @returns An object for each key.
 */
export function jsonOfAggregation(
  { table, factor }: NormalizedTable,
  sort: SortOptions,
  resolver: AddressResolver,
): Json[] {
  const { name, function: functionName } = table.aggregation;
  return sortedRows([table], sort).map(({ key, entries }) => {
    const words = table.value(entries[0]!);
    const head = {
      type: "aggregation",
      name: `@${name === "_" ? "" : name}`,
      function: functionName,
      key: key.map((datum) => jsonOfDatum(datum, resolver)),
    };
    return isDistribution(functionName)
      ? { ...head, buckets: bucketsOfEntry(table, words, factor).map(jsonOfBucket) }
      : { ...head, value: jsonOfInteger(numberOfEntry(table, words, factor)) };
  });
}

/**
 * Makes JSON of a datum.
 *
 * @param datum The datum.
 * @param resolver Finds the names of addresses.
 * @returns A number; a string of what no number holds exactly, of strings, symbols, and of bytes in hexadecimal; a list of
 *   the frames of a stack.
 */
export function jsonOfDatum(datum: Datum, resolver: AddressResolver): Json {
  switch (datum.kind) {
    case "number": {
      const digits = digitsOf(datum);
      return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
    }
    case "string":
      return decodeBytes(datum.bytes);
    case "bytes":
      return Array.from(datum.bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    case "float":
      return Number.isFinite(datum.value) ? datum.value : String(datum.value);
    case "stack":
      return datum.frames.map((frame) => decodeText(formatAddress(datum.pid, frame, resolver)));
    case "symbol":
      return decodeText(formatSymbol(datum, resolver));
  }
}

/**
 * Reads text of bytes as UTF-8.
 *
 * @param text The text.
 * @returns Its characters.
 */
export function decodeText(text: string): string {
  return decodeBytes(Uint8Array.from(text, (character) => character.charCodeAt(0)));
}

/** The lowest and the highest bucket have no number if they are open to that side. */
function jsonOfBucket({ label, bound, count }: Bucket): Json {
  const value = jsonOfInteger(count);
  if (bound === undefined) return { label, count: value };
  const relation = /^[<>]=?/.exec(label)?.[0];
  return relation === undefined ? { bound, count: value } : { bound, relation, count: value };
}

function jsonOfInteger({ lo, hi }: Int64): Json {
  const digits = formatSigned(lo, hi);
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
}
