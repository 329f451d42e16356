/** Hits that are only counted: jumps to pads instead of traps, as far as the program can tell and the counts are right. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Enabled, Session } from "../../mod.ts";
import {
  assertTextUntouched,
  changedText,
  rounds,
  SOAK,
  type TargetOptions,
  TargetProgram,
  untraced,
  within,
} from "../support.ts";
import { traced } from "../tracing.ts";
import { WORKERS } from "./workers.ts";
import { EPILOGUES } from "./epilogues.ts";

/** What is made of the probes of a target. */
interface Counted {
  readonly hits: readonly number[];
  readonly ways: readonly (readonly string[])[];
  readonly warnings: readonly string[];
}

/** Counts in a target from when it is ready to its end, which must be the same as untraced. */
async function count(name: string, descriptions: readonly string[], options: TargetOptions = {}): Promise<Counted> {
  const expected = await untraced(name, options);
  await using target = await TargetProgram.start(name, options);
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const enabled = descriptions.map((description) => session.enable(description, { count: true }));
  const ways = enabled.map((each) => waysOf(session, each));
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), expected);
  const hits = enabled.map(({ hitsTotal }) => hitsTotal);
  assertEquals(enabled.map(({ counts }) => [...counts.values()].reduce((sum, one) => sum + one, 0)), hits);
  return { hits, ways, warnings };
}

function waysOf(session: Session, { probes }: Enabled): string[] {
  const { entries } = session.stats().tracepoints;
  return probes.flatMap(({ id }) =>
    entries.filter(({ before, after }) => [...before, ...after].includes(id)).map(({ performed }) => performed)
  );
}

