/** Code in places and states in which nothing may be taken for granted: the program computes what it does untraced. */

import { assertEquals } from "@std/assert";
import { untraced } from "../support.ts";
import { traced } from "../tracing.ts";

const WORK = "pid$target:a.out:work:entry";
const EVERYWHERE = "pid$target:a.out:work:";

/** Traces a target with probes and asserts that it does what it does untraced. */
async function assertSame(name: string, descriptions: readonly string[], args: readonly number[] = []) {
  const { hits, warnings, ...outcome } = await traced(name, descriptions, { args });
  assertEquals(outcome, await untraced(name, { args }));
  assertEquals(warnings, []);
  return hits;
}

Deno.test("Session.run() needs neither a stack nor a thread pointer of the program", async () => {
  // Seven calls a round on different stacks; in three of them it calls a part of itself twice.
  assertEquals(await assertSame("stacks", [WORK, EVERYWHERE.replace("work:", "work:return")], [50]), [350, 650]);
  const [entries, hits] = await assertSame("stacks", [WORK, EVERYWHERE], [50]);
  assertEquals([entries, hits! > 350 * 15], [350, true]);
});

Deno.test("Session.enable() of instructions at the edges of pages and of a mapping", async () => {
  const offsets = [0, 4, 8, 9, 10, 13];
  // The function across a page's border has the border within each of its instructions in turn.
  for (const before of [1, 2, 3, 5, 6, 7, 9, 11, 12]) {
    const starts = [0x2000_0080, 0x2000_3000 - 14, 0x2000_1000 - before];
    const addresses = starts.flatMap((start) => offsets.map((offset) => (start + offset).toString(16)));
    const hits = await assertSame("edges", addresses.map((address) => `pid$target:a.out:-:${address}`), [before]);
    assertEquals(hits, addresses.map(() => 5));
  }
});

/** Rounds, bytes that one instruction copies, and whether a filter forbids slots. */
for (const [rounds, bytes, filtered] of [[3, 1 << 20, 0], [3, 2000, 1]] as const) {
  const how = filtered === 0 ? "in slots" : "in place";
  Deno.test(`Session.run() keeps flags, vectors, segments and time stamp of instructions ${how}`, async () => {
    const descriptions = [WORK, "pid$target:a.out:work:return", EVERYWHERE];
    if (!/^flags.* avx512f /m.test(Deno.readTextFileSync("/proc/cpuinfo"))) {
      console.log("AVX-512 registers are left out: this processor has none");
    }
    const [entries, returns, hits] = await assertSame("states", descriptions, [rounds, bytes, filtered]);
    // A part of it is called; a repeated instruction is one hit.
    assertEquals([entries, returns, hits! < rounds * 120], [rounds, 2 * rounds, true]);
  });
}
