/** Traps in the text of a process, and what they hide. */

import { assert, assertEquals } from "@std/assert";
import { type Address, toAddress } from "../../lib/address.ts";
import { TargetMemory } from "../../lib/process/memory.ts";
import { TrappedText } from "../../lib/process/text.ts";
import { Child } from "../ffi/child.ts";
import { openKernel } from "../../ffi/ffi.ts";
import { changedText, rawMemory, TARGETS, textMappings } from "../support.ts";

const TRAP = new Uint8Array([0xcc]);

/** A stopped program, its text, and its memory. */
class Stopped implements Disposable {
  readonly kernel = openKernel();
  readonly child: Child;
  readonly text: TrappedText;
  readonly memory: TargetMemory;
  readonly start: number;
  readonly end: number;

  constructor(trap: Uint8Array = TRAP) {
    this.child = new Child(this.kernel, [`${TARGETS}idle`]);
    this.text = new TrappedText(this.kernel, this.child.pid, trap);
    this.memory = new TargetMemory(this.kernel, this.child.pid, this.text, () => []);
    const mapping = textMappings(this.child.pid).find(({ path }) => path.includes("ld-linux"))!;
    ({ start: this.start, end: this.end } = mapping);
  }

  raw(address: number, length: number): Uint8Array {
    return rawMemory(this.child.pid, address, length);
  }

  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, this.memory.read(address, bytes));
  }

  [Symbol.dispose](): void {
    this.text.close();
    this.child[Symbol.dispose]();
    this.kernel[Symbol.dispose]();
  }
}

Deno.test("TrappedText.install() and remove() change the bytes that they are told, and no other", () => {
  for (const trap of [TRAP, new Uint8Array([0, 0, 0x20, 0xd4])]) {
    using stopped = new Stopped(trap);
    const { text, start } = stopped;
    const size = 3 * 4096;
    const original = stopped.raw(start, size);
    // Beside each other, at both ends of pages, across them, in any order.
    const offsets = [4088, 8, 12, 0, 4096, 8192, 5000, 12, 16].filter((at, i, all) => all.indexOf(at) === i);
    const addresses = offsets.map((offset) => toAddress(start + offset));
    assertEquals(text.install(addresses), []);
    assertEquals([text.size, [...text.addresses()].length], [offsets.length, offsets.length]);
    const wanted = original.slice();
    for (const offset of offsets) wanted.set(trap, offset);
    assertEquals(stopped.raw(start, size), wanted);
    // Whoever reads sees the original, wherever the read begins and ends.
    for (const [from, length] of [[0, size], [1, 1], [9, 3], [4090, 10], [13, 4], [8191, 2], [5003, 1]] as const) {
      assertEquals(stopped.read(start + from, length), original.slice(from, from + length));
    }
    assertEquals(text.remove(addresses.slice(0, 4)), []);
    for (const offset of offsets.slice(0, 4)) wanted.set(original.subarray(offset, offset + trap.length), offset);
    assertEquals(stopped.raw(start, size), wanted);
    assertEquals(text.remove([...text.addresses()]), []);
    assertEquals([stopped.raw(start, size), text.size], [original, 0]);
    assertEquals(changedText(stopped.child.pid), []);
  }
});

Deno.test("TrappedText.installJumps() knows jumps by their sites, wherever they begin", () => {
  using stopped = new Stopped();
  const { text, start } = stopped;
  const original = stopped.raw(start, 8192);
  const jumps = [
    { address: toAddress(start + 16), sites: [toAddress(start + 16)], bytes: Uint8Array.of(0xe9, 1, 2, 3, 4) },
    { address: toAddress(start + 32), sites: [toAddress(start + 35)], bytes: Uint8Array.of(0xe9, 5, 6, 0xcc, 7) },
    // Across the end of a page, with its site behind it.
    {
      address: toAddress(start + 4090),
      sites: [toAddress(start + 4098)],
      bytes: Uint8Array.of(0xe9, 1, 2, 3, 4, ...original.slice(4095, 4098), 0xcc),
    },
  ];
  const sites = jumps.flatMap(({ sites }) => sites);
  assertEquals(text.installJumps(jumps), []);
  const wanted = original.slice();
  for (const { address, bytes } of jumps) wanted.set(bytes, address - start);
  assertEquals(stopped.raw(start, 8192), wanted);
  assertEquals([...text.addresses()].sort(), sites.toSorted());
  assertEquals([sites.every((site) => text.has(site)), text.has(start + 32), text.missing(sites)], [true, false, []]);
  for (const from of [0, 17, 33, 4095, 4098]) {
    assertEquals(stopped.read(start + from, 20), original.slice(from, from + 20));
  }
  // A trap has the place of a jump that was removed, and is found there.
  assertEquals([text.remove([sites[1]!]), text.has(sites[1]!)], [[], false]);
  assertEquals([text.install([sites[1]!]), text.has(sites[1]!)], [[], true]);
  assertEquals([stopped.raw(start + 32, 3), stopped.raw(sites[1]!, 1)], [original.slice(32, 35), TRAP]);
  assertEquals([text.removeAll(), text.size, stopped.raw(start, 8192)], [[], 0, original]);
  assertEquals(sites.map((site) => text.has(site)), [false, false, false]);
});

