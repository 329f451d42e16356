/** System calls that make, replace, and redirect threads, with probes on each instruction around them. */

import { assertEquals } from "@std/assert";
import { SOAK, untraced } from "../support.ts";
import { traced } from "../tracing.ts";

for (const functions of ["work", "restore", ""]) {
  Deno.test(`Session.run() leaves raw system calls as they are: every instruction of ${functions || "all"}`, async () => {
    const args = [20 * SOAK];
    const { hits, warnings, ...outcome } = await traced("raw_calls", [
      `pid$target:a.out:${functions}:`,
      "pid$target:a.out:handle:entry",
      "pid$target:a.out:process:entry",
      "pid$target:a.out:thread:entry",
    ], { args });
    assertEquals(outcome, await untraced("raw_calls", { args }));
    // rt_sigreturn is two instructions; its entry is one probe more.
    if (functions === "restore") assertEquals(hits[0], 3 * args[0]!);
    assertEquals(hits.slice(1), [1, 1, 1].map((count) => count * args[0]!));
    assertEquals(warnings.filter((warning) => !warning.includes("_start:")), []);
  });
}
