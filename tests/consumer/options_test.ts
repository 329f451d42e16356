import { assertEquals, assertThrows } from "@std/assert";
import { cutArguments } from "../../lib/consumer/argument_tokens.ts";
import { UsageError } from "../../lib/consumer/failure.ts";
import { type CommandOptions, OPTION_TYPES, readOptions } from "../../lib/consumer/options.ts";
import { ProgramError } from "../../lib/consumer/program_error.ts";

/** Reads a command line as the command does. */
function read(...args: string[]): CommandOptions {
  return readOptions(cutArguments(args, OPTION_TYPES));
}

Deno.test("readOptions() keeps the order of what is repeated", () => {
  const options = read(
    "-n",
    "a",
    "-p",
    "12",
    "-f",
    "b",
    "-c",
    "x 'y z'",
    "-P",
    "c",
    "-p",
    "3",
    "-m",
    "d",
    "--",
    "-n",
    "--",
  );
  assertEquals(options.descriptions.map(({ kind, text }) => [kind, text]), [
    ["description", "a"],
    ["function", "b"],
    ["provider", "c"],
    ["module", "d"],
  ]);
  assertEquals(options.pids, [12, 3]);
  assertEquals(options.commands, [["x", "y z"], ["-n", "--"]]);
});

Deno.test("readOptions() parses each description by its option", () => {
  const fields = (...args: string[]) => Object.values(read(...args).descriptions[0]!.fields);
  assertEquals(fields("-n", "b:c:d"), ["", "b", "c", "d"]);
  assertEquals(fields("-f", "b:c"), ["", "b", "c", ""]);
  assertEquals(fields("-m", "a:b"), ["a", "b", "", ""]);
  assertEquals(fields("-P", "a"), ["a", "", "", ""]);
});

Deno.test("readOptions() joins letters, and takes an argument with or without a blank", () => {
  const options = read("-qZln", "a", "-p5", "-xevaltime=main", "-oout");
  assertEquals([options.quiet, options.allowNone, options.mode], [true, true, "list"]);
  assertEquals([options.pids, options.moment, options.output], [[5], "main", "out"]);
});

Deno.test("readOptions() has dtrace's sizes and defaults", () => {
  const options = read("-n", "a", "-x", "fthashsize=4k", "-x", "ftmax=2M");
  assertEquals([options.hashSize, options.limit], [4096, 2 * 1024 * 1024]);
  assertEquals(read("-n", "a", "-x", "ftmax=300").limit, 300);
  const { mode, quiet, format, count, allowNone, moment, output } = read("-n", "a");
  assertEquals([mode, quiet, format, count, allowNone, moment, output], [
    ...["trace", false, "text", false, false, "preinit", undefined],
  ]);
});

Deno.test("readOptions() knows three names of NDJSON", () => {
  for (const args of [["-j"], ["--format", "ndjson"], ["--format=ndjson"], ["-x", "oformat=ndjson"]]) {
    assertEquals(read("-n", "a", ...args).format, "ndjson");
  }
});

Deno.test("readOptions() lets --help and -V win over everything behind them", () => {
  assertEquals(read("--help", "-y").mode, "help");
  assertEquals(read("-h").mode, "help");
  assertEquals(read("-p", "1", "-V", "rubbish").mode, "version");
});

Deno.test("readOptions() takes doctor as the first word only", () => {
  assertEquals(read("doctor").mode, "doctor");
  assertEquals(read("doctor", "-p", "7").pids, [7]);
  assertThrows(() => read("-p", "7", "doctor"), UsageError, 'unexpected argument "doctor"');
});

Deno.test("readOptions() lists the static probes if it is not told what", () => {
  const { descriptions, allowNone, listsAll } = read("-l", "-p", "7");
  assertEquals([descriptions.map(({ text }) => text), allowNone, listsAll], [["*$target:::"], true, true]);
  const told = read("-l", "-p", "7", "-n", "pid$target:a.out::entry");
  assertEquals([told.descriptions.length, told.allowNone, told.listsAll], [1, false, false]);
});

