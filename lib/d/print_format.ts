/**
 * Formats of `printf` and `printa`, as the compiler has understood them.
 *
 * @module
 */

/** A format: texts and conversions in their order. */
export type PrintFormat = readonly (FormatText | Conversion)[];

/** Text that is printed as it is. */
export interface FormatText {
  readonly kind: "text";
  readonly bytes: Uint8Array;
}

/** What a conversion takes its value from. */
export type ConversionSource =
  /** The argument of that place. */
  | { readonly kind: "argument"; readonly index: number }
  /** The key of that place in the tuple of a `printa`. */
  | { readonly kind: "key"; readonly index: number }
  /** The aggregation of that place in the arguments of a `printa`. */
  | { readonly kind: "aggregation"; readonly index: number };

/** A conversion, `%d` and its like. `%%` is text. */
export interface Conversion {
  readonly kind: "conversion";
  /** The name without size prefixes, such as `d`, `s`, `k`, `Y` or `wc`. */
  readonly name: string;
  /** The size prefix that was written: `h`, `l`, `ll`... It changes nothing but what floats are. */
  readonly size: string;
  /** The flags that are set, of `-`, `+`, space, `#`, `0`, `'`. */
  readonly flags: string;
  /** The least number of characters; an argument that is negative means `-` and its absolute value. */
  readonly width: FormatNumber | undefined;
  readonly precision: FormatNumber | undefined;
  readonly source: ConversionSource;
}

/** A width or precision: a number that is written, or the argument of that place. */
export type FormatNumber =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "argument"; readonly index: number };
