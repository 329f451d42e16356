/** Every way in which DTrace Object Format can be wrong, each by its tag. */

import { assertEquals, assertThrows } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { parseDof } from "../../lib/object/dof.ts";
import { writeDof } from "../../lib/object/dof_writer.ts";
import { EXAMPLE, SpoiltDof } from "./dof_examples.ts";

/** What is said of an example that has been spoilt; the tag has to be in the name of the test. */
function saidOf(tag: string, spoil: (dof: SpoiltDof) => void): string {
  const dof = new SpoiltDof();
  spoil(dof);
  return saidOfBytes(tag, dof.bytes);
}

function saidOfBytes(tag: string, bytes: Uint8Array): string {
  const error = assertThrows(() => parseDof(bytes, { name: "spoilt" }), DTraceError);
  assertEquals(error.tag, tag, error.message);
  const start = 'Cannot read DOF "spoilt": ';
  assertEquals(error.message.slice(0, start.length), start);
  return error.message.slice(start.length);
}

/** Where the fields of the header and of a section header are. */
const [HDRSIZE, SECSIZE, SECNUM, SECOFF, LOADSZ, FILESZ] = [20, 24, 28, 32, 40, 48];
const [ALIGN, FLAGS, ENTSIZE, OFFSET, SIZE] = [4, 8, 12, 16, 24];

Deno.test("D_DOF_SHORT: less than a header", () => {
  assertEquals(saidOfBytes("D_DOF_SHORT", new Uint8Array(63)), "it has 63 bytes, less than a header");
});

Deno.test("D_DOF_MAGIC: something else", () => {
  assertEquals(saidOf("D_DOF_MAGIC", ({ view }) => view.setUint8(3, 0x45)), "it does not begin as DOF does");
});

Deno.test("D_DOF_MODEL: neither 32 nor 64 bits", () => {
  assertEquals(saidOf("D_DOF_MODEL", ({ view }) => view.setUint8(4, 3)), "there is no data model 3");
});

Deno.test("D_DOF_ENCODING: neither byte order", () => {
  assertEquals(saidOf("D_DOF_ENCODING", ({ view }) => view.setUint8(5, 0)), "there is no byte order 0");
});

Deno.test("D_DOF_VERSION: before the first and behind the last", () => {
  assertEquals(saidOf("D_DOF_VERSION", ({ view }) => view.setUint8(6, 0)), "version 0 is not known");
  assertEquals(saidOf("D_DOF_VERSION", ({ view }) => view.setUint8(6, 4)), "version 4 is not known");
});

Deno.test("D_DOF_PADDING: something where nothing should be", () => {
  assertEquals(saidOf("D_DOF_PADDING", ({ view }) => view.setUint8(15, 1)), "its byte 15 is not 0");
});

Deno.test("D_DOF_FLAGS: a flag", () => {
  assertEquals(saidOf("D_DOF_FLAGS", (dof) => dof.set(16, 0x80)), "its flags are 0x80, of which none is known");
});

Deno.test("D_DOF_HDRSIZE: a header of another size", () => {
  assertEquals(saidOf("D_DOF_HDRSIZE", (dof) => dof.set(HDRSIZE, 72)), "its header has 72 bytes");
});

Deno.test("D_DOF_FILESZ: more bytes than there are, and fewer than a header", () => {
  const { length } = new SpoiltDof().bytes;
  const said = (size: number) => `it says that it has ${size} bytes, of ${length}`;
  assertEquals(saidOf("D_DOF_FILESZ", (dof) => dof.set(FILESZ, length + 1)), said(length + 1));
  assertEquals(saidOf("D_DOF_FILESZ", (dof) => dof.set(FILESZ, 63)), said(63));
});

Deno.test("D_DOF_LARGE: more than 8 MiB", () => {
  const said = "it has 4294968192 bytes, more than 8388608";
  const size = new SpoiltDof().bytes.length;
  assertEquals(saidOf("D_DOF_LARGE", (dof) => dof.set(FILESZ + 4, 1)), said.replace("4294968192", `${2 ** 32 + size}`));
});

Deno.test("D_DOF_LOADSZ: more to be loaded than there is, and less than a header", () => {
  const { length } = new SpoiltDof().bytes;
  assertEquals(saidOf("D_DOF_LOADSZ", (dof) => dof.set(LOADSZ, 8)), `8 bytes of ${length} are to be loaded`);
  assertEquals(
    saidOf("D_DOF_LOADSZ", (dof) => dof.set(LOADSZ, length + 8)),
    `${length + 8} bytes of ${length} are to be loaded`,
  );
});

Deno.test("D_DOF_SECSIZE: section headers that are too small or not aligned", () => {
  assertEquals(saidOf("D_DOF_SECSIZE", (dof) => dof.set(SECSIZE, 24)), "its section headers have 24 bytes");
  assertEquals(saidOf("D_DOF_SECSIZE", (dof) => dof.set(SECSIZE, 33)), "its section headers have 33 bytes");
});

