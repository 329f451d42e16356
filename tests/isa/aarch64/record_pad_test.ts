/** Pads of aarch64 that write records: their instructions, as binutils read them, and what a processor makes of them. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { sizeOfValues } from "../../../lib/isa/captures.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { canTally } from "../../../lib/isa/aarch64/pad_tally.ts";
import { records } from "../../../lib/isa/aarch64/record_pad.ts";
import { PC, PSTATE, SP } from "../../../lib/isa/aarch64/registers.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import {
  CELL_BYTES,
  type JumpWindow,
  type PadMemory,
  RECORD_VALUES_LIMIT,
  type RecordAction,
} from "../../../lib/isa/jumps.ts";
import type { RecordedMemory, RecordedValue } from "../../../lib/isa/recorded_value.ts";
import { RecordRings } from "../../../lib/process/record_rings.ts";
import { Random } from "../x86_64/random.ts";
import {
  assertSame,
  AT,
  type Case,
  describe,
  makeCase,
  runNative,
  setBack,
  testWithCpu,
  TRAP,
  withoutBranchType,
} from "./cases.ts";
import {
  bytesOf,
  type Cpu,
  isInstalled,
  pcOf,
  REGION,
  registerOf,
  RINGS_BYTES,
  setRegister,
  type State,
  WINDOW_BYTES,
} from "./cpu.ts";
import { BRANCHES, COPIED, EMULATED } from "./instructions.ts";
import { disassemble, OBJDUMP } from "./listing.ts";
import { MEMORY, SITE } from "./pad_memory.ts";

const SITE_NUMBER = 0x12_3456;

/** Where in an area drops are counted. */
const COUNT_OFFSET = 8;

/** The pad of `mov x29,sp` that records the arguments of a function, and how binutils write it. */
const PAD: readonly (readonly [word: number, text: string])[] = [
  [0xa9bd_47f0, "stp x16, x17, [sp, #-48]!"],
  [0xa901_3fee, "stp x14, x15, [sp, #16]"],
  [0xa902_37ec, "stp x12, x13, [sp, #32]"],
  [0x5800_0630, "ldr x16, 0xd0"],
  [0xb940_0210, "ldr w16, [x16]"],
  [0x3400_0550, "cbz w16, 0xbc"],
  [0xd53b_d04e, "mrs x14, tpidr_el0"],
  [0xd344_fdce, "lsr x14, x14, #4"],
  [0x5800_05d0, "ldr x16, 0xd8"],
  [0x528f_3731, "mov w17, #0x79b9"],
  [0x72b3_c6f1, "movk w17, #0x9e37, lsl #16"],
  [0x1b11_7dd1, "mul w17, w14, w17"],
  [0x531e_7e31, "lsr w17, w17, #30"],
  [0x8b11_5e10, "add x16, x16, x17, lsl #23"],
  [0x9148_020f, "add x15, x16, #0x200, lsl #12"], // retry
  [0x9101_01ef, "add x15, x15, #0x40"],
  [0x88df_fded, "ldar w13, [x15]"],
  [0x9148_020f, "add x15, x16, #0x200, lsl #12"],
  [0xb940_01ec, "ldr w12, [x15]"],
  [0x4b0d_018d, "sub w13, w12, w13"],
  [0x529f_fff1, "mov w17, #0xffff"],
  [0xcb0d_022d, "sub x13, x17, x13"],
  [0xb7f8_02cd, "tbnz x13, #63, 0xb0"],
  [0xd503_3fdf, "isb"],
  [0xd53b_e04d, "mrs x13, cntvct_el0"],
  [0xca0d_01b1, "eor x17, x13, x13"],
  [0x8b11_01ef, "add x15, x15, x17"],
  [0x1100_0591, "add w17, w12, #0x1"],
  [0x88ac_7df1, "cas w12, w17, [x15]"],
  [0x1100_058f, "add w15, w12, #0x1"],
  [0x4a11_01ef, "eor w15, w15, w17"],
  [0x35ff_fdef, "cbnz w15, 0x38"],
  [0xd37a_3d8c, "ubfiz x12, x12, #6, #16"],
  [0x9148_060f, "add x15, x16, #0x201, lsl #12"],
  [0x8b0f_018c, "add x12, x12, x15"],
  [0xb900_058e, "str w14, [x12, #4]"],
  [0xf900_058d, "str x13, [x12, #8]"],
  [0xa901_0580, "stp x0, x1, [x12, #16]"],
  [0xa902_0d82, "stp x2, x3, [x12, #32]"],
  [0xa903_1584, "stp x4, x5, [x12, #48]"],
  [0x5286_8ad1, "mov w17, #0x3456"],
  [0x72a0_2251, "movk w17, #0x112, lsl #16"],
  [0x889f_fd91, "stlr w17, [x12]"],
  [0x1400_0004, "b 0xbc"],
  [0x9100_220f, "add x15, x16, #0x8"], // full
  [0x5280_0031, "mov w17, #0x1"],
  [0xf831_01ff, "stadd x17, [x15]"],
  [0xa942_37ec, "ldp x12, x13, [sp, #32]"], // done
  [0xa941_3fee, "ldp x14, x15, [sp, #16]"],
  [0xa8c3_47f0, "ldp x16, x17, [sp], #48"],
  [0x9100_03fd, "mov x29, sp"],
  [0x17ff_fbd0, "b 0xfffffffffffff00c"],
];
const CONSTANTS = [0x7000, 0, 0x8000, 0];

