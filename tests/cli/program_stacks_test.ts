/** The options of stacks, and other options and names that are there because scripts say them. */

import { assertEquals } from "@std/assert";
import { TARGETS } from "../support.ts";
import { run, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;
const FIRST = "pid$target:a.out:is_prime:entry /arg0 == 2/";

/** What a D program prints beside the demo, without the offsets in functions, which the compiler chooses. */
async function framesOf(source: string, ...options: string[]): Promise<string[]> {
  const screen = await run(["-q", ...options, "-n", source, "--", DEMO], { permissions: START });
  assertEquals([screen.code, screen.stderr], [0, ""]);
  return screen.stdout.split("\n").map((line) => line.replace(/\+0x[0-9a-f]+$/, "")).filter((line) =>
    !/prime$/.test(line) || /`/.test(line)
  );
}

Deno.test("fasttrap -x ustackframes, jstackframes and maxframes cut stacks, stackindent moves them", async () => {
  const source = `${FIRST} { ustack(); jstack(); ustack(3); exit(0); }`;
  const framed = (indent: number, ...names: string[]) => ["", ...names.map((name) => " ".repeat(indent) + name)];
  const [own, main, libc] = ["demo`is_prime", "demo`main", "libc.so.6`__libc_start_call_main"] as const;
  assertEquals(
    await framesOf(source, "-x", "stackindent=3", "-x", "ustackframes=2", "-x", "jstackframes=1"),
    [...framed(3, own, main), ...framed(3, own), ...framed(3, own, main, libc), "", ""],
  );
  const two = framed(14, own, main);
  assertEquals(await framesOf(source, "-x", "maxframes=2"), [...two, ...two, ...two, "", ""]);
});

Deno.test("fasttrap -x aggrate and cleanrate take rates, which change nothing that is printed", async () => {
  const source = 'BEGIN { @["a"] = count(); exit(0); }';
  const without = await run(["-qn", source]);
  for (const option of ["aggrate=5hz", "aggrate=10ms", "cleanrate=100hz"]) {
    assertEquals(await run(["-q", "-x", option, "-n", source]), without);
  }
  assertEquals([without.code, without.stdout.trim().replaceAll(/ +/g, " ")], [0, "a 1"]);
  assertEquals(
    (await run(["-x", "aggrate=often", "-n", source])).stderr,
    "dtrace: failed to set -x aggrate: Invalid value for specified option\n",
  );
});

Deno.test("fasttrap -n replaces the macro variables of the tracer's own process", async () => {
  const source = 'BEGIN { printf("%d %d %d %d %d %d %d\\n", $uid == uid, $gid == gid, $euid == curpsinfo->pr_euid, ' +
    "$egid == curpsinfo->pr_egid, $pid == pid, $ppid == ppid, $pgid == curpsinfo->pr_pgid && $sid == curpsinfo->pr_sid); exit(0); }";
  assertEquals(await run(["-qn", source]), { code: 0, stdout: "1 1 1 1 1 1 1\n\n", stderr: "" });
});
