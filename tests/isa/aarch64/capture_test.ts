/** What aarch64 pads copy into records: exactly that, nothing beyond it, and every register, flag and vector as it was. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { fromHalves, toAddress } from "../../../lib/address.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { PC, PSTATE, REGISTERS_BYTES, SP } from "../../../lib/isa/aarch64/registers.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import { type Capture, isOfArgument, layOut, type PlacedCapture, sizeOfValues } from "../../../lib/isa/captures.ts";
import {
  CELL_BYTES,
  type JumpWindow,
  type PadCode,
  type PadMemory,
  type RecordAction,
} from "../../../lib/isa/jumps.ts";
import type { RecordedMemory } from "../../../lib/isa/recorded_value.ts";
import { RecordRings } from "../../../lib/process/record_rings.ts";
import { bytes, expectedOf, string } from "../capture_model.ts";
import { Random } from "../x86_64/random.ts";
import { assertSame, AT, type Case, makeCase, runNative, testWithCpu, TRAP, withoutBranchType } from "./cases.ts";
import { bytesOf, type Cpu, type Outcome, pcOf, REGION, registerOf, setRegister, WINDOW_BYTES } from "./cpu.ts";

const NOP = 0xd503_201f;
const SIGSEGV = 11;
const SITE_NUMBER = 7;
const PAGE_BYTES = 4096;
const PAGES = 4;
const CELLS = 32;
/** Where things are in the only area. */
const RING = { headOffset: 0, tailOffset: 8, cellsOffset: CELL_BYTES, cellsTotal: CELLS };
const COUNT_OFFSET = 16;
const PAGES_OFFSET = RING.cellsOffset + CELL_BYTES * CELLS;
const ALIVE_OFFSET = PAGES_OFFSET + 8 * PAGES;
const ENABLED_OFFSET = ALIVE_OFFSET + 8;
const AREA_BYTES = 1 << 12;
const MEMORY: PadMemory = {
  enabled: toAddress(REGION.RINGS + ENABLED_OFFSET),
  areas: toAddress(REGION.RINGS),
  areasTotal: 1,
  areaBytes: AREA_BYTES,
  ring: RING,
  captures: { alive: toAddress(REGION.RINGS + ALIVE_OFFSET), pagesOffset: PAGES_OFFSET, pagesTotal: PAGES },
};
const DIED = 0x4000_0000;
const DISTRUSTED = 0x8000_0000;
/** How much pads push that read memory. */
const PUSHED_BYTES = 128;
/** The page that holds what is captured; behind it nothing is mapped. */
const TEXT = REGION.LOW;
const TEXT_END = TEXT + PAGE_BYTES;
/** The most faults of a hit. */
const FAULTS_LIMIT = 20;

/** Something to be captured. */
interface Wanted {
  readonly captures: readonly Capture[];
  /** Where each argument points. */
  readonly pointers: readonly number[];
  readonly values?: RecordAction["values"];
  /** What the word says that tells of the tracer. */
  readonly alive?: number;
  /** Addresses in pages of which it is noted that they could be read. */
  readonly known?: readonly number[];
}

