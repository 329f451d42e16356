/** Whole screens about the static probes of processes. */

import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import schema from "../../schema/events.schema.json" with { type: "json" };
import { missing, Workshop } from "../programs/real_program.ts";
import { TargetProgram, TARGETS, untraced } from "../support.ts";
import { run, type Screen, START } from "./command.ts";

const ODD = `${TARGETS}static_odd`;
const NOTES = `${TARGETS}static_notes`;
const PRIVATE = "\t\tIdentifier Names: Private\n\t\tData Semantics:   Private\n\t\tDependency Class: Unknown\n";
const isDescribed = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true })
  .compile(schema);

/** Starts a target, runs a command on it, and lets it end as if nobody had looked. */
async function withCommand(name: string, args: (pid: string) => string[]): Promise<Screen> {
  await using target = await TargetProgram.start(`${TARGETS}${name}`);
  assertEquals(await target.line(), "ready");
  const screen = await run(args(String(target.pid)));
  await target.send();
  assertEquals(await target.outcome(), await untraced(name));
  const mask = (text: string) =>
    text.replaceAll(String(target.pid), "PID").replace(/0x[0-9a-f]{5,}/g, "ADDRESS").replace(/%[re]\w+/g, "%REGISTER");
  return { ...screen, stdout: mask(screen.stdout), stderr: mask(screen.stderr) };
}

/** The rows of a list without the widths of columns, each `provider:module:function name`. */
function rows(stdout: string): string[] {
  return stdout.trimEnd().split("\n").map((line) => {
    const [, id, provider, module, rest] = /^ *(\d+) +(\S+) +(\S+) +(.*)$/.exec(line) ?? [];
    return id === undefined ? line.trim().replace(/ +/g, " ") : `${provider}:${module}:${rest}`;
  });
}

Deno.test("fasttrap -l -p lists the static probes of a process with functions and arguments", async () => {
  const { code, stdout, stderr } = await withCommand("static_notes", (pid) => ["-l", "-p", pid]);
  assertEquals([code, stderr], [0, ""]);
  const types = "int32_t, uint64_t, int32_t, int32_t, int32_t, int32_t, int8_t, uint8_t, int32_t, double";
  assertEquals(rows(stdout), [
    "ID PROVIDER MODULE FUNCTION NAME",
    `notesPID:static_notes:work places(${types})`,
    "notesPID:static_notes:work gated-one(int32_t)",
    "notesPID:static_notes:work odd(uint64_t, int32_t)",
    "notesPID:static_notes:other gated-one(int32_t)",
  ]);
});

Deno.test("fasttrap -l -c lists the static probes of a program's libraries as well", async () => {
  const { stdout } = await run(["-l", "-c", `${TARGETS}plugins ${TARGETS}static_plugin`], { permissions: START });
  assertEquals(rows(stdout), ["ID PROVIDER MODULE FUNCTION NAME"]);
  // The program loads the library when it runs: then its probes come to be.
  const traced = await run([
    "--count",
    "-Zn",
    "plug$target:::",
    "--",
    `${TARGETS}plugins`,
    `${TARGETS}static_plugin`,
    "4",
  ], {
    permissions: START,
  });
  const counts = traced.stdout.split("\n").filter((line) => line.includes("plug")).map((line) =>
    line.trim().replace(/^plug\d+/, "plugPID").replace(/ +/g, " ")
  );
  assertEquals(counts, ["plugPID:static_plugin:plugin_work:always 4", "plugPID:static_plugin:plugin_work:gated 4"]);
  assertEquals(traced.stderr.split("\n")[0], "dtrace: description 'plug$target:::' matched 0 probes");
});

Deno.test("fasttrap -lv tells the types, operands, semaphores and sites of static probes", async () => {
  const screen = await withCommand("static_notes", (pid) => ["-lv", "-n", "notes$target::*er:", "-p", pid]);
  assertEquals([screen.code, screen.stderr], [0, ""]);
  const [header, row, ...details] = screen.stdout.split("\n");
  assertEquals(rows(`${header}\n${row}`), [
    "ID PROVIDER MODULE FUNCTION NAME",
    "notesPID:static_notes:other gated-one(int32_t)",
  ]);
  assertEquals(
    details.join("\n"),
    `
\tProbe Description Attributes
${PRIVATE}
\tArgument Attributes
${PRIVATE}
\tArgument Types
\t\targs[0]: int32_t

\tSites
\t\tADDRESS emulated: 90
\t\t\tjump that counts or records each hit
\t\t\targ0 int32_t = -4@%REGISTER

\tSemaphores
\t\tADDRESS is 0

`,
  );
});

