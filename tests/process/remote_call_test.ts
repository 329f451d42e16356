/** System calls in the name of a program. */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import { X86_64 } from "../../lib/isa/x86_64/architecture.ts";
import { attach, detach } from "../../lib/process/attach.ts";
import { callerPlaceBefore } from "../../lib/process/remote_call.ts";
import { Tracer } from "../../lib/process/tracer.ts";
import { assertTextUntouched, textMappings, untraced, withTarget } from "../support.ts";

Deno.test("remoteCall() still has a caller make the call where killed tracers have left theirs in all places", async () => {
  const args = ["handles"];
  const expected = await untraced("keeps_trap", { args });
  await withTarget("keeps_trap", async (target) => {
    const keeper = X86_64.keeper!;
    const caller = keeper.makeCaller(new Uint32Array(X86_64.registersBytes / 4));
    const ends = textMappings(target.pid).filter(({ path }) => path.startsWith("/")).map(({ end }) => end);
    assertGreaterOrEqual(ends.length, 1);
    {
      using memory = Deno.openSync(`/proc/${target.pid}/mem`, { write: true });
      for (const end of ends) {
        memory.seekSync(callerPlaceBefore(end, keeper), Deno.SeekMode.Start);
        assertEquals(memory.writeSync(caller), caller.length);
      }
    }
    using kernel = openKernel();
    const tracer = new Tracer(kernel, {
      trapped: () => "unknown",
      adopts: () => false,
      started() {},
      executed() {},
      ended() {},
      closed() {},
      warn() {},
    });
    // The program handles SIGTRAP, so that its action is asked for.
    const process = attach(tracer, target.pid);
    try {
      const { callerPlace, systemCall } = process.image;
      const places = ends.map((end) => callerPlaceBefore(end, keeper));
      assertEquals([places.includes(callerPlace!), systemCall], [true, undefined]);
      assertTextUntouched(target.pid);
    } finally {
      detach(tracer, process);
    }
    await target.send();
    assertEquals(await target.outcome(), expected);
  }, { args });
});
