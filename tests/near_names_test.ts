import { assert, assertEquals } from "@std/assert";
import { editDistance, nearNames } from "../lib/near_names.ts";

/** The distance by its definition, without any band. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const cell = (di: number, dj: number) => rows[i - di]?.[j - dj] ?? Infinity;
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        cell(1, 1) + (same ? 0 : 1),
        cell(1, 0) + 1,
        cell(0, 1) + 1,
        swapped ? cell(2, 2) + 1 : Infinity,
      );
    }
  }
  return rows[a.length]?.[b.length] ?? NaN;
}

Deno.test("editDistance() counts insertions, deletions, replacements and swaps, up to its limit", () => {
  const pairs = [["", ""], ["malloc", "maloc"], ["maloc", "malloc"], ["free", "fred"], ["open", "oepn"], [
    "read",
    "write",
  ]];
  assertEquals(pairs.map(([a = "", b = ""]) => editDistance(a, b, 3)), [0, 1, 1, 1, 1, 4]);
});

Deno.test("editDistance() agrees with the definition for every pair of short words and every limit", () => {
  const words = [""];
  for (const word of words) if (word.length < 4) words.push(...["a", "b", "c"].map((letter) => word + letter));
  for (const a of words) {
    for (const b of words) {
      const expected = distance(a, b);
      for (const limit of [0, 1, 2, 3]) {
        const found = editDistance(a, b, limit);
        if (found !== Math.min(expected, limit + 1)) {
          assertEquals(found, Math.min(expected, limit + 1), `${a} ${b} ${limit}`);
        }
      }
    }
  }
});

const NAMES = ["malloc", "calloc", "realloc", "free", "main", "memcpy", "memmove", "__libc_malloc_impl"];

Deno.test("nearNames() finds an inserted, a removed, a replaced and a swapped letter, and other case", () => {
  for (
    const [name, meant] of [["maain", "main"], ["memcp", "memcpy"], ["frae", "free"], ["mian", "main"], [
      "MAIN",
      "main",
    ]]
  ) {
    assertEquals(nearNames(name ?? "", NAMES, 1), [meant]);
  }
});

Deno.test("nearNames() returns the nearest first, then names that contain the name", () => {
  assertEquals(nearNames("mallo", NAMES, 4), ["malloc", "calloc", "__libc_malloc_impl"]);
  assertEquals(nearNames("xalloc", NAMES, 2), ["calloc", "malloc"]);
});

Deno.test("nearNames() returns nothing for a name like no other, none, or one longer than anybody types", () => {
  assertEquals(nearNames("quux_handler", NAMES), []);
  assertEquals(nearNames("", NAMES), []);
  assertEquals(nearNames("m".repeat(129), ["m".repeat(130)]), []);
});

Deno.test("nearNames() returns each name once, never the name itself, and no more than asked for", () => {
  assertEquals(nearNames("main", ["main", "main1", "main1", "main2", "main3", "main4"]), ["main1", "main2", "main3"]);
});

Deno.test("nearNames() is quick with long candidates", () => {
  const start = performance.now();
  assertEquals(nearNames("x".repeat(128), Array.from({ length: 1000 }, (_, i) => "xy".repeat(2000) + i)), []);
  assert(performance.now() - start < 5000);
});