Deno.test("D_DOF_SECOFF: section headers outside, not aligned, or too many", () => {
  const { length } = new SpoiltDof().bytes;
  const count = new SpoiltDof().view.getUint32(SECNUM, true);
  const said = (number: number, at: number) => `its ${number} section headers are at ${at} of ${length} bytes`;
  assertEquals(saidOf("D_DOF_SECOFF", (dof) => dof.set(SECOFF, 65)), said(count, 65));
  assertEquals(saidOf("D_DOF_SECOFF", (dof) => dof.set(SECOFF, length)), said(count, length));
  // 2^27 + 1 headers of 32 bytes are 32 bytes if the product wraps at 32 bits.
  assertEquals(saidOf("D_DOF_SECOFF", (dof) => dof.set(SECNUM, 2 ** 27 + 1)), said(2 ** 27 + 1, 64));
});

Deno.test("D_DOF_SECFLAGS: a section that has to be loaded and is not", () => {
  const said = saidOf("D_DOF_SECFLAGS", (dof) => dof.set(dof.header("PROBES") + FLAGS, 0));
  assertEquals(said, "its section 1, PROBES, is not to be loaded");
});

Deno.test("D_DOF_SECALIGN: a section that is not aligned, or to no power of 2", () => {
  const at = new SpoiltDof().contents("PROBES");
  const said = (offset: number, align: number) => `its section 1 is at ${offset}, aligned to ${align} bytes`;
  assertEquals(saidOf("D_DOF_SECALIGN", (dof) => dof.set(dof.header("PROBES") + ALIGN, 0)), said(at, 0));
  assertEquals(saidOf("D_DOF_SECALIGN", (dof) => dof.set(dof.header("PROBES") + ALIGN, 12)), said(at, 12));
  assertEquals(saidOf("D_DOF_SECALIGN", (dof) => dof.set(dof.header("PROBES") + OFFSET, at + 4)), said(at + 4, 8));
});

Deno.test("D_DOF_SECRANGE: a section outside, also where its end wraps", () => {
  const { length } = new SpoiltDof().bytes;
  const at = new SpoiltDof().contents("PRARGS");
  const said = (size: number, offset: number) => `its section 2 has ${size} bytes at ${offset} of ${length}`;
  assertEquals(saidOf("D_DOF_SECRANGE", (dof) => dof.set(dof.header("PRARGS") + SIZE, length)), said(length, at));
  assertEquals(saidOf("D_DOF_SECRANGE", (dof) => dof.set(dof.header("PRARGS") + OFFSET, length)), said(2, length));
  const wrapped = saidOf("D_DOF_SECRANGE", (dof) => {
    dof.view.setBigInt64(dof.header("PRARGS") + SIZE, -64n, true);
  });
  assertEquals(wrapped, said(2 ** 64 - 64, at));
});

Deno.test("D_DOF_STRTAB: strings that do not end, and none", () => {
  const said = "its section 0 is a string table that does not end with a NUL";
  assertEquals(
    saidOf("D_DOF_STRTAB", (dof) => {
      const end = dof.contents("STRTAB") + dof.view.getUint32(dof.header("STRTAB") + SIZE, true);
      dof.view.setUint8(end - 1, 0x61);
    }),
    said,
  );
  assertEquals(saidOf("D_DOF_STRTAB", (dof) => dof.set(dof.header("STRTAB") + SIZE, 0)), said);
});

Deno.test("D_DOF_SECIDX: a reference to no section", () => {
  const count = new SpoiltDof().view.getUint32(SECNUM, true);
  for (const field of [0, 4, 8, 12]) {
    const said = saidOf("D_DOF_SECIDX", (dof) => dof.set(dof.contents("PROVIDER") + field, count));
    assertEquals(said, `it refers to section ${count} of ${count}`);
  }
  const said = saidOf("D_DOF_SECIDX", (dof) => dof.set(dof.contents("URELHDR") + 8, 0xffffffff));
  assertEquals(said, `it relocates section 4294967295 of ${count}`);
});

Deno.test("D_DOF_SECTYPE: a reference to a section of another type", () => {
  for (
    const [field, type] of [[0, "STRTAB"], [4, "PROBES"], [8, "PRARGS"], [12, "PROFFS"], [40, "PRENOFFS"]] as const
  ) {
    const said = saidOf("D_DOF_SECTYPE", (dof) => dof.set(dof.contents("PROVIDER") + field, 5));
    assertEquals(said, `it refers to section 5, which is PROVIDER, and should be ${type}`);
  }
  const unknown = saidOf("D_DOF_SECTYPE", (dof) => {
    dof.set(dof.header("PROBES"), 200);
    dof.set(dof.header("PROBES") + FLAGS, 0);
  });
  assertEquals(unknown, "it refers to section 1, which is of type 200, and should be PROBES");
});