Deno.test("readOptions() throws UsageError on what is out of range", () => {
  for (const pid of ["0", "2147483648", "-1", "1.5", "0x10", ""]) {
    assertThrows(() => read("-p", pid, "-n", "a"), UsageError);
  }
  for (const size of ["0", "k", "1kb", "9007199254740993", "8192t"]) {
    assertThrows(() => read("-n", "a", "-x", `ftmax=${size}`), UsageError);
  }
  for (const name of ["constructor", "toString", "__proto__"]) {
    assertThrows(() => read(`--${name}`), UsageError, "unknown option");
    assertThrows(() => read("-x", name), UsageError, "unknown option");
  }
});

Deno.test("readOptions() says of each option of dtrace that is not here that it is not supported", () => {
  for (const letter of "aAGS3") {
    assertThrows(() => read(`-${letter}`, "-n", "a"), UsageError, "is not supported");
  }
});

Deno.test("readOptions() makes a program of clauses, and of the descriptions among them", () => {
  const { program, settings } = read(
    "-n",
    "a:entry",
    "-n",
    "b:entry /x/ { y; }",
    "-P",
    "pid1",
    "-F",
    "-b",
    "1m",
    "-x",
    "aggsortrev",
    "-q",
  );
  assertEquals(program, {
    words: [],
    parts: [
      { kind: "description", name: "a:entry", source: "a:entry", lastField: "name" },
      { kind: "description", name: "b:entry ", source: "b:entry /x/ { y; }", lastField: "name" },
      { kind: "provider", name: "pid1", source: "pid1", lastField: "provider" },
    ],
  });
  assertEquals(settings, [
    { name: "flowindent", value: undefined },
    { name: "bufsize", value: "1m" },
    { name: "aggsortrev", value: undefined },
    { name: "quiet", value: undefined },
  ]);
  assertEquals(read("-n", "a:entry").program, undefined);
});

Deno.test("readOptions() makes a program of scripts and clauses in their order, and of probes of no target", () => {
  const script = { kind: "script", name: "x.d", source: undefined, lastField: "name" } as const;
  assertEquals(read("-s", "x.d", "a", "5").program, { parts: [script], words: ["a", "5"] });
  assertEquals(read("-f", "f { }", "-s", "x.d", "-i", "1").program?.parts, [
    { kind: "function", name: "f ", source: "f { }", lastField: "function" },
    script,
    { kind: "probe", name: "1", source: "1", lastField: "name" },
  ]);
  for (const args of [["-n", "BEGIN"], ["-P", "profile"], ["-n", "tick-1s"], ["-v", "-n", "a"], ["-e", "-n", "a"]]) {
    assertEquals(read(...args).program?.parts.length, 1, args.join(" "));
  }
  assertEquals(read("-l", "-v", "-n", "a").program, undefined);
});

Deno.test("readOptions() takes -h for help, and with a script for its header", () => {
  assertEquals([read("-h").mode, read("-h", "-s", "x.d").mode, read("--help", "-s", "x.d").mode], [
    ...["help", "header", "help"],
  ]);
});

Deno.test("readOptions() sets the options that letters of dtrace stand for", () => {
  const { settings } = read("-C", "-D", "A=1", "-U", "B", "-I", "inc", "-H", "-X", "s", "-L", "lib", "-n", "a { }");
  assertEquals(settings.map(({ name, value }) => [name, value]), [
    ["cpp", undefined],
    ["define", "A=1"],
    ["undef", "B"],
    ["incdir", "inc"],
    ["cpphdrs", undefined],
    ["stdc", "s"],
    ["libdir", "lib"],
  ]);
});

Deno.test("readOptions() throws ProgramError on options of programs that cannot be, if there is a program", () => {
  for (const args of [["-b", "x"], ["-x", "bufpolicy=heap"], ["-X", "z"], ["-x", "version=9.9"], ["-p", "x"]]) {
    assertThrows(() => read(...args, "-n", "a { }"), ProgramError, "dtrace: ");
    assertThrows(() => read(...args, "-n", "a"), UsageError);
  }
  const error = assertThrows(() => read("-n", "a { }", "-x", "bufsise=1"), ProgramError);
  assertEquals(error.hint, "did you mean -x bufsize?");
});