/** What a hit has left. */
interface Hit {
  readonly test: Case;
  /** The area. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly words: DataView;
  readonly faults: number;
}

/** Runs a pad, sent on where it faults, as the tracer does it. Asserts that it leaves what the instruction itself leaves. */
async function run(cpu: Cpu, random: Random, text: Uint8Array<ArrayBuffer>, wanted: Wanted): Promise<Hit> {
  const { captures, pointers, values = "arguments", alive = 1, known = [] } = wanted;
  const window = findWindow(bytesOf(NOP), 0, AT) as JumpWindow;
  const action: RecordAction = { kind: "record", counterOffset: COUNT_OFFSET, site: SITE_NUMBER, values, captures };
  const pad = makePad(window, toAddress(REGION.NEAR), MEMORY, action)!;
  const test = makeCase(random, { name: "nop", make: () => NOP });
  pointers.forEach((pointer, index) => setRegister(test.registers, 2 * index, pointer));
  test.windows.bytes[2]!.set(text.subarray(0, WINDOW_BYTES));
  await cpu.write(TEXT, text);
  const area = new DataView(new ArrayBuffer(AREA_BYTES));
  area.setUint32(ALIVE_OFFSET, alive, true);
  area.setUint32(ENABLED_OFFSET, 1, true);
  for (const address of known) notePage(area, address);
  await cpu.write(REGION.RINGS, new Uint8Array(area.buffer));
  const native = await runNative(cpu, test);
  await cpu.write(REGION.NEAR, pad.code);
  await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
  const { outcome, faults } = await runOn(cpu, test, pad);
  await cpu.write(AT, bytesOf(TRAP));
  const sp = registerOf(test.registers, SP);
  for (let below = 8; below <= PUSHED_BYTES; below += 8) {
    for (const { windows } of [native, outcome]) windows.writeWord(sp - below, 0, 0);
  }
  assertSame(outcome, native, JSON.stringify(wanted));
  const data = await cpu.read(REGION.RINGS, AREA_BYTES);
  return { test, data, words: new DataView(data.buffer), faults };
}

function notePage(area: DataView, address: number): void {
  const page = Math.floor(address / PAGE_BYTES);
  area.setUint32(PAGES_OFFSET + 8 * (page % PAGES), page, true);
  area.setUint32(PAGES_OFFSET + 8 * (page % PAGES) + 4, page / 2 ** 32, true);
}

/** Runs to the end, past all faults of reads. */
async function runOn(cpu: Cpu, test: Case, pad: PadCode): Promise<{ outcome: Outcome; faults: number }> {
  let outcome = withoutBranchType(await cpu.run(test));
  for (let faults = 0; faults < FAULTS_LIMIT; faults++) {
    if (outcome.signal !== SIGSEGV) return { outcome, faults };
    const reader = pad.readers?.find(({ offset }) => REGION.NEAR + offset === pcOf(outcome));
    assert(reader !== undefined, (pcOf(outcome) - REGION.NEAR).toString(16));
    setRegister(outcome.registers, PC, REGION.NEAR + reader.target);
    outcome = withoutBranchType(await cpu.run(outcome));
  }
  throw new Error("the pad does not get on");
}

/** Runs a pad and compares all that it has written. */
async function check(cpu: Cpu, random: Random, text: Uint8Array<ArrayBuffer>, wanted: Wanted): Promise<Hit> {
  const hit = await run(cpu, random, text, wanted);
  const { test, data, words } = hit;
  const context = JSON.stringify(wanted);
  const { places, cells } = layOut(wanted.captures, REGISTERS_BYTES);
  const record = RING.cellsOffset;
  assertEquals([words.getUint32(0, true), words.getUint32(record, true)], [cells, cells << 24 | SITE_NUMBER], context);
  wanted.pointers.forEach((pointer, i) => {
    const at = record + 16 + 8 * i;
    assertEquals(fromHalves(words.getUint32(at, true), words.getUint32(at + 4, true)), pointer, context);
  });
  for (const place of places) {
    const expected = expectedAt(place, wanted, text, test);
    assertEquals(words.getUint32(record + place.offsetBytes, true), expected.length, context);
    const begin = record + place.dataBytes;
    assertEquals(data.slice(begin, begin + expected.length), expected, context);
    // Of a string the rest of its last word may follow.
    const end = begin + Math.ceil(place.sizeBytes / 8) * 8;
    const copied = Math.min(begin + Math.ceil(expected.length / 8) * 8, end);
    assert(data.slice(copied, end).every((byte) => byte === 0), context);
  }
  assert(data.slice(record + CELL_BYTES * cells, PAGES_OFFSET).every((byte) => byte === 0), context);
  return hit;
}

function expectedAt(
  { capture }: PlacedCapture,
  { pointers, alive = 1 }: Wanted,
  text: Uint8Array,
  { registers, windows }: Case,
): Uint8Array {
  if (capture.kind === "registers") return registerBytes(registers);
  if ((alive & DIED) !== 0) return new Uint8Array();
  if (isOfArgument(capture)) return expectedOf(capture, pointers, TEXT, text);
  const at = registerOf(registers, SP) - REGION.STACK;
  return windows.bytes[1]!.slice(at, at + capture.sizeBytes);
}

/** What a capture of registers is to be. */
function registerBytes(registers: Uint32Array): Uint8Array {
  const words = registers.slice();
  words[PSTATE]! &= 0xf000_0000;
  return new Uint8Array(words.buffer);
}

function randomText(random: Random): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: PAGE_BYTES }, () => 1 + random.below(255));
}

