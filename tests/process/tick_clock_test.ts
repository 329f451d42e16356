/** The time of records against the clock of the kernel. */

import { assert, assertEquals } from "@std/assert";
import { type Kernel, openKernel } from "../../ffi/ffi.ts";
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

Deno.test("TickClock.toNs() makes even times of a counter that is slow", () => {
  // The time goes on by 700 ns whenever it is looked at.
  let now = 5e9 + 300;
  const kernel = {
    check: (result: number) => result,
    call: {
      ft_ticks(ticks: Uint8Array, ns: Uint8Array): number {
        now += 700;
        new Uint32Array(ticks.buffer)[0] = Math.floor(now / 4000);
        new Float64Array(ns.buffer)[0] = now;
        return 0;
      },
    },
  } as unknown as Kernel;
  const clock = new TickClock(kernel);
  clock.read();
  for (let look = 0; look < 10_000; look++) {
    clock.read();
    const ns = clock.toNs(clock.nowTicks);
    assert(Math.abs(ns - now) <= 12_000, `${ns} at ${now}`);
  }
  assertEquals(Math.round(clock.ticksPerSecond / 1e4), 25);
});
