/** Whole screens of what dtrace's options ask for where there is a D program. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { stateOf, TARGETS, tracerOf, until, withTarget } from "../support.ts";
import { ATTACH, mask, run, type Screen, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;
const IS_PRIME = "pid$target:a.out:is_prime:entry";
const HEADER = "CPU     ID                    FUNCTION:NAME\n";
const LISTING = "   ID   PROVIDER            MODULE                          FUNCTION NAME\n";

/** Runs the command in a folder with files. */
async function runWith(files: Record<string, string>, args: string[], permissions = ATTACH): Promise<Screen> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    return await run(args, { permissions, cwd: folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fasttrap -n with a probe of no target and no clause records that it fires", async () => {
  const screen = await run(["-n", "BEGIN", "-n", "tick-10ms /i++/ { exit(3); }"], { permissions: ATTACH });
  // Any CPU.
  assertEquals({ ...screen, stdout: screen.stdout.replaceAll(/^ *\d+(?= )/gm, "CPU") }, {
    code: 3,
    stdout: `${HEADER}CPU      1                           :BEGIN \nCPU 900000                       :tick-10ms \n\n`,
    stderr: "dtrace: description 'BEGIN' matched 1 probe\ndtrace: description 'tick-10ms ' matched 1 probe\n",
  });
});

Deno.test("fasttrap -P, -f and -i take clauses as -n does, together with scripts, in their order", async () => {
  const files = { "a.d": 'BEGIN { printf("script %d ", ++n); }\n' };
  const args = ["-P", 'dtrace /probename == "BEGIN"/ { printf("provider %d ", ++n); }', "-s", "a.d", "-i", "1"];
  assertEquals(await runWith(files, [...args, "-n", 'BEGIN { printf("%d\\n", ++n); exit(0); }', "-x", "quiet"]), {
    code: 0,
    stdout: "provider 1 script 2 3\n\n",
    stderr: "",
  });
  const { stderr } = await runWith(files, [...args, "-n", "tick-1ms { exit(0); }"]);
  assertEquals(stderr.split("\n").slice(0, 4), [
    "dtrace: provider 'dtrace ' matched 3 probes",
    "dtrace: script 'a.d' matched 1 probe",
    "dtrace: probe '1' matched 1 probe",
    "dtrace: description 'tick-1ms ' matched 1 probe",
  ]);
});

Deno.test("fasttrap -n says which of several programs does not compile", async () => {
  const files = { "a.d": "BEGIN\n{\n}\n\nEND\n{\n\ttrace(y);\n}\n" };
  const good = ["-n", "BEGIN { exit(0); }"];
  const wrong = async (...args: string[]) => {
    const { code, stdout, stderr } = await runWith(files, [...good, ...args, ...good]);
    assertEquals([code, stdout], [1, ""]);
    return stderr;
  };
  assertEquals(
    await wrong("-n", "END { trace(x); }"),
    "dtrace: invalid probe specifier END { trace(x); }: in action list: failed to resolve x: Unknown variable name\n",
  );
  assertEquals(
    await wrong("-s", "a.d", "-x", "errtags"),
    "dtrace: failed to compile script a.d: [D_IDENT_UNDEF] line 7: failed to resolve y: Unknown variable name\n",
  );
  assertEquals(await wrong("-s", "b.d"), "dtrace: failed to open b.d: No such file or directory\n");
  assertEquals(
    await wrong("-i", "77"),
    "dtrace: invalid probe specifier 77: in probe description: invalid probe identifier 77: Unknown probe identifier\n",
  );
});

Deno.test("fasttrap -s says the line of a clause whose probes are not there", async () => {
  const files = { "a.d": "BEGIN { }\n\nfoo*:::bar\n{\n}\n" };
  assertEquals(await runWith(files, ["-s", "a.d", "-x", "errtags"]), {
    code: 1,
    stdout: "",
    stderr:
      "dtrace: failed to compile script a.d: [D_PDESC_ZERO] line 3: probe description foo*:::bar does not match any probes\n",
  });
  assertEquals((await runWith(files, ["-Z", "-e", "-s", "a.d"])).code, 0);
});

