/** Values that are tallied where hits happen: they come to what the program itself, or a handler, makes of them. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Enabled, type Hit, Session, type TallyPart, type TallyValues } from "../../mod.ts";
import { changedText, rounds, SOAK, type TargetOptions, TargetProgram, untraced, within } from "../support.ts";
import { WORKERS } from "./workers.ts";

const ALL: readonly TallyPart[] = ["sum", "min", "max", "log2"];
const ENTRY = "pid$target:a.out:take:entry";
const RETURN = "pid$target:a.out:take:return";

/** How the tracepoints of what was enabled are performed. */
function waysOf(session: Session, { probes }: Enabled): string[] {
  const { entries } = session.stats().tracepoints;
  return probes.flatMap(({ id }) =>
    entries.filter(({ before, after }) => [...before, ...after].includes(id)).map(({ performed }) => performed)
  );
}

/** A tally as tallies.c prints one. */
function textOf(tally: TallyValues | undefined): string {
  if (tally === undefined) return "nothing";
  const buckets = tally.buckets?.map(({ value, count }) => {
    const bits = value === 0 ? 0 : Math.log2(Math.abs(value)) + 1;
    return `${value < 0 ? "-" : ""}${bits}:${count}`;
  });
  return [tally.count, tally.sumBigInt(), tally.minBigInt(), tally.maxBigInt(), ...buckets ?? []].join(" ");
}

/** What the only probe of an enabling has come to, whose program does not run. */
function tallyOf(enabled: Enabled): TallyValues | undefined {
  const tallies = enabled.readTallies();
  assert(tallies.size <= 1);
  const [tally] = tallies.values();
  assertEquals(tally?.count ?? 0, enabled.hitsTotal);
  return tally;
}

/** Has -(2^63), which DTrace counts with its neighbours, be one of them. */
function mergeLowest(line: string): string {
  const lowest = Number(/ -64:(\d+)/.exec(line)?.[1] ?? 0);
  return line.replace(/ -64:\d+/, "").replace(/ -63:(\d+)/, (_, count) => ` -63:${Number(count) + lowest}`);
}

/** The lines that tallies.c prints. */
function linesOf(stdout: string): string[] {
  return stdout.trim().split("\n").map(mergeLowest);
}

/** Lets everything else run that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

for (const [how, jumps, calls] of [["jumps", true, rounds(200_000, 20_000_000)], ["traps", false, 300]] as const) {
  Deno.test(`Enabled.readTallies() gives what 8 threads have made of values of all sizes, by ${how}`, async () => {
    const options = { args: [calls, 8, 1] };
    const expected = await untraced("tallies", options);
    await using target = await TargetProgram.start("tallies", options);
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, jumps });
    session.attach(target.pid);
    const enabled = [
      session.enable(ENTRY, { tally: { argument: 0, keep: ALL } }),
      session.enable(ENTRY, { tally: { argument: 3, keep: ALL } }),
      session.enable(RETURN, { tally: { argument: 1, keep: ALL } }),
    ];
    const counted = session.enable(ENTRY, { count: true });
    const ways = [...enabled, counted].flatMap((each) => waysOf(session, each));
    assertEquals(ways.every((way) => (way === "jump") === jumps), true, ways.join());
    await target.send();
    await within(session.run(), "the end of the run");
    const outcome = await target.outcome();
    assertEquals(outcome, expected);
    const [entry, result] = linesOf(outcome.stdout);
    assertEquals(enabled.map((each) => textOf(tallyOf(each))), [entry, entry, result]);
    assertEquals([counted.hitsTotal, enabled[0]!.dropsTotal], [8 * calls, 0]);
  });
}

Deno.test("Enabled.readTallies() tells what is kept and nothing else, whichever way hits are performed", async () => {
  const told: unknown[] = [];
  for (const jumps of [true, false]) {
    await using target = await TargetProgram.start("tallies", { args: [500, 1] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, jumps });
    session.attach(target.pid);
    const sets = [[], ["sum"], ["min"], ["max", "log2"]] as const;
    const enabled = sets.map((keep) => session.enable(ENTRY, { tally: { argument: 0, keep } }));
    assertEquals(enabled.map((each) => each.readTallies().size), [0, 0, 0, 0]);
    await target.send();
    await within(session.run(), "the end of the run");
    await target.outcome();
    const tallies = enabled.map((each) => tallyOf(each)!);
    told.push(tallies.map(({ count, sum, min, max, buckets }) => ({ count, sum, min, max, buckets })));
    const isTold = tallies.map(({ sum, min, max, buckets }) =>
      [sum, min, max, buckets].map((one) => one !== undefined)
    );
    assertEquals(isTold, [
      [false, false, false, false],
      [true, false, false, false],
      [false, true, false, false],
      [false, false, true, true],
    ]);
    assertEquals(tallies.map((tally) => tally.sumBigInt() === undefined), [true, false, true, true]);
  }
  assertEquals(told[0], told[1]);
});

Deno.test("Enabled.readTallies() misses nothing while others come and go and 8 threads run", async () => {
  const options = { args: [rounds(5_000_000, 60_000_000), 8, 1] };
  const expected = await untraced("tallies", options);
  await using target = await TargetProgram.start("tallies", options);
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const [entry, result] = [
    session.enable(ENTRY, { tally: { argument: 0, keep: ALL } }),
    session.enable(RETURN, { tally: { argument: 1, keep: ALL } }),
  ];
  await target.send();
  const running = session.run();
  let others = 0;
  for (let round = 0; round < 150 * SOAK && target.alive; round++) {
    using counted = session.enable(round % 2 === 0 ? ENTRY : RETURN, { count: true });
    using tallied = session.enable(ENTRY, { tally: { argument: round % 6, keep: ["sum", "min"] } });
    using handled = round % 8 === 0 ? session.enable("pid$target:a.out:take:", { handler: () => {} }) : tallied;
    const all = [counted, tallied, handled];
    while (target.alive && all.some(({ hitsTotal }) => hitsTotal === 0)) await turn();
    for (const { count } of tallied.readTallies().values()) others += count;
  }
  if (target.alive) assertEquals([entry, result].flatMap((each) => waysOf(session, each!)), ["jump", "jump"]);
  await within(running, "the end of the run");
  const outcome = await target.outcome();
  assertEquals(outcome, expected);
  assertEquals([entry, result].map((each) => textOf(tallyOf(each!))), linesOf(outcome.stdout));
  assert(others > 0);
});

/** A tally by hand, as a handler makes it. */
class ByHand {
  readonly values: bigint[] = [];