function windowOf(word: number, address = SITE): JumpWindow {
  const window = findWindow(bytesOf(word), 0, address);
  assert(typeof window !== "string", word.toString(16));
  return window;
}

function recordOf(values: RecordAction["values"], site = SITE_NUMBER): RecordAction {
  return { kind: "record", counterOffset: COUNT_OFFSET, site, values };
}

function onStack(displacement: number, sizeBytes: number): RecordedMemory {
  return {
    kind: "memory",
    ...{ base: { register: SP, sizeBytes: 8 }, index: undefined, scale: 1, signedIndex: false, segmentBase: undefined },
    ...{ displacement, sizeBytes },
  };
}

/** The instructions of a pad that records these values, from where the values are stored. */
function storesOf(values: RecordAction["values"]): number[] {
  const pad = makePad(windowOf(0x9100_03fd), toAddress(SITE + 0x1000), MEMORY, recordOf(values))!;
  const words = [...new Uint32Array(pad.code.buffer)];
  return words.slice(words.indexOf(0xf900_058d) + 1, words.indexOf(0x889f_fd91) - 2);
}

Deno.test("makePad() writes an aarch64 pad that records", () => {
  const pad = makePad(windowOf(0x9100_03fd), toAddress(SITE - 8 + 0x1000), MEMORY, recordOf("arguments"))!;
  assertEquals([...new Uint32Array(pad.code.buffer)], [...PAD.map(([word]) => word), ...CONSTANTS]);
  const { resume } = pad;
  assertEquals(
    resume.map(({ offset, pc, done, isHeld, stackBytes }) => [offset, pc - SITE, done, isHeld, stackBytes]),
    [
      [0, 0, false, false, 0],
      [4, 0, false, false, 48],
      [8, 0, false, false, 48],
      [12, 0, false, true, 0],
      [200, 0, false, false, 0],
      [204, 4, true, false, 0],
    ],
  );
  assertEquals([pad.entry, pad.copies], [0, [200]]);
});

