/** System calls in the name of a program. */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import type { Address } from "../../lib/address.ts";
import { X86_64 } from "../../lib/isa/x86_64/architecture.ts";
import { attach, detach } from "../../lib/process/attach.ts";
import { callerPlaceBefore } from "../../lib/process/remote_call.ts";
import { Tracer } from "../../lib/process/tracer.ts";
import { Session } from "../../mod.ts";
import { assertTextUntouched, rawMemory, textMappings, untraced, withTarget } from "../support.ts";

/** Writes a caller into each text of a process, as killed tracers leave them. Returns where they are. */
function leaveCallers(pid: number): Address[] {
  const keeper = X86_64.keeper!;
  const caller = keeper.makeCaller(new Uint32Array(X86_64.registersBytes / 4));
  const texts = textMappings(pid).filter(({ path }) => path.startsWith("/"));
  assertGreaterOrEqual(texts.length, 1);
  const places = texts.map(({ end }) => callerPlaceBefore(end, keeper));
  for (const place of places) poke(pid, place, caller);
  return places;
}

/** Writes into the memory of a process. */
function poke(pid: number, address: number, bytes: Uint8Array): void {
  using memory = Deno.openSync(`/proc/${pid}/mem`, { write: true });
  memory.seekSync(address, Deno.SeekMode.Start);
  assertEquals(memory.writeSync(bytes), bytes.length);
}

Deno.test("Session.attach() leaves the caller of a killed tracer where a signal handler may return to it", () =>
  withTarget("calls", async (target) => {
    const places = leaveCallers(target.pid);
    const isThere = (place: Address) => rawMemory(target.pid, place, 8).some((byte) => byte !== 0);
    // As the context of a thread that was in the first one, on a stack that is in use no longer.
    const stack = Deno.readTextFileSync(`/proc/${target.pid}/maps`).split("\n").find((line) =>
      line.endsWith("[stack]")
    );
    const word = new BigUint64Array([BigInt(places[0]! + 3)]);
    poke(target.pid, Number.parseInt(stack!, 16), new Uint8Array(word.buffer));
    for (const left of [1, 0]) {
      using session = new Session({ signals: false });
      session.attach(target.pid);
      assertEquals(places.map(isThere), places.map((_, index) => index < left));
      poke(target.pid, Number.parseInt(stack!, 16), new Uint8Array(8));
    }
    assertTextUntouched(target.pid);
    await target.send();
    assertEquals(await target.outcome(), await untraced("calls"));
  }));

Deno.test("remoteCall() still has a caller make the call where killed tracers have left theirs in all places", async () => {
  const args = ["handles"];
  const expected = await untraced("keeps_trap", { args });
  await withTarget("keeps_trap", async (target) => {
    const places = leaveCallers(target.pid);
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
      assertEquals([places.includes(callerPlace!), systemCall], [true, undefined]);
      assertTextUntouched(target.pid);
    } finally {
      detach(tracer, process);
    }
    await target.send();
    assertEquals(await target.outcome(), expected);
  }, { args });
});
