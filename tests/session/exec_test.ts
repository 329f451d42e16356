/** Programs that become others. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { program32 } from "../program32.ts";
import { assertTextUntouched, TargetProgram, TARGETS, untraced, within } from "../support.ts";

const WORK = "pid$target:a.out:work:entry";

for (const way of ["first", "thread"]) {
  Deno.test(`Session.run() is silent about a program executed by another: ${way} thread`, async () => {
    const args = [5, way];
    await using target = await TargetProgram.start("execs", { args });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    const enabled = session.enable(WORK);
    await target.send();
    let events = 0;
    for await (const { pid, tid, arguments: [n] } of session.events()) {
      assertEquals([pid, tid, n], [target.pid, target.pid, 5]);
      events++;
    }
    assertEquals([events, enabled.hitsTotal], [1, 1]);
    assertEquals(traced.programsTotal, 6);
    assertEquals(traced.end, { code: 4, signal: undefined });
    assertEquals(await target.outcome(), await untraced("execs", { args }));
  });

  Deno.test(`Session.enable() finds the functions of a program executed meanwhile: ${way} thread`, async () => {
    const args = [8, way];
    await using target = await TargetProgram.start("execs", { args });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    let programs = 1;
    session.enable(WORK);
    await target.send();
    let events = 0;
    for await (const batch of session.batches()) {
      events += batch.length;
      if (traced.alive && traced.programsTotal > programs) {
        programs = traced.programsTotal;
        session.enable(WORK, { allowNone: true });
      }
    }
    // At least the first; each that was seen before it reached work().
    assert(events >= 1 && events <= 9, `${events}`);
    assertEquals(traced.end, { code: 4, signal: undefined });
    assertEquals(await target.outcome(), await untraced("execs", { args }));
  });
}

Deno.test("Session.spawn() goes on through a chain of programs", async () => {
  await using session = new Session({ signals: false });
  using output = await Deno.open("/dev/null", { write: true });
  assert(output);
  const traced = session.spawn("/bin/sh", {
    args: ["-c", `exec sh -c 'exec sh -c "exit 21"'`],
  });
  await within(session.run(), "the end of the run");
  assertEquals(traced.programsTotal, 3);
  assertEquals(traced.end, { code: 21, signal: undefined });
});

Deno.test("Session.detach() of a program that has executed another leaves its text as it is", async () => {
  await using target = await TargetProgram.start("/bin/sh", {
    args: ["-c", `echo ready; read line; exec ${TARGETS}idle`],
  });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  const traced = session.attach(target.pid);
  session.enable("pid$target:libc*:read:entry");
  await target.send();
  while (traced.programsTotal === 1) {
    for await (const _ of session.batches()) if (traced.programsTotal > 1) session.stop();
  }
  session.detach(traced);
  assertEquals(await target.line(), "ready");
  assertTextUntouched(target.pid);
  await target.send();
  assertEquals(await target.outcome(), { stdout: "done\n", end: "exited 5" });
});

Deno.test("Session.run() lets a process go that executes a 32-bit program, and says so", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, program32("exit"));
    await Deno.chmod(path, 0o755);
    await using target = await TargetProgram.start("/bin/sh", { args: ["-c", `echo ready; read line; exec ${path}`] });
    assertEquals(await target.line(), "ready");
    const warnings: string[] = [];
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    const traced = session.attach(target.pid);
    const enabled = session.enable("pid$target:libc.so.6:execve:entry", { handler: () => {} });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals([enabled.hitsTotal, traced.alive, traced.end, warnings], [1, false, undefined, [
      `Cannot go on tracing process ${target.pid}: Cannot trace i386 (32-bit x86) code: only x86_64 and aarch64 are supported`,
    ]]);
    assertEquals(await target.outcome(), { stdout: "", end: "exited 9" });
  } finally {
    await Deno.remove(path);
  }
});
