/** Strings and bytes that hits capture: what was there at the call, the same by jumps as by traps, and never a fault. */

import { assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { type Capture, type Enabled, type HitRecord, Session, type TraceEvent } from "../../mod.ts";
import { NdjsonFormatter } from "../../lib/consumer/ndjson.ts";
import { Random } from "../isa/x86_64/random.ts";
import { rounds, TargetProgram, untraced, within, withTarget } from "../support.ts";
import { MortalTracer } from "./mortal.ts";

const TAKE = "pid$target:a.out:take:entry";
const GIVE = "pid$target:a.out:give:return";
/** Sizes that are no multiples of a word, shorter and longer than what is there, and longer than what is left of a page. */
const ENTRY: readonly Capture[] = [
  { kind: "string", argument: 0, sizeBytes: 64 },
  { kind: "bytes", argument: 0, sizeBytes: 20 },
  { kind: "string", argument: 0, sizeBytes: 13 },
  { kind: "bytes", argument: 0, sizeBytes: 1024 },
  { kind: "string", argument: 0, offsetBytes: 3, sizeBytes: 30 },
  { kind: "bytes", argument: 0, offsetBytes: -2, sizeBytes: 11 },
  { kind: "bytes", argument: 0, through: [8], offsetBytes: 1, sizeBytes: 4 },
];
const RETURN: readonly Capture[] = [
  { kind: "string", argument: 1, sizeBytes: 128 },
  { kind: "bytes", argument: 0, sizeBytes: 9 },
  { kind: "bytes", argument: 3, sizeBytes: 9 },
];

function waysOf(session: Session): string[] {
  return session.stats().tracepoints.entries.map(({ performed }) => performed);
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hexOf(text: string): string {
  return hex(new TextEncoder().encode(text))!;
}

/** What is compared of a call. */
interface Seen {
  readonly n: number;
  readonly captured: readonly (string | undefined)[];
}

/**
 * Traces `captures` from when it is ready to its end, which must be the same as untraced. All that is recorded has to fit into
 * a ring.
 */
async function capture(
  args: readonly (string | number)[],
  jumps: boolean,
  atEntry = ENTRY,
): Promise<{ calls: Seen[]; faults: number }> {
  const expected = await untraced("captures", { args });
  await using target = await TargetProgram.start("captures", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false, jumps });
  session.attach(target.pid);
  const calls: Seen[] = [];
  const note = (hit: HitRecord, captures: readonly Capture[]) => {
    // It may wait for that.
    if (calls.length === 0) void target.send();
    calls.push({ n: hit.arg(1), captured: captures.map((_, i) => hex(hit.bytes(i))) });
  };
  const enabled = [
    session.enable(TAKE, { capture: atEntry, record: (hit) => note(hit, atEntry) }),
    session.enable(GIVE, { capture: RETURN, record: (hit) => note(hit, RETURN) }),
  ];
  assertEquals(waysOf(session).map((way) => way === "jump"), [jumps, jumps]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), expected);
  assertEquals(enabled.map(({ dropsTotal }) => dropsTotal), [0, 0]);
  return { calls, faults: session.stats().processes.entries[0]!.readFaults };
}

const SHORT = ENTRY.slice(0, 2);

/** Without what differs from one run to the next: the value that a function returns. */
function comparable(calls: readonly Seen[]): Seen[] {
  return calls.map(({ n, captured }) => captured.length === RETURN.length ? { n: 0, captured } : { n, captured });
}

Deno.test("HitRecord.bytes() of strings of all lengths, up to the end of memory and over a border, are those of a trap", async () => {
  const { calls } = await capture(["good"], true);
  const entries = calls.filter(({ captured }) => captured.length === ENTRY.length);
  assertEquals(calls.length, 2 * 97 * 9 * 2);
  for (const [i, { n, captured }] of entries.entries()) {
    const text = hex(Uint8Array.from({ length: n }, (_, at) => 1 + (n + 7 * at) % 255))!;
    assertEquals([n, captured[0], captured[2]], [Math.floor(i / 18), text.slice(0, 128), text.slice(0, 26)]);
  }
  assertEquals(comparable(calls), comparable((await capture(["good"], false)).calls));
});