Deno.test("D_DOF_PROVIDER: a provider that is too small or not aligned", () => {
  const at = new SpoiltDof().contents("PROVIDER");
  const said = (size: number, offset: number) => `its section 5, a provider, has ${size} bytes at ${offset}`;
  assertEquals(saidOf("D_DOF_PROVIDER", (dof) => dof.set(dof.header("PROVIDER") + SIZE, 40)), said(40, at));
  const odd = saidOf("D_DOF_PROVIDER", (dof) => {
    dof.set(dof.header("PROVIDER") + ALIGN, 1);
    dof.set(dof.header("PROVIDER") + OFFSET, at + 1);
  });
  assertEquals(odd, said(44, at + 1));
});

Deno.test("D_DOF_ENTSIZE: entries of a wrong size, or not a whole number of them", () => {
  const probes = (size: number, total: number, at: number) =>
    `its probes have ${size} bytes, in ${total} bytes at ${at}`;
  const at = new SpoiltDof().contents("PROBES");
  assertEquals(saidOf("D_DOF_ENTSIZE", (dof) => dof.set(dof.header("PROBES") + ENTSIZE, 0)), probes(0, 144, at));
  assertEquals(saidOf("D_DOF_ENTSIZE", (dof) => dof.set(dof.header("PROBES") + ENTSIZE, 40)), probes(40, 144, at));
  assertEquals(saidOf("D_DOF_ENTSIZE", (dof) => dof.set(dof.header("PROBES") + ENTSIZE, 50)), probes(50, 144, at));
  assertEquals(saidOf("D_DOF_ENTSIZE", (dof) => dof.set(dof.header("PROBES") + SIZE, 140)), probes(48, 140, at));
  for (const [type, index, size] of [["PRARGS", 2, 2], ["PROFFS", 3, 8], ["PRENOFFS", 4, 0]] as const) {
    const said = saidOf("D_DOF_ENTSIZE", (dof) => dof.set(dof.header(type) + ENTSIZE, size));
    assertEquals(said, `its section ${index}, ${type}, has entries of ${size} bytes`);
  }
  const relocations = saidOf("D_DOF_ENTSIZE", (dof) => dof.set(dof.header("RELTAB") + ENTSIZE, 16));
  assertEquals(relocations, `its relocations have 16 bytes, at ${new SpoiltDof().contents("RELTAB")}`);
});

Deno.test("D_DOF_STRING: a name or a type outside of the strings", () => {
  const size = new SpoiltDof().view.getUint32(new SpoiltDof().header("STRTAB") + SIZE, true);
  const said = (what: string, index = size) => `${what} is at ${index} of a string table of ${size} bytes`;
  const probe = (field: number) => saidOf("D_DOF_STRING", (dof) => dof.set(dof.contents("PROBES") + field, size));
  assertEquals(probe(8), said("the function of a probe"));
  assertEquals(probe(12), said("the name of a probe"));
  assertEquals(probe(16), said("the type of an argument"));
  assertEquals(probe(20), said("the type of an argument"));
  const provider = saidOf("D_DOF_STRING", (dof) => dof.set(dof.contents("PROVIDER") + 16, 0xffffffff));
  assertEquals(provider, said("the name of a provider", 0xffffffff));
  // The types begin inside and go on outside.
  const types = saidOf("D_DOF_STRING", (dof) => dof.view.setUint8(dof.contents("PROBES") + 32, 255));
  assertEquals(types, said("the type of an argument"));
});

Deno.test("D_DOF_STRINGS: strings that overlap without an end", () => {
  const [probe] = EXAMPLE[1]!.probes;
  const length = 4000;
  const probes = Array.from({ length }, () => ({ ...probe!, name: "x" }));
  const bytes = writeDof([{ ...EXAMPLE[1]!, probes: [{ ...probe!, function: "a".repeat(10_000) }, ...probes] }]);
  const view = new DataView(bytes.buffer);
  const { offset } = parseDof(bytes, { name: "seed" }).sections.find(({ type }) => type === "PROBES")!;
  const start = view.getUint32(offset + 8, true);
  for (let index = 1; index <= length; index++) view.setUint32(offset + 48 * index + 8, start + index, true);
  assertEquals(saidOfBytes("D_DOF_STRINGS", bytes), "its strings overlap too often");
});

Deno.test("D_DOF_OFFIDX: offsets of sites outside, also where their end wraps", () => {
  const probe = (field: number, value: number) =>
    saidOf("D_DOF_OFFIDX", (dof) => dof.set(dof.contents("PROBES") + field, value));
  assertEquals(probe(28, 2), "the offsets 2 to 4 of a probe are outside of 3");
  assertEquals(probe(28, 0xffffffff), "the offsets 4294967295 to 4294967297 of a probe are outside of 3");
});

