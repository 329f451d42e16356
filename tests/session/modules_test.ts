/** Modules that come and go while their program is traced, and modules that are loaded twice. */

import { assert, assertEquals } from "@std/assert";
import { closeSync, openSync } from "node:fs";
import { Session } from "../../mod.ts";
import type { Probe } from "../../lib/fasttrap/probe.ts";
import { changedText, SOAK, TargetProgram, TARGETS, textMappings, untraced, within } from "../support.ts";
import { traced } from "../tracing.ts";

const PLUGIN = `${TARGETS}plugin`;
const NAMES = ["start", "work", "end"];
const CALLS = NAMES.map((name) => `pid$target:plug*n:plugin_${name}:entry`);

Deno.test("Session.enable() traces a module that is loaded later, from its constructor to its destructor", async () => {
  const args = [PLUGIN, 5, 1];
  const descriptions = [...CALLS, "pid$target:plugin:plugin_work:return"];
  const { hits, warnings, ...outcome } = await traced("plugins", descriptions, { args, allowNone: true });
  assertEquals({ hits, warnings }, { hits: [5, 5, 5, 5], warnings: [] });
  assertEquals(outcome, { stdout: "5 places\n5 5 5 15\n", end: "exited 6" });
  assertEquals(outcome, await untraced("plugins", { args }));
});

for (
  const [title, way] of [
    ["", { handler: () => {} }],
    [", which jumps count", { count: true }],
    [", which jumps record", { record: () => {} }],
  ] as const
) {
  Deno.test(`Session.enable() loses no call of a module that eight threads load and unload${title}`, async () => {
    const args = [PLUGIN, 40 * SOAK, 8];
    const { hits, warnings, stdout, end } = await traced("plugins", CALLS, { args, allowNone: true, way });
    // How often the last of several users unloads it depends on who comes when.
    const [calls, starts, ends, sum] = stdout.trim().split(" ").map(Number);
    assertEquals([calls, sum, end], [320 * SOAK, 8 * 20 * SOAK * (40 * SOAK + 1), "exited 6"]);
    assert(starts! > 1 && starts === ends, stdout);
    assertEquals({ hits, warnings }, { hits: [starts!, calls!, ends!], warnings: [] });
  });
}

Deno.test("Session.enable() traces a module in link maps of its own by dlmopen", async () => {
  const args = [PLUGIN, 5, 1, "NEW"];
  const seen = new Set<string>();
  const { hits, warnings, ...outcome } = await traced(
    "plugins",
    [...CALLS, "pid$target:LM1`plugin:plugin_work:entry"],
    {
      args,
      allowNone: true,
      handler: ({ probe }) => void seen.add(`${probe.module}:${probe.function}`),
    },
  );
  assertEquals({ hits, warnings }, { hits: [5, 5, 5, 5], warnings: [] });
  assertEquals([...seen].sort(), NAMES.map((name) => `LM1\`plugin:plugin_${name}`).sort());
  assertEquals(outcome, await untraced("plugins", { args }));
});

Deno.test("Session.list() tells a module of one link map from its twin in another", async () => {
  let lists: (readonly [string, number])[][] = [];
  const { hits, ...outcome } = await (async () => {
    await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 1, 1, "NEW"] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = session.enable("pid$target:plugin:plugin_work:entry", {
      allowNone: true,
      handler: () => {
        lists = ["LM0`libc", "LM1`libc", "libc", "LM1`*", "LM1`ld*"].map((module) =>
          session.list(`pid$target:${module}:${module.endsWith("*") ? "plugin_work" : "malloc"}:entry`, {
            allowNone: true,
          }).map((probe) => [probe.module, (probe as Probe).functionAddress])
        );
      },
    });
    await target.send();
    await within(session.run(), "the end");
    return { hits: enabled.hitsTotal, ...await target.outcome() };
  })();
  assertEquals(hits, 1);
  const [first, second, both, third, linker] = lists;
  assertEquals([first, second, third].map((list) => list!.map(([module]) => module)), [
    ["libc.so.6"],
    ["LM1`libc.so.6"],
    ["LM1`plugin"],
  ]);
  assertEquals(both!.toSorted(), [...first!, ...second!].toSorted());
  assert(first![0]![1] !== second![0]![1]);
  // The linker itself is in every link map, and counts as one of the first.
  assertEquals(linker, []);
  assertEquals(outcome, await untraced("plugins", { args: [PLUGIN, 1, 1, "NEW"] }));
});

Deno.test("Session.enable() follows modules where the linker was started as the program", async () => {
  const linker = textMappings(Deno.pid).find(({ path }) => path.includes("/ld-"))!.path;
  const args = [`${TARGETS}plugins`, PLUGIN, 4, 1];
  const { hits, warnings, ...outcome } = await traced(linker, CALLS, { args, allowNone: true });
  assertEquals({ hits, warnings }, { hits: [4, 4, 4], warnings: [] });
  assertEquals(outcome, await untraced(linker, { args }));
});

for (const description of ["pid$target:a.out:main:entry", "pid$target:plugins::entry", "pid$target:a.out:-:401000"]) {
  Deno.test(`Session.enable() watches no modules for what none can match: ${description}`, async () => {
    await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 2, 1] });
    assertEquals(await target.line(), "ready");
    {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      session.enable(description, { handler: () => {} });
      assertEquals(changedText(target.pid).filter((place) => !place.includes("/plugins+")), []);
    }
    await target.send();
    assertEquals(await target.outcome(), { stdout: "2 places\n2 2 2 3\n", end: "exited 6" });
  });
}

