/**
 * A site, and what its pad shares with the tracer, for tests that compare instructions: nothing of it exists.
 *
 * @module
 */

import { toAddress } from "../../../lib/address.ts";
import type { PadMemory } from "../../../lib/isa/jumps.ts";

/** The site. */
export const SITE = toAddress(0xaaaa_9000_1008);
/** The memory: offsets that take one instruction to add, and two. */
export const MEMORY: PadMemory = {
  enabled: toAddress(0x7000),
  areas: toAddress(0x8000),
  areasTotal: 4,
  areaBytes: 1 << 23,
  ring: { headOffset: 1 << 21, tailOffset: (1 << 21) + 64, cellsOffset: (1 << 21) + 4096, cellsTotal: 1 << 16 },
  captures: { alive: toAddress(0x9000), pagesOffset: 7 << 20, pagesTotal: 4096 },
};
