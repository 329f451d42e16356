/**
 * Distributions as dtrace draws them.
 *
 * ```text
 *            value  ------------- Distribution ------------- count
 *                8 |                                         0
 *               16 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 3
 *               32 |                                         0
 * ```
 *
 * The bars have 40 columns for all values together (with `aggzoom`, for the longest of them). Counts may be negative, by an
 * increment: if all are, the axis is on the right, and if some are, it is in the middle.
 *
 * @module
 */

import { formatSigned } from "../records/integer_text.ts";
import type { Bucket } from "./aggregate_value.ts";

const BAR_WIDTH = 40;
const COUNT_WIDTH = 9;
const LABEL_WIDTH = 16;

/** A line of a distribution. */
export type Bar = Pick<Bucket, "label" | "count" | "size">;

/**
 * Draws a distribution.
 *
 * @param bars Its lines.
 * @param options Whether the longest bar fills the width, and what the labels are.
 * @returns Lines, the first of them empty.
 */
export function formatDistribution(
  bars: readonly Bar[],
  options: { readonly zoom: boolean; readonly heading?: string; readonly labelWidth?: number },
): string {
  const width = options.labelWidth ?? LABEL_WIDTH;
  const scale = scaleOf(bars, options.zoom);
  const banner = "------------- Distribution -------------".padStart(BAR_WIDTH + 1);
  let text = `\n${(options.heading ?? "value").padStart(width)} ${banner} ${"count".padEnd(COUNT_WIDTH)}\n`;
  for (const { label, count, size } of bars) {
    text += `${label.padStart(width)} ${formatBar(size, scale)} ${
      formatSigned(count.lo, count.hi).padEnd(COUNT_WIDTH)
    }\n`;
  }
  return text;
}

/** What the bars are drawn by. */
interface Scale {
  /** What the full width is. */
  readonly total: number;
  readonly hasPositive: boolean;
  readonly hasNegative: boolean;
}

function scaleOf(bars: readonly Bar[], zoom: boolean): Scale {
  let total = 0;
  for (const { size } of bars) total = zoom ? Math.max(total, Math.abs(size)) : total + Math.abs(size);
  return {
    total,
    hasPositive: bars.some(({ size }) => size > 0),
    hasNegative: bars.some(({ size }) => size < 0),
  };
}

function formatBar(size: number, { total, hasPositive, hasNegative }: Scale): string {
  const width = hasPositive && hasNegative ? BAR_WIDTH / 2 : BAR_WIDTH;
  const length = total === 0 ? 0 : Math.floor(Math.abs(size) * width / total + 0.5);
  const bar = "@".repeat(length);
  if (!hasNegative) return `|${bar.padEnd(width)}`;
  if (!hasPositive) return `${bar.padStart(width)}|`;
  return size > 0 ? `${" ".repeat(width)}|${bar.padEnd(width)}` : `${bar.padStart(width)}|${" ".repeat(width)}`;
}
