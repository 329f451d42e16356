/** DTrace Object Format: what is written is read again, and what an assembler has made. */

import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { type Dof, parseDof } from "../../lib/object/dof.ts";
import { readElfDofs } from "../../lib/object/dof_elf.ts";
import { isDof } from "../../lib/object/dof_header.ts";
import { writeDof } from "../../lib/object/dof_writer.ts";
import { byteSource } from "../../lib/object/byte_source.ts";
import { ElfFile } from "../../lib/object/elf_file.ts";
import { EXAMPLE, exampleOf, LAYOUTS, SpoiltDof } from "./dof_examples.ts";
import { buildElf } from "./elf_builder.ts";
import { openFile, run, target } from "./files.ts";

Deno.test("parseDof() reads what writeDof() writes, in every version, model, byte order and relocation", () => {
  for (const options of LAYOUTS) {
    const bytes = writeDof(exampleOf(options), options);
    const dof = parseDof(bytes, { name: "example", address: options.address });
    assertEquals(dof.providers, exampleOf(options), JSON.stringify(options));
    assertEquals(
      [dof.version, dof.bits, dof.littleEndian, dof.fileBytes, dof.loadBytes, dof.problems],
      [options.version, options.bits, options.littleEndian, bytes.length, bytes.length, []],
    );
    assertEquals([bytes.length % 8, isDof(bytes), isDof(bytes.subarray(1))], [0, true, false]);
  }
});

Deno.test("parseDof() moves the addresses that relocations name, and no others", () => {
  const sites = (dof: Dof) => dof.providers[0]?.probes[0]?.sites;
  const parse = (relocation: "none" | "object" | "place", place: { bias?: number; address?: number }) =>
    sites(parseDof(writeDof(EXAMPLE, { relocation, address: 0x600000 }), { name: "moved", ...place }));
  const bias = 0x5555_5555_4000;
  assertEquals(parse("none", { bias }), [0x401010, 0x401020]);
  assertEquals(parse("object", { bias }), [bias + 0x401010, bias + 0x401020]);
  assertEquals(parse("place", { bias, address: 0x600000 + bias }), [bias + 0x401010, bias + 0x401020]);
});

/** The addresses of a program's symbols. */
function symbolsOf(path: string): (name: string) => number {
  const lines = run("nm", path).split("\n");
  return (name) => parseInt(lines.find((line) => line.endsWith(` ${name}`)) ?? "", 16);
}

for (const name of ["static_dof", "static_dof_no_pie"]) {
  Deno.test(`readElfDofs() reads what an assembler has made of ${name}`, () => {
    const at = symbolsOf(target(name));
    const [found, ...others] = readElfDofs(openFile(target(name)));
    const dof = found?.dof;
    assertEquals([others, found?.section, found?.vaddr], [[], ".SUNW_dof", at("dof_start")]);
    assertEquals(dof instanceof DTraceError ? dof.message : dof?.providers, [{
      name: "static_dof",
      attributes: {
        provider: { name: 5, data: 5, class: 5 },
        module: { name: 1, data: 1, class: 0 },
        function: { name: 1, data: 1, class: 0 },
        name: { name: 5, data: 5, class: 5 },
        arguments: { name: 5, data: 5, class: 9 },
      },
      probes: [
        {
          function: "work",
          name: "go",
          sites: [at("go_1"), at("go_2")],
          enabledSites: [],
          nativeTypes: ["int", "char *"],
          translatedTypes: ["char *", "int"],
          argumentMap: [1, 0],
        },
        {
          function: "work",
          name: "gated-one",
          sites: [at("gated_1")],
          enabledSites: [at("enabled_1")],
          nativeTypes: ["int"],
          translatedTypes: ["int"],
          argumentMap: [0],
        },
      ],
    }]);
  });
}

