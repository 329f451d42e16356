/** What aarch64 sites want beyond their instruction, on an invented process. */

import { assertEquals } from "@std/assert";
import { openKernel } from "../../ffi/ffi.ts";
import { type Address, toAddress } from "../../lib/address.ts";
import { contextRefusal } from "../../lib/fasttrap/context.ts";
import { TracepointPlanner } from "../../lib/fasttrap/planner.ts";
import type { Fasttrap } from "../../lib/fasttrap/fasttrap.ts";
import { isaOf } from "../../lib/isa/architectures.ts";
import type { Image } from "../../lib/process/process.ts";

const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const NOP = 0xd503_201f;
const LDXR = 0xc85f_7c40;
const STXR = 0xc801_7c40;
const BETWEEN = "it stands between exclusive accesses, which a trap would make fail for ever";

/** Asks at an index of words that begin at an address, before and behind which nothing is mapped. */
function refusalAt(machine: number, base: number, words: readonly number[], index: number): string | undefined {
  const code = new Uint8Array(new Uint32Array(words).buffer);
  const memory = {
    read(address: Address, into: Uint8Array): number {
      if (address < base) return 0;
      const part = code.subarray(address - base, address - base + into.length);
      into.set(part);
      return part.length;
    },
  };
  return contextRefusal({ isa: isaOf(machine), memory } as unknown as Image, toAddress(base + 4 * index));
}

Deno.test("contextRefusal() looks around a site as far as there is memory", () => {
  const loop = [LDXR, NOP, STXR];
  assertEquals([0, 1, 2].map((index) => refusalAt(EM_AARCH64, 0x40_1000, loop, index)), [
    undefined,
    BETWEEN,
    undefined,
  ]);
  const padded = [...new Array(1022).fill(NOP), ...loop];
  assertEquals(refusalAt(EM_AARCH64, 0x40_1000, padded, 1023), BETWEEN);
  // Behind the border of a page
  assertEquals(refusalAt(EM_AARCH64, 0x40_1000, [NOP, ...padded.slice(0, -1), NOP, STXR], 1024), BETWEEN);
  assertEquals(refusalAt(EM_AARCH64, 0x40_1000, [], 0), undefined);
  assertEquals(refusalAt(EM_X86_64, 0x40_1000, loop, 1), undefined);
});

Deno.test("TracepointPlanner.plan() has returns stepped that only the processor can perform, fasttrap rule 150", () => {
  using kernel = openKernel();
  const isa = isaOf(EM_AARCH64);
  const fasttrap = { tracer: { kernel } } as unknown as Fasttrap;
  const planner = new TracepointPlanner(fasttrap, { isa, pid: Deno.pid } as Image, []);
  const rows = [
    ["ret", 0xd65f_03c0, true, false],
    ["retaa", 0xd65f_0bff, false, true],
    ["stp x29,x30,[sp,#-16]!", 0xa9bf_7bfd, true, false],
    ["braaz x0", 0xd61f_081f, false, false],
    ["paciasp", 0xd503_233f, false, false],
  ] as const;
  for (const [assembly, word, emulated, inPlace] of rows) {
    const code = new Uint8Array(new Uint32Array([word]).buffer);
    const tracepoint = planner.plan(isa.decode(code, 0, toAddress(0x40_1000))!);
    assertEquals([tracepoint.emulated, tracepoint.inPlace], [emulated, inPlace], assembly);
  }
});