Deno.test("D_DOF_ENOFFIDX: offsets of is-enabled sites outside, or of no section", () => {
  const outside = saidOf("D_DOF_ENOFFIDX", (dof) => dof.set(dof.contents("PROBES") + 36, 2));
  assertEquals(outside, "the offsets 2 to 3 of a probe are outside of 2");
  for (const none of [0, 0xffffffff]) {
    const said = saidOf("D_DOF_ENOFFIDX", (dof) => dof.set(dof.contents("PROVIDER") + 40, none));
    assertEquals(said, "the offsets 0 to 1 of a probe are outside of 0");
  }
});

Deno.test("D_DOF_ARGIDX: an argument map outside", () => {
  const said = saidOf("D_DOF_ARGIDX", (dof) => dof.set(dof.contents("PROBES") + 24, 0xfffffffe));
  assertEquals(said, "the arguments 4294967294 to 4294967296 of a probe are outside of 2");
});

Deno.test("D_DOF_ARGMAP: an argument that the program does not pass", () => {
  const said = saidOf("D_DOF_ARGMAP", (dof) => dof.view.setUint8(dof.contents("PRARGS"), 200));
  assertEquals(said, "an argument of a probe is native argument 200 of 3");
});

Deno.test("D_DOF_ADDRESS: a site that is no address, and DOF that does not know where it is", () => {
  const far = saidOf("D_DOF_ADDRESS", (dof) => {
    dof.view.setBigUint64(dof.contents("PROBES"), 2n ** 62n, true);
  });
  assertEquals(far, `a site of a probe is at ${2 ** 62}, which is no address`);
  const negative = saidOf("D_DOF_ADDRESS", (dof) => dof.view.setBigInt64(dof.contents("PROBES"), -20n, true));
  assertEquals(negative, "a site of a probe is at -4, which is no address");
  assertEquals(
    saidOfBytes("D_DOF_ADDRESS", writeDof(EXAMPLE, { relocation: "place" })),
    "its probes are counted from its own address, which is not known",
  );
});

Deno.test("D_DOF_COUNT: tables that are referred to again and again", () => {
  const [probe] = EXAMPLE[1]!.probes;
  const sites = Array.from({ length: 10_000 }, (_, index) => 0x1000 + index);
  const probes = Array.from({ length: 40 }, (_, index) => ({ ...probe!, name: `p${index}`, sites: [0x1000] }));
  const bytes = writeDof([{ ...EXAMPLE[1]!, probes: [{ ...probe!, sites }, ...probes] }]);
  const view = new DataView(bytes.buffer);
  const { offset } = parseDof(bytes, { name: "seed" }).sections.find(({ type }) => type === "PROBES")!;
  for (let index = 1; index <= probes.length; index++) {
    view.setUint32(offset + 48 * index + 28, 0, true);
    view.setUint16(offset + 48 * index + 34, sites.length, true);
  }
  assertEquals(saidOfBytes("D_DOF_COUNT", bytes), "its tables refer to the same entries too often");
});

Deno.test("D_DOF_RELHDR: a relocation header that is too small", () => {
  const said = saidOf("D_DOF_RELHDR", (dof) => dof.set(dof.header("URELHDR") + SIZE, 8));
  assertEquals(said.replace(/\d+/, "N"), `its section N has 8 bytes at ${new SpoiltDof().contents("URELHDR")}`);
});

Deno.test("D_DOF_RELTYPE: a relocation of no known type", () => {
  const said = saidOf("D_DOF_RELTYPE", (dof) => dof.set(dof.contents("RELTAB") + 4, 3));
  assertEquals(said, "there is no relocation of type 3");
});

Deno.test("D_DOF_RELOFF: a relocation outside or not aligned", () => {
  const said = (offset: number) => `it relocates 8 bytes at ${offset} of a section of 144`;
  const relocate = (offset: number) =>
    saidOf("D_DOF_RELOFF", (dof) => dof.view.setBigInt64(dof.contents("RELTAB") + 8, BigInt(offset), true));
  assertEquals(relocate(140), said(140));
  assertEquals(relocate(144), said(144));
  assertEquals(relocate(4), said(4));
  assertEquals(relocate(-8), said(2 ** 64));
});

Deno.test("parseDof() gives no relocation no meaning", () => {
  const dof = new SpoiltDof();
  dof.set(dof.contents("RELTAB") + 4, 0);
  const sites = parseDof(dof.bytes, { name: "moved", bias: 0x1000 }).providers[0]?.probes.map((probe) => probe.sites);
  assertEquals(sites, [[0x401010, 0x401020], [0x403000], []]);
});
