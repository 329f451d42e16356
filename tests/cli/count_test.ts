/** `--count`: hits are counted where they happen, exactly, whatever is counted. */

import { assertEquals, assertMatch } from "@std/assert";
import { rounds, TARGETS, untraced } from "../support.ts";
import { run, START } from "./command.ts";

/** Runs a target under `--count`; the table, and how the tracepoints are performed that are there before it begins. */
async function count(name: string, descriptions: readonly string[], args: readonly number[]) {
  const { code, stdout, stderr } = await run([
    ...["-x", "fasttrapstats", "--count", ...descriptions.flatMap((description) => ["-n", description])],
    ...["--", `${TARGETS}${name}`, ...args],
  ], { permissions: START });
  const text = stdout + stderr;
  const ways = [...text.matchAll(/pid \d+ 0x[0-9a-f]+ (\w+):/g)].map(([, way]) => way!);
  const rows = [...stdout.matchAll(/^ +([a-z]+)\d+:(\S+) +(\d+)$/gm)].map(([, provider, rest, hits]) =>
    `${provider} ${rest} ${hits}`
  );
  assertMatch(stderr, /\nfasttrap: \d+ hits, no drops\n$/);
  return { code, stdout, ways, rows };
}

Deno.test("fasttrap --count counts entries, returns and offsets of 8 threads exactly, by jumps", async () => {
  const calls = rounds(200_000, 5_000_000);
  const args = [calls, 8, 1];
  const probes = ["entry", "return", "4"].map((name) => `pid$target:a.out:take:${name}`);
  const { code, stdout, ways, rows } = await count("tallies", probes, args);
  assertEquals([code, ways], [0, ["jump", "jump", "jump"]]);
  const hits = 8 * calls;
  assertEquals(rows, ["4", "entry", "return"].map((name) => `pid tallies:take:${name} ${hits}`));
  // What the program found itself.
  for (const line of (await untraced("tallies", { args })).stdout.trim().split("\n")) {
    assertEquals([line.split(" ")[0], stdout.includes(line)], [String(hits), true]);
  }
});

Deno.test("fasttrap --count counts a shot once, and what else is there each time", async () => {
  const { code, ways, rows } = await count("tallies", [
    "oneshot$target:a.out:take:entry",
    "pid$target:a.out:take:entry",
  ], [5000, 8, 1]);
  assertEquals([code, ways], [0, ["emulated"]]);
  assertEquals(rows, ["oneshot tallies:take:entry 1", "pid tallies:take:entry 40000"]);
});

Deno.test("fasttrap --count counts calls of threads that move from CPU to CPU exactly, by jumps", async () => {
  const [threads, calls] = [8, rounds(5000, 500_000)];
  const probes = ["work", "inner"].map((name) => `pid$target:a.out:${name}:entry`);
  const { code, stdout, ways, rows } = await count("movers", probes, [threads, calls]);
  assertEquals([code, ways], [0, ["jump", "jump"]]);
  assertMatch(stdout, RegExp(`^${threads * calls} calls$`, "m"));
  assertEquals(rows, ["inner", "work"].map((name) => `pid movers:${name}:entry ${threads * calls}`));
});

Deno.test("fasttrap --count counts static probes exactly, by jumps", async () => {
  const { code, ways, rows } = await count("reasons", ["reasons$target:::*"], [3000]);
  assertEquals([code, ways], [0, ["jump", "jump"]]);
  assertEquals(rows, ["high", "low", "usual"].map((name) => `reasons reasons:note:${name} 3000`));
});
