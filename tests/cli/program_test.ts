/** Whole screens of D programs that trace real ones, with the programs' own output and end. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TARGETS, untraced, withTarget } from "../support.ts";
import { ATTACH, mask, run, RunningCommand, type Screen, START } from "./command.ts";

const DEMO = `${TARGETS}demo`;
const DEMO_OUTPUT = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
  .map((number) => `${number} is ${[2, 3, 5, 7, 11].includes(number) ? "prime" : "not prime"}\n`).join("");
const IS_PRIME = "pid$target:a.out:is_prime:entry";
const RETURN = "pid$target:a.out:is_prime:return";
const COLUMN = (text: string) => `  ${text.padEnd(50)}`;
const HEADER = "CPU     ID                    FUNCTION:NAME\n";

/** Runs a program on the demo, and takes the demo's own lines out of the output. */
async function traceDemo(source: string, ...args: string[]): Promise<Screen> {
  const screen = await run([...args, "-n", source, "--", DEMO], { permissions: START });
  const lines = screen.stdout.split(/(?<=\n)/);
  const isOfDemo = (line: string) => /^\d+ is (?:not )?prime\n$/.test(line);
  assertEquals(lines.filter(isOfDemo).join(""), DEMO_OUTPUT);
  return mask({ ...screen, stdout: lines.filter((line) => !isOfDemo(line)).join("") });
}

Deno.test("fasttrap -n with a clause aggregates, and prints what dtrace prints", async () => {
  assertEquals(await traceDemo(`${IS_PRIME} /arg0 > 9/ { @[probefunc, arg0] = count(); }`), {
    code: 0,
    stdout: `\n${COLUMN("is_prime")}               10                1\n${
      COLUMN("is_prime")
    }               11                1\n`,
    stderr: `dtrace: description '${IS_PRIME} ' matched 1 probe\ndtrace: pid PID exited with status 5\n`,
  });
});

Deno.test("fasttrap -q with a clause prints only what it prints, from BEGIN to END", async () => {
  const source = `
    BEGIN { printf("begin %s\\n", execname); }
    ${IS_PRIME} { self->n = arg0; }
    ${RETURN} /self->n < 5/ { printf("%s is_prime(%d) = %d\\n", execname, self->n, arg1); self->n = 0; }
    END { printf("end\\n"); }
  `;
  const { code, stdout, stderr } = await traceDemo(source, "-q");
  assertEquals({ code, stdout, stderr }, {
    code: 0,
    stdout: "begin dtrace\ndemo is_prime(2) = 1\ndemo is_prime(3) = 1\ndemo is_prime(4) = 0\nend\n\n",
    stderr: "",
  });
});

Deno.test("fasttrap -n with a clause records stacks of the target by their names", async () => {
  const { stdout } = await traceDemo(`${IS_PRIME} { @[ustack(2)] = quantize(arg0); }`, "-q");
  assertMatch(
    stdout,
    /^\n\n {14}demo`is_prime\n {14}demo`main\+0x[0-9a-f]+\n\n {11}value {2}-+ Distribution -+ count {4}\n/,
  );
  assertStringIncludes(stdout, `               8 |${"@".repeat(16)}${" ".repeat(24)} 4        \n`);
});

Deno.test("fasttrap -n with exit() ends at once with its status", () =>
  withTarget("calls", async (target) => {
    const source = "pid$target:a.out:work:entry { trace(arg0); exit(7); }";
    await using command = new RunningCommand([
      "-x",
      "switchrate=10ms",
      "-n",
      'BEGIN { trace("begun"); }',
      "-n",
      source,
      "-p",
      target.pid,
    ]);
    await command.shows("begun");
    await target.send();
    const { code, stdout } = await command.screen();
    assertEquals([code, stdout.split("\n").slice(2).map((line) => line.replace(/^ *\d+ +\d+ +/, ""))], [
      7,
      ["work:entry                 0", "", ""],
    ]);
    assertEquals(await target.outcome(), await untraced("calls"));
  }));

