/** Threads: those that are there, those that come, those that go. */

import { assertEquals } from "@std/assert";
import { rounds, SOAK, untraced } from "../support.ts";
import { traced } from "../tracing.ts";

const WORK = "pid$target:a.out:work:entry";
const WORK_RETURN = "pid$target:a.out:work:return";

/** Traces a target and compares it with the untraced program. */
async function assertCounts(name: string, args: readonly number[], count: number): Promise<void> {
  const { hits, warnings, ...outcome } = await traced(name, [WORK, WORK_RETURN], { args });
  assertEquals({ hits, warnings }, { hits: [count, count], warnings: [] });
  assertEquals(outcome, await untraced(name, { args }));
}

Deno.test("Session.run() counts the calls of one thread", () => assertCounts("calls", [1000 * SOAK], 1000 * SOAK));

Deno.test("Session.run() counts the calls of 32 threads that were there", () =>
  assertCounts("waiting_threads", [32, 50 * SOAK], 1600 * SOAK));

Deno.test("Session.run() counts the calls of 32 threads that came later", () =>
  assertCounts("threads", [32, 50 * SOAK], 1600 * SOAK));

Deno.test("Session.run() counts the calls of hundreds of threads that live for one call", () => {
  const count = rounds(500, 10_000);
  return assertCounts("churn", [count], count);
});

Deno.test("Session.run() goes on when the first thread has exited", () => assertCounts("leader_exit", [500], 1000));
