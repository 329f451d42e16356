/** What a session does that is closed. */

import { assertEquals, assertThrows } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, withTarget } from "../support.ts";

Deno.test("Session[Symbol.dispose]() has everything refused that needs a target, and leaves the rest", () =>
  withTarget("calls", async (target) => {
    const session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    const description = `pid${target.pid}:a.out:work:entry`;
    const [probe] = session.list(description);
    const enabled = session.enable(description, { handler: () => {} });
    session[Symbol.dispose]();
    const uses: Record<string, () => unknown> = {
      attach: () => session.attach(target.pid),
      spawn: () => session.spawn("true"),
      list: () => session.list(description),
      enable: () => session.enable(description),
      addDof: () => session.addDof(target.pid, new Uint8Array(64)),
    };
    for (const [name, use] of Object.entries(uses)) assertThrows(use, TypeError, "the session is closed", name);
    session.stop();
    session.detach(traced);
    enabled[Symbol.dispose]();
    session[Symbol.dispose]();
    await session.run();
    assertEquals([session.inspect(probe!).sites, session.stats().total, enabled.hitsTotal], [[], 0, 0]);
    assertTextUntouched(target.pid);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "sum 145\n", end: "exited 7" });
  }));
