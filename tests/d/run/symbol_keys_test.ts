import { assertEquals } from "@std/assert";
import { hasSymbols, normalizeSymbols } from "../../../lib/d/run/symbol_keys.ts";
import type { Form } from "../../../lib/d/types.ts";

const NUMBER: Form = { kind: "number", sizeBytes: 4, signed: true };
const STRING: Form = { kind: "string" };
const STACK: Form = { kind: "stack" };

Deno.test("normalizeSymbols() puts addresses to the beginnings of their symbols, behind keys of any form", () => {
  const forms: Form[] = [
    NUMBER,
    STRING,
    STACK,
    { kind: "bytes", sizeBytes: 5 },
    { kind: "symbol", of: "usym" },
    { kind: "symbol", of: "uaddr" },
    { kind: "symbol", of: "umod" },
  ];
  const key = [7, 0, 0x64636261, 0x00006665, 9, 1, 0x1234, 1, 0, 0, 9, 0, 0x1234, 5, 9, 0, 0x1234, 5, 9, 0, 0x1234, 5];
  const words = Int32Array.from([-1, ...key, -1]);
  const asked: unknown[] = [];
  normalizeSymbols(forms, words, 1, (of, pid, address) => {
    asked.push([of, pid, address]);
    return of === "umod" ? 0x7fff_f000 : 6 * 2 ** 32 + 0xf000_0000;
  });
  const address = 5 * 2 ** 32 + 0x1234;
  assertEquals(asked, [["usym", 9, address], ["umod", 9, address]]);
  const expected = [...key.slice(0, 12), 0xf000_0000 | 0, 6, ...key.slice(14, 20), 0x7fff_f000, 0];
  assertEquals([...words], [-1, ...expected, -1]);
  assertEquals([hasSymbols(forms), hasSymbols([NUMBER, { kind: "symbol", of: "uaddr" }])], [true, false]);
});
