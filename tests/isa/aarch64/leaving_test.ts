/** Pads of aarch64 at return probes that need not be hit: which hits they count, and that they change nothing else. */

import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { type Address, toAddress } from "../../../lib/address.ts";
import { canTellLeaving } from "../../../lib/isa/aarch64/leaving.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { SP } from "../../../lib/isa/aarch64/registers.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import type { JumpWindow, PadAction, PadMemory } from "../../../lib/isa/jumps.ts";
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
import { bytesOf, type Cpu, pcOf, REGION, registerOf, WINDOW_BYTES } from "./cpu.ts";
import { BRANCHES } from "./instructions.ts";

const AREA_BYTES = 1024;
/** Where the word is that enables pads, behind what the instructions use. */
const ENABLED = REGION.LOW + WINDOW_BYTES - 16;
const COUNTER = 8;
/** A ring of four cells; how many of them have been reserved is what a pad that records leaves. */
const RING = { headOffset: 16, tailOffset: 20, cellsOffset: 64, cellsTotal: 4 };
const MEMORY: PadMemory = {
  ...{ enabled: toAddress(ENABLED), areas: toAddress(REGION.RINGS), areasTotal: 1, areaBytes: AREA_BYTES },
  ring: RING,
};
/** What the pads of the actions push at most. */
const PUSHED_BYTES = 48;
const BR = 0xd61f_0000;
const COUNTING = { kind: "count", counterOffset: COUNTER } as const;

/** The actions, and where in the area each leaves that there was a hit. */
const ACTIONS: readonly { readonly action: PadAction; readonly offset: number }[] = [
  { action: COUNTING, offset: COUNTER },
  { action: { kind: "tally", counterOffset: COUNTER, tallied: [] }, offset: COUNTER },
  { action: { kind: "record", counterOffset: COUNTER, site: 1, values: "results" }, offset: RING.headOffset },
];

function windowOf(word: number): JumpWindow {
  const window = findWindow(bytesOf(word), 0, AT);
  assert(typeof window !== "string", word.toString(16));
  return window;
}

/** Performs the pad of an instruction that has to leave a function. Returns how many hits it has left, and where it led. */
async function runPad(
  cpu: Cpu,
  test: Case,
  leaving: { readonly address: Address; readonly sizeBytes: number },
  { action, offset }: typeof ACTIONS[number],
): Promise<{ readonly hits: number; readonly pc: number }> {
  const window = windowOf(test.word);
  assert(canTellLeaving(window), describe(test));
  const pad = makePad(window, toAddress(REGION.NEAR), MEMORY, { ...action, leaving })!;
  test.windows.writeWord(ENABLED, 1, 0);
  await cpu.write(REGION.RINGS, new Uint8Array(AREA_BYTES));
  const native = await runNative(cpu, test);
  await cpu.write(REGION.NEAR, pad.code);
  await cpu.write(AT, makeJump(window, toAddress(REGION.NEAR)));
  const outcome = withoutBranchType(await cpu.run(test));
  await cpu.write(AT, bytesOf(TRAP));
  setBack(outcome, REGION.NEAR, pad.resume);
  const top = registerOf(test.registers, SP);
  for (let below = 8; below <= PUSHED_BYTES; below += 8) {
    for (const { windows } of [native, outcome]) windows.writeWord(top - below, 0, 0);
  }
  assertSame(outcome, native, `${action.kind} of ${describe(test)}`);
  const area = new DataView((await cpu.read(REGION.RINGS, AREA_BYTES)).buffer);
  return { hits: area.getUint32(offset, true), pc: pcOf(native) };
}

testWithCpu(
  "makePad() of aarch64 counts a conditional branch when it is taken, and changes nothing else",
  async (cpu) => {
    const random = new Random(71);
    const leaving = { address: AT, sizeBytes: 4 };
    const seen = { taken: 0, passed: 0 };
    for (const name of ["b.cond", "cbz, cbnz", "tbz, tbnz"]) {
      const form = BRANCHES.find((other) => other.name === name)!;
      for (let i = 0; i < 90; i++) {
        const test = makeCase(random, form);
        const { hits, pc } = await runPad(cpu, test, leaving, ACTIONS[i % ACTIONS.length]!);
        const isTaken = pc !== AT + 4;
        assertEquals(hits, Number(isTaken), describe(test));
        seen[isTaken ? "taken" : "passed"]++;
      }
    }
    for (const count of Object.values(seen)) assertGreaterOrEqual(count, 50);
  },
);

testWithCpu(
  "makePad() of aarch64 counts an indirect jump that leaves the function, from every register",
  async (cpu) => {
    const random = new Random(72);
    for (let number = 0; number < 31; number++) {
      for (const each of ACTIONS) {
        const test = makeCase(random, { name: "br", make: () => (BR | number << 5) >>> 0, usesTarget: true });
        const target = registerOf(test.registers, 2 * number);
        const sizeBytes = 0x40;
        for (const [address, hits] of [[target, 0], [target - 0x3c, 0], [target - 0x40, 1], [target + 4, 1]] as const) {
          const outcome = await runPad(cpu, test, { address: toAddress(address), sizeBytes }, each);
          assertEquals(outcome, { hits, pc: target }, describe(test));
        }
      }
    }
  },
);

Deno.test("canTellLeaving() of aarch64 refuses targets that are authenticated, and calls", () => {
  const words = { br: 0xd61f_0200, braaz: 0xd61f_0a1f, braa: 0xd71f_0a11, "br xzr": 0xd61f_03e0, blr: 0xd63f_0200 };
  assertEquals(Object.values(words).map((word) => canTellLeaving(windowOf(word))), [true, false, false, false, false]);
});

Deno.test("makePad() of aarch64 sends a thread that does not branch behind everything but the instruction", () => {
  const window = windowOf(0x5400_1000); // b.eq
  const leaving = { address: AT, sizeBytes: 4 };
  const pad = makePad(window, toAddress(REGION.NEAR), MEMORY, { ...COUNTING, leaving })!;
  const [first, second, third] = new Uint32Array(pad.code.buffer);
  assertEquals(first, 0x5400_0040, "b.eq over the next instruction");
  assertEquals(second, 0x1400_0000 | (pad.copies[0]! / 4 - 1), "b to the copy");
  assertEquals(third, 0xa9bf_47f0, "stp x16, x17, [sp, #-16]!");
  const points = pad.resume.slice(0, 4).map(({ offset, pc, done, isHeld }) => [offset, pc - AT, done, isHeld]);
  assertEquals(points, [[0, 0, false, false], [4, 0, false, false], [8, 0, false, false], [12, 0, false, true]]);
});