Deno.test({
  name: "makePad() writes aarch64 pads that record, as objdump reads them",
  ignore: !await isInstalled(OBJDUMP),
  fn: async () => {
    assertEquals(await disassemble(PAD.map(([word]) => word)), PAD.map(([, text]) => text));
    const values: RecordedValue[] = [
      ...[7, 12, 17, 30].map((number): RecordedValue => ({ kind: "register", register: 2 * number })),
      { kind: "register", register: SP },
      { kind: "vector", number: 31 },
      ...[onStack(8, 8), onStack(3, 1), onStack(6, 2), onStack(5, 4), onStack(0x7ff8 - 128, 8)],
    ];
    assertEquals(await disassemble(storesOf(values)), [
      "str x7, [x12, #16]",
      ...["ldr x17, [sp, #32]", "str x17, [x12, #24]"],
      ...["ldr x17, [sp, #8]", "str x17, [x12, #32]"],
      "str x30, [x12, #40]",
      ...["add x17, sp, #0x30", "str x17, [x12, #48]"],
      "str d31, [x12, #56]",
      ...["ldr x17, [sp, #56]", "str x17, [x12, #64]"],
      ...["ldrb w17, [sp, #51]", "str x17, [x12, #72]"],
      ...["ldrh w17, [sp, #54]", "str x17, [x12, #80]"],
      ...["ldur w17, [sp, #53]", "str x17, [x12, #88]"],
      ...["ldr x17, [sp, #32680]", "str x17, [x12, #96]"],
    ]);
    assertEquals(await disassemble(storesOf("results")), ["stp x0, x1, [x12, #16]"]);
  },
});

Deno.test("RecordWriter.canRecord() of aarch64 takes registers and memory, of which the stack cannot fault as far as an instruction reaches", () => {
  const stack = onStack(16, 8);
  const safe: readonly RecordedValue[] = [
    ...[0, 12, 30, 31].map((number): RecordedValue => ({ kind: "register", register: 2 * number })),
    { kind: "vector", number: 0 },
    ...[stack, onStack(127, 8), onStack(4095 - 128, 1), onStack(8 * 4095 - 128, 8)],
  ];
  const unsafe: readonly RecordedValue[] = [
    ...[onStack(-8, 8), onStack(129, 8), onStack(4096 - 128, 1), onStack(8 * 4096 - 128, 8)],
    { ...stack, base: { register: 0, sizeBytes: 8 } },
    { ...stack, base: { register: SP, sizeBytes: 4 } },
    { ...stack, base: undefined },
    { ...stack, index: { register: 2, sizeBytes: 8 } },
  ];
  const cannot: readonly RecordedValue[] = [
    { kind: "register", register: PC },
    { kind: "register", register: PSTATE },
    { ...stack, base: { register: PC, sizeBytes: 8 } },
    { ...stack, index: { register: PSTATE, sizeBytes: 8 } },
  ];
  for (const value of safe) assert(records.canRecord(value) && !records.mayFault(value), JSON.stringify(value));
  for (const value of unsafe) assert(records.canRecord(value) && records.mayFault(value), JSON.stringify(value));
  for (const value of cannot) assert(!records.canRecord(value), JSON.stringify(value));
  for (const value of [...safe, ...unsafe]) {
    assertEquals(canTally(value), value.kind !== "vector" && !records.mayFault(value));
  }
  assertEquals(records.argument(7, true), { kind: "register", register: 14 });
  assertEquals(records.argument(9, true), onStack(8, 8));
  assertEquals(records.threadNumber(0x8765_4320, 0xffff_fffa), 0xa876_5432);
});

/** Where single instructions find what the pad shares with the tracer; the word that is behind all windows of memory forms. */
const ENABLED = REGION.LOW + WINDOW_BYTES - 16;
/** A ring of four cells, with the longest record behind its end. */
const SMALL_RING = { headOffset: 16, tailOffset: 20, cellsOffset: 64, cellsTotal: 4 };
const AREA_BYTES = 1024;
const CELLS = SMALL_RING.cellsTotal;
/** How much pads push. */
const PUSHED_BYTES = 48;
const SIGSEGV = 11;
const NOP = 0xd503_201f;
/** Where the mapping of the stack ends. */
const STACK_END = REGION.STACK + 0x1000;

testWithCpu("makePad() makes aarch64 pads that record what is there, and change nothing else", async (cpu) => {
  const random = new Random(21);
  const seen = { compared: 0, recorded: 0, full: 0, ticks: 0, threads: new Set<number>() };
  for (const form of [...BRANCHES, ...EMULATED, ...COPIED]) {
    for (let i = 0; i < 12; i++) await compareRecord(cpu, random, makeCase(random, form), seen);
  }
  const forms = BRANCHES.length + EMULATED.length + COPIED.length;
  assertGreaterOrEqual(seen.compared, forms * 8);
  assertGreaterOrEqual(seen.recorded, forms * 2);
  assertGreaterOrEqual(seen.full, forms);
  assertEquals(seen.threads.size, 1);
});

