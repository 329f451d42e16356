/** Programs whose tracer was killed, and what they may do then, with traps and jumps in their text. */

import { assert, assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { Session } from "../../mod.ts";
import { RunningCommand } from "../cli/command.ts";
import { AS_NOBODY, IS_ROOT, Sandbox } from "../cli/sandbox.ts";
import { changedText, TargetProgram, TARGETS, tracerOf } from "../support.ts";
import { MortalTracer } from "./mortal.ts";

const TRAPS = ["handle=pid$target:a.out:trapped:entry", "handle=pid$target:a.out:trapped:return"];
const JUMPS = ["count=pid$target:a.out:jumped:entry", "record=pid$target:a.out:jumped:return"];
const LIBRARY = ["handle=pid$target:plugin:plugin_work:entry", "count=pid$target:plugin:plugin_work:return"];

/** Has the program do something, and be right. */
async function ask(target: TargetProgram, ...lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    await target.send(line);
    assertEquals(await target.line(), `${line} 0 0`);
  }
}

/** Starts the program, by another if there is a prefix. */
async function start(
  first: string,
  prefix: readonly string[] = [],
  path = `${TARGETS}abandoned`,
): Promise<TargetProgram> {
  const [program, ...args] = [...prefix, path, first, `${TARGETS}plugin`];
  const target = await TargetProgram.start(program!, { args });
  assertEquals(await target.line(), "ready");
  await target.send();
  return target;
}

/** Has a tracer enable something, do what is asked, and be killed. */
async function abandon(
  target: TargetProgram,
  asked: readonly string[],
  ways: readonly string[],
  meanwhile: readonly string[] = [],
): Promise<void> {
  const tracer = new MortalTracer("mortal_enabler.ts", target.pid, 0, ...asked);
  await tracer.said("enabled");
  await ask(target, "call", ...meanwhile);
  const said = await tracer.kill();
  assertEquals(said.filter((line) => line.includes("=")), asked.map((each, i) => `${each}: ${ways[i]}`));
  assertEquals(tracerOf(target.pid), 0);
}

/** Has a later tracer find all, trace, and leave nothing. */
async function assertCleaned(target: TargetProgram, found: number): Promise<void> {
  const warnings: string[] = [];
  {
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    assertEquals(changedText(target.pid), []);
    const counted = session.enable("pid$target:a.out:trapped:entry", { count: true });
    await ask(target, "call");
    assertEquals(counted.hitsTotal, 1000);
  }
  assertEquals(warnings.filter((text) => text.includes("earlier tracer")).length, found, warnings.join("\n"));
  assertEquals([changedText(target.pid), tracerOf(target.pid)], [[], 0]);
}

for (
  const [what, asked, ways, before, after] of [
    ["calls, makes threads and children", [...TRAPS, ...JUMPS], ["trap", "trap", "jump", "jump"], [
      "fork",
      "vfork",
      "thread",
    ], [
      "call",
      "thread",
      "fork",
      "vfork",
      "fork",
    ]],
    ["calls by jumps with a handler of SIGTRAP since then", JUMPS, ["jump", "jump"], [], [
      "handle",
      "raise",
      "thread",
      "fork",
    ]],
    ["calls by jumps with a handler since it was traced", JUMPS, ["jump", "jump"], ["handle"], [
      "raise",
      "thread",
      "fork",
    ]],
    ["executes a program", [...TRAPS, ...JUMPS], ["trap", "trap", "jump", "jump"], [], ["call"]],
  ] as const
) {
  Deno.test(`Session.attach() finds what was left in a program that ${what}`, async () => {
    await using target = await start("plain");
    await abandon(target, asked, ways, before);
    assertGreaterOrEqual(changedText(target.pid).length, 2);
    await ask(target, ...after);
    const executes = what.startsWith("executes");
    if (executes) {
      await target.send("exec");
      assertEquals(await target.line(), "ready");
      assertEquals(changedText(target.pid), []);
      await target.send();
      await ask(target, "call", "fork");
    }
    await assertCleaned(target, executes ? 0 : 1);
    await ask(target, "call", "thread", "fork");
    const { stdout, end } = await target.outcome();
    assertEquals([stdout.replace(/\d/, "N"), end], ["handled N\n", "exited 5"]);
  });
}

Deno.test("Session.attach() finds what was left by jumps in a program that has had a handler of SIGTRAP before", async () => {
  await using target = await start("handle");
  await abandon(target, JUMPS, ["jump", "jump"]);
  await ask(target, "call", "raise", "fork", "thread");
  await assertCleaned(target, 1);
  assertEquals(await target.outcome(), { stdout: "handled 1\n", end: "exited 5" });
});

Deno.test("Session.attach() finds nothing of a library that was unloaded since its tracer was killed", async () => {
  await using target = await start("plain");
  await ask(target, "open");
  await abandon(target, [...LIBRARY, ...TRAPS], ["trap", "jump", "trap", "trap"]);
  assert(changedText(target.pid).some((place) => place.startsWith(`${TARGETS}plugin+`)));
  await ask(target, "call", "close", "open", "call");
  assertEquals(changedText(target.pid).filter((place) => place.startsWith(`${TARGETS}plugin+`)), []);
  await ask(target, "close");
  await assertCleaned(target, 1);
  await ask(target, "open", "close");
  assertEquals(await target.outcome(), { stdout: "handled 0\n", end: "exited 5" });
});

Deno.test({
  name: `fasttrap -p of an ordinary user cleans what root's tracer has left${IS_ROOT ? "" : " (ignored: needs root)"}`,
  ignore: !IS_ROOT,
  fn: async () => {
    using sandbox = await Sandbox.make();
    await using target = await start("plain", ["/usr/bin/setpriv", ...AS_NOBODY.slice(1)], sandbox.target("abandoned"));
    await abandon(target, [...TRAPS, ...JUMPS], ["trap", "trap", "jump", "jump"]);
    assertGreaterOrEqual(changedText(target.pid).length, 2);
    const args = ["--count", "-n", "pid$target:a.out:trapped:entry", "-p", target.pid];
    await using running = new RunningCommand(args, sandbox.start(["--allow-ffi"], AS_NOBODY));
    await running.shows("matched 1 probe");
    assertEquals(changedText(target.pid).filter((place) => !place.includes("abandoned")), []);
    await ask(target, "call", "fork");
    assertEquals(await target.outcome(), { stdout: "handled 0\n", end: "exited 5" });
    const { stdout, stderr } = await running.screen();
    assertMatch(stderr, /changed by an earlier tracer, which was killed: all is as it was again/);
    assertMatch(stdout, /trapped:entry +\b2000\b/);
  },
});
