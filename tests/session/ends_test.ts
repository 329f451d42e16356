/** Programs that end at once: what they have called in their last microseconds is told. */

import { assert, assertEquals } from "@std/assert";
import { type EnableOptions, type HitRecord, Session, type SessionOptions } from "../../mod.ts";
import { Random } from "../isa/x86_64/random.ts";
import { rounds, TargetProgram, untraced, within } from "../support.ts";

const SEED = 20261126;
const ROUNDS = rounds(4, 100);
/** Each way to end, and what the parent learns of it. */
const WAYS = [
  ["exit_group", "exited 7"],
  ["_exit", "exited 8"],
  ["exit", "exited 9"],
  ["kill", "killed 9"],
  ["abort", "killed 6"],
  ["fault", "killed 11"],
  ["exec", "exited 11"],
  ["thread exec", "exited 11"],
  ["leader", "exited 0"],
] as const;
/** As in `ends.c`. */
const THREADS_LIMIT = 64;
const LINE_WORDS = 8;

/** What was told of a program: the values that were recorded, hits and drops, what was counted, and how often and what was summed. */
interface Told {
  readonly values: readonly number[];
  readonly recorded: number;
  readonly drops: number;
  readonly counted: number;
  readonly summed: number;
  readonly sum: number;
}

/** Traces `ends` to its end by jumps, and compares that with what is expected. */
async function trace(args: readonly (string | number)[], end: string, options: SessionOptions = {}): Promise<Told> {
  await using target = await TargetProgram.start("ends", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false, ...options });
  session.attach(target.pid);
  const values: number[] = [];
  const enable = (name: string, how: EnableOptions) => session.enable(`pid$target:a.out:${name}:entry`, how);
  const recorded = enable("recorded", { record: (hit: HitRecord) => void values.push(hit.arg(0)) });
  const counted = enable("counted", { count: true });
  const summed = enable("summed", { tally: { argument: 0, keep: ["sum"] } });
  const { entries } = session.stats().tracepoints;
  const pads = [recorded, counted, summed].flatMap(({ probes: [probe] }) =>
    entries.filter(({ before }) => before.includes(probe!.id)).map(({ pad }) => pad)
  );
  assertEquals(pads, ["record", "count", "tally"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), { stdout: end === "exited 11" ? "again\n" : "", end });
  const [tally] = summed.readTallies().values();
  return {
    values,
    recorded: recorded.hitsTotal,
    drops: recorded.dropsTotal,
    counted: counted.hitsTotal,
    summed: tally?.count ?? 0,
    sum: tally?.sum ?? 0,
  };
}

for (const [way, end] of WAYS) {
  Deno.test(`Session.run() tells all that was called immediately before the end: ${way}`, async () => {
    const random = new Random(SEED);
    assertEquals((await untraced("ends", { args: [3, 1, way] })).end, end);
    for (let round = 0; round < ROUNDS; round++) {
      const calls = 1 + random.below(2000);
      const told = await trace([calls, 1, way], end);
      assertEquals(told, {
        values: [...Array(calls).keys()],
        recorded: calls,
        drops: 0,
        counted: calls,
        summed: calls,
        sum: calls * (calls - 1) / 2,
      });
    }
  });

  Deno.test(`Session.run() has hits and drops be the calls of 8 threads, whoever ends them: ${way}`, async () => {
    const path = await Deno.makeTempFile();
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await Deno.writeFile(path, new Uint8Array(THREADS_LIMIT * LINE_WORDS * 8));
        const told = await trace([rounds(20_000, 200_000), 8, way, path], end);
        const lines = new Uint32Array((await Deno.readFile(path)).buffer);
        const total = (word: number) =>
          Array.from({ length: THREADS_LIMIT }, (_, line) => lines[2 * (line * LINE_WORDS + word)]!)
            .reduce((sum, each) => sum + each);
        const [begun, finished] = [total(0), total(1)];
        // A thread may be in the midst of one call when it is ended.
        assert(begun - finished <= 8 && finished > 0, `${begun} ${finished}`);
        for (const count of [told.recorded + told.drops, told.counted, told.summed]) {
          assert(finished <= count && count <= begun, `${finished} <= ${count} <= ${begun}`);
        }
        assertEquals(told.values.length, told.recorded);
      }
    } finally {
      await Deno.remove(path);
    }
  });
}
