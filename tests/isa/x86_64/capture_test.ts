/** What pads copy into records, executed step by step: exactly that, nothing beyond it, and all registers as they were. */

import { assertEquals } from "@std/assert";
import { fromHalves, toAddress } from "../../../lib/address.ts";
import { type Capture, isOfArgument, layOut } from "../../../lib/isa/captures.ts";
import { makePad } from "../../../lib/isa/x86_64/pad.ts";
import { EFLAGS, GENERAL, RIP, RSP } from "../../../lib/isa/x86_64/registers.ts";
import { findWindow } from "../../../lib/isa/x86_64/window.ts";
import type { JumpWindow } from "../../../lib/isa/jumps.ts";
import { bytes, expectedOf, string } from "../capture_model.ts";
import { Cpu, REGION, setRegister, Windows } from "./cpu.ts";
import { Random } from "./random.ts";

const CELLS = 8;
const PAGES = 4;
/** Where things are in the first window, which is the area of all CPUs. */
const RING = { headOffset: 0, tailOffset: 8, cellsOffset: 64, cellsTotal: CELLS };
const PAGES_OFFSET = 64 + 64 * CELLS;
const ALIVE_OFFSET = PAGES_OFFSET + 8 * PAGES;
const ENABLED_OFFSET = ALIVE_OFFSET + 8;
const MEMORY = {
  enabled: toAddress(REGION.DATA + ENABLED_OFFSET),
  areas: toAddress(REGION.DATA),
  areasTotal: 1,
  areaBytes: 1 << 12,
  ring: RING,
  captures: { alive: toAddress(REGION.DATA + ALIVE_OFFSET), pagesOffset: PAGES_OFFSET, pagesTotal: PAGES },
};
const SITE = REGION.CODE;
/** Where on the stack the program is. */
const STACK_OFFSET = 0x300;
const HEADER = 7;
/** How much the registers, the pc and the flags take. */
const REGISTERS_BYTES = 18 * 8;
const DIED = 0x40000000;
const DISTRUSTED = 0x80000000;
/** The registers that arguments are in, in order, as numbers of instructions. */
const ARGUMENTS = [7, 6, 2, 1, 8, 9];
const LAST_PAGE = REGION.LOW + 0x1000;

/** Something to be captured. */
interface Case {
  readonly captures: readonly Capture[];
  /** Where each argument points. */
  readonly pointers: readonly number[];
  /** What the word says that tells of the tracer. */
  readonly alive?: number;
  /** An address in a page of which it is noted that it could be read. */
  readonly known?: number | undefined;
}

/** Runs a pad. Returns its record as words, and what there is behind it. */
function run(
  cpu: Cpu,
  random: Random,
  text: Uint8Array<ArrayBuffer>,
  { captures, pointers, alive = 1, known }: Case,
) {
  const code = Uint8Array.of(0x55, 0x48, 0x89, 0xe5, 0x90, 0x90);
  const window = findWindow(code, 0, toAddress(SITE), toAddress(SITE + 6), () => false) as JumpWindow;
  const action = { kind: "record", counterOffset: 16, site: HEADER, values: "arguments", captures } as const;
  const pad = makePad(window, toAddress(REGION.NEAR + 0x100), MEMORY, action)!;
  const first = REGION.NEAR + 0x100 - pad.entry;
  cpu.write(first, new Uint8Array(pad.code));
  cpu.write(REGION.LOW, text);
  const windows = new Windows();
  const view = new DataView(windows.bytes[0]!.buffer);
  view.setUint32(ALIVE_OFFSET, alive, true);
  view.setUint32(ENABLED_OFFSET, 1, true);
  if (known !== undefined) {
    const page = Math.floor(known / 4096);
    view.setUint32(PAGES_OFFSET + 8 * (page % PAGES), page, true);
    view.setUint32(PAGES_OFFSET + 8 * (page % PAGES) + 4, page / 2 ** 32, true);
  }
  for (let at = STACK_OFFSET; at < windows.bytes[1]!.length; at++) windows.bytes[1]![at] = random.below(256);
  const stack = windows.bytes[1]!.slice(STACK_OFFSET);
  windows.bytes[2]!.set(text.subarray(0, windows.bytes[2]!.length));
  const registers = cpu.initial.slice();
  for (const [number, register] of GENERAL.entries()) {
    if (number !== 4) setRegister(registers, register, random.below(2 ** 40));
  }
  for (const [i, pointer] of pointers.entries()) setRegister(registers, GENERAL[ARGUMENTS[i]!]!, pointer);
  setRegister(registers, RSP, REGION.STACK + STACK_OFFSET);
  setRegister(registers, EFLAGS, 0x202 | random.below(2 ** 12) & 0xcd5);
  setRegister(registers, RIP, first + pad.entry);
  const before = registers.slice();
  const copies = pad.copies[0]!;
  const outcome = cpu.run(registers, windows, copies - pad.entry);
  assertEquals(outcome.signal, 5);
  assertEquals(fromHalves(outcome.registers[RIP]!, outcome.registers[RIP + 1]!), first + copies);
  for (const register of [...GENERAL, EFLAGS]) {
    assertEquals(outcome.registers[register], before[register], `register ${register}`);
  }
  const data = outcome.windows.bytes[0]!;
  return { data, words: new DataView(data.buffer), before, stack };
}

