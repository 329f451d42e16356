/** What the dump of the tables says. */

import { assertEquals } from "@std/assert";
import { processIndex, providerIndex, tracepointIndex } from "../../lib/fasttrap/hash.ts";
import { Session } from "../../mod.ts";
import { rawMemory, untraced, withTarget } from "../support.ts";

Deno.test("Session.stats() of a session without probes has empty tables of fasttrap's sizes", () => {
  using session = new Session({ signals: false });
  const { total, generation, tracepoints, providers, processes } = session.stats();
  assertEquals([total, generation], [0, 0]);
  assertEquals([tracepoints, providers, processes].map(({ buckets, entries }) => [buckets, entries.length]), [
    [16384, 0],
    [256, 0],
    [256, 0],
  ]);
});

Deno.test("Session.stats() tells what is in which bucket, and counts tracepoints, not probes", () =>
  withTarget("calls", async (target) => {
    await using session = new Session({ signals: false, hashSize: 5 });
    session.attach(target.pid);
    const every = session.enable("pid$target:a.out:work:", { handler: () => {} });
    const entry = session.enable("pid$target:a.out:work:entry", { handler: () => {} });
    const once = session.enable("oneshot$target:a.out:work:entry", { handler: () => {} });
    const { total, tracepoints, providers, processes } = session.stats();
    // The entry, the return, and each instruction; and the entry again.
    assertEquals(total, every.probes.length + 1);
    assertEquals(tracepoints.entries.length, every.probes.length - 2);
    const mask = tracepoints.buckets - 1;
    for (const { bucket, pid, pc } of tracepoints.entries) {
      assertEquals([pid, bucket], [target.pid, tracepointIndex(pc, target.pid, 1, mask)]);
      assertEquals(rawMemory(target.pid, pc, 1)[0], 0xcc);
    }
    const first = Math.min(...tracepoints.entries.map(({ pc }) => pc));
    const entryId = entry.probes[0]!.id;
    const onceId = once.probes[0]!.id;
    const zeroId = every.probes.find(({ name }) => name === "0")!.id;
    // The probe that was enabled last fires first.
    assertEquals(tracepoints.entries.find(({ pc }) => pc === first)!.before, [onceId, zeroId, entryId]);
    assertEquals(
      providers.entries.map(({ name, type, bucket, probes, enabled }) => ({ name, type, bucket, probes, enabled }))
        .sort((a, b) => a.name < b.name ? -1 : 1),
      [
        ["oneshot", 1],
        ["pid", every.probes.length],
      ].map(([type, count]) => ({
        name: `${type}${target.pid}`,
        type: String(type),
        bucket: providerIndex(String(type), target.pid, 255),
        probes: Number(count),
        enabled: Number(count),
      })),
    );
    const traps = tracepoints.entries.length;
    assertEquals(processes.entries, [{
      bucket: processIndex(target.pid, 255),
      pid: target.pid,
      providers: 2,
      active: 2,
      defunct: false,
      traps,
      retiredSlots: 0,
      readFaults: 0,
    }]);
    await target.send();
    await session.run();
    assertEquals(await target.outcome(), await untraced("calls"));
    session[Symbol.dispose]();
    const after = session.stats();
    assertEquals([after.total, after.tracepoints.entries, after.providers.entries, after.processes.entries], [
      0,
      [],
      [],
      [],
    ]);
  }));

Deno.test("Session.stats() shows the size that the tracepoint table was given, as long as it need not grow", () => {
  for (const [wanted, buckets] of [[3, 4], [5, 8], [4096, 4096], [0x1000001, 16384], [0, 16384]] as const) {
    using session = new Session({ signals: false, hashSize: wanted });
    assertEquals(session.stats().tracepoints.buckets, buckets);
  }
});
