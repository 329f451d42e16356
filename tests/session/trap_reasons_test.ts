/** Why probes are traps: each reason of a real program, told before and after they are enabled, with hits as they are. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type EnableOptions, Session, type SessionOptions } from "../../mod.ts";
import { run } from "../cli/command.ts";
import { TargetProgram, untraced, within } from "../support.ts";

const CALLS = 20;
const PLACE = "a system call shows where it is made";
const PUSHES = "pushf shows how it is stepped over";
const POPS = "popf may make what follows it be stepped";
const UNKNOWN = "its copy would have another effect";
const END = "what follows it cannot be read";
const ONCE = "it fires only once";
const STAYS = "its instruction need not leave the function";
const INSIDE = "another probe is inside of the jump";
const HANDLED = "a handler wants to see the thread";
const MANY = "more than 22 arguments would have to be recorded";
const OFF = "jumps are switched off";

/** A probe that is looked at, and how it comes to be what it is. */
interface Case {
  readonly description: string;
  /** How often it is hit. */
  readonly hits: number;
  /** What is enabled beside it, with a handler. */
  readonly beside?: string;
  /** Whether hits are counted; otherwise they are recorded. */
  readonly counts?: boolean;
  readonly options?: SessionOptions;
  /** Why it is a trap when it is enabled; undefined if it is a jump. */
  readonly reason: string | undefined;
  /** The same as long as it is not enabled. */
  readonly foretold: string | undefined;
}

const pid = (name: string) => `pid$target:a.out:${name}`;

const CASES: readonly Case[] = [
  { description: pid("work:entry"), hits: CALLS, reason: undefined, foretold: undefined },
  { description: pid("work:entry"), options: { jumps: false }, hits: CALLS, reason: OFF, foretold: OFF },
  { description: pid("work:entry"), beside: pid("work:entry"), hits: CALLS, reason: HANDLED, foretold: HANDLED },
  { description: pid("shows_place:entry"), hits: CALLS, reason: PLACE, foretold: PLACE },
  { description: pid("shows_steps:entry"), hits: CALLS, reason: PUSHES, foretold: PUSHES },
  { description: pid("steps:1"), hits: CALLS, reason: POPS, foretold: POPS },
  // Whether there can be a copy is found out when it is made.
  { description: pid("odd:entry"), hits: CALLS, reason: UNKNOWN, foretold: undefined },
  { description: pid("edge:entry"), hits: CALLS, reason: END, foretold: END },
  { description: "oneshot$target:a.out:work:entry", hits: 1, counts: true, reason: ONCE, foretold: ONCE },
  { description: pid("stays:entry"), hits: CALLS, reason: undefined, foretold: undefined },
  { description: pid("stays:entry"), beside: pid("stays:return"), hits: CALLS, reason: HANDLED, foretold: HANDLED },
  { description: pid("close_by:entry"), beside: pid("close_by:1"), hits: CALLS, reason: INSIDE, foretold: INSIDE },
  { description: "reasons$target:::low", hits: CALLS, reason: undefined, foretold: undefined },
  { description: "reasons$target:::usual", hits: CALLS, reason: undefined, foretold: undefined },
];

for (const { description, hits, beside, counts, options, reason, foretold } of CASES) {
  const name = description + (beside === undefined ? "" : ` beside ${beside}`) +
    (options === undefined ? "" : " without jumps");
  Deno.test(`Session.inspect() says of ${name} why hits stop the thread: ${reason ?? "they do not"}`, async () => {
    const args = [CALLS];
    await using target = await TargetProgram.start("reasons", { args });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false, ...options });
    session.attach(target.pid);
    const others = beside === undefined ? [] : [session.enable(beside, { handler: () => {} })];
    const [probe, ...more] = session.list(description);
    assertEquals(more, []);
    const reasons = () => session.inspect(probe!).sites.map(({ trapReason }) => trapReason);
    assertEquals(reasons(), [foretold]);
    const how: EnableOptions = counts ? { count: true } : { record: () => {} };
    const enabled = session.enable(description, how);
    assertEquals(reasons(), [reason]);
    const { performed } = session.inspect(probe!).sites[0]!;
    assertEquals(performed === "jump", reason === undefined, performed);
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(enabled.hitsTotal + enabled.dropsTotal, hits);
    assertEquals(others.map(({ hitsTotal }) => hitsTotal), others.map(() => CALLS));
    assertEquals(await target.outcome(), await untraced("reasons", { args }));
  });

  if (beside !== undefined || reason !== foretold) continue;
  Deno.test(`fasttrap -lv says of ${name} why hits stop the thread: ${reason ?? "they do not"}`, async () => {
    await using target = await TargetProgram.start("reasons", { args: [CALLS] });
    assertEquals(await target.line(), "ready");
    const jumps = options?.jumps === false ? ["-x", "jumps=off"] : [];
    const { code, stdout, stderr } = await run([...jumps, "-lvn", description, "-p", target.pid]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, reason === undefined ? "\tjump that " : `: ${reason}\n`);
    await target.send();
    assertEquals(await target.outcome(), await untraced("reasons", { args: [CALLS] }));
  });
}

