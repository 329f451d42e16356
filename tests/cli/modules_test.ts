/** Whole screens of tracing modules that are loaded later, each with the program's own output and end. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertTextUntouched, TARGETS, withTarget } from "../support.ts";
import { mask, run, RunningCommand, START } from "./command.ts";

const WORK = "pid$target:plugin:plugin_work:entry";
const PLUGINS = `${TARGETS}plugins`;
const PLUGIN = `${TARGETS}plugin`;
const END = "dtrace: pid PID exited with status 6\n";

Deno.test("fasttrap -Z traces a module that is loaded later", async () => {
  const screen = mask(await run(["-Zn", WORK, "--", PLUGINS, PLUGIN, 3, 1], { permissions: START }));
  // Whose lines come first is open: both write to the same pipe.
  const lines = screen.stdout.split(/(?<=\n)/);
  const own = lines.filter((line) => /^(ready|\d+ places|[\d ]+\d)\n$/.test(line)).join("");
  const rows = lines.filter((line) => line.includes("plugin_work"));
  assertEquals({ ...screen, stdout: own }, {
    code: 0,
    stdout: "ready\n3 places\n3 3 3 6\n",
    stderr: `dtrace: description '${WORK}' matched 0 probes\n${END}fasttrap: 3 hits, no drops\n`,
  });
  // The module has gone and come back elsewhere: each time its probe is a new one.
  const row = (id: number) => `  C      ${id}                plugin_work:entry \n`;
  assertEquals(rows, [row(4), row(5), row(6)]);
});

Deno.test("fasttrap --count counts the calls of a module that comes back as one", async () => {
  const screen = mask(await run(["-Z", "--count", "-n", WORK, "--", PLUGINS, PLUGIN, 7, 1], { permissions: START }));
  assertEquals(screen, {
    code: 0,
    stdout: "ready\n7 places\n7 7 7 28\n\n  pidPID:plugin:plugin_work:entry 7\n",
    stderr: `dtrace: description '${WORK}' matched 0 probes\n${END}fasttrap: 7 hits, no drops\n`,
  });
});

Deno.test("fasttrap -j names the link map of a module that dlmopen has loaded", async () => {
  const description = "pid$target:LM1`plugin:plugin_work:entry";
  const args = ["-Zjn", description, "--", PLUGINS, PLUGIN, 2, 1, "NEW"];
  const screen = mask(await run(args, { permissions: START }));
  // Only the first argument is one; the others are what is in the registers.
  const lines = screen.stdout.replace(/"ts":TIME,"pid":PID,"tid":PID,|(?<="args":\[\d),[^\]]*/g, "");
  const event = (n: number) => `{"type":"event","probe":"pidPID:LM1\`plugin:plugin_work:entry","args":[${n}]}\n`;
  assertEquals({ code: screen.code, lines }, {
    code: 0,
    lines: event(0) + event(1) + '{"type":"end","hits":2,"drops":{}}\n',
  });
  assert(screen.stderr.includes("ready\n"), screen.stderr);
  assertMatch(screen.stderr, /\n0 0 0 3\n/);
});

Deno.test("D_PDESC_ZERO: a module that is loaded later, without -Z", async () => {
  const screen = mask(await run(["-n", WORK, "--", PLUGINS, PLUGIN, 3, 1], { permissions: START }));
  assertEquals({ ...screen, stderr: screen.stderr.split("\n")[0] }, {
    code: 3,
    stdout: "",
    stderr: "fasttrap: D_PDESC_ZERO: probe description pidPID:plugin:plugin_work:entry does not match any probes",
  });
});

Deno.test("fasttrap -p follows the modules of a running process until it is interrupted", async () => {
  await withTarget("plugins", async (target) => {
    await using command = new RunningCommand(["-Zn", WORK, "-p", target.pid]);
    await command.shows("matched 0 probes");
    command.signal("SIGINT");
    const { code, stderr } = await command.screen();
    assertEquals({ code, stderr }, {
      code: 0,
      stderr: `dtrace: description '${WORK}' matched 0 probes\nfasttrap: 0 hits, no drops\n`,
    });
    assertTextUntouched(target.pid);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "2 places\n2 2 2 3\n", end: "exited 6" });
  }, { args: [PLUGIN, 2, 1] });
});
