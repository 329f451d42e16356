/** Jumps and pads: which instructions a jump takes the place of, where it can lead, and what the pad consists of. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import type { JumpWindow, PadAction, PadCode } from "../../../lib/isa/jumps.ts";
import type { ExtendedValue } from "../../../lib/isa/recorded_value.ts";
import { readFlow } from "../../../lib/isa/x86_64/function_flow.ts";
import { canTellLeaving, makePad } from "../../../lib/isa/x86_64/pad.ts";
import { R9, RAX } from "../../../lib/isa/x86_64/registers.ts";
import { beginEarlier, findWindow, makeJump, padAddress, shrink } from "../../../lib/isa/x86_64/window.ts";
import { Random } from "./random.ts";

const SITE = toAddress(0x5555_0000_1008);
const RING = { headOffset: 0x40000, tailOffset: 0x40040, cellsOffset: 0x41000, cellsTotal: 1 << 10 };
const MEMORY = { enabled: toAddress(0x7000), areas: toAddress(0x8000), areasTotal: 4, areaBytes: 1 << 19, ring: RING };

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(" ").map((byte) => parseInt(byte, 16)));
}

function windowOf(hex: string, functionBytes = 64, targets: readonly number[] = []): JumpWindow | string {
  return findWindow(
    bytesOf(hex),
    0,
    SITE,
    toAddress(SITE + functionBytes),
    (address) => targets.includes(address - SITE),
  );
}

Deno.test("findWindow() takes as many instructions as a jump overwrites", () => {
  const rows = [
    ["f3 0f 1e fa 55 48 89 e5", 5, [4]], // endbr64; push
    ["55 48 89 e5 53", 5, [1, 4]], // push; mov; push
    ["41 57 41 56 41 55", 6, [2, 4]], // push; push; push
    ["48 b8 1 2 3 4 5 6 7 8", 10, []], // movabs
    ["e8 0 0 0 0", 5, []], // call
    ["90 e8 0 0 0 0", 6, [1]], // nop; call
  ] as const;
  for (const [hex, size, boundaries] of rows) {
    const window = windowOf(hex);
    assert(typeof window !== "string", hex);
    assertEquals([window.code.length, window.boundaries, window.keptFrom], [size, boundaries, 5], hex);
  }
});

Deno.test("findWindow() keeps what landings are to be expected at, or what is not to be moved", () => {
  const rows = [
    ["90 90 0f 05 c3", 64, [], 2], // a system call
    ["90 9c 90 90 90", 64, [], 1], // pushf
    ["90 9d 90 90 90", 64, [], 1], // popf
    ["ff d0 90 90 90", 64, [], 2], // the return of a call
    ["90 ff d0 90 90", 64, [], 3],
    ["90 f3 0f 1e fa", 64, [], 1], // endbr64
    ["90 cc 90 90 90", 64, [], 1], // a trap of the program's own
    ["90 6 90 90 90", 64, [], 1], // no instruction
    ["c3 48 89 e5 90", 64, [], 1], // what control gets to from elsewhere
    ["90 90 90 90 90", 64, [3], 3], // the target of a branch
    ["f0 48 ff 2 90", 64, [1], 1], // lock incq, of which a branch leads behind the prefix
    ["48 b8 1 2 3 4 5 6 7 8", 64, [4], 4], // movabs, of which a branch leads to the third byte of the number
    ["48 b8 1 2 3 4 5 6 7 8", 64, [5], 5],
    ["90 f0 48 ff 2 90", 64, [2], 1], // nop; lock incq
    ["90 f0 48 ff 2 90", 64, [], 5],
    ["f0 48 ff 2 90", 4, [], 1], // lock incq in no function that is known
    ["c3 55 48 89 e5", 1, [], 1], // another function
    ["90 55 48 89 e5", 1, [], 1],
    // Padding up to where a function could begin, and beyond it.
    ["c3 90 90 90 90", 1, [], 5],
    ["90 90 90 90 c3 66 90 90 90", 5, [], 5],
    ["90 90 90 48 89 c3 cc cc 90", 6, [], 5],
    ["c3 cc cc cc cc", 64, [], 5],
  ] as const;
  for (const [hex, functionBytes, targets, keptFrom] of rows) {
    const window = windowOf(hex, functionBytes, targets);
    assert(typeof window !== "string", hex);
    assertEquals([window.keptFrom, window.code.length >= 5], [keptFrom, true], hex);
    for (const at of window.boundaries) assert(at < keptFrom, hex);
  }
  const aligned = findWindow(new Uint8Array(16).fill(0x90), 0, toAddress(SITE + 4), toAddress(SITE + 5), () => false);
  assertEquals(typeof aligned === "string" ? aligned : aligned.keptFrom, 4);
});

Deno.test("findWindow() says why there can be no jump", () => {
  const rows = [
    ["0f 05 c3 90 90 90", "a system call shows where it is made"],
    ["9c 90 90 90 90", "pushf shows how it is stepped over"],
    ["9d 90 90 90 90", "popf may make what follows it be stepped"],
    ["90 90 90 90", "what follows it cannot be read"],
  ] as const;
  for (const [hex, reason] of rows) assertEquals(windowOf(hex), reason, hex);
});

Deno.test("shrink() has a jump keep one instruction more each time", () => {
  const kept: number[][] = [];
  for (
    let window = windowOf("55 48 89 e5 53") as JumpWindow | undefined;
    window !== undefined;
    window = shrink(window)
  ) {
    kept.push([window.keptFrom, ...window.boundaries]);
  }
  assertEquals(kept, [[5, 1, 4], [4, 1], [1]]);
});

Deno.test("readFlow() finds what direct branches lead to, and nothing that only looks like one", () => {
  const rows = [
    ["74 2 90 90 c3", [4]], // je
    ["90 90 eb fc", [0]], // jmp
    ["0f 84 1 0 0 0 90 c3", [7]], // je, near
    ["e9 0 0 0 0 c3", [5]], // jmp, near
    ["e8 0 0 0 0 c3", []], // call
    ["b8 74 2 90 90 c3 90", []], // mov with je inside of its operand
    ["e2 fe 90 90", [0]], // loop
  ] as const;
  for (const [hex, expected] of rows) {
    const { leadsTo } = readFlow(bytesOf(hex), SITE);
    const found = Array.from(bytesOf(hex), (_, offset) => offset).filter((offset) => leadsTo(SITE + offset));
    assertEquals(found, [...expected], hex);
  }
});

Deno.test("readFlow() finds the instructions before a site from which control always gets there", () => {
  const rows = [
    ["48 83 c4 8 c3", 4, [-4]], // add; ret
    ["e8 0 0 0 0 5b 5d c3", 7, [-2, -1]], // call; pop; pop; ret
    ["74 1 5b 5d c3", 4, [-1]], // je to the second pop
    ["74 2 5b 5d c3", 4, []], // je to ret
    ["74 0 5b 5d c3", 4, [-2, -1]], // je to the first pop
    ["8b 5 0 0 0 0 5b c3", 7, [-1]], // mov relative to rip; pop; ret
    ["f0 ff 2 5b c3", 4, [-4, -1]], // lock incl; pop; ret
    ["74 1 f0 ff 2 5b c3", 6, [-1]], // je behind the prefix
    ["9d 5b c3", 2, [-1]], // popf; pop; ret
    ["6 5b c3", 2, []], // no instruction
    ["90 b8 5b 5b 5b 5b 5b c3", 4, []], // in the middle of an instruction
  ] as const;
  for (const [hex, site, expected] of rows) {
    const { straightBefore } = readFlow(bytesOf(hex), SITE);
    assertEquals(straightBefore(toAddress(SITE + site), 15), [...expected], hex);
  }
});

Deno.test("beginEarlier() makes jumps that end at a site, go over it, or leave a trap there", () => {
  const code = bytesOf("48 83 c4 8 5b 5d c3");
  const site = toAddress(SITE + 6);
  const rows = [
    // The site is the first byte, and all that follows is kept.
    [[-1], [[1], 2, "5d c3 55 48 89"], "e9 cc 55 48 89"],
    [[-2, -1], [[1, 2], 3, "5b 5d c3 55 48"], "e9 cc cc 55 48"],
    // The site is behind the jump.
    [[-6, -2, -1], [[4, 5, 6], 5, "48 83 c4 8 5b"], "e9 0 0 0 cc 5d cc"],
  ] as const;
  for (const [starts, [boundaries, keptFrom, first], jump] of rows) {
    const whole = Uint8Array.of(...code, 0x55, 0x48, 0x89, 0xe5);
    const plain = findWindow(whole, 6, site, toAddress(SITE + 7), () => false) as JumpWindow;
    const window = beginEarlier(plain, starts, code.subarray(6 + starts[0]));
    assertEquals(window.address, site + starts[0]);
    assertEquals([window.siteOffset, window.keptFrom], [-starts[0], keptFrom]);
    assertEquals([window.boundaries, window.code.slice(0, 5)], [[...boundaries], bytesOf(first)]);
    const pad = padAddress(window, window.address - 2 ** 31, window.address + 2 ** 31)!;
    const bytes = makeJump(window, pad);
    const expected = bytesOf(jump);
    assertEquals(bytes.length, expected.length);
    for (const at of [...boundaries.filter((at) => at < bytes.length)]) assertEquals(bytes[at], expected[at]);
    const { begin, copies, entry, resume } = makePad(window, pad, MEMORY, { kind: "count", counterOffset: 8 })!;
    // What is before the site comes before the hit.
    assertEquals([entry, copies.length], [0, starts.length + 1]);
    assert(copies.slice(0, -1).every((at) => at < begin) && copies.at(-1)! > begin);
    const places = resume.filter(({ offset }) => copies.includes(offset)).map(({ pc }) => pc - site);
    assertEquals(places, [...starts, 0]);
  }
});

Deno.test("padAddress() gives the addresses whose jump traps or keeps what was there wherever an instruction began, and no others", () => {
  const random = new Random(5);
  const sets = [[], [1], [2], [3], [4], [1, 2], [1, 4], [2, 3], [2, 4], [3, 4], [1, 2, 3], [1, 3, 4], [1, 2, 3, 4]];
  for (const boundaries of sets) {
    const keptFrom = 5 - random.below(2) * random.below(5 - (boundaries.at(-1) ?? 0));
    const code = Uint8Array.from({ length: 5 }, () => random.below(256));
    const window = { address: SITE, siteOffset: 0, code, boundaries, keptFrom };
    const isKept = (bytes: Uint8Array, at: number) => at < keptFrom || bytes[at] === code[at];
    for (const last of [0xcc, 0x37, 0x3f]) {
      // Somewhere around a displacement that has traps, or what is kept, in all bytes, and somewhere else.
      let displacement = 0xcccccc | (last << 24);
      for (let at = keptFrom; at < 5; at++) {
        displacement = displacement & ~(0xff << (8 * (at - 1))) | (code[at]! << (8 * (at - 1)));
      }
      const center = SITE + 5 + displacement;
      for (const from of [center - random.below(15_000), center + random.below(0x1000000) - 0x800000]) {
        const to = from + 20_000;
        const found: number[] = [];
        for (let at = padAddress(window, from, to); at !== undefined; at = padAddress(window, at + 1, to)) {
          found.push(at);
        }
        const expected: number[] = [];
        for (let address = from; address < to; address++) {
          const bytes = makeJump(window, toAddress(address));
          const traps = boundaries.every((at) => bytes[at] === 0xcc || (at === 4 && [0x37, 0x3f].includes(bytes[at]!)));
          if (traps && [1, 2, 3, 4].every((at) => isKept(bytes, at))) expected.push(address);
        }
        assertEquals(found.length, expected.length, `${boundaries} ${last.toString(16)} ${from.toString(16)}`);
        assert(expected.every((address, i) => found[i] === address), `${boundaries}`);
      }
    }
  }
});

/** What a register has. */
function whole(register: number): ExtendedValue {
  return { place: { kind: "register", register }, sizeBytes: 8, signed: true };
}