Deno.test("TrappedText.install() reports addresses that are not mapped, and writes the others", () => {
  using stopped = new Stopped();
  const { text, start, end } = stopped;
  const [bad, worse] = [toAddress(8), toAddress(2 ** 52)];
  // The last byte of a mapping, with nothing behind it to be read along.
  const last = toAddress(end - 1);
  const good = toAddress(start);
  assertEquals(text.install([worse, last, bad, good]).sort((a, b) => a - b), [bad, worse]);
  assertEquals([text.size, text.has(bad), text.has(last), text.has(good)], [2, false, true, true]);
  assertEquals(stopped.raw(last, 1)[0], 0xcc);
  assertEquals(text.remove([bad, last, good, worse]), []);
  assertEquals(changedText(stopped.child.pid), []);
});

Deno.test("TrappedText.remove() leaves alone what somebody else has written over a trap", () => {
  using stopped = new Stopped();
  const { text, start } = stopped;
  const [kept, replaced] = [toAddress(start), toAddress(start + 1)];
  text.install([kept, replaced]);
  assert(text.write(replaced, new Uint8Array([0x90])));
  assertEquals(text.missing([kept, replaced]), [replaced]);
  assertEquals(text.remove([kept, replaced]), []);
  assertEquals(stopped.raw(replaced, 1)[0], 0x90);
  assertEquals(changedText(stopped.child.pid).length, 1);
});

Deno.test("TrappedText.lift() takes a trap out for a while, and lower() writes it again unless somebody else has", () => {
  using stopped = new Stopped();
  const { text, start } = stopped;
  const original = stopped.raw(start, 2);
  const [first, second] = [toAddress(start), toAddress(start + 1)];
  const both = [first, second];
  text.install(both);
  text.lift(first);
  assertEquals([text.size, text.has(first), [...stopped.raw(start, 2)]], [1, false, [original[0], 0xcc]]);
  text.lower(first);
  assertEquals([text.size, [...stopped.raw(start, 2)]], [2, [0xcc, 0xcc]]);
  // Removed meanwhile, and written again meanwhile.
  for (const address of both) text.lift(address);
  text.remove([first]);
  text.install([second]);
  for (const address of both) text.lower(address);
  assertEquals([text.size, [...stopped.raw(start, 2)], stopped.read(start, 2)], [1, [original[0], 0xcc], original]);
  text.lift(first);
  text.lower(first);
  assertEquals(text.has(first), false);
  text.install([first]);
  text.lift(second);
  assertEquals([text.removeAll(), text.size], [[], 0]);
  for (const address of both) text.lower(address);
  assertEquals(stopped.raw(start, 2), original);
});

Deno.test("TrappedText.restoreIn() restores what still is a trap in a copy, and goes on to know the traps", () => {
  using stopped = new Stopped();
  const { text, start, child } = stopped;
  const original = stopped.raw(start, 2 * 4096);
  const [near, replaced, far] = [0, 9, 5000].map((offset) => toAddress(start + offset)) as [Address, Address, Address];
  text.install([near, replaced, far]);
  assert(text.write(replaced, new Uint8Array([0x90])));
  // What is a copy is told by the pid alone.
  assert(text.restoreIn(child.pid));
  const wanted = original.slice();
  wanted[9] = 0x90;
  assertEquals([stopped.raw(start, 2 * 4096), text.size], [wanted, 3]);
  // A process that is not there has no trap, but neither can it be said to have none.
  assertEquals(text.restoreIn(0x7ffffff0), false);
});

Deno.test("TrappedText.forget() leaves the text as it is", () => {
  using stopped = new Stopped();
  const address = toAddress(stopped.start);
  stopped.text.install([address]);
  stopped.text.forget([address]);
  assertEquals([stopped.text.size, stopped.raw(address, 1)[0]], [0, 0xcc]);
  assertEquals(stopped.text.remove([address]), []);
  assertEquals(stopped.raw(address, 1)[0], 0xcc);
});