/** Enables several probes and tells why that of the first is a trap: with the others, and when they have gone again. */
async function reasonOf(
  program: string,
  descriptions: readonly string[],
  how: EnableOptions,
): Promise<{ readonly before: unknown; readonly after: unknown; readonly hits: readonly number[] }> {
  const args = [CALLS];
  await using target = await TargetProgram.start(program, { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const enabled = descriptions.map((description) => session.enable(description, how));
  const [place] = enabled[0]!.probes.flatMap((probe) => session.inspect(probe).sites);
  const find = () => session.stats().tracepoints.entries.find(({ pc }) => pc === place!.address)?.trapReason;
  const before = find();
  let after: unknown;
  let events = 0;
  const handler = () => {
    events++;
    for (const other of enabled.slice(1)) other[Symbol.dispose]();
    after = find();
  };
  // When it prints what came of its calls, and still runs.
  session.enable("pid$target:libc.so.6:write:entry", { handler });
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([await target.outcome(), events > 0], [await untraced(program, { args }), true]);
  return { before, after, hits: enabled.map(({ hitsTotal }) => hitsTotal) };
}

Deno.test("Session.stats() says of a branch that is an entry and a return why hits stop the thread", async () => {
  const { before, hits } = await reasonOf("reasons", [pid("stays:entry"), pid("stays:return")], { count: true });
  // Its other return is where it ends.
  assertEquals([before, hits], [STAYS, [CALLS, CALLS]]);
});

Deno.test("Session.enable() makes a jump again of a branch that was an entry and a return when it is one of them", async () => {
  await using target = await TargetProgram.start("reasons", { args: [CALLS] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const entry = session.list(pid("stays:entry"))[0]!;
  const { address } = session.inspect(entry).sites[0]!;
  const reason = () => session.stats().tracepoints.entries.find(({ pc }) => pc === address)!.trapReason;
  const entries = session.enable(pid("stays:entry"), { count: true });
  const reasons = [reason()];
  {
    using _returns = session.enable(pid("stays:return"), { count: true });
    reasons.push(reason());
  }
  reasons.push(reason());
  const returns = session.enable(pid("stays:return"), { count: true });
  reasons.push(reason());
  entries[Symbol.dispose]();
  reasons.push(reason());
  assertEquals(reasons, [undefined, STAYS, undefined, STAYS, undefined]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals([entries.hitsTotal, returns.hitsTotal], [0, CALLS]);
  assertEquals(await target.outcome(), await untraced("reasons", { args: [CALLS] }));
});

Deno.test("Session.stats() says of a site of two static probes with many values why hits stop the thread", async () => {
  const probes = ["reasons$target:::low", "reasons$target:::high"];
  const { before, hits } = await reasonOf("reasons", probes, { record: () => {} });
  assertEquals([before, hits], [MANY, [CALLS, CALLS]]);
});

Deno.test("Session.stats() says of a program that steps itself why hits stop the thread from then on", async () => {
  const { before, after, hits } = await reasonOf("steps", [pid("work:entry")], { count: true });
  assertEquals([before, after, hits], [undefined, "the program steps itself there", [CALLS]]);
});

Deno.test("Session.enable() makes a jump of the place of a shot when it is disabled, for who counts on", async () => {
  const shot = "oneshot$target:a.out:work:entry";
  const { before, after, hits } = await reasonOf("reasons", [pid("work:entry"), shot], { count: true });
  assertEquals([before, after, hits], [ONCE, undefined, [CALLS, 1]]);
});
