/** Stacks of threads beside what the unwinder of the C library finds in them. */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Session } from "../../mod.ts";
import { within, withTarget } from "../support.ts";

/** The kinds of frames of the target. */
const KINDS = ["main", "deep", "roomy", "compare", "signal", "stack", "never"];

for (const name of ["frames", "frames_static"]) {
  Deno.test(`Hit.stack() finds the frames that backtrace(3) finds in ${name}, without frame pointers`, () =>
    withTarget(name, async (target) => {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      const stacks: number[][] = [];
      const entry = session.enable("pid$target:a.out:told:entry", { handler: (hit) => void stacks.push(hit.stack()) });
      const running = session.run();
      await target.send();
      const { stdout, end } = await target.outcome();
      await within(running, "the end");
      const lines = stdout.trimEnd().split("\n");
      assertEquals([lines.pop(), end, entry.hitsTotal], ["sum 986415", "exited 0", KINDS.length]);
      assertEquals(lines.map((line) => line.split(" ")[0]), KINDS);
      lines.forEach((line, index) => {
        const expected = line.split(" ").slice(1).map((text) => parseInt(text, 16));
        assertGreaterOrEqual(expected.length, 4);
        assertEquals(stacks[index]!.slice(1), expected, KINDS[index]);
      });
    }));
}

Deno.test("Hit.stack() is as long as it may be, and the same at any instruction of a function", () =>
  withTarget("frames", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const callers = new Set<string>();
    let hits = 0;
    session.enable("pid$target:a.out:roomy:", {
      handler: (hit) => {
        hits++;
        assertEquals(hit.stack(0), []);
        assertEquals(hit.stack(1), [hit.pc]);
        callers.add(hit.stack(3).slice(1).join());
      },
    });
    const running = session.run();
    await target.send();
    assertEquals((await target.outcome()).end, "exited 0");
    await within(running, "the end");
    assertGreaterOrEqual(hits, 20);
    assertEquals(callers.size, 1);
  }));

Deno.test("Hit.stack() of a function that was left is that of its caller, by a jump as well", () =>
  withTarget("frames", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const stacks = { tail: [] as number[][], work: [] as number[][], entered: [] as number[][] };
    for (const name of ["tail", "work"] as const) {
      session.enable(`pid$target:a.out:${name}:return`, {
        handler: (hit) => {
          assertEquals(hit.stack(1), [hit.pc]);
          stacks[name].push(hit.stack().slice(1));
        },
      });
    }
    session.enable("pid$target:a.out:tail:entry", { handler: (hit) => void stacks.entered.push(hit.stack().slice(1)) });
    const running = session.run();
    await target.send();
    assertEquals((await target.outcome()).end, "exited 0");
    await within(running, "the end");
    const [first, second] = stacks.entered;
    assertGreaterOrEqual(first!.length, 3);
    // An odd number is left to work() by a jump, which then returns to main().
    assertEquals(stacks, { tail: [first!, second!], work: [first!], entered: [first!, second!] });
  }));

Deno.test("Hit.stack() follows frame pointers where nothing is said of frames", () =>
  withTarget("frames_pointers", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const stacks: number[][] = [];
    session.enable("pid$target:a.out:told:entry", { handler: (hit) => void stacks.push(hit.stack(13)) });
    const running = session.run();
    await target.send();
    assertEquals((await target.outcome()).end, "exited 0");
    await within(running, "the end");
    // told() is called by the innermost of ten deep(), nine of them called by deep(), the outermost by main().
    const [told, inDeep, ...others] = stacks[KINDS.indexOf("deep")]!;
    assertEquals(told, stacks[0]![0]);
    assertEquals(new Set(others.slice(0, 9)).size, 1);
    assertEquals(new Set([inDeep, ...others.slice(8)]).size, 4);
  }));
