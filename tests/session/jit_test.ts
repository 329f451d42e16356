/** Code that a program makes while it runs, and changes: traced by its addresses. */

import { assert, assertEquals } from "@std/assert";
import { type Enabled, type EnableOptions, Session } from "../../mod.ts";
import { type Outcome, rounds, TargetProgram, within } from "../support.ts";

const ROUNDS = 500;
/** Where in the code of jit.c instructions begin, before and after it has been changed. */
const OFFSETS = [0, 5, 7];
const WAYS: readonly (readonly [string, EnableOptions])[] = [
  ["count", { count: true }],
  ["record", { record: () => {} }],
  ["handle", { handler: () => {} }],
];

/** What the program does between two halves of its calls, and how many of them reach the probes. */
const CHANGES = [
  ["nothing", 4 * ROUNDS],
  ["writing other code there, which has no probes", 2 * ROUNDS],
  ["unmapping it and mapping other code there", 2 * ROUNDS],
  ["changing a number behind the first byte of an instruction", 4 * ROUNDS],
] as const;

for (const [mode, [change, calls]] of CHANGES.entries()) {
  for (const [way, options] of WAYS) {
    Deno.test(`Session.enable() has hits of code made at run time to ${way}, amid ${change}`, async () => {
      const args = [ROUNDS, mode];
      await using target = await TargetProgram.start("jit", { args });
      const address = Number.parseInt(await target.line(), 16);
      assertEquals(await target.line(), "ready");
      const warnings: string[] = [];
      await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
      session.attach(target.pid);
      const enabled = OFFSETS.map((offset) =>
        session.enable(`pid$target::-:${(address + offset).toString(16)}`, options)
      );
      const { entries } = session.stats().tracepoints;
      assertEquals(entries.map(({ performed }) => performed), OFFSETS.map(() => "step"));
      const reason = way === "handle" ? "a handler wants to see the thread" : "the program may change the code there";
      assertEquals(entries.map(({ trapReason }) => trapReason), OFFSETS.map(() => reason));
      await target.send();
      await within(session.run(), "the end of the run");
      assertEquals([await target.outcome(), warnings], [await jitOutcome(args), []]);
      assertEquals(enabled.map(({ hitsTotal, dropsTotal }) => hitsTotal + dropsTotal), OFFSETS.map(() => calls));
    });
  }
}

Deno.test("Enabled[Symbol.dispose]() in a handler spares threads that have hit the same trap, at the beginning of memory", async () => {
  const args = [rounds(20_000_000, 1_000_000_000), 0];
  await using target = await TargetProgram.start("jit", { args });
  const address = Number.parseInt(await target.line(), 16);
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const enable = () =>
    session.enable(`pid$target::-:${address.toString(16)}`, {
      handler() {
        enabled?.[Symbol.dispose]();
        enabled = undefined;
      },
    });
  let enabled: Enabled | undefined = enable();
  let hits = 0;
  await target.send();
  for await (const _ of session.batches()) {
    if (enabled !== undefined || !target.alive) continue;
    hits++;
    enabled = enable();
  }
  assertEquals(await target.outcome(), await jitOutcome(args));
  assert(hits > 10, `${hits} hits`);
});

/** What is left of the program untraced, behind the address, which differs from run to run. */
async function jitOutcome(args: readonly number[]): Promise<Outcome> {
  await using target = await TargetProgram.start("jit", { args });
  await target.line();
  assertEquals(await target.line(), "ready");
  await target.send();
  return await target.outcome();
}
