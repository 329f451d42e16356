/** Static probes that are jumps: what is recorded of a hit is what a stopped thread shows. */

import { assert, assertEquals } from "@std/assert";
import { type Enabled, type HitRecord, Session } from "../../mod.ts";
import { TargetProgram, untraced, within } from "../support.ts";

const TIMES = 7;

/** What is compared of a hit: its probe, its arguments as numbers, and exact. */
type Seen = readonly [probe: string, values: readonly number[], exact: readonly bigint[]];

/** How the tracepoints of what was enabled are performed: `jump`, or why it is a trap. */
function waysOf(session: Session, { probes }: Enabled): Record<string, string[]> {
  const { entries } = session.stats().tracepoints;
  return Object.fromEntries(probes.map(({ id, name }) => [
    name,
    entries.filter(({ before, asked }) => [...before, ...asked].includes(id)).map(({ trapReason }) =>
      trapReason ?? "jump"
    ),
  ]));
}

/** Records in a target from when it is ready to its end, which must be the same as untraced. */
async function record(
  name: string,
  descriptions: readonly string[],
  { jumps, args = [TIMES] }: { readonly jumps: boolean; readonly args?: readonly (string | number)[] },
): Promise<{ seen: readonly Seen[]; ways: readonly Record<string, string[]>[]; total: number }> {
  const expected = await untraced(name, { args });
  await using target = await TargetProgram.start(name, { args });
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, jumps, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const seen: Seen[] = [];
  const note = (hit: HitRecord) => {
    const indices = [...Array(hit.argumentCount + 2).keys()];
    seen.push([hit.probe.name, indices.map((index) => hit.arg(index)), indices.map((index) => hit.argBigInt(index))]);
  };
  const enabled = descriptions.map((description) => session.enable(description, { record: note }));
  const ways = enabled.map((each) => waysOf(session, each));
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), expected);
  assertEquals([warnings, enabled.map(({ dropsTotal }) => dropsTotal)], [[], descriptions.map(() => 0)]);
  return { seen, ways, total: enabled.reduce((sum, { hitsTotal }) => sum + hitsTotal, 0) };
}

/** The stack is elsewhere each time: its address is taken out of what was seen, where it is found the same twice. */
function withoutStack(seen: readonly Seen[]): Seen[] {
  const stack = seen.find(([probe]) => probe === "many")![2][6]!;
  assert(stack > 0n);

  return seen.map(([probe, values, exact]) => [
    probe,
    values.map((value) => value === Number(stack) ? -1 : value),
    exact.map((value) => value === stack ? -1n : value),
  ]);
}

for (const name of ["static_places", "static_places_stripped"]) {
  Deno.test(`HitRecord.arg() of ${name} is what Hit.arg() is, wherever the argument is`, async () => {
    const { seen, ways, total } = await record(name, ["places$target:::"], { jumps: true });
    assertEquals(total, 10 * TIMES);
    const jumps = ["first", "second", "third", "parts", "others", "stack", "constants"];
    assertEquals(ways, [{
      ...Object.fromEntries(jumps.map((probe) => [probe, ["jump"]])),
      many: ["more than 6 arguments would have to be recorded"],
      memory: ["an argument is in memory that need not be readable"],
      nowhere: ["an argument is in memory that need not be readable"],
    }]);
    const traps = await record(name, ["places$target:::"], { jumps: false });
    assertEquals(withoutStack(seen), withoutStack(traps.seen));
    // A few that show that not all are 0.
    const values = Object.fromEntries(seen.slice(0, 10).map(([probe, , exact]) => [probe, exact]));
    assertEquals(values["parts"], [0x33n, 0x33n, 0x66n, 0x4444n, 0x44445555n, -0x77776667n, 0n, 0n]);
    assertEquals(values["stack"]!.slice(1, 6), [
      0xfedcba9876543210n,
      -0x1234568n,
      0xfedcn,
      0x88n,
      -0x778899aabbccddefn,
    ]);
    assertEquals(values["constants"], [
      7n,
      0x8fff666677778888n,
      0xffffffffffffffffn,
      -56n,
      0x33334444n,
      1n,
      0n,
      0n,
      0n,
      0n,
    ]);
  });
}
