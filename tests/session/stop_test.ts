/** The end of a run, at every moment at which it can be asked for. */

import { assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { untraced, within, withTarget } from "../support.ts";

/** How many promises are awaited at most between two steps of the session's loop. */
const GAPS = 40;

Deno.test("Session.stop() ends a run whenever it comes", () =>
  withTarget("idle", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    for (let gap = 0; gap < GAPS; gap++) {
      const running = session.run();
      for (let i = 0; i < gap; i++) await Promise.resolve();
      session.stop();
      await within(running, `the end of the run that was stopped after ${gap} promises`, 10_000);
    }
    session.detach(session.targets[0]!);
    await target.send();
    assertEquals(await target.outcome(), await untraced("idle"));
  }));

Deno.test("Session[Symbol.asyncDispose]() ends a run whenever it comes", () =>
  withTarget("idle", async (target) => {
    for (let gap = 0; gap < GAPS; gap += 3) {
      const session = new Session({ signals: false });
      session.attach(target.pid);
      const running = session.run();
      for (let i = 0; i < gap; i++) await Promise.resolve();
      await within(session[Symbol.asyncDispose](), `the end of a session after ${gap} promises`, 10_000);
      await within(running, "the end of its run", 10_000);
    }
    await target.send();
    assertEquals(await target.outcome(), await untraced("idle"));
  }));
