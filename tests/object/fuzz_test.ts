/**
 * Hostile files: whatever the bytes are, the outcome is a value or a DTraceError with the tag D_PROC_ELF, soon, and
 * after reading no more than a few times the file.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { DTraceError } from "../../lib/errors.ts";
import type { ByteSource } from "../../lib/object/byte_source.ts";
import { debugFilePaths, isDebugFileOf } from "../../lib/object/debug_file.ts";
import { DynamicSection } from "../../lib/object/elf_dynamic.ts";
import { readElfDofs } from "../../lib/object/dof_elf.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { loadBias } from "../../lib/object/load_bias.ts";
import { readObjectiveC } from "../../lib/object/objective_c.ts";
import { readStapProbes } from "../../lib/object/stap_probes.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { buildElf, CODE_VADDR } from "./elf_builder.ts";
import { target } from "./files.ts";

const MUTATION_COUNT = 5000;
/** Far more than any file needs, because the machine may be busy. */
const MILLISECONDS_MAX = 5000;

/** Marsaglia's xorshift32: a sequence of unsigned 32-bit numbers that is the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const EXTREMES = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** Where a file's headers, and what they point to, begin and end. */
function interestingRanges(bytes: Uint8Array): [number, number][] {
  const elf = new ElfFile(sourceOf(bytes), { name: "seed" });
  const sections = elf.sections.filter((it) =>
    /^\.(sym|str|dyn|gnu|note|hash|SUNW|stapsdt|data$|rela)/.test(it.name) && it.type !== 8
  );
  const contents = sections.map((it): [number, number] => [it.offset, it.offset + it.sizeBytes]);
  const view = new DataView(bytes.buffer);
  const sectionHeaders = Number(view.getBigUint64(40, true));
  const headers: [number, number][] = [[0, 64], [64, 64 + 56 * elf.segments.length]];
  if (sectionHeaders > 0) headers.push([sectionHeaders, sectionHeaders + 64 * elf.sections.length]);
  return [...headers, ...headers, ...contents];
}

/** Changes one to four fields of a file; sometimes cuts it. */
function mutate(seed: Uint8Array, ranges: readonly [number, number][], below: (limit: number) => number): Uint8Array {
  const bytes = seed.slice();
  const view = new DataView(bytes.buffer);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const [start, end] = ranges[below(ranges.length)] ?? [0, 64];
    const at = Math.min(start + below(Math.max(1, end - start)), bytes.length - 8);
    const value = below(3) === 0 ? BigInt(below(2 * bytes.length)) : EXTREMES[below(EXTREMES.length)] ?? 0n;
    const size = 2 ** below(4);
    if (size === 8) view.setBigUint64(at - at % 8, value, true);
    else if (size === 4) view.setUint32(at - at % 4, Number(value & 0xffffffffn), true);
    else if (size === 2) view.setUint16(at - at % 2, Number(value & 0xffffn), true);
    else view.setUint8(at, Number(value & 0xffn));
  }
  return below(8) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
}