/** What has been seen of records. */
interface Seen {
  compared: number;
  recorded: number;
  full: number;
  ticks: number;
  readonly threads: Set<number>;
}

/** Runs the pad of an instruction, with a ring of some records, and looks at what it has left. */
async function compareRecord(cpu: Cpu, random: Random, test: Case, seen: Seen): Promise<void> {
  const window = findWindow(bytesOf(test.word), 0, AT);
  if (typeof window === "string") return;
  const values = makeValues(random);
  const memory = {
    ...{ enabled: toAddress(ENABLED), areas: toAddress(REGION.RINGS), areasTotal: random.pick([1, 2, 4]) },
    ...{ areaBytes: AREA_BYTES, ring: SMALL_RING },
  };
  const site = 1 + random.below(2 ** 24 - 1);
  const pad = makePad(window, toAddress(REGION.NEAR), memory, recordOf(values, site));
  if (pad === undefined) return;
  const context = `pad for ${describe(test)} with ${JSON.stringify(values)}`;
  assert(pad.code.length <= 512, context);
  const isEnabled = random.below(4) > 0;
  test.windows.writeWord(ENABLED, Number(isEnabled), 0);
  const head = random.pick([random.half(), 0xffff_ffff, 0xffff_fffd, 0]);
  const used = random.pick([0, 0, random.below(CELLS + 1), random.half()]);
  const before = new Uint32Array(random.bytes(memory.areasTotal * AREA_BYTES).buffer);
  for (let area = 0; area < memory.areasTotal; area++) {
    before.set([100, 0, head, head - used], (area * AREA_BYTES + COUNT_OFFSET) / 4);
  }
  await cpu.write(REGION.RINGS, new Uint8Array(before.buffer));
  const native = await runNative(cpu, test);
  await cpu.write(REGION.NEAR, pad.code);
  await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
  const outcome = withoutBranchType(await cpu.run(test));
  await cpu.write(AT, bytesOf(TRAP));
  setBack(outcome, REGION.NEAR, pad.resume);
  const sp = registerOf(test.registers, SP);
  for (let below = 8; below <= PUSHED_BYTES; below += 8) {
    for (const { windows } of [native, outcome]) windows.writeWord(sp - below, 0, 0);
  }
  assertSame(outcome, native, context);
  const after = new Uint32Array((await cpu.read(REGION.RINGS, before.length * 4)).buffer);
  if (isEnabled) expectRecord({ before, after, site, values, test }, seen);
  assertEquals(after, before, context);
  seen.compared++;
}

/** What a hit was to record, and the areas around it. */
interface Hit {
  readonly before: Uint32Array;
  readonly after: Uint32Array;
  readonly site: number;
  readonly values: RecordAction["values"];
  readonly test: Case;
}

/** Makes the areas before a hit what they have to be behind it; thread and time are taken from there. */
function expectRecord({ before, after, site, values, test }: Hit, seen: Seen): void {
  const area = Math.floor(before.findIndex((word, i) => after[i] !== word) / (AREA_BYTES / 4));
  assertGreaterOrEqual(area, 0);
  const at = area * AREA_BYTES / 4;
  const [head, tail] = [before[at + 4]!, before[at + 5]!];
  const cells = Math.ceil(sizeOfValues(values) / CELL_BYTES);
  if (((head - tail) >>> 0) + cells > CELLS) {
    before[at + COUNT_OFFSET / 4]! += 1;
    seen.full++;
    return;
  }
  before[at + 4] = head + cells;
  const record = at + SMALL_RING.cellsOffset / 4 + (head % CELLS) * CELL_BYTES / 4;
  const [thread, lo, hi] = [after[record + 1]!, after[record + 2]!, after[record + 3]!];
  before.set([(cells << 24) | site, thread, lo, hi, ...valuesOf(test, values)], record);
  const ticks = hi * 2 ** 32 + lo;
  assertGreaterOrEqual(ticks, seen.ticks);
  seen.ticks = ticks;
  seen.threads.add(thread);
  seen.recorded++;
}

