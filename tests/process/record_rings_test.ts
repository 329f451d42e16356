/** Rings of records as a program may leave them: in order, unfinished, or full of nonsense. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { RecordRings } from "../../lib/process/record_rings.ts";
import { Random } from "../isa/x86_64/random.ts";

const CELLS = 16;
const RING = { headOffset: 0, tailOffset: 64, cellsOffset: 128, cellsTotal: CELLS };
const AREA_BYTES = 2048;
const BASE = [0xffff_fff0, 7] as const;

/** Areas that are written to as pads do. */
class Areas {
  readonly words: Uint32Array;
  readonly rings: RecordRings;

  constructor(areasTotal: number) {
    this.words = new Uint32Array(areasTotal * AREA_BYTES / 4);
    const memory = { enabled: toAddress(0), areas: toAddress(0), areasTotal, areaBytes: AREA_BYTES, ring: RING };
    this.rings = new RecordRings(this.words, memory, { base: BASE, ticksPerSecond: 10 * 2 ** 28 });
  }

  /** Reserves cells. Returns where they begin; undefined if there is no space. */
  reserve(area: number, cells = 1): number | undefined {
    const at = area * AREA_BYTES / 4;
    const head = this.words[at]!;
    if (((head - this.words[at + 16]!) >>> 0) > CELLS - cells) return undefined;
    this.words[at] = head + cells;
    return at + 32 + (head % CELLS) * 16;
  }

  /** Writes a record of a site at so many ticks behind the base. */
  commit(place: number, site: number, ticks: number, cells = 1): void {
    const time = BigInt(BASE[0]) + (BigInt(BASE[1]) << 32n) + BigInt(ticks);
    this.words[place + 2] = Number(time & 0xffff_ffffn);
    this.words[place + 3] = Number(time >> 32n);
    this.words[place] = (cells << 24) | site;
  }

  record(area: number, site: number, ticks: number): boolean {
    const place = this.reserve(area);
    if (place !== undefined) this.commit(place, site, ticks);
    return place !== undefined;
  }

  /** Reads everything. */
  read(isFinal = false, untilTicks = 2 ** 40): [site: number, ticks: number, area: number][] {
    const total = this.rings.collect(isFinal, untilTicks);
    const { places, ticks } = this.rings;
    const found = Array.from(
      { length: total },
      (_, i): [number, number, number] => [this.rings.siteOf(places[i]!), ticks[i]!, this.rings.areaOf(places[i]!)],
    );
    this.rings.release();
    return found;
  }
}

Deno.test("RecordRings.collect() merges the rings by time, and takes what cannot be older for as old as it can be", () => {
  const areas = new Areas(4);
  const order = [[0, 1, 10], [2, 2, 15], [0, 3, 12], [3, 4, 2], [0, 5, 11], [2, 6, 2 ** 33]] as const;
  for (const [area, site, ticks] of order) assert(areas.record(area, site, ticks));
  assertEquals(areas.read(), [[4, 2, 3], [1, 10, 0], [3, 12, 0], [5, 12, 0], [2, 15, 2], [6, 2 ** 33, 2]]);
  assertEquals([areas.read(), areas.rings.isEmpty], [[], true]);
});

Deno.test("RecordRings gives each of a million records once, in order, or there was no space", () => {
  const random = new Random(5);
  const areas = new Areas(2);
  let site = 0;
  let drops = 0;
  const found: number[] = [];
  while (site < 1_000_000) {
    for (let n = random.below(3 * CELLS); n >= 0; n--) {
      drops += Number(!areas.record(random.below(2), ++site % 1000 + 1, site));
    }
    found.push(...areas.read().map(([, ticks]) => ticks));
  }
  assertEquals(found.length + drops, site);
  assert(drops > 1000 && found.every((ticks, i) => i === 0 || ticks > found[i - 1]!));
  assertEquals([areas.rings.damagedTotal, areas.rings.unfinishedTotal], [0, 0]);
});

Deno.test("RecordRings.collect() waits for a record that is not committed, until nobody is left to do it", () => {
  const areas = new Areas(2);
  const slow = areas.reserve(0)!;
  areas.record(0, 2, 20);
  assertEquals(areas.read(), []);
  assertEquals(areas.rings.isEmpty, false);
  areas.commit(slow, 1, 10);
  assertEquals(areas.read(), [[1, 10, 0], [2, 20, 0]]);
  areas.reserve(0);
  const begun = areas.reserve(0, 3)!;
  // Its length is known already.
  areas.words[begun] = 3 << 24;
  areas.words[begun + 16] = 0x1234;
  areas.record(0, 4, 40);
  assertEquals(areas.read(), []);
  assertEquals(areas.read(true), [[4, 40, 0]]);
  assertEquals([areas.rings.unfinishedTotal, areas.rings.damagedTotal, areas.rings.isEmpty], [2, 0, true]);
});

