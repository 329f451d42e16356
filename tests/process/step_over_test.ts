/** Instructions that are stepped in their place, while their trap is out. */

import { assert, assertEquals } from "@std/assert";
import type { Kernel } from "../../ffi/ffi.ts";
import { detach } from "../../lib/process/attach.ts";
import { allRead, kernelWith, noting, Traced } from "../fasttrap/traced.ts";
import { assertTextUntouched, type TargetProgram, withTarget } from "../support.ts";

/**
 * A kernel in which, for a while, no thread of a process but the first can be stopped, as on a dead disk: they stop when
 * they are asked again.
 */
function deepKernel(pid: number): { kernel: Kernel; deep: { on: boolean; surface(): void } } {
  const asked = new Set<number>();
  const deep = {
    on: false,
    surface() {
      deep.on = false;
      for (const tid of asked) kernel.call.ft_interrupt(tid);
    },
  };
  const kernel = kernelWith((own) => ({
    "ft_interrupt": (tid) => {
      if (!deep.on || tid === pid) return own.ft_interrupt(tid);
      asked.add(tid);
      return 0;
    },
    "ft_read_file": (path, into, size) => {
      const length = own.ft_read_file(path, into, size);
      const tid = /^\/proc\/\d+\/task\/(\d+)\/stat\0/.exec(new TextDecoder().decode(path as Uint8Array))?.[1];
      if (!deep.on || tid === undefined || Number(tid) === pid || length < 0) return length;
      const bytes = into as Uint8Array;
      bytes[bytes.subarray(0, length).lastIndexOf(41) + 2] = 68; // the letter behind the last parenthesis: D
      return length;
    },
  }));
  return { kernel, deep };
}

/**
 * Has four threads block in a system call that one of them steps in its place, does something while they cannot be
 * stopped, lets them come out one by one, and looks when the one that stepped has.
 */
async function whileBlocked(
  target: TargetProgram,
  act: (traced: Traced, disable: () => void, enable: () => void) => void,
  look: (traced: Traced) => void,
): Promise<void> {
  const { kernel, deep } = deepKernel(target.pid);
  using traced = new Traced(target, {}, kernel);
  const { fasttrap, process: { image } } = traced;
  const call = traced.probe("work", "offset", [traced.find("work").sizeBytes - 3], "call");
  const enabling = noting([]);
  assertEquals(fasttrap.enable([call], enabling), []);
  await target.send();
  traced.pumpUntil(() => allRead(target.pid));
  const stepping = [...image.threads()].filter(({ steppingOver }) => steppingOver !== undefined);
  assertEquals(stepping.length, 1);
  deep.on = true;
  act(traced, () => fasttrap.disable([call], enabling), () => fasttrap.enable([call], enabling));
  deep.surface();
  const left = () => [...Deno.readDirSync(`/proc/${target.pid}/task`)].length;
  for (let threads = 4; threads > 1 && stepping[0]!.steppingOver !== undefined; threads--) {
    await target.send();
    traced.pumpUntil(() => left() === threads);
  }
  look(traced);
  await target.send("...");
  traced.pumpUntil(() => !traced.process.alive);
  assertEquals(await target.outcome(), { stdout: "read 4\n", end: "exited 0" });
}

for (const again of [false, true]) {
  const what = again ? "removed and written again" : "removed for good";
  Deno.test(`stepOver() leaves a trap alone that is ${what} while a thread is blocked in the instruction`, () =>
    withTarget("blocked", (target) =>
      whileBlocked(target, ({ fasttrap, process }, disable, enable) => {
        disable();
        assertEquals([fasttrap.tracepoints.size, process.image.text.size], [0, 0]);
        assertTextUntouched(target.pid);
        if (again) enable();
      }, ({ fasttrap, process }) => {
        assertEquals(fasttrap.tracepoints.size, again ? 1 : 0);
        // A read that was interrupted is made again, by way of the trap that was written again, which may be out for that.
        assert(process.image.text.size <= (again ? 1 : 0));
        // The original is known as well as before.
        detach(fasttrap.tracer, process);
        assertTextUntouched(target.pid);
      }), { args: ["filtered"] }));
}

Deno.test("stepOver() writes no trap into a process that is let go while a thread is blocked in the instruction", () =>
  withTarget("blocked", (target) =>
    whileBlocked(
      target,
      ({ fasttrap, process }) => detach(fasttrap.tracer, process),
      () => assertTextUntouched(target.pid),
    ), { args: ["filtered"] }));