Deno.test("HitRecord.bytes() of pointers to nothing are undefined, or what there is up to the end of memory, as with a trap", async () => {
  const { calls } = await capture(["bad"], true);
  const nothing = ENTRY.map(() => undefined);
  const entries = calls.filter(({ captured }) => captured.length === ENTRY.length).map(({ captured }) => captured);
  assertEquals(entries.slice(0, 20), Array(20).fill(nothing));
  // In front of memory and behind it, and where it ends behind a few bytes.
  for (let i = 1; i < 40; i++) {
    const [at, before, behind] = entries.slice(20 + 3 * (i - 1), 23 + 3 * (i - 1));
    const part = (sizeBytes: number) => "78".repeat(Math.min(i, sizeBytes));
    assertEquals(at, [
      ...[part(64), part(20), part(13), part(1024)],
      ...[i > 3 ? "78".repeat(Math.min(i - 3, 30)) : undefined, "78".repeat(Math.min(i + 2, 11)), undefined],
    ]);
    assertEquals([before!.slice(0, 4), behind!.slice(0, 5)], [nothing.slice(0, 4), nothing.slice(0, 5)]);
  }
  assertEquals(comparable(calls), comparable((await capture(["bad"], false)).calls));
});

Deno.test("HitRecord.string() is what was there at the call, and is gone behind it", async () => {
  const { calls } = await capture(["changed", 2000], true);
  const names = calls.filter(({ captured }) => captured.length === ENTRY.length).map(({ captured }) => captured[0]);
  assertEquals(names, Array.from({ length: 2000 }, (_, i) => hexOf(`number ${i}`)));
});

Deno.test("HitRecord.bytes() are right where memory comes and goes under a pointer, which the program does not notice", async () => {
  const { calls, faults } = await capture(["stale", 3000], true, SHORT);
  assertEquals(comparable(calls), comparable((await capture(["stale", 3000], false, SHORT)).calls));
  // From the first on the kernel is asked.
  assertEquals(faults, 1);
});

Deno.test("HitRecord.bytes() end where a file was cut off under a pointer, as with a trap", async () => {
  const { calls } = await capture(["cut", 1000], true, SHORT);
  assertEquals(comparable(calls), comparable((await capture(["cut", 1000], false, SHORT)).calls));
  const entries = calls.filter(({ captured }) => captured.length === SHORT.length);
  assertEquals(entries.length, 3000);
  for (const [i, { captured }] of entries.entries()) {
    assertEquals(captured[0], [hexOf("here"), hexOf("he"), undefined][i % 3]);
  }
});

Deno.test("HitRecord.bytes() never fault in a program that ignores SIGSEGV, so that it does so at the end", async () => {
  const { calls, faults } = await capture(["ignores", 3000], true, SHORT);
  assertEquals([calls.length, faults], [12_004, 0]);
});

Deno.test("Session.enable() captures or drops each call of 4 threads at full speed", async () => {
  const args = ["threads", rounds(200_000, 20_000_000), 4];
  const expected = await untraced("captures", { args });
  await using target = await TargetProgram.start("captures", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  let wrong = 0;
  const enabled = session.enable(TAKE, {
    capture: [{ kind: "string", argument: 0, sizeBytes: 50 }],
    record: (hit) => {
      const n = hit.arg(1);
      if (hit.string(0) !== String.fromCharCode(97 + n % 26).repeat(n % 50)) wrong++;
    },
  });
  assertEquals(waysOf(session), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), expected);
  assertEquals([enabled.hitsTotal + enabled.dropsTotal, wrong], [4 * Number(args[1]), 0]);
  assertGreaterOrEqual(enabled.hitsTotal, 1000);
});