/** A file with a section of DOF. */
function withDof(bytes: Uint8Array, type = 0x6ffffff4, name = ".dof"): ElfFile {
  const sections = [{ name, type, vaddr: 0x600000, bytes }];
  return new ElfFile(byteSource(buildElf({ sections })), { name: "built" });
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("readElfDofs() finds sections by type or by name, with several DOFs behind each other", () => {
  const first = writeDof([EXAMPLE[0]!]);
  const second = writeDof([EXAMPLE[1]!], { relocation: "place", address: 0x600000 + first.length });
  const names = (elf: ElfFile, bias = 0) =>
    readElfDofs(elf, bias).map(({ vaddr, dof }) =>
      dof instanceof DTraceError ? dof.tag : [vaddr, dof.providers[0]?.name, dof.providers[0]?.probes[0]?.sites]
    );
  const both = joined(first, second, new Uint8Array(80));
  const expected = [[0x600000, "example", [0x401010, 0x401020]], [0x600000 + first.length, "other_one", [0x403000]]];
  assertEquals(names(withDof(both)), expected);
  assertEquals(names(withDof(both, 1, ".SUNW_dof")), expected);
  assertEquals(names(withDof(both), 0x1000).at(-1), [0x600000 + first.length, "other_one", [0x404000]]);
  assertEquals(names(withDof(both, 1, ".data")), []);
  assertEquals(names(withDof(joined(first, new Uint8Array(100).fill(1)))), [expected[0]!, "D_DOF_MAGIC"]);
  assertEquals(names(withDof(new Uint8Array(0))), ["D_DOF_SHORT"]);
});

Deno.test("parseDof() accepts attributes beyond the lists, and leaves out only what is wrong by itself", () => {
  const badName = { ...EXAMPLE[1]!, name: "pid*" };
  const empty = { ...EXAMPLE[1]!, name: "" };
  const dof = parseDof(writeDof([badName, EXAMPLE[0]!, empty]), { name: "names" });
  assertEquals(dof.providers.map(({ name }) => name), ["example"]);
  assertEquals(dof.providers[0]?.attributes.arguments, { name: 6, data: 7, class: 9 });
  assertEquals(dof.problems, [
    { tag: "D_DOF_NAME", message: '"pid*" cannot be the name of a provider' },
    { tag: "D_DOF_NAME", message: '"" cannot be the name of a provider' },
  ]);
});

Deno.test("parseDof() keeps names of any bytes", () => {
  const [probe] = EXAMPLE[1]!.probes;
  const names = ["a:b", "operator<<", "größe", "\n", "日本"];
  const provider = { ...EXAMPLE[1]!, probes: names.map((name) => ({ ...probe!, function: name, name })) };
  const dof = parseDof(writeDof([provider]), { name: "names" });
  assertEquals(dof.providers, [provider]);
  const bytes = writeDof([provider]);
  const at = bytes.findIndex((_, index) => new TextDecoder().decode(bytes.subarray(index, index + 4)) === "a:b\0");
  bytes[at + 1] = 0xff;
  assertEquals(parseDof(bytes, { name: "names" }).providers[0]?.probes[0]?.name, "a\\xffb");
});

Deno.test("parseDof() counts addresses with signed offsets, beyond 32 bits", () => {
  const [probe] = EXAMPLE[1]!.probes;
  const sites = [0x7fff_0000_1000, 0x7fff_4000_0000];
  const provider = { ...EXAMPLE[1]!, probes: [{ ...probe!, sites, enabledSites: [0x7fff_0000_0ff0] }] };
  const bytes = writeDof([provider]);
  assertEquals(parseDof(bytes, { name: "far" }).providers, [provider]);
  const view = new DataView(bytes.buffer);
  const { offset } = parseDof(bytes, { name: "far" }).sections.find(({ type }) => type === "PROFFS")!;
  view.setInt32(offset, -16, true);
  assertEquals(parseDof(bytes, { name: "far" }).providers[0]?.probes[0]?.sites, [0x7fff_0000_0fe0, sites[1]!]);
});

Deno.test("writeDof() throws RangeError on what does not fit", () => {
  const [probe] = EXAMPLE[1]!.probes;
  const write = (change: Partial<typeof probe>, version: 1 | 2 = 2) =>
    assertThrows(() => writeDof([{ ...EXAMPLE[1]!, probes: [{ ...probe!, ...change }] }], { version }), RangeError)
      .message;
  assertEquals(write({ sites: [] }), 'Cannot write probe "g": it has no site');
  assertEquals(write({ enabledSites: [1] }, 1), 'Cannot write probe "g": version 1 has no is-enabled sites');
  assertEquals(write({ nativeTypes: Array(256).fill("int") }), 'Cannot write probe "g": its arguments do not fit');
  assertEquals(write({ argumentMap: [0] }), 'Cannot write probe "g": its arguments do not fit');
  assertEquals(write({ sites: Array(65_536).fill(1) }), 'Cannot write probe "g": it has too many sites');
  assertEquals(write({ sites: [0, 2 ** 31] }), "Cannot write an offset of 2147483648 bytes: it is too far");
});

Deno.test("parseDof() reads 10,000 probes, soon", () => {
  const [probe] = EXAMPLE[0]!.probes;
  const probes = Array.from({ length: 10_000 }, (_, index) => ({ ...probe!, name: `probe-${index}` }));
  const bytes = writeDof([{ ...EXAMPLE[0]!, probes }]);
  const start = performance.now();
  assertEquals(parseDof(bytes, { name: "many" }).providers[0]?.probes.length, 10_000);
  assertEquals(performance.now() - start < 5000, true);
});

Deno.test("D_DOF_DUPLICATE: a probe that is there twice has the sites of both", () => {
  const dof = new SpoiltDof();
  const probes = dof.contents("PROBES");
  dof.set(probes + 48 + 8, dof.view.getUint32(probes + 8, true));
  const { providers, problems } = dof.parse();
  assertEquals(providers[0]?.probes.map(({ name }) => name), ["start", "silent"]);
  assertEquals(providers[0]?.probes[0]?.sites, [0x401010, 0x401020, 0x402000]);
  assertEquals(problems, [{ tag: "D_DOF_DUPLICATE", message: "probe example:main:start is there twice" }]);
});

Deno.test("D_DOF_NOSITE: a probe without a site is left out", () => {
  const dof = new SpoiltDof();
  dof.view.setUint16(dof.contents("PROBES") + 2 * 48 + 40, 0, true);
  const { providers, problems } = dof.parse();
  assertEquals(providers[0]?.probes.map(({ name }) => name), ["start", "start"]);
  assertEquals(problems, [{ tag: "D_DOF_NOSITE", message: "probe example:main:silent has no site" }]);
});

Deno.test("readElfDofs() gives the error of DOF that is malformed", () => {
  const [found] = readElfDofs(withDof(new Uint8Array(64)));
  assertInstanceOf(found?.dof, DTraceError);
  assertEquals(found.dof.message, 'Cannot read DOF "built(.dof)": it does not begin as DOF does');
});
