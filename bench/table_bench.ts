/**
 * Finding a tracepoint by process and address, with 1, 1,000 and 100,000 of them, 1,000 look-ups an iteration:
 * microseconds an iteration are nanoseconds a look-up. Beside it a `Map` keyed by the address alone, which could
 * serve one process only.
 *
 * Addresses are those of instructions 16 bytes apart, looked up in a fixed pseudo-random order.
 */

import { toAddress } from "../lib/address.ts";
import { Tracepoint, TracepointTable } from "../lib/fasttrap/tracepoint.ts";
import { TRACEPOINT_BUCKETS } from "../lib/fasttrap/hash.ts";
import { isaOf } from "../lib/isa/architectures.ts";
import type { Image } from "../lib/process/process.ts";

const LOOKUPS = 1_000;
const BASE = 0x7f12_3456_0000;
const PID = 4321;

const isa = isaOf(62);
// A tracepoint asks its image for no more than this before it is hit.
const image = { pid: PID, isa } as Image;
const nop = isa.decode(new Uint8Array([0x90]), 0, toAddress(BASE))!;

for (const count of [1, 1_000, 100_000]) {
  const table = new TracepointTable(TRACEPOINT_BUCKETS);
  const map = new Map<number, Tracepoint>();
  for (let i = 0; i < count; i++) {
    const address = toAddress(BASE + 16 * i);
    const tracepoint = new Tracepoint(image, { ...nop, address }, true);
    table.add(tracepoint);
    map.set(address, tracepoint);
  }
  const addresses = Float64Array.from({ length: LOOKUPS }, (_, i) => BASE + 16 * ((i * 7919) % count));
  const group = `${count} tracepoints`;
  let found = 0;
  Deno.bench(`Map.get() ${group}`, { group, baseline: true }, () => {
    for (let i = 0; i < LOOKUPS; i++) if (map.get(addresses[i]!) !== undefined) found++;
  });
  Deno.bench(`TracepointTable.find() ${group}`, { group }, () => {
    for (let i = 0; i < LOOKUPS; i++) if (table.find(PID, addresses[i]!, 1) !== undefined) found++;
  });
}