/** Values of all kinds that a pad may be told to record. */
function makeValues(random: Random): RecordAction["values"] {
  const kind = random.below(4);
  if (kind === 0) return "arguments";
  if (kind === 1) return "results";
  return Array.from({ length: 1 + random.below(RECORD_VALUES_LIMIT) }, (): RecordedValue => {
    const sizeBytes = random.pick([1, 2, 4, 8]);
    return random.pick<RecordedValue>([
      { kind: "register", register: 2 * random.pick([12, 17, 31, random.below(32)]) },
      { kind: "vector", number: random.below(32) },
      onStack(sizeBytes * random.below(0x500 / sizeBytes), sizeBytes),
      onStack(random.below(120), sizeBytes),
    ]);
  });
}

/** The halves of what is recorded in a state. */
function valuesOf({ registers, vectors, windows }: State, values: RecordAction["values"]): number[] {
  if (values === "arguments") return [...registers.subarray(0, 12)];
  if (values === "results") return [...registers.subarray(0, 4)];
  return values.flatMap((value) => {
    if (value.kind === "register") return [...registers.subarray(value.register, value.register + 2)];
    const bytes = new Uint8Array(8);
    if (value.kind === "vector") bytes.set(vectors.subarray(16 * value.number, 16 * value.number + 8));
    else {
      const at = registerOf(registers, SP) - REGION.STACK + value.displacement;
      bytes.set(windows.bytes[1]!.subarray(at, at + value.sizeBytes));
    }
    return [...new Uint32Array(bytes.buffer)];
  });
}

testWithCpu(
  "makePad() makes aarch64 pads that record, from which a thread whose stack ends can be set back",
  async (cpu) => {
    const random = new Random(22);
    const memory = {
      ...{ enabled: toAddress(ENABLED), areas: toAddress(REGION.RINGS), areasTotal: 1 },
      ...{ areaBytes: AREA_BYTES, ring: SMALL_RING },
    };
    const pad = makePad(windowOf(NOP, AT), toAddress(REGION.NEAR), memory, recordOf("arguments"))!;
    await cpu.write(REGION.RINGS, new Uint8Array(AREA_BYTES));
    await cpu.write(REGION.NEAR, pad.code);
    await cpu.write(AT, makeJump(windowOf(NOP, AT), toAddress(REGION.NEAR)));
    // Each of the pushes is the first one that leads out of what is mapped.
    const ends = [[REGION.STACK + 32, 0], [STACK_END + 32, 4], [STACK_END + 16, 8]] as const;
    for (const [sp, offset] of ends) {
      const test = makeCase(random, { name: "nop", make: () => NOP });
      test.windows.writeWord(ENABLED, 1, 0);
      setRegister(test.registers, SP, sp);
      const outcome = withoutBranchType(await cpu.run(test));
      assertEquals([outcome.signal, pcOf(outcome) - REGION.NEAR], [SIGSEGV, offset]);
      const point = pad.resume.find((each) => each.offset === offset)!;
      assert(!point.isHeld && !point.done);
      setRegister(outcome.registers, PC, point.pc);
      setRegister(outcome.registers, SP, registerOf(outcome.registers, SP) + point.stackBytes);
      assertEquals(outcome.registers, test.registers, String(offset));
    }
    assertEquals(await cpu.read(REGION.RINGS, AREA_BYTES), new Uint8Array(AREA_BYTES));
  },
);

/** Rings for threads. */
const LARGE_RING = { headOffset: 0x1000, tailOffset: 0x1040, cellsOffset: 0x2000 };