Deno.test("RecordRings.collect() holds back what is newer than what may still come, until its thread was led out in vain", () => {
  const areas = new Areas(3);
  areas.record(0, 1, 10);
  const slow = areas.reserve(0)!;
  areas.record(0, 2, 25);
  areas.record(1, 3, 5);
  areas.record(1, 4, 30);
  assertEquals(areas.read(false, 28), [[3, 5, 1], [1, 10, 0]]);
  assertEquals([areas.rings.isBlocked, areas.rings.isStuck], [true, false]);
  assertEquals(areas.read(false, 28), []);
  assertEquals([areas.rings.isBlocked, areas.rings.isStuck], [true, true]);
  areas.commit(slow, 5, 20);
  assertEquals(areas.read(false, 28), [[5, 20, 0], [2, 25, 0]]);
  assertEquals(areas.read(false, 40), [[4, 30, 1]]);
  assertEquals([areas.rings.isBlocked, areas.rings.isEmpty], [false, true]);
  // Nothing is given because time goes by, and nothing is helped by waiting for what cannot have happened.
  areas.reserve(0);
  areas.record(1, 6, 50);
  assertEquals([areas.read(false, 60), areas.read(false, 61), areas.rings.isOverdue], [[], [], false]);
  for (let n = 0; n < CELLS / 2; n++) areas.record(1, 6, 51 + n);
  assertEquals([areas.read(false, 70), areas.rings.isOverdue], [[], true]);
  assertEquals(areas.read(false, 2 ** 31), []);
  areas.rings.settle();
  assertEquals([areas.read(false, 2 ** 31).length, areas.rings.isStuck, areas.rings.isOverdue], [
    CELLS / 2 + 1,
    true,
    false,
  ]);
  areas.record(1, 7, 2 ** 40);
  assertEquals(areas.read(false, 2 ** 31 + 1), [[7, 2 ** 40, 1]]);
});

/** A thread of a simulation, in the middle of a record, or before it. */
interface Writer {
  readonly thread: number;
  readonly area: number;
  readonly ticks: number;
  /** The head of the ring when the time was read. */
  readonly head: number;
  /** Undefined before the record is reserved. */
  place: number | undefined;
}

for (const loses of [false, true]) {
  const when = loses ? "between its time and its reservation" : "in a record";
  Deno.test(`RecordRings.collect() gives records in each thread's order, whichever thread is interrupted ${when}`, () => {
    const random = new Random(8);
    const areas = new Areas(4);
    const writers: Writer[] = [];
    const last = new Map<number, number>();
    let [time, lastTicks, found, written] = [0, 0, 0, 0];
    const headOf = (area: number) => areas.words[area * AREA_BYTES / 4]!;
    const read = (untilTicks: number) => {
      for (const [thread, ticks] of areas.read(false, untilTicks)) {
        assert(ticks > (last.get(thread) ?? 0), `${ticks} behind ${last.get(thread)}`);
        assert(loses || ticks > lastTicks, `${ticks} behind ${lastTicks}`);
        last.set(thread, ticks);
        lastTicks = ticks;
        found++;
      }
    };
    const goOn = (writer: Writer) => {
      if (writer.place !== undefined) return areas.commit(writer.place, writer.thread, writer.ticks);
      if (headOf(writer.area) !== writer.head) return;
      writer.place = areas.reserve(writer.area);
      if (writer.place === undefined) return;
      written++;
      writers.push(writer);
    };
    for (let turn = 0; turn < 200_000; turn++) {
      if (writers.length > 0 && random.below(3) === 0) {
        goOn(writers.splice(random.below(writers.length), 1)[0]!);
      } else {
        const thread = random.below(6) + 1;
        if (writers.some((other) => other.thread === thread)) continue;
        const area = random.below(4);
        const writer = { thread, area, ticks: ++time, head: headOf(area), place: undefined };
        if (loses) writers.push(writer);
        else goOn(writer);
      }
      if (random.below(4) === 0) read(time - random.below(3));
    }
    while (writers.length > 0) goOn(writers.pop()!);
    read(time);
    assertEquals(found, written);
    assert(written > 10_000, `${written}`);
  });
}

Deno.test("RecordRings.release() leaves nothing in cells that would look like a record when they are used again", () => {
  const areas = new Areas(1);
  for (let n = 1; n <= CELLS; n++) assert(areas.record(0, n, n));
  assertEquals(areas.read().length, CELLS);
  const begun = areas.reserve(0)!;
  assertEquals(areas.read(), []);
  areas.commit(begun, 5, 50);
  assertEquals(areas.read(), [[5, 50, 0]]);
});

Deno.test("RecordRings.collect() passes over a header that says what cannot be, counts it, and finds what is behind it", () => {
  for (const cells of [3, 65, 255]) {
    const areas = new Areas(1);
    areas.commit(areas.reserve(0)!, 1, 10, cells);
    areas.record(0, 2, 20);
    assertEquals([areas.read(), areas.rings.damagedTotal, areas.rings.isEmpty], [[[2, 20, 0]], 1, true]);
  }
});

Deno.test("RecordRings goes on behind records of several cells, and behind the end of the ring", () => {
  const areas = new Areas(1);
  const found: number[] = [];
  for (let n = 1; n <= 1000; n++) {
    const cells = n % 5 + 1;
    const place = areas.reserve(0, cells)!;
    // What is in the cells behind the first one may look like a header.
    for (let cell = 1; cell < cells; cell++) areas.words[place + 16 * cell] = 0x0100_0001;
    areas.commit(place, n, n, cells);
    if (n % 2 === 0) found.push(...areas.read().map(([site]) => site));
  }
  assertEquals(found, Array.from({ length: 1000 }, (_, i) => i + 1));
  assertEquals(areas.rings.damagedTotal, 0);
});

Deno.test("RecordRings stays inside of the areas whatever the program writes there, and goes on", () => {
  const random = new Random(23);
  for (let round = 0; round < 2000; round++) {
    const areas = new Areas(2);
    for (let n = random.below(40); n >= 0; n--) areas.words[random.below(areas.words.length)] = random.below(2 ** 32);
    for (let turn = 0; turn < 4; turn++) {
      areas.record(random.below(2), 9, 9);
      for (const [site, ticks, area] of areas.read(turn === 3)) {
        assert(site > 0 && site < 2 ** 24 && !Number.isNaN(ticks) && (area === 0 || area === 1));
      }
    }
    // Whatever was there, it is over.
    areas.words.fill(0);
    const again = new Areas(2);
    assert(again.record(1, 5, 5));
    assertEquals(again.read(), [[5, 5, 1]]);
  }
});
