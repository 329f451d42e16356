/** Why there are no jumps at all on some machines, which are simulated by what their kernels would say. */

import { assertEquals } from "@std/assert";
import type { Kernel } from "../../ffi/ffi.ts";
import { inspectProbe } from "../../lib/fasttrap/inspect.ts";
import { untraced, withTarget } from "../support.ts";
import { kernelWith, Traced } from "./traced.ts";

/** A kernel in whose files a text is replaced. */
function kernelSaying(file: RegExp, change: (text: string) => string): Kernel {
  return kernelWith((own) => ({
    "ft_read_file": (path, into, size) => {
      const length = own.ft_read_file(path, into, size);
      if (!file.test(new TextDecoder().decode(path as Uint8Array)) || length < 0) return length;
      const bytes = into as Uint8Array;
      const text = change(new TextDecoder().decode(bytes.subarray(0, length)));
      return new TextEncoder().encodeInto(text, bytes).written;
    },
  }));
}

for (
  const [what, reason, isForetold, kernel] of [
    [
      "a shadow stack",
      "it has a shadow stack",
      true,
      () => kernelSaying(/^\/proc\/\d+\/status/, (text) => `${text}x86_Thread_features:\tshstk \n`),
    ],
    [
      "a CPU that has little",
      /^the CPU has no [a-z0-9_, ]+$/,
      false,
      () => kernelSaying(/^\/proc\/cpuinfo/, (text) => text.replace(/^flags\s*:.*$/gm, "flags\t: fpu")),
    ],
  ] as const
) {
  Deno.test(`Fasttrap.enable() puts traps where jumps would be with ${what}, and says so`, () =>
    withTarget("calls", async (target) => {
      using traced = new Traced(target, {}, kernel());
      const { fasttrap } = traced;
      const probe = traced.probe("work", "entry", [0]);
      const reasonOf = () => {
        const { trapReason } = inspectProbe(fasttrap, probe).sites[0]!;
        return typeof reason === "string" ? trapReason : reason.test(trapReason ?? "") ? reason : trapReason;
      };
      if (isForetold) assertEquals(reasonOf(), reason);
      let hits = 0;
      const count = (times = 1) => void (hits += times);
      assertEquals(fasttrap.enable([probe], { fire: () => count(), counted: () => count() }), []);
      assertEquals(reasonOf(), reason);
      await target.send();
      traced.pumpUntil(() => !traced.process.alive);
      assertEquals([hits, await target.outcome()], [9, await untraced("calls", { args: [9] })]);
    }, { args: [9] }));
}