Deno.test("fasttrap -n gives hints for D programs on a terminal alone", async () => {
  const source = "BEGIN { trace(copyinstr((int *)0)); }";
  const command = ["-n", source];
  const plain = await run(command, { permissions: ATTACH });
  assertEquals(plain.code, 1);
  assertEquals(plain.stderr.includes("hint:"), false);
  const cli = new URL("../../cli.ts", import.meta.url).pathname;
  const onTerminal = await new Deno.Command("script", {
    args: ["-qec", `"${Deno.execPath()}" run --allow-ffi ${cli} -n '${source}'`, "/dev/null"],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  assertStringIncludes(new TextDecoder().decode(onTerminal.stdout), "hint: Write (uintptr_t) in front of the pointer");
});

Deno.test("fasttrap -e compiles a program and finds its probes, and runs nothing", async () => {
  const screen = await run(["-e", "-n", `${IS_PRIME} { trace(arg0); } BEGIN { exit(5); }`, "--", DEMO], {
    permissions: START,
  });
  assertEquals(screen, { code: 0, stdout: "", stderr: "" });
  const { code, stderr } = await run(["-e", "-n", "pid$target:a.out:no_such:entry", "--", DEMO], {
    permissions: START,
  });
  assertEquals(code, 1);
  assertMatch(stderr, /^dtrace: invalid probe specifier pid\$target:a\.out:no_such:entry: failed to lookup 'no_such'/);
});

Deno.test("fasttrap -v says how much one may rely on a program, and runs it", async () => {
  const words = (title: string, name: string, data: string, dependency: string) =>
    `\n\t${title}\n\t\tIdentifier Names: ${name}\n\t\tData Semantics:   ${data}\n\t\tDependency Class: ${dependency}\n`;
  const { code, stdout } = await run(["-v", "-n", "BEGIN { exit(0); }", "-n", "pid1*:a::entry", "-Zq"], {
    permissions: ATTACH,
  });
  assertEquals([code, stdout], [
    0,
    "\nStability attributes for description BEGIN :\n" +
    words("Minimum Probe Description Attributes", "Stable", "Stable", "Common") +
    words("Minimum Statement Attributes", "Stable", "Stable", "Common") +
    "\n\nStability attributes for description pid1*:a::entry:\n" +
    words("Minimum Probe Description Attributes", "Private", "Private", "Unknown") +
    words("Minimum Statement Attributes", "Stable", "Stable", "Common") + "\n\n",
  ]);
});

Deno.test("fasttrap -e -v says of a whole script, and of each description, how much one may rely on it", async () => {
  const words = (title: string, [name, data, dependency]: string[]) =>
    `\n\t${title}\n\t\tIdentifier Names: ${name}\n\t\tData Semantics:   ${data}\n\t\tDependency Class: ${dependency}\n`;
  const stable = ["Stable", "Stable", "Common"];
  const evolving = ["Evolving", "Evolving", "Common"];
  const details = (name: string, attributes: string[]) =>
    `\n${name}\n${words("Probe Description Attributes", attributes)}${words("Argument Attributes", attributes)}` +
    "\n\tArgument Types\n\t\tNone\n";
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "BEGIN { } profile:::tick-1s { trace(pid); }");
  const { stdout } = await run(["-e", "-v", "-s", path], { permissions: ATTACH });
  await Deno.remove(path);
  assertEquals(
    stdout,
    `\nStability attributes for script ${path}:\n${words("Minimum Probe Description Attributes", evolving)}` +
      words("Minimum Statement Attributes", stable) + details(":::BEGIN", stable) +
      details("profile:::tick-1s", evolving) + "\n",
  );
});

Deno.test("fasttrap -lv says of probes of no target how much one may rely on them, in dtrace's words", async () => {
  const words = (title: string, stability: string) =>
    `\n\t${title}\n\t\tIdentifier Names: ${stability}\n\t\tData Semantics:   ${stability}\n\t\tDependency Class: Common\n`;
  const details = (stability: string) =>
    words("Probe Description Attributes", stability) + words("Argument Attributes", stability) +
    "\n\tArgument Types\n\t\tNone\n\n";
  const row = (id: number, provider: string, name: string) =>
    `${String(id).padStart(5)} ${provider.padStart(10)} ${" ".repeat(17)} ${" ".repeat(33)} ${name}\n`;
  const args = ["-lv", "-n", "dtrace:::", "-n", "profile-97", "-n", "tick-10ms { exit(0); }"];
  const { code, stdout } = await run(args);
  assertEquals(
    [code, stdout],
    [
      0,
      "   ID   PROVIDER            MODULE                          FUNCTION NAME\n" +
      ["BEGIN", "END", "ERROR"].map((name, index) => row(index + 1, "dtrace", name) + details("Stable")).join("") +
      row(900_000, "profile", "profile-97") + details("Evolving") +
      row(900_001, "profile", "tick-10ms") + details("Evolving"),
    ],
  );
  const json = await run(["-lvj", "-n", "BEGIN"]);
  assertEquals(JSON.parse(json.stdout), {
    ...{ type: "probe", id: 1, provider: "dtrace", module: "", function: "", name: "BEGIN" },
    ...{ attributes: "Stable/Stable/Common", argumentAttributes: "Stable/Stable/Common", argumentTypes: [], sites: [] },
  });
});

Deno.test("fasttrap -v and -lv say how the hits of a program's probes are had, and for which clause threads stop", async () => {
  const clauses = [
    `${IS_PRIME} { trace(copyinstr(arg0)); }`,
    "pid$target:a.out:main:entry { @ = count(); } pid$target:a.out:main:entry { @s[jstack()] = count(); }",
    "pid$target:a.out:main:return { trace(copyin(arg1, 2000)); }",
  ].flatMap((source) => ["-n", source]);
  const dry = await run(["-e", "-v", ...clauses, "--", DEMO], { permissions: START });
  assertEquals([dry.code, dry.stderr], [0, ""]);
  const jstack = "its clause walks the stack by jstack()";
  const copyin = "its clause reads memory by copyin(), more than 1024 bytes";
  const stops = (reason: string) => `1 site: each hit stops the thread, because ${reason}`;
  assertEquals([...dry.stdout.matchAll(/\n\tHits\n\t\t(.*)\n/g)].map(([, line]) => line), [
    ...["1 site: recorded by a jump", stops(jstack), stops(jstack), stops(copyin)],
  ]);
  const listed = await run(["-lv", ...clauses, "--", DEMO], { permissions: START });
  assertEquals([...listed.stdout.matchAll(/^\t\t\t(.*)$/gm)].map(([, line]) => line), [
    ...["jump that records each hit", `trap: ${jstack}`, `trap: ${jstack}`, `trap: ${copyin}`],
  ]);
  const json = await run(["-lvj", ...clauses, "--", DEMO], { permissions: START });
  assertEquals(
    json.stdout.trim().split("\n").flatMap((line) => JSON.parse(line).sites).map(({ trapReason }) => trapReason),
    [undefined, jstack, jstack, copyin],
  );
  const without = await run(["-e", "-v", "-x", "jumps=off", ...clauses.slice(0, 2), "--", DEMO], {
    permissions: START,
  });
  assertMatch(without.stdout, /\tHits\n\t\t1 site: each hit stops the thread, because jumps are switched off\n/);
});

Deno.test("fasttrap -l lists the probes of no target, and those of a program's clauses", async () => {
  const row = (id: number, provider: string, name: string) =>
    `${String(id).padStart(5)} ${provider.padStart(10)} ${" ".repeat(17)} ${" ".repeat(33)} ${name}\n`;
  assertEquals(
    (await run(["-l", "-P", "dtrace"], { permissions: ATTACH })).stdout,
    [
      LISTING,
      ...["BEGIN", "END", "ERROR"].map((name, index) => row(index + 1, "dtrace", name)),
    ].join(""),
  );
  const { code, stdout } = mask(
    await run(["-l", "-n", `BEGIN { exit(1); } ${IS_PRIME} /arg0/ { trace(arg0); }`, "--", DEMO], {
      permissions: START,
    }),
  );
  assertEquals(code, 0);
  assertEquals(
    stdout.replace(/^ +\d+ pid\d+ +/m, "ID pid "),
    [
      LISTING,
      row(1, "dtrace", "BEGIN"),
      `    4 pidPID              demo                          is_prime entry\n`,
    ].join(""),
  );
});

Deno.test("fasttrap -n with $target means each of several targets, and only the first in expressions", async () => {
  const source = `${IS_PRIME} /arg0 == 7/ { @[pid == $target] = count(); }`;
  const { stdout } = await run(["-q", "-n", source, "-c", DEMO, "-c", DEMO], { permissions: START });
  assertMatch(stdout, /\n {8}0 {16}1\n {8}1 {16}1\n$/);
});

Deno.test("fasttrap --follow with a program traces the children of $target as well", async () => {
  const source = "pid$target:a.out:main:entry { @[pid == $target] = count(); }";
  const { stdout, code } = await run(["--follow", "-Zqn", source, "--", "/bin/sh", "-c", `${DEMO}; ${DEMO}`], {
    permissions: START,
  });
  assertEquals([code, stdout.split("\n\n").at(-1)], [0, "        0                2\n"]);
});

Deno.test("fasttrap -c ends the program when exit() ends the trace, and -p lets it go on", async () => {
  const source = 'tick-20ms { printf("%d", $target); exit(4); }';
  const { code, stdout } = await run(["-qn", source, "--", "sleep", "1000"], { permissions: START });
  assertEquals([code, /^\d+\n$/.test(stdout) || stdout], [4, true]);
  await until(() => ["Z", undefined].includes(stateOf(Number(stdout))), "the end of the program");
  await withTarget("idle", async (target) => {
    assertEquals(await run(["-qn", source, "-p", target.pid], { permissions: ATTACH }), {
      code: 4,
      stdout: `${target.pid}\n`,
      stderr: "",
    });
    assertEquals([tracerOf(target.pid), stateOf(target.pid)], [0, "S"]);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "done\n", end: "exited 5" });
  });
});
