/** Static probes that are jumps: what is recorded of a hit is what a stopped thread shows. */

import { assert, assertEquals } from "@std/assert";
import { type Enabled, type HitRecord, Session } from "../../mod.ts";
import { TargetProgram, TARGETS, untraced, within } from "../support.ts";

const TIMES = 7;
const PLUGIN = `${TARGETS}static_plugin`;

/** What is compared of a hit: its probe, its arguments as numbers, and exact. */
type Seen = readonly [probe: string, values: readonly number[], exact: readonly bigint[]];

/** How the tracepoints of what was enabled are performed: `jump`, or why it is a trap. */
function waysOf(session: Session, { probes }: Enabled): Record<string, string[]> {
  const { entries } = session.stats().tracepoints;
  return Object.fromEntries(probes.map(({ id, name }) => [
    name,
    entries.filter(({ before, asked }) => [...before, ...asked].includes(id)).map(({ trapReason }) =>
      trapReason ?? "jump"
    ),
  ]));
}

/** Records in a target from when it is ready to its end, which must be the same as untraced but for what it prints. */
async function record(
  name: string,
  descriptions: readonly string[],
  { jumps, stdout }: { readonly jumps: boolean; readonly stdout?: string },
): Promise<{ seen: readonly Seen[]; ways: readonly Record<string, string[]>[]; total: number }> {
  const args = [TIMES];
  const expected = await untraced(name, { args });
  await using target = await TargetProgram.start(name, { args });
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, jumps, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const seen: Seen[] = [];
  const note = (hit: HitRecord) => {
    const indices = [...Array(hit.argumentCount + 2).keys()];
    seen.push([hit.probe.name, indices.map((index) => hit.arg(index)), indices.map((index) => hit.argBigInt(index))]);
  };
  const enabled = descriptions.map((description) => session.enable(description, { record: note }));
  const ways = enabled.map((each) => waysOf(session, each));
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), { ...expected, stdout: stdout ?? expected.stdout });
  assertEquals([warnings, enabled.map(({ dropsTotal }) => dropsTotal)], [[], descriptions.map(() => 0)]);
  return { seen, ways, total: enabled.reduce((sum, { hitsTotal }) => sum + hitsTotal, 0) };
}

/** The stack is elsewhere each time: its address is taken out of what was seen, where it is found the same twice. */
function withoutStack(seen: readonly Seen[]): Seen[] {
  const stack = seen.find(([probe]) => probe === "many")![2][6]!;
  assert(stack > 0n);

  return seen.map(([probe, values, exact]) => [
    probe,
    values.map((value) => value === Number(stack) ? -1 : value),
    exact.map((value) => value === stack ? -1n : value),
  ]);
}

for (const name of ["static_places", "static_places_stripped"]) {
  Deno.test(`HitRecord.arg() of ${name} is what Hit.arg() is, wherever the argument is`, async () => {
    const { seen, ways, total } = await record(name, ["places$target:::"], { jumps: true });
    assertEquals(total, 10 * TIMES);
    assertEquals(Object.values(ways[0]!), Array(10).fill(["jump"]));
    const traps = await record(name, ["places$target:::"], { jumps: false });
    assertEquals(withoutStack(seen), withoutStack(traps.seen));
    // A few that show that not all are 0.
    const values = Object.fromEntries(seen.slice(0, 10).map(([probe, , exact]) => [probe, exact]));
    assertEquals(values["parts"], [0x33n, 0x33n, 0x66n, 0x4444n, 0x44445555n, -0x77776667n, 0n, 0n]);
    assertEquals(values["stack"]!.slice(1, 6), [
      0xfedcba9876543210n,
      -0x1234568n,
      0xfedcn,
      0x88n,
      -0x778899aabbccddefn,
    ]);
    // Without symbols nobody knows where two of them are.
    const bySymbol = name === "static_places" ? [2n, -9n] : [0n, 0n];
    assertEquals(values["memory"], [-1n, 2n, 6n, 0xffn, ...bySymbol, -3n, 0n, 0n]);
    assertEquals(values["nowhere"], [0n, 0n, 0n, 0n]);
    assertEquals(values["constants"], [
      7n,
      0x8fff666677778888n,
      0xffffffffffffffffn,
      -56n,
      0x33334444n,
      1n,
      0n,
      0n,
      0n,
      0n,
    ]);
  });
}

