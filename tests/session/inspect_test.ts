/** What is said of a probe before it is enabled comes true. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Capture, Session, type SiteDetails } from "../../mod.ts";
import { rawMemory, TargetProgram, untraced, within } from "../support.ts";

for (
  const [program, functionName, ways] of [
    ["assembly", "work", ["emulated", "slot"]],
    ["steps", "work", ["emulated", "slot"]],
    ["own_trap", "work", ["emulated"]],
    ["returns", "*", ["emulated", "slot"]],
  ] as const
) {
  Deno.test(`Session.inspect() foretells how each instruction of ${program} is performed, and which cannot be`, async () => {
    await using target = await TargetProgram.start(program);
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const description = `pid$target:a.out:${functionName}:`;
    const listed = session.list(description);
    const foretold = listed.map((probe) => session.inspect(probe).sites);
    for (const { address, code } of foretold.flat()) {
      assertEquals(code, rawMemory(target.pid, address, code.length));
    }
    const enabled = session.enable(description, { handler: () => {} });
    assertEquals(enabled.probes.map(({ id }) => id).sort(), listed.map(({ id }) => id).sort());
    const refusals = new Map(
      enabled.unplaced.map(({ probe, reason }) => [probe.id, reason.replace(/, at offset.*/, "")]),
    );
    const { entries } = session.stats().tracepoints;
    const performed = new Map(entries.map(({ pc, performed }) => [pc, performed]));
    const seen = new Set<SiteDetails["performed"]>();
    for (const [index, sites] of foretold.entries()) {
      const { id } = listed[index]!;
      assertEquals(sites.find(({ refusal }) => refusal !== undefined)?.refusal, refusals.get(id));
      if (refusals.has(id)) continue;
      for (const site of sites) assertEquals(site.performed, performed.get(site.address as never));
      for (const site of sites) seen.add(site.performed);
      // The trap does not show, neither as an instruction nor in another way of performing it.
      const trapReason = "a handler wants to see the thread";
      assertEquals(session.inspect(listed[index]!).sites, sites.map((site) => ({ ...site, trapReason })));
    }
    assertEquals([...seen].sort(), [...ways]);
    await target.send();
    await within(session.run(), "the end");
    assertEquals(await target.outcome(), await untraced(program));
    assertEquals(session.inspect(listed[0]!).sites, []);
  });
}

/** Reasons for traps that cannot be foretold. */
const ONLY_ENABLING = ["another probe is inside of the jump", "there is no memory that a jump reaches"];

for (const program of ["hot", "returns", "assembly"]) {
  Deno.test(`Session.inspect() foretells where ${program} can be counted by jumps, and why not elsewhere`, async () => {
    await using target = await TargetProgram.start(program, { args: [10, 1] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const ways = new Set<SiteDetails["performed"]>();
    for (const kind of ["entry", "return"]) {
      const description = `pid$target:a.out::${kind}`;
      const sitesOf = () => session.list(description).flatMap((probe) => session.inspect(probe).sites);
      const foretold = new Map(
        sitesOf().map(({ address, trapReason, isCountable }) => [address, isCountable ? undefined : trapReason]),
      );
      using _enabled = session.enable(description, { count: true });
      const { entries } = session.stats().tracepoints;
      for (const { address, performed, trapReason } of sitesOf()) {
        const entry = entries.find(({ pc }) => pc === address);
        assertEquals([entry?.performed, entry?.trapReason], [performed, trapReason]);
        assertEquals(trapReason === undefined, performed === "jump");
        // Only enabling shows that two probes are too close to each other, or that memory is taken.
        if (!ONLY_ENABLING.includes(trapReason ?? "")) assertEquals(trapReason, foretold.get(address));
        ways.add(performed);
      }
    }
    assert(ways.has("jump"));
    await target.send();
    await within(session.run(), "the end");
    assertEquals(await target.outcome(), await untraced(program, { args: [10, 1] }));
  });
}

Deno.test("Session.inspect() refuses what is no probe of a session", () => {
  using session = new Session({ signals: false });
  const probe = { id: 1, provider: "pid1", module: "a", function: "b", name: "entry" };
  assertThrows(() => session.inspect(probe), TypeError, "Cannot inspect what is no probe of a session");
});

Deno.test("Session.inspect() says where hits that are counted need no trap, though those that are recorded do", async () => {
  await using target = await TargetProgram.start("hot", { args: [10, 1] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const [probe] = session.list("pid$target:a.out:fold:entry");
  const foretell = (recorded?: Capture[]) =>
    session.inspect(probe!, recorded).sites.map(({ trapReason, isCountable }) => [trapReason, isCountable]);
  const long: Capture[] = [1, 2, 3, 4].map((argument) => ({ kind: "bytes", argument, sizeBytes: 1024 }));
  assertEquals(foretell(), [[undefined, undefined]]);
  assertEquals(foretell(long.slice(0, 2)), [[undefined, undefined]]);
  assertEquals(foretell(long), [["what is captured there is too long for a record", true]]);
  using counted = session.enable("pid$target:a.out:fold:entry", { count: true });
  assertEquals(foretell(long), [[undefined, undefined]]);
  await target.send();
  await within(session.run(), "the end");
  assertEquals([counted.hitsTotal, await target.outcome()], [10, await untraced("hot", { args: [10, 1] })]);
});
