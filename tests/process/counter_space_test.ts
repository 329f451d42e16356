import { assert, assertEquals, assertThrows } from "@std/assert";
import { CounterSpace, RUN_LIMIT } from "../../lib/process/counter_space.ts";
import { Random } from "../isa/x86_64/random.ts";

const TOTAL = 40 * RUN_LIMIT;

Deno.test("CounterSpace.take() gives each counter to one run, whatever comes and goes", () => {
  const random = new Random(21);
  const space = new CounterSpace(TOTAL + 5);
  const owners = new Array<number>(TOTAL).fill(0);
  let runs: { readonly first: number; readonly count: number }[] = [];
  let refusals = 0;
  for (let step = 1; step < 20_000; step++) {
    const count = random.pick([1, 1, 1, 2, 3, 4, 7, 19, 128]);
    const first = space.take(count);
    if (first === undefined) {
      refusals++;
      // Half of them go, in any order.
      const [gone, stay] = [[], []] as [typeof runs, typeof runs];
      for (const run of runs) random.pick([gone, stay]).push(run);
      runs = stay;
      for (const run of gone) {
        owners.fill(0, run.first, run.first + run.count);
        space.give(run.first, run.count);
      }
      continue;
    }
    assert(first >= 0 && first + count <= TOTAL);
    assert(owners.slice(first, first + count).every((owner) => owner === 0));
    owners.fill(step, first, first + count);
    runs.push({ first, count });
  }
  assert(refusals > 20);
  for (const { first, count } of runs) space.give(first, count);
  // All is there again, for histograms as well.
  for (let run = 0; run < TOTAL / RUN_LIMIT; run++) assert(space.take(RUN_LIMIT) !== undefined);
  assertEquals([space.take(1), space.take(RUN_LIMIT)], [undefined, undefined]);
});

Deno.test("CounterSpace.give() refuses what was not taken", () => {
  const space = new CounterSpace(TOTAL);
  assertEquals([space.take(3), space.take(1)], [0, 4]);
  assertThrows(() => space.give(1, 2));
  assertThrows(() => space.give(TOTAL, 1));
});
