/** Hits that are recorded by jumps: each is there once or was dropped, with what a handler would have seen. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Enabled, type HitRecord, Session, type SessionOptions, type TraceEvent } from "../../mod.ts";
import { rounds, TargetProgram, until, untraced, within } from "../support.ts";

const HOT = ["mix", "fold", "carry", "carry_in"].map((name) => `pid$target:a.out:${name}:entry`);

/** How the tracepoints of what was enabled are performed. */
function waysOf(session: Session, { probes }: Enabled): string[] {
  const { entries } = session.stats().tracepoints;
  return probes.flatMap(({ id }) =>
    entries.filter(({ before, after }) => [...before, ...after].includes(id)).map(({ performed }) => performed)
  );
}

/** What is compared of a record. */
interface Seen {
  readonly name: string;
  readonly values: readonly number[];
  readonly thread: number;
}

/** Traces a target from when it is ready to its end, which must be the same as untraced, and tells what was recorded. */
async function record(
  name: string,
  args: readonly (string | number)[],
  { jumps, probes = ["entry"] }: { readonly jumps: boolean; readonly probes?: readonly string[] },
): Promise<Seen[]> {
  const expected = await untraced(name, { args });
  await using target = await TargetProgram.start(name, { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false, jumps });
  session.attach(target.pid);
  const seen: Seen[] = [];
  const threads = new Map<number, number>();
  const note = (hit: HitRecord) => {
    const { probe, pid, tid, argumentCount } = hit;
    // The others are in registers that nobody has set.
    const values = probe.name === "return" ? [0, 1].map((i) => hit.arg(i)) : [hit.arg(0)];
    assertEquals([argumentCount, pid > 0], [probe.name === "return" ? 2 : 6, true]);
    const thread = threads.get(tid) ?? threads.size;
    threads.set(tid, thread);
    seen.push({ name: probe.name, values, thread });
  };
  const enabled = probes.map((probe) => session.enable(`pid$target:a.out:work:${probe}`, { record: note }));
  if (jumps) assertEquals(waysOf(session, enabled[0]!), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), expected);
  assert(enabled.every(({ dropsTotal }) => dropsTotal === 0));
  assertEquals(seen.length, enabled.reduce((sum, { hitsTotal }) => sum + hitsTotal, 0));
  return seen;
}

for (
  const [name, args, probes] of [
    ["calls", [1000], ["entry", "return"]],
    ["calls_no_pie", [1000], ["entry", "return"]],
    ["calls_static", [1000], ["entry", "return"]],
    ["sharers", [4], ["entry"]],
    ["execs", [4, "main"], ["entry"]],
    ["execs", [4, "thread"], ["entry"]],
  ] as const
) {
  Deno.test(`Session.enable() records of ${[name, ...args].join(" ")} what handlers see, thread by thread`, async () => {
    assertEquals(await record(name, args, { jumps: true, probes }), await record(name, args, { jumps: false, probes }));
  });
}

Deno.test("Session.enable() knows the threads of records, though they come and go", async () => {
  const calls = rounds(2000, 20_000);
  const seen = await record("churn", [calls], { jumps: true });
  assertEquals(seen.map(({ values }) => values[0]!).sort((a, b) => a - b), [...Array(calls).keys()]);
  // Each thread calls once, and some ids are used again.
  const others = await record("churn", [calls], { jumps: false });
  const threadsOf = (all: readonly Seen[]) => new Set(all.map(({ thread }) => thread)).size;
  assertEquals(threadsOf(seen), threadsOf(others));
});

Deno.test("Session.enable() reads code though the thread that was stopped last has ended", async () => {
  const args = [rounds(1000, 30_000)];
  await using target = await TargetProgram.start("churn", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const handled = session.enable("pid$target:a.out:work:entry", { handler: () => {} });
  await target.send();
  const running = session.run();
  let times = 0;
  for (; target.alive; times++) {
    using other = session.enable("pid$target:a.out:main:", { handler: () => {} });
    if (session.targets.length > 0) assertEquals(other.unplaced.map(({ reason }) => reason), []);
    await new Promise((done) => setTimeout(done));
  }
  await within(running, "the end of the run");
  assertEquals(await target.outcome(), await untraced("churn", { args }));
  assertEquals([handled.hitsTotal, times > 10], [args[0]!, true]);
});

for (const name of ["hot", "hot_no_pie"]) {
  Deno.test(`Session.enable() records or drops each call of 8 threads of ${name} while a timer interrupts them`, async () => {
    const calls = rounds(200_000, 20_000_000);
    const options = { args: [calls, 8, 1] };
    const expected = await untraced(name, options);
    await using target = await TargetProgram.start(name, options);
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const threads = new Set<number>();
    const record = ({ tid }: HitRecord) => void threads.add(tid);
    const enabled = [...HOT, "pid$target:a.out:mix:return"].map((probe) => session.enable(probe, { record }));
    assertEquals(enabled.map((each) => waysOf(session, each)), Array(5).fill(["jump"]));
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), expected);
    assertEquals(enabled.map(({ hitsTotal, dropsTotal }) => hitsTotal + dropsTotal), Array(5).fill(8 * calls));
    // All that a thread has done may have been dropped.
    assert(threads.size > 0 && threads.size <= 8 && !threads.has(0), [...threads].join());
  });
}