Deno.test("fasttrap -n with ticks needs no target", async () => {
  const { code, stdout, stderr } = await run(
    ["-q", "-n", "tick-5ms { @ = count(); } tick-5ms /++n == 3/ { exit(0); }"],
    {
      permissions: ATTACH,
    },
  );
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "\n                3\n", stderr: "" });
});

Deno.test("fasttrap -n runs the clauses of a probe in their order, within one firing", async () => {
  const source =
    `${IS_PRIME} { this->x = arg0; } pid$target:a.out:is_*: /probename == "entry"/ { this->x *= 2; } ${IS_PRIME} /arg0 == 3/ { printf("%d\\n", this->x); }`;
  assertEquals((await traceDemo(source, "-q")).stdout, "6\n\n");
});

Deno.test("fasttrap -s runs a script with its pragmas and macro variables", async () => {
  const path = await Deno.makeTempFile({ suffix: ".d" });
  try {
    await Deno.writeTextFile(
      path,
      `#!/usr/sbin/dtrace -s\n#pragma D option quiet\n${IS_PRIME}\n/pid == $target/\n{\n\t@["calls"] = count();\n}\n`,
    );
    const { code, stdout, stderr } = await run(["-s", path, "--", DEMO], { permissions: START });
    assertEquals([code, stdout.replace(DEMO_OUTPUT, "")], [0, `\n${COLUMN("calls")}               10\n`]);
    assertEquals(stderr, "");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("fasttrap -p with a clause prints while the target runs, and ends by an interrupt", async () => {
  await withTarget("requests", async (target) => {
    const source = 'BEGIN { printf("begun"); } pid$target:a.out:serve:entry { printf("serve %d", ++n); }';
    await using command = new RunningCommand(["-n", source, "-x", "switchrate=10ms", "-p", target.pid]);
    // What happens before BEGIN does not count.
    await command.shows("begun");
    await target.send("2");
    await command.shows("serve 2");
    assert(target.alive);
    command.signal("SIGINT");
    const { code, stdout } = await command.screen();
    assertEquals(code, 0);
    assertEquals(
      stdout.replaceAll(/^ *\d+ +\d+/gm, "C ID"),
      `${HEADER}C ID${" ".repeat(27)}:BEGIN begun\n${
        "12".replace(/./g, (n) => `C ID${" ".repeat(22)}serve:entry serve ${n}\n`)
      }\n\n`,
    );
    await target.send("1");
    assertEquals(await target.outcome(), {
      stdout: "served 2, 1 of them odd\nserved 1, 0 of them odd\n",
      end: "exited 7",
    });
  });
});

Deno.test("fasttrap -j with a clause writes records and aggregations as NDJSON", async () => {
  const { stdout } = await run([
    "-j",
    "-n",
    `${IS_PRIME} /arg0 == 7/ { printf("%d", arg0); @[arg0] = sum(2); }`,
    "--",
    DEMO,
  ], {
    permissions: START,
  });
  const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ type, data, key, value }) => [type, data ?? key, value]), [
    ["record", [{ action: "printf", text: "7" }], undefined],
    ["aggregation", [7], 2],
    ["end", undefined, undefined],
  ]);
  assertEquals(lines.at(-1), { type: "end", hits: 10, drops: {} });
});

Deno.test("fasttrap -n reports errors of clauses, and goes on", async () => {
  const { stdout, stderr } = await traceDemo(
    `${IS_PRIME} { trace(*(int *)arg0); } ${IS_PRIME} /arg0 == 11/ { trace(copyinstr(0x10)); } END { printf("end\\n"); }`,
    "-q",
  );
  assertEquals(stdout, "end\n\n");
  const errors = stderr.split("\n").filter((line) => line !== "");
  assertEquals(errors.length, 11);
  assertMatch(
    errors[0]!,
    /^dtrace: error on enabled probe ID 2 \(ID \d+: pidPID:demo:is_prime:entry\): invalid address \(0x2\) in action #1$/,
  );
});

Deno.test("fasttrap -n with a program that does not compile exits 1", async () => {
  const { code, stdout, stderr } = await run(["-n", "BEGIN { trace(nothing); }"], { permissions: ATTACH });
  assertEquals({ code, stdout, stderr }, {
    code: 1,
    stdout: "",
    stderr:
      "dtrace: invalid probe specifier BEGIN { trace(nothing); }: in action list: failed to resolve nothing: Unknown variable name\n",
  });
});

