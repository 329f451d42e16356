/** Children: those with a copy of the memory, and those that share it. */

import { assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, rounds, SOAK, tracerOf, until, untraced, within, withTarget } from "../support.ts";
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

Deno.test("Session.detach() leaves no mapping and no byte behind after hundreds of forks", () => {
  const count = rounds(200, 1000);
  const args = [count + 1];
  return withTarget("forks", async (target) => {
    const mappings = () => Deno.readTextFileSync(`/proc/${target.pid}/maps`).split("\n").length;
    const before = mappings();
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    let during = 0;
    const handler = () => {
      if (enabled.hitsTotal === 1) during = mappings();
      if (enabled.hitsTotal < count) return;
      assertEquals(mappings(), during);
      // It stays as it is let go until it has been looked at.
      Deno.kill(target.pid, "SIGSTOP");
      session.detach(traced);
    };
    const enabled = session.enable(WORK, { handler });
    session.enable("pid$target:a.out:main:", { handler: () => {} });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals([enabled.hitsTotal, tracerOf(target.pid), mappings()], [count, 0, before]);
    assertTextUntouched(target.pid);
    Deno.kill(target.pid, "SIGCONT");
    assertEquals(await target.outcome(), await untraced("forks", { args }));
  }, { args });
});

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

Deno.test("Session.run() lets children live whose parent is killed", async () => {
  for (let round = 0; round < 20 * SOAK; round++) {
    await withTarget("orphans", async (target) => {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      const enabled = session.enable("pid$target:a.out:work:entry", {
        handler: () => {
          // In the middle of forks by four threads.
          if (enabled.hitsTotal === 5 + round) Deno.kill(target.pid, "SIGKILL");
        },
      });
      await target.send();
      await within(session.run(), "the end of the run");
      // The children hold the output open as long as one of them is there, and end by themselves.
      const { stdout, end } = await target.outcome();
      assertEquals([stdout.replaceAll("good\n", ""), end], ["", "killed 9"]);
    });
  }
});

Deno.test("Session.attach() finds the child of vfork that shares the memory at that moment", () =>
  withTarget("vfork_waits", async (target) => {
    await target.send();
    const children = () => Deno.readTextFileSync(`/proc/${target.pid}/task/${target.pid}/children`).trim();
    await until(() => children() !== "", "the child");
    const child = Number(children());
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const seen: number[] = [];
    session.enable(WORK, { handler: (hit) => void seen.push(hit.pid, hit.arg(0)) });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(seen, [child, 1, target.pid, 2]);
    assertEquals(await target.outcome(), { stdout: "3 3\n", end: "exited 0" });
  }));

Deno.test("Session[Symbol.dispose]() lets a thread go that waits for vfork, when it comes out", () =>
  withTarget("vfork_waits", async (target) => {
    await target.send();
    const children = () => Deno.readTextFileSync(`/proc/${target.pid}/task/${target.pid}/children`).trim();
    await until(() => children() !== "", "the child");
    {
      using session = new Session({ signals: false });
      session.attach(target.pid);
      session.enable(WORK, { handler: () => {} });
    }
    assertTextUntouched(target.pid);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "3 3\n", end: "exited 0" });
  }));
