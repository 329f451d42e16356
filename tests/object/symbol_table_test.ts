import { assert, assertEquals, assertThrows } from "@std/assert";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { CODE_VADDR, openElf, type SymbolSpec, tableOf } from "./elf_builder.ts";
import { CountingFile, exists, openFile, readelfFunctions, run, target } from "./files.ts";

const LOCAL = 0;
const WEAK = 2;

/** Checks a file's table against `readelf`, symbol by symbol. */
function compareWithReadelf(path: string): void {
  const table = new SymbolTable(openFile(path));
  const expected = readelfFunctions(path);
  assert(expected.length > 0, `readelf tells no function of ${path}`);
  const sized = new Set(expected.filter((it) => it.sizeBytes > 0).map((it) => `${it.vaddr} ${it.sizeBytes}`));
  // Of the largest programs every tenth name is enough.
  const step = Math.ceil(expected.length / 20_000);
  for (const { name, vaddr, sizeBytes, ifunc } of expected.filter((_, index) => index % step === 0)) {
    const found = table.findAll(name).find((it) =>
      it.vaddr === vaddr && (sizeBytes === 0 || it.sizeBytes === sizeBytes)
    );
    assert(found !== undefined, `${path}: ${name} at ${vaddr.toString(16)} is missing`);
    assertEquals({ name: found.name, ifunc: found.ifunc }, { name, ifunc });
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
  const found = table.findAll("f").map(({ vaddr, binding }) => [vaddr - CODE_VADDR, binding]);
  assertEquals(found, [[0, "global"], [0x40, "local"]]);
  assertEquals(table.findAll("g"), []);
  assertEquals(table.findAll(""), []);
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

Deno.test("SymbolTable.near() finds misspelt functions among 100,000, soon", () => {
  const symbols = Array.from(
    { length: 100_000 },
    (_, index) => ({ name: `function_number_${index}`, vaddr: CODE_VADDR }),
  );
  const table = new SymbolTable(openElf({ symbols: [...symbols, { name: "malloc", vaddr: CODE_VADDR + 64 }] }));
  const start = performance.now();
  assertEquals(table.near("mallok", 3), ["malloc"]);
  assert(performance.now() - start < 5000);
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

Deno.test("SymbolTable.next() finds the first function behind an address", () => {
  const table = tableOf({ name: "first", vaddr: 0x10 }, { name: "second", vaddr: 0x40 }, {
    name: "alias",
    vaddr: 0x40,
  });
  const at = (offset: number) => table.next(CODE_VADDR + offset)?.vaddr;
  assertEquals([-1, 0xf].map(at), [CODE_VADDR + 0x10, CODE_VADDR + 0x10]);
  assertEquals([0x10, 0x3f].map(at), [CODE_VADDR + 0x40, CODE_VADDR + 0x40]);
  assertEquals([0x40, 0x1000].map(at), [undefined, undefined]);
  assertEquals(tableOf().next(0), undefined);
});

Deno.test("SymbolTable.namesAt() lists the names of all functions that begin at an address", () => {
  const table = tableOf(
    { name: "before", vaddr: 0 },
    { name: "a", vaddr: 0x20 },
    { name: "b@@V1", vaddr: 0x20 },
    { name: "c", vaddr: 0x20, sizeBytes: 4 },
    { name: "behind", vaddr: 0x21 },
  );
  assertEquals(table.namesAt(CODE_VADDR + 0x20).toSorted(), ["a", "b", "c"]);
  assertEquals([0x1f, 0x22, -1, NaN].map((offset) => table.namesAt(CODE_VADDR + offset)), [[], [], [], []]);
  assertEquals(tableOf().namesAt(0), []);
});
