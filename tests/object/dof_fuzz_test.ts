/**
 * Hostile DOF: whatever the bytes are, the outcome is a value of bounded size or a DTraceError with a tag of DOF, soon.
 */

import { assert, assertEquals } from "@std/assert";
import { DTraceError } from "../../lib/errors.ts";
import { type Dof, parseDof } from "../../lib/object/dof.ts";
import { writeDof } from "../../lib/object/dof_writer.ts";
import { SOAK } from "../support.ts";
import { EXAMPLE, exampleOf, LAYOUTS } from "./dof_examples.ts";

/** A million when it may take long. */
const MUTATION_COUNT = SOAK > 1 ? 1_000_000 : 10_000;
/** Far more than any DOF needs, because the machine may be busy. */
const MILLISECONDS_MAX = 5000;
/** What the module states: entries for each byte. */
const BOUND_FACTOR = 4;

const EXTREMES = [0, 1, 7, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

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

/** Changes one to four fields; sometimes cuts it, or repeats a part of it. */
function mutate(seed: Uint8Array, below: (limit: number) => number): Uint8Array {
  const bytes = seed.slice();
  const view = new DataView(bytes.buffer);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    // What is behind the section headers is referred to by them: both are changed as often.
    const at = below(2) === 0 ? below(Math.min(400, bytes.length - 4)) : below(bytes.length - 4);
    const value = below(3) === 0 ? EXTREMES[below(EXTREMES.length)]! : below(bytes.length);
    const size = below(4);
    if (size === 0) view.setUint8(at, value & 0xff);
    else if (size === 1) view.setUint16(at - at % 2, value & 0xffff, below(2) === 0);
    else view.setUint32(at - at % 4, value, below(2) === 0);
  }
  if (below(16) === 0) bytes.copyWithin(below(bytes.length), below(bytes.length), below(bytes.length));
  return below(16) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
}

/** What has been made of DOF, in entries. */
function entriesOf({ providers, sections, problems }: Dof): number {
  const probes = providers.flatMap((provider) => provider.probes);
  const lists = probes.map(({ sites, enabledSites, nativeTypes, translatedTypes }) =>
    sites.length + enabledSites.length + nativeTypes.length + translatedTypes.length
  );
  return sections.length + providers.length + problems.length + probes.length + lists.reduce((a, b) => a + b, 0);
}

/** Parses DOF; returns whether nothing was wrong with it. */
function exercise(bytes: Uint8Array): boolean {
  const start = performance.now();
  try {
    const dof = parseDof(bytes, { name: "fuzz", bias: 0x1000, address: 0x600000 });
    assert(entriesOf(dof) <= BOUND_FACTOR * bytes.length, `${entriesOf(dof)} entries of ${bytes.length} bytes`);
    return dof.problems.length === 0;
  } catch (error) {
    if (!(error instanceof DTraceError) || !error.tag.startsWith("D_DOF_")) throw error;
    return false;
  } finally {
    assert(performance.now() - start < MILLISECONDS_MAX, `it took ${performance.now() - start} ms`);
  }
}

Deno.test("parseDof() survives mutations of every version, model and byte order", () => {
  const seeds = LAYOUTS.map((options) => writeDof(exampleOf(options), options));
  const below = random(0xd0f);
  let intact = 0;
  for (let index = 0; index < MUTATION_COUNT; index++) {
    if (exercise(mutate(seeds[index % seeds.length]!, below))) intact++;
  }
  // If all were intact or none was, the mutations would miss what is read.
  assert(intact > MUTATION_COUNT / 20 && intact < MUTATION_COUNT * 0.7, `${intact} of ${MUTATION_COUNT} were intact`);
});

Deno.test("parseDof() survives random bytes behind a header", () => {
  const below = random(0x5eed);
  const header = writeDof(EXAMPLE).subarray(0, 64);
  for (let index = 0; index < MUTATION_COUNT / 10; index++) {
    const bytes = Uint8Array.from({ length: 64 + below(600) }, () => below(4) === 0 ? below(256) : below(8));
    bytes.set(header);
    const view = new DataView(bytes.buffer);
    view.setUint32(28, below(1 + Math.floor((bytes.length - 64) / 32)), true);
    for (const at of [40, 48]) view.setUint32(at, bytes.length, true);
    exercise(bytes);
  }
});

/** DOF of 512 KiB, whose section headers are nearly all the same. */
function repeated(type: number, link: (view: DataView, contents: number) => void): Uint8Array {
  const bytes = new Uint8Array(2 ** 19);
  bytes.set(writeDof(EXAMPLE).subarray(0, 64));
  const view = new DataView(bytes.buffer);
  const contents = 2 ** 18;
  const count = (contents - 64) / 32;
  view.setUint32(28, count, true);
  for (const at of [40, 48]) view.setUint32(at, bytes.length, true);
  const section = (index: number, fields: readonly number[], offset: number, size: number) => {
    fields.forEach((field, place) => view.setUint32(64 + 32 * index + 4 * place, field, true));
    view.setUint32(64 + 32 * index + 16, offset, true);
    view.setUint32(64 + 32 * index + 24, size, true);
  };
  section(0, [8, 1, 1, 0], contents, 2 ** 16);
  section(1, [16, 8, 1, 48], contents + 2 ** 16, 48 * 1300);
  section(2, [17, 1, 1, 1], contents + 2 ** 17, 2 ** 16);
  section(3, [18, 4, 1, 4], contents + 2 ** 17, 2 ** 16);
  section(4, [10, 8, 1, 24], contents + 2 ** 17, 24 * 2500);
  const shared = contents + 2 ** 17 + 2 ** 16;
  for (let index = 5; index < count; index++) section(index, [type, 4, 1, 0], shared, 64);
  link(view, shared);
  return bytes;
}

Deno.test("D_DOF_COUNT: 8,000 providers or relocation headers that share their tables", () => {
  const start = performance.now();
  const providers = repeated(15, (view, at) => {
    [0, 1, 2, 3, 0].forEach((field, index) => view.setUint32(at + 4 * index, field, true));
  });
  const relocations = repeated(12, (view, at) => {
    [0, 4, 1].forEach((field, index) => view.setUint32(at + 4 * index, field, true));
  });
  const tags = [providers, relocations].map((bytes) => {
    try {
      parseDof(bytes, { name: "vast" });
      return "none";
    } catch (error) {
      return error instanceof DTraceError ? error.tag : String(error);
    }
  });
  assertEquals(tags, ["D_DOF_COUNT", "D_DOF_COUNT"]);
  assert(performance.now() - start < 2 * MILLISECONDS_MAX, `it took ${performance.now() - start} ms`);
});

Deno.test("parseDof() survives 90,000 probes that share names of megabytes", () => {
  const [probe] = EXAMPLE[1]!.probes;
  const probes = Array.from(
    { length: 90_000 },
    (_, index) => ({ ...probe!, name: index === 0 ? "n".repeat(1e6) : "n" }),
  );
  const bytes = writeDof([{ ...EXAMPLE[1]!, probes }]);
  const view = new DataView(bytes.buffer);
  const { offset } = parseDof(bytes, { name: "seed" }).sections.find(({ type }) => type === "PROBES")!;
  for (let index = 1; index < probes.length; index++) {
    view.setUint32(offset + 48 * index + 12, view.getUint32(offset + 12, true), true);
  }
  const start = performance.now();
  const dof = parseDof(bytes, { name: "shared" });
  assertEquals([dof.providers[0]?.probes.length, dof.problems.length], [1, 100]);
  assert(dof.problems.every(({ message }) => message.length < 300));
  assert(performance.now() - start < MILLISECONDS_MAX);
});
