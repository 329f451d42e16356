/** Emulation and displaced copies against the processor itself. */

import { assert, assertEquals } from "@std/assert";
import { fromHalves, toAddress } from "../../../lib/address.ts";
import { decode } from "../../../lib/isa/x86_64/decode.ts";
import { displace } from "../../../lib/isa/x86_64/displace.ts";
import { emulate } from "../../../lib/isa/x86_64/emulate.ts";
import { EFLAGS, FS_BASE, GENERAL, GS_BASE, ORIG_RAX, RIP, RSP } from "../../../lib/isa/x86_64/registers.ts";
import { Cpu, type Outcome, REGION, setRegister, Windows } from "./cpu.ts";
import { COPIED, EMULATED, type Row } from "./instructions.ts";
import { Random } from "./random.ts";

const SIGTRAP = 5;
const NAMES = "RAX RCX RDX RBX RSP RBP RSI RDI R8 R9 R10 R11 R12 R13 R14 R15".split(" ");
/** Where the instruction ends, so that RIP-relative operands are aligned. */
const NEXT = REGION.CODE + 0x100;
const STACK_TOP = REGION.STACK + 0x200;
/** CF, PF, AF, ZF, SF, DF, OF. */
const RANDOM_FLAGS = 0xcd5;
const INTERRUPT_FLAG = 0x202;
const USER_END = 2 ** 47;

