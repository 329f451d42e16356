/** D programs whose clauses are run for many hits at once print what those print that run at each hit. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TARGETS } from "../support.ts";
import { mask, run, START } from "./command.ts";

const TAKE = "pid$target:a.out:take";

/** Traces a program with and without jumps, which has to be the same. What is not the trace may be left out. */
async function traceBoth(source: string, command: readonly string[], leftOut = /^$/): Promise<string> {
  const screens = [];
  for (const jumps of ["on", "off"]) {
    const args = ["-q", "-x", `jumps=${jumps}`, "-n", source, "--", ...command];
    const { code, stdout, stderr } = mask(await run(args, { permissions: START }));
    screens.push({ code, stderr, stdout: stdout.split("\n").filter((line) => !leftOut.test(line)).join("\n") });
  }
  assertEquals(screens[0], screens[1]);
  assertEquals(screens[0]!.stderr, "");
  return screens[0]!.stdout;
}

const TALLIES = [`${TARGETS}tallies`, "700", "2"];

Deno.test("fasttrap -n with aggregations of values of all sizes prints the same by jumps and by stops", async () => {
  const stdout = await traceBoth(
    `${TAKE}:entry { @a["quantize", probefunc] = quantize(arg0); @b = sum(arg3); @c[1] = avg(arg0); @d = count(); }
     ${TAKE}:entry { @e[probemod] = min(arg0); @f[probename] = max(arg0); @g["other"] = quantize(arg3); }
     ${TAKE}:return { @h = sum(arg1); @i = min(arg1); @j = max(arg1); @k[probename] = quantize(arg1); @l = max(arg0); }
     ${TAKE}:entry, ${TAKE}:return { @m[probefunc, probename] = count(); @n[probename] = sum(arg1); }`,
    TALLIES,
  );
  assertStringIncludes(stdout, " 1400\n");
});

Deno.test("fasttrap -n runs clauses beside those that are run for many hits at once", async () => {
  await traceBoth(
    `${TAKE}:entry { @a = count(); }
     ${TAKE}:entry /arg0 < 0/ { @b = count(); @a = count(); }
     ${TAKE}:return { @c = quantize(arg1); }
     ${TAKE}:return { self->last = arg1; @d[self->last > 0] = count(); }`,
    TALLIES,
  );
});

Deno.test("fasttrap -n with exit() counts what was before, and nothing behind it", async () => {
  const stdout = await traceBoth(
    `${TAKE}:entry { @a["calls"] = count(); }
     ${TAKE}:return { @b["sum"] = sum(arg0); }
     ${TAKE}:entry /arg1 == 99/ { exit(0); }`,
    [TALLIES[0]!, "700", "1"],
    // The program ends with the trace, before or after it has told what it has come to.
    /^$|^ready$|^700 /,
  );
  assertStringIncludes(stdout, "  calls                                                           100\n");
});

Deno.test("fasttrap -n prints, clears and truncates what was tallied, as END finds it", async () => {
  const stdout = await traceBoth(
    `${TAKE}:entry { @a["kept"] = count(); @b["cleared"] = sum(arg0); @c["gone"] = quantize(arg0); @d = min(arg0); }
     END { printa("%s %@d\\n", @a); clear(@b); trunc(@c); printa("%s %@d\\n", @b); normalize(@a, 100); }`,
    TALLIES,
  );
  const tallied = stdout.split("\n").filter((line) => /^(kept|cleared|gone) /.test(line));
  assertEquals(tallied, ["kept 1400", "cleared 0"]);
});

Deno.test("fasttrap -n adds to what clear() leaves, tick by tick, until all is counted", async () => {
  // Each part is added to a total that is printed when it is cleared.
  const args = ["-q", "-x", "switchrate=10ms", "-n"];
  const source = `${TAKE}:entry { @part = count(); @all = count(); }
    tick-20ms { printa("part %@d\\n", @part); clear(@part); }
    END { printa("part %@d\\n", @part); printa("all %@d\\n", @all); }`;
  const { stdout } = await run([...args, source, "--", TALLIES[0]!, "4000000", "2"], { permissions: START });
  const numbers = (name: string) => [...stdout.matchAll(RegExp(`^${name} (\\d+)$`, "gm"))].map(([, n]) => Number(n));
  assertEquals(numbers("all"), [8_000_000]);
  assertEquals(numbers("part").reduce((sum, one) => sum + one, 0), 8_000_000);
  assert(numbers("part").length > 2, stdout);
});
