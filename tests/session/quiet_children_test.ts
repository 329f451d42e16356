/** What children call is theirs: it is not told as their parent's, and with `follow` as their own. */

import { assertEquals } from "@std/assert";
import { type EnableOptions, type HitRecord, Session } from "../../mod.ts";
import { TargetProgram, untraced, within } from "../support.ts";

const CALLS = 300;
const DEPTH = 2;
/** Which processes share the memory of the first, which call what is traced, and which the kernel hides from tracers. */
const KINDS = [
  { way: "fork", shares: false, calls: true, hides: false },
  { way: "clone", shares: false, calls: true, hides: false },
  { way: "clone3", shares: false, calls: true, hides: false },
  { way: "untraced", shares: false, calls: true, hides: true },
  { way: "vfork", shares: true, calls: true, hides: false },
  { way: "shared", shares: true, calls: true, hides: false },
  { way: "spawn", shares: true, calls: false, hides: false },
] as const;

/** What was told of a run: for each way to hear of hits how many there were, and those that can tell of which process. */
interface Told {
  readonly recorded: readonly number[];
  readonly captured: readonly number[];
  readonly counted: number;
  readonly tallied: readonly number[];
  readonly sum: number;
  readonly drops: number;
}

/** How often each value is there, in the order of the first of each. */
function countEach(values: readonly number[]): number[] {
  return [...Map.groupBy(values, (value) => value).values()].map(({ length }) => length);
}

/** Traces `children` with one way to hear of hits at a time, as each needs another pad. */
async function trace(way: string, follow: boolean): Promise<Told> {
  const args = [way, CALLS, DEPTH];
  const expected = await untraced("children", { args });
  assertEquals(expected, { stdout: `${way === "spawn" ? 2 : DEPTH + 1} processes\n`, end: "exited 6" });
  let sum = 0;
  let drops = 0;
  const once = async (name: string, pad: "record" | "count" | "tally", options: EnableOptions) => {
    await using target = await TargetProgram.start("children", { args });
    assertEquals(await target.line(), "ready");
    const warnings: string[] = [];
    await using session = new Session({ signals: false, follow, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    const enabled = session.enable(`pid$target:a.out:${name}:entry`, options);
    assertEquals(session.stats().tracepoints.entries.map((entry) => entry.pad), [pad]);
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), expected);
    assertEquals(warnings, []);
    drops += enabled.dropsTotal;
    return enabled;
  };
  const pids: number[] = [];
  await once("work", "record", { record: (hit: HitRecord) => void pids.push(hit.pid) });
  const texts: string[] = [];
  const takers: number[] = [];
  await once("take", "record", {
    capture: [{ kind: "string", argument: 0, sizeBytes: 16 }],
    record: (hit: HitRecord) => {
      takers.push(hit.pid);
      texts.push(hit.string(0) ?? "nothing");
    },
  });
  const bad = texts.filter((text) => !/^(\d|[12]000\d)$/.test(text));
  assertEquals(bad, []);
  const { hitsTotal: counted } = await once("work", "count", { count: true });
  const tallies = [...(await once("work", "tally", { tally: { argument: 0, keep: ["sum"] } })).readTallies().values()];
  sum = tallies.reduce((total, tally) => total + tally.sum!, 0);
  return {
    recorded: countEach(pids),
    captured: countEach(takers),
    counted,
    tallied: tallies.map(({ count }) => count),
    sum,
    drops,
  };
}

/** The sum of the arguments of work() at a depth. */
function sumAt(depth: number): number {
  return CALLS * depth * 10_000 + CALLS * (CALLS - 1) / 2;
}

for (const { way, shares, calls, hides } of KINDS) {
  for (const follow of [false, true]) {
    const told = shares || (follow && !hides);
    Deno.test(`Session.run() ${follow ? "with" : "without"} follow tells ${told ? "what" : "nothing that"} children made by ${way} call`, async () => {
      const depths = !calls || !told ? [DEPTH] : [...Array(DEPTH + 1).keys()];
      const { recorded, captured, counted, tallied, sum, drops } = await trace(way, follow);
      const each = depths.map(() => CALLS);
      assertEquals({ recorded, captured }, { recorded: each, captured: each });
      const total = CALLS * depths.length;
      assertEquals([counted, tallied.reduce((all, one) => all + one), drops], [total, total, 0]);
      assertEquals(sum, depths.reduce((all, depth) => all + sumAt(depth), 0));
    });
  }
}
