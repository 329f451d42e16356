/** The time of records against the clock of the kernel. */

import { assert } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import { TickClock } from "../../lib/process/tick_clock.ts";

Deno.test("TickClock.toNs() is between two looks at CLOCK_MONOTONIC", async () => {
  using kernel = openKernel();
  const clock = new TickClock(kernel);
  const halves = new Uint32Array(2);
  const bytes = new Uint8Array(halves.buffer);
  // Readings are right to some tens of nanoseconds, unless the machine takes the CPU away in between.
  let closestNs = Infinity;
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const before = kernel.call.ft_clock_ns();
    kernel.call.ft_ticks(bytes, new Uint8Array(8));
    const after = kernel.call.ft_clock_ns();
    clock.read();
    const ns = clock.toNs((halves[1]! - clock.base[1]) * 2 ** 32 + (halves[0]! - clock.base[0]));
    assert(Number.isSafeInteger(ns));
    closestNs = Math.min(closestNs, Math.max(before - ns, ns - after, 0));
  }
  assert(closestNs < 1000, `${closestNs} ns apart`);
});
