/** The provider oneshot: each probe fires once in a process, and its traps are gone. */

import { assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, changedText, untraced, withTarget } from "../support.ts";
import { traced } from "../tracing.ts";
import { noting, Traced } from "./traced.ts";

Deno.test("Dispatcher.trapped() of oneshot: fires once for a function that eight threads call all the time", async () => {
  const args = [8, 20_000];
  const { hits, warnings, ...outcome } = await traced("threads", ["oneshot$target:a.out:work:entry"], { args });
  assertEquals([hits, warnings], [[1], []]);
  assertEquals(outcome, await untraced("threads", { args }));
});

Deno.test("Dispatcher.trapped() of oneshot: fires once for each probe: entry, return with all its sites, each instruction", async () => {
  const { hits, warnings, ...outcome } = await traced("calls", [
    "oneshot$target:a.out:work:entry",
    "oneshot$target:a.out:work:return",
    "oneshot$target:a.out:work:*",
    "pid$target:a.out:work:*",
  ], { args: [10] });
  assertEquals([outcome, warnings], [await untraced("calls", { args: [10] }), []]);
  const [entry, returns, all, every] = hits;
  // work() has no branch: each of its instructions is executed once a call.
  assertEquals([entry, returns, all], [1, 1, every! / 10]);
});

Deno.test("Dispatcher.trapped() of oneshot: with several return sites fires at the first that is taken only", async () => {
  const { hits, stdout, end } = await traced("returns", [
    "oneshot$target:a.out:tail_branch:return",
    "oneshot$target:a.out:recurse:return",
    "pid$target:a.out:tail_branch:return",
  ]);
  assertEquals({ hits, stdout, end }, { hits: [1, 1, 2], ...await untraced("returns") });
});

Deno.test("Dispatcher.trapped() of oneshot: leaves no trap behind its hit, and another probe of the place goes on", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    const [once, plain] = [traced.probe("work", "entry", [0], "entry", "oneshot"), traced.probe("work", "entry", [0])];
    const [seen, other]: [string[], string[]] = [[], []];
    const enabling = noting(seen);
    fasttrap.enable([once], enabling);
    traced.pumpUntil(() => seen.length > 0);
    assertEquals([traced.bytes("work"), fasttrap.tracepoints.size, once.enabled], [original, 0, true]);
    const others = noting(other);
    fasttrap.enable([plain], others);
    // A second consumer gets a shot of its own.
    const second: string[] = [];
    fasttrap.enable([once], noting(second));
    traced.pumpUntil(() => second.length > 0 && other.length > 10);
    assertEquals([second.length, seen.length], [1, 2]);
    assertEquals([traced.bytes("work")[0], fasttrap.tracepoints.size], [0xcc, 1]);
    fasttrap.disable([plain], others);
    assertEquals([traced.bytes("work"), fasttrap.tracepoints.size], [original, 0]);
    // Enabled anew, it has another shot.
    fasttrap.disable([once], enabling);
    await target.send();
  }, { args: [4] }));

Deno.test("Dispatcher.trapped() of oneshot: gives whom a handler enables it for a shot at the next hit", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const once = traced.probe("work", "entry", [0], "entry", "oneshot");
    const plain = traced.probe("work", "offset", [0], "0");
    const seen: string[] = [];
    fasttrap.enable([once], {
      fire: () => {
        seen.push("first");
        if (seen.length === 1) fasttrap.enable([once], noting(seen, "second "));
      },
    });
    traced.pumpUntil(() => seen.length === 3);
    assertEquals(seen, ["first", "first", "second entry"]);
    assertEquals(fasttrap.tracepoints.size, 0);
    // Nobody has another shot.
    fasttrap.enable([plain], noting(seen));
    traced.pumpUntil(() => seen.length > 10);
    assertEquals(new Set(seen.slice(3)), new Set(["0"]));
    await target.send();
  }));

Deno.test("Dispatcher.trapped() of oneshot: at an address with a return probe leaves the return probe alone", async () => {
  const { hits, ...outcome } = await traced("calls", [
    // work() ends with ret, its last byte: an offset probe of oneshot and a return probe share it.
    "oneshot$target:a.out:work:[0-9a-f]*",
    "pid$target:a.out:work:return",
  ], { args: [25] });
  const { stdout, end } = await untraced("calls", { args: [25] });
  assertEquals([hits[1], outcome.stdout, outcome.end], [25, stdout, end]);
});

Deno.test("Dispatcher.trapped() of oneshot: on every function of a program that threads run leaves its text untouched", () =>
  withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    for (let round = 0; round < 10; round++) {
      const enabled = session.enable("oneshot$target:a.out:work:*", { handler: () => {} });
      for await (const _ of session.batches()) if (changedText(target.pid).length === 0) session.stop();
      assertEquals(enabled.hitsTotal, enabled.probes.length);
      // Letting go right after the last shot meets threads that have not told of their traps.
      if (round % 2 === 1) {
        session.detach(session.targets[0]!);
        assertTextUntouched(target.pid);
        session.attach(target.pid);
      }
      enabled[Symbol.dispose]();
    }
    session.detach(session.targets[0]!);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [8] }));
