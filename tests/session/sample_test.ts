/** Samples: threads that are looked at wherever they are. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Hit, Session } from "../../mod.ts";
import { stateOf, type TargetProgram, within, withTarget } from "../support.ts";

/** Attaches to a target with some threads that run, and samples until there have been as many samples. */
async function sampleTarget(target: TargetProgram, count: number, handler: (hit: Hit) => void, description?: string) {
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const enabled = description === undefined ? undefined : session.enable(description, { count: true });
  const running = session.run();
  await within(
    (async () => {
      // The thread that sleeps has been woken to be attached to.
      while (stateOf(target.pid) !== "S") await turn();
      for (let samples = 0; samples < count;) {
        session.sample((hit) => {
          samples++;
          handler(hit);
        });
        await turn();
      }
    })(),
    `${count} samples`,
  );
  session.stop();
  await within(running, "the end of the run");
  return enabled?.hitsTotal;
}

/** Lets everything else run that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** The range of the target's own file in its memory. */
function ownRange({ pid }: TargetProgram): [number, number] {
  const lines = Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n").filter((line) => line.endsWith("/spin"));
  const bounds = lines.map((line) => /^([0-9a-f]+)-([0-9a-f]+)/.exec(line)!.slice(1).map((text) => parseInt(text, 16)));
  return [bounds[0]![0]!, bounds.at(-1)![1]!];
}

Deno.test("Session.sample() shows the threads that run, and not the one that sleeps", async () => {
  await withTarget("spin", async (target) => {
    const [begin, end] = ownRange(target);
    const tids = new Set<number>();
    await sampleTarget(target, 20, (hit) => {
      tids.add(hit.tid);
      assertEquals(hit.pid, target.pid);
      assert(hit.pc >= begin && hit.pc < end, hit.pc.toString(16));
      assertEquals([hit.arg(0), hit.arg(1), hit.argBigInt(1)], [0, hit.pc, BigInt(hit.pc)]);
      assertEquals(hit.readBytes(hit.pc, 1).length, 1);
      assertThrows(() => hit.setArg(0, 1), RangeError, "at no probe");
      assertThrows(() => hit.setReturnValue(1), RangeError, "at no probe");
    });
    assertEquals(tids.size, 1);
    assert(!tids.has(target.pid));
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  });
});

Deno.test("Session.sample() shows threads in pads and slots where the program itself would be", async () => {
  await withTarget("spin", async (target) => {
    const [begin, end] = ownRange(target);
    const hits = await sampleTarget(target, 200, ({ pc }) => {
      assert(pc >= begin && pc < end, pc.toString(16));
    }, "pid$target:a.out:work:");
    assert(hits! > 0);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [2] });
});
