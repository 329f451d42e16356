/** Children: those with a copy of the memory, and those that share it. */

import { assertEquals } from "@std/assert";
import { SOAK, untraced } from "../support.ts";
import { traced } from "../tracing.ts";

const WORK = "pid$target:a.out:work:entry";

/** Traces a target and compares it with the untraced program. */
async function assertCounts(name: string, args: readonly number[], count: number): Promise<void> {
  const { hits, warnings, ...outcome } = await traced(name, [WORK, "pid$target:a.out:work:return"], { args });
  assertEquals({ hits, warnings }, { hits: [count, count], warnings: [] });
  assertEquals(outcome, await untraced(name, { args }));
}

Deno.test("Session.run() does not follow 300 children made by fork", () =>
  assertCounts("forks", [300 * SOAK], 300 * SOAK));

Deno.test("Session.run() leaves children alone that fork again", () => assertCounts("forks", [20, 4], 20));

Deno.test("Session.run() leaves children of a program with threads alone", () =>
  assertCounts("fork_threads", [4, 25 * SOAK], 100 * SOAK));

Deno.test("Session.run() follows children that share memory until they execute a program or end", () =>
  assertCounts("sharers", [10 * SOAK], 110 * SOAK));

Deno.test("Session.run() leaves children alone while every instruction is probed", async () => {
  for (const name of ["forks", "fork_threads", "sharers"]) {
    const { warnings, stdout, end } = await traced(name, ["pid$target:a.out::"], { args: [4, 2] });
    assertEquals({ stdout, end }, await untraced(name, { args: [4, 2] }));
    assertEquals(warnings, []);
  }
});