/** Lets everything else run that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

const HOT = ["mix", "fold", "carry", "carry_in"].map((name) => `pid$target:a.out:${name}:entry`);

Deno.test("Session.enable() counts by jumps what 8 threads call while a timer interrupts them", async () => {
  const calls = rounds(200_000, 20_000_000);
  for (const name of ["hot", "hot_no_pie"]) {
    const { hits, ways, warnings } = await count(name, [...HOT, "pid$target:a.out:mix:return"], {
      args: [calls, 8, 1],
    });
    assertEquals([hits, warnings], [Array(5).fill(8 * calls), []]);
    assertEquals(ways, Array(5).fill(["jump"]));
  }
});

Deno.test("Session.enable() counts what enters a function behind its first instruction not at all, but lets it pass", async () => {
  for (const name of ["hot", "hot_no_pie"]) {
    const { hits, ways } = await count(name, ["pid$target:a.out:twice:entry"], { args: [100_000, 2] });
    assertEquals([hits, ways], [[200], [["jump"]]]);
  }
});

Deno.test("Session.enable() counts each instruction by jumps that they share, and a shot by a trap", async () => {
  const { hits, ways } = await count("hot", ["pid$target:a.out:carry:", "oneshot$target:a.out:mix:entry"], {
    args: [10, 1],
  });
  assertEquals(ways[0]!.filter((way) => way === "jump").length, 12);
  assertEquals([hits[0], hits[1], ways[1]], [10 * 12, 1, ["slot"]]);
});

for (const name of ["epilogues", "epilogues_no_pie"]) {
  Deno.test(`Session.enable() counts what leaves the functions of ${name} by jumps as a handler does`, async () => {
    const descriptions = EPILOGUES.flatMap((
      name,
    ) => [`pid$target:a.out:${name}:entry`, `pid$target:a.out:${name}:return`]);
    for (const args of [[500, 2], [20, 1, 0, 1]]) {
      const { hits, ways, warnings } = await count(name, descriptions, { args });
      assertEquals(warnings, []);
      const all = ways.flat();
      assert(all.filter((way) => way === "jump").length > all.length * 0.6, all.join());
      assertEquals(hits, (await traced(name, descriptions, { args })).hits);
    }
  });

  Deno.test(`Session.enable() counts the returns of ${name} in 8 threads while a timer interrupts them`, async () => {
    const calls = rounds(4_000, 400_000);
    const descriptions = ["adds", "pops", "clears", "bare", "carries"].map((name) => `pid$target:a.out:${name}:return`);
    const { hits, warnings } = await count(name, descriptions, { args: [calls, 8, 1] });
    assertEquals(warnings, []);
    // pops, clears and bare are called by others as well, or tail-called; carries is not.
    assertEquals(hits.at(-1), 8 * calls);
    for (const each of hits) assert(each >= 8 * calls);
  });
}

Deno.test("Session.enable() puts jumps that begin before their sites in and out while 8 threads run", async () => {
  const args = [rounds(2_000_000, 20_000_000), 8, 1];
  const expected = await untraced("epilogues", { args });
  await using target = await TargetProgram.start("epilogues", { args });
  assertEquals(await target.line(), "ready");
  {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    await target.send();
    const running = session.run();
    for (let round = 0; round < 50 * SOAK && target.alive; round++) {
      using all = session.enable("pid$target:a.out:[abcp]*:return", { count: true });
      using offsets = round % 8 === 0 ? session.enable("pid$target:a.out:pops:", { count: true }) : all;
      while (target.alive && [all, offsets].some(({ hitsTotal }) => hitsTotal === 0)) await turn();
    }
    session.stop();
    await running;
    if (target.alive) assertEquals(changedText(target.pid), []);
  }
  assertEquals(await target.outcome(), expected);
});

for (const [name, args] of WORKERS) {
  Deno.test(`Session.enable() counts ${[name, ...args].join(" ")} as a handler does, and the program does not notice`, async () => {
    const descriptions = ["pid$target:a.out:work:entry", "pid$target:a.out:work:return"];
    const { hits } = await count(name, descriptions, { args });
    assertEquals(hits, (await traced(name, descriptions, { args })).hits);
  });
}

Deno.test("Session.enable() and Enabled[Symbol.dispose]() put jumps in and out while 8 threads run", async () => {
  const args = [rounds(60_000_000, 200_000_000), 8, 1];
  const expected = await untraced("hot", { args });
  await using target = await TargetProgram.start("hot", { args });
  assertEquals(await target.line(), "ready");
  let hits = 0;
  let round = 0;
  {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    await target.send();
    const running = session.run();
    for (; round < 100 * SOAK && target.alive; round++) {
      using all = session.enable(HOT[round % HOT.length]!, { count: true });
      using one = session.enable("pid$target:a.out:mix:entry", { count: true });
      using offsets = round % 8 === 0 ? session.enable("pid$target:a.out:mix:", { count: true }) : one;
      while (target.alive && [all, one, offsets].some(({ hitsTotal }) => hitsTotal === 0)) await turn();
      hits += all.hitsTotal;
    }
    session.stop();
    await running;
    if (target.alive) assertEquals(changedText(target.pid), []);
  }
  if (target.alive) assertTextUntouched(target.pid);
  assert(hits > 0 && round > HOT.length, `${hits} hits in ${round} rounds`);
  assertEquals(await target.outcome(), expected);
});

Deno.test("Session.enable() stops at a jump for a handler that comes later, and both see each hit", async () => {
  await using target = await TargetProgram.start("hot", { args: [1000, 1] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const counted = session.enable(HOT[1]!, { count: true });
  assertEquals(waysOf(session, counted), ["jump"]);
  let handled = 0;
  const handling = session.enable(HOT[1]!, { handler: () => void handled++ });
  assertEquals(waysOf(session, counted), ["emulated"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([counted.hitsTotal, handling.hitsTotal, handled], [1000, 1000, 1000]);
  assertEquals(await target.outcome(), await untraced("hot", { args: [1000, 1] }));
});

Deno.test("Session.detach() leaves nothing of jumps behind", async () => {
  await using target = await TargetProgram.start("hot", { args: [rounds(200_000_000, 2_000_000_000), 4] });
  assertEquals(await target.line(), "ready");
  const maps = () => Deno.readTextFileSync(`/proc/${target.pid}/maps`).split("\n").length;
  await target.send();
  let before = 0;
  for (let round = 0; round < 20 * SOAK; round++) {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    if (round === 1) before = maps();
    session.enable("pid$target:a.out::entry", { count: true });
    session.enable("pid$target:a.out::return", { count: true });
  }
  assertTextUntouched(target.pid);
  assertEquals(maps(), before);
});

Deno.test("Session.enable() with a handler and a count is refused", async () => {
  await using target = await TargetProgram.start("hot", { args: [1] });
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  assertThrows(() => session.enable(HOT[0]!, { count: true, handler: () => {} }), TypeError);
  await target.send();
});
