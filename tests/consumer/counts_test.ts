import { assertEquals } from "@std/assert";
import { formatCounts, ProbeCounter } from "../../lib/consumer/counts.ts";
import { makeProbe } from "./events.ts";

Deno.test("ProbeCounter.sorted() has the smallest count first, then the names in their order", () => {
  const counter = new ProbeCounter();
  const hits: [name: string, hits: number][] = [["malloc", 4711], ["free", 12], ["calloc", 12], ["realloc", 1]];
  hits.forEach(([name, count], id) => {
    const probe = makeProbe({ id, function: name });
    for (let i = 0; i < count; i++) counter.add(probe);
  });
  assertEquals(counter.sorted().map(({ probe, hitsTotal }) => [probe.function, hitsTotal]), [
    ["realloc", 1],
    ["calloc", 12],
    ["free", 12],
    ["malloc", 4711],
  ]);
});

Deno.test("ProbeCounter.sorted() counts probes of one name as one", () => {
  const counter = new ProbeCounter();
  for (const id of [3, 7, 3, 9]) counter.add(makeProbe({ id }));
  counter.add(makeProbe({ id: 4, name: "return" }));
  assertEquals(counter.sorted().map(({ probe, hitsTotal }) => [probe.name, hitsTotal]), [["return", 1], ["entry", 4]]);
});

Deno.test("formatCounts() prints dtrace's columns and does not cut what is too long", () => {
  const table = formatCounts([
    { probe: makeProbe({ function: "free" }), hitsTotal: 12 },
    { probe: makeProbe({ function: "a".repeat(40) }), hitsTotal: 1e16 },
  ]);
  assertEquals(
    table,
    `
  pid1234:libc.so.6:free:entry                                     12
  pid1234:libc.so.6:${"a".repeat(40)}:entry 10000000000000000
`,
  );
});

Deno.test("formatCounts() prints an empty line when nothing was hit", () => {
  assertEquals(formatCounts([]), "\n");
});
