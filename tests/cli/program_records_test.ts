/** D programs whose clauses run on records of hits: what they print is the same as when each hit stops the thread. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { TARGETS, withTarget } from "../support.ts";
import { ATTACH, mask, run, RunningCommand, START } from "./command.ts";

const WAYS = ["on", "off"] as const;
/** As many records as a ring holds at least: what has no more hits loses none, however slow the machine is. */
const RING_RECORDS = 65_536;

const DEMO_LINE = /^\d+ is (?:not )?prime\n/gm;

/** Runs a program on the demo, once with jumps and once without, and gives what it printed both times. */
async function runBoth(source: string): Promise<string> {
  const screens = await Promise.all(
    WAYS.map((jumps) =>
      run(["-q", "-x", `jumps=${jumps}`, "-n", source, "--", `${TARGETS}demo`], { permissions: START })
    ),
  );
  const [recorded, stopped] = screens.map((screen) => mask(screen)).map((screen) => {
    assertEquals(screen.stdout.match(DEMO_LINE)?.length, 10);
    return { ...screen, stdout: screen.stdout.replaceAll(DEMO_LINE, "") };
  });
  assertEquals(recorded, stopped);
  return recorded!.stdout;
}

/** Runs a program on a target with jumps. Returns the rows of its aggregations, keys and value, without blanks. */
async function rowsOf(source: string, program: string, args: readonly number[]): Promise<string[]> {
  const { code, stdout, stderr } = await run(["-q", "-n", source, "--", `${TARGETS}${program}`, ...args], {
    permissions: START,
  });
  assertEquals([code, stderr], [0, ""]);
  return stdout.split("\n").filter((line) => line !== "").map((line) => line.trim().replaceAll(/ +/g, " ")).sort();
}

Deno.test("fasttrap -n with clauses that records are enough for prints what it prints without jumps", async () => {
  const stdout = await runBoth(
    `
    BEGIN { printf("begins %s\\n", execname); }
    pid$target:a.out:is_prime:entry /(self->n = arg0) != 7/ { n++; }
    pid$target:a.out:is_prime:entry
    { printf("%d %s:%s %d %d %s %s\\n", n, probemod, probefunc, arg0, self->n, execname, curpsinfo->pr_psargs); }
    pid$target:a.out:is_prime:return
    { printf("  %d of %d at %d, %d %d\\n", arg1, self->n, arg0 > 0, pid == $target, tid == pid); self->n = 0; }
    pid$target:a.out:is_prime:return { @[arg1] = quantize(uid + ppid - ppid); @s[self->n] = count(); }
    END { printf("ends with %d\\n", n); }
  `,
  );
  assertMatch(stdout, /^begins dtrace\n/);
  assertMatch(stdout, new RegExp(`\n6 demo:is_prime 8 8 demo ${TARGETS}demo\n {2}0 of 8 at 1, 1 1\n`));
  assertMatch(stdout, /\nends with 9\n/);
});

Deno.test("fasttrap -n with clauses of which some need the thread prints what it prints without jumps", async () => {
  // One clause of is_prime:entry walks the stack: the thread stops there. It does not when the function returns.
  const stdout = await runBoth(
    `
    pid$target:a.out:is_prime:entry { self->n = arg0; this->first = 1; }
    pid$target:a.out:is_prime:entry /arg0 < 4/ { printf("%d %d", arg0, this->first); ustack(2); }
    pid$target:a.out:is_prime:return { printf("%d %d %d\\n", self->n, arg1, ++returned); }
    pid$target:a.out:main:return { printf("main %d\\n", returned); ustack(1); }
  `,
  );
  assertMatch(stdout, /2 1\n {14}demo`is_prime\n {14}demo`main\+0x[0-9a-f]+\n2 1 1\n/);
  assertMatch(stdout, /main 10\n/);
});

Deno.test("fasttrap -n with exit() runs no clause for what was recorded behind it", async () => {
  const source = `
    pid$target:a.out:is_prime:entry { @["entries"] = count(); }
    pid$target:a.out:is_prime:entry /arg0 == 5/ { exit(3); }
    pid$target:a.out:is_prime:entry { @["behind it"] = count(); }
    pid$target:a.out:is_prime:return { @["returns"] = count(); }
    END { printa("%s %@d\\n", @); }`;
  for (const jumps of WAYS) {
    const { code, stdout } = await run(["-q", "-x", `jumps=${jumps}`, "-n", source, "--", `${TARGETS}demo`], {
      permissions: START,
    });
    const lines = stdout.split("\n").filter((line) => /^[a-z]/.test(line)).sort();
    assertEquals([code, lines], [3, ["behind it 3", "entries 4", "returns 3"]]);
  }
});

