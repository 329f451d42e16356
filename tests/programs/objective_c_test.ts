/** Objective-C: methods by class and selector, in programs that say what they are and in stripped ones. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DTraceError, Session } from "../../mod.ts";
import { mask, run, START } from "../cli/command.ts";
import { runBoth, testWith, Workshop } from "./real_program.ts";

/** The compiler proper, where it is installed; else a name that no program has. */
const COMPILER = new TextDecoder().decode(
  new Deno.Command("cc", { args: ["-print-prog-name=cc1obj"] }).outputSync().stdout,
).trim();
const SHARED = ["-Wl,--no-as-needed", "-lobjc", "-ldl"];
const STATIC = ["-Wl,--whole-archive", "-lobjc", "-Wl,--no-whole-archive"];

/** How often each method is called in a number of rounds, by `class:method`. */
function callsOf(name: string, rounds: number): Record<string, number> {
  return {
    [`${name}(Extra_Bits):+once`]: rounds,
    [`${name}(Extra_Bits):-twice:`]: 4,
    [`${name}:+make`]: 1,
    [`${name}:+number:by_:`]: rounds,
    [`${name}:+number_of:`]: rounds,
    [`${name}:-add:to:`]: rounds,
    [`${name}:-under_score`]: 1,
  };
}

/** Runs a program both ways, and counts the hits of descriptions by `class:method`. */
async function countCalls(
  command: readonly string[],
  descriptions: readonly string[],
  stdout: string,
  expectedWarnings: readonly string[] = [],
) {
  const calls: Record<string, number> = {};
  const handler = (_: Session, { probe }: { probe: { module: string; function: string } }) => {
    const key = `${probe.module}:${probe.function}`;
    calls[key] = (calls[key] ?? 0) + 1;
  };
  const named = Object.fromEntries(descriptions.map((description) => [description, description]));
  const handlers = Object.fromEntries(descriptions.map((description) => [description, handler]));
  const { outcome, warnings } = await runBoth(command, named, { handlers, allowNone: true });
  assertEquals({ outcome, warnings }, { outcome: { status: 8, stdout, stderr: "" }, warnings: expectedWarnings });
  return calls;
}

for (const flags of [[], ["-no-pie"], ["-s"], ["-static", "-s"]]) {
  testWith(
    [COMPILER],
    `Session finds each method of an Objective-C program, compiled with ${flags.join(" ") || "the usual flags"}`,
    async () => {
      using workshop = new Workshop();
      const libraries = flags[0] === "-static" ? STATIC : SHARED;
      const program = workshop.compile(["cc", "-O1", "-w", ...flags, ...libraries], "counters.m");
      assertEquals(await countCalls([program], ["objc$target:Counter*::entry"], "122\n"), callsOf("Counter", 4));
      // Nothing in a stripped static program says where a function ends.
      const isEndless = flags.join() === "-static,-s";
      const warnings =
        `Cannot tell where each of 7 methods, such as '+number_of:', in ${program.replace(/^.*\//, "")} ends: ` +
        "it is stripped; only entries are probed";
      const returns = await countCalls(
        [program],
        ["objc$target:Counter*::return"],
        "122\n",
        isEndless ? [warnings] : [],
      );
      assertEquals(returns, isEndless ? {} : callsOf("Counter", 4));
    },
  );
}

testWith([COMPILER], "Session matches classes, categories and methods by globs", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["cc", "-O1", ...SHARED], "counters.m");
  const expected = callsOf("Counter", 4);
  const rows: [description: string, ...methods: string[]][] = [
    ["Counter::entry", ":+make", ":+number:by_:", ":+number_of:", ":-add:to:", ":-under_score"],
    ["Counter(*)::entry", "(Extra_Bits):+once", "(Extra_Bits):-twice:"],
    ["Counter*:+*:entry", "(Extra_Bits):+once", ":+make", ":+number:by_:", ":+number_of:"],
    [":-add?to?:entry", ":-add:to:"],
    [":add?to?:entry", ":-add:to:"],
    [":twice?:entry", "(Extra_Bits):-twice:"],
    [":+number_of?:0", ":+number_of:"],
    ["Count?r:under_score:return", ":-under_score"],
  ];
  for (const [description, ...methods] of rows) {
    const calls = await countCalls([program], [`objc$target:${description}`], "122\n");
    const wanted = methods.map((method) => `Counter${method}`).map((key) => [key, expected[key]!]);
    assertEquals([description, Object.entries(calls).sort()], [description, wanted]);
  }
});

testWith([COMPILER], "Session finds the methods of a library that an Objective-C program loads", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["cc", "-O1", ...SHARED], "counters.m");
  const library = workshop.compile(
    ["cc", "-O1", "-shared", "-fPIC", "-DLIBRARY", "-DNAME=Other", ...SHARED],
    "counters.m",
  );
  assertEquals(await countCalls([program, library], ["objc$target:Other*::entry"], "122\n190\n"), callsOf("Other", 5));
});

testWith([COMPILER], "fasttrap -l shows classes as modules and methods as functions", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["cc", "-O1", ...SHARED], "counters.m");
  const args = ["-l", "-n", "objc$target:Counter*:-*:entry", "--", program];
  assertEquals(mask(await run(args, { permissions: START })), {
    code: 0,
    stdout: `   ID   PROVIDER            MODULE                          FUNCTION NAME
    4 objcPID           Counter                          -add:to: entry
    5 objcPID           Counter                      -under_score entry
    6 objcPID Counter(Extra_Bits)                           -twice: entry
`,
    stderr: "",
  });
});

testWith([COMPILER], "D_PDESC_ZERO: a class that an Objective-C program does not have", async () => {
  using workshop = new Workshop();
  const program = workshop.compile(["cc", "-O1", ...SHARED], "counters.m");
  await using session = new Session();
  session.spawn(program);
  const error = assertThrows(() => session.list("objc$target:Conuter::entry"), DTraceError);
  assertEquals(error.tag, "D_PDESC_ZERO");
  assertStringIncludes(error.hint!, "did you mean Counter?");
  // The other providers call the function by its symbol.
  const others = session.list("*$target:*o*:*number_of_:entry").map((probe) =>
    `${probe.provider.replace(/\d+$/, "")} ${probe.function}`
  );
  assertEquals(others, ["pid _c_Counter__number_of_", "oneshot _c_Counter__number_of_"]);
  // What is in libobjc itself is found as well.
  const classes = new Set(session.list("objc$target:::entry").map((probe) => probe.module));
  assert(classes.has("Object") && classes.has("Protocol"), [...classes].join());
});