Deno.test("HitRecord.arg() of static_dof_no_pie maps arguments as Hit.arg() does, at each site of a probe", async () => {
  const descriptions = ["static_dof$target:::go", "static_dof$target:::gated-one"];
  const { seen, ways, total } = await recordAsked(descriptions, true);
  const asks = "the program asks there whether a probe is enabled";
  assertEquals(ways, [{ go: ["jump", "jump"] }, { "gated-one": [asks, "jump"] }]);
  assertEquals(total, 3 * TIMES);
  const numbers = Array.from({ length: TIMES }, (_, n) => n);
  assertEquals(
    seen.map(([probe, values]) => [probe, values[probe === "go" ? 1 : 0]]),
    numbers.flatMap((n) => [["go", n], ["gated-one", n + 1], ["go", 0 - n]]),
  );
  assertEquals(seen, (await recordAsked(descriptions, false)).seen);
});

/** Records in a program that prints that it was asked. */
function recordAsked(descriptions: readonly string[], jumps: boolean): ReturnType<typeof record> {
  return record("static_dof_no_pie", descriptions, { jumps, stdout: `worked ${TIMES} times, gated ${TIMES}\n` });
}

Deno.test("Session records static probes behind semaphores by jumps, several sites of a name included", async () => {
  const stdout = `worked ${TIMES} times, gated ${TIMES}, semaphore 1\n`;
  const descriptions = ["notes$target:::gated-one", "notes$target:::odd"];
  const { seen, ways } = await record("static_notes", descriptions, { jumps: true, stdout });
  // Where the program happens to lie, the memory of one pad may be taken.
  const all = ways.flatMap((each) => Object.values(each).flat());
  const others = all.filter((way) => way !== "jump");
  assertEquals(others.filter((way) => way !== "there is no memory that a jump reaches"), []);
  assert(all.length === 2 && others.length < 2, all.join());
  const numbers = Array.from({ length: TIMES }, (_, n) => n);
  // The probe's second site is in another function, and is another probe; one argument of the last is not understood.
  const expected = numbers.flatMap((n) => [["gated-one", n], ["odd", n], ["gated-one", 0 - n]]);
  assertEquals(seen.map(([probe, values]) => [probe, values[probe === "odd" ? 1 : 0]]), expected);
  assertEquals(seen, (await record("static_notes", descriptions, { jumps: false, stdout })).seen);
});

Deno.test("Session with follow records static probes by jumps in children and in what they execute", async () => {
  for (const way of ["fork", "vfork"]) {
    await using target = await TargetProgram.start("static_family", { args: [way] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, follow: true });
    session.attach(target.pid);
    const own: number[] = [];
    const others: number[] = [];
    const ways = new Set<string>();
    const enabled = session.enable("family*:::works", {
      record: (hit) => {
        (hit.pid === target.pid ? own : others).push(hit.arg(0));
        for (const each of Object.values(waysOf(session, enabled)).flat()) ways.add(each);
      },
    });
    await target.send();
    await within(session.run(), "the end of all");
    const stdout = "parent 1\nchild 1\nexecuted 1\nagain 1\n";
    assertEquals(await target.outcome(), { stdout, end: "exited 0" });
    assertEquals([own, others], [[0, 1, 2, 0, 1, 2], [0, 1, 0]]);
    assertEquals([...ways], ["jump"]);
  }
});

Deno.test("Session records static probes by jumps in a library that comes and goes", async () => {
  await using target = await TargetProgram.start("plugins", { args: [PLUGIN, 5, 1] });
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  const seen: (readonly [probe: string, ...values: number[]])[] = [];
  {
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    const enabled = session.enable("plug$target:::", {
      allowNone: true,
      record: (hit) => void seen.push([hit.probe.name, hit.arg(0), hit.probe.name === "gated" ? hit.arg(1) : -1]),
    });
    await target.send();
    await within(session.run(), "the end");
    assertEquals([enabled.hitsTotal, enabled.dropsTotal], [10, 0]);
  }
  assertEquals(await target.outcome(), { stdout: `5 places\n0 0 0 ${5 * 1000 + 10}\n`, end: "exited 6" });
  assertEquals(seen, Array.from({ length: 5 }, (_, n) => [["always", n, -1], ["gated", n, 1]] as const).flat());
  assertEquals(warnings, []);
});

