/**
 * The registers that pads save, and where.
 *
 * They are on the program's stack, two by two, upwards from the stack pointer, which moves with the first two: so a thread that
 * cannot save the others can be set back by what it has moved.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import { CHANGED } from "./capture.ts";
import { NUMBER_31 } from "./registers.ts";
import type { SlotCode } from "./slot_code.ts";

const STP_FIRST = 0xa980_0000; // stp xt,xu,[sp,#offset]!
const STP = 0xa900_0000;
const LDP = 0xa940_0000;
const LDP_LAST = 0xa8c0_0000; // ldp xt,xu,[sp],#offset

/** What is saved by pads that count, that tally, that record, and that read memory of the program besides. */
export const SAVED: Readonly<Record<"count" | "tally" | "record" | "reading", readonly number[]>> = {
  count: [16, 17],
  tally: [16, 17, 14, 15],
  record: [16, 17, 14, 15, 12, 13],
  reading: [16, 17, 14, 15, 12, 13, ...CHANGED],
};

/**
 * Tells how much registers take on the stack.
 *
 * @param saved Their numbers.
 * @returns The size in bytes.
 */
export function sizeOfSaved(saved: readonly number[]): number {
  return 8 * saved.length;
}

/**
 * Writes the saving of registers, an even number of them.
 *
 * @param address The site.
 * @param saved Their numbers.
 * @param out Receives the code.
 */
export function appendPushes(address: Address, saved: readonly number[], out: SlotCode): void {
  const stackBytes = sizeOfSaved(saved);
  out.resume(address, false);
  for (let index = 0; index < saved.length; index += 2) {
    if (index > 0) out.resume(address, false, { stackBytes });
    out.words(pair(index === 0 ? STP_FIRST : STP, saved, index, index === 0 ? -stackBytes : 8 * index));
  }
}

/**
 * Writes the restoring of registers.
 *
 * @param saved Their numbers.
 * @param out Receives the code.
 */
export function appendPops(saved: readonly number[], out: SlotCode): void {
  for (let index = saved.length - 2; index > 0; index -= 2) out.words(pair(LDP, saved, index, 8 * index));
  out.words(pair(LDP_LAST, saved, 0, sizeOfSaved(saved)));
}

/** The store or load of two of the registers that are saved. */
function pair(word: number, saved: readonly number[], index: number, offset: number): number {
  return (word | ((offset / 8) & 0x7f) << 15 | saved[index + 1]! << 10 | NUMBER_31 << 5 | saved[index]!) >>> 0;
}
