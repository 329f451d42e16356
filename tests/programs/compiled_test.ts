/**
 * Programs as compilers for C, C++, Go and Rust make them: threads, static and non-PIE files, exceptions, stacks that
 * move.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { runBoth, runUntraced, testWith, Workshop } from "./real_program.ts";

const THREAD_CALLS = 32 * 500;

for (const flags of [[], ["-static"], ["-no-pie"], ["-static-pie"]]) {
  testWith(
    ["cc"],
    `Session counts each call of 32 threads, compiled with ${flags[0] ?? "the usual flags"}`,
    async () => {
      using workshop = new Workshop();
      const program = workshop.compile(["cc", "-O1", "-pthread", ...flags], "threads.c");
      const { hits } = await runBoth([program], {
        entry: "pid$target:a.out:work:entry",
        return: "pid$target:a.out:work:return",
        thread: "pid$target:a.out:run:entry",
      });
      assertEquals(hits, { entry: THREAD_CALLS, return: THREAD_CALLS, thread: 32 });
    },
  );
}

testWith(["cc", "nm"], "Session fires as often at every instruction as a stepper counts", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["cc", "-O1", "-static", "-no-pie"], "format.c");
  const stepper = workshop.compile(["cc", "-O1"], "step_count.c");
  const functions = ["main", "compare", "__qsort_r", "__vfprintf_internal", "_itoa_word"];
  const ranges = functions.flatMap((name) => rangeOf(program, name));
  const expected = runUntraced([stepper, program, ...ranges]).stdout.trim().split("\n").map(Number);
  // Every offset is a hexadecimal number; so is the beginning of "entry".
  const { hits } = await runBoth(
    [program],
    Object.fromEntries(functions.flatMap((name) => [
      [name, `pid$target:a.out:${name}:[0-9a-f]*`],
      [`${name} entry`, `pid$target:a.out:${name}:entry`],
    ])),
  );
  assertGreaterOrEqual(Math.min(...expected), 50);
  assertEquals(functions.map((name) => hits[name]! - hits[`${name} entry`]!), expected);
});

testWith(["g++"], "Session counts entries and returns of C++ functions through which exceptions pass", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["g++", "-O1"], "exceptions.cc");
  const { hits, outcome } = await runBoth([program], {
    leaf: "pid$target:a.out:leaf:entry",
    leafReturn: "pid$target:a.out:leaf:return",
    middle: "pid$target:a.out:middle:entry",
    middleReturn: "pid$target:a.out:middle:return",
    outer: "pid$target:a.out:outer:entry",
    outerReturn: "pid$target:a.out:outer:return",
    throw: "pid$target:libstdc++.so.6:__cxa_throw:entry",
    catch: "pid$target:libstdc++.so.6:__cxa_begin_catch:entry",
    unwinder: "pid$target:libgcc_s.so.1::entry",
  });
  assertEquals(outcome, { status: 5, stdout: "30100 300\n", stderr: "" });
  const { unwinder, ...exact } = hits;
  // A function that an exception leaves executes no return instruction.
  assertEquals(exact, {
    ...{ leaf: 300, leafReturn: 200, middle: 300, middleReturn: 200, outer: 300, outerReturn: 300 },
    ...{ throw: 100, catch: 100 },
  });
  assertGreaterOrEqual(unwinder, 1000);
});

testWith(["go"], "Session leaves a Go program's goroutines, growing stacks and panics intact", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["go", "build"], "goroutines.go");
  const { hits, outcome } = await runBoth([program], {
    deep: "pid$target:a.out:main.deep:entry",
    deepReturn: "pid$target:a.out:main.deep:return",
    push: "pid$target:a.out:main.(\\*stack).push:entry",
    pushReturn: "pid$target:a.out:main.(\\*stack).push:return",
    recovers: "pid$target:a.out:main.recovers:return",
    apply: "pid$target:a.out:main.apply*:entry",
    everywhere: "pid$target:a.out:main.recovers*:",
    runtimeEntry: "pid$target:a.out:runtime.*:entry",
    runtimeReturn: "pid$target:a.out:runtime.*:return",
    newStack: "pid$target:a.out:runtime.newstack:entry",
  });
  assertEquals(outcome.stdout, "2220 20 1,2,3\n");
  assertEquals([hits.deepReturn, hits.pushReturn, hits.recovers], [2210, 20, 20]);
  // A function that finds its stack too small, or itself preempted, enters itself again when that is settled.
  assertGreaterOrEqual(hits.deep, 2210 + 20);
  assertGreaterOrEqual(hits.push, 20);
  assertGreaterOrEqual(hits.newStack, hits.deep + hits.push - 2230);
});

for (const how of ["counted", "recorded"] as const) {
  testWith(["go"], `Session leaves goroutines intact whose stacks end right below what is ${how}`, async () => {
    using workshop = new Workshop();
    const program = workshop.compile(["go", "build"], "tight.go");
    const { hits, outcome, ways } = await runBoth([program], {
      leaf: "pid$target:a.out:main.leaf:entry",
      leafReturn: "pid$target:a.out:main.leaf:return",
      tight: "pid$target:a.out:main.tight:entry",
      climb: "pid$target:a.out:main.climb:return",
    }, how === "counted" ? { count: true } : { recorders: {} });
    assertEquals([outcome.stdout, outcome.stderr, outcome.status], ["17999000\n", "", 0]);
    assertEquals([hits.leaf, hits.leafReturn, hits.tight], [41_000, 41_000, 41_000]);
    assertGreaterOrEqual(hits.climb, 41_000);
    // The last one looks whether there is stack for it, and has a jump.
    const noLook = "its function does not look whether its stack ends";
    assertEquals([...new Set(ways.values())].sort(), [noLook, undefined]);
    assertEquals([...ways.values()].filter((reason) => reason === noLook).length, 3);
  });
}

testWith(["rustc"], "Session counts the calls of a Rust function in threads, and leaves panics intact", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["rustc", "-O"], "closures.rs");
  const { hits, outcome } = await runBoth([program], {
    next: "pid$target:a.out:*closures*next*:entry",
    nextReturn: "pid$target:a.out:*closures*next*:return",
    entry: "pid$target:a.out::entry",
    return: "pid$target:a.out::return",
  });
  assertEquals(outcome.status, 9);
  assertEquals([hits.next, hits.nextReturn], [200, 200]);
});

/** The first address of a function of a program, and the first behind it, in hexadecimal. */
function rangeOf(program: string, name: string): [string, string] {
  const { stdout } = runUntraced(["nm", "-S", program]);
  const [, start, size] = new RegExp(`^(\\w+) (\\w+) \\w ${name}$`, "m").exec(stdout)!;
  return [start!, (parseInt(start!, 16) + parseInt(size!, 16)).toString(16)];
}
