/** The layouts are those of the documentation's examples of `trace()`, `tracemem()` and `ustack()`. */

import { assertEquals } from "@std/assert";
import { formatKey, formatTraced } from "../../../lib/consumer/records/datum_text.ts";
import type { Datum } from "../../../lib/d/run/datum.ts";
import { DATA, numberDatum, stringDatum } from "./data.ts";

const QUIET = { ...DATA, quiet: true };

Deno.test("formatTraced() puts numbers into columns by their size", () => {
  assertEquals(formatTraced(numberDatum(-2n, 8), DATA), "               -2");
  assertEquals(formatTraced(numberDatum(-2n, 4), DATA), "       -2");
  assertEquals(formatTraced(numberDatum(-2n, 2), DATA), "    -2");
  assertEquals(formatTraced(numberDatum(-2n, 1), DATA), "  -2");
  assertEquals(formatTraced(numberDatum(-1n, 4, false), DATA), " 4294967295");
  assertEquals(formatTraced(numberDatum(-1n, 8, false), DATA), " 18446744073709551615");
  assertEquals(formatTraced(numberDatum(-2n, 8), QUIET), "-2");
});

Deno.test("formatTraced() puts strings into 33 columns, and prints them as they are with -q", () => {
  assertEquals(formatTraced(stringDatum("bash"), DATA), `  bash${" ".repeat(29)}`);
  assertEquals(formatTraced(stringDatum(""), DATA), " ".repeat(35));
  assertEquals(formatTraced(stringDatum("bash"), QUIET), "bash");
  assertEquals(formatTraced(stringDatum("é"), QUIET), "\xc3\xa9");
});

const DUMP = [
  "",
  "             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef",
  "         0: 34 12 00 00 00 00 00 00 76 98 00 00              4.......v...",
  "",
].join("\n");

Deno.test("formatTraced() dumps bytes that are no string", () => {
  const bytes = Uint8Array.of(0x34, 0x12, 0, 0, 0, 0, 0, 0, 0x76, 0x98, 0, 0);
  assertEquals(formatTraced({ kind: "bytes", bytes }, DATA), DUMP);
  assertEquals(formatTraced({ kind: "bytes", bytes }, QUIET), DUMP);
});

Deno.test("formatTraced() dumps 16 bytes a line", () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, index) => index * 15);
  const lines = formatTraced({ kind: "bytes", bytes }, DATA).split("\n");
  assertEquals(lines.slice(2), [
    "         0: 00 0f 1e 2d 3c 4b 5a 69 78 87 96 a5 b4 c3 d2 e1  ...-<KZix.......",
    `        10: f0 ff${" ".repeat(42)}  ..`,
    "",
  ]);
});

Deno.test("formatTraced() takes bytes for a string if they look like one", () => {
  const traced = (text: string, options = DATA) =>
    formatTraced({ kind: "bytes", bytes: new TextEncoder().encode(text) }, options).trim().split(/\s+/)[0];
  assertEquals(traced("aAbBc\0\0\0"), "aAbBc");
  assertEquals(traced("a\tb\x07"), "a");
  assertEquals(traced("aAb"), "aAb");
  for (const text of ["a\0b", "\0", "a\x1b", "é"]) assertEquals(traced(text), "0", JSON.stringify(text));
  assertEquals(traced("aAb", { ...DATA, rawBytes: true }), "0");
});

Deno.test("formatTraced() prints a stack with a line for each frame", () => {
  const stack: Datum = { kind: "stack", pid: 7, frames: [0x1000, 0x2010, 0x9000] };
  const text = "\n              libc.so.6`malloc\n              a.out`0x2010\n              0x9000\n";
  assertEquals(formatTraced(stack, DATA), text);
  assertEquals(formatTraced(stack, QUIET), text);
  assertEquals(formatTraced(stack, { ...DATA, stackIndent: 2 }), "\n  libc.so.6`malloc\n  a.out`0x2010\n  0x9000\n");
  assertEquals(formatTraced({ ...stack, frames: [] }, DATA), "\n");
});

Deno.test("formatTraced() prints symbols in 50 columns", () => {
  const text = (of: "uaddr" | "usym" | "umod" | "ufunc" | "sym", address = 0x1004) =>
    formatTraced({ kind: "symbol", of, pid: 7, address }, QUIET);
  assertEquals(text("uaddr"), `  ${"libc.so.6`malloc+0x4".padEnd(50)}`);
  assertEquals(text("usym"), `  ${"libc.so.6`malloc".padEnd(50)}`);
  assertEquals(text("ufunc"), `  ${"libc.so.6`malloc".padEnd(50)}`);
  assertEquals(text("umod"), `  ${"libc.so.6".padEnd(50)}`);
  assertEquals(text("sym"), `  ${"0x1004".padEnd(50)}`);
  assertEquals(text("usym", 0x2004), `  ${"a.out`0x2004".padEnd(50)}`);
});

Deno.test("formatKey() prints small integers without a sign, and strings in 50 columns", () => {
  assertEquals(formatKey(numberDatum(-2n, 1), DATA), " 254");
  assertEquals(formatKey(numberDatum(-2n, 2), DATA), " 65534");
  assertEquals(formatKey(numberDatum(-2n, 4), DATA), "       -2");
  assertEquals(formatKey(numberDatum(-2n, 8), QUIET), "               -2");
  assertEquals(formatKey(stringDatum("cat"), QUIET), `  ${"cat".padEnd(50)}`);
});
