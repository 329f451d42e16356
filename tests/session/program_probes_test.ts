/** Which probes of a D program stop the thread, while it is traced. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Kernel, openKernel } from "../../ffi/ffi.ts";
import { compileProgram } from "../../lib/d/compile.ts";
import { RUN_DEFAULTS } from "../../lib/d/run/run_options.ts";
import { RunningProgram } from "../../lib/d/run/running_program.ts";
import { ProgramProbes } from "../../lib/session/program/program_probes.ts";
import { Session } from "../../lib/session/session.ts";
import { rounds, TargetProgram, TARGETS, untraced, within } from "../support.ts";

const OUTER = "pid$target:a.out:work:entry";
const INNER = "pid$target:a.out:inner:entry";

/** Makes a program for a target, which runs on its own until END. */
function programFor(session: Session, kernel: Kernel, pid: number, source: string) {
  const macros = { arguments: [], variables: { target: pid }, defaults: false };
  const program = compileProgram(source, { macros });
  const running = new RunningProgram(program, RUN_DEFAULTS);
  const options = { allowNone: false, wantsNames: false, tallies: true, register: () => {}, fired: () => {} };
  return { running, probes: new ProgramProbes(session, program, running, kernel, options) };
}

/** What pads at two functions' first instructions do when a program is enabled, or why there are traps. */
async function waysOf(source: string): Promise<string[]> {
  using kernel = openKernel();
  await using session = new Session({ signals: false });
  const target = session.spawn(`${TARGETS}movers`, { stdout: 2 });
  const made = programFor(session, kernel, target.pid, source);
  using probes = made.probes;
  probes.enable();
  const { entries } = session.stats().tracepoints;
  return [OUTER, INNER].flatMap((description) => session.list(description)).flatMap(({ id }) =>
    entries.filter(({ before }) => before.includes(id)).map(({ trapReason, pad }) => trapReason ?? pad ?? "")
  );
}

Deno.test("ProgramProbes.enable() makes jumps where records are enough for all clauses of a probe", async () => {
  assertEquals(await waysOf(`${OUTER} { self->n = arg0; } ${INNER} { @[tid] = count(); }`), ["record", "record"]);
});

Deno.test("ProgramProbes.enable() makes a trap where one clause of a probe needs the thread, and there only", async () => {
  const [outer, inner] = await waysOf(`${INNER}, ${OUTER} { @ = count(); } ${OUTER} { ustack(); }`);
  assertMatch(outer!, /handler/);
  assertEquals(inner, "count");
});

Deno.test("ProgramProbes.enable() has pads count and tally where a clause needs no hit by itself", async () => {
  assertEquals(await waysOf(`${OUTER}, ${INNER} { @ = count(); } ${INNER} { @a[probefunc] = count(); }`), [
    "count",
    "count",
  ]);
  assertEquals(await waysOf(`${OUTER} { @[probemod, probename, 7] = count(); } ${INNER} { @s = sum(arg0); }`), [
    "count",
    "tally",
  ]);
  assertEquals(await waysOf(`${OUTER} { @ = quantize(arg1); @m = min(arg0); } ${INNER} { @a = avg(arg5); }`), [
    "tally",
    "tally",
  ]);
  // Another clause of the probe wants each hit.
  assertEquals(await waysOf(`${OUTER} { @ = count(); } ${OUTER}, ${INNER} { trace(arg0); }`), ["record", "record"]);
  // What follows the hit that ends the program does not count.
  assertEquals(await waysOf(`${OUTER} { @ = count(); } ${INNER} { exit(0); }`), ["record", "record"]);
});

Deno.test("ProgramProbes.begin() forgets what was tallied before, extremes as well", async () => {
  const options = { args: [rounds(8_000_000, 80_000_000), 2] };
  await using target = await TargetProgram.start("tallies", options);
  assertEquals(await target.line(), "ready");
  using kernel = openKernel();
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const take = "pid$target:a.out:take:entry";
  const source = `${take} { @n = count(); @a = min(arg0); } ${take} { @m = count(); @s = sum(arg3); }`;
  const { running, probes } = programFor(session, kernel, target.pid, source);
  using _ = probes;
  const counted = session.enable(take, { count: true });
  probes.enable();
  await target.send();
  const ended = session.run();
  while (counted.hitsTotal === 0) await new Promise((resolve) => setTimeout(resolve));
  const before = counted.hitsTotal;
  probes.begin();
  const after = counted.hitsTotal;
  await within(ended, "the end of the run");
  probes.end();
  assertEquals(await target.outcome(), await untraced("tallies", options));
  const counts = running.aggregations.filter(({ aggregation }) => aggregation.function === "count").map((table) => {
    assertEquals(table.keys.size, 1);
    const [lo, hi] = table.value([...table.keys.entries()][0]!);
    return hi! * 2 ** 32 + (lo! >>> 0);
  });
  assertEquals(counts.length, 2);
  for (const count of counts) {
    assert(count <= counted.hitsTotal - before, `${count} of ${counted.hitsTotal}, ${before} before`);
    assert(count > 0 && count >= counted.hitsTotal - after, `${count} of ${counted.hitsTotal}, ${after} then`);
  }
});

Deno.test("ProgramProbes.enable() makes jumps that copy what clauses read where arguments lead, and traps for the rest", async () => {
  const [outer, inner] = await waysOf(`
    ${OUTER} { trace(copyinstr(arg0)); this->p = arg1; } ${OUTER} { trace(*(int *)copyin(this->p + 8, 4)); }
    ${OUTER} { trace(uregs[R_RSP]); trace(arg8); trace(ucaller); }
    ${INNER} { self->p = arg0; trace(copyinstr(self->p)); }`);
  assertEquals(outer, "jump");
  assertMatch(inner!, /handler/);
});

Deno.test("ProgramProbes.enable() makes a trap where the clauses of a probe read more than a record has", async () => {
  const reads = [0, 1, 2, 3].map((argument) => `${OUTER} { copyin(arg${argument}, 1024); }`);
  assertEquals((await waysOf(`${reads.slice(1).join("")}`))[0], "jump");
  assertMatch((await waysOf(reads.join("")))[0]!, /too long for a record/);
});
