/** Slots are not used again while a thread can be in them. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Barrier } from "../../lib/fasttrap/barrier.ts";
import { Session } from "../../mod.ts";
import {
  assertTextUntouched,
  type Outcome,
  SOAK,
  TargetProgram,
  until,
  untraced,
  within,
  withTarget,
} from "../support.ts";
import { allRead, noting, Traced } from "./traced.ts";

const THREADS = 8;
/** How long a program that has gone wrong is waited for, in milliseconds. */
const LIMIT_MS = 5_000;

/**
 * Enables and disables probes of two functions in turn, whose slots take the place of each other, while threads are in
 * the middle of them nearly all the time.
 */
async function takeTurns(rounds: number): Promise<Outcome> {
  await using target = await TargetProgram.start("stays", { args: [THREADS] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const names = ["pid$target:a.out:fill:*", "pid$target:a.out:other:*"];
  for (let round = 0; round < rounds && target.alive; round++) {
    using enabled = session.enable(names[round % 2]!, { handler: () => {}, allowNone: true });
    // From one hit to the next threads are on their way through the slots.
    for await (const _ of session.batches()) if (enabled.hitsTotal >= 20 + (round * 7) % 50) session.stop();
  }
  for (const traced of session.targets) session.detach(traced);
  if (target.alive) assertTextUntouched(target.pid);
  await target.send();
  return await target.outcome();
}

Deno.test("Barrier keeps slots from being used again while threads are in them", async () => {
  assertEquals(await takeTurns(100 * SOAK), await untraced("stays", { args: [THREADS] }));
});

/**
 * Threads block in the slot of a system call; its probe is disabled, and others are enabled that need slots. Then the
 * threads go on.
 */
async function reuseWhileBlocked(): Promise<Outcome> {
  await using target = await TargetProgram.start("blocked");
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  {
    using enabled = session.enable("pid$target:a.out:work:*", { handler: () => {} });
    await target.send();
    const running = session.run();
    await until(() => enabled.hitsTotal > 0 && allRead(target.pid), "the system calls");
    session.stop();
    await running;
  }
  session.enable("pid$target:a.out:run:*", { handler: () => {} });
  await target.send("abcd");
  await within(session.run(), "the end of the run", LIMIT_MS);
  return await target.outcome();
}

Deno.test("Barrier keeps slots from being used again while threads are blocked in them", async () => {
  assertEquals(await reuseWhileBlocked(), { stdout: "read 4\n", end: "exited 0" });
});

Deno.test("Barrier is needed: without it the same program goes wrong", async () => {
  const { retire } = Barrier.prototype;
  Barrier.prototype.retire = (image, slots) => slots.forEach((slot) => image.slots.free(slot));
  try {
    // It may also never end.
    const outcome = await reuseWhileBlocked().catch((error: Error) => error.message);
    assertNotEquals(outcome, { stdout: "read 4\n", end: "exited 0" });
  } finally {
    Barrier.prototype.retire = retire;
  }
});

Deno.test("Barrier.pass() frees the slot of a blocked system call when the thread has left it", () =>
  withTarget("blocked", async (target) => {
    using traced = new Traced(target);
    const { fasttrap, process: { image } } = traced;
    const { sizeBytes } = traced.find("work");
    const call = traced.probe("work", "offset", [sizeBytes - 3], "call");
    const hits: string[] = [];
    const enabling = noting(hits);
    assertEquals(fasttrap.enable([call], enabling), []);
    await target.send();
    traced.pumpUntil(() => hits.length === 4);
    traced.pumpUntil(() => allRead(target.pid));
    const { generation } = fasttrap.barrier;
    fasttrap.disable([call], enabling);
    assertEquals([fasttrap.barrier.generation, fasttrap.barrier.waitingTotal(image)], [generation + 1, 1]);
    // Another slot takes another place, though this one is the first of the arena.
    fasttrap.enable([call], enabling);
    fasttrap.disable([call], enabling);
    assert(fasttrap.barrier.waitingTotal(image) >= 1);
    await target.send("abcd");
    traced.pumpUntil(() => !target.alive || [...image.threads()].length === 1);
    fasttrap.enable([call], enabling);
    assertEquals(fasttrap.barrier.waitingTotal(image), 0);
    traced.pumpUntil(() => !traced.process.alive);
    await until(() => !target.alive, "the end");
    assertEquals(await target.outcome(), { stdout: "read 4\n", end: "exited 0" });
  }));
