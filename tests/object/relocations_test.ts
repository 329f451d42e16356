import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes, assertThrows } from "@std/assert";
import { type Address, toAddress } from "../../lib/address.ts";
import { DTraceError } from "../../lib/errors.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import {
  DT_PLTREL,
  DT_RELA,
  DT_RELASZ,
  PT_DYNAMIC,
  PT_LOAD,
  R_X86_64_IRELATIVE,
  SHF_EXECINSTR,
} from "../../lib/object/elf_constants.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { type FunctionSlots, readFunctionSlots } from "../../lib/object/relocations.ts";
import { Random } from "../isa/x86_64/random.ts";
import { exists, openFile, run, target } from "./files.ts";

const MUTATION_COUNT = 2000;

/** Words as `kind key` to their addresses, sorted, so that two sources can be compared. */
type Listing = Record<string, number[]>;

function listingOf({ resolved, named }: FunctionSlots): Listing {
  const listing: Listing = {};
  for (const [resolver, slots] of resolved) listing[`resolver ${resolver}`] = slots.map((it) => it.vaddr);
  for (const [name, slots] of named) listing[`name ${name}`] = slots.map((it) => it.vaddr);
  return sorted(listing);
}

function sorted(listing: Listing): Listing {
  return Object.fromEntries(Object.entries(listing).sort().map(([key, vaddrs]) => [key, vaddrs.toSorted()]));
}

/** What `readelf` tells of the relocations of functions. */
function readelfListing(path: string): Listing {
  const symbolLine = /^ *(\d+): [0-9a-f]+ +\S+ (\w+) +\w+ +\w+ +(?:\[.*?\] +)?(\w+) ([^@ \n]*)/gm;
  const symbols = new Map(
    [...run("readelf", "--dyn-syms", "-W", path).matchAll(symbolLine)]
      .map(([, index, type, section, name]) => [Number(index), { type, section, name }]),
  );
  const listing: Listing = {};
  const line = /^([0-9a-f]{16}) +([0-9a-f]{8})[0-9a-f]{8} R_\w+_(IRELATIVE?|JUMP_SLOT?|GLOB_DAT?) +([0-9a-f]+)/gm;
  for (const [, vaddr = "", index = "", type = "", value = ""] of run("readelf", "-rW", path).matchAll(line)) {
    const symbol = symbols.get(parseInt(index, 16));
    if (!type.startsWith("IREL") && symbol?.section !== "UND" && symbol?.type !== "IFUNC") continue;
    const key = type.startsWith("IREL") ? `resolver ${parseInt(value, 16)}` : `name ${symbol?.name}`;
    (listing[key] ??= []).push(parseInt(vaddr, 16));
  }
  return sorted(listing);
}

/** Checks a file's words against `readelf`, relocation by relocation. */
function compareWithReadelf(path: string): void {
  const expected = readelfListing(path);
  assertEquals(listingOf(readFunctionSlots(openFile(path))), expected);
  assertGreaterOrEqual(Object.keys(expected).length, 5);
}

for (const name of ["ifunc_dynamic", "ifunc_no_pie", "ifunc_now", "ifunc_static", "ifunc_static_pie"]) {
  Deno.test(`readFunctionSlots() finds what readelf tells of ${name}`, () => compareWithReadelf(target(name)));
}

for (
  const path of [
    "/bin/ls",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/bin/python3",
    "/usr/bin/node",
    "/usr/aarch64-linux-gnu/lib/libc.so.6",
  ]
) {
  Deno.test({
    name: `readFunctionSlots() finds what readelf tells of ${path}`,
    ignore: !exists(path),
    fn: () => compareWithReadelf(path),
  });
}

for (const name of ["ifunc_dynamic", "ifunc_no_pie", "ifunc_static"]) {
  Deno.test(`readFunctionSlots() tells of ${name} that words lead to the linkage table at first`, () => {
    const elf = openFile(target(name));
    const code = elf.sections.filter(({ flags, name }) => (flags & SHF_EXECINSTR) !== 0 && name.includes("plt"));
    const { resolved } = readFunctionSlots(elf);
    assertGreaterOrEqual(resolved.size, 1);
    for (const { initial = -1 } of [...resolved.values()].flat()) {
      const section = code.find(({ vaddr, sizeBytes }) => initial >= vaddr && initial < vaddr + sizeBytes);
      assert(section !== undefined, `0x${initial.toString(16)} is not in a linkage table`);
    }
  });
}

Deno.test("readFunctionSlots() needs no section headers of a program with a dynamic section", () => {
  const bytes = Deno.readFileSync(target("ifunc_dynamic"));
  const whole = listingOf(readFunctionSlots(open(bytes)));
  // e_shoff, and e_shentsize to e_shstrndx: what sstrip(1) does.
  bytes.fill(0, 40, 48).fill(0, 58, 64);
  assertEquals(listingOf(readFunctionSlots(open(bytes))), whole);
});

Deno.test("readFunctionSlots() finds the same words in memory, but not what they held at first", () => {
  const bytes = Deno.readFileSync(target("ifunc_dynamic"));
  const file = open(bytes);
  const image = new Uint8Array(file.vaddrRange.end);
  for (const { type, vaddr, offset, fileBytes } of file.segments) {
    if (type === PT_LOAD) image.set(bytes.subarray(offset, offset + fileBytes), vaddr);
  }
  const loaded = new ElfFile(byteSource(image), { name: "image", loadedAt: toAddress(0x7f0000000000) });
  const slots = readFunctionSlots(loaded);
  assertEquals(listingOf(slots), listingOf(readFunctionSlots(file)));
  assertEquals([...slots.resolved.values()].flat().map(({ initial }) => initial), [undefined]);
});

