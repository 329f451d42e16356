/** Signals reach the program as if nobody traced it. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Session } from "../../mod.ts";
import { rounds, SOAK, untraced, withTarget } from "../support.ts";
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

Deno.test("Session.run() passes signals with their siginfo and in their order", async () => {
  const rounds = 20 * SOAK;
  const [hits] = await assertSame("signals", [WORK], [rounds]);
  // 15 signals, as many calls after them, and five that were blocked.
  assertEquals(hits, rounds * 35);
});

Deno.test("Session.run() passes signals while every instruction of their handlers is probed", async () => {
  const { hits, ...outcome } = await traced("signals", [WORK, EVERYWHERE, "pid$target:a.out:handle:"], { args: [5] });
  const { stdout, end } = await untraced("signals", { args: [5] });
  assertEquals({ stdout: outcome.stdout, end: outcome.end }, { stdout, end });
  assertEquals(hits[0], 5 * 35);
});

for (const [name, description] of [["entry", WORK], ["every instruction", EVERYWHERE]] as const) {
  Deno.test(`Session.run() never shows a slot's address to a handler: ${name} of work()`, async () => {
    const args = [name === "entry" ? rounds(50_000, 1_000_000) : 8000 * SOAK, 1000];
    const { hits, stdout, end } = await traced("timer", [WORK, description], { args });
    const plain = await untraced("timer", { args });
    const parse = (text: string) => new Map(text.trim().split("\n").map((line) => line.split(" ") as [string, string]));
    const seen = parse(stdout);
    assertEquals(end, plain.end);
    assertEquals(seen.get("sum"), parse(plain.stdout).get("sum"));
    assertEquals(seen.get("bad"), "0");
    const ticks = Number(seen.get("ticks"));
    assertGreaterOrEqual(ticks, 10);
    // Once for each call, the handler's own included, even if a signal came while the thread was in a slot.
    assertEquals(hits[0], args[0]! + ticks);
    assertEquals(hits[1]! % hits[0]!, 0);
  });
}

Deno.test("Session.run() goes on when handlers leave by siglongjmp what they have interrupted", async () => {
  const least = 200 * SOAK;
  for (const description of [WORK, EVERYWHERE, "pid$target:a.out:work:return"]) {
    const { hits, stdout, end, warnings } = await traced("escapes", [WORK, description], { args: [least, 300] });
    const [wrong, figures] = stdout.split("\n");
    const [calls, jumps] = figures!.split(" ").map(Number);
    assertEquals([wrong, end, warnings], ["wrong 0", "exited 0", []]);
    assertGreaterOrEqual(jumps!, least);
    // A jump can come between counting the call and making it, but no call is missed and none is seen twice.
    assert(hits[0]! <= calls! && hits[0]! >= calls! - jumps!, `${hits} hits of ${calls} calls, ${jumps} jumps`);
  }
  assertEquals((await untraced("escapes", { args: [10, 300] })).stdout.split("\n")[0], "wrong 0");
});

Deno.test("Session.run() keeps the order and the values of queued signals that come while a thread is in a slot", async () => {
  const args = [4000 * SOAK];
  const { hits, ...outcome } = await traced("queued", [EVERYWHERE], { args });
  assert(hits[0]! > 0);
  assertEquals(outcome, { ...await untraced("queued", { args }), warnings: [] });
});

Deno.test("Session.detach() keeps the order and the values of queued signals", () => {
  const args = [4000 * SOAK];
  return withTarget("queued", async (target) => {
    await using session = new Session({ signals: false });
    await target.send();
    for (let round = 0; round < 30 * SOAK && target.alive; round++) {
      const traced = session.attach(target.pid);
      const enabled = session.enable(EVERYWHERE, { handler: () => {}, allowNone: true });
      for await (const _ of session.batches()) if (enabled.hitsTotal >= (round * 7) % 30) session.stop();
      session.detach(traced);
    }
    assertEquals(await target.outcome(), await untraced("queued", { args }));
  }, { args });
});

Deno.test("Session.run() leaves the program its own traps", async () => {
  const handler = ["entry", "return", ""].map((name) => `pid$target:a.out:handle:${name}`);
  assertEquals((await assertSame("own_trap", [WORK, ...handler])).slice(0, 3), [3, 9, 9]);
  const { warnings, ...outcome } = await traced("own_trap", [EVERYWHERE]);
  assertEquals({ stdout: outcome.stdout, end: outcome.end }, await untraced("own_trap"));
  assertEquals(warnings.map((warning) => warning.replace(/.*: it/, "it")), [
    "it is int3, which debuggers use, at offset 0x1",
    "it is int3, which debuggers use, at offset 0x3",
    "it is a software interrupt, at offset 0x5",
  ]);
});

Deno.test("Session.run() reports faults at the place and address that they have untraced", async () => {
  const entries = await assertSame("faults", ["pid$target:a.out:faults:entry"]);
  assertEquals(entries, [21]);
  const { hits, ...outcome } = await traced("faults", ["pid$target:a.out:faults:", "pid$target:a.out:faults:entry"]);
  const { stdout, end } = await untraced("faults");
  assertEquals({ stdout: outcome.stdout, end: outcome.end }, { stdout, end });
  assertEquals(hits[1], 21);
});

Deno.test("Session.run() leaves interrupted system calls as they are", async () => {
  await assertSame("interrupted", [WORK]);
  await assertSame("interrupted", [EVERYWHERE]);
});
