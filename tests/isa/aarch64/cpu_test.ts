/** Emulation, displaced copies and pads against a processor, which qemu-user stands for. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/aarch64/decode.ts";
import { displace, SLOT_BYTES } from "../../../lib/isa/aarch64/displace.ts";
import { emulate } from "../../../lib/isa/aarch64/emulate.ts";
import type { A64Instruction } from "../../../lib/isa/aarch64/instruction.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { PC, SP } from "../../../lib/isa/aarch64/registers.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import type { Displacement } from "../../../lib/isa/isa.ts";
import type { JumpWindow, PadMemory } from "../../../lib/isa/jumps.ts";
import { Random } from "../x86_64/random.ts";
import {
  bytesOf,
  type Cpu,
  type Outcome,
  pcOf,
  REGION,
  registerOf,
  setRegister,
  type State,
  WINDOW_BYTES,
} from "./cpu.ts";
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
import { BRANCHES, COPIED, EMULATED } from "./instructions.ts";

/** There are no records on this machine. */
const NO_RING = { headOffset: 0, tailOffset: 0, cellsOffset: 0, cellsTotal: 1 };

/** A library with instructions of all kinds. */
const LIBRARY = "/usr/aarch64-linux-gnu/lib/libc.so.6";
/** What `b` reaches. */
const REACH = 2 ** 27;

testWithCpu("emulate() leaves what an aarch64 processor leaves", async (cpu) => {
  const random = new Random(11);
  let performed = 0;
  for (const form of [...BRANCHES, ...EMULATED]) {
    for (let i = 0; i < 120; i++) {
      const test = makeCase(random, form);
      const native = await runNative(cpu, test);
      if (assertEmulated(native, test)) performed++;
      else assert(pcOf(native) === AT || isUnpredictable(test.word), describe(test));
    }
  }
  assertGreaterOrEqual(performed, (BRANCHES.length + EMULATED.length) * 100);
});

testWithCpu("displace() makes aarch64 slots that leave what the instruction leaves", async (cpu) => {
  const random = new Random(13);
  let compared = 0;
  for (const form of [...BRANCHES, ...EMULATED, ...COPIED]) {
    for (let i = 0; i < 40; i++) compared += await compareDisplaced(cpu, makeCase(random, form));
  }
  assertGreaterOrEqual(compared, (BRANCHES.length + EMULATED.length + COPIED.length) * 60);
});

testWithCpu("emulate() and displace() leave what the instructions of an aarch64 library leave", async (cpu) => {
  const random = new Random(16);
  const words = textOf(await Deno.readFile(LIBRARY));
  let emulated = 0;
  let displaced = 0;
  for (let i = 0; i < 2000; i++) {
    const word = words[random.below(words.length)]!;
    const instruction = decode(bytesOf(word), 0, AT);
    if (instruction === undefined || instruction.refusal !== undefined || leadsToData(instruction)) continue;
    // Some with a base in memory, in case it is one.
    const usesMemory = instruction.flow === "next" && random.below(2) === 0;
    const test = makeCase(random, { name: "of a library", make: () => word, usesMemory });
    const native = await runNative(cpu, test);
    if (assertEmulated(native, test)) emulated++;
    displaced += await compareDisplaced(cpu, test);
  }
  assertGreaterOrEqual(emulated, 800);
  assertGreaterOrEqual(displaced, 3000);
});

/** The segment of a library that its instructions are in. */
function textOf(bytes: Uint8Array<ArrayBuffer>): Uint32Array {
  const elf = new DataView(bytes.buffer);
  const headers = elf.getUint32(0x20, true);
  for (let i = 0; i < elf.getUint16(0x38, true); i++) {
    const header = headers + i * 56;
    const isText = elf.getUint32(header, true) === 1 && (elf.getUint32(header + 4, true) & 1) === 1;
    if (isText) return new Uint32Array(bytes.buffer, 0, elf.getUint32(header + 32, true) >>> 2);
  }
  throw new RangeError("the library has no text");
}

/** Whether an instruction branches into data or slots, or to itself, or takes a constant or a system call from elsewhere. */
function leadsToData({ flow, literal, target }: A64Instruction): boolean {
  if (flow === "system-call" || literal !== undefined || target === AT) return true;
  return target !== undefined && target >= REGION.DATA && target < REGION.CLOSE + 0x1000;
}

