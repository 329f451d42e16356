/** How a trace ends before its target does: by signals, and by a reader that has gone or is stuck. */

import { assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { Random } from "../isa/x86_64/random.ts";
import {
  assertTextUntouched,
  rounds,
  stateOf,
  type TargetProgram,
  tracerOf,
  until,
  untraced,
  withTarget,
} from "../support.ts";
import { RunningCommand, START } from "./command.ts";

const SERVE = "pid$target:a.out:serve:entry";
/** So many calls that they are under way for as long as a test wants. */
const MANY = 10_000_000;
const MANY_SERVED = `served ${MANY}, ${MANY / 2} of them odd\n`;
/** How often in a row, a millisecond apart, something is seen that is to last. */
const SIGHTINGS = 50;

/** A named pipe: who reads it waits until it is opened. */
class Gate implements Disposable {
  readonly path = `${Deno.makeTempDirSync()}/gate`;

  constructor() {
    new Deno.Command("mkfifo", { args: [this.path] }).outputSync();
  }

  open(): void {
    Deno.writeTextFileSync(this.path, "\n");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path.replace(/\/gate$/, ""), { recursive: true });
  }
}

/** The pid of the only child of a process. */
function childOf(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`));
}

/** The target is as it was, and ends as it would have. */
async function assertLivesOn(target: TargetProgram, stdout: string): Promise<void> {
  assertEquals(tracerOf(target.pid), 0);
  assertTextUntouched(target.pid);
  await target.send("3");
  assertEquals(await target.outcome(), { stdout, end: "exited 7" });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`fasttrap ends by ${signal} and leaves a waiting target as it was`, async () => {
    await withTarget("requests", async (target) => {
      await using command = new RunningCommand(["-n", SERVE, "-p", target.pid]);
      await command.shows("matched 1 probe");
      await target.send("2");
      assertEquals(await target.line(), "served 2, 1 of them odd");
      command.signal(signal);
      const { code, stdout, stderr } = await command.screen();
      assertEquals({ code, rows: stdout.match(/serve:entry/g)?.length, end: stderr.split("\n").at(-2) }, {
        code: 0,
        rows: 2,
        end: "fasttrap: 2 hits, no drops",
      });
      await assertLivesOn(target, "served 3, 1 of them odd\n");
    });
  });

  for (const jumps of ["on", "off"]) {
    Deno.test(`fasttrap -x jumps=${jumps} ends by ${signal} in the middle of hits, all of which are accounted for`, async () => {
      await withTarget("requests", async (target) => {
        await using command = new RunningCommand(["-j", "-x", `jumps=${jumps}`, "-n", SERVE, "-p", target.pid]);
        await command.shows("matched 1 probe");
        await target.send(String(MANY));
        await command.shows('"type":"event"');
        command.signal(signal);
        const { code, stdout } = await command.screen();
        const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
        const { drops, ...end } = lines.at(-1);
        assertEquals({ code, end }, { code: 0, end: { type: "end", hits: lines.length - 1 } });
        // The calls are numbered from 0: what is missing up to the last one was dropped, and perhaps some behind it.
        const numbers = lines.slice(0, -1).map(({ args }) => args[0]).sort((a, b) => a - b);
        assertGreaterOrEqual(drops.ring ?? 0, numbers.at(-1) + 1 - numbers.length);
        assertEquals(Object.keys(drops), numbers.length < MANY && jumps === "on" ? ["ring"] : []);
        await assertLivesOn(target, `${MANY_SERVED}served 3, 1 of them odd\n`);
      });
    });
  }
}

/** A line of `--format ndjson` as far as it is looked at here. */
interface Line {
  readonly type: string;
  readonly pid: number;
  readonly tid: number;
  readonly probe: string;
  readonly args: readonly number[];
}

/** What there is to follow the calls of. */
interface Numbering {
  /** What counts for itself: each thread, or each process. */
  readonly by: "pid" | "tid";
  /** The number of the first call; any by default, as far as the tracing began in the middle. */
  readonly first?: number;
  /** How many calls may be missing. */
  readonly drops?: number;
}

/**
 * Fails if calls of `work` are missing, which each thread makes with 0, 1, 2 and so on.
 *
 * @param lines What the command has written.
 * @param numbering What is expected.
 * @returns How many calls each was to have made.
 */
function assertNumbered(lines: readonly Line[], { by, first, drops = 0 }: Numbering): Map<number, number> {
  const next = new Map<number, number>();
  let missing = 0;
  // What is behind a record whose thread has lost its CPU in the middle comes late.
  const calls = lines.filter(({ type, probe }) => type === "event" && probe.endsWith(":work:entry"))
    .sort((a, b) => a.args[0]! - b.args[0]!);
  for (const line of calls) {
    const n = line.args[0]!;
    const expected = next.get(line[by]) ?? first ?? n;
    assertGreaterOrEqual(n, expected);
    missing += n - expected;
    next.set(line[by], n + 1);
  }
  assertGreaterOrEqual(drops, missing);
  return next;
}

/** Waits a random time, from before the command has attached to long after. */
const moment = (random: Random) => new Promise((resolve) => setTimeout(resolve, random.below(250)));

Deno.test("fasttrap ends by SIGINT at any moment, and all is accounted for and nothing left", async () => {
  const random = new Random(11);
  let numbered = 0;
  await withTarget("spin", async (target) => {
    for (let round = 0; round < rounds(6, 1000); round++) {
      const description = `pid$target:a.out:work:${round % 4 < 2 ? "entry" : ""}`;
      const jumps = `jumps=${round % 4 === 0 ? "on" : "off"}`;
      await using command = new RunningCommand(["-j", "-x", jumps, "-n", description, "-p", target.pid]);
      if (round % 2 === 0) await command.shows("matched");
      await moment(random);
      command.signal("SIGINT");
      const { code, stdout, stderr } = await command.screen();
      assertEquals([tracerOf(target.pid), target.alive], [0, true]);
      assertTextUntouched(target.pid);
      // Before the command listens to it, the signal ends the runtime.
      if (round % 2 === 1 && code === 130 && stdout === "") continue;
      const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
      const { drops, ...end } = lines.at(-1);
      assertEquals([code, end], [0, { type: "end", hits: lines.length - 1 }], stderr);
      numbered += assertNumbered(lines, { by: "tid", drops: drops.ring ?? 0 }).size;
    }
    assertGreaterOrEqual(numbered, 4);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [4] });
});

Deno.test("fasttrap ends by SIGINT at any moment of many forks, and every child lives", async () => {
  const random = new Random(13);
  const args = [rounds(300, 1000), 2];
  const plain = await untraced("forks", { args });
  for (let round = 0; round < rounds(3, 50); round++) {
    await withTarget("forks", async (target) => {
      await using command = new RunningCommand(["-n", "pid$target:a.out::", "-p", target.pid]);
      await command.shows("matched");
      await target.send();
      await moment(random);
      command.signal("SIGINT");
      assertEquals(await command.code(), 0);
      assertEquals(await target.outcome(), plain);
    }, { args });
  }
});

/** What one process of a fork bomb calls, and the depth to which each makes two more. */
const BOMB = { calls: 20, depth: rounds(6, 7) };

Deno.test("fasttrap --follow ends by SIGINT in the middle of a fork bomb, and every process lives", async () => {
  const random = new Random(17);
  const args = [BOMB.depth, BOMB.calls];
  const processes = 2 ** (BOMB.depth + 1) - 1;
  const plain = await untraced("fork_bomb", { args });
  assertEquals(plain, { stdout: `${processes} processes, ${processes * BOMB.calls} calls\n`, end: "exited 0" });
  for (let round = 0; round < rounds(4, 100); round++) {
    await withTarget("fork_bomb", async (target) => {
      const probes = ["-n", "pid$target:a.out:work:entry", "-Zn", "pid$target:a.out:generation:"];
      await using command = new RunningCommand(["-j", "--follow", ...probes, "-p", target.pid]);
      await command.shows("work:entry' matched 1 probe");
      await target.send();
      const wanted = 1 + random.below(processes >> 1);
      const seen = () => new Set(command.stdout.match(/pid\d+:fork_bomb:work:entry/g)).size;
      await until(() => seen() >= wanted, `hits of ${wanted} processes`);
      command.signal("SIGINT");
      // Children that are let go run on, and whoever has a trap left dies of it.
      assertEquals(await target.outcome(), plain);
      const { code, stdout, stderr } = await command.screen();
      const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
      const hits = lines.filter(({ type }) => type === "event");
      assertEquals([code, lines.at(-1)], [0, { type: "end", hits: hits.length, drops: {} }], stderr);
      const next = assertNumbered(hits, { by: "pid", first: 0 });
      assertGreaterOrEqual(next.size, wanted);
    }, { args });
  }
});

Deno.test("fasttrap --follow sees each call of each process, though it has a child of its own that has ended", async () => {
  // The shell becomes the command, and leaves it the child that has written the input.
  const prefix = ["bash", "-c", 'exec "$@" < <(echo go)', "bash"];
  const program = ["build/targets/fork_bomb", "3", "20"];
  const args = ["-j", "--follow", "-n", "pid$target:a.out:work:entry", "--", ...program];
  await using command = new RunningCommand(args, { prefix, permissions: START });
  const { code, stdout, stderr } = await command.screen();
  assertMatch(stderr, /15 processes, 300 calls\n/);
  const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals([code, lines.at(-1)], [0, { type: "end", hits: 300, drops: {} }]);
  assertEquals(assertNumbered(lines, { by: "pid", first: 0 }).size, 15);
});

Deno.test("fasttrap --count ends by SIGINT at any moment, and no jump is left", async () => {
  const random = new Random(19);
  await withTarget("spin", async (target) => {
    const mappings = () => Deno.readTextFileSync(`/proc/${target.pid}/maps`).split("\n").length;
    const before = mappings();
    for (let round = 0; round < rounds(6, 1000); round++) {
      const description = `pid$target:a.out:work:${round % 4 < 2 ? "entry" : ""}`;
      await using command = new RunningCommand(["--count", "-n", description, "-p", target.pid]);
      if (round % 2 === 0) await command.shows("matched");
      await moment(random);
      command.signal("SIGINT");
      const { code, stdout, stderr } = await command.screen();
      assertEquals([tracerOf(target.pid), target.alive, mappings()], [0, true, before]);
      assertTextUntouched(target.pid);
      // Before the command listens to it, the signal ends the runtime.
      if (round % 2 === 1 && code === 130 && stdout === "") continue;
      assertEquals([code, / hits, no drops\n$/.test(stderr)], [0, true], stderr);
    }
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [4] });
});

Deno.test("fasttrap ends without a failure when its reader goes away", async () => {
  await withTarget("requests", async (target) => {
    const prefix = ["bash", "-c", '"$@" | head -n 3; echo "${PIPESTATUS[0]}"', "bash"];
    await using command = new RunningCommand(["-n", SERVE, "-p", target.pid], { prefix });
    await command.shows("matched 1 probe");
    await target.send(String(MANY));
    const { stdout, stderr } = await command.screen();
    assertEquals(stdout.split("\n").length, 5);
    assertEquals([stdout.split("\n")[3], stderr], ["0", `dtrace: description '${SERVE}' matched 1 probe\n`]);
    await assertLivesOn(target, `${MANY_SERVED}served 3, 1 of them odd\n`);
  });
});

Deno.test("fasttrap lets the target go though its reader is stuck", async () => {
  await withTarget("requests", async (target) => {
    using gate = new Gate();
    const prefix = ["bash", "-c", '"$@" | (read -r < "$GATE"; exec wc -l)', "bash"];
    const args = ["-x", "jumps=off", "-n", SERVE, "-p", target.pid];
    await using command = new RunningCommand(args, { prefix, env: { GATE: gate.path } });
    await command.shows("matched 1 probe");
    await target.send(String(MANY));
    const tracer = tracerOf(target.pid);
    // The pipe is full when the target stays in its stop and the tracer asleep.
    let sightings = 0;
    const isHeld = () => stateOf(tracer) === "S" && stateOf(target.pid) === "t";
    await until(() => (sightings = isHeld() ? sightings + 1 : 0) === SIGHTINGS, "a full pipe");
    Deno.kill(tracer, "SIGINT");
    await until(() => tracerOf(target.pid) === 0, "the end of the tracing");
    await assertLivesOn(target, `${MANY_SERVED}served 3, 1 of them odd\n`);
    gate.open();
    const { stdout, stderr } = await command.screen();
    const hits = Number(/(\d+) hits, no drops/.exec(stderr)?.[1]);
    assertGreaterOrEqual(hits, 1000);
    assertEquals(Number(stdout), hits + 2);
  });
});

Deno.test("fasttrap lets a program that it has started run on after the end of the trace", async () => {
  const args = ["-Zn", "pid$target:no*::entry", "-c", "sleep 1000"];
  await using command = new RunningCommand(args, { permissions: START });
  await command.shows("matched 0 probes");
  const pid = childOf(command.pid);
  try {
    await until(() => stateOf(pid) === "S", "the program's sleep");
    command.signal("SIGTERM");
    assertEquals(await command.code(), 0);
    assertEquals([stateOf(pid), tracerOf(pid)], ["S", 0]);
    assertTextUntouched(pid);
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("fasttrap ends well by the SIGINT of a terminal, which ends its program too", async () => {
  const args = ["-Zn", "pid$target:no*::entry", "-c", "sleep 1000"];
  await using command = new RunningCommand(args, { permissions: START });
  await command.shows("matched 0 probes");
  await until(() => stateOf(childOf(command.pid)) === "S", "the program's sleep");
  // A terminal sends it to the whole process group.
  Deno.kill(-command.pid, "SIGINT");
  const { code, stdout, stderr } = await command.screen();
  assertEquals({ code, stdout }, { code: 0, stdout: "\n" });
  // Which of the two ends first is open.
  assertMatch(stderr, /matched 0 probes\n(dtrace: pid \d+ terminated by SIGINT\n)?fasttrap: 0 hits, no drops\n$/);
});
