import { assert, assertEquals, assertGreaterOrEqual, assertThrows } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { DTraceError } from "../../lib/errors.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { PT_GNU_EH_FRAME } from "../../lib/object/elf_constants.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { frameRange } from "../../lib/object/frame_table.ts";
import { Random } from "../isa/x86_64/random.ts";
import { exists, run, target } from "./files.ts";

const MUTATION_COUNT = 2000;

function open(bytes: Uint8Array): ElfFile {
  return new ElfFile(byteSource(bytes), { name: "seed" });
}

/** The ranges that `readelf` tells. */
function readelfRanges(path: string): { start: number; end: number }[] {
  return [...run("readelf", "-wfN", path).matchAll(/FDE cie=\S+ pc=([0-9a-f]+)\.\.([0-9a-f]+)$/gm)]
    .map(([, start = "", end = ""]) => ({ start: parseInt(start, 16), end: parseInt(end, 16) }));
}

/** Checks that every function that `readelf` tells is found. */
function compareWithReadelf(path: string): void {
  const elf = open(Deno.readFileSync(path));
  const expected = readelfRanges(path);
  assertGreaterOrEqual(expected.length, 3);
  for (const range of expected) {
    for (const vaddr of [range.start, range.end - 1]) assertEquals(frameRange(elf, vaddr), range);
  }
}

for (const name of ["ifunc_no_pie", "ifunc_static_pie"]) {
  Deno.test(`frameRange() finds the functions that readelf tells of ${name}`, () => compareWithReadelf(target(name)));
}

for (const path of ["/bin/ls", "/lib/x86_64-linux-gnu/libc.so.6", "/usr/aarch64-linux-gnu/lib/libc.so.6"]) {
  Deno.test({
    name: `frameRange() finds the functions that readelf tells of ${path}`,
    ignore: !exists(path),
    fn: () => compareWithReadelf(path),
  });
}

Deno.test("frameRange() finds nothing where there is no function", () => {
  const elf = open(Deno.readFileSync(target("ifunc_static_pie")));
  for (const vaddr of [0, -1, elf.vaddrRange.end, 2 ** 52, Infinity, NaN]) {
    assertEquals(frameRange(elf, vaddr), undefined, `at ${vaddr}`);
  }
});

Deno.test("frameRange() finds nothing in a table of unusual encodings, or in a file without one", () => {
  const bytes = Deno.readFileSync(target("ifunc_no_pie"));
  const elf = open(bytes);
  const { start } = readelfRanges(target("ifunc_no_pie"))[0]!;
  assert(frameRange(elf, start) !== undefined);
  const index = elf.segments.findIndex(({ type }) => type === PT_GNU_EH_FRAME);
  bytes[elf.segments[index]!.offset + 3] = 0x0b;
  assertEquals(frameRange(open(bytes), start), undefined);
  bytes[elf.segments[index]!.offset + 3] = 0x3b;
  new DataView(bytes.buffer).setUint32(64 + 56 * index, 0, true);
  assertEquals(frameRange(open(bytes), start), undefined);
});

Deno.test("frameRange() does not believe a description that begins elsewhere than the table says", () => {
  const bytes = Deno.readFileSync(target("ifunc_no_pie"));
  const { start } = readelfRanges(target("ifunc_no_pie"))[0]!;
  const { offset, sizeBytes } = open(bytes).section(".eh_frame")!;
  bytes.fill(0xee, offset, offset + sizeBytes);
  assertEquals(frameRange(open(bytes), start), undefined);
});

Deno.test("D_PROC_ELF: a table of call frames that does not lie inside the file", () => {
  const bytes = Deno.readFileSync(target("ifunc_no_pie"));
  const { offset } = open(bytes).segments.find(({ type }) => type === PT_GNU_EH_FRAME)!;
  const error = assertThrows(() => frameRange(open(bytes.subarray(0, offset + 4)), 0x401136), DTraceError);
  assertEquals(error.tag, "D_PROC_ELF");
});

Deno.test("frameRange() survives mutations of the table and its descriptions", () => {
  const seed = Deno.readFileSync(target("ifunc_no_pie"));
  const [table, descriptions] = [".eh_frame_hdr", ".eh_frame"].map((name) => open(seed).section(name)!);
  const ranges = [[64, 64 + 56 * 10], ...[table!, descriptions!].map((it) => [it.offset, it.offset + it.sizeBytes])];
  const functions = readelfRanges(target("ifunc_no_pie"));
  const random = new Random(0x1f);
  let found = 0;
  for (let index = 0; index < MUTATION_COUNT; index++) {
    const bytes = seed.slice();
    const view = new DataView(bytes.buffer);
    const [start = 0, end = 0] = random.pick(ranges);
    view.setUint32(start + random.below((end - start) / 4) * 4, random.half(), true);
    const loadedAt = index % 5 === 0 ? toAddress(0x7f0000000000) : undefined;
    const vaddr = random.pick(functions).start;
    try {
      const range = frameRange(new ElfFile(byteSource(bytes), { name: "fuzz", loadedAt }), vaddr);
      assert(range === undefined || (range.start <= vaddr && vaddr < range.end));
      if (range !== undefined) found++;
    } catch (error) {
      if (!(error instanceof DTraceError) || error.tag !== "D_PROC_ELF") throw error;
    }
  }
  assert(found > MUTATION_COUNT / 20 && found < MUTATION_COUNT * 0.95, `${found} were found`);
});