  add(hit: Hit, argument: number): void {
    this.values.push(hit.argBigInt(argument));
  }

  toString(): string {
    const { values } = this;
    if (values.length === 0) return "nothing";
    const sum = BigInt.asIntN(64, values.reduce((all, one) => all + one, 0n));
    const ordered = values.toSorted((a, b) => a < b ? -1 : a > b ? 1 : 0);
    return [values.length, sum, ordered[0], ordered.at(-1)].join(" ");
  }
}

for (const [name, args] of WORKERS) {
  Deno.test(`Enabled.readTallies() gives of ${[name, ...args].join(" ")} what a handler sees`, async () => {
    // The results of churn are addresses.
    const requests = ([["entry", 0], ["return", 1]] as const).slice(0, name === "churn" ? 1 : 2);
    const trace = async (options: TargetOptions, enable: (session: Session) => (() => string)[]) => {
      await using target = await TargetProgram.start(name, options);
      assertEquals(await target.line(), "ready");
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      const read = enable(session);
      await target.send();
      await within(session.run(), "the end of the run");
      assertEquals(await target.outcome(), await untraced(name, options));
      return read.map((each) => each());
    };
    const tallied = await trace({ args }, (session) =>
      requests.map(([probe, argument]) => {
        const enabled = session.enable(`pid$target:a.out:work:${probe}`, {
          tally: { argument, keep: ["sum", "min", "max"] },
        });
        return () => textOf(tallyOf(enabled));
      }));
    const handled = await trace({ args }, (session) =>
      requests.map(([probe, argument]) => {
        const byHand = new ByHand();
        session.enable(`pid$target:a.out:work:${probe}`, { handler: (hit) => byHand.add(hit, argument) });
        return () => `${byHand}`;
      }));
    assertEquals(tallied, handled);
  });
}

