/**
 * The sums in operands, such as `40+Sym@GOTOFF`, `-16`, `sym+8` or `(table+4)-2`.
 *
 * Values have 64 bits and are kept as two halves: a constant can be larger than what a number holds exactly.
 *
 * @module
 */

/** A sum. */
export interface Sum {
  /** The low 32 bits of the numbers' sum, unsigned. */
  readonly lo: number;
  /** The high 32 bits, unsigned. */
  readonly hi: number;
  /** The symbol in it, without what follows the `@`; undefined if there is none. */
  readonly symbol?: string;
  /** What follows the `@` of the symbol, in lower case: what of the symbol is meant. */
  readonly relocation?: string;
}

const HIGH = 2 ** 32;
/** A sign, then a number or a symbol with a relocation. Parentheses have been removed. */
const TERM = /([+-]*)(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_.\u0080-\uffff][\w.$\u0080-\uffff]*)(?:@(\w+))?)/y;

/**
 * Parses a sum.
 *
 * @param text The text, without blanks.
 * @returns The sum; undefined if it is none, or has two symbols, or subtracts one.
 */
export function parseSum(text: string): Sum | undefined {
  const plain = removeParentheses(text);
  if (plain === undefined || plain === "") return undefined;
  let lo = 0;
  let hi = 0;
  let symbol: { symbol: string; relocation?: string } | undefined;
  for (let at = 0; at < plain.length;) {
    TERM.lastIndex = at;
    const match = TERM.exec(plain);
    if (match === null || (at > 0 && match[1] === "")) return undefined;
    const negative = (match[1]!.split("-").length - 1) % 2 === 1;
    if (match[2] !== undefined) {
      const number = parseHalves(match[2]);
      if (number === undefined) return undefined;
      const lows = negative ? lo - number.lo : lo + number.lo;
      lo = lows >>> 0;
      hi = ((negative ? hi - number.hi : hi + number.hi) + Math.floor(lows / HIGH)) >>> 0;
    } else {
      if (symbol !== undefined || negative) return undefined;
      symbol = { symbol: match[3]!, ...match[4] !== undefined && { relocation: match[4].toLowerCase() } };
    }
    at = TERM.lastIndex;
  }
  return { lo, hi, ...symbol };
}

/**
 * Reads a 64-bit value as a signed number.
 *
 * @param sum The value.
 * @returns The number; undefined if it is not exact.
 */
export function toSigned({ lo, hi }: Sum): number | undefined {
  const value = (hi | 0) * HIGH + lo;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Assemblers write them around a part of a sum that is added; what is subtracted has none. */
function removeParentheses(text: string): string | undefined {
  let depth = 0;
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "(") {
      if (plain.endsWith("-")) return undefined;
      depth++;
    } else if (character === ")") {
      if (--depth < 0) return undefined;
    } else plain += character;
  }
  return depth === 0 ? plain : undefined;
}

/** Parses a number of at most 64 bits. */
function parseHalves(digits: string): { lo: number; hi: number } | undefined {
  const isHexadecimal = /^0x/i.test(digits);
  const base = isHexadecimal ? 16 : /^0\d/.test(digits) ? 8 : 10;
  let lo = 0;
  let hi = 0;
  for (const digit of isHexadecimal ? digits.slice(2) : digits) {
    lo = lo * base + parseInt(digit, base);
    hi = hi * base + Math.floor(lo / HIGH);
    lo %= HIGH;
    // An 8 or 9 in an octal number makes it NaN.
    if (!(hi < HIGH)) return undefined;
  }
  return { lo, hi };
}
