/** The one file to carry, and what an ordinary user can do with it. */

import { assertEquals } from "@std/assert";
import { assertTextUntouched, TargetProgram, TARGETS, tracerOf } from "../support.ts";
import { ATTACH, mask, run, RunningCommand, START } from "./command.ts";
import { AS_NOBODY, IN_NAMESPACE, IS_ROOT, Sandbox, WITHOUT_CAPABILITIES, YAMA_SCOPE } from "./sandbox.ts";

const SERVE = "pid$target:a.out:serve:entry";

/** Declares a test that is ignored, with the reason in its name, where it is not possible. */
function testIf(possible: boolean, reason: string, name: string, fn: () => Promise<void>): void {
  Deno.test({ name: possible ? name : `${name} (ignored: ${reason})`, ignore: !possible, fn });
}

/** Whether a command succeeds here. */
function works([program, ...args]: readonly string[]): boolean {
  try {
    return new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Attaches to a target that runs with the same rights, and lets it end. */
async function attachWith(
  prefix: readonly string[],
  commandPrefix: (pid: number) => readonly string[] = () => prefix,
): Promise<void> {
  using sandbox = await Sandbox.make();
  const program = sandbox.target("requests");
  await using target = await TargetProgram.start("/usr/bin/env", { args: [...prefix, program] });
  assertEquals(await target.line(), "ready");
  await using command = new RunningCommand(
    ["-n", SERVE, "-p", target.pid],
    sandbox.start(ATTACH, commandPrefix(target.pid)),
  );
  await command.shows("matched 1 probe");
  await target.send("2");
  assertEquals(await target.line(), "served 2, 1 of them odd");
  command.signal("SIGINT");
  const { code, stdout } = mask(await command.screen(), target.pid);
  assertEquals({ code, rows: stdout.split("\n").length }, { code: 0, rows: 5 });
  assertEquals(tracerOf(target.pid), 0);
  assertTextUntouched(target.pid);
  assertEquals(await target.outcome(), { stdout: "", end: "exited 7" });
}

/** Starts the demo. */
async function startWith(prefix: readonly string[]): Promise<void> {
  using sandbox = await Sandbox.make();
  const args = ["-qj", "--count", "-n", "pid$target:a.out:is_prime:entry", "--", sandbox.target("demo")];
  const screen = mask(await run(args, sandbox.start(START, prefix)));
  assertEquals([screen.code, screen.stdout], [
    0,
    '{"type":"aggregation","name":"@","key":["pidPID:demo:is_prime:entry"],"value":10}\n' +
    '{"type":"end","hits":10,"drops":{}}\n',
  ]);
}

Deno.test("fasttrap as a bundle, alone in a folder, starts a program", () => startWith([]));

testIf(
  YAMA_SCOPE === 0 || AS_NOBODY.length > 0,
  "Yama allows only descendants",
  "fasttrap as a bundle attaches",
  () => attachWith([]),
);

testIf(
  works([...AS_NOBODY, "true"]),
  "no setpriv",
  "fasttrap starts a program for an ordinary user",
  () => startWith(AS_NOBODY),
);

testIf(
  YAMA_SCOPE === 0 && works([...AS_NOBODY, "true"]),
  "Yama allows only descendants, or no setpriv",
  "fasttrap attaches for an ordinary user",
  () => attachWith(AS_NOBODY),
);

testIf(
  works([...IN_NAMESPACE, "true"]),
  "no user namespaces",
  "fasttrap starts a program in a user namespace without any capability",
  () => startWith(IN_NAMESPACE),
);

testIf(
  YAMA_SCOPE === 0 && works([...IN_NAMESPACE, "true"]),
  "Yama allows only descendants, or no user namespaces",
  "fasttrap attaches in a user namespace without any capability",
  () =>
    attachWith(
      IN_NAMESPACE,
      (pid) => ["nsenter", "--user", `--target=${pid}`, "--preserve-credentials", ...WITHOUT_CAPABILITIES],
    ),
);

testIf(
  IS_ROOT && works([...IN_NAMESPACE, "true"]),
  "needs root and user namespaces",
  "fasttrap says that a process of another user namespace is out of reach",
  async () => {
    using sandbox = await Sandbox.make();
    await using target = await TargetProgram.start(TARGETS + "requests");
    assertEquals(await target.line(), "ready");
    const screen = await run(["-n", SERVE, "-p", target.pid], sandbox.start(ATTACH, IN_NAMESPACE));
    assertEquals(mask(screen, target.pid), {
      code: 4,
      stdout: "",
      stderr: "fasttrap: D_PROC_GRAB: Cannot grab process PID: operation not permitted: " +
        "it is in another user namespace, or a security module (SELinux, AppArmor, Landlock) refused\n" +
        "hint: start the program with -c, or after --\n",
    });
    assertEquals(tracerOf(target.pid), 0);
  },
);