function sourceOf(bytes: Uint8Array): ByteSource & { readBytes: number } {
  return {
    sizeBytes: bytes.length,
    readBytes: 0,
    read(offset, length) {
      assert(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0);
      this.readBytes += length;
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Does all that this layer can do with a file; returns whether nothing was wrong with it. */
function exercise(bytes: Uint8Array, loadedAt?: number): boolean {
  const source = sourceOf(bytes);
  const start = performance.now();
  const steps: ((elf: ElfFile) => unknown)[] = [
    (elf) => exerciseSymbols(new SymbolTable(elf)),
    (elf) => exerciseSymbols(new SymbolTable(elf, elf)),
    (elf) => [new DynamicSection(elf).isStaticPie, new DynamicSection(elf).soname],
    (elf) => debugFilePaths(elf, "/usr/bin/fuzz"),
    (elf) => isDebugFileOf(elf, elf),
    (elf) => loadBias(elf, { start: toAddress(0x7f0000000000), offset: 0x1000, executable: true }),
    (elf) => elf.interpreter,
    (elf) => readObjectiveC(elf),
    (elf) => readStapProbes(elf),
    (elf) => readStapProbes(elf, { debugFile: elf }),
    (elf) => readElfDofs(elf),
  ];
  let failures = 0;
  for (const step of steps) {
    try {
      const options = { loadedAt: loadedAt === undefined ? undefined : toAddress(loadedAt), foreign: true };
      step(new ElfFile(source, { name: "fuzz", ...options }));
    } catch (error) {
      if (!(error instanceof DTraceError) || error.tag !== "D_PROC_ELF") throw error;
      failures++;
    }
  }
  assert(performance.now() - start < MILLISECONDS_MAX, `it took ${performance.now() - start} ms`);
  assert(source.readBytes <= 20 * bytes.length + 4096, `${source.readBytes} of ${bytes.length} bytes were read`);
  return failures === 0;
}

function exerciseSymbols(table: SymbolTable): void {
  let last = table.count === 0 ? undefined : table.at(table.count - 1);
  for (last of table.match((name) => name.length !== 3)) assert(last.sizeBytes > 0);
  if (last === undefined) return;
  table.find(last.name);
  table.containing(last.vaddr + 1);
  table.near(`${last.name.slice(0, 20)}x`, 3);
}

for (
  const name of [
    "sym_pie",
    "sym_static_pie",
    "sym_hash",
    "sym_gnu_hash",
    "objective_c_data",
    "static_notes",
    "static_dof",
  ]
) {
  Deno.test(`ElfFile and all that reads it survive mutations of ${name}`, () => {
    const whole = Deno.readFileSync(target(name));
    const isLarge = whole.length > 100_000;
    const stripped = whole.slice();
    stripped.fill(0, 40, 48).fill(0, 58, 64);
    const below = random(0x5eed);
    let intact = 0;
    const seeds = [whole, stripped].map((seed) => ({ seed, ranges: interestingRanges(seed) }));
    const count = isLarge ? MUTATION_COUNT / 40 : MUTATION_COUNT;
    for (let index = 0; index < count; index++) {
      const { seed, ranges } = seeds[index % 2] as typeof seeds[number];
      const bytes = mutate(seed, ranges, below);
      if (exercise(bytes, index % 5 === 0 ? 0x7f0000000000 : undefined)) intact++;
    }
    // If all were intact or none was, the mutations would miss what is read.
    assert(intact > count / 20 && intact < count * 0.9, `${intact} of ${count} were intact`);
  });
}

/** As many symbols as `count`, all at one address, in a string table of one endless name. */
function overlappingNames(count: number): Uint8Array {
  const bytes = buildElf({
    symbols: Array.from(
      { length: count },
      (_, index) => ({ name: `n${index}`, vaddr: CODE_VADDR, binding: index % 3 }),
    ),
  });
  const strings = new ElfFile(sourceOf(bytes), { name: "seed" }).section(".strtab");
  bytes.fill(0x5f, (strings?.offset ?? 0) + 1, (strings?.offset ?? 0) + (strings?.sizeBytes ?? 0));
  return bytes;
}

Deno.test("SymbolTable survives 50,000 symbols of one address whose names overlap without an end", () => {
  const source = sourceOf(overlappingNames(50_000));
  const start = performance.now();
  const table = new SymbolTable(new ElfFile(source, { name: "overlapping" }));
  assertEquals(table.count, 1);
  assertEquals(table.match((name) => name.length > 300).map((it) => it.name.length), [4096]);
  assertEquals(table.findAll("_".repeat(4096)).length, 1);
  assertEquals(table.near("x".repeat(128), 3), []);
  assert(performance.now() - start < MILLISECONDS_MAX, `it took ${performance.now() - start} ms`);
});

Deno.test("D_PROC_ELF: functions whose overlapping names have more than 2^28 characters", () => {
  const symbols = Array.from(
    { length: 80_000 },
    (_, index) => ({ name: "a", vaddr: CODE_VADDR + index % 4000, sizeBytes: 1 + (index >> 12) }),
  );
  const bytes = buildElf({ symbols: [...symbols, { name: "a".repeat(5000), vaddr: CODE_VADDR }] });
  const elf = new ElfFile(sourceOf(bytes), { name: "listed" });
  const strings = elf.section(".strtab");
  bytes.fill(0x61, strings?.offset, (strings?.offset ?? 0) + (strings?.sizeBytes ?? 0));
  const table = new SymbolTable(elf);
  assertThrows(() => table.match(), DTraceError, "the names of its functions are too long");
  assertEquals(table.match((name) => name === ""), []);
});

Deno.test("ElfFile survives 60,000 sections that are all linkage tables", () => {
  const sections = Array.from({ length: 60_000 }, (_, index) => ({
    name: ".plt",
    type: 1,
    flags: 6,
    vaddr: CODE_VADDR + index % 2000,
    sizeBytes: 1,
  }));
  const symbols = Array.from({ length: 50_000 }, (_, index) => ({ name: "f", vaddr: CODE_VADDR + index % 4000 }));
  const source = sourceOf(buildElf({ sections, symbols }));
  const start = performance.now();
  const table = new SymbolTable(new ElfFile(source, { name: "plt" }));
  assertEquals(table.count, 2000);
  assert(performance.now() - start < MILLISECONDS_MAX);
});

Deno.test("D_PROC_ELF: a file that claims more symbols or names than are accepted or than it has", () => {
  const open = (symbolBytes: number, nameBytes: number) => {
    const sections = [
      { name: ".symtab", type: 2, sizeBytes: symbolBytes, link: ".strtab" },
      { name: ".strtab", type: 3, sizeBytes: nameBytes },
    ];
    const elf = new ElfFile(sourceOf(buildElf({ sections })), { name: "vast" });
    return assertThrows(() => new SymbolTable(elf), DTraceError).message;
  };
  assertStringIncludes(open(24 * 5_000_000, 1), "its .symtab has 5000000 symbols, more than 4194304");
  assertStringIncludes(open(24 * 4_000_000, 1), "its .symtab would need 96000000 bytes at offset 4096");
  assertStringIncludes(open(24, 2 ** 29), "the names of its .symtab are too long");
});

/** The error of a file without section headers, in whose hash table a word says 0x7f7f7f7f. */
function errorOfHash(name: string, section: string, word: (table: DataView) => number): string {
  const file = Deno.readFileSync(target(name));
  const table = new ElfFile(sourceOf(file), { name: "seed" }).section(section);
  assert(table !== undefined);
  const at = table.offset + 4 * word(new DataView(file.buffer, table.offset));
  file.fill(0x7f, at, at + 4).fill(0, 40, 48).fill(0, 58, 64);
  return assertThrows(() => new SymbolTable(new ElfFile(sourceOf(file), { name: "hash" })), DTraceError).message;
}

Deno.test("D_PROC_ELF: a DT_HASH of more symbols than are accepted", () => {
  assertStringIncludes(errorOfHash("sym_hash", ".hash", () => 1), "its .dynsym has 2139062143 symbols, more than");
});

Deno.test("D_PROC_ELF: a DT_GNU_HASH of which a bucket begins outside the file", () => {
  const firstBucket = (table: DataView) => 4 + 2 * table.getUint32(8, true);
  assertStringIncludes(errorOfHash("sym_gnu_hash", ".gnu.hash", firstBucket), "a chain of its DT_GNU_HASH would need");
});
