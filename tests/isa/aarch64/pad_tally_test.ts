/** Pads of aarch64 that tally: their instructions, and what a processor leaves in the counters, and that it changes nothing else. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import { makePad } from "../../../lib/isa/aarch64/pad.ts";
import { canTally } from "../../../lib/isa/aarch64/pad_tally.ts";
import { SP } from "../../../lib/isa/aarch64/registers.ts";
import { findWindow, makeJump } from "../../../lib/isa/aarch64/window.ts";
import {
  HISTOGRAM_COUNTERS,
  type JumpWindow,
  type PadMemory,
  type TalliedValue,
  type TallyAction,
} from "../../../lib/isa/jumps.ts";
import type { ExtendedValue } from "../../../lib/isa/recorded_value.ts";
import { BORDERS, type CounterMemory, extend, randomValue, tallyByHand } from "../tally_model.ts";
import { Random } from "../x86_64/random.ts";
import { assertSame, AT, makeCase, runNative, testWithCpu, TRAP, withoutBranchType } from "./cases.ts";
import { bytesOf, type Cpu, REGION, registerOf } from "./cpu.ts";

const NOP = 0xd503_201f;
const AREA_BYTES = 1 << 13;
const ENABLED = REGION.LOW;
const PUSHED_BYTES = 32;
/** Where counters are in an area; the last one is farther away than one instruction adds. */
const PLACES = { sumOffset: 8, minOffset: 16, maxOffset: 24, bucketsOffset: 0x400 };
const OTHER_SUM = 32;
const COUNTER = 0x1008;

function memoryOf(areasTotal: number): PadMemory {
  return {
    ...{ enabled: toAddress(ENABLED), areas: toAddress(REGION.RINGS), areasTotal, areaBytes: AREA_BYTES },
    ring: { headOffset: 0, tailOffset: 0, cellsOffset: 0, cellsTotal: 1 },
  };
}

/** All areas, as the pads see one of them. */
class Counters implements CounterMemory {
  readonly #view: DataView;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#view = new DataView(bytes.buffer);
  }

  get(offset: number): bigint {
    return this.#view.getBigInt64(offset, true);
  }

  set(offset: number, value: bigint): void {
    this.#view.setBigInt64(offset, value, true);
  }
}

function actionOf(tallied: readonly TalliedValue[]): TallyAction {
  return { kind: "tally", counterOffset: COUNTER, tallied };
}

function inRegister(number: number, sizeBytes = 8, signed = true): ExtendedValue {
  return { place: { kind: "register", register: 2 * number }, sizeBytes, signed };
}

function onStack(displacement: number, sizeBytes: number, signed: boolean): ExtendedValue {
  const base = { register: SP, sizeBytes: 8 };
  const address = { base, index: undefined, scale: 1, signedIndex: false, segmentBase: undefined, displacement };
  return { place: { kind: "memory", ...address, sizeBytes }, sizeBytes, signed };
}

function windowAt(address = AT): JumpWindow {
  return findWindow(bytesOf(NOP), 0, address) as JumpWindow;
}

/** Performs a pad once, and compares all that it leaves. */
async function compare(cpu: Cpu, random: Random, action: TallyAction, first?: bigint): Promise<void> {
  const { code } = makePad(windowAt(), toAddress(REGION.NEAR), memoryOf(1), action)!;
  const test = makeCase(random, { name: "nop", make: () => NOP });
  const { registers, windows } = test;
  const isEnabled = random.below(8) > 0;
  windows.writeWord(ENABLED, Number(isEnabled), 0);
  const stack = new Counters(windows.bytes[1]!);
  const top = registerOf(registers, SP);
  const values = action.tallied.map(({ value: { place, ...extension } }, index) => {
    let word = index === 0 && first !== undefined ? first : randomValue(random);
    if (place.kind === "memory") stack.set(top + place.displacement - REGION.STACK, word);
    else if (place.kind === "register" && place.register !== SP) {
      registers[place.register] = Number(word & 0xffff_ffffn);
      registers[place.register + 1] = Number(BigInt.asUintN(64, word) >> 32n);
    } else word = BigInt(top);
    return extend(word, extension);
  });
  const area = random.bytes(AREA_BYTES);
  const counters = new Counters(area);
  for (const offset of [PLACES.sumOffset, PLACES.minOffset, PLACES.maxOffset]) {
    counters.set(offset, randomValue(random));
  }
  await cpu.write(REGION.RINGS, area);
  if (isEnabled) tallyByHand(counters, action, values);
  const native = await runNative(cpu, test);
  await cpu.write(REGION.NEAR, code);
  await cpu.write(AT, makeJump(windowAt(), toAddress(REGION.NEAR)));
  const outcome = withoutBranchType(await cpu.run(test));
  await cpu.write(AT, bytesOf(TRAP));
  for (let below = 8; below <= PUSHED_BYTES; below += 8) {
    for (const { windows: each } of [native, outcome]) each.writeWord(top - below, 0, 0);
  }
  const context = `${JSON.stringify(action)} of ${values.join()}`;
  assertSame(outcome, native, context);
  assertEquals(await cpu.read(REGION.RINGS, AREA_BYTES), area, context);
}