Deno.test("fasttrap -n with a destructive action wants -w", async () => {
  const source = 'BEGIN { system("true"); exit(0); }';
  const refused = await run(["-n", source], { permissions: ATTACH });
  assertEquals([refused.code, refused.stderr], [
    1,
    "dtrace: could not enable tracing: Destructive actions not allowed\n",
  ]);
  assertEquals((await run(["-q", "-w", "-n", source], { permissions: START })).code, 0);
});

Deno.test("fasttrap -n with a clause whose description matches nothing exits 1, in dtrace's words", async () => {
  const { code, stderr } = await run(["-n", "pid$target:a.out:no_such:entry { @ = count(); }", "--", DEMO], {
    permissions: START,
  });
  assertEquals(code, 1);
  assertMatch(stderr, /^dtrace: invalid probe specifier pid\$target:a\.out:no_such:entry \{ @ = count\(\); \}: /);
});

Deno.test("fasttrap -n tells a program what the system knows of the target's thread", async () => {
  const source = `${IS_PRIME} /arg0 == 2/ {
    printf("%s|%s|%s|%d|%d|%d|", execname, curpsinfo->pr_psargs, cwd, uid, ppid, curpsinfo->pr_nlwp);
    printf("%d|%d|%d|", pid == tid, pid == $target, curlwpsinfo->pr_lwpid == tid);
    printf("%d|%A|%d|", uregs[R_RDI], uregs[R_RIP], ustackdepth >= 2);
    printf("%Y|%d|%d", walltimestamp, vtimestamp > 0, timestamp > vtimestamp);
  }`;
  const { stdout } = await traceDemo(source, "-q");
  const fields = stdout.trimEnd().split("|");
  assertEquals(fields.slice(0, 2), ["demo", DEMO]);
  assertEquals(fields.slice(2, 6), [Deno.cwd(), String(Deno.uid()), fields[4], "1"]);
  assertEquals(fields.slice(6, 12), ["1", "1", "1", "2", "demo`is_prime", "1"]);
  assertMatch(fields[12]!, /^20\d\d [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d$/);
  assertEquals(fields.slice(13), ["1", "1"]);
});

Deno.test("fasttrap -n reads strings of the target, and gives programs their arguments", async () => {
  const source = `pid$target:libc:printf:entry { @[copyinstr(arg0)] = count(); }
    END { printf("%d %s ", $1, $$2); printa("%S %@d\\n", @); }`;
  const { stdout } = await run(["-q", "-n", source, "7", "word", "--", DEMO], { permissions: START });
  assertEquals(stdout.replace(DEMO_OUTPUT, ""), "7 word %d is %s\\n 10\n\n");
});

Deno.test("fasttrap -n with profile- samples the threads that run, with their stacks", async () => {
  await withTarget("spin", async (target) => {
    const source = "profile-199 /pid == $target/ { @[execname, arg0, arg1 == uregs[R_RIP]] = count(); }" +
      " profile-199 /++n == 20/ { ustack(1); exit(0); }";
    const { code, stdout, stderr } = await run(["-q", "-n", source, "-p", target.pid]);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^\n {14}spin`(?:run|work)(?:\+0x[0-9a-f]+)?\n\n {2}spin +0 +1 +20\n$/);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [1] });
});

Deno.test("fasttrap -n counts all addresses of a function as one symbol, and of a module as one", async () => {
  const source = "pid$target:a.out:is_prime: { @f[ufunc(uregs[R_RIP])] = count(); @s[usym(uregs[R_RIP])] = count(); " +
    "@m[umod(uregs[R_RIP])] = count(); @a[uaddr(uregs[R_RIP])] = count(); } " +
    'END { printa("%A ", @f); printa("%A ", @s); printa("%A ", @m); printa("%A ", @a); }';
  const { stdout } = await traceDemo(source, "-q");
  const words = stdout.trim().split(" ");
  assertEquals(words.slice(0, 3), ["demo`is_prime", "demo`is_prime", "demo"]);
  assert(words.length > 6, stdout);
});
