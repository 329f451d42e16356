/** Where captures are in a record, and what several consumers get together. */

import { assertEquals, assertThrows } from "@std/assert";
import { type ArgumentCapture, type Capture, checkCaptures, covers, layOut, unite } from "../../lib/isa/captures.ts";

/** How much the registers of a machine take. */
const REGISTERS_BYTES = 18 * 8;

const string = (argument: number, sizeBytes: number): ArgumentCapture => ({ kind: "string", argument, sizeBytes });
const bytes = (argument: number, sizeBytes: number): ArgumentCapture => ({ kind: "bytes", argument, sizeBytes });

Deno.test("layOut() puts captures behind the first cell, each with its length, in words of 8 bytes", () => {
  const { places, cells } = layOut([string(0, 13), bytes(2, 8), string(1, 1)], REGISTERS_BYTES);
  assertEquals(places.map(({ offsetBytes }) => offsetBytes), [64, 64 + 8 + 16, 64 + 8 + 16 + 8 + 8]);
  assertEquals(cells, 2);
  assertEquals([[], [string(0, 56)], [string(0, 57)]].map((captures) => layOut(captures, REGISTERS_BYTES).cells), [
    1,
    2,
    3,
  ]);
});

Deno.test("layOut() makes room for the registers, and unite() for them and the stack once", () => {
  const stack = (sizeBytes: number): Capture => ({ kind: "stack", sizeBytes });
  const wishes: Capture[] = [{ kind: "registers" }, stack(16), { kind: "registers" }, stack(9), stack(40)];
  const united = unite(wishes, REGISTERS_BYTES)!;
  assertEquals(united, [{ kind: "registers" }, stack(40)]);
  assertEquals(layOut(united, REGISTERS_BYTES).places.map(({ offsetBytes }) => offsetBytes), [
    64,
    64 + 8 + REGISTERS_BYTES,
  ]);
  assertEquals([covers(united, wishes), covers([stack(8)], wishes)], [true, false]);
});

Deno.test("unite() has each consumer find its own, and tells what is too much for a record", () => {
  const united = unite([string(0, 20), string(0, 64), bytes(0, 8), string(1, 4), string(0, 30)], REGISTERS_BYTES)!;
  assertEquals(united, [string(0, 64), bytes(0, 8), string(1, 4)]);
  assertEquals(covers(united, [string(0, 64), string(1, 3)]), true);
  assertEquals([[string(0, 65)], [bytes(1, 1)], [string(2, 1)]].map((wanted) => covers(united, wanted)), [
    false,
    false,
    false,
  ]);
  const further = { ...string(0, 8), offsetBytes: 8 };
  assertEquals(unite([further, string(0, 8), { ...string(0, 9), offsetBytes: 0 }, further], REGISTERS_BYTES), [
    further,
    { ...string(0, 9), offsetBytes: 0 },
  ]);
  const behind = { ...string(0, 8), through: [8] };
  assertEquals(unite([behind, string(0, 8), { ...behind, sizeBytes: 9 }], REGISTERS_BYTES), [{
    ...behind,
    sizeBytes: 9,
  }, string(0, 8)]);
  assertEquals(layOut([behind, string(0, 8)], REGISTERS_BYTES).places.map(({ dataBytes }) => dataBytes), [
    64 + 16,
    64 + 24 + 8,
  ]);
  assertEquals(covers([string(0, 64)], [further]), false);
  assertEquals(unite([0, 1, 2].map((argument) => string(argument, 1024)), REGISTERS_BYTES)?.length, 3);
  assertEquals(unite([0, 1, 2, 3].map((argument) => string(argument, 1024)), REGISTERS_BYTES), undefined);
});

Deno.test("checkCaptures() wants one of six arguments, an offset of 32 bits, and a size that a record can have", () => {
  checkCaptures([string(0, 1), bytes(5, 1024), { ...string(0, 8), offsetBytes: -(2 ** 31) }]);
  for (const offsetBytes of [2 ** 31, 0.5, Number.NaN]) {
    assertThrows(() => checkCaptures([{ ...string(0, 8), offsetBytes }]), RangeError, "behind");
  }
  for (
    const wrong of [string(-1, 8), string(6, 8), bytes(1.5, 8), string(0, 0), bytes(0, 1025), string(0, Number.NaN)]
  ) {
    assertThrows(() => checkCaptures([wrong]), RangeError, "Cannot capture");
  }
  assertThrows(() => checkCaptures([{ ...string(0, 8), kind: "text" as "string" }]), RangeError, "text");
  checkCaptures([{ ...bytes(0, 8), through: [0, -8, 16, 24] }]);
  assertThrows(() => checkCaptures([{ ...bytes(0, 8), through: [2 ** 31] }]), RangeError, "behind");
  assertThrows(() => checkCaptures([{ ...bytes(0, 8), through: [0, 0, 0, 0, 0] }]), RangeError, "5 pointers");
  checkCaptures([{ kind: "registers" }, { kind: "stack", sizeBytes: 1024 }]);
  assertThrows(() => checkCaptures([{ kind: "stack", sizeBytes: 1025 }]), RangeError, "1025 bytes");
});
