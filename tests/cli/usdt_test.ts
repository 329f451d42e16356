/** `fasttrap usdt`: the static probes of files, without a process. */

import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import { writeDof } from "../../lib/object/dof_writer.ts";
import schema from "../../schema/usdt.schema.json" with { type: "json" };
import { EXAMPLE } from "../object/dof_examples.ts";
import { readelfNotes } from "../object/stap_notes.ts";
import { missing, Workshop } from "../programs/real_program.ts";
import { TARGETS } from "../support.ts";
import { ATTACH, run } from "./command.ts";

const NOTES = `${TARGETS}static_notes`;
const DOF = `${TARGETS}static_dof`;
const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true })
  .compile(schema);

/** Runs a command that succeeds and prints one object that the published schema describes. */
async function runJson(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await run([...args, "--format", "json"]);
  assertEquals([code, stderr], [0, ""]);
  const value = JSON.parse(stdout);
  assert(validate(value), `${stdout}${JSON.stringify(validate.errors)}`);
  return value as Record<string, unknown>;
}

/** Replaces addresses, which depend on the compiler, and the registers that it chooses. */
function maskPlaces(text: string): string {
  return text.replace(/0x[0-9a-f]+/g, "ADDRESS").replace(/%(?!fs|rip|xmm)[a-z]+\d*[a-z]?/g, "%REGISTER");
}

Deno.test("fasttrap usdt list prints the static probes of a file", async () => {
  const { code, stdout, stderr } = await run(["usdt", "list", NOTES]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    stdout,
    `\
   ID   PROVIDER            MODULE                          FUNCTION NAME(ARGUMENTS)
    1      notes      static_notes                              work places(int32_t, uint64_t, int32_t, int32_t, int32_t, int32_t, int8_t, uint8_t, int32_t, double)
    2      notes      static_notes                              work gated-one(int32_t)
    3      notes      static_notes                              work odd(uint64_t, int32_t)
    4      notes      static_notes                             other gated-one(int32_t)
`,
  );
});

Deno.test("fasttrap usdt list -v prints sites, operands and semaphores", async () => {
  const { code, stdout, stderr } = await run(["usdt", "list", "-v", NOTES]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    maskPlaces(stdout.slice(stdout.indexOf("    1 "))),
    `\
    1      notes      static_notes                              work places(int32_t, uint64_t, int32_t, int32_t, int32_t, int32_t, int8_t, uint8_t, int32_t, double)
        site ADDRESS
            arg0 int32_t = -4@%REGISTER
            arg1 uint64_t = 8@%REGISTER
            arg2 int32_t = -4@8(%REGISTER)
            arg3 int32_t = -4@(%REGISTER,%REGISTER,4)
            arg4 int32_t = -4@$-3
            arg5 int32_t = -4@counter(%rip)
            arg6 int8_t = -1@%REGISTER
            arg7 uint8_t = 1@%REGISTER
            arg8 int32_t = -4@%fs:own@tpoff
            arg9 double = 8f@%xmm0
    2      notes      static_notes                              work gated-one(int32_t)
        site ADDRESS semaphore ADDRESS
            arg0 int32_t = -4@%REGISTER
    3      notes      static_notes                              work odd(uint64_t, int32_t)
        site ADDRESS
            arg0 uint64_t = 8@what is this (it is not understood)
            arg1 int32_t = -4@%REGISTER
    4      notes      static_notes                             other gated-one(int32_t)
        site ADDRESS semaphore ADDRESS
            arg0 int32_t = -4@%REGISTER
`,
  );
});

Deno.test("fasttrap usdt list -v prints argument maps, attributes and is-enabled sites of DOF", async () => {
  const { code, stdout, stderr } = await run(["usdt", "list", "-v", DOF]);
  assertEquals([code, stderr], [0, ""]);
  const attributes = "attributes provider Evolving/Evolving/Common, module Private/Private/Unknown, " +
    "function Private/Private/Unknown, name Evolving/Evolving/Common, arguments Evolving/Evolving/Common";
  assertEquals(
    maskPlaces(stdout),
    `\
   ID   PROVIDER            MODULE                          FUNCTION NAME(ARGUMENTS)
    1 static_dof        static_dof                              work go(char *, int)
        ${attributes}
        passed (int, char *)
        arg0 char * = passed 1
        arg1 int = passed 0
        site ADDRESS
        site ADDRESS
    2 static_dof        static_dof                              work gated-one(int)
        ${attributes}
        site ADDRESS
        is-enabled site ADDRESS
`,
  );
});

