/** Random D programs: what they print on records of hits is what they print when each hit stops the thread. */

import { assert } from "@std/assert";
import { compileProgram } from "../../lib/d/compile.ts";
import { CompileError } from "../../lib/d/compile_error.ts";
import { RandomProgram } from "../d/random_program.ts";
import { makeRandomBelow } from "../d/random_below.ts";
import { traceBoth } from "./both_ways.ts";

const SOAK = Deno.env.get("FASTTRAP_SOAK") === "1";
const PROGRAMS = SOAK ? 200 : 12;
const CALLS = 40;

/** Makes programs until one compiles: some divide by constants that are zero. */
function makeValid(programs: RandomProgram): string {
  for (;;) {
    const source = programs.make();
    try {
      compileProgram(source, { macros: { arguments: [], variables: { target: 1 }, defaults: false } });
      return source;
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
    }
  }
}

Deno.test("fasttrap -n of random programs prints what it prints without jumps", async () => {
  const programs = new RandomProgram(makeRandomBelow(1_948_211));
  let printed = 0;
  let failed = 0;
  for (let i = 0; i < PROGRAMS; i++) {
    const { own, stderr } = await traceBoth(makeValid(programs), "captures", ["changed", CALLS]);
    if (own.split("\n").length > CALLS / 2) printed++;
    if (stderr !== "") failed++;
  }
  // Most print something of most calls, and in some clauses fail.
  assert(printed > PROGRAMS / 3 && failed > 0, `${printed} and ${failed} of ${PROGRAMS}`);
});