testWithCpu("displace() says in aarch64 slots where a thread can be set back to, at each instruction", async (cpu) => {
  const random = new Random(14);
  for (const form of [...BRANCHES, ...EMULATED, ...COPIED]) {
    for (let i = 0; i < 6; i++) {
      const test = makeCase(random, form);
      const displacement = displace(decode(bytesOf(test.word), 0, AT)!, bytesOf(test.word), toAddress(REGION.NEAR));
      if (displacement !== undefined) await compareResumed(cpu, test, displacement, REGION.NEAR);
    }
  }
});

testWithCpu("makePad() makes aarch64 pads that count and change nothing else", async (cpu) => {
  const random = new Random(15);
  let compared = 0;
  for (const form of [...BRANCHES, ...EMULATED, ...COPIED]) {
    for (let i = 0; i < 12; i++) compared += await comparePad(cpu, random, makeCase(random, form)) ? 1 : 0;
  }
  assertGreaterOrEqual(compared, (BRANCHES.length + EMULATED.length + COPIED.length) * 8);
});

testWithCpu("makePad() makes aarch64 pads that count exactly from several threads", async (cpu) => {
  // add x0, x0, #1; ret
  const code = bytesOf(0x9100_0400, 0xd65f_03c0);
  const window = findWindow(code, 0, AT) as JumpWindow;
  const memory: PadMemory = {
    enabled: toAddress(REGION.DATA),
    areas: toAddress(REGION.STACK),
    areasTotal: 4,
    areaBytes: 64,
    ring: NO_RING,
  };
  const pad = makePad(window, toAddress(REGION.NEAR), memory, { kind: "count", counterOffset: 8 })!;
  await cpu.write(AT, code);
  await cpu.write(REGION.NEAR, pad.code);
  await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
  const threads = 4, rounds = 20_000;
  const sum = threads * (rounds * (rounds + 1) / 2);
  for (const enabled of [1, 0]) {
    await cpu.write(REGION.DATA, bytesOf(enabled, 0));
    await cpu.write(REGION.STACK, new Uint8Array(256));
    assertEquals(await cpu.call(AT, threads, rounds), sum);
    // A run begins with the windows that it is given; so the counters are read by code: ldr x0..x3; brk.
    assertEquals(await readCounters(cpu, memory), enabled * threads * rounds);
  }
});

/** Adds the counters of all areas in the program itself. */
async function readCounters(cpu: Cpu, { areas, areasTotal, areaBytes }: PadMemory): Promise<number> {
  const at = REGION.CLOSE;
  const adding = Array.from({ length: areasTotal }, (_, i) => [
    0xf940_0002 | ((areaBytes * i + 8) / 8) << 10, // ldr x2,[x0,#...]
    0x8b02_0021, // add x1,x1,x2
  ]).flat();
  // mov x1,#0; ldr x0,=areas; ...; mov x0,x1; ret
  const words = [0xd280_0001, 0x5800_0000 | ((adding.length + 3) << 5), ...adding, 0xaa01_03e0, 0xd65f_03c0];
  await cpu.write(at, bytesOf(...words, areas >>> 0, Math.floor(areas / 2 ** 32)));
  return await cpu.call(at, 1, 1);
}

/** Emulates an instruction; returns whether it was performed. */
function assertEmulated(native: Outcome, test: Case): boolean {
  const context = describe(test);
  const registers = test.registers.slice();
  const windows = test.windows.clone();
  const done = emulate(decode(bytesOf(test.word), 0, AT)!, registers, windows);
  if (done) assert(pcOf(native) !== AT, context);
  assertEquals(registers, done ? native.registers : test.registers, context);
  assertEquals(windows, done ? native.windows : test.windows, context);
  return done;
}

/** Whether an instruction loads a pair into one register, which is "constrained unpredictable". */
function isUnpredictable(word: number): boolean {
  return (word & 0xfe40_0000) >>> 0 === 0xa840_0000 && (word & 31) === ((word >>> 10) & 31);
}