/** What pads can do, and what is pushed for it behind the red zone, in bytes. */
const ACTIONS: readonly (readonly [PadAction, number])[] = [
  [{ kind: "count", counterOffset: 8 }, 16],
  [{ kind: "record", counterOffset: 8, site: 7, values: "arguments" }, 40],
  [{ kind: "record", counterOffset: 8, site: 7, values: "results" }, 40],
  [{ kind: "tally", counterOffset: 8, tallied: [{ value: whole(R9), sumOffset: 16 }] }, 24],
  [{ kind: "tally", counterOffset: 8, tallied: [{ value: whole(RAX), minOffset: 16, maxOffset: 24 }] }, 32],
];

/** The numbers from one to another, 8 apart. */
function steps(from: number, to: number): number[] {
  return Array.from({ length: (to - from) / 8 }, (_, i) => from + 8 * i);
}

Deno.test("makePad() has a resume point for each place, held from the first change on", () => {
  const window = windowOf("55 48 89 e5 53") as JumpWindow;
  for (const [action, pushedBytes] of ACTIONS) {
    const pad = makePad(window, toAddress(SITE - 0x33333334), MEMORY, action)!;
    const { code, entry, copies, resume } = pad;
    assertEquals(resume.map(({ offset }) => offset), [...resume.map(({ offset }) => offset)].sort((a, b) => a - b));
    assertEquals([resume[0]!.offset, resume[0]!.isHeld], [0, true]);
    const pushes = resume.filter(({ offset, isHeld }) => offset >= entry && offset < copies[0]! && !isHeld);
    assertEquals(pushes.map(({ stackBytes }) => stackBytes), [0, ...steps(128, 128 + pushedBytes)]);
    const behind = resume.filter(({ offset }) => offset >= copies[0]!);
    assertEquals(behind.map(({ pc, done, isHeld }) => [pc - SITE, done, isHeld]), [
      [0, false, false],
      [1, false, false],
      [4, false, false],
      [5, true, false],
    ]);
    assertEquals(copies.map((offset) => code[offset]), [0x55, 0x48, 0x53]);
  }
});