Deno.test("Session.enable() makes static probes jumps when nothing forbids it any more, and traps when something does", async () => {
  await using target = await TargetProgram.start("static_places", { args: [TIMES] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const way = (enabled: Enabled) => Object.values(waysOf(session, enabled)).flat();
  const counted = session.enable("places$target:::[mn]*", { count: true });
  assertEquals(way(counted), ["jump", "jump", "jump"]);
  const handled = session.enable("places$target:::many", { handler: () => {} });
  assertEquals(way(handled), ["a handler wants to see the thread"]);
  handled[Symbol.dispose]();
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(counted.hitsTotal, 3 * TIMES);
  assertEquals(await target.outcome(), await untraced("static_places", { args: [TIMES] }));
});

Deno.test("HitRecord.arg() is right for each of several probes at one place, whoever came first", async () => {
  await using target = await TargetProgram.start("static_places", { args: [TIMES] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const [site] = session.inspect(session.list("places$target:::parts")[0]!).sites;
  const work = session.inspect(session.list("pid$target:a.out:work:entry")[0]!).sites[0]!;
  const offset = `pid$target:a.out:work:${(site!.address - work.address).toString(16)}`;
  const seen: Record<string, bigint[][]> = { first: [], static: [], last: [] };
  const note = (name: string) => (hit: HitRecord) =>
    void seen[name]!.push([...Array(hit.argumentCount).keys()].map((index) => hit.argBigInt(index)));
  const first = session.enable(offset, { record: note("first") });
  session.enable("places$target:::parts", { record: note("static") });
  first[Symbol.dispose]();
  const last = session.enable(offset, { record: note("last") });
  assertEquals(Object.values(waysOf(session, last)).flat(), ["jump"]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), await untraced("static_places", { args: [TIMES] }));
  assertEquals(seen["first"], []);
  assertEquals(seen["static"], Array(TIMES).fill([0x33n, 0x33n, 0x66n, 0x4444n, 0x44445555n, -0x77776667n]));
  assertEquals(seen["last"]!.map((values) => values.map((value) => Number(BigInt.asUintN(64, value) >> 48n))), [
    ...Array(TIMES).fill([0x8777, 0x8666, 0x8222, 0x8111, 0x8888, 0x8999]),
  ]);
});

const TEXT = { kind: "string", argument: 1, sizeBytes: 16 } as const;
const NOT_RECORDED = "what is captured there is pointed to by what is not recorded";

for (
  const [program, description, capture, way, texts] of [
    ["static_dof", "static_dof$target:::go", [{ ...TEXT, argument: 0 }], "jump", ["text", "ext"]],
    ["static_notes", "notes$target:::places", [TEXT], "jump", ["text"]],
    // An argument of 4 bytes is in a register of 8, and a constant is nowhere.
    ["static_notes", "notes$target:::places", [TEXT, { ...TEXT, argument: 3 }], NOT_RECORDED, ["text", undefined]],
    ["static_notes", "notes$target:::places", [TEXT, { ...TEXT, argument: 4 }], NOT_RECORDED, ["text", undefined]],
  ] as const
) {
  const title = `${capture.length} captures of ${description}, argument ${capture.at(-1)!.argument}`;
  Deno.test(`HitRecord.string() of ${title}, is what a stopped thread shows`, async () => {
    for (const jumps of [true, false]) {
      await using target = await TargetProgram.start(program, { args: [TIMES] });
      assertEquals(await target.line(), "ready");
      await using session = new Session({ signals: false, jumps });
      session.attach(target.pid);
      const seen: (string | undefined)[] = [];
      const enabled = session.enable(description, {
        capture,
        record: (hit) => void seen.push(...capture.map((_, index) => hit.string(index))),
      });
      const ways = new Set(Object.values(waysOf(session, enabled)).flat());
      assertEquals([...ways], [jumps ? way : "jumps are switched off"]);
      await target.send();
      await within(session.run(), "the end of the run");
      assertEquals((await target.outcome()).end, "exited 0");
      assertEquals(seen, Array(TIMES).fill(texts).flat());
    }
  });
}