/** What a capture of registers is to be. */
function registerBytes(registers: Uint32Array): Uint8Array {
  const words = [...GENERAL, RIP, EFLAGS].flatMap((index) => [registers[index]!, registers[index + 1]!]);
  words.splice(2 * GENERAL.length, 2, SITE % 2 ** 32, Math.floor(SITE / 2 ** 32));
  return new Uint8Array(new Uint32Array(words).buffer);
}

/** Runs a pad and compares all that it leaves. */
function check(cpu: Cpu, random: Random, text: Uint8Array<ArrayBuffer>, one: Case): void {
  const { data, words, before, stack } = run(cpu, random, text, one);
  const { places, cells } = layOut(one.captures, REGISTERS_BYTES);
  assertEquals([words.getUint32(0, true), words.getUint32(64, true)], [cells, cells << 24 | HEADER]);
  one.pointers.forEach((pointer, i) => {
    assertEquals(words.getUint32(64 + 16 + 8 * i, true) + words.getUint32(64 + 20 + 8 * i, true) * 2 ** 32, pointer);
  });
  for (const { capture, offsetBytes, dataBytes, sizeBytes } of places) {
    const expected = one.alive !== undefined && one.alive & DIED
      ? new Uint8Array()
      : isOfArgument(capture)
      ? expectedOf(capture, one.pointers, REGION.LOW, text)
      : capture.kind === "stack"
      ? stack.slice(0, capture.sizeBytes)
      : registerBytes(before);
    const at = 64 + offsetBytes;
    assertEquals(words.getUint32(at, true), expected.length, JSON.stringify(one));
    const begin = 64 + dataBytes;
    assertEquals(data.slice(begin, begin + expected.length), expected);
    // Of a string the rest of its last word may follow.
    const end = begin + Math.ceil(sizeBytes / 8) * 8;
    const copied = Math.min(begin + Math.ceil(expected.length / 8) * 8, end);
    assertEquals(data.slice(copied, end).some((byte) => byte !== 0), false, JSON.stringify(one));
  }
  assertEquals(data.slice(64 + 64 * cells, PAGES_OFFSET).some((byte) => byte !== 0), false, JSON.stringify(one));
}

Deno.test("makePad() makes pads that copy strings of all lengths at the end of a page, and nothing more", async () => {
  using cpu = await Cpu.start();
  const random = new Random(26);
  for (let length = 0; length < 34; length++) {
    for (let gap = 0; gap < 9; gap++) {
      const text = Uint8Array.from({ length: 4096 }, () => 1 + random.below(255));
      const at = LAST_PAGE - gap - length - 1;
      text[at - REGION.LOW + length] = 0;
      const captures = [string(length % 6, 1 + random.below(40)), bytes(5, 1 + random.below(40))];
      check(cpu, random, text, { captures, pointers: Array(6).fill(at) });
    }
  }
});