/** The contents of a pad for a site in a function of 64 bytes that has to be left for a hit to count. */
function leavingPad(hex: string, action: PadAction = ACTIONS[0]![0]): PadCode | undefined {
  const window = windowOf(hex) as JumpWindow;
  if (!canTellLeaving(window)) return undefined;
  return makePad(window, toAddress(SITE - 0x33333334), MEMORY, {
    ...action,
    leaving: { address: SITE, sizeBytes: 64 },
  });
}

Deno.test("canTellLeaving() knows which branches and indirect jumps a pad can foresee", () => {
  const rows = [
    ["74 7f 90 90 90", true], // je
    ["0f 84 0 1 0 0", true], // je, near
    ["e2 7f 90 90 90", false], // loop
    ["e3 7f 90 90 90", false], // jrcxz
    ["ff e0 90 90 90", true], // jmp *%rax
    ["3e ff e0 90 90", true], // notrack jmp *%rax
    ["41 ff e4 90 90", true], // jmp *%r12
    ["ff e4 90 90 90", false], // jmp *%rsp
    ["ff 24 c5 0 0 0 0", true], // jmp *0(,%rax,8)
    ["ff 64 24 8 90", false], // jmp *8(%rsp)
    ["ff 25 0 0 0 0", true], // jmp *0(%rip)
    ["c3 90 90 90 90", false], // ret
  ] as const;
  for (const [hex, expected] of rows) assertEquals(leavingPad(hex) !== undefined, expected, hex);
});

Deno.test("makePad() of what leaves a function has resume points that undo each push", () => {
  for (const [action, pushedBytes] of ACTIONS) {
    const rows = [
      ["74 7f 90 90 90", [0, 0, 0, ...steps(128, 128 + pushedBytes)]],
      ["ff e0 90 90 90", [0, ...steps(128, 136 + pushedBytes)]],
    ] as const;
    for (const [hex, expected] of rows) {
      const { resume, entry, copies } = leavingPad(hex, action)!;
      const begin = resume.filter(({ offset, isHeld }) => offset >= entry && offset < copies[0]! && !isHeld);
      assertEquals(begin.map(({ stackBytes }) => stackBytes), [...expected]);
      assert(begin.every(({ pc, done }) => pc === SITE && !done));
    }
  }
});
