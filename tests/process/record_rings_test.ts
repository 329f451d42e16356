/** Rings of records as a program may leave them: in order, unfinished, or full of nonsense. */

import { assert, assertEquals } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { RecordRings } from "../../lib/process/record_rings.ts";
import { Random } from "../isa/x86_64/random.ts";

const CELLS = 16;
const RING = { headOffset: 0, tailOffset: 64, cellsOffset: 128, cellsTotal: CELLS };
const AREA_BYTES = 2048;
const BASE = [0xffff_fff0, 7] as const;
/** A time behind all others, and how long a record is waited for. */
const LATE = 1e12;
const PATIENCE = 1e9;

/** Areas that are written to as pads do. */
class Areas {
  readonly words: Uint32Array;
  readonly rings: RecordRings;

  constructor(areasTotal: number) {
    this.words = new Uint32Array(areasTotal * AREA_BYTES / 4);
    const memory = { enabled: toAddress(0), areas: toAddress(0), areasTotal, areaBytes: AREA_BYTES, ring: RING };
    this.rings = new RecordRings(this.words, memory, BASE);
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

  /** Reads what is in order at a time, by default everything. */
  read(isFinal = false, now = LATE): [site: number, ticks: number, area: number][] {
    const total = this.rings.collect(now, isFinal);
    const { places, ticks } = this.rings;
    const found = Array.from(
      { length: total },
      (_, i): [number, number, number] => [this.rings.siteOf(places[i]!), ticks[i]!, this.rings.areaOf(places[i]!)],
    );
    this.rings.release();
    return found;
  }
}

Deno.test("RecordRings.collect() merges the rings by time, also what was written a little out of order", () => {
  const areas = new Areas(4);
  const order = [[0, 1, 10], [2, 2, 15], [0, 3, 12], [3, 4, 2], [0, 5, 11], [2, 6, 2 ** 33]] as const;
  for (const [area, site, ticks] of order) assert(areas.record(area, site, ticks));
  assertEquals(areas.read(), [[4, 2, 3], [1, 10, 0], [5, 11, 0], [3, 12, 0], [2, 15, 2], [6, 2 ** 33, 2]]);
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

Deno.test("RecordRings.collect() holds what may be younger than a record that is not committed", () => {
  const areas = new Areas(2);
  areas.record(0, 1, 10);
  assertEquals(areas.read(false, 15), [[1, 10, 0]]);
  const slow = areas.reserve(0)!;
  areas.record(0, 3, 30);
  areas.record(1, 2, 12);
  areas.record(1, 4, 40);
  // At 15 the slow one had not been begun.
  assertEquals([areas.read(false, 50), areas.rings.horizon], [[[2, 12, 1]], 15]);
  areas.record(1, 6, 60);
  assertEquals(areas.read(false, 70), []);
  areas.commit(slow, 5, 35);
  assertEquals(areas.read(false, 80), [[3, 30, 0], [5, 35, 0], [4, 40, 1], [6, 60, 1]]);
  assertEquals([areas.rings.isEmpty, areas.rings.horizon], [true, 80]);
});

Deno.test("RecordRings.collect() does not wait longer for a record than a thread may have lost its CPU", () => {
  const areas = new Areas(2);
  areas.reserve(0);
  areas.record(1, 2, 20);
  assertEquals(areas.read(false, 100), []);
  assertEquals(areas.read(false, 99 + PATIENCE), []);
  assertEquals(areas.read(false, 100 + PATIENCE), [[2, 20, 1]]);
  areas.record(1, 3, 30);
  assertEquals(areas.read(false, Infinity), [[3, 30, 1]]);
});

Deno.test("RecordRings.collect() gives out nothing that is younger than it was told, but the next time", () => {
  const areas = new Areas(2);
  areas.record(0, 1, 10);
  areas.record(0, 3, 30);
  areas.record(1, 2, 20);
  assertEquals(areas.read(false, 25), [[1, 10, 0], [2, 20, 1]]);
  // What says that it has yet to happen was not written by a pad.
  areas.record(1, 4, 1000);
  assertEquals(areas.read(false, 40), [[3, 30, 0]]);
  assertEquals(areas.read(false, 50), [[4, 50, 1]]);
  assertEquals(areas.rings.isEmpty, true);
});

Deno.test("RecordRings gives each thread's records in its order, whichever CPU it moves to and whoever is interrupted", () => {
  const random = new Random(11);
  const areas = new Areas(4);
  const open: { place: number; site: number }[] = [];
  const last = [0, 0, 0, 0];
  let now = 0;
  let written = 0;
  let found = 0;
  let asked: number | undefined;
  for (let round = 0; round < 200_000; round++) {
    now++;
    const site = random.below(4) + 1;
    const own = open.findIndex((one) => one.site === site);
    if (own >= 0) {
      // A thread that has lost its CPU goes on now and then.
      if (random.below(20) === 0) areas.commit(open.splice(own, 1)[0]!.place, site, now);
    } else {
      const place = areas.reserve(random.below(4));
      written += Number(place !== undefined);
      if (place !== undefined && random.below(50) === 0) open.push({ place, site });
      else if (place !== undefined) areas.commit(place, site, now);
    }
    // The rings are looked at a little later than the clock.
    if (asked === undefined && random.below(10) === 0) asked = now;
    if (asked === undefined || random.below(3) > 0) continue;
    const records = areas.read(false, asked);
    asked = undefined;
    for (const [number, ticks] of records) {
      assert(ticks > last[number - 1]!, `${ticks} behind ${last[number - 1]}`);
      last[number - 1] = ticks;
      found++;
    }
  }
  for (const { place, site } of open) areas.commit(place, site, ++now);
  found += areas.read(false, now).length;
  assertEquals([found, areas.rings.isEmpty], [written, true]);
  assert(written > 50_000);
});

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
