/** Whole screens of `-c`, `--`, `-p` and their options, each with the program's own output and end. */

import { LISTING_HEADER } from "../../lib/consumer/listing.ts";
import { OPTION_TYPES } from "../../lib/consumer/options.ts";
import { CONSUMER_DEFAULTS, isConsumerOption } from "../../lib/consumer/program/consumer_options.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertTextUntouched, TARGETS, withTarget } from "../support.ts";
import { mask, run, RunningCommand, type Screen, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;
const DEMO_OUTPUT = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
  .map((number) => `${number} is ${[2, 3, 5, 7, 11].includes(number) ? "prime" : "not prime"}\n`).join("");
const DEMO_END = "dtrace: pid PID exited with status 5\n";
const IS_PRIME = "pid$target:a.out:is_prime:entry";
const HEADER = "CPU     ID                    FUNCTION:NAME\n";
const SERVE = "pid$target:a.out:serve:entry";

/** Runs the command on the demo. */
async function traceDemo(...args: string[]): Promise<Screen> {
  return mask(await run([...args, "--", DEMO], { permissions: START }));
}

Deno.test("fasttrap -n and -- print what dtrace prints", async () => {
  const { code, stdout, stderr } = await traceDemo("-n", IS_PRIME);
  // Whose lines come first is open: both write to the same pipe.
  const lines = stdout.split(/(?<=\n)/);
  assertEquals(lines.filter((line) => / is /.test(line)).join(""), DEMO_OUTPUT);
  assertEquals({ code, trace: lines.filter((line) => !/ is /.test(line)).join(""), stderr }, {
    code: 0,
    trace: HEADER + "  C      4                   is_prime:entry \n".repeat(10) + "\n",
    stderr: `dtrace: description '${IS_PRIME}' matched 1 probe\n${DEMO_END}fasttrap: 10 hits, no drops\n`,
  });
});

Deno.test("fasttrap -p traces a running process to its end", async () => {
  await withTarget("requests", async (target) => {
    await using command = new RunningCommand(["-n", SERVE, "-p", target.pid]);
    await command.shows("matched 1 probe");
    await target.send("3");
    assertEquals(await target.outcome(), { stdout: "served 3, 1 of them odd\n", end: "exited 7" });
    assertEquals(mask(await command.screen(), target.pid), {
      code: 0,
      stdout: HEADER + "  C      4                      serve:entry \n".repeat(3) + "\n",
      stderr: `dtrace: description '${SERVE}' matched 1 probe\n` +
        "dtrace: pid PID exited with status 7\nfasttrap: 3 hits, no drops\n",
    });
  });
});

Deno.test("fasttrap prints rows while the target runs on", async () => {
  await withTarget("requests", async (target) => {
    await using command = new RunningCommand(["-n", SERVE, "-p", target.pid]);
    await command.shows("matched 1 probe");
    await target.send("1");
    await command.shows("serve:entry \n");
    assertEquals(await target.line(), "served 1, 0 of them odd");
    assert(target.alive);
  });
});

Deno.test("fasttrap -j writes the events as NDJSON, and nothing of the program among them", async () => {
  const screen = await traceDemo("-j", "-n", "pid$target:a.out:is_prime:return", "-n", IS_PRIME);
  const lines = screen.stdout.trimEnd().split("\n").map((line) => line.replaceAll("TIME", "1")).map((line) =>
    JSON.parse(line.replaceAll('"pid":PID,"tid":PID', '"pid":1,"tid":1'))
  );
  const entries = lines.filter(({ probe }) => probe === "pidPID:demo:is_prime:entry");
  const returns = lines.filter(({ probe }) => probe === "pidPID:demo:is_prime:return");
  assertEquals(lines.length, 21);
  assertEquals(entries.map(({ args }) => args[0]), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assertEquals(returns.map(({ args }) => args[1]), [1, 1, 0, 1, 0, 1, 0, 0, 0, 1]);
  assertEquals(lines.at(-1), { type: "end", hits: 20, drops: {} });
  assert(screen.stderr.includes(DEMO_OUTPUT));
  assertEquals(screen.code, 0);
});

Deno.test("fasttrap --count prints a table of hits and no events", async () => {
  const descriptions = ["-n", "pid$target:a.out:is_prime:return", "-n", "pid$target:a.out:main:*t*"];
  const matched = "dtrace: description 'pid$target:a.out:is_prime:return' matched 1 probe\n" +
    "dtrace: description 'pid$target:a.out:main:*t*' matched 2 probes\n";
  assertEquals(await traceDemo("--count", ...descriptions), {
    code: 0,
    stdout: `${DEMO_OUTPUT}
  pidPID:demo:main:entry 1
  pidPID:demo:main:return 1
  pidPID:demo:is_prime:return 10
`,
    stderr: `${matched}${DEMO_END}fasttrap: 12 hits, no drops\n`,
  });
  assertEquals(await traceDemo("--count", "-j", ...descriptions), {
    code: 0,
    stdout: `{"type":"aggregation","name":"@","key":["pidPID:demo:main:entry"],"value":1}
{"type":"aggregation","name":"@","key":["pidPID:demo:main:return"],"value":1}
{"type":"aggregation","name":"@","key":["pidPID:demo:is_prime:return"],"value":10}
{"type":"end","hits":12,"drops":{}}
`,
    stderr: `${matched}${DEMO_OUTPUT}${DEMO_END}fasttrap: 12 hits, no drops\n`,
  });
});

Deno.test("fasttrap -q leaves the program's own output", async () => {
  assertEquals(await traceDemo("-q", "-n", IS_PRIME), { code: 0, stdout: `${DEMO_OUTPUT}\n`, stderr: "" });
});

Deno.test("fasttrap -o appends to a file, and -j leaves standard output to the program then", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/trace`;
  try {
    await Deno.writeTextFile(path, "before\n");
    const start = { permissions: [...START, `--allow-write=${path}`] };
    const screen = mask(await run(["-j", "--count", "-n", IS_PRIME, "-o", path, "--", DEMO], start));
    assertEquals({ code: screen.code, stdout: screen.stdout }, { code: 0, stdout: DEMO_OUTPUT });
    assertMatch(await Deno.readTextFile(path), /^before\n\{"type":"aggregation".*"value":10\}\n\{"type":"end".*\}\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("fasttrap -Z accepts a description that matches nothing", async () => {
  const nothing = "pid$target:no*:is_prime:entry";
  assertEquals(await traceDemo("-Z", "-n", nothing), {
    code: 0,
    stdout: `${DEMO_OUTPUT}\n`,
    stderr: `dtrace: description '${nothing}' matched 0 probes\n${DEMO_END}fasttrap: 0 hits, no drops\n`,
  });
});

Deno.test("fasttrap -f, -m and -P take descriptions that end with their field", async () => {
  const screen = await traceDemo(
    ...["--count", "-f", "pid$target:a.out:is_prim?", "-Zm", "pid$target:no*", "-P", "none$target"],
  );
  const total = screen.stdout.split("\n").filter((line) => line.startsWith("  pidPID:demo:is_prime:")).length;
  assertEquals(screen.stderr.split("\n").slice(0, 3), [
    `dtrace: function 'pid$target:a.out:is_prim?' matched ${total} probes`,
    "dtrace: module 'pid$target:no*' matched 0 probes",
    "dtrace: provider 'none$target' matched 0 probes",
  ]);
});

Deno.test("fasttrap -c splits its command as a shell does", async () => {
  const screen = await run(["-Zqn", "pid$target:no*::entry", "-c", `echo 'a  b' "c d"\\ e`], { permissions: START });
  assertEquals(screen, { code: 0, stdout: "a  b c d e\n\n", stderr: "" });
});

Deno.test("fasttrap takes $target for each of several targets", async () => {
  await withTarget("requests", async (first) => {
    await withTarget("requests", async (second) => {
      await using command = new RunningCommand(["--count", "-n", SERVE, "-p", first.pid, "-p", second.pid]);
      await command.shows(`'${SERVE}' matched 2 probes`);
      await first.send("2");
      await second.send("3");
      await Promise.all([first.outcome(), second.outcome()]);
      const { stdout } = await command.screen();
      const rows = stdout.trim().split("\n").map((row) => row.trim().split(/ +/));
      assertEquals(rows, [
        [`pid${first.pid}:requests:serve:entry`, "2"],
        [`pid${second.pid}:requests:serve:entry`, "3"],
      ]);
    });
  });
});

Deno.test("fasttrap -x evaltime says how far the program runs before its probes are set", async () => {
  const constructor = "pid$target:a.out:frame_dummy:entry";
  for (const [moment, hits] of [["exec", 1], ["preinit", 1], ["postinit", 1], ["main", 0]] as const) {
    const { stderr } = await traceDemo("--count", "-x", `evaltime=${moment}`, "-n", constructor);
    assertEquals(stderr.split("\n").at(-2), `fasttrap: ${hits} hit${hits === 1 ? "" : "s"}, no drops`, moment);
  }
});

Deno.test("fasttrap -x fasttrapstats dumps the tables when probes are set, and empty ones at the end", async () => {
  const { code, stderr } = await traceDemo("-x", "fasttrapstats", "-x", "fthashsize=5", "-qn", IS_PRIME);
  const lines = stderr.replace(/0x\w+/, "ADDRESS").replace(/^ +\d+ +/gm, "BUCKET ").replace(/of \d+,/g, "of LIMIT,")
    .replace(/cleanups \d+$/gm, "cleanups N");
  assertEquals({ code, lines }, {
    code: 0,
    lines: `fasttrap: tracepoints made for 1 of LIMIT, generation 0, cleanups N
  tracepoints, 8 buckets
BUCKET pid PID ADDRESS jump: before 4
  providers, 256 buckets
BUCKET pidPID (pid): probes 1, enabled 1, creating 0, objects 0
  processes, 256 buckets
BUCKET pid PID: providers 1, active 1, traps 1, retired slots 0
fasttrap: tracepoints made for 0 of LIMIT, generation 0, cleanups N
  tracepoints, 8 buckets
  providers, 256 buckets
  processes, 256 buckets
`,
  });
});

Deno.test("D_PROC_CREATEFAIL: fasttrap -x ftmax limits the tracepoints", async () => {
  const screen = await traceDemo("-x", "ftmax=2", "-n", "pid$target:a.out::entry");
  const functionName = /'(\w+)'/.exec(screen.stderr)?.[1];
  assertEquals(screen, {
    code: 1,
    stdout: "",
    stderr: `fasttrap: D_PROC_CREATEFAIL: failed to create entry probe in '${functionName}': Not enough space\n` +
      "hint: name fewer functions, or raise the limit with -x ftmax=N\n",
  });
});

Deno.test("fasttrap says that a program has become another one", async () => {
  const screen = mask(
    await run(["-Zn", "pid$target:no*::entry", "-c", `sh -c 'exec "${DEMO}"'`], { permissions: START }),
  );
  assertEquals(screen, {
    code: 0,
    stdout: `${DEMO_OUTPUT}\n`,
    stderr: "dtrace: description 'pid$target:no*::entry' matched 0 probes\n" +
      `fasttrap: pid PID has executed another program, which has no probes\n${DEMO_END}fasttrap: 0 hits, no drops\n`,
  });
});

Deno.test("fasttrap says which signal has killed a program", async () => {
  const screen = await run(["-Zn", "pid$target:no*::entry", "-c", "sh -c 'kill -KILL $$'"], { permissions: START });
  assertEquals(screen.stderr.split("\n")[1]?.replace(/\d+/, "PID"), "dtrace: pid PID terminated by SIGKILL");
});

Deno.test("fasttrap -l lists the probes and runs nothing", async () => {
  const descriptions = ["-n", IS_PRIME, "-n", "pid$target:a.out:main:return"];
  assertEquals(mask(await run(["-l", ...descriptions, "--", DEMO], { permissions: START })), {
    code: 0,
    stdout: `   ID   PROVIDER            MODULE                          FUNCTION NAME
    4 pidPID              demo                          is_prime entry
    5 pidPID              demo                              main return
`,
    stderr: "",
  });
  assertEquals(mask(await run(["-l", "-j", ...descriptions, "--", DEMO], { permissions: START })), {
    code: 0,
    stdout: `{"type":"probe","id":4,"provider":"pidPID","module":"demo","function":"is_prime","name":"entry"}
{"type":"probe","id":5,"provider":"pidPID","module":"demo","function":"main","name":"return"}
`,
    stderr: "",
  });
});

Deno.test("fasttrap -lv tells the stability, the arguments and the instructions of probes", async () => {
  const description = ["-n", "pid$target:a.out:leaf:[r4]*", "--", `${TARGETS}returns`];
  const screen = mask(await run(["-lv", ...description], { permissions: START }));
  const attributes = "\t\tIdentifier Names: Private\n\t\tData Semantics:   Private\n\t\tDependency Class: Unknown\n";
  const details = `
\tProbe Description Attributes
${attributes}
\tArgument Attributes
${attributes}
\tArgument Types
\t\tNone

\tSites
\t\tADDRESS (+0x4) emulated: c3
\t\t\tjump that counts or records each hit

`;
  assertEquals({ ...screen, stdout: screen.stdout.replace(/0x\w+(?= \()/g, "ADDRESS") }, {
    code: 0,
    stdout: `   ID   PROVIDER            MODULE                          FUNCTION NAME
    4 pidPID           returns                              leaf return
${details}    5 pidPID           returns                              leaf 4
${details}`,
    stderr: "",
  });
  const { stdout } = mask(await run(["-lvj", ...description], { permissions: START }));
  const words =
    '"attributes":"Private/Private/Unknown","argumentAttributes":"Private/Private/Unknown","argumentTypes":[]';
  assertEquals(
    stdout.replace(/"address":\d+/g, '"address":ADDRESS'),
    ["return", "4"].map((name, index) =>
      `{"type":"probe","id":${index + 4},"provider":"pidPID","module":"returns","function":"leaf","name":"${name}",` +
      `${words},"sites":[{"address":ADDRESS,"offset":4,"code":"c3","performed":"emulated"}]}\n`
    ).join(""),
  );
});

Deno.test("fasttrap -l -p of a process without static probes says how to list functions", async () => {
  await withTarget("requests", async (target) => {
    assertEquals(await run(["-l", "-p", target.pid]), {
      code: 0,
      stdout: LISTING_HEADER,
      stderr: "fasttrap: there are no static probes; -n 'pid$target:a.out::entry' lists functions\n",
    });
    assertEquals((await run(["-l", "-j", "-p", target.pid])).stdout, "");
  });
});

Deno.test("fasttrap -l lists entries and returns of a running process, which does not notice", async () => {
  await withTarget("requests", async (target) => {
    const descriptions = ["-n", "pid$target:::entry", "-n", "pid$target:::return"];
    const { code, stdout } = await run(["-l", ...descriptions, "-p", target.pid]);
    assertEquals(code, 0);
    for (const name of ["entry", "return"]) {
      assertMatch(stdout, new RegExp(`^ *\\d+ +pid${target.pid} +requests +serve ${name}$`, "m"));
      assertMatch(stdout, new RegExp(`^ *\\d+ +pid${target.pid} +libc.so.6 +malloc ${name}$`, "m"));
    }
    assertTextUntouched(target.pid);
    await target.send("1");
    assertEquals(await target.outcome(), { stdout: "served 1, 0 of them odd\n", end: "exited 7" });
  });
});

Deno.test("fasttrap --help is one screen that names every option, -V is the version", async () => {
  const { code, stdout, stderr } = await run(["--help"], { permissions: [] });
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const lines = stdout.split("\n");
  assert(lines.length <= 45 && lines.every((line) => line.length <= 120), stdout);
  for (const name of Object.keys(OPTION_TYPES)) {
    // An option of one digit with a value of one.
    const written = name === "6" ? "64" : name.length > 1 ? `-${name}` : name;
    assertMatch(stdout, new RegExp(`[ (]-${written}\\b`));
  }
  for (const name of Object.keys(CONSUMER_DEFAULTS).filter(isConsumerOption)) {
    assertMatch(stdout, new RegExp(`\\b${name}\\b`));
  }
  assertEquals((await run(["-h"], { permissions: [] })).stdout, stdout);
  assertMatch((await run(["-V"], { permissions: [] })).stdout, /^fasttrap \d+\.\d+\.\d+, D 2\.0\n$/);
});
