/**
 * Keys that are symbols: `usym()`, `ufunc()` and `umod()` mean the same for all addresses of a function, or of a module, so
 * that these have one key. The address in a key is put to the beginning of what it is in; `uaddr()` keeps each address.
 *
 * @module
 */

import type { Form, SymbolKind } from "../types.ts";

/** Finds where the symbol, or for `umod` the module, of an address begins; the address itself if that is not known. */
export type SymbolStart = (of: SymbolKind, pid: number, address: number) => number;

const HALF = 2 ** 32;
const NAMED: ReadonlySet<SymbolKind> = new Set<SymbolKind>(["ufunc", "umod", "usym"]);

/**
 * Tells whether keys have such symbols in them.
 *
 * @param forms The forms of the key.
 * @returns Whether {@linkcode normalizeSymbols} has anything to do.
 */
export function hasSymbols(forms: readonly Form[]): boolean {
  return forms.some((form) => form.kind === "symbol" && NAMED.has(form.of));
}

/**
 * Puts the addresses of symbols in a key to their beginnings.
 *
 * @param forms The forms of the key; `datum.ts` says how each lies in it.
 * @param words The memory that the key is in.
 * @param start The index of its first word.
 * @param startOf Finds beginnings.
 */
export function normalizeSymbols(
  forms: readonly Form[],
  words: Int32Array,
  start: number,
  startOf: SymbolStart,
): void {
  let at = start;
  for (const form of forms) {
    if (form.kind === "symbol" && NAMED.has(form.of)) {
      const address = (words[at + 3]! >>> 0) * HALF + (words[at + 2]! >>> 0);
      const begin = startOf(form.of, words[at]!, address);
      words[at + 2] = begin;
      words[at + 3] = Math.floor(begin / HALF);
    }
    at += wordsOf(form, words, at);
  }
}

function wordsOf(form: Form, words: Int32Array, at: number): number {
  switch (form.kind) {
    case "string": {
      let count = 1;
      while (!holdsNul(words[at + count - 1]!)) count++;
      return count;
    }
    case "bytes":
      return (form.sizeBytes + 3) >> 2;
    case "stack":
      return 2 + 2 * words[at + 1]!;
    case "symbol":
      return 4;
    default:
      return 2;
  }
}

/** Whether one of the four bytes of a word is zero. */
function holdsNul(word: number): boolean {
  return (word & 0xff) === 0 || (word & 0xff00) === 0 || (word & 0xff0000) === 0 || (word & 0xff000000) === 0;
}
