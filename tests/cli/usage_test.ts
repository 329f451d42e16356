/** Mistakes in the command line, and permissions that were not given: nothing is touched by either. */

import { assertEquals } from "@std/assert";
import { stateOf, TARGETS, tracerOf, withTarget } from "../support.ts";
import { ATTACH, run, type Screen, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;
const DESCRIPTION = ["-n", "pid$target:a.out::entry"];

/** The command has failed with these lines on standard error and nothing else on the screen. */
function assertFailed(screen: Screen, code: number, ...lines: string[]): void {
  assertEquals(screen, { code, stdout: "", stderr: lines.map((line) => `${line}\n`).join("") });
}

Deno.test("fasttrap refuses mistakes in the command line", async () => {
  const list = "--help lists the options";
  const rows: [args: string[], ...lines: string[]][] = [
    [[], "no probes specified", "name them with -n, as in -n 'pid$target:libc:malloc:entry'"],
    [["-l"], "Cannot list probes: no process is named", "name one with -p, or a command with -c"],
    [["-n"], "option -n needs an argument"],
    [["--count=1"], "option --count takes no argument"],
    [["--cuont"], "unknown option --cuont", "did you mean --count?"],
    [["-y"], "unknown option -y", list],
    [["--n", "a"], "unknown option --n", list],
    [["-a"], "option -a (anonymous tracing, which begins with the kernel) is not supported"],
    [["-G"], "option -G (making an ELF file with DOF: programs have their probes from sys/sdt.h) is not supported"],
    [["-S"], "option -S (printing the intermediate code: clauses are compiled to WebAssembly) is not supported"],
    [["-b", "many"], '-x bufsize cannot be "many": Invalid value for specified option'],
    [["-x", "bufsise=4m"], "unknown option -x bufsise", "did you mean -x bufsize?"],
    [["-x", "nonsense"], "unknown option -x nonsense", list],
    [["-x", "evaltime=later"], '-x evaltime cannot be "later"', "it is one of exec, preinit, postinit, main"],
    [["-x", "jumps=never"], '-x jumps cannot be "never"', "it is one of on, off"],
    [["-x", "ftmax=many"], '-x ftmax cannot be "many"', "it is a number from 1 on, or one with k, m, g, t"],
    [["--format", "xml"], '--format cannot be "xml"', "it is one of text, ndjson"],
    [["-p", "nginx"], '"nginx" is not a process id', "pgrep NAME prints the process ids of a program"],
    [[...DESCRIPTION, "ls"], 'unexpected argument "ls"', 'a command to trace follows "--", or -c as one argument'],
    [[...DESCRIPTION, "--"], 'there is no command behind "--"'],
    [[...DESCRIPTION, "-c", " "], "Cannot start a command: it is empty"],
    [[...DESCRIPTION, "-c", "echo 'a"], `Cannot split command "echo 'a": a ' is not closed`],
    [["doctor", ...DESCRIPTION], "doctor takes no option but -p"],
  ];
  for (const [args, message, hint] of rows) {
    const lines = [`fasttrap: ${message}`, ...hint === undefined ? [] : [`hint: ${hint}`]];
    assertFailed(await run(args, { permissions: [] }), 2, ...lines);
  }
});

Deno.test("fasttrap without --allow-ffi one line names it, and nothing is touched", async () => {
  const line = "fasttrap: Cannot call the C library: Deno refuses it without --allow-ffi";
  await withTarget("requests", async (target) => {
    for (const args of [[...DESCRIPTION, "-p", target.pid], ["-l", "-p", target.pid], ["doctor"]]) {
      assertFailed(await run(args, { permissions: [] }), 4, line);
    }
    assertEquals(tracerOf(target.pid), 0);
  });
  assertFailed(await run([...DESCRIPTION, "--", DEMO], { permissions: ["--allow-run"] }), 4, line);
});

Deno.test("fasttrap without --allow-run a program is not started, and nothing is touched", async () => {
  const line = `fasttrap: Cannot start "${DEMO}": Deno refuses it without --allow-run`;
  await withTarget("requests", async (target) => {
    for (const command of [["-c", DEMO], ["--", DEMO]]) {
      assertFailed(await run([...DESCRIPTION, "-p", target.pid, ...command], { permissions: ATTACH }), 4, line);
      assertFailed(await run([...DESCRIPTION, ...command], { permissions: [...ATTACH, "--allow-run=ls"] }), 4, line);
    }
    assertEquals([tracerOf(target.pid), stateOf(target.pid)], [0, "S"]);
  });
  const { code } = await run([...DESCRIPTION, "-q", "-c", DEMO], { permissions: [...ATTACH, `--allow-run=${DEMO}`] });
  assertEquals(code, 0);
});

Deno.test("fasttrap without --allow-write no file is made, and nothing is touched", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/trace`;
  try {
    await withTarget("requests", async (target) => {
      const screen = await run([...DESCRIPTION, "-o", path, "-p", target.pid], { permissions: ATTACH });
      assertFailed(screen, 4, `fasttrap: Cannot write to "${path}": Deno refuses it without --allow-write=${path}`);
      assertEquals(tracerOf(target.pid), 0);
    });
    assertFailed(
      await run([...DESCRIPTION, "-o", path, "--", DEMO], { permissions: [...ATTACH, `--allow-write=${path}`] }),
      4,
      `fasttrap: Cannot start "${DEMO}": Deno refuses it without --allow-run`,
    );
    assertEquals([...Deno.readDirSync(folder)], []);
    const missing = `${folder}/no/trace`;
    assertFailed(
      await run([...DESCRIPTION, "-o", missing, "--", DEMO], { permissions: [...START, "--allow-write"] }),
      1,
      `fasttrap: Cannot open output file "${missing}": ENOENT`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
