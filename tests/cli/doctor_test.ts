/** The screens of `doctor`. */

import { assertEquals, assertMatch } from "@std/assert";
import { assertTextUntouched, stateOf, tracerOf, withTarget } from "../support.ts";
import { ATTACH, mask, run, RunningCommand } from "./command.ts";
import { AS_NOBODY, IS_ROOT, NOBODY, Sandbox } from "./sandbox.ts";

/** A screen without what differs from machine to machine: the column of findings. */
function rulesOf(stdout: string): string[] {
  return stdout.split("\n").map((line) => line.replace(/^ {2}(\w[\w ]*?) {2,}.* (\S)$/, "$1: $2"));
}

Deno.test("fasttrap doctor looks at the machine", async () => {
  const { code, stdout, stderr } = await run(["doctor"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const [title, kernel, uid, capability, yama, seccomp, ways] = rulesOf(stdout);
  assertMatch(title!, /^fasttrap \d+\.\d+\.\d+ on linux x86_64$/);
  assertEquals([kernel, uid, seccomp], ["kernel: ✓", "uid: -", "seccomp: ✓"]);
  assertMatch(`${capability}, ${yama}`, /^capability: [✓-], yama: [✓✗]$/);
  assertMatch(ways!, /^ways that work now: -c CMD/);
});

Deno.test("fasttrap doctor -p judges without touching", async () => {
  await withTarget("requests", async (target) => {
    const { code, stdout } = await run(["doctor", "-p", target.pid]);
    if (!IS_ROOT) return;
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^target ${target.pid} \\(requests, uid 0, state S\\) +attach: allowed\n`));
    const rules = ["uid", "capability", "yama", "user namespace", "dumpable", "seccomp", "tracer"];
    assertEquals(rulesOf(stdout).slice(1, -1), rules.map((rule) => `${rule}: ✓`));
    assertEquals([tracerOf(target.pid), stateOf(target.pid)], [0, "S"]);
    assertTextUntouched(target.pid);
  });
});

Deno.test("fasttrap doctor -p names the tracer that is in the way", async () => {
  await withTarget("requests", async (target) => {
    await using command = new RunningCommand(["-n", "pid$target:a.out:serve:entry", "-p", target.pid]);
    await command.shows("matched 1 probe");
    const { code, stdout } = await run(["doctor", "-p", target.pid]);
    assertEquals(code, 4);
    assertEquals(rulesOf(stdout).slice(-4), [
      "tracer: ✗",
      `cause: it is already traced by deno (pid ${command.pid})`,
      "hint: stop that tracer first",
      "",
    ]);
  });
});

Deno.test({
  name: `fasttrap doctor -p names the uid that is in the way${IS_ROOT ? "" : " (ignored: needs root)"}`,
  ignore: !IS_ROOT,
  fn: async () => {
    using sandbox = await Sandbox.make();
    await withTarget("requests", async (target) => {
      const { code, stdout } = await run(["doctor", "-p", target.pid], sandbox.start(ATTACH, AS_NOBODY));
      assertEquals(code, 4);
      const lines = rulesOf(stdout);
      assertMatch(lines[0]!, /attach: refused$/);
      assertEquals(lines.slice(1, 3), ["uid: -", "capability: ✗"]);
      assertEquals(lines.slice(-3), [
        `cause: it belongs to uid 0, you are ${NOBODY}, without CAP_SYS_PTRACE`,
        "hint: run as uid 0, or as root",
        "",
      ]);
    });
  },
});

Deno.test("fasttrap doctor -p says what is no process to attach to", async () => {
  assertEquals(mask(await run(["doctor", "-p", 4194305]), 4194305), {
    code: 5,
    stdout: `target PID (not there)                      attach: refused\ncause: there is no such process\n`,
    stderr: "",
  });
});
