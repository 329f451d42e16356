/** The clock of the CPU, which pads read for the time of a record: programs may not have it. */

import { assert, assertEquals } from "@std/assert";
import { type HitRecord, Session } from "../../mod.ts";
import { TargetProgram, untraced, within } from "../support.ts";

const ROUNDS = 1000;
const WORK = "pid$target:a.out:work:entry";

/** Records the calls of a program that forbids itself the clock before or after it is attached to; 0 is never. */
async function record(when: number) {
  const args = [ROUNDS, when];
  await using target = await TargetProgram.start("clockless", { args });
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  let last = 0;
  const consume = ({ timestampNs }: HitRecord) => void (last = timestampNs);
  const recorded = session.enable(WORK, { record: consume });
  const [entry] = session.stats().tracepoints.entries;
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([await target.outcome(), warnings], [await untraced("clockless", { args }), []]);
  const { hitsTotal, dropsTotal } = recorded;
  return { performed: entry!.performed, trapReason: entry!.trapReason, hitsTotal, dropsTotal, last };
}

Deno.test("Session.enable() makes traps that record where a program may not read the clock of the CPU, and says so", async () => {
  const { performed, trapReason, hitsTotal, last } = await record(1);
  assertEquals([trapReason, hitsTotal], ["it may not read the clock of the CPU", 2 * ROUNDS]);
  assert(performed !== "jump" && last > 0);
  const { performed: usual } = await record(0);
  assertEquals(usual, "jump");
});

Deno.test("Session.enable() drops what it would record by jumps when a program has forbidden itself the clock meanwhile", async () => {
  const { performed, hitsTotal, dropsTotal } = await record(2);
  assertEquals([performed, hitsTotal, dropsTotal], ["jump", 0, 2 * ROUNDS]);
});

Deno.test("Session.enable() counts by jumps in a program that may not read the clock of the CPU", async () => {
  const args = [ROUNDS, 1];
  await using target = await TargetProgram.start("clockless", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const counted = session.enable(WORK, { count: true });
  assertEquals(session.stats().tracepoints.entries.map(({ performed }) => performed), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([await target.outcome(), counted.hitsTotal], [await untraced("clockless", { args }), 2 * ROUNDS]);
});
