/**
 * Counting hits without a stop, and tallying their argument, 10 million an iteration: 10 ms an iteration are 1 ns a hit. Beside
 * it the same calls untraced, and counted, summed up and sorted by size by hand in assembly (`count_loop.c`): a hit costs what
 * lies between the first and the others.
 *
 * Starting and ending the programs is timed for those that run untraced, some 1 ms an iteration.
 */

import { Session, type TallyPart } from "../mod.ts";

const HITS = 10_000_000;

async function run(args: readonly string[]): Promise<void> {
  const { code } = await new Deno.Command("build/targets/count_loop", { args: [...args] }).output();
  if (code !== 0) throw new TypeError(`count_loop has ended with ${code}`);
}

async function count(b: Deno.BenchContext, descriptions: readonly string[]): Promise<void> {
  await using session = new Session();
  session.spawn("build/targets/count_loop", { args: [String(HITS)] });
  const enabled = descriptions.map((description) => session.enable(description, { count: true }));
  b.start();
  await session.run();
  b.end();
  if (enabled.some(({ hitsTotal }) => hitsTotal !== HITS)) throw new TypeError("hits are missing");
}

async function tally(b: Deno.BenchContext, keep: readonly TallyPart[]): Promise<void> {
  await using session = new Session();
  session.spawn("build/targets/count_loop", { args: [String(HITS)] });
  const enabled = session.enable("pid$target:a.out:work:entry", { tally: { argument: 0, keep } });
  b.start();
  await session.run();
  b.end();
  const [values] = enabled.readTallies().values();
  const sum = values?.sum ?? HITS * (HITS - 1) / 2;
  if (values?.count !== HITS || sum !== HITS * (HITS - 1) / 2) throw new TypeError("hits are missing");
}

// The runner awaits a function only if it is declared async.
Deno.bench("10,000,000 calls, untraced", { group: "count", baseline: true }, async () => {
  await run([String(HITS)]);
});
Deno.bench("10,000,000 calls, counted by hand", { group: "count" }, async () => {
  await run([String(HITS), "counted"]);
});
Deno.bench("Session.enable() 10,000,000 calls, entry counted", { group: "count" }, async (b) => {
  await count(b, ["pid$target:a.out:work:entry"]);
});
Deno.bench("Session.enable() 10,000,000 calls, return counted", { group: "count" }, async (b) => {
  await count(b, ["pid$target:a.out:work:return"]);
});
Deno.bench("Session.enable() 10,000,000 calls, entry and return counted", { group: "count" }, async (b) => {
  await count(b, ["pid$target:a.out:work:entry", "pid$target:a.out:work:return"]);
});

Deno.bench("10,000,000 calls, untraced ", { group: "tally", baseline: true }, async () => {
  await run([String(HITS)]);
});
for (const by of ["counted", "summed", "sorted"]) {
  Deno.bench(`10,000,000 calls, ${by} by hand `, { group: "tally" }, async () => {
    await run([String(HITS), by]);
  });
}
for (const keep of [[], ["sum"], ["log2"], ["min", "max"], ["sum", "min", "max", "log2"]] as const) {
  const name = `count ${keep.join(", ")}`.trim();
  Deno.bench(`Session.enable() 10,000,000 calls, tally of ${name}`, { group: "tally" }, async (b) => {
    await tally(b, keep);
  });
}
