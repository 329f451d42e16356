/**
 * What aarch64 pads keep of SVE. The kernel under qemu-user is that of another machine and leaves it alone; so the call is replaced
 * by a routine that does what a kernel may do.
 */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { PC, REGISTERS_BYTES, SP } from "../../../lib/isa/aarch64/registers.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import { layOut } from "../../../lib/isa/captures.ts";
import type { JumpWindow, PadCode, PadMemory, RecordAction } from "../../../lib/isa/jumps.ts";
import { string } from "../capture_model.ts";
import { Random } from "../x86_64/random.ts";
import { AT, makeCase, testWithCpu } from "./cases.ts";
import { bytesOf, type Cpu, pcOf, REGION, registerOf, setRegister } from "./cpu.ts";

const NOP = 0xd503_201f;
const SVC = 0xd400_0001;
const SIGSEGV = 11;
const SIGTRAP = 5;
const ZREGISTERS = 32;
const PREDICATES = 16;
/** The longest vectors, and others; predicates have a bit for each of their bytes. */
const MODELS = [2048, 256, 128].map((bits) => ({ bits, model: `max,sve=on,sve-max-vq=${bits / 128},sme=off` }));

const CELLS_OFFSET = 0x2000;
const MEMORY: PadMemory = {
  ...{ enabled: toAddress(REGION.RINGS), areas: toAddress(REGION.RINGS), areasTotal: 1, areaBytes: 1 << 20 },
  ring: { headOffset: 0x1000, tailOffset: 0x1040, cellsOffset: CELLS_OFFSET, cellsTotal: 1 << 6 },
  captures: {
    ...{ alive: toAddress(REGION.RINGS + 8), pagesOffset: 0x1_0000, pagesTotal: 4096 },
    cpuFlags: ["fp", "asimd", "sve"],
  },
};
const DISTRUSTED = 0x8000_0001;
const ACTION: RecordAction = {
  ...{ kind: "record", counterOffset: 16, site: 9, values: "arguments" },
  captures: [string(0, 20)],
};
/** Where the state is stored before and behind the site, and how often the kernel was asked. */
const BEFORE = REGION.RINGS + 0x40_0000;
const BEHIND = REGION.RINGS + 0x50_0000;
const ASKED = REGION.RINGS + 0x60_0000;
/** How far behind the registers the predicates are, in bytes. */
const PREDICATES_OFFSET = 0x4000;
const TEXT = "not only digits";

/** Writes instructions. */
type Write = (...words: readonly number[]) => void;

/** `movz` and `movk` of a number of 48 bits. */
function move(register: number, value: number): number[] {
  const part = (shift: number) => Math.floor(value / 2 ** shift) % 2 ** 16 << 5 | register;
  return [0xd280_0000 | part(0), 0xf2a0_0000 | part(16), 0xf2c0_0000 | part(32)];
}

/** Stores everything from x9 on; x9 and x10 are changed. */
function storeState(write: Write, address: number): void {
  write(...move(9, address), ...move(10, address + PREDICATES_OFFSET));
  // str zN,[x9]; addvl x9,x9,#1; str pN,[x10]; addpl x10,x10,#1
  for (let n = 0; n < ZREGISTERS; n++) write(0xe580_4000 | 9 << 5 | n, 0x0429_5029);
  for (let n = 0; n < PREDICATES; n++) write(0xe580_0000 | 10 << 5 | n, 0x046a_502a);
  // rdffr p0.b; str p0,[x10]; sub x10,x10,... to where p0 is; ldr p0,[x10]
  write(0x2519_f000, 0xe580_0000 | 10 << 5, ...move(10, address + PREDICATES_OFFSET), 0x8580_0000 | 10 << 5);
}

/** Gives every register another value. x1 is changed. */
function fillState(write: Write, first: number): void {
  for (let n = 0; n < ZREGISTERS; n++) {
    // mov w1,#value; index zN.b,w1,#3
    write(0x5280_0000 | (first + 7 * n) << 5 | 1, 0x0423_4420 | n);
  }
  const until = (n: number, lanes: number) => {
    // mov x1,#lanes; whilelo pN.b,xzr,x1
    write(0xd280_0000 | lanes << 5 | 1, 0x2521_1fe0 | n);
  };
  // As long as the shortest predicates, the last one for the register of first faults: wrffr p0.b
  until(0, first % 5 + 9);
  write(0x2528_9000);
  for (let n = 0; n < PREDICATES; n++) until(n, (first + n) % PREDICATES);
}

/** A function that fills the state, stores it, comes to the site, and stores it again. Its argument stays what it was. */
function makeFunction(): { words: number[]; siteOffset: number } {
  const words: number[] = [];
  const write: Write = (...some) => words.push(...some);
  fillState(write, 3);
  storeState(write, BEFORE);
  write(...move(0, REGION.LOW));
  const siteOffset = 4 * words.length;
  write(NOP);
  storeState(write, BEHIND);
  // mov x0,#0; ret
  write(0xd280_0000, 0xd65f_03c0);
  return { words, siteOffset };
}