/** `call *mem` in assembly. */
const READS_TARGET = /call \*.*[(:]|call \*0x/;

/** One instruction in one state. */
interface Case {
  readonly assembly: string;
  readonly code: Uint8Array<ArrayBuffer>;
  readonly registers: Uint32Array<ArrayBuffer>;
  readonly windows: Windows;
  readonly extended?: Uint8Array<ArrayBuffer> | undefined;
}

Deno.test("emulate() leaves what the processor leaves: instructions", async () => {
  using cpu = await Cpu.start();
  const random = new Random(1);
  for (const row of EMULATED) {
    for (let i = 0; i < 24; i++) compareEmulated(cpu, makeCase(cpu, random, row));
  }
  for (const row of COPIED) {
    const { code, registers, windows } = makeCase(cpu, random, row);
    const instruction = decode(code, 0, toAddress(NEXT - code.length))!;
    assert(!emulate(instruction, registers, windows), row[0]);
  }
});

Deno.test("emulate() leaves what the processor leaves: random arithmetic and moves of registers", async () => {
  using cpu = await Cpu.start();
  const random = new Random(2);
  const opcodes = [0x01, 0x03, 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33, 0x39, 0x3b, 0x85, 0x89, 0x8b];
  const groups = [0, 1, 4, 5, 6, 7];
  for (let i = 0; i < 1500; i++) {
    const rex = 0x40 | random.below(16);
    const rm = 0xc0 | random.below(64);
    const group = 0xc0 | random.pick(groups) << 3 | random.below(8);
    const bytes = random.pick([
      [rex, random.pick(opcodes), rm],
      [rex, 0x83, group, random.below(256)],
      [rex, 0x81, group, ...random.bytes(4)],
      [rex, random.pick([0x05, 0x0d, 0x25, 0x2d, 0x35, 0x3d, 0xa9]), ...random.bytes(4)],
      [rex, 0xf7, 0xc0 | random.below(16), ...random.bytes(4)],
      [rex, 0xc7, 0xc0 | random.below(8), ...random.bytes(4)],
      [rex & ~8, 0xb8 | random.below(8), ...random.bytes(4)],
      [rex | 8, 0xb8 | random.below(8), ...random.bytes(6), random.pick([0, 1, 0x1f]), 0],
    ]);
    compareEmulated(cpu, makeCase(cpu, random, ["random", hex(bytes)]));
  }
});

Deno.test("emulate() leaves what the processor leaves: random lea", async () => {
  using cpu = await Cpu.start();
  const random = new Random(3);
  for (let i = 0; i < 800; i++) {
    const modrm = random.below(0xc0);
    const size = random.pick([[], [0x67]]);
    const bytes = [...size, 0x40 | random.below(16), 0x8d, modrm, random.below(256), ...random.bytes(4)];
    compareEmulated(cpu, makeCase(cpu, random, ["random lea", hex(bytes)]));
  }
});

Deno.test("emulate() leaves what the processor leaves: conditions", async () => {
  using cpu = await Cpu.start();
  const random = new Random(4);
  for (let condition = 0; condition < 16; condition++) {
    for (let i = 0; i < 40; i++) {
      const bytes = i % 2 === 0 ? [0x70 | condition, 0x22] : [0x0f, 0x80 | condition, ...random.bytes(3), 0xff];
      compareEmulated(cpu, makeCase(cpu, random, [`jcc ${condition}`, hex(bytes)]));
    }
  }
  for (const opcode of [0xe0, 0xe1, 0xe2, 0xe3]) {
    for (const count of [0, 1, 2, 0x1_0000_0000, 0x1_0000_0001]) {
      for (const size of [[], [0x67]]) {
        for (let i = 0; i < 4; i++) {
          const row: Row = [`loop ${count}`, hex([...size, opcode, 0x22]), { RCX: count }];
          compareEmulated(cpu, makeCase(cpu, random, row));
        }
      }
    }
  }
});

Deno.test("displace() makes slots that leave what the instruction leaves", async () => {
  using cpu = await Cpu.start();
  const random = new Random(5);
  for (const row of [...EMULATED, ...COPIED]) {
    for (let i = 0; i < 6; i++) compareDisplaced(cpu, makeCase(cpu, random, row));
  }
  for (let condition = 0; condition < 16; condition++) {
    for (const bytes of [[0x70 | condition, 0x22], [0x0f, 0x80 | condition, 0x22, 0x33, 0x44, 0x55]]) {
      for (let i = 0; i < 6; i++) {
        compareDisplaced(cpu, makeCase(cpu, random, [`jcc ${condition}`, hex(bytes)]));
      }
    }
  }
});

Deno.test("displace() reports a fault in the slot as the instruction's own", async () => {
  using cpu = await Cpu.start();
  const random = new Random(6);
  const rows = [...EMULATED, ...COPIED].filter(([assembly]) => /push|pop|call|ret|leave|jmp|mov/.test(assembly));
  for (const [assembly, bytes, registers] of rows) {
    for (const sp of [REGION.STACK, REGION.STACK + 8, 0x10, 2 ** 47, 2 ** 50]) {
      // The slot of `call *mem` needs the second word below the stack pointer too.
      if (sp === REGION.STACK + 8 && READS_TARGET.test(assembly)) continue;
      compareDisplaced(cpu, makeCase(cpu, random, [assembly, bytes, { ...registers, RSP: sp, RBP: sp }]));
    }
  }
});

/** A random state, in which the instruction has something to work on. */
function makeCase(cpu: Cpu, random: Random, [assembly, bytes, fixed = {}]: Row): Case {
  const code = Uint8Array.from(bytes.split(" "), (byte) => parseInt(byte, 16));
  const length = decode(code, 0, toAddress(NEXT))?.length ?? code.length;
  const registers = cpu.initial.slice();
  for (const register of GENERAL) {
    registers[register] = random.half();
    registers[register + 1] = random.pick([0, 0, random.below(USER_END / 2 ** 32), random.half()]);
  }
  setRegister(registers, ORIG_RAX, -1);
  setRegister(registers, FS_BASE, REGION.DATA + 0x40);
  setRegister(registers, GS_BASE, REGION.DATA + 0x80);
  setRegister(registers, RSP, STACK_TOP + random.below(2) * random.below(64));
  setRegister(registers, RIP, NEXT - length);
  registers[EFLAGS] = INTERRUPT_FLAG | (random.half() & RANDOM_FLAGS);
  for (const [name, value] of Object.entries(fixed)) setRegister(registers, GENERAL[NAMES.indexOf(name)]!, value);
  const windows = new Windows();
  for (const window of windows.bytes) {
    const halves = new Uint32Array(window.buffer);
    for (let i = 0; i < halves.length; i += 2) {
      halves[i] = random.half();
      halves[i + 1] = random.pick([random.below(USER_END / 2 ** 32), random.below(USER_END / 2 ** 32), random.half()]);
    }
  }
  const extended = /mm|%k|^f/.test(assembly) ? randomExtended(cpu, random) : undefined;
  return { assembly, code: code.slice(0, length), registers, windows, extended };
}

/** XSAVE state with random contents of the SSE and AVX registers (Intel SDM vol. 1, 13.4). */
function randomExtended(cpu: Cpu, random: Random): Uint8Array<ArrayBuffer> {
  const extended = cpu.extendedState();
  extended.set(random.bytes(256), 160);
  extended.set(random.bytes(256), 576);
  extended[512]! |= 7;
  return extended;
}

/** Runs the instruction itself. */
function runNative(cpu: Cpu, test: Case): Outcome {
  cpu.write(pcOf(test.registers), test.code);
  return cpu.run(test.registers, test.windows, 1, test.extended);
}

function compareEmulated(cpu: Cpu, test: Case): void {
  const native = runNative(cpu, test);
  const context = describe(test);
  const pc = pcOf(test.registers);
  const instruction = decode(test.code, 0, toAddress(pc))!;
  const registers = test.registers.slice();
  const windows = test.windows.clone();
  const done = emulate(instruction, registers, windows);
  const possible = native.signal === SIGTRAP && pcOf(native.registers) < USER_END;
  assertEquals(done, possible, context);
  assertEquals(registers, done ? native.registers : test.registers, context);
  assertEquals(windows, done ? native.windows : test.windows, context);
}

function compareDisplaced(cpu: Cpu, test: Case): void {
  const native = runNative(cpu, test);
  const pc = pcOf(test.registers);
  const instruction = decode(test.code, 0, toAddress(pc))!;
  for (const slot of [REGION.NEAR, REGION.FAR]) {
    const context = `${describe(test)} at ${slot.toString(16)}`;
    const displacement = displace(instruction, test.code, toAddress(slot));
    const impossible = test.assembly === "call *%rsp" ||
      instruction.ripRelative && (slot === REGION.FAR || test.assembly.includes("%eip"));
    assertEquals(displacement === undefined, impossible, context);
    if (displacement === undefined) continue;
    cpu.write(slot, displacement.code as Uint8Array<ArrayBuffer>);
    const registers = test.registers.slice();
    setRegister(registers, RIP, slot);
    const resume = new Map(displacement.resume.map((point) => [slot + point.offset, point]));
    const outcome = cpu.run(registers, test.windows, displacement.code.length, test.extended, (at) => {
      assert(resume.has(at), `${context}: no resume point for ${at.toString(16)}`);
    });
    if (outcome.signal !== SIGTRAP) {
      const point = resume.get(pcOf(outcome.registers))!;
      assert(!point.done, context);
      setRegister(outcome.registers, RIP, point.pc);
      setRegister(
        outcome.registers,
        RSP,
        fromHalves(outcome.registers[RSP]!, outcome.registers[RSP + 1]!) + point.stackBytes,
      );
    }
    // The kernel's own note of the system call that a thread was stopped in.
    setRegister(native.registers, ORIG_RAX, -1);
    assertEquals(outcome.signal, native.signal, context);
    assertEquals(outcome.registers, native.registers, context);
    forgetScratch(test, native, outcome);
    assertEquals(outcome.windows, native.windows, context);
    assertEquals(
      outcome.extended && withoutPointers(outcome.extended),
      native.extended && withoutPointers(native.extended),
    );
  }
}

/** Levels the words below the stack pointer, where a failed call, and `call *mem`, may leave something else. */
function forgetScratch(test: Case, native: Outcome, outcome: Outcome): void {
  const sp = fromHalves(test.registers[RSP]!, test.registers[RSP + 1]!);
  const scratch = [];
  if (READS_TARGET.test(test.assembly)) scratch.push(sp - 16);
  if (native.signal !== SIGTRAP) scratch.push(sp - 8, sp - 16);
  for (const address of scratch) {
    native.windows.writeWord(address, 0, 0);
    outcome.windows.writeWord(address, 0, 0);
  }
}

/** Clears the opcode of and the pointers to the last x87 instruction and its data. */
function withoutPointers(extended: Uint8Array): Uint8Array {
  return extended.fill(0, 6, 24);
}

function pcOf(registers: Uint32Array): number {
  return fromHalves(registers[RIP]!, registers[RIP + 1]!);
}

function hex(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** What a failing test needs to say. */
function describe(test: Case): string {
  const state = NAMES.map((name, i) => {
    const register = GENERAL[i]!;
    return `${name}=${hexWord(test.registers[register]!, test.registers[register + 1]!)}`;
  });
  return `${test.assembly} (${hex(test.code)}) flags=${test.registers[EFLAGS]!.toString(16)} ${state.join(" ")}`;
}

function hexWord(lo: number, hi: number): string {
  return hi.toString(16) + lo.toString(16).padStart(8, "0");
}
