/**
 * Reading the symbols of a large program, beside `readelf -sW`, and looking functions up in them.
 *
 * Every iteration opens the file anew and reads it by ranges, as a session does; both sides find it in the page cache.
 * `readelf` also formats each symbol as a line of text and starts a process, of which the last bench of the group tells
 * the cost.
 *
 * @module
 */

import { ElfFile } from "../lib/object/elf_file.ts";
import { SymbolTable } from "../lib/object/symbol_table.ts";
import { CountingFile, exists } from "../tests/object/files.ts";

const FILES = ["/usr/bin/node", "/usr/lib/x86_64-linux-gnu/libLLVM-15.so.1", "/lib/x86_64-linux-gnu/libc.so.6"];

function load(path: string): SymbolTable {
  return new SymbolTable(new ElfFile(new CountingFile(path), { name: path }));
}

function readelf(...args: string[]): void {
  new Deno.Command("readelf", { args, stdout: "null" }).outputSync();
}

for (const path of FILES.filter(exists)) {
  const name = path.replace(/.*\//, "");
  const group = `symbols of ${name}`;
  Deno.bench({ name: `readelf -sW ${name}`, group, baseline: true, n: 5, warmup: 1, fn: () => readelf("-sW", path) });
  Deno.bench({ name: `SymbolTable() ${name}`, group, n: 10, warmup: 1, fn: () => void load(path) });
  Deno.bench({ name: `SymbolTable() ${name} and first find()`, group, n: 10, warmup: 1 }, () => {
    load(path).find("malloc");
  });
  Deno.bench({ name: "readelf --version", group, n: 5, warmup: 1, fn: () => readelf("--version") });
}

const [first] = FILES.filter(exists);
if (first !== undefined) {
  const table = load(first);
  const middle = table.at(table.count >> 1);
  Deno.bench(`SymbolTable.find() of ${table.count} functions`, () => void table.find(middle.name));
  Deno.bench(`SymbolTable.containing() of ${table.count} functions`, () => void table.containing(middle.vaddr + 1));
  Deno.bench(`SymbolTable.match() of all ${table.count} functions`, () => {
    for (const _function of table.match());
  });
  Deno.bench(`SymbolTable.match() with a predicate on ${table.count} functions`, () => {
    for (const _function of table.match((name) => name.startsWith("uv_")));
  });
  Deno.bench(`SymbolTable.near() of ${table.count} functions`, () => void table.near("uv_tpc_open", 3));
}
