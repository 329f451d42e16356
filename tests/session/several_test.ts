/** Several targets, and several sessions, at a time. */

import { assertEquals } from "@std/assert";
import { type Enabled, Session } from "../../mod.ts";
import { SOAK, TargetProgram, untraced, within } from "../support.ts";

const ARGUMENTS = { args: [500 * SOAK] };

/** Starts a program a few times; each is ready. */
async function startAll(count: number): Promise<TargetProgram[]> {
  const targets = await Promise.all(Array.from({ length: count }, () => TargetProgram.start("calls", ARGUMENTS)));
  for (const target of targets) assertEquals(await target.line(), "ready");
  return targets;
}

/** Asserts that all targets have ended as they do untraced, with so many hits each. */
async function assertEnds(targets: readonly TargetProgram[], enabled: readonly Enabled[]): Promise<void> {
  const plain = await untraced("calls", ARGUMENTS);
  for (const target of targets) assertEquals(await target.outcome(), plain);
  assertEquals(enabled.map(({ hitsTotal }) => hitsTotal), enabled.map(() => 500 * SOAK));
}

Deno.test("Session.run() keeps several targets apart", async () => {
  const targets = await startAll(3);
  try {
    await using session = new Session({ signals: false });
    const seen = new Map<number, number>();
    const enabled = targets.map(({ pid }) =>
      session.enable(`pid${pid}:a.out:work:entry`, {
        handler: (hit) => {
          assertEquals(hit.probe.provider, `pid${hit.pid}`);
          seen.set(hit.pid, (seen.get(hit.pid) ?? 0) + 1);
        },
      })
    );
    for (const target of targets) await target.send();
    await within(session.run(), "the end");
    assertEquals([...seen.keys()].sort(), targets.map(({ pid }) => pid).sort());
    assertEquals(session.targets.map(({ end }) => end?.code), [7, 7, 7]);
    await assertEnds(targets, enabled);
  } finally {
    for (const target of targets) await target[Symbol.asyncDispose]();
  }
});

Deno.test("Session.run() of one session leaves the threads of another alone", async () => {
  const targets = await startAll(3);
  try {
    const sessions = targets.map(() => new Session({ signals: false }));
    const enabled = sessions.map((session, i) => {
      session.attach(targets[i]!.pid);
      return session.enable("pid$target:a.out:work:entry", { handler: () => {} });
    });
    for (const target of targets) await target.send();
    await within(Promise.all(sessions.map((session) => session.run())), "the end of all");
    await assertEnds(targets, enabled);
    for (const session of sessions) await session[Symbol.asyncDispose]();
  } finally {
    for (const target of targets) await target[Symbol.asyncDispose]();
  }
});