Deno.test("Session.enable() records or drops each call while others are enabled and disabled all the time", async () => {
  const args = [rounds(5_000_000, 100_000_000), 4, 1];
  const expected = await untraced("hot", { args });
  await using target = await TargetProgram.start("hot", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const [mix, fold] = ["mix", "fold"].map((name) =>
    session.enable(`pid$target:a.out:${name}:entry`, { record: () => {} })
  );
  await target.send();
  const running = session.run();
  for (let round = 0; target.alive; round++) {
    using other = session.enable(HOT[2 + round % 2]!, { record: () => {} });
    using counted = session.enable(HOT[round % 4]!, { count: true });
    // At times inside of one of the jumps of the first two.
    using handled = round % 8 === 0 ? session.enable("pid$target:a.out:fold:", { handler: () => {} }) : counted;
    const all = [other, counted, handled];
    while (target.alive && all.some(({ hitsTotal }) => hitsTotal === 0)) await new Promise((done) => setTimeout(done));
  }
  await within(running, "the end of the run");
  assertEquals(await target.outcome(), expected);
  const calls = args[0]! * args[1]!;
  assertEquals([mix, fold].map((each) => each!.hitsTotal + each!.dropsTotal), [calls, calls]);
});

Deno.test("Session.events() gives records and stops in the order of their times", async () => {
  await using target = await TargetProgram.start("hot", { args: [500, 1] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const jumps = session.enable("pid$target:a.out:fold:entry");
  // No jump sees the registers as they are before its last instruction and behind it.
  const traps = session.enable("pid$target:a.out:carry_in:", { capture: [{ kind: "registers" }] });
  assertEquals(waysOf(session, jumps), ["jump"]);
  assert(waysOf(session, traps).some((way) => way !== "jump"));
  await target.send();
  const names: string[] = [];
  let last = 0;
  for await (const batch of session.batches()) {
    for (const { timestampNs, probe } of batch) {
      assert(Number.isSafeInteger(timestampNs) && timestampNs >= last, `${timestampNs} behind ${last}`);
      last = timestampNs;
      if (names.at(-1) !== probe.function) names.push(probe.function);
    }
    // What is in a later batch may be older.
    last = 0;
  }
  assertEquals(await target.outcome(), await untraced("hot", { args: [500, 1] }));
  assertEquals([jumps.hitsTotal, jumps.dropsTotal], [500, 0]);
  assertEquals(names.slice(0, 4), ["fold", "carry_in", "fold", "carry_in"]);
});

for (const stops of [false, true]) {
  const way = stops
    ? "and stops of 8 threads in the order of each"
    : "of 8 threads in the order of each, and of their times";
  Deno.test(`Session.enable() has consumers hear of records ${way}`, async () => {
    const args = [stops ? rounds(200_000, 2_000_000) : rounds(2_000_000, 40_000_000), 8, 1];
    await using target = await TargetProgram.start("hot", { args });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const wrong: string[] = [];
    const last = new Map<number, number>();
    const records = session.enable("pid$target:a.out:fold:entry", {
      record: (hit) => {
        const number = hit.arg(1);
        if (number <= (last.get(hit.tid) ?? -1)) wrong.push(`call ${number} behind ${last.get(hit.tid)}`);
        last.set(hit.tid, number);
      },
    });
    assertEquals(waysOf(session, records), ["jump"]);
    let stopsTotal = 0;
    // Each thread calls it behind every thousandth call of the other function.
    const handler = (tid: number) => {
      stopsTotal++;
      if (last.get(tid)! % 1000 !== 0) wrong.push(`a stop behind call ${last.get(tid)}`);
    };
    if (stops) session.enable("pid$target:a.out:twice:entry", { handler: ({ tid }) => handler(tid) });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), await untraced("hot", { args }));
    assertEquals(wrong.slice(0, 3), []);
    assertEquals(records.hitsTotal + records.dropsTotal, 8 * args[0]!);
    if (stops) assertEquals([stopsTotal, records.dropsTotal], [8 * args[0]! / 1000, 0]);
  });
}

Deno.test("Session.enable() makes a jump that only counts record, when somebody wants that, and both see each hit", async () => {
  await using target = await TargetProgram.start("hot", { args: [1000, 1] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const counted = session.enable(HOT[1]!, { count: true });
  let total = 0;
  const recorded = session.enable(HOT[1]!, { record: () => void total++ });
  assertEquals(waysOf(session, counted), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([counted.hitsTotal, recorded.hitsTotal, recorded.dropsTotal, total], [1000, 1000, 0, 1000]);
  assertEquals(await target.outcome(), await untraced("hot", { args: [1000, 1] }));
});

Deno.test("Session.enable() has a handler called though the place was counted by a jump for another probe", async () => {
  await using target = await TargetProgram.start("hot", { args: [1000, 1] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const counted = session.enable(HOT[1]!, { count: true });
  let handled = 0;
  session.enable("pid$target:a.out:fold:0", { handler: () => void handled++ });
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([counted.hitsTotal, handled], [1000, 1000]);
});

/** Records calls of a program that makes 2000, with something happening at the tenth record. */
async function withRecords(
  act: (session: Session, enabled: () => Enabled) => void,
  options: SessionOptions = {},
): Promise<{ readonly records: number; readonly run: Promise<void>; readonly target: TargetProgram }> {
  const target = await TargetProgram.start("calls", { args: [2000] });
  assertEquals(await target.line(), "ready");
  const session = new Session({ signals: false, ...options });
  session.attach(target.pid);
  let records = 0;
  const enabled: Enabled = session.enable("pid$target:a.out:work:entry", {
    record: () => {
      if (++records === 10) act(session, () => enabled);
    },
  });
  await target.send();
  const run = within(session.run(), "the end of the run").finally(() => session[Symbol.asyncDispose]());
  await run.catch(() => {});
  return { records, run, target };
}

for (
  const [what, act] of [
    ["lets the process go", (session: Session) => session.detach(session.targets[0]!)],
    ["disposes of the session", (session: Session) => session[Symbol.dispose]()],
    ["disables the probe", (_: Session, enabled: () => Enabled) => enabled()[Symbol.dispose]()],
  ] as const
) {
  Deno.test(`Session.enable() with a consumer of records that ${what}`, async () => {
    const { records, run, target } = await withRecords(act);
    await using _ = target;
    await run;
    assertEquals(await target.outcome(), await untraced("calls", { args: [2000] }));
    assert(records >= 10);
  });
}

Deno.test("Session.run() throws what a consumer of records has thrown, and the target lives on", async () => {
  const { run, target } = await withRecords(() => {
    throw new RangeError("enough");
  });
  await using _ = target;
  await assertRejects(() => run, RangeError, "enough");
  assertEquals(await target.outcome(), await untraced("calls", { args: [2000] }));
});

Deno.test("Session.takeEvents() gives what was recorded up to the end of the tracing", async () => {
  await using target = await TargetProgram.start("spin", { args: [1] });
  assertEquals(await target.line(), "ready");
  let events: readonly TraceEvent[] = [];
  let enabled: Enabled;
  const session = new Session({ signals: false });
  {
    await using _ = session;
    session.attach(target.pid);
    enabled = session.enable("pid$target:a.out:work:entry");
    for await (const batch of session.batches()) {
      events = batch;
      if (events.length > 0) break;
    }
  }
  events = [...events, ...session.takeEvents()];
  assertEquals(events.length, enabled.hitsTotal);
  // The calls are numbered: what is not there was dropped.
  const numbers = events.map((event) => event.arguments[0]!);
  assert(numbers.every((n, i) => i === 0 || n > numbers[i - 1]!));
  assert(numbers.at(-1)! - numbers[0]! + 1 - numbers.length <= enabled.dropsTotal);
  await target.send();
  assertEquals(await target.outcome(), await untraced("spin", { args: [1] }));
});

Deno.test("Session.enable() with two ways to hear of hits is refused", async () => {
  await using target = await TargetProgram.start("hot", { args: [1] });
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const nothing = () => {};
  assertThrows(() => session.enable(HOT[0]!, { record: nothing, handler: nothing }), TypeError);
  assertThrows(() => session.enable(HOT[0]!, { record: nothing, count: true }), TypeError);
  assertEquals(session.stats().tracepoints.entries, []);
  await target.send();
  await until(() => target.alive, "the target");
});

Deno.test("Session.unreadableByCpu counts the records in the middle of which a program was killed", async () => {
  // Whether it is killed there is not known before, so it is done until it was.
  for (let tries = 0; tries < 100; tries++) {
    await using target = await TargetProgram.start("hot", { args: [1e8, 1] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    let seen = 0;
    const { pid } = target;
    const record = () => void (++seen === 1000 && Deno.kill(pid, "SIGKILL"));
    const enabled = session.enable("pid$target:a.out:fold:entry", { record });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(traced.end?.signal, 9);
    assertEquals(enabled.hitsTotal, seen);
    if (session.unreadableByCpu.size === 0) continue;
    assertEquals([...session.unreadableByCpu.values()], [1]);
    return;
  }
  throw new Error("the program was never killed in the middle of a record");
});
