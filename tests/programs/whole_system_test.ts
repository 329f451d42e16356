/** Real programs with entry and return of all functions of libc enabled at once; the long form is `bench/whole_system.ts`. */

import { assert, assertEquals } from "@std/assert";
import { testWith } from "./real_program.ts";
import { wholeSubjects } from "./whole_subjects.ts";

for (const { name, needs, run } of wholeSubjects("short")) {
  testWith(needs, `Session records all of libc in ${name}, which comes to the same result`, async () => {
    const untraced = await run("untraced");
    const traced = await run("record");
    assertEquals(traced.result, untraced.result);
    assertEquals(traced.unplaced, []);
    // What does not return, and what is left by a jump into the middle of another function, is little.
    const [entries, returns] = traced.hits.map((hits, i) => hits + traced.drops[i]!) as [number, number];
    assert(entries > 10_000 && Math.abs(returns - entries) < 0.02 * entries, `${entries} entries, ${returns} returns`);
    assert(traced.jumps > 5000);
  });
}
