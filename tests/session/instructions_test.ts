/** Probes on every instruction: the program computes what it computes untraced. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { SOAK, untraced, withTarget } from "../support.ts";
import { traced } from "../tracing.ts";

/** Traces a target with probes and asserts that it does what it does untraced. */
async function assertSame(name: string, descriptions: readonly string[], args: readonly number[] = []) {
  const { hits, warnings, ...outcome } = await traced(name, descriptions, { args });
  assertEquals(outcome, await untraced(name, { args }));
  return { hits, warnings };
}

Deno.test("Session.enable() of every instruction of an assembly function changes nothing", async () => {
  const { hits, warnings } = await assertSame("assembly", ["pid$target:a.out:work:", "pid$target:a.out:work:entry"], [
    400 * SOAK,
  ]);
  assertEquals([hits[1], warnings], [400 * SOAK, []]);
});

Deno.test("Session.enable() of every instruction of a whole program changes nothing", async () => {
  for (const name of ["assembly", "arguments", "returns"]) {
    const { hits, warnings } = await assertSame(name, ["pid$target:a.out::"]);
    assert(hits[0]! > 100, `${name}: ${hits}`);
    assertEquals(warnings.filter((warning) => !warning.includes("_start:")), []);
  }
});

for (
  const functions of [
    "qsort*",
    "*printf*",
    "strlen*,memcpy*",
    "malloc*",
    "_IO_*",
    "puts",
    "__memmove_[as]*",
    "__strlen*",
  ]
) {
  Deno.test(`Session.enable() of every instruction of libc's ${functions} changes nothing`, async () => {
    const descriptions = functions.split(",").map((name) => `pid$target:libc.so.6:${name}:`);
    const { warnings } = await assertSame("sorts", descriptions, [functions === "_IO_*" ? 10 : 40]);
    assertEquals(warnings, []);
  });
}

const VARIANTS = ["calls", "calls_no_pie", "calls_static", "calls_static_pie"];

Deno.test("Session.enable() finds work() in a program that is linked in any way", async () => {
  for (const name of VARIANTS) {
    const work = "pid$target:a.out:work";
    const { hits, warnings } = await assertSame(name, [`${work}:entry`, `${work}:return`, `${work}:`], [50]);
    assertEquals([hits.slice(0, 2), warnings], [[50, 50], []]);
  }
});

Deno.test("Session.enable() steps in place where the program may not map memory", async () => {
  const descriptions = ["work:", "work:entry", "copy:0", "copy:return"].map((rest) => `pid$target:a.out:${rest}`);
  for (const strict of [0, 1]) {
    const { hits, warnings } = await assertSame("filtered", descriptions, [100, strict]);
    // A repeated instruction is one hit, however often it repeats itself.
    assertEquals(hits.slice(1), [100, 1, 1]);
    assertEquals(warnings, []);
  }
});

Deno.test("Session.enable() refuses transactions and branches on which processors differ, and places the rest", async () => {
  const { hits, warnings } = await assertSame("refused", ["pid$target:a.out:work:", "pid$target:a.out:jump:"], [10]);
  // Five instructions and two, and the entry and the return of both.
  assertEquals(hits, [70, 40]);
  assertEquals(warnings.map((warning) => warning.replace(/^Cannot enable pid\d+:refused:(\w+:\w+): it is /, "$1 ")), [
    "work:9 xbegin, whose transaction a trap would abort, at offset 0x9",
    ...["work:15", "jump:5"].map((place) =>
      `${place} a near branch with an operand-size prefix, which AMD and Intel processors execute differently, at offset ` +
      place.replace(/.*:/, "0x")
    ),
  ]);
});

Deno.test("Session.enable() works in a program that steps itself", async () => {
  const names = ["entry", "return", ""];
  for (const name of names) await assertSame("steps", [`pid$target:a.out:work:${name}`], [5]);
  const { hits } = await assertSame("steps", names.map((name) => `pid$target:a.out:work:${name}`), [5]);
  // Seven instructions, and the entry and the return once more.
  assertEquals(hits, [5, 5, 45]);
});

/** Entries and returns of the functions of `returns`, as they must be. */
const CALLS: Readonly<Record<string, number[]>> = {
  // Called once, and by way of five tail calls, one of them indirect.
  leaf: [6, 6],
  "tail_jump": [1, 1],
  // Once left by ret, once by the branch.
  "tail_branch": [2, 2],
  "tail_indirect": [1, 1],
  // Its indirect jump stays inside.
  table: [1, 1],
  // Its branches and jumps backwards stay inside.
  loop: [1, 1],
  pops: [1, 1],
  repeats: [1, 1],
  bounds: [1, 1],
  // Left by a branch, by ret, and by a short jump.
  near: [3, 3],
  // Left by longjmp.
  never: [1, 0],
  jumps: [1, 0],
  recurse: [465, 465],
};

Deno.test("Session.enable() finds no return of a function that never returns", async () => {
  await withTarget("returns", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = session.enable("pid$target:libc.so.6:exit:return", { handler: () => {}, allowNone: true });
    const entry = session.enable("pid$target:libc.so.6:exit:entry", { handler: () => {} });
    await target.send();
    await session.run();
    assertEquals([enabled.probes.length, entry.hitsTotal], [0, 1]);
    assertEquals(await target.outcome(), await untraced("returns"));
  });
});

Deno.test("Session.enable() of returns counts every way out of a function once", async () => {
  const names = Object.keys(CALLS);
  const descriptions = names.flatMap((name) => [`pid$target:a.out:${name}:entry`, `pid$target:a.out:${name}:return`]);
  const { hits, warnings } = await assertSame("returns", descriptions);
  const seen = Object.fromEntries(names.map((name, i) => [name, hits.slice(2 * i, 2 * i + 2)]));
  assertEquals(seen, CALLS);
  assertEquals(warnings, []);
});
