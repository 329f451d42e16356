/** SIGSTOP and SIGCONT, seen from outside. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, stateOf, type TargetProgram, tracerOf, until, withTarget } from "../support.ts";

const WORK = "pid$target:a.out:work:entry";

/** Runs a session until the test stops it, while something is done from outside. */
async function meanwhile(session: Session, fn: () => Promise<void>): Promise<void> {
  const run = session.run();
  try {
    await fn();
  } finally {
    session.stop();
    await run;
  }
}

/** Whether every thread of a process is in a state. */
function allIn(pid: number, states: string): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].every(({ name }) => states.includes(stateOf(Number(name)) ?? "?"));
}

/** Lets `spin` come to its end, and asserts that it has been right. */
async function assertRight(target: TargetProgram): Promise<void> {
  await target.send();
  assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
}

Deno.test("Session.run() leaves SIGSTOP and SIGCONT to work during hits", () =>
  withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = session.enable(WORK, { handler: () => {} });
    await meanwhile(session, async () => {
      for (let round = 0; round < 5; round++) {
        const before = enabled.hitsTotal;
        await until(() => enabled.hitsTotal > before, "a hit");
        Deno.kill(target.pid, "SIGSTOP");
        await target.report("stopped 19");
        // In the group-stop that PTRACE_LISTEN holds, the state is that of a stopped process.
        await until(() => allIn(target.pid, "Tt"), "the stop");
        const stopped = enabled.hitsTotal;
        await new Promise((resolve) => setTimeout(resolve, 5));
        assertEquals(enabled.hitsTotal, stopped);
        Deno.kill(target.pid, "SIGCONT");
        await target.report("continued");
      }
    });
    session.detach(session.targets[0]!);
    assertTextUntouched(target.pid);
    await assertRight(target);
    assertEquals(target.reports.filter((report) => report === "stopped 19").length, 5);
  }, { args: [3] }));

Deno.test("Session.attach() to a stopped process leaves it stopped, and so does Session.detach()", () =>
  withTarget("spin", async (target) => {
    Deno.kill(target.pid, "SIGSTOP");
    await target.report("stopped 19");
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    const enabled = session.enable(WORK, { handler: () => {} });
    session.enable("pid$target:a.out:work:", { handler: () => {} });
    assertEquals(enabled.hitsTotal, 0);
    await meanwhile(session, () => until(() => allIn(target.pid, "Tt"), "the stop"));
    assertEquals(enabled.hitsTotal, 0);
    session.detach(traced);
    await until(() => allIn(target.pid, "T"), "the stop");
    assertEquals(tracerOf(target.pid), 0);
    assertTextUntouched(target.pid);
    Deno.kill(target.pid, "SIGCONT");
    await assertRight(target);
  }, { args: [4] }));

Deno.test("Session.detach() of a process that was stopped while it was traced leaves it stopped", () =>
  withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    const enabled = session.enable("pid$target:a.out:work:", { handler: () => {} });
    await meanwhile(session, async () => {
      await until(() => enabled.hitsTotal > 100, "hits");
      Deno.kill(target.pid, "SIGSTOP");
      await target.report("stopped 19");
    });
    session.detach(traced);
    await until(() => allIn(target.pid, "T"), "the stop");
    assertTextUntouched(target.pid);
    Deno.kill(target.pid, "SIGCONT");
    await target.report("continued");
    await assertRight(target);
  }, { args: [4] }));

Deno.test("Session.run() hears of hits again after SIGCONT of a process that was attached while stopped", () =>
  withTarget("spin", async (target) => {
    Deno.kill(target.pid, "SIGSTOP");
    await target.report("stopped 19");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = session.enable(WORK, { handler: () => {} });
    await meanwhile(session, async () => {
      Deno.kill(target.pid, "SIGCONT");
      await until(() => enabled.hitsTotal > 10, "hits");
    });
    assert(enabled.hitsTotal > 10);
    session.detach(session.targets[0]!);
    await assertRight(target);
  }));