Deno.test("fasttrap usdt dump prints DOF in an ELF file, and raw", async () => {
  const { code, stdout, stderr } = await run(["usdt", "dump", DOF]);
  assertEquals([code, stderr], [0, ""]);
  const expected = `\
DOF version 2, 64 bits, little-endian, 600 bytes in .SUNW_dof at ADDRESS
    DIF version 2, 8 integer and 8 tuple registers
    section type          offset     size align flags entry
          0 STRTAB         0x140       52     1   0x1     0
          1 PROBES         0x178       96     8   0x1    48
          2 PRARGS         0x1d8        3     1   0x1     1
          3 PROFFS         0x1dc       12     4   0x1     4
          4 PRENOFFS       0x1e8        4     4   0x1     4
          5 PROVIDER       0x1ec       44     4   0x1     0
          6 RELTAB         0x218       48     8   0x1    24
          7 URELHDR        0x248       12     4   0x1     0
    provider static_dof provider Evolving/Evolving/Common, module Private/Private/Unknown, function Private/Private/Unknown, name Evolving/Evolving/Common, arguments Evolving/Evolving/Common
        probe work:go(char *, int)
            passed (int, char *)
            arg0 char * = passed 1
            arg1 int = passed 0
            site ADDRESS
            site ADDRESS
        probe work:gated-one(int)
            site ADDRESS
            is-enabled site ADDRESS
`;
  const mask = (text: string) => text.replace(/(?<=(?:at|site) )0x[0-9a-f]+/g, "ADDRESS");
  assertEquals(mask(stdout), expected);
  using workshop = new Workshop();
  const path = `${workshop.path}/raw`;
  Deno.writeFileSync(path, writeDof(EXAMPLE, { bits: 32, littleEndian: false, version: 3 }));
  const raw = await run(["usdt", "dump", path]);
  assertEquals([raw.code, raw.stderr], [0, ""]);
  assertEquals(raw.stdout.split("\n")[0], "DOF version 3, 32 bits, big-endian, 792 bytes");
  assert(
    raw.stdout.includes("        probe _ZN3foo3barEv:start()\n            passed (int)\n            site 0x402000\n"),
  );
});

Deno.test("fasttrap usdt list --format json prints what the schema says", async () => {
  const list = await runJson("usdt", "list", NOTES);
  const [provider] = list["providers"] as { name: string; probes: { name: string; sites: unknown[] }[] }[];
  assertEquals(provider?.probes.map(({ name }) => name), ["places", "gated-one", "odd", "gated-one"]);
  const [note] = readelfNotes(NOTES);
  const site = provider!.probes[0]!.sites[0] as { address: number; arguments: Record<string, unknown>[] };
  assertEquals(site.address, note?.location);
  assertEquals(site.arguments.map(({ operand }) => operand).join(" "), note?.operands);
  assertEquals(site.arguments[4], {
    ...{ operand: "-4@$-3", type: "int32_t", sizeBytes: 4, signed: true, float: false },
    place: { kind: "constant", value: -3 },
  });
  const dof = await runJson("usdt", "list", DOF);
  const [listed] = dof["providers"] as { probes: Record<string, unknown>[] }[];
  assertEquals(listed?.probes.map(({ argumentMap, nativeTypes }) => [argumentMap, nativeTypes]), [
    [[1, 0], ["int", "char *"]],
    [[0], ["int"]],
  ]);
});

Deno.test("fasttrap usdt dump --format json prints what the schema says", async () => {
  const { dofs } = await runJson("usdt", "dump", DOF) as { dofs: Record<string, unknown>[] };
  assertEquals(dofs.map(({ section, version, bits, byteOrder }) => [section, version, bits, byteOrder]), [
    [".SUNW_dof", 2, 64, "little-endian"],
  ]);
  assertEquals((dofs[0]!["sections"] as { type: string }[])[5]?.type, "PROVIDER");
});

Deno.test("fasttrap usdt refuses mistakes in the command line", async () => {
  const rows: [args: string[], message: string, hint?: string][] = [
    [["usdt"], "usdt needs to know what to do", "it can list and dump a file"],
    [["usdt", "lst", "f"], 'usdt cannot "lst" a file', "did you mean list?"],
    [["usdt", "list"], "usdt list needs a file"],
    [["usdt", "dump", "a", "b"], 'unexpected argument "b"', "usdt dump takes one file"],
    [["usdt", "list", "a", "--format", "ndjson"], '--format of usdt cannot be "ndjson"', "it is one of text, json"],
    [
      ["usdt", "list", "a", "-p", "1"],
      "usdt has no option -p",
      "its options are -v, -j, --format text|json and -o FILE",
    ],
  ];
  for (const [args, message, hint] of rows) {
    const stderr = `fasttrap: ${message}\n${hint === undefined ? "" : `hint: ${hint}\n`}`;
    assertEquals(await run(args, { permissions: [] }), { code: 2, stdout: "", stderr });
  }
  const help = await run(["usdt", "-h"], { permissions: [] });
  assertEquals([help.code, help.stdout.includes("fasttrap usdt list|dump FILE")], [0, true]);
});

