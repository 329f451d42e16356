/** SystemTap notes: of what compilers and distributions make, as readelf has them; and of hostile files. */

import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { readStapNotes } from "../../lib/object/stap_notes.ts";
import { readStapProbes, type StapProbe } from "../../lib/object/stap_probes.ts";
import { operandType } from "../../lib/operand.ts";
import { testWith, Workshop } from "../programs/real_program.ts";
import { buildElf, CODE_BYTES, CODE_VADDR, type ElfSpec, type SectionSpec } from "./elf_builder.ts";
import { CountingFile, exists, run } from "./files.ts";
import { buildNotes, type NoteSpec, readelfNotes } from "./stap_notes.ts";

/** Far more than any file needs, because the machine may be busy. */
const MILLISECONDS_MAX = 5000;
/** Where programs of other machines find `sys/sdt.h`, behind their own headers. */
const SDT = ["-nostdlib", "-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", "/usr/include"];
const SDT_HEADER = "/usr/include/x86_64-linux-gnu/sys/sdt.h";

function open(path: string): ElfFile {
  return new ElfFile(new CountingFile(path), { name: path, foreign: true });
}

/** A file with notes; `sections` stand behind that of the notes. */
function withNotes(notes: readonly NoteSpec[] | Uint8Array, spec: ElfSpec = {}): ElfFile {
  const bytes = notes instanceof Uint8Array ? notes : buildNotes(notes);
  const sections = [{ name: ".note.stapsdt", type: 7, bytes }, ...(spec.sections ?? [])];
  return new ElfFile(byteSource(buildElf({ ...spec, sections })), { name: "built" });
}

/** The probes of a file as `provider:function:name`. */
function namesOf(probes: readonly StapProbe[]): string[] {
  return probes.map((probe) => `${probe.provider}:${probe.function}:${probe.name}`);
}

/** What we and readelf say of a file has to be the same, and each operand understood, but for those with a reason. */
function assertAsReadelf(
  path: string,
  count: number,
  reason: (operand: string) => string | undefined = () => undefined,
): StapProbe[] {
  const elf = open(path);
  const expected = readelfNotes(path);
  assertGreaterOrEqual(expected.length, count, path);
  const key = (note: { provider: string; name: string; operands: string }, vaddr: number, semaphore: number) =>
    [note.provider, note.name, vaddr, semaphore, note.operands].join(" ");
  assertEquals(
    readStapNotes(elf).map((note) => key(note, note.vaddr, note.semaphore ?? 0)),
    [...new Set(expected.map((note) => key(note, note.location, note.semaphore)))],
  );
  const probes = readStapProbes(elf);
  assertEquals(
    [...new Set(probes.map(({ provider, name }) => `${provider} ${name}`))].sort(),
    [
      ...new Set(expected.map(({ provider, name }) => `${provider} ${name.replaceAll("__", "-")}`)),
    ].sort(),
  );
  for (const site of probes.flatMap(({ sites }) => sites)) {
    assertEquals([site.problems, site.unusable], [[], false]);
    for (const { text, place } of site.operands) {
      assertEquals(place.kind === "unknown" ? place.reason : undefined, reason(text), `${text} in ${path}`);
    }
  }
  return probes;
}

const libjvm = exists("/usr/bin/java")
  ? Deno.realPathSync("/usr/bin/java").replace("bin/java", "lib/server/libjvm.so")
  : "";

