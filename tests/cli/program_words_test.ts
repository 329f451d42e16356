/** What the command says of a D program in dtrace(1)'s words, and what it exits with then. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { TARGETS } from "../support.ts";
import { run, RunningCommand, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;

Deno.test("fasttrap -n with a D program says in dtrace's words what it cannot have, and exits 1", async () => {
  const invalid = "Invalid value for specified option";
  const rows: [args: string[], text: string][] = [
    [["-x", "nonsense"], "failed to set -x nonsense: Invalid option name"],
    [["-x", "bufpolicy=heap"], `failed to set -x bufpolicy: ${invalid}`],
    [["-x", "evaltime=later"], `failed to set -x evaltime: ${invalid}`],
    [["-b", "many"], `failed to set -b many: ${invalid}`],
    [["-X", "q"], `failed to set -X q: ${invalid}`],
    [["-D", ""], `failed to set -D : ${invalid}`],
    [["-p", "nginx"], "invalid pid: nginx"],
    [["-p", "4194305"], "failed to grab pid 4194305: there is no such process"],
    [["-c", "/no/such/command x"], "failed to execute /no/such/command: no such file or command"],
    [["-o", "/no/such/folder/x"], "failed to open output file '/no/such/folder/x': No such file or directory"],
    [["-o", "/"], "failed to open output file '/': Is a directory"],
    [["-l", "-p", "4194305"], "failed to grab pid 4194305: there is no such process"],
  ];
  for (const [args, text] of rows) {
    const screen = await run([...args, "-n", "BEGIN { exit(0); }"], { permissions: [...START, "--allow-write"] });
    assertEquals(screen, { code: 1, stdout: "", stderr: `dtrace: ${text}\n` });
  }
});

Deno.test("fasttrap -64 is the only data model, and -l and -V are not for one command", async () => {
  assertEquals((await run(["-64", "-qn", "BEGIN { exit(sizeof (long)); }"])).code, 8);
  assertEquals((await run(["-62", "-n", "BEGIN"])).stderr, "fasttrap: illegal option -- 62\n");
  assertEquals(await run(["-lV"]), {
    code: 2,
    stdout: "",
    stderr: "fasttrap: only one of the [-hlV] options can be specified at a time\n",
  });
  assertMatch((await run(["-V"])).stdout, /^fasttrap \d+\.\d+\.\d+, D 2\.0\n$/);
});

Deno.test("fasttrap -w says that destructive actions are allowed, unless with -q", async () => {
  const screen = await run(["-w", "-n", "BEGIN { exit(0); }"]);
  assertEquals(
    screen.stderr,
    "dtrace: description 'BEGIN ' matched 1 probe\ndtrace: allowing destructive actions\n",
  );
  assertEquals((await run(["-wq", "-n", "BEGIN { exit(0); }"])).stderr, "");
});

Deno.test("fasttrap -n takes options from the environment, which the command line comes behind", async () => {
  const env = { DTRACE_OPT_STRSIZE: "8", DTRACE_OPT_QUIET: "1", DTRACE_OPT_NSPEC: "many", DTRACE_OPT_NONSENSE: "1" };
  const source = 'BEGIN { trace("longer than that"); exit(0); }';
  assertEquals(await run(["-n", source], { env }), { code: 0, stdout: "longer \n", stderr: "" });
  assertEquals((await run(["-x", "strsize=7", "-n", source], { env })).code, 1);
  assertEquals((await run(["-x", "strsize=12", "-n", source], { env })).stdout, "longer than\n");
});

Deno.test("fasttrap -x quiet=no is not quiet, and -x zdefs=off wants probes", async () => {
  const { stderr } = await run(["-x", "quiet=no", "-n", "BEGIN { exit(0); }"]);
  assertEquals(stderr, "dtrace: description 'BEGIN ' matched 1 probe\n");
  const source = "dtrace:::NONE { } BEGIN { exit(0); }";
  assertEquals((await run(["-x", "zdefs", "-qn", source])).code, 0);
  assertEquals((await run(["-x", "zdefs=off", "-qn", source])).code, 1);
});

Deno.test("fasttrap -n accepts options that mean nothing here, and sizes in octal and hexadecimal digits", async () => {
  const options = ["jstackstrsize=1024", "temporal", "lockmem=unlimited", "pgmax=12", "strsize=0x10", "nspec=010"];
  const pragmas = options.map((option) => `#pragma D option ${option}\n`).join("");
  const source = 'BEGIN { trace("0123456789abcdefgh"); exit(sizeof (string)); }';
  const screen = await run(["-qn", pragmas + source]);
  assertEquals(screen, { code: 16, stdout: "0123456789abcde\n", stderr: "" });
});

Deno.test("fasttrap -x noresolve leaves addresses as they are", async () => {
  const source = "pid$target:a.out:isPrime:entry { ustack(1); @[usym(ucaller)] = count(); exit(0); }";
  const { stdout } = await run(["-x", "noresolve", "-qn", source.replace("isPrime", "is_prime"), "--", DEMO], {
    permissions: START,
  });
  assertMatch(stdout, /^ {14}0x[0-9a-f]+\n$/m);
  assertMatch(stdout, /^ {2}0x[0-9a-f]+ +1\n$/m);
});

Deno.test("fasttrap -n ends the line of a ^C, but not where outputs are compared", async () => {
  for (const [env, stdout] of [[{}, "begun\n\n"], [{ _DTRACE_TESTING: "1" }, "begun\n"]] as const) {
    await using command = new RunningCommand(["-x", "switchrate=1ms", "-qn", 'BEGIN { printf("begun"); }'], { env });
    await command.shows("begun");
    command.signal("SIGINT");
    assertEquals(await command.screen(), { code: 0, stdout, stderr: "" });
  }
});

Deno.test("fasttrap -n ticks more often than timers go off", async () => {
  const source = 'tick-5000hz { n++; } tick-1ms { m++; } tick-5000hz /n == 1500/ { printf("%d", n > 2 * m); exit(0); }';
  assertEquals(await run(["-qn", source]), { code: 0, stdout: "1\n", stderr: "" });
});

Deno.test("fasttrap -x statusrate says how often it is told what is lost of speculations", async () => {
  const lost = async (rate: string) => {
    const source = "tick-1ms { speculation(); } tick-1ms /++n == 50/ { exit(0); }";
    const options = ["-x", `statusrate=${rate}`, "-x", "switchrate=1ms", "-x", "nspec=0"];
    const { stderr } = await run([...options, "-qn", source]);
    const counts = stderr.trimEnd().split("\n").map((line) =>
      Number(/^dtrace: (\d+) failed speculation/.exec(line)![1])
    );
    assertEquals(counts.reduce((sum, count) => sum + count, 0), 50);
    return counts.length;
  };
  assertEquals(await lost("1h"), 1);
  assert(await lost("5ms") > 1);
});

Deno.test("fasttrap -b makes buffers smaller that are larger than memory, unless bufresize forbids it", async () => {
  const source = "BEGIN { trace(1); exit(0); }";
  const lowered = "dtrace: buffer size lowered to 1g\ndtrace: dynamic variable size lowered to 1g\n";
  const args = ["-b", "4t", "-x", "dynvarsize=2g", "-qn", source];
  assertEquals(await run(args), { code: 0, stdout: "1\n", stderr: lowered });
  assertEquals((await run(["-x", "quietresize", ...args])).stderr, "");
  assertEquals((await run(args, { env: { _DTRACE_TESTING: "1" } })).stderr, "");
  const refused = { code: 1, stdout: "", stderr: "dtrace: could not enable tracing: Cannot allocate memory\n" };
  assertEquals(await run(["-x", "bufresize=manual", ...args]), refused);
  assertEquals(await run(["-x", "scratchsize=2047m", "-b", "1g", "-qn", source]), refused);
});

Deno.test("fasttrap -n has dtrace for $0", async () => {
  assertEquals((await run(["-qn", "BEGIN { trace($$0); exit(0); }"])).stdout, "dtrace\n");
});
