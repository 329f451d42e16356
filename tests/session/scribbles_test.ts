/** A program that writes nonsense into what its pads share with the tracer: only what is told of it is nonsense. */

import { assert, assertEquals } from "@std/assert";
import { type HitRecord, Session } from "../../mod.ts";
import { rounds, TargetProgram, untraced, within } from "../support.ts";

const CALLS = 2_000_000;
const CAPTURE = [
  { kind: "string", argument: 0, sizeBytes: 64 },
  { kind: "registers" },
  { kind: "stack", sizeBytes: 64 },
] as const;

/** Reads everything of a record: it is of the right form, whatever it says. */
function readAll(hit: HitRecord): void {
  const text = hit.string(0);
  const sizes = [hit.bytes(1)?.length ?? 0, hit.bytes(2)?.length ?? 0];
  const values = Array.from({ length: hit.argumentCount + 2 }, (_, index) => hit.arg(index));
  hit.readRegister(0, new Uint32Array(2));
  assert(sizes.every((size) => size <= 512) && values.every(Number.isFinite) && (text?.length ?? 0) <= 64);
  assert(Number.isFinite(hit.timestampNs) && Number.isInteger(hit.tid) && hit.cpu >= 0);
}

for (let seed = 1; seed <= rounds(4, 100); seed++) {
  Deno.test(`Session.enable() of records and tallies lives with a program that scribbles over them, seed ${seed}`, async () => {
    const args = [CALLS, seed];
    const expected = await untraced("scribbles", { args });
    await using target = await TargetProgram.start("scribbles", { args });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    let total = 0;
    const record = (hit: HitRecord) => {
      total++;
      readAll(hit);
    };
    const recorded = session.enable("pid$target:a.out:work:entry", { capture: CAPTURE, record });
    const tallied = session.enable("pid$target:a.out:work:return", { tally: { argument: 1, keep: ["sum", "log2"] } });
    assertEquals(session.stats().tracepoints.entries.map(({ performed }) => performed), ["jump", "jump"]);
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(recorded.hitsTotal, total);
    tallied.readTallies();
    // Untraced it finds nothing to write into.
    assertEquals(await target.outcome(), { ...expected, stdout: expected.stdout.replace(" 0\n", " 1\n") });
  });
}