testWithCpu("makePad() makes aarch64 pads that copy strings of all lengths at the end of a page", async (cpu) => {
  const random = new Random(41);
  for (let length = 0; length < 34; length++) {
    for (let gap = 0; gap < 9; gap++) {
      const text = randomText(random);
      const at = TEXT_END - gap - length - 1;
      text[at - TEXT + length] = 0;
      const captures = [string(length % 6, 1 + random.below(40)), bytes(5, 1 + random.below(40))];
      await check(cpu, random, text, { captures, pointers: Array(6).fill(at) });
    }
  }
});

testWithCpu("makePad() makes aarch64 pads that copy what there is in front of the end of memory", async (cpu) => {
  const random = new Random(42);
  const text = randomText(random);
  for (let left = 0; left < 40; left++) {
    const pointers = Array.from({ length: 6 }, (_, i) => TEXT_END - left + (i === 5 ? 40 : 0));
    await check(cpu, random, text, { captures: [string(0, 33), bytes(1, 29), string(5, 9)], pointers });
    const captures = [{ ...string(0, 33), offsetBytes: 7 }, { ...bytes(1, 29), offsetBytes: -300 }];
    await check(cpu, random, text, { captures, pointers });
  }
});

testWithCpu("makePad() makes aarch64 pads that are sent on where memory is gone that could be read", async (cpu) => {
  const random = new Random(43);
  let faults = 0;
  for (let left = 0; left < 24; left++) {
    const text = randomText(random);
    if (left % 3 === 0) text[PAGE_BYTES - 1 - random.below(left + 1)] = 0;
    const pointers = Array(6).fill(TEXT_END - left);
    const captures = [string(0, 33), bytes(1, 29), { ...bytes(2, 1 + random.below(8)), through: [left - 4] }];
    const hit = await check(cpu, random, text, { captures, pointers, known: [TEXT, TEXT_END] });
    faults += hit.faults;
  }
  assertGreaterOrEqual(faults, 24 + 16);
});

testWithCpu("makePad() makes aarch64 pads that read nowhere that no program can have memory", async (cpu) => {
  const random = new Random(44);
  const text = randomText(random);
  const strange = [0, 1, 4095, 2 ** 52 - 1, 2 ** 52, 2 ** 52 + 8];
  for (const pointer of [...strange, 4096, 0x7fff_ffff, 2 ** 47, 2 ** 48 - 1, 2 ** 48]) {
    const captures = [string(0, 20), bytes(3, 20)];
    const known = pointer < 4096 || pointer >= 2 ** 52 ? [pointer] : [];
    const { faults } = await check(cpu, random, text, { captures, pointers: Array(6).fill(pointer), known });
    assertEquals(faults, 0);
  }
});

testWithCpu(
  "makePad() makes aarch64 pads that note what could be read, and read nothing without a tracer",
  async (cpu) => {
    const random = new Random(45);
    const text = new Uint8Array(PAGE_BYTES).fill(0x61, 0, 50);
    const page = PAGES_OFFSET + 8 * (TEXT / PAGE_BYTES % PAGES);
    for (const alive of [1, 1 | DISTRUSTED, 1 | DIED, 1 | DIED | DISTRUSTED]) {
      for (const known of [[], [TEXT]]) {
        const captures = [string(1, 40), bytes(0, 13)];
        const wanted = { captures, pointers: Array(6).fill(TEXT + 3), alive: alive >>> 0, known };
        const { words } = await check(cpu, random, text, wanted);
        const isNoted = known.length > 0 || (alive & DIED) === 0;
        assertEquals(words.getUint32(page, true), isNoted ? TEXT / PAGE_BYTES : 0);
      }
    }
    // Of a page that is gone the kernel is asked each time, if pages are distrusted.
    const gone = { captures: [string(1, 40)], pointers: Array(6).fill(TEXT_END - 1), known: [TEXT, TEXT_END] };
    const full = new Uint8Array(PAGE_BYTES).fill(0x61);
    assertEquals((await check(cpu, random, full, { ...gone, alive: (1 | DISTRUSTED) >>> 0 })).faults, 0);
    assertEquals((await check(cpu, random, full, gone)).faults, 1);
  },
);