Deno.test("Session.detach() takes out what follows modules, and so does the last enabling", async () => {
  await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 3, 1] });
  await using session = new Session({ signals: false });
  assertEquals(await target.line(), "ready");
  const traced = session.attach(target.pid);
  for (let round = 0; round < 2; round++) {
    const both = CALLS.slice(0, 2).map((description) => session.enable(description, { allowNone: true }));
    assertEquals(changedText(target.pid).length, 1);
    both[0]![Symbol.dispose]();
    assertEquals(changedText(target.pid).length, 1);
    both[1]![Symbol.dispose]();
    assertEquals(changedText(target.pid), []);
  }
  const enabled = session.enable(CALLS[1]!, { allowNone: true });
  assertEquals(changedText(target.pid).length, 1);
  session.detach(traced);
  assertEquals([changedText(target.pid), enabled.probes], [[], []]);
  await target.send();
  assertEquals(await target.outcome(), { stdout: "3 places\n3 3 3 6\n", end: "exited 6" });
});

Deno.test("Session.stats() and lists do not show what follows modules, and users may probe the same place", async () => {
  await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 3, 1] });
  await using session = new Session({ signals: false });
  assertEquals(await target.line(), "ready");
  session.attach(target.pid);
  const work = session.enable(CALLS[1]!, { allowNone: true, handler: () => {} });
  assertEquals(changedText(target.pid).length, 1);
  const stats = () => {
    const { total, tracepoints, providers, processes } = session.stats();
    return [
      total,
      tracepoints.entries.length,
      providers.entries.map(({ type }) => type).sort(),
      processes.entries.length,
    ];
  };
  assertEquals(stats(), [0, 0, [], 0]);
  assertEquals(session.list("*$target::_dl_debug_state:entry").map(({ id, provider }) => [id, provider]), [
    [4, `pid${target.pid}`],
    [5, `oneshot${target.pid}`],
  ]);
  const state = session.enable("pid$target::_dl_debug_state:entry", { handler: () => {} });
  assertEquals([state.probes.length, changedText(target.pid).length], [1, 1]);
  assertEquals(stats(), [2, 1, ["oneshot", "pid"], 1]);
  work[Symbol.dispose]();
  assertEquals(changedText(target.pid).length, 1);
  await target.send();
  await within(session.run(), "the end");
  // Two calls for each dlopen and each dlclose.
  assertEquals([state.hitsTotal, work.hitsTotal], [12, 0]);
  assertEquals(await target.outcome(), { stdout: "3 places\n3 3 3 6\n", end: "exited 6" });
});

Deno.test("Session attaches to and leaves a program that loads and unloads modules, at any moment", async () => {
  await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 0, 5] });
  assertEquals(await target.line(), "ready");
  await target.send();
  let cycles = 0;
  let hits = 0;
  const counts = new Set<number>();
  for (; cycles < 30 * SOAK; cycles++) {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = session.enable(cycles % 2 === 0 ? "pid$target:plug*n::" : CALLS[1]!, {
      allowNone: true,
      handler: () => {
        if (++hits % 7 === cycles % 7) session.stop();
      },
    });
    await session.run();
    counts.add(enabled.probes.length);
  }
  // The module was there once, or not at all.
  const [none, one, all, ...others] = [...counts].sort((a, b) => a - b);
  assertEquals([none === 0 ? one : none, others], [1, []], [...counts].join());
  assert(all === undefined || all > 10);
  assert(hits > cycles, `${cycles} cycles, ${hits} hits`);
  await target.send("x");
  const { stdout, end } = await target.outcome();
  const [calls, starts, ends, sum] = stdout.trim().split(" ").map(Number);
  assertEquals([sum, starts, end], [calls, ends, "exited 6"]);
});

Deno.test("Enabled.probes holds the probes of modules that are loaded, with the next numbers", async () => {
  await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 3, 1] });
  await using session = new Session({ signals: false });
  assertEquals(await target.line(), "ready");
  session.attach(target.pid);
  const main = session.enable("pid$target:a.out:main:entry");
  const seen: (readonly [number, number[]])[] = [];
  const work = session.enable("pid$target:plug*:*work:entry", {
    handler: ({ probe }) => void seen.push([probe.id, work.probes.map(({ id }) => id)]),
  });
  assertEquals([...main.probes, ...work.probes].map(({ id, function: name }) => [id, name]), [[4, "main"], [
    5,
    "work",
  ]]);
  await target.send();
  await within(session.run(), "the end");
  // work() runs first; the module gets a probe each time that it is loaded.
  assertEquals(seen, [[5, [5]], [6, [5, 6]], [7, [5, 7]], [8, [5, 8]]]);
  assertEquals([work.probes.map(({ id }) => id), work.hitsTotal], [[5], 4]);
  assertEquals((await target.outcome()).end, "exited 6");
});

for (const moment of ["exec", "preinit", "main"] as const) {
  Deno.test(`Session.enable() follows the modules of a program that it starts: ${moment}`, async () => {
    const nothing = openSync("/dev/null", "r+");
    await using session = new Session({ signals: false });
    const args = [PLUGIN, "3", "1"];
    const target = session.spawn(`${TARGETS}plugins`, { args, stdin: nothing, stdout: nothing, moment });
    closeSync(nothing);
    const enable = (rest: string) => session.enable(`pid$target:${rest}`, { handler: () => {}, allowNone: true });
    const libc = enable("libc:puts:entry");
    const work = enable("plugin:plugin_work:entry");
    assertEquals(libc.probes.length, moment === "exec" ? 0 : 1);
    await within(session.run(), "the end");
    assertEquals([libc.probes.length, work.hitsTotal, target.end?.code], [1, 3, 6]);
  });
}
