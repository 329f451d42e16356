/** Buffers of D programs by their policies, and what is printed of several aggregations. */

import { assert, assertEquals } from "@std/assert";
import { TARGETS } from "../support.ts";
import { ATTACH, run, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;
const SOURCE = 'pid$target:a.out:is_prime:entry { printf("%d ", arg0); }';

/** What the demo was traced to have done, and what was said of it. */
async function traceDemo(...args: string[]) {
  const { code, stdout, stderr } = await run(["-q", ...args, "-n", SOURCE, "--", DEMO], { permissions: START });
  const own = stdout.split("\n").filter((line) => !/is (?:not )?prime$/.test(line));
  return { code, own: own.join("|"), stderr };
}

Deno.test("fasttrap -x bufpolicy=ring keeps what was recorded last, and prints it at the end", async () => {
  assertEquals(await traceDemo("-x", "bufpolicy=ring", "-x", "bufsize=200", "-x", "switchrate=1ms"), {
    code: 0,
    own: "7 8 9 10 11 |",
    stderr: "",
  });
});

Deno.test("fasttrap -x bufpolicy=fill keeps what was recorded first, and ends when the buffer is full", async () => {
  assertEquals(await traceDemo("-x", "bufpolicy=fill", "-x", "bufsize=200", "-x", "switchrate=1ms"), {
    code: 0,
    own: "2 3 4 5 6 |",
    stderr: "",
  });
});

Deno.test("fasttrap -x bufpolicy=switch says what did not fit", async () => {
  const tooLarge = 'pid$target:a.out:is_prime:entry /arg0 < 5/ { trace("as large as any string"); }';
  const { own, stderr } = await traceDemo("-b", "200", "-x", "strsize=256", "-x", "switchrate=1h", "-n", tooLarge);
  // The program may have been on several CPUs.
  const drops = [...stderr.matchAll(/^dtrace: (\d+) drops? on CPU \d+\n/gm)];
  assertEquals([own, drops.map(([line]) => line).join("")], ["2 3 4 5 6 7 8 9 10 11 |", stderr]);
  assertEquals(drops.reduce((sum, [, count]) => sum + Number(count), 0), 3);
});

Deno.test("fasttrap -n with printa() prints several aggregations side by side", async () => {
  const source = "BEGIN { @a[1] = count(); @b[1] = sum(30); @b[2] = sum(4); printa(@a, @b); exit(0); }";
  assertEquals(
    (await run(["-qn", source], { permissions: ATTACH })).stdout,
    [
      "",
      "        2                0                4",
      "        1                1               30",
      "",
      "",
    ].join("\n"),
  );
});

Deno.test("fasttrap -w refuses panic() and breakpoint() by name", async () => {
  for (const name of ["panic", "breakpoint"]) {
    assertEquals(await run(["-wn", `BEGIN { ${name}(); }`], { permissions: ATTACH }), {
      code: 1,
      stdout: "",
      stderr: `dtrace: could not enable tracing: ${name}( ) is about the kernel, which no user may stop\n`,
    });
  }
});

Deno.test("fasttrap -x maxframes bounds the stacks", async () => {
  const source = 'pid$target:a.out:is_prime:entry /arg0 == 2/ { ustack(5); printf("end"); exit(0); }';
  const { stdout } = await run(["-q", "-x", "maxframes=1", "-n", source, "--", DEMO], { permissions: START });
  assertEquals(stdout.split("\n").filter((line) => line.includes("demo`")), ["              demo`is_prime"]);
});

/** The last CPU that this program may run on. */
function lastCpu(): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(/^Cpus_allowed_list:.*?(\d+)$/m.exec(status)![1]);
}

Deno.test("fasttrap -n tells on which CPU hits were dropped that the rings had no room for", async () => {
  const cpu = lastCpu();
  const calls = 2_000_000;
  const source = "pid$target:a.out:fold:entry /arg0 == 1/ { @ = count(); }";
  const command = ["--", "taskset", "-c", cpu, `${TARGETS}hot`, calls];
  // The program waits for a line, and finds the end of its input.
  const { code, stderr } = await run(["--follow", "-Zqn", source, ...command], { permissions: START });
  assertEquals(code, 0);
  const cpus = [...stderr.matchAll(/^dtrace: \d+ drops? on CPU (\d+)$/gm)].map(([, number]) => Number(number));
  assert(cpus.length > 0, stderr);
  assertEquals([...new Set(cpus)], [cpu]);
});

Deno.test("fasttrap -n tells on which CPU hits were dropped that the principal buffer had no room for", async () => {
  const cpu = lastCpu();
  const options = ["-b", 100, "-x", "strsize=256", "-x", "jumps=off", "-x", "switchrate=1min"];
  const command = ["--", "taskset", "-c", cpu, `${TARGETS}demo`];
  const source = 'pid$target:demo:is_prime:entry { trace("as large as any string"); }';
  const { stderr } = await run(["--follow", ...options, "-Zqn", source, ...command], { permissions: START });
  assertEquals(stderr, `dtrace: 10 drops on CPU ${cpu}\n`);
});

Deno.test("fasttrap -j tells the CPU of each record, of those that stop the thread as well", async () => {
  const cpu = lastCpu();
  const source = "pid$target:demo:is_prime:entry { trace(arg0); } pid$target:demo:is_prime:return { ustack(1); }";
  const command = ["--", "taskset", "-c", cpu, `${TARGETS}demo`];
  const { stdout } = await run(["--follow", "-Zjn", source, ...command], { permissions: START });
  const records = stdout.trimEnd().split("\n").map((line) => JSON.parse(line)).filter(({ type }) => type === "record");
  assertEquals(records.length, 20);
  assertEquals([...new Set(records.map((record) => record.cpu))], [cpu]);
});

Deno.test("fasttrap -n says of BEGIN, END, ERROR and ticks the CPU on which they fire, in the column and to clauses", async () => {
  // All of them on the last one, which is not the first one where there are several.
  const cpu = String(lastCpu());
  const source = "BEGIN { trace(cpu); trace(*(int *)0); } ERROR { trace(curlwpsinfo->pr_onpro); } " +
    "tick-10ms { trace(cpu); exit(0); } END { trace(cpu); }";
  const { stdout } = await run(["-n", source], { prefix: ["taskset", "-c", cpu] });
  assertEquals([...stdout.matchAll(/^ *(\d+) +\d+ +:(\S+) +(\d+)/gm)].map(([, ...cells]) => cells), [
    [cpu, "ERROR", cpu],
    [cpu, "tick-10ms", cpu],
    [cpu, "END", cpu],
  ]);
});