Deno.test("fasttrap -lv shows the stability of DOF, no class above ISA, and where the program asks", async () => {
  const { stdout } = await withCommand("static_dof", (pid) => ["-lv", "-n", "static_dof$target:::gated*", "-p", pid]);
  const details = stdout.split("\n").slice(2);
  assertEquals(details.join("\n").split("\n\n").slice(1), [
    "\tArgument Attributes\n\t\tIdentifier Names: Evolving\n\t\tData Semantics:   Evolving\n\t\tDependency Class: ISA",
    "\tArgument Types\n\t\targs[0]: int",
    "\tSites\n\t\tADDRESS emulated: 90\n\t\t\tjump that counts or records each hit\n" +
    "\t\tADDRESS asks whether the probe is enabled, emulated: 48 33 c0\n" +
    "\t\t\ttrap: the program asks there whether a probe is enabled",
    "",
  ]);
});

Deno.test("fasttrap -x ftmax makes no more static probes than it allows, and says so", async () => {
  const { code, stdout, stderr } = await withCommand("static_notes", (pid) => ["-l", "-x", "ftmax=2", "-p", pid]);
  assertEquals([code, rows(stdout).slice(1).map((row) => row.replace(/\(.*/, ""))], [
    0,
    ["notesPID:static_notes:work places", "notesPID:static_notes:work gated-one"],
  ]);
  assertEquals(
    stderr,
    "fasttrap: Cannot make 2 probes of provider notesPID: more than 2 tracepoints are not allowed\n",
  );
});

Deno.test("fasttrap -lvj writes of static probes what the schema says", async () => {
  const screen = await withCommand("static_notes", (pid) => ["-lvj", "-p", pid]);
  const lines = screen.stdout.trim().split("\n").map((line) => JSON.parse(line));
  for (const line of lines) assert(isDescribed(line), JSON.stringify(isDescribed.errors));
  assertEquals(lines.map(({ name, semaphores }) => [name, semaphores?.length]), [
    ...[["places", undefined], ["gated-one", 1], ["odd", undefined], ["gated-one", 1]],
  ]);
  assertEquals(lines[2].sites[0].arguments, [
    { type: "uint64_t", operand: "8@what is this", problem: "it is not understood" },
    { type: "int32_t", operand: "-4@%REGISTER" },
  ]);
});

Deno.test("fasttrap -j writes the arguments of static probes by their types", async () => {
  const { code, stdout } = await run(
    ["-j", "-n", "notes$target:::places", "--", "sh", "-c", `echo | exec ${NOTES} 2`],
    {
      permissions: START,
    },
  );
  assertEquals([code, stdout.includes('"end"')], [3, false]);
  const screen = await run(["-j", "--follow", "-Zn", "notes*:::places", "--", "sh", "-c", `echo | ${NOTES} 2`], {
    permissions: START,
  });
  const events = screen.stdout.trim().split("\n").map((line) => JSON.parse(line));
  for (const event of events) assert(isDescribed(event), JSON.stringify(isDescribed.errors));
  assertEquals(events.map(({ type }) => type), ["event", "event", "end"]);
  // All but the address of the text.
  const args = events.slice(0, 2).map(({ args }) => args.toSpliced(1, 1));
  assertEquals(args, [0, 1].map((n) => [n, n + 2, n + 1, -3, -6 - n, n, 0x12, 78 + n, n + 0.5]));
});

Deno.test("fasttrap traces a program whose static probes are odd, and says what is wrong with each", async () => {
  const screen = await run(["-n", "odd$target:::", "--", "sh", "-c", `echo | exec ${ODD}`], { permissions: START });
  assertEquals(screen.code, 3);
  const { code, stdout, stderr } = await run(
    ["--count", "--follow", "-Zn", "*$target:::", "--", "sh", "-c", `echo | exec ${ODD}`],
    { permissions: START },
  );
  assertEquals(code, 0);
  const masked = (text: string) => text.replace(/(?<=odd|oneshot|pid |pid|process )\d+/g, "PID");
  const counts = masked(stdout).split("\n").filter((line) => /odd/.test(line)).map((line) =>
    line.trim().replace(/ +/g, " ")
  );
  assertEquals(counts, [
    "oddPID:static_odd:work:es\\x1b[1mcape\\x0ad\\xff 3",
    "oddPID:static_odd:work:operands 3",
    "oddPID:static_odd:work:semaphore-constant 3",
    "oddPID:static_odd:work:semaphore-outside 3",
  ]);
  assert(stdout.startsWith("ready\ncame 3 times\n"), stdout);
  const said = masked(stderr).split("\n").map((line) => line.replace(/0x\w+/g, "ADDRESS"));
  for (
    const line of [
      "fasttrap: Cannot provide static probes of 'pid' in process PID: the name is reserved",
      "fasttrap: Cannot provide static probes of 'oneshot' in process PID: the name is reserved",
      "fasttrap: A site of oddPID:static_odd:work:semaphore-outside is wrong: its semaphore ADDRESS is outside of the writable memory",
      "fasttrap: A site of oddPID:static_odd:work:semaphore-constant is wrong: its semaphore ADDRESS is outside of the writable memory",
      "fasttrap: A site of oddPID:static_odd::outside is wrong: its address ADDRESS is outside of the code",
      "fasttrap: Cannot make probe 'outside' of provider oddPID: it has no site",
      "fasttrap: Cannot enable oddPID:static_odd:main:inside: its instruction is not one that a probe leaves behind, " +
      "at ADDRESS",
    ]
  ) assert(said.includes(line), `${line}\n${said.join("\n")}`);
});

Deno.test("fasttrap -lv says of each operand that nobody can read why not", async () => {
  const { stdout } = await withCommand("static_odd", (pid) => ["-lv", "-n", "odd$target::work:operands", "-p", pid]);
  assertEquals(stdout.split("\n").filter((line) => line.startsWith("\t\t\t")).map((line) => line.trim()), [
    "jump that counts or records each hit",
    'arg0 uint64_t = 8@nothing (its symbol "nothing" is not in the file\'s symbol table)',
    'arg1 int32_t = -4@%REGISTER (there is no register "rdix")',
    'arg2 uint64_t = 8@%cr3 (there is no register "cr3")',
    "arg3 unknown = 16@%REGISTER (no integer has 16 bytes)",
    'arg4 uint32_t = 4@gone(%REGISTER) (its symbol "gone" is not in the file\'s symbol table)',
    "arg5 uint64_t = 8@(%REGISTER)",
    "arg6 int64_t = -8@%REGISTER",
  ]);
});

const reason = missing("objcopy");
Deno.test({
  name: "fasttrap traces functions of a program whose notes are cut, and says so" + (reason ? ` (${reason})` : ""),
  ignore: reason !== undefined,
  async fn() {
    using workshop = new Workshop();
    const path = `${workshop.path}/cut`;
    const objcopy = (...args: string[]) => new Deno.Command("objcopy", { args }).outputSync().success;
    assert(
      objcopy(
        "-O",
        "binary",
        "--only-section=.note.stapsdt",
        "--set-section-flags",
        ".note.stapsdt=alloc",
        NOTES,
        `${path}.notes`,
      ),
    );
    const notes = Deno.readFileSync(`${path}.notes`);
    Deno.writeFileSync(`${path}.notes`, notes.subarray(0, notes.length - 30));
    assert(objcopy("--update-section", `.note.stapsdt=${path}.notes`, NOTES, path));
    const { code, stdout, stderr } = await run(
      ["--count", "-Zn", "*$target:a.out:other:[!0-9r]*", "--", "sh", "-c", `echo | exec ${path} 5`].toSpliced(
        1,
        0,
        "--follow",
      ),
      { permissions: START },
    );
    assertEquals([code, /cut:other:entry +5$/m.test(stdout)], [0, true], stdout + stderr);
    assert(stdout.includes("worked 5 times, gated 0, semaphore 0\n"));
    assert(/fasttrap: Cannot read ELF file ".*\/cut": .*note.*\n/.test(stderr), stderr);
    const listed = await run(["usdt", "list", path]);
    assertEquals([listed.code, listed.stdout], [5, ""]);
  },
});

Deno.test("D_PDESC_ZERO: a static probe whose name or provider is misspelt", async () => {
  const hintOf = async (description: string) => {
    const { code, stderr } = await withCommand("static_notes", (pid) => ["-n", description, "-p", pid]);
    assertEquals(code, 3);
    assert(stderr.startsWith("fasttrap: D_PDESC_ZERO: probe description "), stderr);
    return stderr.split("\n")[1];
  };
  assertEquals(await hintOf("notes$target:::plases"), 'hint: no probe matches "plases"; did you mean places?');
  assertEquals(
    await hintOf("notes$target:::gated__one"),
    'hint: no probe matches "gated__one"; did you mean gated-one?',
  );
  assertEquals(await hintOf("nodes$target:::"), 'hint: no provider matches "nodesPID"; did you mean notesPID?');
  assertEquals(await hintOf("notes:::places"), 'hint: no provider matches "notes"; did you mean notesPID?');
  assertEquals(await hintOf("strange*:::"), "hint: probes of functions have providers such as pid1234 or pid$target");
});

Deno.test("fasttrap -n gives a D program the arguments of static probes by their types", async () => {
  const source = 'notes$target:::gated-one { printf("%d %d,", args[0], sizeof(args[0])); } ' +
    'notes$target:::places { printf("%s %d %d,", copyinstr(args[1]), args[4], sizeof(args[7])); }';
  const { code, stdout, stderr } = await run(["-qn", source, "-c", `${NOTES} 1`], { permissions: START });
  assertEquals([code, stderr, stdout.split("\n").at(-2)], [0, "", "text -3 1,0 4,0 4,"]);
});
