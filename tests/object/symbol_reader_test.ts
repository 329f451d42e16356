import { assertEquals, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { buildElf, CODE_BYTES, CODE_VADDR, names, openElf, tableOf } from "./elf_builder.ts";

const LOCAL = 0;

Deno.test("SymbolTable skips data, undefined and nameless symbols, linkage tables, and what is no code", () => {
  const vaddr = CODE_VADDR;
  const table = new SymbolTable(openElf({
    sections: [
      { name: ".plt", type: 1, flags: 6, vaddr: vaddr + 0x80, sizeBytes: 0x100 },
      { name: ".plt.sec", type: 1, flags: 6, vaddr: vaddr + 0x100, sizeBytes: 0x100 },
    ],
    symbols: [
      { name: "data", vaddr, type: 1 },
      { name: "undefined", vaddr, section: 0 },
      { name: "common", vaddr, section: 0xfff2 },
      { name: "outside", vaddr: vaddr + CODE_BYTES },
      { name: "", vaddr },
      { name: "puts$plt", vaddr: vaddr + 0x90 },
      { name: "exit$plt", vaddr: vaddr + 0x190 },
      { name: "function", vaddr: vaddr + 0x200 },
    ],
  }));
  assertEquals(names(table.match()), ["function"]);
});

Deno.test("SymbolTable removes versions from names", () => {
  const table = tableOf({ name: "memcpy@@GLIBC_2.14", vaddr: 0 }, { name: "@odd", vaddr: 0x20 });
  assertEquals(names(table.match()), ["memcpy", "@odd"]);
  assertEquals(table.find("memcpy")?.vaddr, CODE_VADDR);
});

Deno.test("SymbolTable takes from .dynsym the functions that .symtab does not have", () => {
  const at = (name: string, vaddr: number) => ({ name, vaddr: CODE_VADDR + vaddr });
  const table = new SymbolTable(openElf({
    symbols: [at("kept", 0)],
    dynamicSymbols: [at("kept", 0), at("exported", 0x40)],
  }));
  assertEquals(names(table.match()), ["kept", "exported"]);
  assertEquals(table.source, ".symtab");
});

Deno.test("SymbolTable takes names from the debug file and addresses of code from the file", () => {
  const stripped = openElf({ dynamicSymbols: [{ name: "exported", vaddr: CODE_VADDR }] });
  const debugFile = openElf({
    symbols: [{ name: "exported", vaddr: CODE_VADDR }, { name: "private", vaddr: CODE_VADDR + 0x40, binding: LOCAL }],
  });
  const table = new SymbolTable(stripped, debugFile);
  assertEquals(names(table.match()), ["exported", "private"]);
  assertEquals(table.source, "debug file");
});

Deno.test("SymbolTable reads tables at odd places", () => {
  const bytes = buildElf({ symbols: [{ name: "f", vaddr: CODE_VADDR }] });
  const moved = new Uint8Array(bytes.length + 1);
  moved.set(bytes, 1);
  const table = new SymbolTable(new ElfFile(byteSource(moved.subarray(1)), { name: "odd" }));
  assertEquals(table.find("f")?.vaddr, CODE_VADDR);
});

Deno.test("SymbolTable does not read the names of .dynsym if .symtab has its functions", () => {
  const symbols = [{ name: "f", vaddr: CODE_VADDR }];
  const bytes = buildElf({ symbols, dynamicSymbols: symbols });
  const names = new ElfFile(byteSource(bytes), { name: "seed" }).section(".dynstr");
  const offsets: number[] = [];
  const source = {
    sizeBytes: bytes.length,
    read(offset: number, length: number) {
      offsets.push(offset);
      return bytes.subarray(offset, offset + length);
    },
  };
  assertEquals(new SymbolTable(new ElfFile(source, { name: "both" })).count, 1);
  assertEquals(offsets.includes(names?.offset ?? 0), false);
});

Deno.test("D_PROC_ELF: code that spans 4 GiB", () => {
  const bytes = buildElf({});
  const view = new DataView(bytes.buffer);
  view.setUint16(56, 2, true);
  bytes.copyWithin(64 + 56, 64, 64 + 56);
  view.setUint32(64 + 56 + 20, 1, true);
  const elf = new ElfFile(byteSource(bytes), { name: "wide" });
  assertThrows(() => new SymbolTable(elf), DTraceError, "its code spans 4 GiB or more");
});

Deno.test("D_PROC_ELF: a symbol table without string table", () => {
  const elf = openElf({ sections: [{ name: ".symtab", type: 2, bytes: new Uint8Array(48) }] });
  const error = assertThrows(() => new SymbolTable(elf), DTraceError);
  assertEquals(error.message, 'Cannot read ELF file "built": its section ".symtab" has no string table');
  assertEquals(error.tag, "D_PROC_ELF");
});
