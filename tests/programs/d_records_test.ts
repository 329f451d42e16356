/**
 * D programs on real programs: with records of hits they come to the same as when each hit stops the thread, and the
 * programs print what they print untraced.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { run, START } from "../cli/command.ts";
import { ENVIRONMENT, runUntraced, testWith, Workshop } from "./real_program.ts";

const PYTHON = "/usr/bin/python3";

/** Runs a program with a D program, with jumps and without, and gives the lines that the D program has printed. */
async function runBoth(command: readonly string[], source: string): Promise<string[]> {
  const untraced = runUntraced(command);
  const results: string[] = [];
  for (const jumps of ["on", "off"]) {
    const { code, stdout, stderr } = await run(["-q", "-x", `jumps=${jumps}`, "-n", source, "--", ...command], {
      permissions: START,
      env: ENVIRONMENT,
      cwd: "/tmp",
    });
    assertEquals([code, stdout.includes(untraced.stdout)], [0, true]);
    // What was dropped would be missing.
    assertEquals(stderr.match(/drop/), null);
    results.push(stdout.replace(untraced.stdout, ""));
  }
  assertEquals(results[0], results[1]);
  return results[0]!.split("\n").filter((line) => line !== "");
}

/** The number at the end of the first line that begins with a text. */
function valueOf(lines: readonly string[], text: string): number {
  return Number(lines.find((line) => line.trim().startsWith(text))?.trim().split(/ +/).at(-1));
}

testWith([PYTHON], "fasttrap -n follows python3's memory from malloc() to free()", async () => {
  const lines = await runBoth(
    [PYTHON, "-S", "-E", "-c", "print(sum(len(str(n)) for n in range(1000)))"],
    `
    pid$target:libc:malloc:entry { self->size = arg0; }
    pid$target:libc:malloc:return /self->size/
    {
      @bytes["bytes"] = sum(self->size); @calls["calls"] = count(); @sizes = quantize(self->size);
      live[arg1] = self->size; self->size = 0; n++;
    }
    pid$target:libc:free:entry /live[arg0]/ { @freed["freed"] = sum(live[arg0]); live[arg0] = 0; n--; }
    END { printf("alive %d\\n", n); }`,
  );
  assertGreaterOrEqual(valueOf(lines, "calls"), 100);
  assertGreaterOrEqual(valueOf(lines, "bytes"), valueOf(lines, "freed"));
  assertGreaterOrEqual(valueOf(lines, "alive"), 1);
});

testWith(["sqlite3"], "fasttrap -n tells the depth of sqlite3's calls of its library", async () => {
  const sql = "create table a(b); insert into a values (1),(2),(3); select count(*) from a x, a y, a z;";
  const lines = await runBoth(
    ["sqlite3", "-batch", ":memory:", sql],
    `
    pid$target:libsqlite3.so.0:sqlite3_*:entry { this->d = ++self->depth; @deep[probefunc] = max(this->d); }
    pid$target:libsqlite3.so.0:sqlite3_*:entry { @[probefunc] = count(); }
    pid$target:libsqlite3.so.0:sqlite3_*:return /self->depth/ { @back[probefunc] = count(); self->depth--; }
    pid$target:libsqlite3.so.0:sqlite3_step:return { printf("step %d\\n", (int)arg1); }
    END { printa("%s %@d\\n", @deep); printa("%s %@d\\n", @); printa("%s %@d\\n", @back); }`,
  );
  // A row, and the end of each statement.
  assertGreaterOrEqual(lines.filter((line) => line === "step 100").length, 1);
  assertGreaterOrEqual(lines.filter((line) => line === "step 101").length, 3);
});

