import { assertEquals } from "@std/assert";
import { SmallBytes } from "../lib/small_bytes.ts";

Deno.test("SmallBytes.copy() and take() give bytes that nobody else has, of any length", () => {
  const small = new SmallBytes();
  const source = Uint8Array.from({ length: 20_000 }, (_, i) => i * 7);
  const copies = [];
  for (const length of [0, 1, 5, 17, 8191, 8192, 8193, 3, 20_000, 4096]) {
    for (let i = 0; i < 5; i++) {
      copies.push({ start: i, length: Math.min(length, source.length - i), copy: small.copy(source, i, i + length) });
    }
    assertEquals(small.take(length), new Uint8Array(length));
  }
  source.fill(0xee);
  for (const { start, length, copy } of copies) {
    assertEquals(copy, Uint8Array.from({ length }, (_, i) => (start + i) * 7));
    copy.fill(0xdd);
  }
});

Deno.test("SmallBytes.copy() ends where its source does", () => {
  assertEquals(new SmallBytes().copy(Uint8Array.of(1, 2, 3), 1, 9), Uint8Array.of(2, 3));
});