Deno.test("fasttrap usdt without --allow-ffi one line names it", async () => {
  const stderr = "fasttrap: Cannot call the C library: Deno refuses it without --allow-ffi\n";
  assertEquals(await run(["usdt", "list", NOTES], { permissions: [] }), { code: 4, stdout: "", stderr });
});

Deno.test("D_PDESC_ZERO: a file without static probes, or without DOF", async () => {
  const said = (what: string, path: string) => ({
    code: 3,
    stdout: "",
    stderr: `fasttrap: D_PDESC_ZERO: Cannot print the ${what} of "${path}": it has none\n`,
  });
  assertEquals(await run(["usdt", "list", `${TARGETS}demo`]), said("static probes", `${TARGETS}demo`));
  assertEquals(await run(["usdt", "dump", NOTES, "-j"]), said("DOF", NOTES));
});

Deno.test("fasttrap usdt says what is wrong with a file", async () => {
  using workshop = new Workshop();
  const assertSaid = async (name: string, bytes: Uint8Array | string, code: number, line: string) => {
    const path = `${workshop.path}/${name}`;
    if (typeof bytes === "string") Deno.writeTextFileSync(path, bytes);
    else Deno.writeFileSync(path, bytes);
    const screen = await run(["usdt", "list", path], { permissions: ATTACH });
    assertEquals(screen, { code, stdout: "", stderr: `fasttrap: ${line.replace("PATH", path)}\n` });
  };
  await assertSaid("text", "no object", 5, 'D_PROC_ELF: Cannot read ELF file "PATH": it is not an ELF file');
  const dof = writeDof(EXAMPLE);
  await assertSaid(
    "short",
    dof.subarray(0, 100),
    5,
    'D_DOF_FILESZ: Cannot read DOF "PATH": it says that it has 792 bytes, of 100',
  );
  const elf = Deno.readFileSync(NOTES);
  await assertSaid(
    "cut",
    elf.subarray(0, 4000),
    5,
    `D_PROC_ELF: Cannot read ELF file "PATH": its first section header would need 64 bytes at offset ` +
      `${new DataView(elf.buffer).getUint32(40, true)}, but the file has only 4000 bytes`,
  );
  const absent = await run(["usdt", "list", `${workshop.path}/absent`]);
  assertEquals(absent, {
    code: 1,
    stdout: "",
    stderr: `fasttrap: Cannot open file "${workshop.path}/absent": ENOENT\n`,
  });
  const folder = await run(["usdt", "list", workshop.path]);
  assertEquals(folder, { code: 1, stdout: "", stderr: `fasttrap: Cannot open file "${workshop.path}": EISDIR\n` });
});

Deno.test("fasttrap usdt prints what is not malformed, and fails", async () => {
  using workshop = new Workshop();
  const path = `${workshop.path}/dof`;
  const probe = EXAMPLE[1]!.probes[0]!;
  Deno.writeFileSync(
    path,
    writeDof([{ ...EXAMPLE[1]!, name: "bad name" }, {
      ...EXAMPLE[1]!,
      probes: [{ ...probe, function: "line\nfeed", name: "\x1b[31mred" }],
    }]),
  );
  assertEquals(await run(["usdt", "list", path]), {
    code: 5,
    stdout: `\
   ID   PROVIDER            MODULE                          FUNCTION NAME(ARGUMENTS)
    1  other_one               dof                      line\\x0afeed \\x1b[31mred()
`,
    stderr: `fasttrap: D_DOF_NAME: In DOF "${path}": "bad name" cannot be the name of a provider\n`,
  });
});

const reason = missing("objcopy", "strip");
Deno.test({
  name: "fasttrap usdt list names the functions of a stripped file by its debug file" + (reason ? ` (${reason})` : ""),
  ignore: reason !== undefined,
  async fn() {
    using workshop = new Workshop();
    const path = `${workshop.path}/stripped`;
    Deno.copyFileSync(NOTES, path);
    for (const command of [["objcopy", "--only-keep-debug"], ["strip"], ["objcopy", "--add-gnu-debuglink"]]) {
      const [name, ...options] = command as [string, ...string[]];
      const debug = `${path}.debug`;
      const args = name === "strip"
        ? [path]
        : options[0] === "--add-gnu-debuglink"
        ? [`--add-gnu-debuglink=${debug}`, path]
        : [...options, path, debug];
      assertEquals((await new Deno.Command(name, { args }).output()).code, 0);
    }
    const functions = (stdout: string) => stdout.split("\n").slice(1, -1).map((line) => line.slice(35, 68).trim());
    assertEquals(functions((await run(["usdt", "list", path])).stdout), ["work", "work", "work", "other"]);
    Deno.removeSync(`${path}.debug`);
    assertEquals(functions((await run(["usdt", "list", path])).stdout), ["", "", ""]);
  },
});
