/** Jumps and pads: which instructions a jump takes the place of, where it can lead, and what the pad consists of. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../../lib/address.ts";
import type { JumpWindow } from "../../../lib/isa/isa.ts";
import { makePad } from "../../../lib/isa/x86_64/pad.ts";
import { findWindow, makeJump, padAddresses } from "../../../lib/isa/x86_64/window.ts";
import { Random } from "./random.ts";

const SITE = toAddress(0x5555_0000_1008);

function windowOf(hex: string, functionBytes = 64): JumpWindow | string {
  const code = Uint8Array.from(hex.split(" ").map((byte) => parseInt(byte, 16)));
  return findWindow(code, 0, SITE, toAddress(SITE + functionBytes));
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
    assertEquals([window.code.length, window.boundaries], [size, boundaries], hex);
  }
});

Deno.test("findWindow() says why there can be no jump", () => {
  const rows = [
    ["0f 05 c3 90 90 90", 64, "a system call shows where it is made"],
    ["90 90 0f 05 c3 90", 64, "a system call shows where it is made"],
    ["9c 90 90 90 90", 64, "pushf shows how it is stepped over"],
    ["90 9d 90 90 90", 64, "popf may make what follows it be stepped"],
    ["ff d0 90 90 90", 64, "a call would return into the jump"],
    ["90 ff d0 90 90", 64, "a call would return into the jump"],
    ["c3 f3 0f 1e fa", 64, "indirect branches lead into the jump"],
    ["90 cc 90 90 90", 64, "what follows it cannot be moved"],
    ["c3 55 48 89 e5", 1, "another function follows too closely"],
    ["90 90 90 90", 64, "what follows it cannot be decoded"],
    // Padding up to where a function could begin, and beyond it.
    ["c3 90 90 90 90", 1, undefined],
    ["90 90 90 90 c3 66 90 90 90", 5, undefined],
    ["90 90 90 48 89 c3 cc cc 90", 6, undefined],
  ] as const;
  for (const [hex, functionBytes, reason] of rows) {
    const window = windowOf(hex, functionBytes);
    assertEquals(typeof window === "string" ? window : undefined, reason, hex);
  }
  assertEquals(
    findWindow(new Uint8Array(16).fill(0x90), 0, toAddress(SITE + 4), toAddress(SITE + 5)),
    "another function follows too closely",
  );
});

Deno.test("padAddresses() gives all addresses whose jump traps wherever an instruction began, and no others", () => {
  const random = new Random(5);
  const sets = [[], [1], [2], [3], [4], [1, 2], [1, 4], [2, 3], [2, 4], [3, 4], [1, 2, 3], [1, 3, 4], [1, 2, 3, 4]];
  for (const boundaries of sets) {
    const window = { address: SITE, code: new Uint8Array(8), instructions: [], boundaries } as JumpWindow;
    for (const last of [0xcc, 0x37, 0x3f]) {
      // Somewhere around a displacement that has traps in all bytes, and somewhere else.
      const center = SITE + 5 + ((0xcccccc | (last << 24)) | 0);
      for (const from of [center - random.below(15_000), center + random.below(0x1000000) - 0x800000]) {
        const to = from + 20_000;
        const found = [...padAddresses(window, from, to)];
        const expected: number[] = [];
        for (let address = from; address < to; address++) {
          const bytes = makeJump(window, toAddress(address));
          const traps = boundaries.every((at) => bytes[at] === 0xcc || (at === 4 && [0x37, 0x3f].includes(bytes[at]!)));
          if (traps) expected.push(address);
        }
        assertEquals(found.length, expected.length, `${boundaries} ${last.toString(16)} ${from.toString(16)}`);
        assert(expected.every((address, i) => found[i] === address), `${boundaries}`);
      }
    }
  }
});

const RING = { headOffset: 0x40000, tailOffset: 0x40040, cellsOffset: 0x41000, cellsTotal: 1 << 10 };
const MEMORY = { enabled: toAddress(0x7000), areas: toAddress(0x8000), areasTotal: 4, areaBytes: 1 << 19, ring: RING };

for (
  const [action, stackBytes] of [
    [{ kind: "count", counterOffset: 8 }, [0, 128, 136]],
    [{ kind: "record", counterOffset: 8, site: 7, values: "arguments" }, [0, 128, 136, 144, 152, 160]],
    [{ kind: "record", counterOffset: 8, site: 7, values: "results" }, [0, 128, 136, 144, 152, 160]],
  ] as const
) {
  const what = action.kind === "count" ? action.kind : `${action.kind} of ${action.values}`;
  Deno.test(`makePad() of a ${what} has a resume point for each place, held from the first change on`, () => {
    const window = windowOf("55 48 89 e5 53") as JumpWindow;
    const pad = makePad(window, toAddress(SITE - 0x33333334), MEMORY, action)!;
    const { code, entry, copies, resume } = pad;
    assertEquals(resume.map(({ offset }) => offset), [...resume.map(({ offset }) => offset)].sort((a, b) => a - b));
    assertEquals([resume[0]!.offset, resume[0]!.isHeld], [0, true]);
    const pushes = resume.filter(({ offset, isHeld }) => offset >= entry && offset < copies[0]! && !isHeld);
    assertEquals(pushes.map((point) => point.stackBytes), [...stackBytes]);
    const behind = resume.filter(({ offset }) => offset >= copies[0]!);
    assertEquals(behind.map(({ pc, done, isHeld }) => [pc - SITE, done, isHeld]), [
      [0, false, false],
      [1, false, false],
      [4, false, false],
      [5, true, false],
    ]);
    assertEquals(copies.map((offset) => code[offset]), [0x55, 0x48, 0x53]);
  });
}
