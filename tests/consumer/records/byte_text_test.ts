import { assertEquals } from "@std/assert";
import { bytesOfText, textOfBytes } from "../../../lib/consumer/records/byte_text.ts";

Deno.test("textOfBytes() has a character for each byte, and bytesOfText() a byte for each character", () => {
  // What is short, what is ASCII and what is not are made differently.
  for (const length of [0, 1, 12, 13, 255, 256, 300, 9000]) {
    for (const first of [0, 1, 0x7f - length, 0x80, 0xef]) {
      const bytes = Uint8Array.from({ length }, (_, i) => first + i);
      const text = textOfBytes(bytes);
      assertEquals(text.length, length);
      for (let i = 0; i < length; i++) assertEquals(text.charCodeAt(i), bytes[i]);
      assertEquals(bytesOfText(text), bytes);
    }
  }
  const mark = Uint8Array.of(0xef, 0xbb, 0xbf, ...new Uint8Array(20).fill(0x61));
  assertEquals(bytesOfText(textOfBytes(mark)), mark);
});
