/** Records of aarch64 pads whose threads are gone before they have finished them. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import { CELL_BYTES, type JumpWindow, type PadMemory, type RecordAction } from "../../../lib/isa/jumps.ts";
import { RecordRings } from "../../../lib/process/record_rings.ts";
import { Random } from "../x86_64/random.ts";
import { AT, makeCase, testWithCpu, TRAP } from "./cases.ts";
import { bytesOf, type Cpu, pcOf, REGION } from "./cpu.ts";

const NOP = 0xd503_201f;
const SIGTRAP = 5;
/** What commits a record. */
const STLR = 0x889f_fd91;
const RING = { headOffset: 16, tailOffset: 20, cellsOffset: CELL_BYTES, cellsTotal: 16 };
/** The ring, and the longest record that may lead out of it. */
const AREA_BYTES = 2048;
const MEMORY: PadMemory = {
  ...{ enabled: toAddress(REGION.LOW), areas: toAddress(REGION.RINGS), areasTotal: 1, areaBytes: AREA_BYTES },
  ring: RING,
};
/** How many values take how many cells. */
const SIZES = [[6, 1], [7, 2], [14, 2], [15, 3], [22, 3]] as const;
/** The low half of all values: as a header it makes no sense, which is counted. */
const VALUE = 0xff00_0001;

testWithCpu("makePad() has aarch64 records that are never finished passed over as a whole", async (cpu) => {
  const random = new Random(31);
  for (const [valuesTotal, cells] of SIZES) {
    const values = Array.from({ length: valuesTotal }, () => ({ kind: "register", register: 0 }) as const);
    const test = makeCase(random, { name: "nop", make: () => NOP });
    test.registers.set([VALUE, VALUE]);
    test.windows.writeWord(REGION.LOW, 1, 0);
    await cpu.write(REGION.RINGS, new Uint8Array(AREA_BYTES));
    const window = findWindow(bytesOf(NOP), 0, AT) as JumpWindow;
    const action: RecordAction = { kind: "record", counterOffset: 8, site: 7, values };
    const { code } = makePad(window, toAddress(REGION.NEAR), MEMORY, action)!;
    const commit = new Uint32Array(code.buffer).indexOf(STLR);
    assert(commit > 0);
    await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
    await cpu.write(REGION.NEAR, code);
    await cpu.write(REGION.NEAR + 4 * commit, bytesOf(TRAP));
    const killed = await cpu.run(test);
    assertEquals([killed.signal, pcOf(killed) - REGION.NEAR], [SIGTRAP, 4 * commit]);
    await cpu.write(REGION.NEAR, code);
    await cpu.run(test);
    await cpu.write(AT, bytesOf(TRAP));
    await expectOne(cpu, cells);
  }
});

/** Expects that behind an unfinished record there is one that is finished. */
async function expectOne(cpu: Cpu, cells: number): Promise<void> {
  const words = new Uint32Array((await cpu.read(REGION.RINGS, AREA_BYTES)).buffer);
  const rings = new RecordRings(words, MEMORY, { base: [0, 0], ticksPerSecond: 1e9 });
  assertEquals([rings.collect(false, Infinity), rings.isBlocked], [0, true]);
  assertEquals(rings.collect(true, 0), 1, `records of ${cells} cells`);
  assertEquals(rings.places[0], (RING.cellsOffset + cells * CELL_BYTES) / 4);
  assertEquals(rings.siteOf(rings.places[0]!), 7);
  assertEquals([rings.damagedTotal, rings.unfinishedTotal], [0, 1]);
  rings.release();
  assert(rings.isEmpty);
}
