import { assert, assertEquals, assertExists, assertThrows } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { DTraceError } from "../../lib/errors.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { DynamicSection } from "../../lib/object/elf_dynamic.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { identifyElf } from "../../lib/object/elf_headers.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { buildElf, CODE_BYTES, CODE_VADDR, openElf } from "./elf_builder.ts";
import { openFile, readelfFunctions, run, target } from "./files.ts";

const ET_EXEC = 2;
const ET_DYN = 3;

/** The error of a file in which one byte is different. */
function errorWith(change: (file: DataView) => void): DTraceError {
  const bytes = buildElf({ symbols: [{ name: "f", vaddr: CODE_VADDR }] });
  change(new DataView(bytes.buffer));
  return assertThrows(() => void new ElfFile(byteSource(bytes), { name: "bad" }).sections, DTraceError);
}

Deno.test("D_PROC_ELF: a file that is not a 64-bit little-endian program says what it is", () => {
  const cases: [string, (file: DataView) => void][] = [
    ["it is not an ELF file", (file) => file.setUint8(1, 0x65)],
    ["it is a big-endian ELF file", (file) => file.setUint8(5, 2)],
    ["it is a 32-bit ELF file", (file) => file.setUint8(4, 1)],
    ["it is neither a program nor a shared object", (file) => file.setUint16(16, 1, true)],
    ["its program headers have a wrong size", (file) => file.setUint16(54, 32, true)],
    ["it has too many segments", (file) => file.setUint16(56, 0xffff, true)],
    ["its section headers have a wrong size", (file) => file.setUint16(58, 40, true)],
    ["the section with its section names does not exist", (file) => file.setUint16(62, 99, true)],
    ["one of its segments lies beyond 2^53 bytes", (file) => file.setUint32(64 + 20, 0x200000, true)],
  ];
  for (const [state, change] of cases) {
    const error = errorWith(change);
    assertEquals([error.message, error.tag], [`Cannot read ELF file "bad": ${state}`, "D_PROC_ELF"]);
  }
});

Deno.test("D_PROC_ELF: a truncated file says what is missing", () => {
  const bytes = buildElf({});
  const open = (length: number) =>
    assertThrows(
      () => void new ElfFile(byteSource(bytes.subarray(0, length)), { name: "cut" }).sections,
      DTraceError,
    ).message;
  assertEquals(open(0), 'Cannot read ELF file "cut": it is not an ELF file');
  assertEquals(
    open(63),
    'Cannot read ELF file "cut": its header would need 64 bytes at offset 0, but the file has only 63 bytes',
  );
  assertEquals(
    open(100),
    'Cannot read ELF file "cut": its program headers would need 56 bytes at offset 64, but the file has only 100 bytes',
  );
  assertEquals(
    open(bytes.length - 1),
    `Cannot read ELF file "cut": its section headers would need 192 bytes at offset ${bytes.length - 192}, ` +
      `but the file has only ${bytes.length - 1} bytes`,
  );
});

Deno.test("D_PROC_ELF: a source that returns less than it promised", () => {
  const source = { sizeBytes: 10_000, read: () => buildElf({}).subarray(0, 20) };
  const error = assertThrows(() => new ElfFile(source, { name: "shrunk" }), DTraceError);
  assertEquals(error.message, 'Cannot read ELF file "shrunk": its header could not be read completely');
});

Deno.test("identifyElf() tells 32-bit files, and undefined for what is not ELF", () => {
  const bytes = buildElf({});
  assertEquals(identifyElf(byteSource(bytes)), { bits: 64, littleEndian: true, type: ET_EXEC, machine: 62 });
  bytes[4] = 1;
  assertEquals(identifyElf(byteSource(bytes))?.bits, 32);
  bytes[4] = 3;
  assertEquals(identifyElf(byteSource(bytes)), undefined);
  assertEquals(identifyElf(byteSource(new Uint8Array(19))), undefined);
  assertEquals(identifyElf(byteSource(new TextEncoder().encode("#!/bin/sh\nexec something else\n"))), undefined);
});

Deno.test("ElfFile has type, machine, entry, interpreter and segments as readelf has them", () => {
  for (const name of ["sym_pie", "sym_no_pie", "sym_static", "sym_static_pie"]) {
    const elf = openFile(target(name));
    const headers = run("readelf", "-hlW", target(name));
    assertEquals(elf.type, / EXEC /.test(headers) ? ET_EXEC : ET_DYN);
    assertEquals(elf.machine, /X86-64/.test(headers) ? 62 : elf.machine);
    assertEquals(elf.entry, parseInt(/Entry point address: +0x([0-9a-f]+)/.exec(headers)?.[1] ?? "", 16));
    assertEquals(elf.interpreter, /interpreter: (.*)\]/.exec(headers)?.[1]);
    assertEquals(elf.segments.length, Number(/Number of program headers: +(\d+)/.exec(headers)?.[1]));
    const loads = [...headers.matchAll(/LOAD +0x\w+ 0x(\w+) 0x\w+ 0x\w+ 0x(\w+) (R|RW|R E) +0x/g)];
    const ends = loads.map(([, vaddr = "", sizeBytes = ""]) => parseInt(vaddr, 16) + parseInt(sizeBytes, 16));
    assertEquals(elf.vaddrRange, { start: parseInt(loads[0]?.[1] ?? "", 16), end: Math.max(...ends) });
    assertEquals(
      elf.executableSegments.map((segment) => segment.vaddr),
      loads.filter(([, , , flags]) => flags === "R E").map(([, vaddr = ""]) => parseInt(vaddr, 16)),
    );
  }
});