testWithCpu(
  "makePad() makes aarch64 pads that record hits of several threads whole, in order of time, or count them",
  async (cpu) => {
    for (const areasTotal of [1, 4]) {
      const memory: PadMemory = {
        ...{ enabled: toAddress(REGION.LOW), areas: toAddress(REGION.RINGS), areasTotal },
        ...{ areaBytes: RINGS_BYTES / areasTotal, ring: { ...LARGE_RING, cellsTotal: (1 << 16) / areasTotal } },
      };
      await recordCalls(cpu, memory);
    }
  },
);

/** Has threads call a function in rounds, and reads their records as the tracer does. */
async function recordCalls(cpu: Cpu, memory: PadMemory): Promise<void> {
  const { areasTotal, areaBytes } = memory;
  const sizeBytes = areasTotal * areaBytes;
  // add x1,x0,#1; ...; add x5,x0,#5; the site: add x0,x0,#1; ret
  const arguments_ = Array.from({ length: 5 }, (_, i) => (0x9100_0000 | ((i + 1) << 10) | (i + 1)) >>> 0);
  const site = toAddress(AT + 4 * arguments_.length);
  const window = windowOf(0x9100_0400, site);
  const pad = makePad(window, toAddress(REGION.NEAR), memory, recordOf("arguments"))!;
  await cpu.write(AT, bytesOf(...arguments_, 0x9100_0400, 0xd65f_03c0));
  await cpu.write(REGION.NEAR, pad.code);
  await cpu.write(site, makeJump(window, toAddress(REGION.NEAR)));
  await cpu.write(REGION.LOW, bytesOf(1, 0));
  await cpu.write(REGION.RINGS, new Uint8Array(sizeBytes));
  const words = new Uint32Array(sizeBytes / 4);
  const rings = new RecordRings(words, memory, { base: [0, 0], ticksPerSecond: 1e9 });
  const threads = 6;
  // One ring has not enough space for all, four have.
  const calls = areasTotal === 1 ? 12_000 : 2500;
  const areas = new Set<number>();
  let found = 0;
  for (let round = 1; round <= 4; round++) {
    assertEquals(await cpu.call(AT, threads, calls), threads * (calls * (calls + 1) / 2));
    words.set(new Uint32Array((await cpu.read(REGION.RINGS, sizeBytes)).buffer));
    const last = new Map<number, { readonly argument: number; readonly area: number }>();
    const ticksOf = new Map<number, number>();
    for (let total; (total = rings.collect(true, 0)) > 0; rings.release()) {
      for (const place of rings.places.subarray(0, total)) {
        const [header, thread, lo, hi, argument] = [0, 1, 2, 3, 4].map((index) => words[place + index]!);
        assertEquals(header, (1 << 24) | SITE_NUMBER);
        const isWhole = (i: number) => words[place + 4 + 2 * i] === argument! + i && words[place + 5 + 2 * i] === 0;
        assert([0, 1, 2, 3, 4, 5].every(isWhole));
        const area = rings.areaOf(place);
        const earlier = last.get(thread!);
        assert(earlier === undefined || (earlier.argument < argument! && earlier.area === area));
        last.set(thread!, { argument: argument!, area });
        const ticks = hi! * 2 ** 32 + lo!;
        assertGreaterOrEqual(ticks, ticksOf.get(area) ?? 1);
        ticksOf.set(area, ticks);
        areas.add(area);
        found++;
      }
    }
    assert(rings.isEmpty);
    if (areasTotal > 1) assertEquals(last.size, threads);
    assertEquals(found + droppedOf(words, memory), round * threads * calls);
    await cpu.write(REGION.RINGS, new Uint8Array(words.buffer));
  }
  assertEquals([rings.damagedTotal, rings.unfinishedTotal], [0, 0]);
  if (areasTotal === 1) assertGreaterOrEqual(droppedOf(words, memory), 4 * (threads * calls - memory.ring.cellsTotal));
  else assertEquals([droppedOf(words, memory), areas.size > 1], [0, true]);
}

/** How many hits found no room. */
function droppedOf(words: Uint32Array, { areasTotal, areaBytes }: PadMemory): number {
  let sum = 0;
  for (let area = 0; area < areasTotal; area++) sum += words[(area * areaBytes + COUNT_OFFSET) / 4]!;
  return sum;
}
