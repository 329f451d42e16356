import { assert, assertEquals, assertExists } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { type FileMapping, loadBias } from "../../lib/object/load_bias.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { buildElf, CODE_VADDR } from "./elf_builder.ts";
import { openFile, target } from "./files.ts";

const AT_ENTRY = 9;

/** The files that a process has mapped: the first part of each, and the one with its code. */
function mappingsOf(pid: number): Map<string, { first: FileMapping; code: FileMapping | undefined }> {
  const mappings = new Map<string, { first: FileMapping; code: FileMapping | undefined }>();
  const line = /^([0-9a-f]+)-[0-9a-f]+ (....) ([0-9a-f]+) \S+ \d+ +(\/.*)$/gm;
  for (const [, start = "", flags = "", offset = "", path = ""] of readText(pid, "maps").matchAll(line)) {
    const executable = flags.includes("x");
    const mapping = { start: toAddress(parseInt(start, 16)), offset: parseInt(offset, 16), executable };
    const known = mappings.get(path);
    mappings.set(path, { first: known?.first ?? mapping, code: known?.code ?? (executable ? mapping : undefined) });
  }
  return mappings;
}

function readText(pid: number, name: string): string {
  return Deno.readTextFileSync(`/proc/${pid}/${name}`);
}

/** The address of the program's first instruction, as the kernel told it. */
function entryOf(pid: number): number | undefined {
  const words = new BigUint64Array(Deno.readFileSync(`/proc/${pid}/auxv`).buffer);
  const at = words.findIndex((word, index) => index % 2 === 0 && word === BigInt(AT_ENTRY));
  return Number(words[at + 1]);
}

for (const name of ["sym_pie", "sym_no_pie", "sym_static", "sym_static_pie"]) {
  Deno.test(`loadBias() leads to the addresses that ${name} prints and that the kernel tells`, async () => {
    const child = new Deno.Command(target(name), { stdin: "piped", stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    try {
      const { value } = await reader.read();
      const [go, bare] = new TextDecoder().decode(value).trim().split(" ").map(Number);
      const elf = openFile(target(name));
      const mappings = mappingsOf(child.pid);
      const own = mappings.get(target(name))?.code;
      assertExists(own);
      const bias = loadBias(elf, own) ?? NaN;
      assertEquals(elf.entry + bias, entryOf(child.pid));
      const table = new SymbolTable(elf);
      assertEquals([table.find("go"), table.find("bare")].map((it) => (it?.vaddr ?? 0) + bias), [go, bare]);
      // A library's first byte is where its first mapping is.
      for (const [path, { first, code }] of mappings) {
        if (code !== undefined) assertEquals(loadBias(openFile(path), code), loadBias(openFile(path), first), path);
      }
      assert(mappings.size > 1 || elf.interpreter === undefined);
    } finally {
      await reader.cancel();
      await child.stdin.close();
      await child.status;
    }
  });
}

Deno.test("loadBias() is undefined for a part of the file that no segment is loaded from", () => {
  const elf = new ElfFile(byteSource(buildElf({})), { name: "built" });
  const bias = (offset: number) => loadBias(elf, { start: toAddress(CODE_VADDR), offset, executable: true });
  assertEquals([0, 0x1000, 0x2000].map(bias), [undefined, 0, undefined]);
});

Deno.test("loadBias() takes the executable segment for executable memory if two share a page of the file", () => {
  const bytes = buildElf({});
  const view = new DataView(bytes.buffer);
  // Before the code's segment comes another, for data, that is in the same page of the file and 0x10000 bytes below.
  view.setUint16(56, 2, true);
  bytes.copyWithin(64 + 56, 64, 64 + 56);
  view.setUint32(64 + 4, 6, true);
  view.setUint32(64 + 16, CODE_VADDR - 0x10000, true);
  const elf = new ElfFile(byteSource(bytes), { name: "built" });
  const bias = (vaddr: number, executable: boolean) =>
    loadBias(elf, { start: toAddress(0x7f0000000000 + vaddr), offset: 0x1000, executable });
  assertEquals(bias(CODE_VADDR, true), 0x7f0000000000);
  assertEquals(bias(CODE_VADDR - 0x10000, false), 0x7f0000000000);
});