testWithCpu(
  "makePad() of an aarch64 tally leaves what values come to, at all borders and in all registers",
  async (cpu) => {
    const random = new Random(51);
    for (let number = 0; number < 31; number++) {
      const other = (number + 1) % 31;
      const tallied = [{ value: inRegister(number), ...PLACES }, { value: inRegister(other), sumOffset: OTHER_SUM }];
      for (const border of new Set(BORDERS)) {
        // Each border is met in one register that pads use and one that they do not, with other flags and memory.
        if (number === 3 || number === 17 || random.below(16) === 0) {
          await compare(
            cpu,
            random,
            actionOf(tallied),
            border,
          );
        }
      }
    }
  },
);

testWithCpu("makePad() of an aarch64 tally takes parts of registers and what is on the stack", async (cpu) => {
  const random = new Random(52);
  for (const sizeBytes of [1, 2, 4, 8]) {
    for (const signed of [true, false]) {
      const values = [
        ...Array.from({ length: 32 }, (_, number) => inRegister(number, sizeBytes, signed)),
        ...[0, 8, 13, 64, 200].map((displacement) => onStack(displacement, sizeBytes, signed)),
      ];
      for (const value of values) {
        if (!canTally(value.place)) continue;
        const isBoth = value.place.kind === "register" && value.place.register === 4;
        const tallied = [{ value, ...PLACES }, { value: inRegister(2), sumOffset: OTHER_SUM }];
        await compare(cpu, random, actionOf(isBoth ? tallied.slice(0, 1) : tallied));
      }
    }
  }
});

testWithCpu("makePad() of an aarch64 tally keeps only what is asked for", async (cpu) => {
  const random = new Random(53);
  const names = Object.keys(PLACES) as (keyof typeof PLACES)[];
  const sizes = new Set<number>();
  for (let set = 0; set < 16; set++) {
    const kept = Object.fromEntries(
      names.filter((_, bit) => (set >> bit & 1) === 1).map((name) => [name, PLACES[name]]),
    );
    const tallied = [{ value: inRegister(5), ...kept }];
    await compare(cpu, random, actionOf(tallied));
    sizes.add(makePad(windowAt(), toAddress(REGION.NEAR), memoryOf(1), actionOf(tallied))!.code.length);
  }
  assert(sizes.size > 4);
});

testWithCpu("makePad() of an aarch64 tally loses nothing of several threads", async (cpu) => {
  for (const areasTotal of [1, 4]) {
    const memory = memoryOf(areasTotal);
    // neg x1,x0; the site: add x0,x0,#1; ret
    const code = [0xcb00_03e1, 0x9100_0400, 0xd65f_03c0];
    const site = toAddress(AT + 4);
    const window = findWindow(bytesOf(code[1]!), 0, site) as JumpWindow;
    const other = { sumOffset: 40, minOffset: 48, maxOffset: 56, bucketsOffset: 0x800 };
    const action = actionOf([{ value: inRegister(0), ...PLACES }, { value: inRegister(1, 4, true), ...other }]);
    await cpu.write(REGION.NEAR, makePad(window, toAddress(REGION.NEAR), memory, action)!.code);
    await cpu.write(AT, bytesOf(...code));
    await cpu.write(site, makeJump(window, toAddress(REGION.NEAR)));
    await cpu.write(ENABLED, bytesOf(1, 0));
    await cpu.write(REGION.RINGS, new Uint8Array(areasTotal * AREA_BYTES));
    const [threads, calls] = [6, 5000];
    assertEquals(await cpu.call(AT, threads, calls), threads * (calls * (calls + 1) / 2));
    const areas = new Counters(await cpu.read(REGION.RINGS, areasTotal * AREA_BYTES));
    const all = (offset: number) =>
      Array.from({ length: areasTotal }, (_, area) => areas.get(area * AREA_BYTES + offset));
    const sum = (offset: number) => all(offset).reduce((total, part) => total + part, 0n);
    const expected = new Counters(new Uint8Array(AREA_BYTES));
    for (let i = 0; i < calls; i++) tallyByHand(expected, action, [BigInt(i), BigInt(-i)]);
    const buckets = Array.from(
      { length: HISTOGRAM_COUNTERS },
      (_, i) => [PLACES, other].map((each) => each.bucketsOffset + 8 * i),
    );
    for (const offset of [COUNTER, PLACES.sumOffset, other.sumOffset, ...buckets.flat()]) {
      assertEquals(sum(offset), BigInt(threads) * expected.get(offset), String(offset));
    }
    for (const { minOffset, maxOffset } of [PLACES, other]) {
      assert(all(minOffset).includes(expected.get(minOffset)) && all(maxOffset).includes(expected.get(maxOffset)));
    }
  }
});
