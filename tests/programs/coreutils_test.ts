/**
 * `ls` and `sort`: short programs that are traced from their start to their end.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { countWithGdb, runBoth, testWith, Workshop } from "./real_program.ts";

const LS = ["/usr/bin/ls", "-l", "/usr/bin"];

testWith([LS[0]!, "gdb"], "Session counts in ls what gdb counts, and ls prints the same", async () => {
  const expected = countWithGdb(LS, "libc.so", ["malloc", "free", "readdir"]);
  const { hits } = await runBoth(LS, {
    malloc: "pid$target:libc.so.6:malloc:entry",
    free: "pid$target:libc.so.6:free:entry",
    readdir: "pid$target:libc.so.6:readdir:entry",
    mallocReturn: "pid$target:libc.so.6:malloc:return",
    readdirReturn: "pid$target:libc.so.6:readdir:return",
  });
  assertGreaterOrEqual(expected.malloc, 1000);
  assertEquals(hits, { ...expected, mallocReturn: expected.malloc, readdirReturn: expected.readdir });
});

testWith([LS[0]!], "Session traces every function of every module of ls, and ls prints the same", async () => {
  const { hits, probes, unplaced } = await runBoth(["/usr/bin/ls", "-l", "/etc"], {
    entry: "pid$target:::entry",
    return: "pid$target:::return",
  });
  assertGreaterOrEqual(probes.entry, 3000);
  assertGreaterOrEqual(hits.entry, 2000);
  assertGreaterOrEqual(hits.return, 2000);
  assertEquals(unplaced, []);
});

testWith([LS[0]!], "Session traces every instruction of libc under ls, and ls prints the same", async () => {
  const { hits, probes, unplaced } = await runBoth(["/usr/bin/ls", "/etc"], { all: "pid$target:libc.so.6::" });
  assertGreaterOrEqual(probes.all, 200_000);
  assertGreaterOrEqual(hits.all, 10_000);
  // A trap in a transaction would abort it.
  assertEquals(unplaced.filter(({ reason }) => !reason.startsWith("it is xbegin")), []);
});

testWith(["sort", "cc"], "Session counts in sort with four threads what a preloaded library counts", async () => {
  using workshop = new Workshop();
  const counter = workshop.compile(["cc", "-O1", "-shared", "-fPIC"], "counting.c");
  const lines = Array.from({ length: 300_000 }, (_, i) => String(Math.imul(i, 0x9e3779b1) >>> 0));
  const input = workshop.write("input", lines.join("\n") + "\n");
  const counts = `${workshop.path}/counts`;
  // How often sort's threads lock depends on how they meet: only a count of the same run can be compared.
  const { hits, outcome } = await runBoth(
    ["sort", "--parallel=4", input],
    {
      lock: `pid$target:${counter.slice(counter.lastIndexOf("/") + 1)}:pthread_mutex_lock:entry`,
      lockInLibc: "pid$target:libc.so.6:pthread_mutex_lock:entry",
      lockReturn: "pid$target:libc.so.6:pthread_mutex_lock:return",
      thread: "pid$target:libc.so.6:pthread_create:entry",
      threadReturn: "pid$target:libc.so.6:pthread_create:return",
    },
    { env: { LD_PRELOAD: counter, COUNTS: counts } },
  );
  const [lock, thread] = Deno.readTextFileSync(counts).trim().split(" ").map(Number) as [number, number];
  assertEquals(outcome.stdout, lines.sort().join("\n") + "\n");
  assertGreaterOrEqual(thread, 3);
  assertGreaterOrEqual(lock, 100);
  assertEquals({ lock: hits.lock, thread: hits.thread, threadReturn: hits.threadReturn }, {
    lock,
    thread,
    threadReturn: thread,
  });
  assertGreaterOrEqual(hits.lockInLibc, lock);
  assertEquals(hits.lockReturn, hits.lockInLibc);
});
