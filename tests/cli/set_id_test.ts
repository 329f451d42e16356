/** Programs with a set-uid bit, traced by an ordinary user and by root. */

import { assertEquals, assertMatch } from "@std/assert";
import { Session } from "../../mod.ts";
import { TargetProgram, within } from "../support.ts";
import { RunningCommand, START } from "./command.ts";
import { AS_NOBODY, IS_ROOT, NOBODY, Sandbox } from "./sandbox.ts";

/** Makes `id` a program of root's with a set-uid bit. */
function makeSetId(sandbox: Sandbox): string {
  const path = `${sandbox.path}/id`;
  Deno.copyFileSync("/usr/bin/id", path);
  Deno.chmodSync(path, 0o4755);
  return path;
}

/** Only root can make such a program. */
const NEEDS_ROOT = IS_ROOT ? "" : " (ignored: needs root)";

for (const [how, words] of [["started", []], ["executed", ["sh", "-c", 'exec "$0" -u']]] as const) {
  Deno.test({
    name: `fasttrap says that the kernel ignores the set-uid bit of a program: ${how}${NEEDS_ROOT}`,
    ignore: !IS_ROOT,
    fn: async () => {
      using sandbox = await Sandbox.make();
      const path = makeSetId(sandbox);
      const command = words.length === 0 ? [path, "-u"] : [...words, path];
      const args = ["-n", "pid$target:libc.so.6:exit:entry", "-Z", "--", ...command];
      await using running = new RunningCommand(args, sandbox.start(START, AS_NOBODY));
      const { code, stdout, stderr } = await running.screen();
      assertEquals([code, stdout.includes(`${NOBODY}\n`)], [0, true], stderr);
      assertMatch(stderr, /Process \d+ executes \/tmp\/\w+\/id without the rights of uid 0: .* its set-uid bit/);
    },
  });
}

Deno.test({
  name: `Session.run() goes on in a set-uid program when root traces it${NEEDS_ROOT}`,
  ignore: !IS_ROOT,
  fn: async () => {
    using sandbox = await Sandbox.make();
    const script = `echo ready; read line; exec ${makeSetId(sandbox)} -u`;
    await using target = await TargetProgram.start("/usr/bin/setpriv", {
      args: [...AS_NOBODY.slice(1), "sh", "-c", script],
    });
    assertEquals(await target.line(), "ready");
    const warnings: string[] = [];
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    const traced = session.attach(target.pid);
    session.enable("pid$target:libc.so.6:read:entry", { handler: () => {} });
    await target.send();
    await within(session.run(), "the end");
    assertEquals([traced.programsTotal, traced.end, warnings], [2, { code: 0, signal: undefined }, []]);
    assertEquals(await target.outcome(), { stdout: "0\n", end: "exited 0" });
  },
});