Deno.test("fasttrap -n follows a thread from CPU to CPU", async () => {
  const [threads, calls] = [4, 5000];
  const total = threads * calls;
  assert(3 * total < RING_RECORDS);
  const source = `
    pid$target:a.out:work:entry { self->n = arg0; self->ts = timestamp; @["entry"] = count(); }
    pid$target:a.out:inner:entry { @[self->n == arg0 ? "inner in its work" : "inner elsewhere"] = count(); }
    pid$target:a.out:work:return /self->ts/
    { @[timestamp > self->ts ? "takes time" : "takes none"] = count(); self->ts = 0; }`;
  assertEquals(await rowsOf(source, "movers", [threads, calls]), [
    `${total} calls`,
    `entry ${total}`,
    `inner in its work ${total}`,
    `takes time ${total}`,
  ]);
});

Deno.test("fasttrap -n keeps the order of a thread's hits, of which some are recorded and some stop it", async () => {
  const [threads, calls] = [3, 400];
  const total = threads * calls;
  const source = `
    pid$target:a.out:work:entry { self->n = arg0; self->stage = 1; }
    pid$target:a.out:inner:entry /self->stage == 1 && self->n == arg0/ { self->stage = 2; @s[ustack(1)] = count(); }
    pid$target:a.out:inner:return /self->stage == 2/ { self->stage = 3; }
    pid$target:a.out:work:return { @[self->stage] = count(); self->stage = 0; }
    END { printa("stage %d: %@d\\n", @); trunc(@s); }`;
  assertEquals(await rowsOf(source, "movers", [threads, calls]), [`${total} calls`, `stage 3: ${total}`]);
});

Deno.test("fasttrap -n counts each hit, or says that it was dropped", async () => {
  const calls = 2_000_000;
  const source = "pid$target:a.out:work:entry { @ = count(); @n = count(); }";
  const { code, stdout, stderr } = await run(["-q", "-n", source, "--", `${TARGETS}threads`, 2, calls / 2], {
    permissions: START,
  });
  const [counted, again] = [...stdout.matchAll(/^ +(\d+)$/gm)].map(([, count]) => Number(count));
  const dropped = [...stderr.matchAll(/^dtrace: (\d+) drops? on CPU 0$/gm)]
    .reduce((sum, [, drops]) => sum + Number(drops), 0);
  assertEquals([code, counted! + dropped, again], [0, calls, counted]);
  assertEquals(stderr.replaceAll(/^dtrace: \d+ drops? on CPU 0\n/gm, ""), "");
});

Deno.test("fasttrap -n fires nothing that was recorded before BEGIN, and everything that was until END", async () => {
  await withTarget("spin", async (target) => {
    const source = `
      BEGIN { begun = timestamp; }
      pid$target:a.out:work:entry /timestamp < begun/ { @["early"] = count(); }
      pid$target:a.out:work:entry { last = timestamp; n++; }
      tick-10ms /n > 1000/ { exit(0); }
      END { printf("%d %d\\n", last > begun, last < timestamp); }`;
    await using command = new RunningCommand(["-q", "-n", source, "-p", target.pid], { permissions: ATTACH });
    const { code, stdout } = await command.screen();
    assertEquals([code, stdout], [0, "1 1\n\n"]);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  });
});

Deno.test("fasttrap -n tells the time of day of what was recorded", async () => {
  const before = Date.now();
  const source = 'pid$target:a.out:is_prime:entry { printf("at %d %d\\n", walltimestamp, timestamp); }';
  const { stdout } = await run(["-q", "-n", source, "--", `${TARGETS}demo`], { permissions: START });
  const after = Date.now();
  const times = [...stdout.matchAll(/^at (\d+) (\d+)$/gm)].map(([, wall, time]) =>
    [BigInt(wall!), BigInt(time!)] as const
  );
  assertEquals(times.length, 10);
  // The two clocks are as far apart each time, to the microsecond that is known of the time of day.
  const apart = times.map(([wall, time]) => wall - time);
  assert(apart.every((one) => one - apart[0]! <= 2000n && apart[0]! - one <= 2000n));
  for (const [wall] of times) assert(wall / 1_000_000n >= before - 1 && wall / 1_000_000n <= after + 1);
});
