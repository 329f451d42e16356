/**
 * The types of arguments, as far as they say how the 64 bits of a register or of memory are to be read.
 *
 * Static probes name the types of their arguments: DTrace Object Format in C, SystemTap's notes by a size and a sign,
 * which have names of C here as well (`operandType`). What is no number or pointer of C (a structure, a type of the
 * program's own) is left as DTrace's `arg0` has it: 64 bits with a sign.
 *
 * @module
 */

import { fromHalves } from "./address.ts";

/** How the bits of a value are read. */
export interface ValueType {
  /** What the value is: an integer with or without a sign, or a floating-point number. */
  readonly kind: "signed" | "unsigned" | "float";
  /** Its size in bytes: 1, 2, 4 or 8. */
  readonly sizeBytes: number;
}

/** What is taken from the words of a name that say nothing of the value. */
const QUALIFIERS = /\b(?:const|volatile|restrict|register)\b/g;
const FIXED = /^(u?)int(8|16|32|64)_t$/;
const POINTER_BYTES = 8;

/** Names of one word on 64-bit Linux, besides those of a fixed size. */
const NAMED: ReadonlyMap<string, ValueType> = new Map<string, ValueType>([
  ["float", { kind: "float", sizeBytes: 4 }],
  ["double", { kind: "float", sizeBytes: 8 }],
  ...["_Bool", "bool", "u_char", "uchar_t"].map((name): [string, ValueType] => [name, unsigned(1)]),
  ...["ushort_t", "u_short"].map((name): [string, ValueType] => [name, unsigned(2)]),
  ...["uint_t", "u_int", "uid_t", "gid_t", "mode_t"].map((name): [string, ValueType] => [name, unsigned(4)]),
  ...["pid_t", "id_t"].map((name): [string, ValueType] => [name, { kind: "signed", sizeBytes: 4 }]),
  ...["size_t", "uintptr_t", "uintmax_t", "ulong_t", "u_long", "ino_t", "dev_t", "pthread_t"].map(
    (name): [string, ValueType] => [name, unsigned(8)],
  ),
]);

/** Sizes by the word that decides, the first that is there. */
const INTEGER_WORDS: readonly [word: string, sizeBytes: number][] = [["char", 1], ["short", 2], ["long", 8]];

/**
 * Tells how a value of a type of C is read, on 64-bit Linux.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(valueTypeOf("const char *"), { kind: "unsigned", sizeBytes: 8 });
 * assertEquals(valueTypeOf("unsigned short int"), { kind: "unsigned", sizeBytes: 2 });
 * assertEquals(valueTypeOf("struct stat"), undefined);
 * ```
 *
 * @param name The name of the type.
 * @returns How; undefined if the name does not say it.
 */
export function valueTypeOf(name: string): ValueType | undefined {
  const plain = name.replace(QUALIFIERS, " ").trim();
  if (plain.includes("*")) return unsigned(POINTER_BYTES);
  const fixed = FIXED.exec(plain);
  if (fixed !== null) return { kind: fixed[1] === "u" ? "unsigned" : "signed", sizeBytes: Number(fixed[2]) / 8 };
  const words = plain.split(/\s+/);
  if (!words.every((word) => ["signed", "unsigned", "char", "short", "int", "long"].includes(word))) {
    return NAMED.get(plain);
  }
  const sizeBytes = INTEGER_WORDS.find(([word]) => words.includes(word))?.[1] ?? 4;
  return { kind: words.includes("unsigned") ? "unsigned" : "signed", sizeBytes };
}

/**
 * Cuts a word of 64 bits to the size of a value, and extends that by its sign.
 *
 * @param word The low and the high half at index 0 and 1; changed.
 * @param sizeBytes The size of the value: 1, 2, 4 or 8.
 * @param signed Whether it has a sign.
 */
export function extendWord(word: Uint32Array, sizeBytes: number, signed: boolean): void {
  if (sizeBytes >= 8) return;
  const unused = 32 - 8 * Math.min(4, sizeBytes);
  const low = word[0]! << unused;
  word[0] = signed ? low >> unused : low >>> unused;
  word[1] = signed && low < 0 ? 0xffffffff : 0;
}

/**
 * Makes a number of a word that has been extended.
 *
 * @param word The low and the high half at index 0 and 1.
 * @param type How it is read; a word without a type has a sign.
 * @param view A view of the word's memory, where an allocation would cost too much.
 * @returns The number; an integer beyond 2^53 is inexact.
 */
export function numberOfWord(word: Uint32Array, type: ValueType | undefined, view?: DataView): number {
  if (type?.kind !== "float") return fromHalves(word[0]!, type?.kind === "unsigned" ? word[1]! : word[1]! | 0);
  // Deno runs on little-endian machines only, where the halves of a word are in the order of its bytes.
  const bytes = view ?? new DataView(word.buffer, word.byteOffset);
  return type.sizeBytes === 8 ? bytes.getFloat64(0, true) : bytes.getFloat32(0, true);
}

function unsigned(sizeBytes: number): ValueType {
  return { kind: "unsigned", sizeBytes };
}