Deno.test("makePad() makes pads that copy what there is in front of the end of memory", async () => {
  using cpu = await Cpu.start();
  const random = new Random(27);
  const text = Uint8Array.from({ length: 4096 }, () => 1 + random.below(255));
  for (let left = 0; left < 40; left++) {
    const pointers = Array.from({ length: 6 }, (_, i) => LAST_PAGE - left + (i === 5 ? 40 : 0));
    check(cpu, random, text, { captures: [string(0, 33), bytes(1, 29), string(5, 9)], pointers });
    const captures = [{ ...string(0, 33), offsetBytes: 7 }, { ...bytes(1, 29), offsetBytes: -300 }];
    check(cpu, random, text, { captures, pointers });
  }
});

Deno.test("makePad() makes pads that read nowhere that no program can have memory", async () => {
  using cpu = await Cpu.start();
  const random = new Random(28);
  const text = new Uint8Array(4096);
  for (const pointer of [0, 1, 4095, 4096, 0x7fffffff, 2 ** 47 - 4097, 2 ** 47 - 1, 2 ** 47, 2 ** 50, 2 ** 52 + 8]) {
    const known = pointer < 4096 || pointer >= 2 ** 47 ? pointer : undefined;
    check(cpu, random, text, { captures: [string(0, 20), bytes(3, 20)], pointers: Array(6).fill(pointer), known });
  }
});

Deno.test("makePad() makes pads that note what could be read, ask if they are to, and read nothing without a tracer", async () => {
  using cpu = await Cpu.start();
  const random = new Random(29);
  const text = new Uint8Array(4096).fill(0x61, 0, 50);
  const page = PAGES_OFFSET + 8 * (REGION.LOW / 4096 % PAGES);
  for (const alive of [1, 1 | DISTRUSTED, 1 | DIED, (1 | DIED | DISTRUSTED) >>> 0]) {
    for (const known of [undefined, REGION.LOW]) {
      const one = {
        captures: [string(1, 40), bytes(0, 13)],
        pointers: Array(6).fill(REGION.LOW + 3),
        alive: alive >>> 0,
        known,
      };
      check(cpu, random, text, one);
      const { words } = run(cpu, random, text, one);
      assertEquals(words.getUint32(page, true), known !== undefined || !(alive & DIED) ? REGION.LOW / 4096 : 0);
    }
  }
});

Deno.test("makePad() makes pads that copy all registers, the flags and the stack, beside what they read elsewhere or alone", async () => {
  using cpu = await Cpu.start();
  const random = new Random(30);
  const text = Uint8Array.from({ length: 4096 }, () => 1 + random.below(255));
  const registers: Capture = { kind: "registers" };
  const stack: Capture = { kind: "stack", sizeBytes: 27 };
  for (let round = 0; round < 40; round++) {
    const pointers = round % 2 === 0 ? [] : Array(6).fill(REGION.LOW + round);
    for (
      const captures of [[registers], [stack, registers], [string(0, 20), registers, stack], [registers, bytes(1, 7)]]
    ) {
      check(cpu, random, text, {
        captures: pointers.length === 0 ? captures.filter((one) => !isOfArgument(one)) : captures,
        pointers,
      });
    }
  }
});

Deno.test("makePad() makes pads that follow pointers, also where they end or lead to nothing", async () => {
  using cpu = await Cpu.start();
  const random = new Random(31);
  for (let round = 0; round < 60; round++) {
    const text = Uint8Array.from({ length: 4096 }, () => 1 + random.below(255));
    const view = new DataView(text.buffer);
    const put = (at: number, address: number) => {
      view.setUint32(at, address % 2 ** 32, true);
      view.setUint32(at + 4, address / 2 ** 32, true);
    };
    const [first, second] = [0x100 + random.below(100), 0x400 + random.below(100)];
    const end = round % 4 === 0 ? 0 : round % 4 === 1 ? 2 ** 50 : REGION.LOW + 0x800 + random.below(0x900);
    put(first, REGION.LOW + second - 5);
    put(second, end);
    const pointers = Array(6).fill(round % 7 === 6 ? LAST_PAGE - random.below(20) : REGION.LOW + first - 16);
    const captures = [
      { ...string(1, 1 + random.below(40)), through: [16, 5], offsetBytes: random.below(9) },
      { ...bytes(4, 1 + random.below(40)), through: [16] },
      { ...bytes(0, 8), through: [16, 5, -8] },
    ];
    check(cpu, random, text, { captures, pointers });
  }
});
