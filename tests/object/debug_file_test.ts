import { assertEquals, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { debugFilePaths, isDebugFileOf, readDebugLink } from "../../lib/object/debug_file.ts";
import { parseNotes, readBuildId } from "../../lib/object/elf_notes.ts";
import { openElf, type SectionSpec } from "./elf_builder.ts";
import { openFile, run, target } from "./files.ts";

const SHT_NOTE = 7;

/** A .gnu_debuglink: name, NUL, padding, checksum. */
function linkSection(name: string, crc = 0): SectionSpec {
  const bytes = new Uint8Array(Math.ceil((name.length + 1) / 4) * 4 + 4);
  bytes.set(new TextEncoder().encode(name));
  new DataView(bytes.buffer).setUint32(bytes.length - 4, crc, true);
  return { name: ".gnu_debuglink", type: 1, bytes };
}

/** A .note.gnu.build-id. */
function buildIdSection(...buildId: number[]): SectionSpec {
  const bytes = Uint8Array.from([4, 0, 0, 0, buildId.length, 0, 0, 0, 3, 0, 0, 0, 0x47, 0x4e, 0x55, 0, ...buildId]);
  return { name: ".note.gnu.build-id", type: SHT_NOTE, bytes };
}

Deno.test("debugFilePaths() lists gdb's places in gdb's order", () => {
  const elf = openElf({ sections: [buildIdSection(0xab, 0xcd, 0xef), linkSection("tool.debug")] });
  assertEquals(debugFilePaths(elf, "/opt/bin/tool"), [
    "/usr/lib/debug/.build-id/ab/cdef.debug",
    "/opt/bin/tool.debug",
    "/opt/bin/.debug/tool.debug",
    "/usr/lib/debug/opt/bin/tool.debug",
  ]);
  assertEquals(debugFilePaths(openElf({}), "/opt/bin/tool"), []);
});

Deno.test("debugFilePaths() never lists the file itself", () => {
  const elf = openElf({ sections: [linkSection("tool")] });
  assertEquals(debugFilePaths(elf, "/tool"), ["/.debug/tool", "/usr/lib/debug/tool"]);
});

Deno.test("readDebugLink() refuses paths and broken sections", () => {
  const link = (section: SectionSpec) => readDebugLink(openElf({ sections: [section] }));
  assertEquals(link(linkSection("a.debug", 0xcafef00d)), { name: "a.debug", crc: 0xcafef00d });
  for (const name of ["../../etc/shadow", "..", ".", "", "a/b"]) assertEquals(link(linkSection(name)), undefined);
  assertEquals(link({ name: ".gnu_debuglink", type: 1, bytes: new TextEncoder().encode("unending") }), undefined);
  assertEquals(link({ name: ".gnu_debuglink", type: 1, bytes: new TextEncoder().encode("no crc\0\0") }), undefined);
});

Deno.test("readBuildId() reads what readelf reads", () => {
  const expected = /Build ID: ([0-9a-f]+)/.exec(run("readelf", "-n", target("sym_pie")))?.[1];
  assertEquals(readBuildId(openFile(target("sym_pie"))), expected);
});

Deno.test("readBuildId() reads the notes of segments if there are no sections", async () => {
  const path = await Deno.makeTempFile();
  try {
    const file = Deno.readFileSync(target("sym_pie"));
    file.fill(0, 40, 48);
    await Deno.writeFile(path, file);
    assertEquals(readBuildId(openFile(path)), readBuildId(openFile(target("sym_pie"))));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("parseNotes() pads to the alignment of the section", () => {
  const note = (
    type: number,
    ...rest: number[]
  ) => [4, 0, 0, 0, 4, 0, 0, 0, type, 0, 0, 0, 0x47, 0x4e, 0x55, 0, ...rest];
  for (const [align, padding] of [[4, []], [8, [0, 0, 0, 0]], [1, []]] as const) {
    const bytes = Uint8Array.from([...note(5, 1, 1, 1, 1, ...padding), ...note(3, 2, 2, 2, 2, ...padding)]);
    assertEquals(parseNotes(openElf({}), bytes, align), [
      { owner: "GNU", type: 5, descriptor: Uint8Array.of(1, 1, 1, 1) },
      { owner: "GNU", type: 3, descriptor: Uint8Array.of(2, 2, 2, 2) },
    ]);
  }
});

Deno.test("D_PROC_ELF: a note that reaches behind the end of its section", () => {
  const section = buildIdSection(1, 2, 3, 4);
  section.bytes?.set([0xff, 0xff, 0xff, 0xff], 4);
  const error = assertThrows(() => readBuildId(openElf({ sections: [section] })), DTraceError);
  assertEquals(error.tag, "D_PROC_ELF");
});

Deno.test("isDebugFileOf() compares build identifiers, and never computes a checksum then", () => {
  const elf = openElf({ sections: [buildIdSection(1, 2, 3, 4)] });
  assertEquals(isDebugFileOf(elf, openElf({ sections: [buildIdSection(1, 2, 3, 4)] })), true);
  assertEquals(isDebugFileOf(elf, openElf({ sections: [buildIdSection(1, 2, 3, 5)] })), false);
  assertEquals(isDebugFileOf(elf, openElf({})), false);
});

Deno.test("isDebugFileOf() accepts the file that objcopy linked, by checksum, and no other", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [stripped, debug, other] = ["tool", "tool.debug", "other"].map((name) => `${directory}/${name}`) as [
      string,
      string,
      string,
    ];
    run("objcopy", "--only-keep-debug", "--remove-section=.note.gnu.build-id", target("sym_pie"), debug);
    run("objcopy", "--strip-all", `--add-gnu-debuglink=${debug}`, target("sym_pie"), stripped);
    await Deno.copyFile(debug, other);
    Deno.writeFileSync(other, Uint8Array.of(0), { append: true });
    assertEquals(debugFilePaths(openFile(stripped), stripped)[1], debug);
    assertEquals(isDebugFileOf(openFile(stripped), openFile(debug)), true);
    assertEquals(isDebugFileOf(openFile(stripped), openFile(other)), false);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
