import { assertEquals } from "@std/assert";
import { formatCounts } from "../../lib/consumer/counts.ts";
import { makeProbe } from "./events.ts";

Deno.test("formatCounts() prints the smallest count first and leaves out probes without hits", () => {
  const table = formatCounts([
    { probe: makeProbe({ function: "malloc" }), hitsTotal: 4711 },
    { probe: makeProbe({ function: "never" }), hitsTotal: 0 },
    { probe: makeProbe({ function: "free" }), hitsTotal: 12 },
    { probe: makeProbe({ function: "calloc" }), hitsTotal: 12 },
  ]);
  assertEquals(
    table,
    `
  pid1234:libc.so.6:calloc:entry                                   12
  pid1234:libc.so.6:free:entry                                     12
  pid1234:libc.so.6:malloc:entry                                 4711
`,
  );
});

Deno.test("formatCounts() prints an empty line when nothing was hit", () => {
  assertEquals(formatCounts([]), "\n");
});
