/** Pads that tally, performed by the processor: what they leave in the counters, and that they leave nothing else. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import type { JumpWindow, PadMemory, TalliedValue, TallyAction } from "../../../lib/isa/jumps.ts";
import type { ExtendedValue } from "../../../lib/isa/recorded_value.ts";
import { makePad } from "../../../lib/isa/x86_64/pad.ts";
import { canTally } from "../../../lib/isa/x86_64/pad_tally.ts";
import { EFLAGS, GENERAL, RCX, RDI, RDX, RIP, RSP } from "../../../lib/isa/x86_64/registers.ts";
import { BORDERS, type CounterMemory, extend, randomValue, tallyByHand } from "../tally_model.ts";
import { Cpu, REGION, setRegister, Windows } from "./cpu.ts";
import { Random } from "./random.ts";

const SIGTRAP = 5;
const RBX = GENERAL[3]!;
/** All registers but the stack pointer, whose value is that of the stack. */
const REGISTERS = [...GENERAL].filter((register) => register !== RSP);
/** The counters that are compared: a histogram takes the whole of one window, the others are behind the stack. */
const SINGLES = REGION.STACK + 0x300;
const STACK_TOP = REGION.STACK + 0x200;
const RED_ZONE_BYTES = 128;
const PLACES = {
  sumOffset: SINGLES - REGION.DATA,
  minOffset: SINGLES + 8 - REGION.DATA,
  maxOffset: SINGLES + 16 - REGION.DATA,
  bucketsOffset: 0,
};
const OTHER_SUM = SINGLES + 24 - REGION.DATA;
const COUNTER = SINGLES + 32 - REGION.DATA;
const ENABLED = SINGLES + 64;
/** CF, PF, AF, ZF, SF, OF. */
const RANDOM_FLAGS = 0x8d5;
const INTERRUPT_FLAG = 0x202;

const MEMORY: PadMemory = {
  enabled: toAddress(ENABLED),
  areas: toAddress(REGION.DATA),
  areasTotal: 1,
  areaBytes: 1 << 23,
  ring: { headOffset: 1 << 21, tailOffset: (1 << 21) + 64, cellsOffset: (1 << 21) + 4096, cellsTotal: 1 << 10 },
};
/** A site of one instruction of five bytes, which does nothing. */
const WINDOW: JumpWindow = {
  address: toAddress(REGION.CODE),
  siteOffset: 0,
  code: new Uint8Array([0x0f, 0x1f, 0x44, 0, 0]),
  boundaries: [],
  keptFrom: 5,
};

/** The windows as the pads see them. */
class Counters implements CounterMemory {
  readonly #data: DataView;
  readonly #stack: DataView;

  constructor(windows: Windows) {
    this.#data = new DataView(windows.bytes[0]!.buffer);
    this.#stack = new DataView(windows.bytes[1]!.buffer);
  }

  get(offset: number): bigint {
    const address = REGION.DATA + offset;
    if (offset < 0x400) return this.#data.getBigInt64(offset, true);
    return this.#stack.getBigInt64(address - REGION.STACK, true);
  }

  set(offset: number, value: bigint): void {
    const address = REGION.DATA + offset;
    if (offset < 0x400) this.#data.setBigInt64(offset, value, true);
    else this.#stack.setBigInt64(address - REGION.STACK, value, true);
  }
}

/** Performs a pad once, and compares all that it leaves. */
function compare(cpu: Cpu, random: Random, action: TallyAction, first: bigint | undefined): void {
  const code = makePad(WINDOW, toAddress(REGION.NEAR + 0x100), MEMORY, action)!;
  cpu.write(REGION.NEAR + 0x100 - code.entry, code.code.slice());
  const registers = cpu.initial.slice();
  for (const register of GENERAL) {
    registers[register] = random.half();
    registers[register + 1] = random.half();
  }
  setRegister(registers, RSP, STACK_TOP);
  setRegister(registers, RIP, REGION.NEAR + 0x100);
  registers[EFLAGS] = INTERRUPT_FLAG | random.below(0x1000) & RANDOM_FLAGS;
  const windows = new Windows();
  windows.bytes.forEach((bytes) => bytes.set(random.bytes(bytes.length)));
  const counters = new Counters(windows);
  const values = action.tallied.map(({ value: { place, ...extension } }, index) => {
    let word = index === 0 && first !== undefined ? first : randomValue(random);
    if (place.kind === "memory") counters.set(STACK_TOP + place.displacement - REGION.DATA, word);
    else if (place.kind === "register" && place.register !== RSP) {
      registers[place.register] = Number(word & 0xffff_ffffn);
      registers[place.register + 1] = Number(BigInt.asUintN(64, word) >> 32n);
    } else word = BigInt(STACK_TOP);
    return extend(word, extension);
  });
  for (const offset of Object.values(PLACES).slice(0, 3)) counters.set(offset, randomValue(random));
  counters.set(ENABLED - REGION.DATA, 1n);
  const expected = windows.clone();
  tallyByHand(new Counters(expected), action, values);
  const outcome = cpu.run(registers, windows, code.code.length - code.entry);
  const message = `${JSON.stringify(action)} of ${values.join()}`;
  assertEquals(outcome.signal, SIGTRAP, message);
  const after = registers.slice();
  setRegister(after, RIP, REGION.CODE + 5);
  assertEquals([...outcome.registers], [...after], message);
  // What is below the red zone belongs to nobody.
  const free = STACK_TOP - RED_ZONE_BYTES - REGION.STACK;
  for (const each of [outcome.windows, expected]) each.bytes[1]!.fill(0, free - 0x80, free);
  outcome.windows.bytes.forEach((bytes, index) => assertEquals(bytes, expected.bytes[index], message));
}