for (
  const [path, count] of [
    ["/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 3],
    ["/usr/bin/python3.11", 8],
    ["/usr/bin/php8.2", 14],
    ["/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1", 40],
    ["/usr/lib/postgresql/15/bin/postgres", 70],
    ["/usr/lib/x86_64-linux-gnu/libvirt.so.0", 40],
    ["/usr/sbin/libvirtd", 9],
    ["/usr/lib/x86_64-linux-gnu/sssd/libsss_util.so", 4],
    [libjvm, 500],
  ] as const
) {
  testWith(["readelf", path || "/usr/bin/java"], `readStapProbes() finds what readelf finds in ${path}`, () => {
    assertAsReadelf(path, count);
  });
}

testWith(["/usr/lib/x86_64-linux-gnu/libstdc++.so.6"], "readStapProbes() knows the functions of libstdc++", () => {
  assertEquals(namesOf(readStapProbes(open("/usr/lib/x86_64-linux-gnu/libstdc++.so.6"))).sort(), [
    "libstdcxx:__cxa_begin_catch:catch",
    "libstdcxx:__cxa_rethrow:rethrow",
    "libstdcxx:__cxa_throw:throw",
  ]);
});

/** Why an operand of the compiled program has no value, if it has none. */
function compiledReason(text: string): string | undefined {
  // A literal has no name in the file.
  const literal = /^[48]f@(\.LC\d)(\(%rip\)|@GOTOFF\(%e[abcd]x\))?$/.exec(text)?.[1];
  if (literal !== undefined) return `its symbol "${literal}" is not in the file's symbol table`;
  return /^8f?@%e/.test(text) ? "half of it is in a register that is not named" : undefined;
}

const COMPILERS: readonly (readonly [flags: string, ...command: string[]])[] = [
  ...["-O0", "-O1", "-O2", "-O3", "-Os", "-O2 -fPIC -shared", "-O0 -fPIC -shared", "-O2 -no-pie", "-O2 -flto"]
    .flatMap((flags): [string, string][] => [[flags, "gcc"], [flags, "g++"]]),
  ...["-O0", "-O2", "-Os", "-O2 -fPIC"].map((flags): [string, ...string[]] => [
    `${flags} -shared`,
    ...["gcc", "-m32", ...SDT, "-Wl,-z,notext"],
  ]),
  ["-O2 -fno-pic -no-pie -e main", "gcc", "-m32", ...SDT],
  ["-O2 -fPIC -shared", "aarch64-linux-gnu-gcc", ...SDT],
  ["-O2 -fPIC -shared -mbig-endian", "aarch64-linux-gnu-gcc", ...SDT],
  ["-O0 -no-pie -e main", "aarch64-linux-gnu-gcc", ...SDT],
];

for (const [flags, compiler, ...options] of COMPILERS) {
  const title = `readStapProbes() reads what ${compiler} ${options.includes("-m32") ? "-m32 " : ""}${flags} makes`;
  testWith(["readelf", compiler!, SDT_HEADER], title, () => {
    using workshop = new Workshop();
    const path = workshop.compile([compiler!, ...options, ...flags.split(" ")], "static_probes.c");
    const probes = assertAsReadelf(path, 10, compiledReason);
    const work = compiler === "g++" ? "_Z4workatiydfPKci" : "work";
    const other = compiler === "g++" ? "_Z5otheri" : "other";
    const names = ["byte", "two-words", "many", "constants", "globals", "addresses", "index", "reals", "none"];
    const expected = names.map((name) => `app:${work}:${name}`).concat(`app:${other}:none`);
    assertEquals(namesOf(probes).sort(), expected.sort());
    const types = (name: string) =>
      probes.find((probe) => probe.name === name)?.sites[0]?.operands.map((operand) => operandType(operand));
    assertEquals(types("byte"), ["int8_t"]);
    assertEquals(types("two-words"), ["uint16_t", "int32_t"]);
    assertEquals(types("many")?.slice(0, 3), ["uint64_t", "double", "float"]);
    assertEquals(types("globals"), ["int32_t", "int32_t", "int32_t", "double"]);
  });
}

testWith(["gcc", "nm", SDT_HEADER], "readStapProbes() resolves symbols to what nm says", () => {
  using workshop = new Workshop();
  const path = workshop.compile(["gcc", "-O2", "-no-pie"], "static_probes.c");
  const addresses = new Map(run("nm", path).split("\n").map((line) => [line.slice(19), parseInt(line, 16)]));
  const places = readStapProbes(open(path)).find(({ name }) => name === "globals")!.sites[0]!.operands
    .filter(({ text }) => !/\d\(/.test(text)).map(({ place }) => place);
  assertEquals(places, [
    { kind: "memory", scale: 1, displacement: addresses.get("global")!, inModule: true },
    { kind: "memory", scale: 1, displacement: -4, segment: "fs" },
    { kind: "memory", scale: 1, displacement: addresses.get("real")!, inModule: true },
  ]);
});

testWith(["gcc", "objcopy", "strip", SDT_HEADER], "readStapProbes() counts the copies in a debug file once", () => {
  using workshop = new Workshop();
  const path = workshop.compile(["gcc", "-O2", "-g"], "static_probes.c");
  const whole = readStapProbes(open(path));
  run("objcopy", "--only-keep-debug", path, `${path}.debug`);
  run("strip", path);
  const stripped = readStapProbes(open(path), { debugFile: open(`${path}.debug`) });
  assertEquals(stripped, whole);
  assertEquals(readStapNotes(open(`${path}.debug`)), readStapNotes(open(path)));
  const alone = readStapProbes(open(path));
  assertEquals([...new Set(alone.map((probe) => probe.function))], [""]);
  assertEquals(alone.find(({ name }) => name === "globals")?.sites[0]?.operands[0]?.place, {
    kind: "unknown",
    reason: `its symbol "global" is not in the file's symbol table`,
  });
});

Deno.test("readStapNotes() corrects addresses by .stapsdt.base, and lists copies once", () => {
  const sections: SectionSpec[] = [{ name: ".stapsdt.base", type: 1, vaddr: 0x403000, sizeBytes: 1 }];
  const note = { vaddr: CODE_VADDR - 0x10000 + 5, base: 0x403000 - 0x10000, semaphore: 0x3f2000 };
  const notes = readStapNotes(withNotes([note, note, { ...note, base: 0 }, { ...note, semaphore: 0 }], { sections }));
  assertEquals(notes.map(({ vaddr, semaphore }) => [vaddr, semaphore]), [
    [CODE_VADDR + 5, 0x402000],
    [CODE_VADDR + 5 - 0x10000, 0x3f2000],
    [CODE_VADDR + 5, undefined],
  ]);
  assertEquals(readStapNotes(withNotes([note])).map(({ vaddr }) => vaddr), [CODE_VADDR + 5 - 0x10000]);
});

Deno.test("readStapProbes() groups sites by provider, function and name", () => {
  const at = (offset: number, name: string, provider = "app") => ({ vaddr: CODE_VADDR + offset, name, provider });
  const probes = readStapProbes(
    withNotes([at(0, "a__b"), at(4, "a-b"), at(16, "a__b"), at(8, "a__b", "pid"), at(40, "___")], {
      symbols: [{ name: "f", vaddr: CODE_VADDR }, { name: "g", vaddr: CODE_VADDR + 16 }],
    }),
  );
  assertEquals(probes.map((probe) => [...namesOf([probe]), probe.sites.map(({ vaddr }) => vaddr - CODE_VADDR)]), [
    ["app:f:a-b", [0, 4]],
    ["app:g:a-b", [16]],
    ["pid:f:a-b", [8]],
    ["app::-_", [40]],
  ]);
});

Deno.test("readStapProbes() says what is wrong with a site, and keeps the others", () => {
  const probes = readStapProbes(withNotes([
    { name: "far", vaddr: CODE_VADDR + CODE_BYTES },
    { name: "semaphore", vaddr: CODE_VADDR, semaphore: 0x700000 },
    { name: "many", vaddr: CODE_VADDR, operands: "1@%al ".repeat(70) },
    { name: "odd", vaddr: CODE_VADDR, operands: "4@%eax 4@?" },
    { name: "\xff\n", vaddr: CODE_VADDR },
  ]));
  assertEquals(probes.map(({ sites }) => [sites[0]!.problems, sites[0]!.unusable, sites[0]!.semaphore]), [
    [["its address 0x402000 is outside of the code"], true, undefined],
    [["its semaphore 0x700000 is outside of the writable memory"], false, undefined],
    [["only its first 64 arguments are read"], false, undefined],
    [[], false, undefined],
    [[], false, undefined],
  ]);
  assertEquals(probes[3]!.sites[0]!.operands.map(({ place }) => place.kind), ["register", "unknown"]);
  assertEquals(probes[4]!.name, "ÿ\n");
});

Deno.test("readStapProbes() tells variables of one name in two object files from one of one file", () => {
  const operands = "4@twice(%rip) 4@once(%rip) 4@thread(%rip) 8@$once";
  const variable = { type: 1, sizeBytes: 4, binding: 0 };
  const [probe] = readStapProbes(withNotes([{ vaddr: CODE_VADDR, operands }], {
    symbols: [
      { ...variable, name: "twice", vaddr: CODE_VADDR + 8 },
      { ...variable, name: "twice", vaddr: CODE_VADDR + 12 },
      { ...variable, name: "once", vaddr: CODE_VADDR + 4 },
      { ...variable, name: "thread", vaddr: 4, type: 6 },
    ],
  }));
  assertEquals(probe?.sites[0]?.operands.map(({ place }) => place.kind === "unknown" ? place.reason : place), [
    'its symbol "twice" stands for several variables',
    { kind: "memory", scale: 1, displacement: CODE_VADDR + 4, inModule: true },
    'its symbol "thread" is of another kind',
    { kind: "constant", lo: CODE_VADDR + 4, hi: 0, inModule: true },
  ]);
});

Deno.test("readStapProbes() reads 10,000 probes in one object, soon", () => {
  const notes = Array.from({ length: 10_000 }, (_, index) => ({
    name: `probe__${index}`,
    vaddr: CODE_VADDR + index % 4000,
    operands: `8@%rdi -4@${index}+table(%rip)`,
  }));
  const symbols = Array.from({ length: 100 }, (_, index) => ({ name: `f${index}`, vaddr: CODE_VADDR + 40 * index }));
  const elf = withNotes(notes, { symbols: [...symbols, { name: "table", vaddr: 0x403000, type: 1 }] });
  const start = performance.now();
  const probes = readStapProbes(elf);
  assertEquals(probes.length, 10_000);
  assertEquals(probes[9999]!.sites[0]!.operands[1]!.place, {
    kind: "memory",
    scale: 1,
    displacement: 0x403000 + 9999,
    inModule: true,
  });
  assert(performance.now() - start < MILLISECONDS_MAX);
});

Deno.test("D_PROC_ELF: notes of static probes that are cut anywhere but between two of them", () => {
  const one = buildNotes([{ provider: "app", name: "first", operands: "8@%rdi" }]);
  const notes = buildNotes([{ provider: "app", name: "first", operands: "8@%rdi" }, {
    name: "second",
    operands: "wxyz",
  }]);
  // Behind the strings there is padding, which may be missing.
  const unpadded = 20 + 24 + "app first 8@%rdi ".length;
  for (let length = 0; length < notes.length; length++) {
    const elf = withNotes(notes.slice(0, length));
    const notesTotal = length < unpadded ? 0 : 1;
    if (length === 0 || (length >= unpadded && length <= one.length)) {
      assertEquals(readStapNotes(elf).length, notesTotal);
    } else {
      assertEquals(assertThrows(() => readStapNotes(elf), DTraceError).tag, "D_PROC_ELF", `${length}`);
    }
  }
});

Deno.test("D_PROC_ELF: static probes without addresses, names, or with an absurd address", () => {
  const message = (change: (notes: DataView) => void) => {
    const notes = buildNotes([{ provider: "app", name: "first", operands: "8@%rdi", vaddr: 1, semaphore: 2 }]);
    change(new DataView(notes.buffer));
    return assertThrows(() => readStapNotes(withNotes(notes)), DTraceError).message;
  };
  assertStringIncludes(message((notes) => notes.setUint32(4, 23, true)), "one of its notes reaches behind the end");
  const short = buildNotes([{ provider: "", name: "", operands: "" }]);
  short.fill(0, 20);
  new DataView(short.buffer).setUint32(4, 23, true);
  assertStringIncludes(
    assertThrows(() => readStapNotes(withNotes(short)), DTraceError).message,
    "one of its static probes has no addresses",
  );
  assertStringIncludes(
    message((notes) => new Uint8Array(notes.buffer).fill(0x61, 44)),
    "one of its static probes has names without an end",
  );
  assertStringIncludes(
    message((notes) => notes.setUint32(24, 0xffffffff, true)),
    "one of its static probes has an absurd address",
  );
});
