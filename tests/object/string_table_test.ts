import { assertEquals } from "@std/assert";
import { MAX_NAME_BYTES, StringTable } from "../../lib/object/string_table.ts";

const encoder = new TextEncoder();

Deno.test("StringTable.at() reads up to the NUL, or the end of the table", () => {
  const table = new StringTable(encoder.encode("\0one\0über\0end"));
  assertEquals([0, 1, 3, 5, 11, 14, 99].map((offset) => table.at(offset)), ["", "one", "e", "über", "end", "", ""]);
});

Deno.test("StringTable.at() and symbolAt() cut names that have no end", () => {
  const table = new StringTable(new Uint8Array(2 * MAX_NAME_BYTES).fill(0x61));
  assertEquals([table.at(1).length, table.symbolAt(1).length, table.at(1, 64).length], [
    MAX_NAME_BYTES,
    MAX_NAME_BYTES,
    64,
  ]);
});

Deno.test("StringTable.symbolAt() leaves the version away", () => {
  const table = new StringTable(encoder.encode("f@@V2\0g@V1\0@h\0"));
  assertEquals([0, 6, 11].map((offset) => table.symbolAt(offset)), ["f", "g", "@h"]);
});
