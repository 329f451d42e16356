/** Signals that come in numbers while a thread is in a pad. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { TargetProgram, within } from "../support.ts";

const SIGNALS = 20_000;

Deno.test("Session.enable() records a hit once by a jump however many signals arrive meanwhile", async () => {
  await using target = await TargetProgram.start("bursts", { args: [SIGNALS] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  // So much is copied that a thread that is stepped out of the pad takes hundreds of steps, in which signals add up.
  const enabled = session.enable("pid$target:a.out:work:entry", {
    capture: [{ kind: "bytes", argument: 1, sizeBytes: 512 }],
    record: () => {},
  });
  await target.send();
  await within(session.run(), "the end of the run");
  const { stdout, end } = await target.outcome();
  const [, signals, calls] = /^(\d+) signals\n(\d+) calls\n$/.exec(stdout) ?? [];
  assertEquals([signals, end], [String(SIGNALS), "exited 0"]);
  assert(session.stats().tracepoints.entries.every(({ performed }) => performed.startsWith("jump")));
  assertEquals(enabled.hitsTotal + enabled.dropsTotal, Number(calls));
});