Deno.test("TrappedText.overlay() gives the same for few traps and many", () => {
  using stopped = new Stopped();
  const { text, start } = stopped;
  const original = stopped.raw(start, 4096);
  const every = (step: number): Address[] =>
    Array.from({ length: Math.floor(4096 / step) }, (_, i) => toAddress(start + i * step));
  for (const step of [1, 3, 64, 2048]) {
    text.install(every(step));
    for (const length of [1, 7, 100, 4096]) assertEquals(stopped.read(start, length), original.slice(0, length));
    text.remove(every(step));
  }
  assertEquals(changedText(stopped.child.pid), []);
});

Deno.test("TrappedText.overlaps() sees a trap that begins before the range", () => {
  using stopped = new Stopped(new Uint8Array([0, 0, 0x20, 0xd4]));
  const { text, start } = stopped;
  text.install([toAddress(start + 8)]);
  const seen = [4, 5, 8, 11, 12].map((offset) => text.overlaps(start + offset, 4));
  assertEquals(seen, [false, true, true, true, false]);
});

Deno.test("TargetMemory.write() refuses a range with a trap, and text", () => {
  using stopped = new Stopped();
  const { memory, text, start } = stopped;
  const stack = /^(\w+)-(\w+) rw.*\[stack\]$/m.exec(Deno.readTextFileSync(`/proc/${stopped.child.pid}/maps`))!;
  const top = Number.parseInt(stack[2]!, 16);
  assert(memory.write(top - 64, new Uint8Array([1, 2, 3])));
  assertEquals([...stopped.raw(top - 64, 3)], [1, 2, 3]);
  text.install([toAddress(top - 50)]);
  assert(!memory.write(top - 64, new Uint8Array(20)));
  assert(memory.write(top - 64, new Uint8Array(14)));
  assert(!memory.write(start, new Uint8Array(1)));
  assert(!memory.write(top, new Uint8Array(1)));
  assert(!memory.write(2 ** 60, new Uint8Array(1)));
  assert(memory.write(8, new Uint8Array(0)));
});

Deno.test("TargetMemory.readCString() ends at the NUL, at the limit, and at the end of memory", () => {
  using stopped = new Stopped();
  const { memory } = stopped;
  const stack = /^(\w+)-(\w+) rw.*\[stack\]$/m.exec(Deno.readTextFileSync(`/proc/${stopped.child.pid}/maps`))!;
  const top = Number.parseInt(stack[2]!, 16);
  const text = (address: number, limit: number) => {
    const bytes = memory.readCString(address, limit);
    return bytes && new TextDecoder().decode(bytes);
  };
  const long = "x".repeat(5000);
  assert(memory.write(top - 6000, new TextEncoder().encode(`${long}\0`)));
  assertEquals(text(top - 6000, 8192), long);
  assertEquals(text(top - 6000, 300), "x".repeat(300));
  assertEquals(text(top - 1000, 8192), "");
  assert(memory.write(top - 3, new TextEncoder().encode("end")));
  assertEquals(text(top - 3, 100), "end");
  assertEquals([text(top, 10), text(-1, 10), text(0.5, 10), text(top - 3, 0)], [undefined, undefined, undefined, ""]);
});

Deno.test("TargetMemory.readWord() and writeWord() move 8 bytes or none", () => {
  using stopped = new Stopped();
  const { memory, end } = stopped;
  const stack = /^(\w+)-(\w+) rw.*\[stack\]$/m.exec(Deno.readTextFileSync(`/proc/${stopped.child.pid}/maps`))!;
  const top = Number.parseInt(stack[2]!, 16);
  const word = new Uint32Array(2);
  assert(memory.writeWord(top - 8, 0xfedcba98, 0x76543210));
  assert(memory.readWord(top - 8, word));
  assertEquals([...word], [0xfedcba98, 0x76543210]);
  assert(!memory.writeWord(top - 4, 1, 2));
  assert(!memory.readWord(top - 4, word));
  assertEquals([...word], [0xfedcba98, 0x76543210]);
  // A word of ones is no failure.
  assert(memory.writeWord(top - 8, 0xffffffff, 0xffffffff) && memory.readWord(top - 8, word));
  assertEquals([...word], [0xffffffff, 0xffffffff]);
  assert(!memory.readWord(2 ** 53, word));
  assert(!memory.writeWord(end - 16, 0, 0));
});
