/** Children and executed programs that are traced with their parents. */

import { assert, assertEquals } from "@std/assert";
import { type EnableOptions, Session } from "../../mod.ts";
import { run, START } from "../cli/command.ts";
import { SOAK, TARGETS, until, untraced, within, withTarget } from "../support.ts";

const WORK = "pid$target:a.out:work:entry";

/** Traces `generations` with all that descends from it; returns the hits by process, in the order of their first. */
async function follow(args: readonly number[], description = WORK, options: EnableOptions = {}): Promise<number[]> {
  const counts = new Map<number, number>();
  await withTarget("generations", async (target) => {
    const warnings: string[] = [];
    await using session = new Session({ signals: false, follow: true, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    const handler = ({ pid }: { pid: number }) => void counts.set(pid, (counts.get(pid) ?? 0) + 1);
    const enabled = session.enable(description, { handler, ...options });
    await target.send();
    await within(session.run(), "the end of all");
    assertEquals(await target.outcome(), await untraced("generations", { args }));
    assertEquals(warnings, []);
    assertEquals(session.targets.every(({ alive }) => !alive), true);
    assertEquals(enabled.probes, []);
    await until(() => session.stats().providers.entries.length === 0, "the cleanup");
    assertEquals([session.stats().total, session.stats().tracepoints.entries], [0, []]);
  }, { args });
  return [...counts.values()];
}

Deno.test("Session.run() with follow traces children of fork, and what they execute, from their first instruction", async () => {
  // Each process calls work() as often as its depth says, and so does its thread; then the program that was executed.
  assertEquals(await follow([3]), [6, 4, 2, 1]);
});

Deno.test("Session.run() with follow makes and frees the probes of a hundred processes", async () => {
  const rounds = 20 * SOAK;
  const counts = await follow([4, rounds]);
  assertEquals(counts.length, 1 + 4 * rounds);
  assertEquals(counts.reduce((sum, count) => sum + count), rounds * 21);
});

Deno.test("Session.run() with follow probes libraries when a followed program has loaded them", async () => {
  // The child leaves by it, the others by exit(3), which calls it; the one that was executed loads libc first.
  assertEquals(await follow([1], "pid$target:libc:_exit:entry"), [1, 1, 1]);
});

Deno.test("Session.run() without follow leaves children to themselves", async () => {
  await withTarget("generations", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = session.enable(WORK, { handler: () => {} });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(enabled.hitsTotal, 6);
    assertEquals(await target.outcome(), await untraced("generations"));
  });
});

Deno.test("Session.detach() of a target leaves its children traced until the session is closed", () =>
  withTarget("generations", async (target) => {
    await using session = new Session({ signals: false, follow: true });
    const first = session.attach(target.pid);
    let hits = 0;
    session.enable(WORK, {
      handler: ({ pid }) => {
        hits++;
        if (pid !== target.pid && first.alive) session.detach(first);
      },
    });
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(hits, 6 + 4 + 2 + 1);
    assertEquals(await target.outcome(), await untraced("generations"));
  }));

Deno.test("fasttrap --follow counts in a shell's pipeline what each program calls", async () => {
  const { code, stdout, stderr } = await run([
    ...["--follow", "--count", "-Zn", "pid$target:a.out:work:entry"],
    ...["--", "sh", "-c", `echo | ${TARGETS}calls 5 | grep sum; echo | ${TARGETS}calls 7 | grep sum`],
  ], { permissions: START });
  const rows = stdout.split("\n").filter((line) => /:work:entry/.test(line)).map((line) => line.trim().split(/ +/)[1]);
  assertEquals([code, stdout.split("\n").slice(0, 2), rows], [0, ["sum 35", "sum 70"], ["5", "7"]]);
  assertEquals(
    stderr.replace(/\d+ has/, "PID has"),
    [
      "dtrace: description 'pid$target:a.out:work:entry' matched 0 probes",
      "dtrace: pid PID has exited",
      "fasttrap: 12 hits, no drops\n",
    ].join("\n"),
  );
});

for (const way of ["record", "count"]) {
  Deno.test(`Session.run() with follow keeps nothing of processes that have gone but their counts (${way})`, async () => {
    const script = new URL("followed_heap.ts", import.meta.url).pathname;
    const measure = async (children: number) => {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", script, way, String(children)],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      return Number(new TextDecoder().decode(stdout));
    };
    // 26 MB each, if their rings and probes stayed; what is there without them differs by some 40 MB from run to run.
    const growth = await measure(4 + 10 * SOAK) - await measure(4);
    assert(growth < 120, `${growth} MB`);
  });
}

Deno.test("Session.run() with follow puts jumps into a copy where its parent has them", async () => {
  await withTarget("generations", async (target) => {
    await using session = new Session({ signals: false, follow: true });
    session.attach(target.pid);
    const jumps = new Map<number, number>();
    const handler = ({ pid }: { pid: number }) => {
      if (session.targets.find((each) => each.pid === pid)!.programsTotal > 1) return;
      const { entries } = session.stats().tracepoints;
      jumps.set(pid, entries.filter((entry) => entry.pid === pid && entry.performed === "jump").length);
    };
    session.enable("pid$target:libc.so.6::entry", { count: true });
    session.enable(WORK, { handler });
    await target.send();
    await within(session.run(), "the end of all");
    assertEquals(await target.outcome(), await untraced("generations"));
    assertEquals(jumps.size, 4);
    assert(new Set(jumps.values()).size === 1 && jumps.get(target.pid)! > 2000, [...jumps.values()].join());
  });
});