testWith(["/usr/bin/ls"], "fasttrap -n counts what ls calls, with one probe that walks the stack", async () => {
  const lines = await runBoth(
    ["/usr/bin/ls", "/"],
    `
    pid$target:libc:opendir:entry, pid$target:libc:readdir:return, pid$target:libc:closedir:entry
    { @[execname, probefunc, probename, probename == "return" && arg1 == 0] = count(); }
    pid$target:libc:closedir:entry { @frames[ustack(1)] = count(); }
    pid$target:libc:str*:return { n++; }
    END { printf("strings %d\\n", n > 0); printa("%s %s %s %d %@d\\n", @); trunc(@); }`,
  );
  assertEquals(lines.includes("ls closedir entry 0 1"), true);
  assertEquals(lines.includes("ls opendir entry 0 1"), true);
  assertEquals(lines.includes("ls readdir return 1 1"), true);
  assertEquals(lines.includes("strings 1"), true);
});

testWith(["g++"], "fasttrap -n follows a C++ program whose functions are left by exceptions", async () => {
  using workshop = new Workshop();
  const lines = await runBoth(
    [workshop.compile(["g++", "-O1"], "exceptions.cc")],
    `
    pid$target:a.out:leaf:entry { self->value = arg0; @values = quantize(arg0); }
    pid$target:a.out:leaf:return { @[(int)arg1 == self->value ? "right" : "wrong"] = count(); }
    pid$target:libstdc++.so.6:__cxa_throw:entry { @[self->value % 3 == 0 ? "throws" : "throws else"] = count(); }
    pid$target:a.out:outer:return { @results = sum((int)arg1); @["outer"] = count(); }
    pid$target:a.out:outer:return /(int)arg1 < 0 && self->value == 9/ { @stacks[ustack(2)] = count(); }`,
  );
  assertEquals(["right", "throws", "outer"].map((name) => valueOf(lines, name)), [200, 100, 300]);
  assertEquals(lines.some((line) => line.includes("wrong") || line.includes("else")), false);
});

testWith(
  ["bash"],
  "fasttrap -n names the program that was hit, though the process has become another one",
  async () => {
    const lines = await runBoth(
      ["bash", "-c", "exec /bin/true first"],
      'pid$target:libc:execve:entry { printf("%s|%s\\n", execname, curpsinfo->pr_psargs); }',
    );
    assertEquals(lines, ["bash|bash -c exec /bin/true first"]);
  },
);

testWith(
  ["sqlite3"],
  "fasttrap -n logs the statements and the values of sqlite3 as strings, as they were",
  async () => {
    const lines = await runBoth(
      ["sqlite3", "-batch", ":memory:", "create table a(b); insert into a values ('one'), ('two'); select b from a;"],
      `
    pid$target:libsqlite3.so.0:sqlite3_prepare_v2:entry { printf("prepare %s\\n", copyinstr(arg1, 16)); }
    pid$target:libsqlite3.so.0:sqlite3_column_text:return { printf("text %s\\n", copyinstr(arg1)); }
    pid$target:libc:strlen:entry { @[copyinstr(arg0)] = count(); }
    END { printa("%s %@d\\n", @); }`,
    );
    // The shell of sqlite3 asks for the schema itself.
    assertEquals(lines.filter((line) => line.startsWith("text ")).slice(-2), ["text one", "text two"]);
    assertEquals(lines.includes("prepare create table a("), true);
  },
);

testWith(
  ["/usr/bin/ls", "bash"],
  "fasttrap -n tells what programs look up, open and write, and from where",
  async () => {
    const lines = await runBoth(
      ["/usr/bin/ls", "-dU", "/usr", "/etc"],
      `
    pid$target:libc:getenv:entry { @looked[copyinstr(arg0)] = count(); }
    pid$target:libc:getenv:return /arg1/ { @found[copyinstr(arg1)] = count(); }
    pid$target:libc:setlocale:entry { @locales[arg1 ? copyinstr(arg1) : "none"] = count(); @callers[umod(ucaller)] = count(); }
    pid$target:libc:fwrite_unlocked:entry { printf("writes %s|\\n", stringof(copyin(arg0, arg2 > 8 ? 8 : arg2))); }
    pid$target:libc:__libc_start_main:entry { printf("%s\\n", copyinstr(*(uintptr_t *)copyin(arg2 + 16, 8))); }
    ERROR { printf("error %d at %x\\n", arg4, arg5); }`,
    );
    assertGreaterOrEqual(lines.length, 4);
    assertEquals(lines.filter((line) => line.includes("error")), []);
  },
);
