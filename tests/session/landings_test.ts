/** Threads that are inside of what becomes a jump, and return addresses that lead there. */

import { assert, assertEquals } from "@std/assert";
import { type Enabled, type EnableOptions, Session } from "../../mod.ts";
import { changedText, rounds, TargetProgram, within } from "../support.ts";

const ROUNDS = 1000;
const CALLS_BACK = "pid$target:a.out:calls_back:";
const SPINS = "pid$target:a.out:spins:";
/** The instructions of calls_back behind its call, by their offsets: a call that was under way comes there as well. */
const BEHIND_CALL = ["9", "c", "f", "10", "return"];
/** What returns_into.c prints: 7 + 1 + 2 of the first call, i + 1 + 2 of the others. */
const OUTCOME = { stdout: `${10 + ROUNDS * (ROUNDS - 1) / 2 + 3 * ROUNDS} 7\n`, end: "exited 8" };

/** Starts the program, and attaches when a call is under way in one thread, and another one runs where a jump will be. */
async function withCallUnderWay(use: (session: Session, target: TargetProgram) => Promise<void>): Promise<void> {
  await using target = await TargetProgram.start("returns_into", { args: [ROUNDS] });
  assertEquals(await target.line(), "ready");
  await target.send();
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  await use(session, target);
}

/** Enables all instructions of both functions. All but the call are jumps if hits need not stop the thread. */
function enableAll(session: Session, options: EnableOptions): Enabled[] {
  const enabled = [CALLS_BACK, SPINS].map((description) => session.enable(description, options));
  const jumps = session.stats().tracepoints.entries.filter(({ performed }) => performed === "jump").length;
  assertEquals(jumps, options.handler === undefined ? 11 : 0);
  return enabled;
}

Deno.test("Session.enable() counts a call that was under way where it returns to, inside of what has become a jump", async () => {
  await withCallUnderWay(async (session, target) => {
    const [back, spins] = enableAll(session, { count: true });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), OUTCOME);
    for (const [{ name }, hits] of back!.counts) {
      assertEquals(hits, ROUNDS + (BEHIND_CALL.includes(name) ? 1 : 0), name);
    }
    assertEquals([...spins!.counts].find(([{ name }]) => name === "return")?.[1], 1);
    assert(spins!.hitsTotal > 2, String(spins!.hitsTotal));
  });
});

Deno.test("Enabled[Symbol.dispose]() takes jumps out under a thread inside of them, and under return addresses, again and again", async () => {
  await withCallUnderWay(async (session, target) => {
    for (let round = 0; round < rounds(30, 300); round++) {
      const options = [{ count: true }, { record: () => {} }, { handler: () => {} }][round % 3]!;
      for (const each of enableAll(session, options as EnableOptions)) each[Symbol.dispose]();
      assertEquals(changedText(target.pid).filter((place) => place.includes("/returns_into+")), []);
    }
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), OUTCOME);
  });
});

Deno.test("Session.detach() lets a call return that was under way when its caller had jumps", async () => {
  await withCallUnderWay(async (session, target) => {
    enableAll(session, { record: () => {} });
    session.detach(session.targets[0]!);
    assertEquals(changedText(target.pid), []);
    await target.send();
    assertEquals(await target.outcome(), OUTCOME);
  });
});
