import { assertEquals } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { PT_LOAD } from "../../lib/object/elf_constants.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { readObjectiveC } from "../../lib/object/objective_c.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { openFile, target } from "./files.ts";

const PATH = target("objective_c_data");

/** The methods as `class:method=function`; the second ones of two lists lead nowhere, and end them. */
function describe(elf: ElfFile, symbols: SymbolTable): string[] {
  return readObjectiveC(elf).map(({ className, name, vaddr }) =>
    `${className}:${name}=${symbols.containing(vaddr)?.name}`
  );
}

const METHODS = [
  "Shape:-a_b:c:=one",
  "Shape:-d=two",
  "Shape:+make=three",
  "Shape(Round):-e:=two",
  "Shape(Round):+g=one",
  "Shape(Round):+h=two",
];

Deno.test("readObjectiveC() finds methods of classes and categories, and ends where data ends", () => {
  assertEquals(describe(openFile(PATH), new SymbolTable(openFile(PATH))), METHODS);
});

Deno.test("readObjectiveC() finds the addresses in the relocations, as lld leaves them, and in memory", () => {
  const symbols = new SymbolTable(openFile(PATH));
  const bytes = Deno.readFileSync(PATH);
  const file = new ElfFile(byteSource(bytes), { name: PATH });
  const image = new Uint8Array(file.vaddrRange.end);
  for (const { type, vaddr, offset, fileBytes } of file.segments) {
    if (type === PT_LOAD) image.set(bytes.subarray(offset, offset + fileBytes), vaddr);
  }
  // The library puts others in place of the selectors when it has been told of them.
  const data = file.section(".data")!;
  const view = new DataView(image.buffer);
  for (const method of readObjectiveC(file)) {
    for (let at = data.vaddr; at < data.vaddr + data.sizeBytes; at += 8) {
      if (view.getBigUint64(at, true) === BigInt(method.vaddr)) view.setBigUint64(at - 16, 0x7fff00001234n, true);
    }
  }
  const loaded = new ElfFile(byteSource(image), { name: "image", loadedAt: toAddress(0x7f0000000000) });
  assertEquals(describe(loaded, symbols), METHODS);
});

Deno.test("readObjectiveC() finds nothing where there is none", () => {
  for (const path of [target("calls"), target("calls_static"), "/lib/x86_64-linux-gnu/libc.so.6"]) {
    assertEquals(readObjectiveC(openFile(path)), []);
  }
});
