/** What pads are to record, by what consumers want and what the pads of a machine can do. */

import { assertEquals } from "@std/assert";
import { planValues } from "../../lib/fasttrap/recorded_values.ts";
import type { Tracepoint } from "../../lib/fasttrap/tracepoint.ts";
import { isaOf } from "../../lib/isa/architectures.ts";
import type { Capture } from "../../lib/isa/captures.ts";

const EM_X86_64 = 62;
const EM_AARCH64 = 183;

/** Plans for a probe of a function with an enabling that wants this to be captured, behind one that wants nothing. */
function planFor(machine: number, kind: "entry" | "return", captures: readonly Capture[] | undefined): unknown {
  const probes = [{ kind, enablings: [{}, { captures }] }];
  const [before, after] = kind === "return" ? [[], probes] : [probes, []];
  return planValues({ image: { isa: isaOf(machine) }, before, after } as unknown as Tracepoint);
}

Deno.test("planValues() has arguments and results recorded on all machines, whatever is captured", () => {
  const string: Capture = { kind: "string", argument: 0, sizeBytes: 8 };
  for (const machine of [EM_X86_64, EM_AARCH64]) {
    for (const captures of [undefined, [], [string]]) {
      const planned = (["entry", "return"] as const).map((kind) => planFor(machine, kind, captures));
      assertEquals(planned, ["arguments", "results"]);
    }
  }
});
