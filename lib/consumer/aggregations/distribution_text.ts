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
 * The bars have 40 columns for all values together; with `aggzoom` the longest has 38. Counts may be negative, by an
 * increment: if all are, the axis is on the right, and if some are, it is in the middle. With `encoding=utf8` bars are drawn to
 * an eighth of a column, unless some are negative.
 *
 * @module
 */

import { textOfName } from "../records/byte_text.ts";
import { formatSigned } from "../records/integer_text.ts";
import type { Bucket } from "./aggregate_value.ts";

const BAR_WIDTH = 40;
const COUNT_WIDTH = 9;
const LABEL_WIDTH = 16;
/** How much of the width the longest bar has with `aggzoom`. */
const ZOOM_PART = 0.95;
/** An eighth of a column to all of it. */
const BLOCKS = Array.from("▏▎▍▌▋▊▉█", textOfName);

/** A line of a distribution. */
export type Bar = Pick<Bucket, "label" | "count" | "size">;

/**
 * Draws a distribution.
 *
 * @param bars Its lines.
 * @param options Whether the longest bar nearly fills the width, whether characters of Unicode may be used, and what the labels
 *   are.
 * @returns Lines, the first of them empty.
 */
export function formatDistribution(
  bars: readonly Bar[],
  options: {
    readonly zoom: boolean;
    readonly blocks?: boolean | undefined;
    readonly heading?: string;
    readonly labelWidth?: number;
  },
): string {
  const width = options.labelWidth ?? LABEL_WIDTH;
  const scale = scaleOf(bars, options.zoom);
  const banner = "------------- Distribution -------------".padStart(BAR_WIDTH + 1);
  let text = `\n${(options.heading ?? "value").padStart(width)} ${banner} ${"count".padEnd(COUNT_WIDTH)}\n`;
  for (const { label, count, size } of bars) {
    text += `${label.padStart(width)} ${formatBar(size, scale, options.blocks ?? false)} ${
      formatSigned(count.lo, count.hi).padEnd(COUNT_WIDTH)
    }\n`;
  }
  return text;
}

/** What the bars are drawn by. */
export interface Scale {
  /** What the full width is. */
  readonly total: number;
  readonly hasPositive: boolean;
  readonly hasNegative: boolean;
}

/**
 * Finds out what the bars of a distribution are drawn by.
 *
 * @param bars Its lines.
 * @param zoom Whether the longest bar nearly fills the width.
 * @returns The scale.
 */
export function scaleOf(bars: readonly Pick<Bar, "size">[], zoom: boolean): Scale {
  let total = 0;
  for (const { size } of bars) total = zoom ? Math.max(total, Math.abs(size) / ZOOM_PART) : total + Math.abs(size);
  return {
    total,
    hasPositive: bars.some(({ size }) => size > 0),
    hasNegative: bars.some(({ size }) => size < 0),
  };
}

function formatBar(size: number, { total, hasPositive, hasNegative }: Scale, blocks: boolean): string {
  if (blocks && hasPositive && !hasNegative) return `|${blocksOf(size * BAR_WIDTH / total)}`;
  const width = hasPositive && hasNegative ? BAR_WIDTH / 2 : BAR_WIDTH;
  const length = total === 0 ? 0 : Math.floor(Math.abs(size) * width / total + 0.5);
  const bar = "@".repeat(length);
  if (!hasNegative) return `|${bar.padEnd(width)}`;
  if (!hasPositive) return `${bar.padStart(width)}|`;
  return size > 0 ? `${" ".repeat(width)}|${bar.padEnd(width)}` : `${bar.padStart(width)}|${" ".repeat(width)}`;
}

/** A bar of whole columns and one that may be a part, with blanks behind it. */
function blocksOf(length: number): string {
  const whole = Math.floor(length);
  const eighths = Math.floor((length - whole) * BLOCKS.length);
  const columns = whole + (eighths === 0 ? 0 : 1);
  return BLOCKS.at(-1)!.repeat(whole) + (eighths === 0 ? "" : BLOCKS[eighths - 1]!) + " ".repeat(BAR_WIDTH - columns);
}