testWithCpu("makePad() makes aarch64 pads that copy all registers, the flags and the stack", async (cpu) => {
  const random = new Random(46);
  const text = randomText(random);
  const registers: Capture = { kind: "registers" };
  const stack: Capture = { kind: "stack", sizeBytes: 27 };
  for (let round = 0; round < 20; round++) {
    const pointers = round % 2 === 0 ? [] : Array(6).fill(TEXT + round);
    for (
      const captures of [[registers], [stack, registers], [string(0, 20), registers, stack], [registers, bytes(1, 7)]]
    ) {
      const wanted = pointers.length === 0 ? captures.filter((one) => !isOfArgument(one)) : captures;
      await check(cpu, random, text, { captures: wanted, pointers });
    }
  }
});

testWithCpu(
  "makePad() makes aarch64 pads that follow pointers, also where they end or lead to nothing",
  async (cpu) => {
    const random = new Random(47);
    for (let round = 0; round < 60; round++) {
      const text = randomText(random);
      const view = new DataView(text.buffer);
      const put = (at: number, address: number) => {
        view.setUint32(at, address % 2 ** 32, true);
        view.setUint32(at + 4, address / 2 ** 32, true);
      };
      const [first, second] = [0x100 + random.below(100), 0x400 + random.below(100)];
      const end = round % 4 === 0 ? 0 : round % 4 === 1 ? 2 ** 53 : TEXT + 0x800 + random.below(0x900);
      put(first, TEXT + second - 5);
      put(second, end);
      const pointers = Array(6).fill(round % 7 === 6 ? TEXT_END - random.below(20) : TEXT + first - 0x345_6780);
      const captures = [
        { ...string(1, 1 + random.below(40)), through: [0x345_6780, 5], offsetBytes: random.below(9) },
        { ...bytes(4, 1 + random.below(40)), through: [0x345_6780] },
        { ...bytes(0, 8), through: [0x345_6780, 5, -0x1008] },
      ];
      await check(cpu, random, text, { captures, pointers });
    }
  },
);

testWithCpu("makePad() makes aarch64 pads that record what is in memory, or 0 where there is none", async (cpu) => {
  const random = new Random(48);
  const bases = [REGION.DATA, REGION.STACK, TEXT].map((start, index) => ({ start, index }));
  let [found, missed] = [0, 0];
  for (let round = 0; round < 150; round++) {
    const text = randomText(random);
    const { start, index: window } = random.pick(bases);
    const value = makeMemory(random);
    // In front of the first one there is code.
    const isThere = window === 0 || random.below(4) > 0;
    const target = start + (isThere ? 0x300 + random.below(0x400) : -1 - random.below(12));
    const base = lead(value, target, random);
    const pointers = [base.base, base.index, base.base];
    const values = [{ kind: "register", register: 6 } as const, value];
    const { test, words } = await run(cpu, random, text, { captures: [], pointers, values });
    const at = RING.cellsOffset + 16;
    const context = JSON.stringify({ value, target, pointers });
    assertEquals(words.getUint32(at, true), test.registers[6], context);
    const expected = new Uint8Array(8);
    const from = target - start;
    if (from >= 0) expected.set(test.windows.bytes[window]!.subarray(from, from + value.sizeBytes));
    const whole = new DataView(expected.buffer);
    const half = (offset: number) => [words.getUint32(at + 8 + offset, true), whole.getUint32(offset, true)];
    assertEquals(...half(0) as [number, number], context);
    assertEquals(...half(4) as [number, number], context);
    if (from >= 0) found++;
    else missed++;
  }
  assertGreaterOrEqual(Math.min(found, missed), 20);
});

