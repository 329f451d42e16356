/** Which functions and places a description means, in programs that run. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DTraceError, type ProbeIdentity, Session } from "../../mod.ts";
import { TargetProgram, untraced } from "../support.ts";
import { traced } from "../tracing.ts";

const PROGRAM = "odd_functions";
/** What is said of mixed(). */
const MIXED = `Cannot tell data from code in 'mixed' in ${PROGRAM}: ` +
  "only instructions that are certainly reached are probed";

/** Attaches to the program, looks at what descriptions match, and asserts that the program has not noticed. */
async function whileAttached(look: (session: Session) => void): Promise<void> {
  await using target = await TargetProgram.start(PROGRAM);
  assertEquals(await target.line(), "ready");
  {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    look(session);
  }
  await target.send();
  assertEquals(await target.outcome(), await untraced(PROGRAM));
}

function names(probes: readonly ProbeIdentity[]): string[] {
  return probes.map((probe) => `${probe.function}:${probe.name}`);
}

Deno.test("Session.enable() probes only what is certainly code where data is among it, fasttrap rule 115", async () => {
  const places: string[] = [];
  const { hits, warnings, ...outcome } = await traced(PROGRAM, ["pid$target:a.out:mixed:"], {
    handler: ({ probe }) => void places.push(probe.name),
  });
  // The two ways through it, as the program takes them; no probe has changed the data, which it prints.
  const zero = ["0", "entry", "3", "c", "e", "return"];
  const other = ["0", "entry", "3", "5", "f", "16", "1d", "20", "23", "return"];
  assertEquals(places, [...other, ...other, ...zero]);
  assertEquals({ hits, warnings }, { hits: [places.length], warnings: [MIXED] });
  assertEquals(outcome, await untraced(PROGRAM));
});

Deno.test("D_PROC_ALIGN: an offset in data, and one that follows it, fasttrap rule 115", () =>
  whileAttached((session) => {
    for (const offset of ["7", "a"]) {
      const error = assertThrows(() => session.list(`pid$target:a.out:mixed:${offset}`), DTraceError);
      assertEquals(error.tag, "D_PROC_ALIGN");
      assertEquals(error.message, `offset 0x${offset} is not aligned on an instruction`);
    }
    assertEquals(names(session.list("pid$target:a.out:mixed:f")), ["mixed:f"]);
  }));

Deno.test("D_PROC_FUNC: a function that a named module does not have, fasttrap rule 111", () =>
  whileAttached((session) => {
    for (const module of ["a.out", PROGRAM, `/somewhere/${PROGRAM}`]) {
      const error = assertThrows(() => session.list(`pid$target:${module}:malloc:entry`), DTraceError);
      assertEquals([error.tag, error.message], [
        "D_PROC_FUNC",
        `failed to lookup 'malloc' in module '${PROGRAM}'`,
      ]);
      assertEquals(error.hint, "the function is in module 'libc.so.6'");
    }
    // In modules that a glob matches it is passed over.
    assertEquals(names(session.list("pid$target:*d*:mixed:entry")), ["mixed:entry"]);
    assertEquals(session.list("pid$target:*d*:no_function:entry", { allowNone: true }), []);
  }));

Deno.test("D_PDESC_ZERO: the return of a function that has none, fasttrap rule 117", () =>
  whileAttached((session) => {
    const description = "pid$target:a.out:leaves:return";
    const error = assertThrows(() => session.list(description), DTraceError);
    assertEquals(error.tag, "D_PDESC_ZERO");
    assertStringIncludes(error.message, ":a.out:leaves:return does not match any probes");
    assertEquals(session.list(description, { allowNone: true }), []);
    assertEquals(names(session.list("pid$target:a.out:leaves:[er]*")), ["leaves:entry"]);
  }));

Deno.test("Session.list() counts the names of one function once, and no stub of another's, fasttrap rule 112", () =>
  whileAttached((session) => {
    assertEquals(names(session.list("pid$target:a.out:*twice:entry")), ["twice:entry"]);
    // Whoever names it gets it by that name.
    assertEquals(names(session.list("pid$target:a.out:_twice:entry")), ["_twice:entry"]);
    assertEquals(session.list("pid$target:a.out:*puts*:entry", { allowNone: true }), []);
    assertEquals(session.list("pid$target:a.out:*plt*:entry", { allowNone: true }), []);
  }));

Deno.test("D_PROC_LIB: D_PROC_NAME: what the function '-' does not take, fasttrap rule 113", () =>
  whileAttached((session) => {
    const rows: [string, string, string][] = [
      ["libc.so.6:-:1000", "D_PROC_LIB", "only the a.out module is valid with the '-' function"],
      ["a.out:-:*", "D_PROC_NAME", "only individual addresses may be specified with the '-' function"],
      ["a.out:-:", "D_PROC_NAME", "only individual addresses may be specified with the '-' function"],
      ["a.out:-:entry", "D_PROC_NAME", "'entry' is an invalid probe name"],
    ];
    for (const [rest, tag, message] of rows) {
      const error = assertThrows(() => session.list(`pid$target:${rest}`), DTraceError);
      assertEquals([error.tag, error.message], [tag, message]);
    }
  }));
