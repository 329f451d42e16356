import { assertEquals } from "@std/assert";
import { crc32 } from "node:zlib";
import { Crc32 } from "../../lib/object/crc32.ts";

Deno.test("Crc32 computes zlib's checksum, also piece by piece", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index * 7 ^ index >> 3);
  for (const length of [0, 1, 9, 1000]) {
    const crc = new Crc32();
    crc.update(bytes.subarray(0, length >> 1));
    crc.update(bytes.subarray(length >> 1, length));
    assertEquals(crc.value, crc32(bytes.subarray(0, length)));
  }
});
