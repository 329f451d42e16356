/** Which probes of a D program stop the thread, while it is traced. */

import { assertEquals, assertMatch } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import { compileProgram } from "../../lib/d/compile.ts";
import { RUN_DEFAULTS } from "../../lib/d/run/run_options.ts";
import { RunningProgram } from "../../lib/d/run/running_program.ts";
import { ProgramProbes } from "../../lib/session/program/program_probes.ts";
import { Session } from "../../lib/session/session.ts";
import { TARGETS } from "../support.ts";

const OUTER = "pid$target:a.out:work:entry";
const INNER = "pid$target:a.out:inner:entry";

/** How two functions' first instructions are performed when a program is enabled, or why they are traps. */
async function waysOf(source: string): Promise<string[]> {
  using kernel = openKernel();
  await using session = new Session({ signals: false });
  const target = session.spawn(`${TARGETS}movers`, { stdout: 2 });
  const program = compileProgram(source, {
    macros: { arguments: [], variables: { target: target.pid }, defaults: false },
  });
  const running = new RunningProgram(program, RUN_DEFAULTS);
  using probes = new ProgramProbes(session, program, running, kernel, {
    allowNone: false,
    wantsNames: false,
    tallies: true,
    register: () => {},
    fired: () => {},
  });
  probes.enable();
  return [OUTER, INNER].flatMap((description) => session.list(description)).flatMap((probe) =>
    session.inspect(probe).sites.map(({ performed, trapReason }) => trapReason ?? performed ?? "")
  );
}

Deno.test("ProgramProbes.enable() makes jumps where records are enough for all clauses of a probe", async () => {
  assertEquals(await waysOf(`${OUTER} { self->n = arg0; } ${INNER}, ${OUTER} { @ = count(); }`), ["jump", "jump"]);
});

Deno.test("ProgramProbes.enable() makes a trap where one clause of a probe needs the thread, and there only", async () => {
  const [outer, inner] = await waysOf(`${INNER}, ${OUTER} { @ = count(); } ${OUTER} { ustack(); }`);
  assertMatch(outer!, /handler/);
  assertEquals(inner, "jump");
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
