import { assertEquals } from "@std/assert";
import { KeyTable } from "../../../lib/d/run/key_table.ts";
import { makeRandom } from "../random.ts";

Deno.test("KeyTable.find() agrees with a Map while keys come and go", () => {
  const random = makeRandom(1);
  const table = new KeyTable();
  const map = new Map<string, number>();
  const source = new Int32Array(64);
  for (let round = 0; round < 20_000; round++) {
    const count = 1 + random() % 5;
    const start = random() % 32;
    for (let i = 0; i < count; i++) source[start + i] = random() % 6 - 3;
    const key = source.slice(start, start + count).join();
    const found = table.find(source, start, count);
    assertEquals(found, map.get(key) ?? -1);
    if (found < 0) map.set(key, table.add(source, start, count));
    else if (random() % 3 === 0) {
      table.remove(found);
      map.delete(key);
    }
    assertEquals(table.size, map.size);
  }
  const left = [...table.entries()].map((entry): [string, number] => [table.key(entry).join(), entry]);
  assertEquals(new Map(left), map);
});

Deno.test("KeyTable.find() tells keys apart of which one is the beginning of the other", () => {
  const table = new KeyTable();
  const words = Int32Array.of(1, 2, 3);
  const long = table.add(words, 0, 3);
  assertEquals(table.find(words, 0, 2), -1);
  const short = table.add(words, 0, 2);
  assertEquals([table.find(words, 0, 3), table.find(words, 0, 2)], [long, short]);
  assertEquals(table.find(words, 1, 0), -1);
});

Deno.test("KeyTable.remove() gives the numbers and the memory of entries back", () => {
  const table = new KeyTable();
  const words = new Int32Array(10);
  for (let i = 0; i < 100_000; i++) {
    words[0] = i;
    const entry = table.add(words, 0, 10);
    assertEquals(entry < 101, true);
    if (i >= 100) {
      words[0] = i - 100;
      table.remove(table.find(words, 0, 10));
    }
  }
  assertEquals([table.size, table.keyBytes], [100, 4000]);
  assertEquals(
    [...table.entries()].map((entry) => table.key(entry)[0]).sort(),
    Array.from({ length: 100 }, (_, i) => 99_900 + i),
  );
});
