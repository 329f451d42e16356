/**
 * A whole machine for aarch64: the command with probes by jumps and by traps, what they record, capture and tally; and what the
 * kernel does to vectors.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { within } from "../support.ts";
import { Machine, missing, ROOT } from "./machine.ts";

/** How long the machine may take, in ms: its processor is emulated. */
const LIMIT_MS = 600_000;
const GUEST = `${ROOT}/tests/machine/guest.ts`;
const ATTACHER = `${ROOT}/tests/machine/attach_often.ts`;
const SOURCES = ["greetings", "leaves", "vectors"].map((name) => `tests/machine/${name}.c`);
const TARGET = "build/targets/greetings";
/** A processor with SVE; to authenticate pointers as real ones do would take the emulator long. */
const WITH_VECTORS = "max,pauth-impdef=on,sme=off";
/** What greetings.c calls greet() with, in each of its threads. */
const NAMES = ["", "Ada", "Grace Hopper", "Barbara Liskov"];
const [THREADS, CALLS] = [3, 200];
const ENTRY = "pid$target:a.out:greet:entry";
const RETURN = "pid$target:a.out:greet:return";

/** What a command has left. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs commands in the machine. */
async function runAll(processor: string, commands: readonly (readonly string[])[]): Promise<Outcome[]> {
  const options = ["run", "-A", "--no-check", "--no-lock", `--config=${ROOT}/deno.json`];
  const words = commands.map((command) => JSON.stringify(command));
  const command = ["/bin/deno", ...options, GUEST, ROOT, ...words];
  await using machine = await Machine.make(SOURCES, ["cli.ts", GUEST, ATTACHER], command);
  const process = machine.start(processor);
  try {
    const text = await within(new Response(process.stdout).text(), "the end of the machine", LIMIT_MS);
    assert(/^ENDED 0\r?$/m.test(text), text);
    return [...text.matchAll(/^OUTCOME (.*?)\r?$/gm)].map(([, json]) => JSON.parse(json!) as Outcome);
  } finally {
    process.kill("SIGKILL");
    await process.status;
  }
}

/** The command with options, tracing a program. */
function tracing(target: string, ...options: readonly string[]): string[] {
  const flags = ["--no-check", "--no-lock", "--allow-ffi", "--allow-run"];
  return ["/bin/deno", "run", ...flags, `${ROOT}/cli.ts`, ...options, "-c", target];
}

/** How many calls the threads make together with a name. */
const CALLS_EACH = THREADS * CALLS / NAMES.length;
const TALLIES = `${ENTRY} { @s = sum(arg1); @l = min(arg1); @m = max(arg1); @q = quantize(arg1); }`;
const RECORDED = `${ENTRY} { printf("%d %s|", arg1, copyinstr(arg0)); @[copyinstr(arg0)] = count(); } ` +
  `${RETURN} { printf("= %d|", arg1); }`;

/** What greetings.c does: the arguments of each call, by thread. */
function callsOf(thread: number): { readonly name: string; readonly number: number }[] {
  return Array.from({ length: CALLS }, (_, i) => ({ name: NAMES[i % NAMES.length]!, number: i - thread }));
}

/** How often each text is there. */
function tallyOf(texts: Iterable<string>): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length]));
}

/** Expects all that a table of hits, a tally and records say to be true. What the program writes has been taken out. */
function expectTrace(counted: Outcome, tallied: Outcome, recorded: Outcome, way: string): void {
  const calls = Array.from({ length: THREADS }, (_, thread) => callsOf(thread)).flat();
  const numbers = calls.map(({ number }) => number);
  const rows = [...counted.stdout.matchAll(/greet:(entry|return) +(\d+)$/gm)].map(([, name, hits]) => [name, hits]);
  assertEquals(rows, [["entry", String(calls.length)], ["return", String(calls.length)]], way);
  assertStringIncludes(counted.stderr, `${2 * calls.length} hits, no drops`);
  const values = [numbers.reduce((sum, number) => sum + number), Math.min(...numbers), Math.max(...numbers)];
  assertEquals([...tallied.stdout.matchAll(/^ +(-?\d+)$/gm)].map(([, value]) => Number(value)), values, way);
  const buckets = [...tallied.stdout.matchAll(/^ +(-?\d+) \|@* +(\d+) *$/gm)].filter(([, , count]) => count !== "0");
  const bucketOf = (value: number) => value === 0 ? 0 : Math.sign(value) * 2 ** Math.floor(Math.log2(Math.abs(value)));
  const expected = tallyOf(numbers.map((number) => String(bucketOf(number))));
  assertEquals(Object.fromEntries(buckets.map(([, value, count]) => [value, Number(count)])), expected, way);
  const [text] = /(?:[^\n|]*\|)+/.exec(recorded.stdout) ?? [""];
  const events = text.split("|").slice(0, -1);
  const lines = calls.flatMap(({ name, number }) => [`${number} ${name}`, `= ${name.length + number}`]);
  assertEquals(tallyOf(events), tallyOf(lines), way);
  for (const name of NAMES) {
    assert(new RegExp(`^ +${name} +${CALLS_EACH}$`, "m").test(recorded.stdout), `${name} by ${way}`);
  }
}

