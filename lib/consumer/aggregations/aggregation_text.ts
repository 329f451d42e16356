/**
 * Aggregations as dtrace(1) prints them: by `printa()` with and without a format, and at the end of a program.
 *
 * Without a format a row is the keys in their columns (see `datum_text.ts`), the values of 17 columns or distributions, and
 * an end of line. With a format the format is printed once for each row.
 *
 * @module
 */

import type { AggregationTable } from "../../d/run/aggregation_table.ts";
import type { PrintFormat } from "../../d/print_format.ts";
import type { AggregatingFunction } from "../../d/tree.ts";
import { textOfBytes } from "../records/byte_text.ts";
import { type ConversionContext, formatConversion } from "../records/conversion.ts";
import { type DatumOptions, formatKey } from "../records/datum_text.ts";
import { formatSigned } from "../records/integer_text.ts";
import { specOf } from "../records/print_format.ts";
import { bucketsOfEntry, isDistribution, numberOfEntry, packedBucketsOfEntry } from "./aggregate_value.ts";
import { type AggregationRow, sortedRows, type SortOptions } from "./aggregation_rows.ts";
import { formatDistribution } from "./distribution_text.ts";
import { formatPacked } from "./packed_text.ts";

const VALUE_WIDTH = 16;
/** How wide the bounds of distributions in lines are at least, on both sides. */
const BOUND_WIDTHS = { quantize: [4, 4], lquantize: [7, 8] } as const;

/** A table and by what it is normalized. */
export interface NormalizedTable {
  readonly table: AggregationTable;
  /** The factor of `normalize()`; 1 without. */
  readonly factor: number;
}

/** How aggregations are printed. */
export interface AggregationOptions {
  readonly sort: SortOptions;
  readonly data: DatumOptions;
  readonly conversions: ConversionContext;
  /** Whether the longest bar of a distribution nearly fills its width (`aggzoom`). */
  readonly zoom: boolean;
  /** Whether distributions have a line each (`aggpack`). */
  readonly pack: boolean;
  /** Whether characters of Unicode may be used (`encoding`); undefined if nobody has said, which for lines is yes. */
  readonly blocks: boolean | undefined;
  /** Whether keys with numbers are drawn as one distribution (`agghist`). */
  readonly histogram: boolean;
}

/**
 * Prints aggregations without a format, side by side if there are several.
 *
 * @param tables The tables, whose keys have the same forms.
 * @param options How.
 * @returns Whole lines.
 */
export function formatAggregations(tables: readonly NormalizedTable[], options: AggregationOptions): string {
  const rows = sortedRows(tables.map(({ table }) => table), options.sort);
  if (options.histogram && tables.length === 1 && !isDistribution(tables[0]!.table.aggregation.function)) {
    return formatHistogram(tables[0]!, rows, options);
  }
  if (options.pack && tables.length === 1 && isPacked(tables[0]!.table.aggregation.function)) {
    return formatPackedRows(tables[0]!, rows, options);
  }
  return rows.map((row) => formatRow(tables, row, options)).join("");
}

/**
 * Prints aggregations by a format.
 *
 * @param format The format.
 * @param tables The tables, whose keys have the same forms.
 * @param options How.
 * @returns The text.
 */
export function formatAggregationsBy(
  format: PrintFormat,
  tables: readonly NormalizedTable[],
  options: AggregationOptions,
): string {
  const rows = sortedRows(tables.map(({ table }) => table), options.sort);
  return rows.map((row) => formatRowBy(format, tables, row, options)).join("");
}

function formatRow(tables: readonly NormalizedTable[], row: AggregationRow, options: AggregationOptions): string {
  const keys = row.key.map((datum) => formatKey(datum, options.data)).join("");
  const values = tables.map((normalized, index) => formatValue(normalized, row.entries[index]!, options)).join("");
  return `${keys}${values}\n`;
}

function formatValue({ table, factor }: NormalizedTable, entry: number, options: AggregationOptions): string {
  const words = entry < 0 ? undefined : table.value(entry);
  if (isDistribution(table.aggregation.function)) {
    return formatDistribution(bucketsOfEntry(table, words, factor), options);
  }
  const { lo, hi } = numberOfEntry(table, words, factor);
  return ` ${formatSigned(lo, hi).padStart(VALUE_WIDTH)}`;
}

function formatRowBy(
  format: PrintFormat,
  tables: readonly NormalizedTable[],
  row: AggregationRow,
  options: AggregationOptions,
): string {
  let text = "";
  for (const part of format) {
    if (part.kind === "text") text += textOfBytes(part.bytes);
    else if (part.source.kind !== "aggregation") {
      text += formatConversion(row.key[part.source.index]!, specOf(part, row.key), options.conversions);
    } else {
      const { table, factor } = tables[part.source.index]!;
      const entry = row.entries[part.source.index]!;
      if (isDistribution(table.aggregation.function)) text += formatValue({ table, factor }, entry, options);
      else {
        const words = entry < 0 ? undefined : table.value(entry);
        const value = numberOfEntry(table, words, factor);
        const datum = { kind: "number", ...value, sizeBytes: 8, signed: true } as const;
        text += formatConversion(datum, specOf(part, row.key), options.conversions);
      }
    }
  }
  return text;
}

/** Whether distributions of a function can have a line each. */
function isPacked(name: AggregatingFunction): boolean {
  return Object.hasOwn(BOUND_WIDTHS, name);
}

/** Distributions of a line each. */
function formatPackedRows(
  { table }: NormalizedTable,
  rows: readonly AggregationRow[],
  options: AggregationOptions,
): string {
  const packed = rows.map(({ key, entries }) => ({
    label: labelOf(key, options),
    buckets: packedBucketsOfEntry(table, table.value(entries[0]!)),
  }));
  const widths = BOUND_WIDTHS[table.aggregation.function as keyof typeof BOUND_WIDTHS];
  return formatPacked(packed, { zoom: options.zoom, blocks: options.blocks ?? true, widths });
}

/** Keys in columns that are as wide as they need to be, one behind the other. */
function labelOf(key: AggregationRow["key"], { data }: AggregationOptions): string {
  return key.map((datum) => ` ${formatKey(datum, data).trim().padStart(VALUE_WIDTH)}`).join("");
}

/** One distribution whose buckets are the keys. */
function formatHistogram(
  { table, factor }: NormalizedTable,
  rows: readonly AggregationRow[],
  options: AggregationOptions,
): string {
  const bars = rows.map(({ key, entries }) => {
    const words = table.value(entries[0]!);
    const size = numberOfEntry(table, words, 1);
    return {
      label: labelOf(key, options),
      count: numberOfEntry(table, words, factor),
      size: (size.hi | 0) * 2 ** 32 + size.lo,
    };
  });
  const labelWidth = Math.max(...bars.map(({ label }) => label.length));
  return formatDistribution(bars, { ...options, heading: "key", labelWidth }) + "\n";
}