/** A value in memory whose base is x0 or x2, and whose index is x1, or that has neither. */
function makeMemory(random: Random): RecordedMemory {
  const base = random.pick([{ register: 0, sizeBytes: 8 }, { register: 4, sizeBytes: 8 }, undefined]);
  const isIndexed = random.below(2) === 0;
  return {
    kind: "memory",
    ...{ base, index: isIndexed ? { register: 2, sizeBytes: random.pick([4, 8]) } : undefined },
    ...{ scale: isIndexed ? random.pick([1, 2, 4, 8]) : 1, signedIndex: random.below(2) === 0 },
    ...{ segmentBase: undefined, displacement: random.pick([0, -5, 0x1234, -0x123_4567, 2 ** 40]) },
    sizeBytes: random.pick([1, 2, 4, 8]),
  };
}

/** Chooses registers, or a displacement, with which a value is at an address. */
function lead(value: { -readonly [key in keyof RecordedMemory]: RecordedMemory[key] }, target: number, random: Random) {
  const { index, signedIndex, scale } = value;
  const narrow = index?.sizeBytes === 4;
  const number = index === undefined ? 0 : random.pick([5, -7, 0x7000_0000, -0x7000_0000]);
  const term = narrow && !signedIndex ? number >>> 0 : number;
  if (value.base === undefined) value.displacement = target - term * scale;
  const base = target - term * scale - value.displacement;
  // What is above the lower half of a narrow index does not count.
  return { base: value.base === undefined ? 99 : base, index: narrow ? (number >>> 0) + 2 ** 35 : number };
}

/** Strings of 0 to 63 bytes, the last of which ends with the page. */
const STRINGS = 64;
const STRIDE = PAGE_BYTES / STRINGS;

testWithCpu("makePad() makes aarch64 pads that capture in several threads at once", async (cpu) => {
  const memory: PadMemory = {
    ...{ enabled: toAddress(REGION.RINGS), areas: toAddress(REGION.RINGS), areasTotal: 4, areaBytes: 1 << 21 },
    ring: { headOffset: 0x1000, tailOffset: 0x1040, cellsOffset: 0x2000, cellsTotal: 1 << 14 },
    captures: { alive: toAddress(REGION.RINGS + 8), pagesOffset: 0x18_0000, pagesTotal: 4096 },
  };
  const captures = [string(1, 64), bytes(1, 40), string(2, 30)];
  // mov x1,#TEXT; and x2,x0,#63; add x1,x1,x2,lsl #6; add x2,x1,#0x1000; the site: add x0,x0,#1; ret
  const code = [0xd2a2_0001, 0x9240_1402, 0x8b02_1821, 0x9140_0422, 0x9100_0400, 0xd65f_03c0];
  const site = toAddress(AT + 4 * 4);
  const window = findWindow(bytesOf(code[4]!), 0, site) as JumpWindow;
  const action: RecordAction = { kind: "record", counterOffset: 16, site: 9, values: "arguments", captures };
  const { code: pad } = makePad(window, toAddress(REGION.NEAR), memory, action)!;
  const text = new Uint8Array(PAGE_BYTES);
  for (let slot = 0; slot < STRINGS; slot++) text.fill(0x21 + slot, slot * STRIDE, slot * STRIDE + slot);
  await cpu.write(TEXT, text);
  await cpu.write(AT, bytesOf(...code));
  await cpu.write(REGION.NEAR, pad);
  await cpu.write(site, makeJump(window, toAddress(REGION.NEAR)));
  const sizeBytes = memory.areasTotal * memory.areaBytes;
  const start = new Uint8Array(sizeBytes);
  start.set(bytesOf(1, 0, 1));
  await cpu.write(REGION.RINGS, start);
  const [threads, calls] = [6, 500];
  assertEquals(await cpu.call(AT, threads, calls), threads * (calls * (calls + 1) / 2));
  const words = new Uint32Array((await cpu.read(REGION.RINGS, sizeBytes)).buffer);
  const rings = new RecordRings(words, memory, { base: [0, 0], ticksPerSecond: 1e9 });
  assertEquals(rings.collect(true, 0), threads * calls);
  const seen = new Map<number, number>();
  const data = new Uint8Array(words.buffer);
  for (const place of rings.places.subarray(0, threads * calls)) {
    const slot = words[place + 4]! % STRINGS;
    seen.set(words[place + 1]!, (seen.get(words[place + 1]!) ?? 0) + 1);
    const pointers = [0, TEXT + slot * STRIDE, TEXT + slot * STRIDE + PAGE_BYTES];
    for (const { capture, offsetBytes, dataBytes } of layOut(captures, REGISTERS_BYTES).places) {
      const expected = isOfArgument(capture) ? expectedOf(capture, pointers, TEXT, text) : undefined;
      const length = words[place + offsetBytes / 4]!;
      assertEquals(data.slice(4 * place + dataBytes, 4 * place + dataBytes + length), expected);
    }
  }
  assertEquals([...seen.values()], Array(threads).fill(calls));
  assertEquals([rings.damagedTotal, rings.unfinishedTotal], [0, 0]);
});

