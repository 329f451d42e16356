/** Programs outlive a tracer that is killed, and the next one takes out what it has left. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Session } from "../../mod.ts";
import { Random } from "../isa/x86_64/random.ts";
import { MortalTracer } from "./mortal.ts";
import {
  assertTextUntouched,
  changedText,
  rounds,
  type TargetProgram,
  textMappings,
  tracerOf,
  withTarget,
} from "../support.ts";

/** Asks `survives` how it fares: its threads come further, and their results are right. */
async function assertRight(target: TargetProgram): Promise<string> {
  await target.send();
  const line = await target.line();
  assert(line.startsWith("right, "), line);
  return line;
}

Deno.test("Session.attach() takes out what a tracer has left that was killed, while the program goes on", () =>
  withTarget("survives", async (target) => {
    const tracer = new MortalTracer("mortal_tracer.ts", target.pid, 0);
    await tracer.said("enabled");
    await target.send();
    await tracer.kill();
    assertEquals(tracerOf(target.pid), 0);
    assertGreaterOrEqual(changedText(target.pid).length, 20);
    assertEquals(await assertRight(target), "right, semaphore 1");
    const warnings: string[] = [];
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    const traced = session.attach(target.pid);
    assertEquals(changedText(target.pid), []);
    assertEquals(warnings.map((message) => message.replace(/\d+/g, "N")), [
      "Process N still had N instructions and N raised semaphore changed by an earlier tracer, which was killed: " +
      "all is as it was again",
    ]);
    let hits = 0;
    session.enable("pid$target:a.out:fold:entry", { handler: () => void (++hits === 10 && session.stop()) });
    await session.run();
    session.detach(traced);
    assertEquals(await assertRight(target), "right, semaphore 0");
    assertEquals(changedText(target.pid), []);
    assertEquals(await target.outcome(), { stdout: "right 0\n", end: "exited 5" });
  }));

Deno.test("Session.attach() finds nothing where no tracer was killed", () =>
  withTarget("survives", async (target) => {
    await target.send();
    const warnings: string[] = [];
    for (let round = 0; round < 3; round++) {
      await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
      session.attach(target.pid);
      session.enable("pid$target:a.out:fold:");
    }
    await assertRight(target);
    assertTextUntouched(target.pid);
    assertEquals(await target.outcome(), { stdout: "right 0\n", end: "exited 5" });
    assertEquals(warnings, []);
  }));

/** How many kB there are of what a tracer has mapped for pads and shares with them; undefined if nothing is mapped. */
function sharedKb(pid: number): number | undefined {
  const mapped = Deno.readTextFileSync(`/proc/${pid}/smaps`).split(/^(?=[0-9a-f]+-)/m);
  const areas = mapped.filter((text) => text.includes("/memfd:fasttrap"));
  if (areas.length === 0) return undefined;
  return areas.reduce((sum, text) => sum + Number(/^Rss:\s+(\d+)/m.exec(text)?.[1]), 0);
}

Deno.test("Session.attach() unmaps what a killed tracer has left as soon as the program cannot get back there", () =>
  withTarget("clings", async (target) => {
    const ask = async (what: string) => {
      await target.send(what);
      assertEquals(await target.line(), what);
    };
    const attach = async () => {
      await using session = new Session({ signals: false, onWarning() {} });
      session.attach(target.pid);
    };
    const before = textMappings(target.pid);
    const tracer = new MortalTracer("mortal_capturer.ts", target.pid, 0);
    await tracer.said("enabled");
    await target.send();
    await ask("call");
    await ask("keep");
    await tracer.kill();
    assertGreaterOrEqual(sharedKb(target.pid)!, 64);
    await attach();
    assertEquals([changedText(target.pid), sharedKb(target.pid)], [[], 0]);
    await ask("call");
    await ask("forget");
    await attach();
    assertEquals([textMappings(target.pid), sharedKb(target.pid)], [before, undefined]);
    assertEquals(await target.outcome(), { stdout: "", end: "exited 5" });
  }));

Deno.test("Session.attach() finds what two killed tracers have left side by side", () =>
  withTarget("clings", async (target) => {
    const ask = async (what: string) => {
      await target.send(what);
      assertEquals(await target.line(), what);
    };
    const trace = async (...asked: string[]) => {
      const tracer = new MortalTracer("mortal_capturer.ts", target.pid, 0);
      await tracer.said("enabled");
      for (const what of asked) await ask(what);
      await tracer.kill();
    };
    await target.send();
    await trace("call", "keep");
    // What the second one maps comes to lie behind what has stayed of the first.
    await ask("room");
    await trace("call");
    assertGreaterOrEqual(changedText(target.pid).length, 2);
    await using session = new Session({ signals: false, onWarning() {} });
    session.detach(session.attach(target.pid));
    assertEquals(changedText(target.pid), []);
    await ask("call");
    assertEquals(await target.outcome(), { stdout: "", end: "exited 5" });
  }));

Deno.test("Session leaves a program alive and right whenever it is killed", () =>
  withTarget("survives", async (target) => {
    const random = new Random(20261126);
    await target.send();
    let found = 0;
    for (let kill = 0; kill < rounds(20, 1000); kill++) {
      const tracer = new MortalTracer("mortal_tracer.ts", target.pid, 1 + random.below(300));
      await tracer.said("ready");
      // Any moment will do: it is what is tested.
      await new Promise((resolve) => setTimeout(resolve, random.below(400)));
      const said = await tracer.kill();
      if (said.some((line) => line.startsWith("warning: Process"))) found++;
      await assertRight(target);
    }
    assertGreaterOrEqual(found, 1);
    const session = new Session({ signals: false, onWarning() {} });
    session.attach(target.pid);
    await session[Symbol.asyncDispose]();
    assertEquals(changedText(target.pid), []);
    await assertRight(target);
    assertEquals(await target.outcome(), { stdout: "right 0\n", end: "exited 5" });
  }));