Deno.test("ElfFile finds sections by name and reads them", () => {
  const elf = openElf({ sections: [{ name: ".comment", type: 1, bytes: Uint8Array.of(1, 2, 3) }] });
  const section = elf.section(".comment");
  assertExists(section);
  assertEquals(elf.sectionBytes(section, 3), Uint8Array.of(1, 2, 3));
  assertThrows(() => elf.sectionBytes(section, 2), DTraceError, 'its section ".comment" has 3 bytes, more than 2');
  assertEquals(elf.section(".debug_info"), undefined);
});

Deno.test("ElfFile reads section numbers that do not fit in the header from the first section", () => {
  const symbols = [{ name: "f", vaddr: CODE_VADDR }];
  const plain = openElf({ symbols });
  const extended = openElf({ symbols, extended: true });
  assertEquals(extended.sections.slice(1), plain.sections.slice(1));
  assertEquals(new SymbolTable(extended).find("f"), new SymbolTable(plain).find("f"));
});

Deno.test("ElfFile of a file without sections has none", () => {
  const bytes = buildElf({});
  bytes.fill(0, 40, 48);
  const elf = new ElfFile(byteSource(bytes), { name: "bare" });
  assertEquals([elf.sections, elf.vaddrRange], [[], { start: CODE_VADDR, end: CODE_VADDR + CODE_BYTES }]);
});

Deno.test("DynamicSection tells a static position-independent program and the name of a shared object", () => {
  const isStaticPie = (path: string) => new DynamicSection(openFile(path)).isStaticPie;
  assertEquals(["sym_pie", "sym_no_pie", "sym_static", "sym_static_pie"].map(target).map(isStaticPie), [
    false,
    false,
    false,
    true,
  ]);
  const loader = openFile(target("sym_pie")).interpreter;
  assertExists(loader);
  assertEquals([isStaticPie(loader), openFile(loader).interpreter], [false, undefined]);
  const [libc] = mappedFiles("libc.so.6");
  assertExists(libc);
  assertEquals([isStaticPie(libc.path), new DynamicSection(openFile(libc.path)).soname], [false, "libc.so.6"]);
  assertEquals(new DynamicSection(openFile(target("sym_pie"))).soname, undefined);
});

Deno.test("DynamicSection counts as many symbols by either hash table as readelf", () => {
  for (const name of ["sym_hash", "sym_gnu_hash"]) {
    const counted = /'.dynsym' contains (\d+) entries/.exec(run("readelf", "--dyn-syms", target(name)))?.[1];
    assertEquals(new DynamicSection(openFile(target(name))).symbols()?.count, Number(counted));
  }
});

Deno.test("ElfFile reads the vDSO from memory", () => {
  const [vdso] = mappedFiles("[vdso]");
  assertExists(vdso);
  const table = new SymbolTable(new ElfFile(byteSource(vdso.read()), { name: "[vdso]" }));
  assert(table.find("__vdso_clock_gettime") !== undefined || table.find("__kernel_clock_gettime") !== undefined);
});

Deno.test("ElfFile reads a shared object from memory that the dynamic loader has relocated", () => {
  const [libc] = mappedFiles("libc.so.6");
  assertExists(libc);
  const elf = new ElfFile(byteSource(libc.read()), { name: "libc", loadedAt: toAddress(libc.start) });
  const table = new SymbolTable(elf);
  for (const { name, vaddr } of readelfFunctions(libc.path).filter((it) => it.binding !== "local")) {
    assert(table.findAll(name).some((it) => it.vaddr === vaddr), `${name} is missing`);
  }
  assertEquals([new DynamicSection(elf).soname, elf.sections.length], ["libc.so.6", 0]);
});

/** The files of this process whose path ends in a name. */
function mappedFiles(name: string): { path: string; start: number; read: () => Uint8Array }[] {
  const lines = Deno.readTextFileSync("/proc/self/maps").split("\n").filter((line) => line.endsWith(name));
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) return [];
  const start = parseInt(first, 16);
  const end = parseInt(last.slice(last.indexOf("-") + 1), 16);
  const read = () => {
    using memory = Deno.openSync("/proc/self/mem");
    const bytes = new Uint8Array(end - start);
    memory.seekSync(start, Deno.SeekMode.Start);
    for (let at = 0, count: number | null = 0; at < bytes.length && count !== null; at += count ?? 0) {
      count = memory.readSync(bytes.subarray(at));
    }
    return bytes;
  };
  return [{ path: first.slice(first.indexOf("/")), start, read }];
}
