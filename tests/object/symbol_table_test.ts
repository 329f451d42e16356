import { assert, assertEquals, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { type FunctionSymbol, SymbolTable } from "../../lib/object/symbol_table.ts";
import { CODE_BYTES, CODE_VADDR, openElf, type SymbolSpec } from "./elf_builder.ts";
import { CountingFile, exists, openFile, readelfFunctions, run, target } from "./files.ts";

const LOCAL = 0;
const WEAK = 2;

/** A table of built symbols, whose addresses are offsets in the code. */
function tableOf(...symbols: SymbolSpec[]): SymbolTable {
  return new SymbolTable(openElf({ symbols: symbols.map((it) => ({ ...it, vaddr: CODE_VADDR + it.vaddr })) }));
}

function names(functions: readonly FunctionSymbol[]): string[] {
  return functions.map((it) => it.name);
}

/** Checks a file's table against `readelf`, symbol by symbol. */
function compareWithReadelf(path: string): void {
  const table = new SymbolTable(openFile(path));
  const expected = readelfFunctions(path);
  assert(expected.length > 0, `readelf tells no function of ${path}`);
  const sized = new Set<string>();
  for (const { name, vaddr, sizeBytes, ifunc } of expected) {
    const found = table.findAll(name).find((it) =>
      it.vaddr === vaddr && (sizeBytes === 0 || it.sizeBytes === sizeBytes)
    );
    assert(found !== undefined, `${path}: ${name} at ${vaddr.toString(16)} is missing`);
    assertEquals({ name: found.name, ifunc: found.ifunc }, { name, ifunc });
    if (sizeBytes > 0) sized.add(`${vaddr} ${sizeBytes}`);
  }
  const listed = table.match();
  assertEquals(listed.length, table.count);
  assertEquals(listed.filter((it) => it.sizeKnown).length, sized.size, path);
  for (const { vaddr, sizeBytes, sizeKnown } of listed) {
    assert(sizeBytes > 0);
    if (sizeKnown) {
      assert(sized.has(`${vaddr} ${sizeBytes}`), `${path}: ${vaddr.toString(16)} is not in readelf's list`);
    }
  }
}

for (const name of ["sym_pie", "sym_no_pie", "sym_static", "sym_static_pie", "sym_hash", "sym_gnu_hash"]) {
  Deno.test(`SymbolTable has the functions that readelf has of ${name}`, () => compareWithReadelf(target(name)));
}

for (const path of ["/bin/ls", "/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/python3", "/usr/bin/node"]) {
  Deno.test({
    name: `SymbolTable has the functions that readelf has of ${path}`,
    ignore: !exists(path),
    fn: () => compareWithReadelf(path),
  });
}

Deno.test("SymbolTable finds the functions of a file without section headers by either hash table", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const name of ["sym_hash", "sym_gnu_hash"]) {
      const file = Deno.readFileSync(target(name));
      // e_shoff, and e_shentsize to e_shstrndx: what sstrip(1) does.
      file.fill(0, 40, 48).fill(0, 58, 64);
      const path = `${directory}/${name}`;
      Deno.writeFileSync(path, file);
      const table = new SymbolTable(openFile(path));
      assertEquals(table.source, ".dynsym");
      const dynamic = readelfFunctions(target(name), "--dyn-syms");
      for (const { name, vaddr } of dynamic) {
        assert(table.findAll(name).some((it) => it.vaddr === vaddr), `${name} is missing`);
      }
      assertEquals(table.count, new Set(dynamic.map((it) => it.vaddr)).size);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("SymbolTable reads only the tables of a file of 100 MB", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.copyFile(target("sym_static"), path);
    await Deno.truncate(path, 1e8);
    const source = new CountingFile(path);
    assert(new SymbolTable(new ElfFile(source, { name: path })).find("go") !== undefined);
    assert(source.readBytes < 3e5, `${source.readBytes} bytes were read`);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "SymbolTable reads less than a fifth of node",
  ignore: !exists("/usr/bin/node"),
  fn() {
    const source = new CountingFile("/usr/bin/node");
    const table = new SymbolTable(new ElfFile(source, { name: "node" }));
    assertEquals(table.find("no such function"), undefined);
    assert(source.readBytes < source.sizeBytes / 5, `${source.readBytes} bytes were read`);
  },
});

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

Deno.test("SymbolTable skips data, undefined and nameless symbols, linkage tables, and what is no code", () => {
  const vaddr = CODE_VADDR;
  const table = new SymbolTable(openElf({
    sections: [{ name: ".plt.sec", type: 1, flags: 6, vaddr: vaddr + 0x100, sizeBytes: 0x100 }],
    symbols: [
      { name: "data", vaddr, type: 1 },
      { name: "undefined", vaddr, section: 0 },
      { name: "common", vaddr, section: 0xfff2 },
      { name: "outside", vaddr: vaddr + CODE_BYTES },
      { name: "", vaddr },
      { name: "puts$plt", vaddr: vaddr + 0x110 },
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

Deno.test("SymbolTable.find() prefers global to weak to local, default versions, low addresses", () => {
  const at = (vaddr: number, binding = 1, name = "f") => ({ name, vaddr, binding });
  const found = (...symbols: SymbolSpec[]) => (tableOf(...symbols).find("f")?.vaddr ?? 0) - CODE_VADDR;
  assertEquals(found(at(0, LOCAL), at(0x20, WEAK), at(0x40)), 0x40);
  assertEquals(found(at(0, LOCAL), at(0x20, WEAK)), 0x20);
  assertEquals(found(at(0, 1, "f@V1"), at(0x20, 1, "f@@V2")), 0x20);
  assertEquals(found(at(0x40), at(0x20)), 0x20);
});

Deno.test("SymbolTable.find() takes the default version from the version indices of .dynsym", () => {
  const dynamicSymbols = [{ name: "f", vaddr: CODE_VADDR }, { name: "f", vaddr: CODE_VADDR + 0x20 }];
  const table = new SymbolTable(openElf({ dynamicSymbols, versions: [0x8002, 3] }));
  assertEquals(table.find("f")?.vaddr, CODE_VADDR + 0x20);
});

Deno.test("SymbolTable.findAll() finds every function of a name, and each once", () => {
  const table = tableOf({ name: "f", vaddr: 0x40, binding: LOCAL }, { name: "f", vaddr: 0, binding: LOCAL }, {
    name: "f",
    vaddr: 0,
  });
  assertEquals(table.findAll("f").map((it) => it.vaddr - CODE_VADDR), [0, 0x40]);
  assertEquals(table.findAll("g"), []);
  assertEquals(table.findAll(""), []);
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

Deno.test("SymbolTable cuts a size that reaches behind the code", () => {
  const [function_] = tableOf({ name: "f", vaddr: 0xff0, sizeBytes: 2 ** 40 }).match();
  assertEquals([function_?.sizeBytes, function_?.sizeKnown], [0x10, false]);
});

Deno.test("SymbolTable.containing() finds the innermost function around an address", () => {
  const table = tableOf(
    { name: "outer", vaddr: 0x100, sizeBytes: 0x100 },
    { name: "inner", vaddr: 0x140, sizeBytes: 0x10 },
    { name: "next", vaddr: 0x210, sizeBytes: 0x10 },
  );
  const at = (offset: number) => table.containing(CODE_VADDR + offset)?.name;
  assertEquals([0xff, 0x100, 0x13f, 0x140, 0x14f, 0x150, 0x1ff].map(at), [
    undefined,
    "outer",
    "outer",
    "inner",
    "inner",
    "outer",
    "outer",
  ]);
  assertEquals([0x200, 0x20f, 0x210, 0x21f, 0x220, -CODE_VADDR, 2 ** 52, NaN].map(at), [
    undefined,
    undefined,
    "next",
    "next",
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("SymbolTable.at() throws RangeError for an index that is not in the table", () => {
  const table = tableOf({ name: "f", vaddr: 0 });
  for (const index of [-1, 1, 0.5, NaN]) assertThrows(() => table.at(index), RangeError);
});

Deno.test("SymbolTable.near() finds misspelt functions among 100,000 in less than a second", () => {
  const symbols = Array.from(
    { length: 100_000 },
    (_, index) => ({ name: `function_number_${index}`, vaddr: CODE_VADDR }),
  );
  const table = new SymbolTable(openElf({ symbols: [...symbols, { name: "malloc", vaddr: CODE_VADDR + 64 }] }));
  const start = performance.now();
  assertEquals(table.near("mallok", 3), ["malloc"]);
  assert(performance.now() - start < 1000);
});

Deno.test("SymbolTable of a file without any symbol is empty", () => {
  const table = new SymbolTable(openElf({}));
  assertEquals([table.count, table.source, table.match(), table.find("f"), table.containing(CODE_VADDR)], [
    0,
    undefined,
    [],
    undefined,
    undefined,
  ]);
});

Deno.test("D_PROC_ELF: a symbol table without string table", () => {
  const elf = openElf({ sections: [{ name: ".symtab", type: 2, bytes: new Uint8Array(48) }] });
  const error = assertThrows(() => new SymbolTable(elf), DTraceError);
  assertEquals(error.message, 'Cannot read ELF file "built": its section ".symtab" has no string table');
  assertEquals(error.tag, "D_PROC_ELF");
});

Deno.test("SymbolTable has the functions of the separate debug file that objcopy makes", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [stripped, debug] = [`${directory}/stripped`, `${directory}/stripped.debug`];
    run("objcopy", "--only-keep-debug", target("sym_pie"), debug);
    run("strip", "-o", stripped, target("sym_pie"));
    assertEquals(new SymbolTable(openFile(stripped)).find("local_helper"), undefined);
    const table = new SymbolTable(openFile(stripped), openFile(debug));
    assertEquals(table.match(), new SymbolTable(openFile(target("sym_pie"))).match());
    assertEquals(table.source, "debug file");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