/** Returns how many slots were compared. */
async function compareDisplaced(cpu: Cpu, test: Case): Promise<number> {
  const native = await runNative(cpu, test);
  const instruction = decode(bytesOf(test.word), 0, AT)!;
  let compared = 0;
  for (const slot of [REGION.CLOSE, REGION.NEAR]) {
    const context = `${describe(test)} at ${slot.toString(16)}`;
    const displacement = displace(instruction, bytesOf(test.word), toAddress(slot));
    const { target } = instruction;
    const impossible = target !== undefined && Math.abs(target - slot) > REACH - 16 ||
      instruction.flow === "indirect-call" && readsLink(test.word) ||
      slot === REGION.NEAR &&
        (instruction.kind === "vector-literal" || instruction.kind === "literal" && (test.word & 31) === 31);
    if (Math.abs(Math.abs((target ?? 0) - slot) - REACH) > 64) {
      assertEquals(displacement === undefined, impossible, context);
    }
    if (displacement === undefined) continue;
    compared++;
    assert(displacement.code.length <= SLOT_BYTES, context);
    await cpu.write(slot, displacement.code);
    const outcome = await runFrom(cpu, test, slot);
    setBack(outcome, slot, displacement.resume);
    assertSame(outcome, native, context);
  }
  return compared;
}

/** Whether `blr` takes its target or modifier from x30. */
function readsLink(word: number): boolean {
  return ((word >>> 5) & 31) === 30 || (word >>> 24 === 0xd7 && (word & 31) === 30);
}

/** Runs a slot up to each of its instructions, sets the thread back, and lets it go on. */
async function compareResumed(cpu: Cpu, test: Case, { code, resume }: Displacement, slot: number): Promise<void> {
  const native = await runNative(cpu, test);
  assertEquals(resume[0]?.offset, 0);
  for (const point of resume) {
    const context = `${describe(test)} at ${point.offset}`;
    assert(!point.isHeld && point.stackBytes === 0 && point.pcRegister === -1, context);
    await cpu.write(slot, code);
    await cpu.write(slot + point.offset, bytesOf(TRAP));
    const there = await runFrom(cpu, test, slot);
    if (pcOf(there) !== slot + point.offset) continue;
    setRegister(there.registers, PC, point.pc);
    if (point.done) assertSame(there, { ...native, signal: there.signal }, context);
    else assertSame(await runNative(cpu, { ...there, word: test.word }), native, context);
  }
}

/** Runs a pad; returns whether there is one. */
async function comparePad(cpu: Cpu, random: Random, test: Case): Promise<boolean> {
  const code = bytesOf(test.word);
  const window = findWindow(code, 0, AT);
  if (typeof window === "string") return false;
  const areasTotal = random.pick([1, 4]);
  const enabled = REGION.LOW + WINDOW_BYTES - 16;
  const areas = REGION.STACK + WINDOW_BYTES - 128;
  const memory = { enabled: toAddress(enabled), areas: toAddress(areas), areasTotal, areaBytes: 32, ring: NO_RING };
  const pad = makePad(window, toAddress(REGION.NEAR), memory, { kind: "count", counterOffset: 8 });
  if (pad === undefined) return false;
  const context = `pad for ${describe(test)}`;
  assert(pad.code.length <= 128, context);
  const isEnabled = random.pick([0, 1]);
  test.windows.writeWord(enabled, isEnabled, 0);
  for (let i = 0; i < areasTotal; i++) test.windows.writeWord(areas + 32 * i + 8, 100, 0);
  const native = await runNative(cpu, test);
  await cpu.write(REGION.NEAR + pad.entry, pad.code.subarray(pad.entry));
  await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
  const outcome = withoutBranchType(await cpu.run(test));
  await cpu.write(AT, bytesOf(TRAP));
  setBack(outcome, REGION.NEAR, pad.resume);
  // Below the stack pointer nothing is kept.
  const sp = registerOf(test.registers, SP);
  for (const below of [8, 16]) {
    for (const { windows } of [native, outcome]) windows.writeWord(sp - below, 0, 0);
  }
  assertEquals(countIn(outcome, memory) - countIn(test, memory), isEnabled, context);
  for (let i = 0; i < areasTotal; i++) outcome.windows.writeWord(areas + 32 * i + 8, 100, 0);
  assertSame(outcome, native, context);
  return true;
}

function countIn({ windows }: State, { areas, areasTotal, areaBytes }: PadMemory): number {
  const word = new Uint32Array(2);
  let sum = 0;
  for (let i = 0; i < areasTotal; i++) {
    windows.readWord(areas + areaBytes * i + 8, word);
    sum += word[0]!;
  }
  return sum;
}

async function runFrom(cpu: Cpu, test: State, pc: number): Promise<Outcome> {
  const registers = test.registers.slice();
  setRegister(registers, PC, pc);
  return withoutBranchType(await cpu.run({ ...test, registers }));
}