Deno.test("readFunctionSlots() finds nothing for a machine that is not known", () => {
  const bytes = Deno.readFileSync(target("ifunc_dynamic"));
  new DataView(bytes.buffer).setUint16(18, 243, true);
  assertEquals(listingOf(readFunctionSlots(open(bytes))), {});
});

function open(bytes: Uint8Array): ElfFile {
  return new ElfFile(byteSource(bytes), { name: "seed" });
}

/** A program of which an entry of the dynamic section has been changed. */
function withDynamicEntry(tag: number, change: (value: number) => number): ElfFile {
  const bytes = Deno.readFileSync(target("ifunc_dynamic"));
  const view = new DataView(bytes.buffer);
  const { offset = 0, fileBytes = 0 } = open(bytes).segments.find(({ type }) => type === PT_DYNAMIC) ?? {};
  for (let at = offset; at < offset + fileBytes; at += 16) {
    if (view.getUint32(at, true) !== tag) continue;
    view.setBigUint64(at + 8, BigInt(change(Number(view.getBigUint64(at + 8, true)))), true);
    break;
  }
  return open(bytes);
}

function errorOf(elf: ElfFile): string {
  const error = assertThrows(() => readFunctionSlots(elf), DTraceError);
  assertEquals(error.tag, "D_PROC_ELF");
  return error.message;
}

Deno.test("D_PROC_ELF: relocations that do not lie inside the file", () => {
  assertStringIncludes(errorOf(withDynamicEntry(DT_RELASZ, () => 2 ** 40)), "its relocations would need 1099511627776");
});

Deno.test("D_PROC_ELF: a relocation whose symbol does not lie inside the file", () => {
  const bytes = Deno.readFileSync(target("ifunc_dynamic"));
  const { offset } = open(bytes).section(".rela.plt")!;
  new DataView(bytes.buffer).setUint32(offset + 12, 0xffffffff, true);
  assertStringIncludes(errorOf(open(bytes)), "its .dynsym would need 103079215104 bytes");
});

Deno.test("D_PROC_ELF: more relocations of functions than are accepted", () => {
  const seed = Deno.readFileSync(target("ifunc_static"));
  const header = headerOf(seed, ".rela.plt");
  const bytes = new Uint8Array(seed.length + 24 * 300_000);
  bytes.set(seed);
  const view = new DataView(bytes.buffer);
  for (let at = seed.length; at < bytes.length; at += 24) view.setUint32(at + 8, R_X86_64_IRELATIVE, true);
  view.setBigUint64(header + 24, BigInt(seed.length), true);
  view.setBigUint64(header + 32, BigInt(24 * 300_000), true);
  assertStringIncludes(errorOf(open(bytes)), "it has more than 262144 relocations of functions");
});

/** Where the header of a section is in a file. */
function headerOf(bytes: Uint8Array<ArrayBuffer>, name: string): number {
  const index = open(bytes).sections.findIndex((it) => it.name === name);
  return Number(new DataView(bytes.buffer).getBigUint64(40, true)) + 64 * index;
}

Deno.test("readFunctionSlots() leaves out a linkage table whose relocations have no addends", () => {
  const named = (elf: ElfFile) => [...readFunctionSlots(elf).named.keys()];
  assert(named(withDynamicEntry(DT_PLTREL, () => DT_RELA)).includes("printf"));
  assert(!named(withDynamicEntry(DT_PLTREL, () => 17)).includes("printf"));
});

for (const name of ["ifunc_dynamic", "ifunc_static", "ifunc_static_pie"]) {
  Deno.test(`readFunctionSlots() survives mutations of the relocations of ${name}`, () => {
    const seed = Deno.readFileSync(target(name));
    const sections = open(seed).sections.filter((it) => /^\.(rela\.|dynamic|dynsym)/.test(it.name));
    const ranges = [[64, 64 + 56 * 8], ...sections.map((it) => [it.offset, it.offset + it.sizeBytes])] as const;
    const random = new Random(0x1f);
    let intact = 0;
    for (let index = 0; index < MUTATION_COUNT; index++) {
      const bytes = seed.slice();
      const view = new DataView(bytes.buffer);
      for (let changes = 1 + random.below(4); changes > 0; changes--) {
        const [start = 0, end = 0] = random.pick(ranges);
        const at = start + random.below((end - start) / 4) * 4;
        view.setUint32(at, random.below(2) === 0 ? random.half() : random.below(2 * bytes.length), true);
      }
      const loadedAt = index % 5 === 0 ? toAddress(0x7f0000000000) : undefined;
      if (survives(bytes.subarray(0, random.below(8) === 0 ? random.below(bytes.length) : undefined), loadedAt)) {
        intact++;
      }
    }
    // If all were intact or none was, the mutations would miss what is read.
    assert(intact > MUTATION_COUNT / 20 && intact < MUTATION_COUNT * 0.95, `${intact} were intact`);
  });
}

/** Reads a file; returns whether nothing was wrong with it. */
function survives(bytes: Uint8Array, loadedAt: Address | undefined): boolean {
  const start = performance.now();
  try {
    readFunctionSlots(new ElfFile(byteSource(bytes), { name: "fuzz", loadedAt }));
    return true;
  } catch (error) {
    if (!(error instanceof DTraceError) || error.tag !== "D_PROC_ELF") throw error;
    return false;
  } finally {
    assert(performance.now() - start < 1000, `it took ${performance.now() - start} ms`);
  }
}
