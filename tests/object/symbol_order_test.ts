import { assertEquals } from "@std/assert";
import { type FunctionSymbol, SymbolTable } from "../../lib/object/symbol_table.ts";
import { names, type SymbolSpec, tableOf } from "./elf_builder.ts";
import { openFile, target } from "./files.ts";

const LOCAL = 0;
const WEAK = 2;

Deno.test("SymbolTable lists a function of several names once and finds it by each of them", () => {
  const table = new SymbolTable(openFile(target("sym_pie")));
  assertEquals(names(table.match((name) => /^_*go/.test(name))), ["go"]);
  const { vaddr } = table.find("go") as FunctionSymbol;
  for (const name of ["go", "_go", "go_weakly"]) {
    assertEquals([table.find(name)?.name, table.find(name)?.vaddr], [name, vaddr]);
  }
  assertEquals(table.find("go_weakly")?.binding, "weak");
});

Deno.test("SymbolTable.match() takes the best of a function's names that matches", () => {
  const table = tableOf({ name: "__fork", vaddr: 0 }, { name: "fork", vaddr: 0, binding: WEAK });
  assertEquals(names(table.match()), ["fork"]);
  assertEquals(names(table.match((name) => name.startsWith("__"))), ["__fork"]);
});

Deno.test("SymbolTable names a function by visibility, underscores, strength, version, length, place", () => {
  const pairs: [SymbolSpec, SymbolSpec][] = [
    [{ name: "_seen", vaddr: 0 }, { name: "a", vaddr: 0, binding: LOCAL }],
    [{ name: "fork", vaddr: 0, binding: WEAK }, { name: "_f", vaddr: 0 }],
    [{ name: "strong", vaddr: 0 }, { name: "weak", vaddr: 0, binding: WEAK }],
    [{ name: "new@@V2", vaddr: 0 }, { name: "new@V1", vaddr: 0 }],
    [{ name: "open", vaddr: 0 }, { name: "open64", vaddr: 0 }],
  ];
  for (const [better, worse] of pairs) {
    const name = better.name.replace(/@.*/, "");
    assertEquals([tableOf(better, worse).at(0).name, tableOf(worse, better).at(0).name], [name, name]);
  }
  assertEquals(tableOf({ name: "two", vaddr: 0 }, { name: "one", vaddr: 0 }).at(0).name, "two");
});

Deno.test("SymbolTable keeps functions of one address and different sizes apart, the larger first", () => {
  const table = tableOf({ name: "inner", vaddr: 0, sizeBytes: 8 }, { name: "outer", vaddr: 0, sizeBytes: 32 });
  assertEquals(names(table.match()), ["outer", "inner"]);
});

Deno.test("SymbolTable gives symbols of size 0 what there is up to the next function or the section's end", () => {
  const table = tableOf(
    { name: "bare", vaddr: 0, sizeBytes: 0 },
    { name: "bare_alias", vaddr: 0, sizeBytes: 0 },
    { name: "sized", vaddr: 0x30, sizeBytes: 8 },
    { name: "sized_alias", vaddr: 0x30, sizeBytes: 0 },
    { name: "last", vaddr: 0xff0, sizeBytes: 0 },
  );
  assertEquals(table.match().map(({ name, sizeBytes, sizeKnown }) => [name, sizeBytes, sizeKnown]), [
    ["bare", 0x30, false],
    ["sized", 8, true],
    ["last", 0x10, false],
  ]);
  assertEquals(table.find("bare_alias")?.sizeBytes, 0x30);
  assertEquals(table.find("sized_alias")?.sizeBytes, 8);
});

Deno.test("SymbolTable gives the last function of a section, if it has no size, what is left of the section", () => {
  const elf = openFile(target("sym_pie"));
  const init = new SymbolTable(elf).find("_init");
  assertEquals([init?.sizeBytes, init?.sizeKnown], [elf.section(".init")?.sizeBytes, false]);
});

Deno.test("SymbolTable cuts a size that reaches behind the code", () => {
  for (const sizeBytes of [0x11, 0x2000, 2 ** 32, 2 ** 40]) {
    const [found] = tableOf({ name: "f", vaddr: 0xff0, sizeBytes }).match();
    assertEquals([found?.sizeBytes, found?.sizeKnown], [0x10, false]);
  }
});