function actionOf(tallied: readonly TalliedValue[]): TallyAction {
  return { kind: "tally", counterOffset: COUNTER, tallied };
}

function inRegister(register: number, sizeBytes = 8, signed = true): ExtendedValue {
  return { place: { kind: "register", register }, sizeBytes, signed };
}

/** A value on the stack, or in the red zone. */
function onStack(displacement: number, sizeBytes: number, signed: boolean): ExtendedValue {
  const base = { register: RSP, sizeBytes: 8 };
  const address = { base, index: undefined, scale: 1, signedIndex: false, segmentBase: undefined, displacement };
  return { place: { kind: "memory", ...address, sizeBytes }, sizeBytes, signed };
}

Deno.test("makePad() of a tally leaves what values come to, at all borders of buckets and in all registers", async () => {
  using cpu = await Cpu.start();
  const random = new Random(11);
  for (const [index, register] of REGISTERS.entries()) {
    const other = REGISTERS[(index + 1) % REGISTERS.length]!;
    const tallied = [{ value: inRegister(register), ...PLACES }, { value: inRegister(other), sumOffset: OTHER_SUM }];
    for (const border of new Set(BORDERS)) {
      // Each border is met in one of the first registers once, with other flags and memory.
      if (index < 2 || random.below(8) === 0) compare(cpu, random, actionOf(tallied), border);
    }
  }
});

Deno.test("makePad() of a tally takes parts of registers and what is on the stack, by their sizes and signs", async () => {
  using cpu = await Cpu.start();
  const random = new Random(13);
  const displacements = [-128, -8, 0, 8, 64];
  for (const sizeBytes of [1, 2, 4, 8]) {
    for (const signed of [true, false]) {
      const values = [
        ...[...REGISTERS, RSP].map((register) => inRegister(register, sizeBytes, signed)),
        ...displacements.map((displacement) => onStack(displacement, sizeBytes, signed)),
      ];
      for (const value of values) {
        assert(canTally(value.place));
        const tallied = [{ value, ...PLACES }, { value: inRegister(RBX), sumOffset: OTHER_SUM }];
        const isBoth = value.place.kind === "register" && value.place.register === RBX;
        const action = actionOf(isBoth ? tallied.slice(0, 1) : tallied);
        for (let round = 0; round < 3; round++) compare(cpu, random, action, undefined);
      }
    }
  }
});

Deno.test("canTally() leaves alone what need not be readable, and vectors", () => {
  const { place } = onStack(0, 8, true);
  assert(place.kind === "memory");
  assert(!canTally({ ...place, base: { register: RBX, sizeBytes: 8 } }));
  assert(!canTally({ kind: "vector", number: 0 }));
});

Deno.test("makePad() of a tally keeps only what is asked for", async () => {
  using cpu = await Cpu.start();
  const random = new Random(12);
  const names = Object.keys(PLACES) as (keyof typeof PLACES)[];
  const sizeOf = (kept: Omit<TalliedValue, "value">) =>
    makePad(WINDOW, toAddress(REGION.NEAR), MEMORY, actionOf([{ value: inRegister(RDI), ...kept }]))!.code.length;
  let sizes = 0;
  for (let set = 0; set < 16; set++) {
    const kept = Object.fromEntries(
      names.filter((_, bit) => (set >> bit & 1) === 1).map((name) => [name, PLACES[name]]),
    );
    for (const register of [RDI, RDX, RCX]) {
      compare(cpu, random, actionOf([{ value: inRegister(register), ...kept }]), undefined);
    }
    sizes += sizeOf(kept);
  }
  assert(sizes < 16 * sizeOf(PLACES));
});
