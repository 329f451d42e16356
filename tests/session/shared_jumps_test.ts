/** Sites that are so close together that they share a jump: each instruction of functions, entries beside returns. */

import { assert, assertEquals } from "@std/assert";
import {
  type Capture,
  type Enabled,
  type HitRecord,
  type ProbeIdentity,
  Session,
  type SessionOptions,
} from "../../mod.ts";
import { changedText, rounds, type TargetOptions, TargetProgram, untraced, within } from "../support.ts";
import { EPILOGUES } from "./epilogues.ts";

const EVERYTHING = EPILOGUES.flatMap((name) => [`pid$target:a.out:${name}:`, `pid$target:a.out:${name}:return`]);
const POPS = "pid$target:a.out:pops:";

/** Counts how often each probe was hit, by the names of its function and its own. */
class HitCounts {
  readonly hits = new Map<string, number>();

  add({ function: functionName, name }: ProbeIdentity, hits = 1): void {
    const key = `${functionName}:${name}`;
    this.hits.set(key, (this.hits.get(key) ?? 0) + hits);
  }
}

/** Traces a target from when it is ready to its end, which must be the same as untraced. */
async function trace(
  program: string,
  options: TargetOptions,
  enable: (session: Session) => readonly Enabled[],
  sessionOptions: SessionOptions = {},
): Promise<{ readonly enabled: readonly Enabled[]; readonly jumps: number; readonly traps: number }> {
  const expected = await untraced(program, options);
  await using target = await TargetProgram.start(program, options);
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({
    signals: false,
    onWarning: (message) => warnings.push(message),
    ...sessionOptions,
  });
  session.attach(target.pid);
  const enabled = enable(session);
  const { entries } = session.stats().tracepoints;
  const jumps = entries.filter(({ performed }) => performed === "jump").length;
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([await target.outcome(), warnings], [expected, []]);
  return { enabled, jumps, traps: entries.length - jumps };
}

for (const program of ["epilogues", "epilogues_no_pie"]) {
  for (
    const [title, args] of [
      ["in 2 threads", [300, 2]],
      ["that steps itself", [10, 1, 0, 1]],
      ["in 8 threads while a timer interrupts them", [rounds(100, 3_000), 8, 1]],
    ] as const
  ) {
    Deno.test(`Session.enable() counts each instruction of ${program} ${title} as a handler does`, async () => {
      const options = { args: [...args] };
      const { enabled, jumps, traps } = await trace(
        program,
        options,
        (session) => EVERYTHING.map((each) => session.enable(each, { count: true })),
      );
      assert(jumps > 2 * traps, `${jumps} jumps, ${traps} traps`);
      const counted = new HitCounts();
      for (const { counts } of enabled) for (const [probe, hits] of counts) if (hits > 0) counted.add(probe, hits);
      const handled = new HitCounts();
      const stopped = await trace(
        program,
        options,
        (session) => EVERYTHING.map((each) => session.enable(each, { handler: ({ probe }) => handled.add(probe) })),
      );
      assertEquals(stopped.jumps, 0);
      assertEquals(new Map([...counted.hits].sort()), new Map([...handled.hits].sort()));
    });
  }
}

Deno.test("Session.enable() records each instruction in the order in which a thread performs them", async () => {
  const recorded: string[] = [];
  const seen: string[] = [];
  const options = { args: [500, 1] };
  await trace("epilogues", options, (session) => [
    session.enable(POPS, { record: ({ probe }) => void recorded.push(probe.name) }),
  ]);
  await trace("epilogues", options, (session) => [
    session.enable(POPS, { handler: ({ probe }) => void seen.push(probe.name) }),
  ]);
  assert(seen.length > 500 * 10, String(seen.length));
  assertEquals(recorded, seen);
});

