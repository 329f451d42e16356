/** Sizes and indices of the hash tables. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { InvariantError } from "../../lib/errors.ts";
import {
  hashString,
  PROCESS_BUCKETS,
  processIndex,
  PROVIDER_BUCKETS,
  providerIndex,
  tableSize,
  TRACEPOINT_BUCKETS,
  tracepointIndex,
} from "../../lib/fasttrap/hash.ts";
import { type Chained, HashTable } from "../../lib/fasttrap/hash_table.ts";

Deno.test("hashString() gives the vectors of fasttrap_hash_str", () => {
  const vectors = { "": 0, pid: 0x76f4, objc: 0x75903, oneshot: 0x64c9f14, "test_prov": 0xaa603a6 };
  for (const [name, hash] of Object.entries(vectors)) assertEquals(hashString(name), hash, name);
  assertEquals(hashString("postgresql_server"), 0x8675202);
  // 28 bits, whatever the length.
  assert(hashString("x".repeat(1000)) < 2 ** 28);
  // UTF-8 bytes are unsigned.
  assertEquals(hashString("é"), (0xc3 << 4) + 0xa9);
});

Deno.test("tableSize() rounds up to a power of two and falls back to 16384", () => {
  const rows = [[0, 16384], [1, 1], [2, 2], [3, 4], [5, 8], [4096, 4096], [4097, 8192], [
    0x1000000,
    0x1000000,
  ]] as const;
  for (const [wanted, size] of rows) assertEquals(tableSize(wanted), size, `${wanted}`);
  for (const wanted of [0x1000001, 2 ** 40, -1, 1.5, NaN]) assertEquals(tableSize(wanted), 16384, `${wanted}`);
  assertEquals([TRACEPOINT_BUCKETS, PROVIDER_BUCKETS, PROCESS_BUCKETS], [0x4000, 0x100, 0x100]);
});

Deno.test("tracepointIndex() loses no bit of an address", () => {
  const reference = (pc: number, pid: number, unit: number, mask: number) =>
    Number(((BigInt(pc) / BigInt(unit) + BigInt(pid)) & 0xffffffffn) & BigInt(mask));
  const addresses = [0, 1, 0x401136, 0x7fff_ffff_e000, 0x5555_5555_4001, 0xffff_fffc, 0x1_0000_0000, 2 ** 53 - 1];
  for (const pc of addresses) {
    for (const pid of [1, 1234, 4_194_304]) {
      for (const mask of [0xff, 0x3fff, 0xffffff]) {
        for (const unit of [1, 4]) {
          const aligned = pc - (pc % unit);
          assertEquals(tracepointIndex(aligned, pid, unit, mask), reference(aligned, pid, unit, mask));
        }
      }
    }
  }
});

Deno.test("providerIndex() and processIndex() add the pid", () => {
  assertEquals(providerIndex("pid", 1234, 0xff), (0x76f4 + 1234) & 0xff);
  assertEquals(providerIndex("", 0, 0xff), 0);
  assertEquals(processIndex(1234, 0xff), 1234 & 0xff);
});

/** An element with a key, which is its hash too. */
class Element implements Chained<Element> {
  next: Element | undefined;
  constructor(readonly key: number, readonly name = "") {}
}

function makeTable(buckets: number, grows = false): HashTable<Element> {
  return new HashTable<Element>(buckets, ({ key }, mask) => key & mask, { grows });
}

function chain(table: HashTable<Element>, index: number): string {
  let text = "";
  for (let element = table.head(index); element !== undefined; element = element.next) text += element.name;
  return text;
}

Deno.test("HashTable.add() puts an element at the head of its chain", () => {
  const table = makeTable(4);
  const [a, b, c] = [new Element(1, "a"), new Element(5, "b"), new Element(9, "c")];
  for (const element of [a, b, c]) table.add(element);
  assertEquals([chain(table, 1), table.size, table.bucketCount], ["cba", 3, 4]);
  table.delete(b);
  assertEquals(chain(table, 1), "ca");
  table.delete(c);
  table.delete(a);
  assertEquals([chain(table, 1), table.size], ["", 0]);
  assertThrows(() => table.delete(a), InvariantError);
});

Deno.test("HashTable keeps the order of chains when it grows", () => {
  const table = makeTable(2, true);
  for (let i = 0; i < 64; i++) table.add(new Element(i % 8, String.fromCharCode(65 + i)));
  assert(table.bucketCount > 2 && table.bucketCount <= 32 * 64, `${table.bucketCount}`);
  for (let key = 0; key < 8; key++) {
    const names = Array.from({ length: 8 }, (_, i) => String.fromCharCode(65 + key + 8 * (7 - i)));
    assertEquals(chain(table, key), names.join(""));
  }
  // Nothing is lost, and the table may be emptied while it is walked.
  for (const element of table) table.delete(element);
  assertEquals(table.size, 0);
});