/** What is done in the place of a system call: all is cleared, it is counted, and the answer is EINVAL. */
function makeKernel(from: number, back: number): number[] {
  const words: number[] = [];
  const write: Write = (...some) => words.push(...some);
  fillState(write, 90);
  // x1 to x3 and x8 are those of the call: ldr x1,[x8]; add x1,x1,#1; str x1,[x8]; mov x0,#-22
  write(...move(8, ASKED), 0xf940_0101, 0x9100_0421, 0xf900_0101, 0x9280_02a0);
  write(branch(from + 4 * words.length, back));
  return words;
}

function branch(from: number, to: number): number {
  return 0x1400_0000 | ((to - from) / 4) & 0x3ff_ffff;
}

/** Makes a pad that calls another kernel. */
async function writePad(cpu: Cpu, window: JumpWindow): Promise<PadCode> {
  const pad = makePad(window, toAddress(REGION.NEAR), MEMORY, ACTION)!;
  const words = new Uint32Array(pad.code.slice().buffer);
  const call = 4 * words.indexOf(SVC);
  await cpu.write(REGION.NEAR, pad.code);
  await cpu.write(REGION.NEAR + call, bytesOf(branch(REGION.NEAR + call, REGION.CLOSE)));
  await cpu.write(REGION.CLOSE, bytesOf(...makeKernel(REGION.CLOSE, REGION.NEAR + call + 4)));
  await cpu.write(window.address, makeJump(window, toAddress(REGION.NEAR)));
  return pad;
}

for (const { bits, model } of MODELS) {
  testWithCpu(
    `makePad() makes aarch64 pads that keep vectors of ${bits} bits when they ask the kernel`,
    async (cpu) => {
      const { words, siteOffset } = makeFunction();
      await cpu.write(AT, bytesOf(...words));
      const site = toAddress(AT + siteOffset);
      await writePad(cpu, findWindow(bytesOf(NOP), 0, site) as JumpWindow);
      await cpu.write(REGION.RINGS, bytesOf(1, 0, DISTRUSTED));
      await cpu.write(REGION.LOW, new TextEncoder().encode(`${TEXT}\0`));
      assertEquals(await cpu.call(AT, 1, 1), 0);
      const before = await cpu.read(BEFORE, 2 * PREDICATES_OFFSET);
      assert(before.subarray(0, bits / 8 * ZREGISTERS).some((byte) => byte > 0));
      assert(before.subarray(PREDICATES_OFFSET, PREDICATES_OFFSET + bits / 64 * PREDICATES).some((byte) => byte > 0));
      assertEquals(await cpu.read(BEHIND, before.length), before);
      assertEquals(new Uint32Array((await cpu.read(ASKED, 4)).buffer)[0], 1);
      const [place] = layOut(ACTION.captures!, REGISTERS_BYTES).places;
      const record = await cpu.read(REGION.RINGS + CELLS_OFFSET, 256);
      assertEquals(record[place!.offsetBytes], TEXT.length + 1);
      const text = record.subarray(place!.dataBytes, place!.dataBytes + TEXT.length);
      assertEquals(new TextDecoder().decode(text), TEXT);
    },
    model,
  );
}

testWithCpu(
  "makePad() makes aarch64 pads that do not ask the kernel where there is no stack for vectors",
  async (cpu) => {
    const random = new Random(61);
    const pad = await writePad(cpu, findWindow(bytesOf(NOP), 0, AT) as JumpWindow);
    await cpu.write(REGION.RINGS, bytesOf(1, 0, DISTRUSTED));
    const test = makeCase(random, { name: "nop", make: () => NOP });
    // The general registers find room, and one vector of 256 bytes.
    setRegister(test.registers, SP, REGION.STACK + 128 + 256 + 64);
    setRegister(test.registers, 0, REGION.LOW);
    const fault = await cpu.run(test);
    const reader = pad.readers?.find(({ offset }) => REGION.NEAR + offset === pcOf(fault));
    assertEquals([fault.signal, reader !== undefined], [SIGSEGV, true]);
    setRegister(fault.registers, PC, REGION.NEAR + reader!.target);
    const outcome = await cpu.run(fault);
    assertEquals([outcome.signal, pcOf(outcome), registerOf(outcome.registers, SP)], [
      SIGTRAP,
      AT + 4,
      registerOf(test.registers, SP),
    ]);
    assertEquals([...outcome.registers.subarray(0, PC)], [...test.registers.subarray(0, PC)]);
    assertEquals((await cpu.read(ASKED, 8)).every((byte) => byte === 0), true);
    const [place] = layOut(ACTION.captures!, REGISTERS_BYTES).places;
    assertEquals((await cpu.read(REGION.RINGS + CELLS_OFFSET, 256))[place!.offsetBytes], 0);
  },
  MODELS[0]!.model,
);