Deno.test("Session.enable() has several consumers of a place find their own captures, by a jump or by a trap", async () => {
  await using target = await TargetProgram.start("captures", { args: ["changed", 200] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const seen: unknown[][] = [[], [], [], []];
  const enable = (index: number, capture: readonly Capture[] | undefined): Enabled =>
    session.enable(TAKE, {
      capture,
      record: (hit) =>
        seen[index]!.push(capture?.map(({ kind }, i) => kind === "bytes" ? hex(hit.bytes(i)) : hit.string(i))),
    });
  const long: Capture[] = [1, 2, 3, 4].map((argument) => ({ kind: "bytes", argument, sizeBytes: 1024 }));
  enable(0, [{ kind: "string", argument: 0, sizeBytes: 9 }]);
  enable(1, undefined);
  const counted = session.enable(TAKE, { count: true });
  enable(2, [{ kind: "bytes", argument: 0, sizeBytes: 4 }, { kind: "string", argument: 0, sizeBytes: 32 }]);
  assertEquals(waysOf(session), ["jump"]);
  const tooLong = enable(3, long);
  const [tracepoint] = session.stats().tracepoints.entries;
  assertEquals(tracepoint!.trapReason, "what is captured there is too long for a record");
  assertEquals(session.inspect(tooLong.probes[0]!).sites[0]!.trapReason, tracepoint!.trapReason);
  tooLong[Symbol.dispose]();
  assertEquals(waysOf(session), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), await untraced("captures", { args: ["changed", 200] }));
  const names = Array.from({ length: 200 }, (_, i) => `number ${i}`);
  assertEquals(seen, [
    names.map((name) => [name.slice(0, 9)]),
    names.map(() => undefined),
    names.map((name) => ["6e756d62", name]),
    [],
  ]);
  assertEquals(counted.hitsTotal, 200);
});

Deno.test("Session.enable() captures what all arguments point to, strings and bytes, by one jump", async () => {
  await using target = await TargetProgram.start("captures", { args: ["changed", 200] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const capture = [5, 4, 3, 2, 1, 0].flatMap((argument) => [
    { kind: "string", argument, sizeBytes: 100 } as const,
    { kind: "bytes", argument, sizeBytes: 100 } as const,
  ]);
  const seen: unknown[] = [];
  const enabled = session.enable(TAKE, { capture, record: (hit) => seen.push([hit.string(10), hit.string(11)]) });
  assertEquals(waysOf(session), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), await untraced("captures", { args: ["changed", 200] }));
  assertEquals(seen, Array.from({ length: 200 }, (_, i) => [`number ${i}`, `number ${i}`]));
  assertEquals(enabled.dropsTotal, 0);
});

Deno.test("Session.enable() captures or drops each call of 8 threads that a timer interrupts, while others come and go", async () => {
  const calls = rounds(200_000, 10_000_000);
  const options = { args: [calls, 8, 1] };
  const expected = await untraced("hot", options);
  await using target = await TargetProgram.start("hot", options);
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  // Their arguments are no pointers, so that the kernel is asked about most of them.
  const enable = (name: string, sizeBytes: number) =>
    session.enable(`pid$target:a.out:${name}`, {
      capture: [{ kind: "string", argument: 0, sizeBytes }, { kind: "bytes", argument: 1, sizeBytes }],
      record: (hit) => assertEquals([hit.string(0), hit.bytes(1)], [undefined, undefined]),
    });
  const enabled = ["mix:entry", "mix:return", "fold:entry", "carry:entry"].map((name) => enable(name, 100));
  assertEquals(waysOf(session), Array(4).fill("jump"));
  await target.send();
  const running = session.run();
  for (let round = 1; target.alive && round <= 1000; round++) {
    using other = enable("carry_in:entry", round);
    while (target.alive && other.hitsTotal + other.dropsTotal === 0) await new Promise((done) => setTimeout(done));
  }
  await within(running, "the end of the run");
  assertEquals(await target.outcome(), expected);
  assertEquals(enabled.map(({ hitsTotal, dropsTotal }) => hitsTotal + dropsTotal), Array(4).fill(8 * calls));
});

for (const jumps of [true, false]) {
  Deno.test(`TraceEvent.captured has strings and bytes, ${jumps ? "by a jump" : "by a trap"}, and so has NDJSON`, async () => {
    await using target = await TargetProgram.start("captures", { args: ["changed", 3] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, jumps });
    session.attach(target.pid);
    session.enable(TAKE, {
      capture: [{ kind: "string", argument: 0, sizeBytes: 64 }, { kind: "bytes", argument: 0, sizeBytes: 3 }],
    });
    session.enable(GIVE, {
      capture: [{ kind: "string", argument: 0, sizeBytes: 64 }, { kind: "string", argument: 1, sizeBytes: 3 }],
    });
    await target.send();
    const events: TraceEvent[] = [];
    for await (const event of session.events()) events.push(event);
    assertEquals(
      events.map(({ captured }) => captured),
      [0, 1, 2].flatMap((i) => [
        [`number ${i}`, Uint8Array.of(110, 117, 109)],
        [undefined, "num"],
      ]),
    );
    const formatter = new NdjsonFormatter();
    const [line, other] = events.map((event) => JSON.parse(formatter.format(event)));
    assertEquals([line.captured, other.captured], [["number 0", "6e756d"], [null, "num"]]);
  });
}

Deno.test("Hit.string() is what was asked for, as in a record", async () => {
  await using target = await TargetProgram.start("captures", { args: ["changed", 3] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const seen: unknown[] = [];
  session.enable(TAKE, {
    capture: [{ kind: "string", argument: 0, sizeBytes: 8 }],
    handler: (hit) => {
      assertThrows(() => hit.string(1), RangeError, "1 were asked for");
      seen.push(hit.string(0), hit.bytes(0)?.length);
    },
  });
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(
    seen,
    Array(3).fill(["number 0".slice(0, 8), 8]).flat().map((each, i) => i % 2 === 0 ? `number ${i / 2}` : each),
  );
});

Deno.test("Session.enable() refuses captures that cannot be, and captures of hits that are only counted", () =>
  withTarget("captures", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const capture: readonly Capture[] = [{ kind: "string", argument: 0, sizeBytes: 8 }];
    assertThrows(() => session.enable(TAKE, { capture, count: true }), TypeError);
    assertThrows(() => session.enable(TAKE, { capture: [{ kind: "stack", sizeBytes: 0 }] }), RangeError);
    assertEquals(session.stats().tracepoints.entries, []);
    session.detach(session.targets[0]!);
    await target.send();
    assertEquals((await target.outcome()).end, "exited 7");
  }));

/**
 * How much memory the program has of its killed tracers, in kB. Mappings may stay: what a signal has left on its stack below the
 * stack pointer can look as if something led back into them.
 */
function residentKb(pid: number): number {
  const mappings = Deno.readTextFileSync(`/proc/${pid}/smaps`).split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  return mappings.filter((text) => text.includes("memfd:fasttrap"))
    .reduce((sum, text) => sum + Number(/^Rss: +(\d+) kB$/m.exec(text)![1]), 0);
}

for (const [what, moment] of [["always_bad", "ready"], ["always_stale", "faulted"]] as const) {
  Deno.test(`Session leaves a program alive that is ${what} about its pointers, whenever it is killed`, () =>
    withTarget("captures", async (target) => {
      const random = new Random(20261127);
      await target.send();
      for (let kill = 0; kill < rounds(6, 500); kill++) {
        // A new start would have a fault of its own, that the kill could meet.
        const tracer = new MortalTracer(
          "mortal_capturer.ts",
          target.pid,
          moment === "ready" ? 1 + random.below(3000) : 0,
        );
        await tracer.said(moment);
        await new Promise((resolve) => setTimeout(resolve, random.below(300)));
        await tracer.kill();
        await target.send();
        assertEquals(await target.line(), "right");
      }
      await using session = new Session({ signals: false, onWarning() {} });
      session.detach(session.attach(target.pid));
      assertEquals(residentKb(target.pid), 0);
      assertEquals(await target.outcome(), { stdout: "", end: "exited 7" });
    }, { args: [what] }));
}

/** The places of registers in `struct user_regs_struct`, and among those that are captured. */
const [RSI, RIP, RSP] = [13, 16, 19];
const CAPTURED_RSI = 6;
const THREAD: readonly Capture[] = [{ kind: "registers" }, { kind: "stack", sizeBytes: 24 }];

Deno.test("HitRecord.readRegister() and HitRecord.bytes() of registers and the stack are those of a trap, at a return behind it", async () => {
  const results: number[][][] = [];
  for (const jumps of [true, false]) {
    await using target = await TargetProgram.start("captures", { args: ["changed", 50] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, jumps });
    session.attach(target.pid);
    const seen: number[][] = [];
    let stackPointer = 0;
    const note = (hit: HitRecord) => {
      const word = new Uint32Array(2);
      const low = (index: number) => (assertEquals(hit.readRegister(index, word), true), word[0]!);
      const registers = new Uint32Array(hit.bytes(0)!.buffer);
      const [returnAddress] = new Uint32Array(hit.bytes(1)!.buffer);
      if (hit.probe.name === "entry") stackPointer = low(RSP);
      seen.push([
        ...[registers.length, registers[2 * CAPTURED_RSI]! - low(RSI), low(RIP) & 0xfff, low(RSP) - stackPointer],
        ...hit.probe.name === "entry" ? [hit.arg(1), low(RSI), returnAddress! & 0xfff] : [],
      ]);
      assertEquals([hit.readRegister(21, word), word[0] !== 0], [!jumps, !jumps]);
      assertThrows(() => hit.bytes(2), RangeError);
    };
    session.enable(TAKE, { capture: THREAD, record: note });
    session.enable(GIVE, { capture: THREAD, record: note });
    assertEquals(waysOf(session).map((way) => way === "jump"), [jumps, jumps]);
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals((await target.outcome()).end, "exited 7");
    results.push(seen);
  }
  assertEquals(results[0], results[1]);
  assertEquals(results[0]!.length, 100);
  assertEquals(results[0]![2]!.toSpliced(2, 1).slice(0, 5), [36, 0, 0, 1, 1]);
  assertEquals(results[0]![3]!.toSpliced(2, 1), [36, 0, 8]);
});

Deno.test("HitRecord.bytes() shows the program's own bytes below the jumps", () =>
  withTarget("sorts", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const [compare] = session.list("pid$target:a.out:compare:entry");
    const [site] = session.inspect(compare!).sites;
    using counted = session.enable("pid$target:a.out:compare:entry", { count: true });
    const seen: (string | undefined)[] = [];
    session.enable("pid$target:libc:qsort:entry", {
      capture: [{ kind: "bytes", argument: 3, sizeBytes: site!.code.length }],
      record: (hit) => seen.push(hex(hit.bytes(0))),
    });
    assertEquals(waysOf(session), ["jump", "jump"]);
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(seen, [hex(site!.code)]);
    assertGreaterOrEqual(counted.hitsTotal, 99);
    assertEquals(await target.outcome(), await untraced("sorts"));
  }));
