/**
 * Attaching to programs that run, over and over: nothing may be left behind.
 */

import { assertEquals, assertGreaterOrEqual, assertNotEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, stateOf, TargetProgram, tracerOf, until } from "../support.ts";
import { testWith, Workshop } from "./real_program.ts";

const SLEEP = "/usr/bin/sleep";

/** Waits until a process sleeps in the kernel, with its program loaded. */
async function untilAsleep(pid: number): Promise<void> {
  await until(
    () => Deno.readTextFileSync(`/proc/${pid}/maps`).includes("libc.so") && stateOf(pid) === "S",
    "the program's sleep",
  );
}

testWith([SLEEP], "Session attaches to sleep and lets it go 100 times, and leaves nothing in its memory", async () => {
  await using program = await TargetProgram.start(SLEEP, { args: [600] });
  const { pid } = program;
  await untilAsleep(pid);
  const maps = Deno.readTextFileSync(`/proc/${pid}/maps`);
  let probesTotal = 0;
  for (let round = 0; round < 100; round++) {
    using session = new Session({ signals: false });
    session.attach(pid);
    // Every instruction of a function: some of them need slots.
    probesTotal += session.enable(`pid${pid}:libc.so.6:clock_nanosleep:`, { handler: () => {} }).probes.length;
    assertNotEquals(tracerOf(pid), 0);
  }
  assertGreaterOrEqual(probesTotal, 3000);
  assertEquals(Deno.readTextFileSync(`/proc/${pid}/maps`), maps);
  assertEquals([tracerOf(pid), stateOf(pid)], [0, "S"]);
  assertTextUntouched(pid);
});

testWith([SLEEP], "Session lets sleep finish its time, though it attaches meanwhile", async () => {
  const begin = performance.now();
  await using program = await TargetProgram.start(SLEEP, { args: [0.5] });
  await untilAsleep(program.pid);
  for (let round = 0; round < 5; round++) {
    using session = new Session({ signals: false });
    session.enable(`pid${program.pid}:libc.so.6:*sleep*:`, { handler: () => {} });
  }
  assertEquals(await program.outcome(), { stdout: "", end: "exited 0" });
  assertGreaterOrEqual(performance.now() - begin, 500);
});

testWith(
  ["cc"],
  "Session attaches to four busy threads and lets them go 50 times, always between two traps",
  async () => {
    using workshop = new Workshop();
    await using program = await TargetProgram.start(workshop.compile(["cc", "-O1", "-pthread"], "endless.c"));
    const { pid } = program;
    await until(() => Deno.readTextFileSync(`/proc/${pid}/status`).includes("Threads:\t4\n"), "the threads");
    for (let round = 0; round < 50; round++) {
      using session = new Session({ signals: false });
      session.attach(pid);
      for (const name of ["entry", "return", ""]) session.enable(`pid${pid}:a.out:work:${name}`, { handler: () => {} });
    }
    assertEquals(tracerOf(pid), 0);
    assertTextUntouched(pid);
    assertEquals(stateOf(pid), "R");
  },
);
