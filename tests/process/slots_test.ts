/** Slots and where their memory is. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Address, toAddress } from "../../lib/address.ts";
import { InvariantError } from "../../lib/errors.ts";
import { isaOf } from "../../lib/isa/architectures.ts";
import type { Mapping } from "../../lib/process/proc_files.ts";
import { Pads } from "../../lib/process/pads.ts";
import { SlotArenas } from "../../lib/process/slots.ts";

const ISA = isaOf(62)!;
/** lea 16(%rip),%rax */
const CODE = new Uint8Array([0x48, 0x8d, 0x05, 16, 0, 0, 0]);

function mapping(start: number, end: number, path = "/a"): Mapping {
  return {
    start: toAddress(start),
    end: toAddress(end),
    permissions: "r-xp",
    offset: 0,
    file: "00:00 0",
    path,
    deleted: false,
  };
}

function instructionAt(address: number) {
  return ISA.decode(CODE, 0, toAddress(address))!;
}

/** Arenas with one of a size. */
function makeArenas(base = 0x10000000, sizeBytes = 4096): SlotArenas {
  const arenas = new SlotArenas(ISA, new Pads(ISA));
  arenas.add(toAddress(base), sizeBytes);
  return arenas;
}

Deno.test("SlotArenas.allocate() gives each instruction a slot of its own, until the arena is full", () => {
  const arenas = makeArenas();
  const slots = Array.from(
    { length: 4096 / ISA.slotBytes },
    (_, i) => arenas.allocate(instructionAt(0x400000 + i), CODE)!,
  );
  assertEquals(new Set(slots.map(({ address }) => address)).size, 64);
  assert(slots.every(({ address }) => address >= 0x10000000 && address < 0x10001000 && address % 64 === 0));
  assertEquals(arenas.hasRoom(toAddress(0x400000)), false);
  assertEquals(arenas.allocate(instructionAt(0x500000), CODE), undefined);
  for (const slot of slots) assertEquals(arenas.at(slot.address + 5), slot);
  arenas.free(slots[7]!);
  assertEquals([arenas.at(slots[7]!.address), arenas.hasRoom(toAddress(0x400000))], [undefined, true]);
  assertEquals(arenas.allocate(instructionAt(0x500000), CODE)!.address, slots[7]!.address);
});

Deno.test("SlotArenas.free() of a slot that was freed already does nothing", () => {
  const arenas = makeArenas();
  const first = arenas.allocate(instructionAt(0x400000), CODE)!;
  arenas.free(first);
  const second = arenas.allocate(instructionAt(0x400010), CODE)!;
  assertEquals(second.address, first.address);
  arenas.free(first);
  assertEquals(arenas.at(second.address), second);
  arenas.clear();
  assertThrows(() => arenas.free(second), InvariantError);
});

Deno.test("SlotArenas.allocate() uses no arena out of reach", () => {
  const arenas = makeArenas(0x7f0000000000);
  assertEquals(arenas.hasRoom(toAddress(0x400000)), false);
  assertEquals(arenas.allocate(instructionAt(0x400000), CODE), undefined);
  assert(arenas.hasRoom(toAddress(0x7f0001000000)));
  // Both ends of the arena are in reach, or it is not used.
  const far = 0x7f0000000000 + 4096 - ISA.slotReachBytes;
  assertEquals([arenas.hasRoom(toAddress(far)), arenas.hasRoom(toAddress(far - 1))], [true, false]);
});

Deno.test("SlotArenas.resumePoint() knows every byte of a slot", () => {
  const arenas = makeArenas();
  const { address, displacement } = arenas.allocate(instructionAt(0x400000), CODE)!;
  assertEquals([arenas.resumePoint(address)!.pc, arenas.resumePoint(address)!.done], [0x400000, false]);
  const behind = arenas.resumePoint(address + CODE.length)!;
  assertEquals([behind.pc, behind.done], [0x400000 + CODE.length, true]);
  for (let at = 0; at < displacement.code.length; at++) assert(arenas.resumePoint(address + at) !== undefined);
  assertEquals(arenas.resumePoint(address + 64), undefined);
  assertEquals([arenas.resumePoint(0), arenas.resumePoint(2 ** 63), arenas.resumePoint(NaN)], [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("SlotArenas.nextArenaBytes() doubles with each arena and holds what is wanted", () => {
  const arenas = new SlotArenas(ISA, new Pads(ISA));
  assertEquals([1, 1024, 1025, 5000].map((count) => arenas.nextArenaBytes(count)), [
    1 << 16,
    1 << 16,
    1 << 17,
    1 << 19,
  ]);
  assertEquals(arenas.nextArenaBytes(10_000_000), 1 << 24);
  for (let i = 0; i < 20; i++) arenas.add(toAddress((i + 1) << 25), 1 << 16);
  assertEquals(arenas.nextArenaBytes(1), 1 << 24);
});

Deno.test("SlotArenas.findGap() finds the nearest gap with room around it", () => {
  const arenas = new SlotArenas(ISA, new Pads(ISA));
  const find = (mappings: Mapping[], address: number, size = 1 << 16): Address | undefined =>
    arenas.findGap(mappings, toAddress(address), size);
  const low = mapping(0x400000, 0x500000);
  const middle = mapping(0x40000000, 0x41000000);
  const gap = find([low, middle], 0x40500000)!;
  assertEquals(gap, 0x40000000 - (1 << 16));
  // Nothing in reach.
  assertEquals(find([mapping(0x7f0000000000, 0x7f0000001000)], 0x400000), undefined);
  // A gap that is too small for its guard is passed over.
  assertEquals(find([low, mapping(0x500000 + (1 << 20), 0x40000000), middle], 0x40500000), 0x400000 - (1 << 16));
  // A stack may grow down.
  const stack = mapping(0x50000000, 0x50100000, "[stack]");
  const below = find([middle, stack], 0x4fff0000)!;
  assert(below <= 0x50000000 - (1 << 24) - (1 << 16), `${below.toString(16)}`);
});
