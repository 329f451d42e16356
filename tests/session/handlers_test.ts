/** What handlers may do in the middle of a hit, while other threads come to theirs. */

import { assert, assertEquals } from "@std/assert";
import { type Hit, Session } from "../../mod.ts";
import { assertTextUntouched, TARGETS, until, withTarget } from "../support.ts";

const WORK = "pid$target:a.out:work:entry";

/**
 * Has a handler do something in the middle of a hit in `spin`, and asserts that no other hit comes in between and that
 * the thread has the registers that it had.
 */
async function inHandler(session: Session, pid: number, act: () => void): Promise<void> {
  const traced = session.attach(pid);
  let depth = 0;
  let hits = 0;
  const look = (hit: Hit) => [hit.tid, hit.pc, hit.arg(0), hit.timestampNs];
  const handler = (hit: Hit) => {
    assertEquals(++depth, 1);
    const before = look(hit);
    if (++hits === 20) act();
    assertEquals(look(hit), before);
    depth--;
    if (hits === 200) session.detach(traced);
  };
  session.enable(`pid${pid}:a.out:work:entry`, { handler });
  for await (const _ of session.batches()) if (!traced.alive) session.stop();
  assertEquals(hits, 200);
  assertTextUntouched(pid);
}

Deno.test("Session.detach() of another target in a handler lets no hit in while it waits", () =>
  withTarget("vfork_waits", async (other) => {
    await other.send();
    const children = () => Deno.readTextFileSync(`/proc/${other.pid}/task/${other.pid}/children`).trim();
    await until(() => children() !== "", "the child");
    await withTarget("spin", async (target) => {
      await using session = new Session({ signals: false });
      const waiting = session.attach(other.pid);
      session.enable(WORK, { handler: () => {} });
      let killer: Deno.ChildProcess | undefined;
      await inHandler(session, target.pid, () => {
        // Its thread that waits in vfork can be let go only when it comes out. Until then the others come to many hits.
        killer = new Deno.Command("sh", { args: ["-c", `sleep 0.1; kill -KILL ${children()}`] }).spawn();
        session.detach(waiting);
      });
      assertEquals((await killer!.status).code, 0);
      await target.send();
      assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
    }, { args: [4] });
    assertEquals(await other.outcome(), { stdout: "0 3\n", end: "exited 0" });
  }));

Deno.test("Session.spawn() in a handler leaves the hit as it was", () =>
  withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    await inHandler(session, target.pid, () => {
      // It runs up to its main function, and no further.
      const started = session.spawn(`${TARGETS}threads`, { args: ["4", "10"], moment: "main" });
      const enabled = session.enable(`pid${started.pid}:a.out:main:entry`, { handler: () => {} });
      assert(started.alive && enabled.probes.length === 1);
    });
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [4] }));
