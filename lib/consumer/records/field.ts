/**
 * The field of a conversion: sign, prefix, digits and blanks as C's `printf` puts them.
 *
 * @module
 */

/** How a conversion prints; widths and precisions are known here. */
export interface ConversionSpec {
  readonly name: string;
  readonly flags: string;
  /** The least number of bytes; 0 for any. */
  readonly width: number;
  /** Undefined if there is none. */
  readonly precision: number | undefined;
}

/**
 * Puts digits into their field.
 *
 * @param digits The digits, with a minus sign if the number is negative.
 * @param prefix What the alternate form puts before the digits.
 * @param spec How.
 * @returns The text.
 */
export function padNumber(digits: string, prefix: string, { flags, width, precision }: ConversionSpec): string {
  const negative = digits.startsWith("-");
  let magnitude = negative ? digits.slice(1) : digits;
  if (precision !== undefined) {
    magnitude = precision === 0 && magnitude === "0" ? "" : magnitude.padStart(precision, "0");
  }
  const sign = negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const head = sign + prefix;
  if (flags.includes("-")) return (head + magnitude).padEnd(width);
  // A precision says how many digits there are, so that zeros do not fill the field.
  if (flags.includes("0") && precision === undefined) return head + magnitude.padStart(width - head.length, "0");
  return (head + magnitude).padStart(width);
}

/**
 * Puts text into its field.
 *
 * @param text The text.
 * @param spec How; the precision says how much of the text there is at most.
 * @returns The text with blanks.
 */
export function padText(text: string, { flags, width, precision }: ConversionSpec): string {
  const cut = precision === undefined ? text : text.slice(0, precision);
  return flags.includes("-") ? cut.padEnd(width) : cut.padStart(width);
}
