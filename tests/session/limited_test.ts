/** Programs that may not do what jumps need: which of them are traced by traps, and that none notices. */

import { assertEquals } from "@std/assert";
import { type EnableOptions, Session } from "../../mod.ts";
import { TargetProgram, untraced, within } from "../support.ts";

const CALLS = 500;
const WAYS: Readonly<Record<string, EnableOptions>> = { count: { count: true }, record: { record: () => {} } };

for (
  const [what, reason] of [
    ["nothing", undefined],
    // Memory that was never writable may be executed (PR_SET_MDWE): pads are written by the tracer.
    ["exec", undefined],
    ["memfd", "its seccomp filter may forbid to map memory"],
    ["files", "it may not share memory with the tracer (memfd_create: EMFILE)"],
    ["sizes", "it may not make files of that size"],
    ["memory", "its address space is limited"],
    ["space", "its address space is limited"],
  ] as const
) {
  for (const [way, options] of Object.entries(WAYS)) {
    const places = reason === undefined ? "jumps" : "traps";
    Deno.test(`Session.enable() performs { ${way} } by ${places} in a program that forbids itself ${what}`, async () => {
      const args = [CALLS, what];
      const expected = await untraced("limited", { args });
      await using target = await TargetProgram.start("limited", { args });
      assertEquals(await target.line(), "ready");
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      const enabled = ["entry", "return"].map((name) => session.enable(`pid$target:a.out:work:${name}`, options));
      const sites = enabled.flatMap(({ probes }) => probes.flatMap((probe) => session.inspect(probe).sites));
      assertEquals(sites.map(({ trapReason }) => trapReason), [reason, reason]);
      assertEquals(sites.every(({ performed }) => (performed === "jump") === (reason === undefined)), true);
      await target.send();
      await within(session.run(), "the end of the run");
      assertEquals(await target.outcome(), expected);
      assertEquals(enabled.map(({ hitsTotal, dropsTotal }) => [hitsTotal, dropsTotal]), [[CALLS, 0], [CALLS, 0]]);
    });
  }
}

Deno.test("Session.detach() leaves nothing mapped where no memory can be shared", async () => {
  const args = [CALLS, "files"];
  await using target = await TargetProgram.start("limited", { args });
  assertEquals(await target.line(), "ready");
  const maps = () => Deno.readTextFileSync(`/proc/${target.pid}/maps`);
  const before = maps();
  {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    session.enable("pid$target:a.out:work:entry", { count: true });
  }
  assertEquals(maps(), before);
  await target.send();
  assertEquals(await target.outcome(), await untraced("limited", { args }));
});
