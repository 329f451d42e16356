/** Programs that may not do what jumps need, traced by users who may not do much either. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { TargetProgram, untraced } from "../support.ts";
import { ATTACH, run, RunningCommand, START } from "./command.ts";
import { AS_NOBODY, IN_NAMESPACE, IS_ROOT, Sandbox, WITHOUT_CAPABILITIES } from "./sandbox.ts";

const CALLS = 300;
const JUMP = "jump that counts or records each hit";
const FILTERED = "trap: its seccomp filter may forbid to map memory";
/** What programs forbid themselves, and what is said of probes in them before these are enabled. */
const FORETOLD: Readonly<Record<string, string>> = {
  nothing: JUMP,
  exec: JUMP,
  memfd: FILTERED,
  mmap: FILTERED,
  both: FILTERED,
  code: FILTERED,
  locks: JUMP,
  // Only trying shows that.
  files: JUMP,
  sizes: "trap: it may not make files of that size",
  memory: "trap: its address space is limited",
};
const FORBIDDEN = Object.keys(FORETOLD);
const WORK = "pid$target:a.out:work:entry";
/** Whether a program can be run by a prefix here. */
const works = ([program, ...args]: readonly string[]) =>
  new Deno.Command(program!, { args: [...args, "true"], stderr: "null" }).outputSync().success;

for (
  const [who, prefix] of [
    ["an ordinary user", AS_NOBODY],
    ["root without capabilities", WITHOUT_CAPABILITIES],
    ["root of a user namespace", IN_NAMESPACE],
  ] as const
) {
  const ignore = prefix.length > 0 && !works(prefix);
  Deno.test({
    name: `fasttrap --count of ${who} counts what programs call that forbid themselves something${
      ignore ? " (ignored)" : ""
    }`,
    ignore,
    fn: async () => {
      using sandbox = await Sandbox.make();
      const limited = sandbox.target("limited");
      for (const what of FORBIDDEN) {
        // It comes to forbid itself something when it is traced already.
        const { stdout: expected, end } = await untraced("limited", { args: [CALLS, what] });
        const args = ["--count", "-n", WORK, "--", limited, CALLS, what];
        const { code, stdout, stderr } = await run(args, sandbox.start(START, prefix));
        const lines = stdout.split("\n").map((line) => line.replace(/^ *pid\d+:(\S+) +(\d+)$/, "$1 $2"));
        assertEquals(
          [code, lines.filter((line) => line.startsWith("limited")), end],
          [0, [`limited:work:entry ${CALLS}`], "exited 5"],
          `${what}: ${stdout}${stderr}`,
        );
        // Where memory is limited, tracing takes some of it.
        const shown = (text: string) => what === "memory" ? text.replace(/blocks \d+/, "blocks") : text;
        assertStringIncludes(shown(stdout), shown(expected), what);
        assertStringIncludes(stderr, "exited with status 5", what);
      }
    },
  });
}

Deno.test({
  name: `fasttrap -p of an ordinary user counts in programs that forbid themselves something${
    IS_ROOT ? "" : " (ignored: needs root)"
  }`,
  ignore: !IS_ROOT,
  fn: async () => {
    using sandbox = await Sandbox.make();
    const limited = sandbox.target("limited");
    for (const what of FORBIDDEN) {
      const expected = await untraced("limited", { args: [CALLS, what] });
      const args = [...AS_NOBODY.slice(1), limited, CALLS, what];
      await using target = await TargetProgram.start("/usr/bin/setpriv", { args });
      assertEquals(await target.line(), "ready");
      const { stdout: listed } = await run(["-lvn", WORK, "-p", target.pid], sandbox.start(ATTACH, AS_NOBODY));
      assertStringIncludes(listed, `\t${FORETOLD[what]}\n`, what);
      const words = ["--count", "-n", WORK, "-p", target.pid];
      await using running = new RunningCommand(words, sandbox.start(ATTACH, AS_NOBODY));
      await running.shows("matched 1 probe");
      await target.send();
      assertEquals(await target.outcome(), expected, what);
      const { code, stdout } = await running.screen();
      assertEquals([code, /work:entry +(\d+)$/m.exec(stdout)?.[1]], [0, String(CALLS)], what);
    }
  },
});