Deno.test({
  name: "fasttrap on a machine for aarch64 counts, tallies, records and captures, by jumps and by traps" +
    (missing === undefined ? "" : ` (ignored: ${missing})`),
  ignore: missing !== undefined,
  fn: async () => {
    const ways = ["jumps", "traps"];
    const [untraced, ...traced] = await runAll("neoverse-n1", [
      [`${ROOT}/${TARGET}`],
      ...ways.flatMap((way) => {
        const option = ["-x", way === "jumps" ? "jumps=on" : "jumps=off"];
        return [
          tracing(TARGET, ...option, "-x", "fasttrapstats", "--count", "-n", ENTRY, "-n", RETURN),
          ...[TALLIES, RECORDED].map((program) => tracing(TARGET, ...option, "-q", "-n", program)),
        ];
      }),
    ]);
    const [output] = untraced!.stdout.split("\n");
    assertEquals(untraced!.code, NAMES.length);
    assertEquals(traced.map(({ code }) => code), traced.map(() => 0));
    for (const { stdout } of traced) assertStringIncludes(stdout, `${output}\n`);
    const others = traced.map((outcome) => ({ ...outcome, stdout: outcome.stdout.replace(`${output}\n`, "") }));
    for (const [index, way] of ways.entries()) {
      const [counted, tallied, recorded] = others.slice(3 * index, 3 * index + 3);
      assertEquals(/0x[0-9a-f]+ jump:/.test(counted!.stderr), way === "jumps");
      assertStringIncludes(counted!.stderr, `exited with status ${NAMES.length}`);
      expectTrace(counted!, tallied!, recorded!, way);
    }
  },
});

Deno.test({
  name: "fasttrap on a machine for aarch64 counts by jumps the branches that leave a function" +
    (missing === undefined ? "" : ` (ignored: ${missing})`),
  ignore: missing !== undefined,
  fn: async () => {
    const options = ["-x", "fasttrapstats", "--count", "-n", "pid$target:a.out:leave:return"];
    const ways = ["jumps=on", "jumps=off"];
    const outcomes = await runAll(
      "neoverse-n1",
      ways.map((way) => tracing("build/targets/leaves", "-x", way, ...options)),
    );
    for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, "sum 80200\n");
      assertEquals(/leave:return +(\d+)$/m.exec(stdout)?.[1], "400", `${ways[index]}\n${stdout}${stderr}`);
      assertEquals(/0x[0-9a-f]+ jump:/.test(stderr), index === 0, stderr);
      assertEquals(/0x[0-9a-f]+ (?!jump)\w+:/.test(stderr), index === 1, stderr);
    }
  },
});

Deno.test({
  name: "Session.attach() on a machine for aarch64 leaves vectors as they are" +
    (missing === undefined ? "" : ` (ignored: ${missing})`),
  ignore: missing !== undefined,
  fn: async () => {
    const options = ["--no-check", "--no-lock", "--allow-ffi", "--allow-run", `--config=${ROOT}/deno.json`];
    const command = ["/bin/deno", "run", ...options, ATTACHER, `${ROOT}/build/targets/vectors`];
    const [outcome] = await runAll(WITH_VECTORS, [command]);
    assertEquals({ ...outcome, stderr: "" }, { code: 0, stdout: "ready\n0 wrong, looked, long\n", stderr: "" });
  },
});