testWithCpu(
  "makePad() makes aarch64 pads that read memory, from which a thread whose stack ends is set back",
  async (cpu) => {
    const random = new Random(49);
    const window = findWindow(bytesOf(NOP), 0, AT) as JumpWindow;
    const captures = [string(0, 8)];
    const action: RecordAction = {
      kind: "record",
      counterOffset: COUNT_OFFSET,
      site: 1,
      values: "arguments",
      captures,
    };
    const pad = makePad(window, toAddress(REGION.NEAR), MEMORY, action)!;
    await cpu.write(REGION.RINGS, new Uint8Array(AREA_BYTES));
    await cpu.write(REGION.NEAR, pad.code);
    await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
    for (let push = 0; push < PUSHED_BYTES / 16; push++) {
      const test = makeCase(random, { name: "nop", make: () => NOP });
      // Each of the pushes is the first one that leads out of what is mapped: the first of all downwards, the others upwards.
      const sp = push === 0 ? REGION.STACK + 16 : REGION.STACK + PAGE_BYTES + PUSHED_BYTES - 16 * push;
      setRegister(test.registers, SP, sp);
      const outcome = withoutBranchType(await cpu.run(test));
      assertEquals([outcome.signal, pcOf(outcome) - REGION.NEAR], [SIGSEGV, 4 * push]);
      const point = pad.resume.find(({ offset }) => offset === 4 * push)!;
      assert(!point.isHeld && !point.done);
      setRegister(outcome.registers, PC, point.pc);
      setRegister(outcome.registers, SP, registerOf(outcome.registers, SP) + point.stackBytes);
      assertEquals(outcome.registers, test.registers);
    }
    assertEquals(await cpu.read(REGION.RINGS, AREA_BYTES), new Uint8Array(AREA_BYTES));
  },
);

Deno.test("makePad() makes aarch64 pads whose records have room for many values and captures", () => {
  const window = findWindow(bytesOf(NOP), 0, AT) as JumpWindow;
  const far: RecordedMemory = {
    kind: "memory",
    ...{ base: { register: 0, sizeBytes: 8 }, index: { register: 2, sizeBytes: 4 }, scale: 8, signedIndex: true },
    ...{ segmentBase: undefined, displacement: -(2 ** 40), sizeBytes: 8 },
  };
  const values = Array.from({ length: 22 }, (_, i) => ({ ...far, displacement: far.displacement - i }));
  const capture = { ...string(0, 1), through: [2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30], offsetBytes: 2 ** 30 };
  const captures: Capture[] = Array.from({ length: 150 }, () => capture);
  assertEquals(layOut(captures, REGISTERS_BYTES, sizeOfValues(values)).cells, 60);
  const action: RecordAction = { kind: "record", counterOffset: COUNT_OFFSET, site: 1, values, captures };
  const memory = { ...MEMORY, ring: { ...RING, cellsTotal: 1 << 16 } };
  assert(makePad(window, toAddress(REGION.NEAR), memory, action)!.code.length < 1 << 16);
});
