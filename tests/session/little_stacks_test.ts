/** Probes where there is little stack: what a jump has no room for is done by a trap, and each hit is told. */

import { assert, assertEquals } from "@std/assert";
import { type EnableOptions, type HitRecord, Session } from "../../mod.ts";
import { TargetProgram, untraced, within } from "../support.ts";

const CALLS = 200;
/** In a thread, a coroutine and a handler; then once with each number of words that are left. */
const HITS = 3 * CALLS + 64;

/** Traces `little_stacks` by jumps, until it has ended as untraced. */
async function trace(name: string, options: EnableOptions): Promise<readonly number[]> {
  const args = [CALLS];
  const expected = await untraced("little_stacks", { args });
  assertEquals(expected.end, "exited 5");
  await using target = await TargetProgram.start("little_stacks", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const enabled = session.enable(`pid$target:a.out:${name}`, options);
  assertEquals(session.stats().tracepoints.entries.map(({ performed }) => performed), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), expected);
  assertEquals([enabled.hitsTotal, enabled.dropsTotal], [HITS, 0]);
  const [tally] = enabled.readTallies().values();
  return tally === undefined ? [] : [tally.count, tally.sum!];
}

/** What work() was called with. */
const ARGUMENTS = [
  ...[0, 1, 2].flatMap(() => [...Array(CALLS).keys()]),
  ...[...Array(64).keys()].map((word) => 8 * word),
];

for (const name of ["work:entry", "work:return"]) {
  Deno.test(`Session.enable() counts ${name} on stacks with little room`, async () => {
    await trace(name, { count: true });
  });

  Deno.test(`Session.enable() tallies ${name} on stacks with little room`, async () => {
    const more = name === "work:return" ? HITS : 0;
    const tally = { argument: name === "work:return" ? 1 : 0, keep: ["sum", "min", "max", "log2"] } as const;
    assertEquals(await trace(name, { tally }), [HITS, ARGUMENTS.reduce((sum, each) => sum + each) + more]);
  });

  Deno.test(`Session.enable() records ${name} on stacks with little room`, async () => {
    const values: number[] = [];
    const isReturn = name === "work:return";
    await trace(name, { record: (hit: HitRecord) => void values.push(hit.arg(isReturn ? 1 : 0)) });
    assertEquals(values, ARGUMENTS.map((each) => isReturn ? each + 1 : each));
  });
}

Deno.test("Session.enable() captures strings and registers of take:entry on stacks with little room", async () => {
  const texts = new Set<string | undefined>();
  let registers = 0;
  await trace("take:entry", {
    capture: [{ kind: "string", argument: 0, sizeBytes: 64 }, { kind: "registers" }],
    record: (hit: HitRecord) => {
      texts.add(hit.string(0));
      if (hit.bytes(1) !== undefined) registers++;
    },
  });
  assertEquals([...texts], ["little room"]);
  assert(registers === HITS, `${registers}`);
});