Deno.test("Session.detach() and Enabled[Symbol.dispose]() leave tallies that agree with themselves", async () => {
  const options = { args: [rounds(8_000_000, 80_000_000), 8, 1] };
  const expected = await untraced("tallies", options);
  await using target = await TargetProgram.start("tallies", options);
  assertEquals(await target.line(), "ready");
  for (let round = 0; round < 10; round++) {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    if (round === 0) await target.send();
    const enabled = session.enable(ENTRY, { tally: { argument: 0, keep: ALL } });
    const other = session.enable(ENTRY, { tally: { argument: 3, keep: ALL } });
    const running = session.run();
    while (enabled.hitsTotal < 1000) await turn();
    if (round % 2 === 0) other[Symbol.dispose]();
    const seen = enabled.hitsTotal;
    session.detach(session.targets[0]!);
    await within(running, "the end of the run");
    const tally = tallyOf(enabled)!;
    assert(tally.count >= seen);
    assertEquals(tally.buckets!.reduce((sum, { count }) => sum + count, 0), tally.count);
    const rest = tallyOf(other);
    assertEquals(rest?.buckets?.reduce((sum, { count }) => sum + count, 0), rest?.count);
    assertEquals(changedText(target.pid), []);
  }
  assertEquals(await target.outcome(), expected);
});

/** What an argument of each static probe comes to, and what the pads at their sites do. */
async function tallyStatic(name: string, argument: number, jumps: boolean): Promise<Record<string, string[]>> {
  const options = { args: [30] };
  await using target = await TargetProgram.start(name, options);
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false, jumps });
  session.attach(target.pid);
  const enabled = session.enable("places$target:::", { tally: { argument, keep: ALL } });
  const { entries } = session.stats().tracepoints;
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), await untraced(name, options));
  return Object.fromEntries([...enabled.readTallies()].map(([{ id, name }, tally]) => {
    const pads = entries.filter(({ before }) => before.includes(id)).map(({ pad }) => pad ?? "none");
    return [name, [textOf(tally), ...pads]];
  }));
}

Deno.test("Enabled.readTallies() gives what arguments of static probes come to, wherever they are", async () => {
  const told: Record<string, string[]> = {};
  for (let argument = 0; argument < 6; argument++) {
    const tallied = await tallyStatic("static_places", argument, true);
    const handled = await tallyStatic("static_places", argument, false);
    for (const [name, [values, pad]] of Object.entries(tallied)) {
      // The stack is elsewhere each time.
      if (name !== "third" || argument !== 3) assertEquals([values!, "none"], handled[name], `${name} ${argument}`);
      (told[name] ??= []).push(pad!);
    }
  }
  const [tally, record] = ["tally", "record"];
  assertEquals(told, {
    first: Array(6).fill(tally),
    second: Array(6).fill(tally),
    // Vectors.
    third: [tally, tally, tally, tally, record, record],
    // The second byte of a register is one that a pad does not take out.
    parts: [tally, record, record, tally, tally, tally],
    others: [tally, tally, tally, tally, record, tally],
    stack: Array(6).fill(tally),
    // Constants.
    constants: [record, tally, record, record, tally, record],
    many: Array(6).fill(tally),
    // What need not be readable.
    memory: Array(6).fill(record),
    nowhere: [record, tally, record, record, record, record],
  });
});

Deno.test("Enabled.readTallies() gives what arguments of static probes in DOF come to, by their types", async () => {
  const readings = [];
  for (const jumps of [true, false]) {
    await using target = await TargetProgram.start("static_dof_no_pie", { args: [30] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, jumps });
    session.attach(target.pid);
    const enabled = session.enable("static_dof$target:::go", { tally: { argument: 1, keep: ALL } });
    const pads = session.stats().tracepoints.entries.map(({ pad }) => pad);
    await target.send();
    await within(session.run(), "the end of the run");
    await target.outcome();
    assertEquals(pads, jumps ? ["tally", "tally"] : [undefined, undefined]);
    readings.push(textOf(tallyOf(enabled)));
  }
  assertEquals(readings[0], readings[1]);
  // From -29 to 29.
  assert(readings[0]!.startsWith("60 0 -29 29 "), readings[0]);
});

Deno.test("Session.enable() refuses to tally what pads do not have, and two things at once", async () => {
  await using target = await TargetProgram.start("tallies", { args: [1] });
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  for (const argument of [-1, 6, 0.5, NaN]) {
    assertThrows(() => session.enable(ENTRY, { tally: { argument, keep: [] } }), RangeError, "it is not an integer");
  }
  const keep = ["average"] as unknown as TallyPart[];
  assertThrows(() => session.enable(ENTRY, { tally: { argument: 0, keep } }), RangeError, 'Cannot keep "average"');
  assertThrows(() => session.enable(ENTRY, { tally: { argument: 0, keep: [] }, count: true }), TypeError);
  assertEquals(session.stats().tracepoints.entries, []);
  await target.send();
});