Deno.test("Session.enable() records both ends of functions of one instruction by a jump, as a trap does", async () => {
  const options = { args: [500, 1] };
  const names = ["gives", "passes"].flatMap((name) => [`${name}:entry`, `${name}:return`]);
  const seen: Record<"jump" | "trap", unknown[]> = { jump: [], trap: [] };
  for (const way of ["jump", "trap"] as const) {
    const record = (hit: HitRecord) => {
      const { probe: { name }, pc, argumentCount, returnValue } = hit;
      const values = name === "return" ? [returnValue] : [];
      for (let index = 0; index < argumentCount; index++) values.push(hit.arg(index));
      // What else is in the registers of arguments may be an address.
      seen[way].push([name, pc % 4096, values.slice(0, 3), hit.string(0)]);
    };
    const capture: Capture[] = [{ kind: "string", argument: 1, sizeBytes: 8 }];
    const enable = (session: Session) =>
      names.map((name) => session.enable(`pid$target:a.out:${name}`, { capture, record }));
    const { jumps, traps } = await trace("epilogues", options, enable, { jumps: way === "jump" });
    assertEquals([jumps, traps], way === "jump" ? [2, 0] : [0, 2]);
  }
  assertEquals(seen.jump.length, 500 * 2 * 2);
  assertEquals(seen.jump, seen.trap);
});

Deno.test("Session.enable() stops where registers are captured before and behind one instruction", async () => {
  const record = () => {};
  const registers: Capture[] = [{ kind: "registers" }];
  const ends = async (atEntry: Capture[], atReturn: Capture[]) => {
    const { jumps, traps, enabled } = await trace("epilogues", { args: [100, 1] }, (session) => [
      session.enable("pid$target:a.out:gives:entry", { capture: atEntry, record }),
      session.enable("pid$target:a.out:gives:return", { capture: atReturn, record }),
    ]);
    assertEquals(enabled.map(({ hitsTotal }) => hitsTotal), [100, 100]);
    return jumps > traps ? "jump" : "trap";
  };
  assertEquals([await ends(registers, registers), await ends([], registers), await ends(registers, [])], [
    "trap",
    "trap",
    "jump",
  ]);
});

Deno.test("Session.enable() stops for a handler inside of a jump, and shares the jump again without it", async () => {
  await using target = await TargetProgram.start("epilogues", { args: [1000, 1] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const ways = () => {
    const { entries } = session.stats().tracepoints;
    return entries.toSorted((a, b) => a.pc - b.pc).map(({ performed }) => performed === "jump");
  };
  const counted = session.enable(POPS, { count: true });
  const before = ways();
  assert(before.filter((isJump) => isJump).length >= 17, before.join());
  const handled = session.enable("pid$target:a.out:pops:4", { handler: () => {} });
  // That instruction, and the first one, whose jump would be over it; the second one has nothing behind it to share with.
  assert(ways().slice(0, 3).every((isJump) => !isJump), ways().join());
  handled[Symbol.dispose]();
  assertEquals(ways(), before);
  using again = session.enable("pid$target:a.out:pops:4", { handler: () => {} });
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), await untraced("epilogues", { args: [1000, 1] }));
  const at4 = [...counted.counts].find(([{ name }]) => name === "4")?.[1];
  assertEquals([again.hitsTotal > 1000, at4], [true, again.hitsTotal]);
});

Deno.test("Enabled[Symbol.dispose]() of some of the sites of a jump leaves the others, in all orders", async () => {
  const args = [rounds(20_000_000, 200_000_000), 4, 1];
  const expected = await untraced("epilogues", { args });
  await using target = await TargetProgram.start("epilogues", { args });
  assertEquals(await target.line(), "ready");
  {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    await target.send();
    const running = session.run();
    const names = ["0", "2", "4", "5", "6", "entry", "10", "11", "12", "14", "16"];
    const enabled = new Map<string, Enabled>();
    // A fixed sequence (Numerical Recipes' generator) that puts each of them in and out.
    let state = 1;
    for (let step = 0; step < rounds(400, 4_000) && target.alive; step++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const name = names[(state >>> 8) % names.length]!;
      const old = enabled.get(name);
      if (old === undefined) {
        enabled.set(name, session.enable(`pid$target:a.out:pops:${name}`, { count: true }));
      } else {
        while (target.alive && old.hitsTotal === 0) await new Promise((resolve) => setTimeout(resolve));
        old[Symbol.dispose]();
        enabled.delete(name);
      }
    }
    assert(target.alive, "the target has ended too early");
    session.stop();
    await running;
  }
  assertEquals(changedText(target.pid), []);
  assertEquals(await target.outcome(), expected);
});
