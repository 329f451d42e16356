/**
 * The contents of pads that keep sums, extremes and histograms of values.
 *
 * *Problem.* All threads do it at once, several of them in the same counters; nothing may be lost, and no flag changed.
 *
 * *Method.* The counters are those of the area that x16 leads to, and each change of one is a single atomic instruction. With the
 * value in a register `v`, its own if all of that counts and the pad does not use it, else x14:
 *
 * ```text
 *   sum:   x17 = the counter; stadd v, [x17]
 *   min:   x17 = the counter; stsmin v, [x17]
 *   max:   x17 = the counter; stsmax v, [x17]
 *   log2:  asr x15, v, #63; eor x17, v, x15; sub x17, x17, x15         the magnitude
 *          clz x17, x17; and x15, x15, #63; add x15, x15, #64; sub x17, x15, x17
 *          x15 = the counters + x17 * 8; mov x17, #1; stadd x17, [x15]
 *   hits:  x17 = the counter; mov x15, #1; staddl x15, [x17]
 * ```
 *
 * A positive value has 64 bits less the zeros in front of it, a negative one the counter at 63 and the bits of its magnitude.
 *
 * *Values* that need not be readable are not read; who wants to know of them has records.
 *
 * *The counter of hits* is added to behind all others, and seen to be: what it counts has been tallied.
 *
 * @module
 */

import type { TallyAction } from "../jumps.ts";
import type { ExtendedValue, Extension, RecordedValue } from "../recorded_value.ts";
import { appendSum, VALUE } from "./constant_code.ts";
import { appendFetch, appendStackLoad, canRecord, mayFault } from "./recorded_values.ts";
import { SP } from "./registers.ts";
import { SAVED } from "./saved_registers.ts";
import type { SlotCode } from "./slot_code.ts";

const [LOADED, TEMPORARY, AREA] = [14, 15, 16] as const;

const STADD = 0xf820_001f; // stadd xs,[xn]
const STADD_RELEASE = 0xf860_001f; // staddl xs,[xn]
const STSMAX = 0xf820_401f;
const STSMIN = 0xf820_501f;
const ONE = 0xd280_0020; // mov xd,#1
const SIGN = 0x937f_fc00; // asr xd,xn,#63
const EOR = 0xca00_0000; // eor xd,xn,xm
const SUB = 0xcb00_0000;
const ADD = 0x8b00_0000; // add xd,xn,xm,lsl #count
const CLZ = 0xdac0_1000;
const AND_63 = 0x9240_1400; // and xd,xn,#63
/** How parts of a register become all of it: sbfx or ubfx xd,xn,#0,#bits. */
const EXTEND = { signed: 0x9340_0000, unsigned: 0xd340_0000 };

/** See `JumpInstaller.canTally` of `jumps.ts`. */
export function canTally(value: RecordedValue): boolean {
  return value.kind !== "vector" && canRecord(value) && !mayFault(value);
}

/**
 * Writes the tally of a hit. The area's address is in x16, and those of {@linkcode SAVED} have been saved.
 *
 * @param action What the pad does.
 * @param out Receives the code.
 */
export function appendTally({ tallied, counterOffset }: TallyAction, out: SlotCode): void {
  for (const { value, sumOffset, minOffset, maxOffset, bucketsOffset } of tallied) {
    const own = ownRegister(value);
    if (own === undefined) appendLoad(value, out);
    const v = own ?? LOADED;
    for (const [offset, word] of [[sumOffset, STADD], [minOffset, STSMIN], [maxOffset, STSMAX]] as const) {
      if (offset === undefined) continue;
      appendSum(VALUE, AREA, offset, out);
      out.words(word | v << 16 | VALUE << 5);
    }
    if (bucketsOffset !== undefined) appendBucket(v, bucketsOffset, out);
  }
  appendSum(VALUE, AREA, counterOffset, out);
  out.words(ONE | TEMPORARY, STADD_RELEASE | TEMPORARY << 16 | VALUE << 5);
}

/** The number of the register that has just the value, still; undefined if there is none. */
function ownRegister({ place, sizeBytes }: ExtendedValue): number | undefined {
  if (place.kind !== "register" || place.register === SP || sizeBytes !== 8) return undefined;
  const number = place.register / 2;
  return SAVED.tally.includes(number) ? undefined : number;
}

/** Writes the loading of a value into x14. */
function appendLoad({ place, ...extension }: ExtendedValue, out: SlotCode): void {
  if (place.kind === "register") appendFetch(place.register / 2, LOADED, SAVED.tally, out);
  else if (place.kind === "memory") appendStackLoad(place, LOADED, SAVED.tally, out);
  appendExtension(extension, out);
}

/** Writes the extending of x14. */
function appendExtension({ sizeBytes, signed }: Extension, out: SlotCode): void {
  if (sizeBytes === 8) return;
  out.words((signed ? EXTEND.signed : EXTEND.unsigned) | (8 * sizeBytes - 1) << 10 | LOADED << 5 | LOADED);
}

function appendBucket(v: number, offset: number, out: SlotCode): void {
  out.words(SIGN | v << 5 | TEMPORARY, EOR | TEMPORARY << 16 | v << 5 | VALUE);
  out.words(SUB | TEMPORARY << 16 | VALUE << 5 | VALUE, CLZ | VALUE << 5 | VALUE);
  out.words(AND_63 | TEMPORARY << 5 | TEMPORARY);
  appendSum(TEMPORARY, TEMPORARY, 64, out);
  out.words(SUB | VALUE << 16 | TEMPORARY << 5 | VALUE, ADD | VALUE << 16 | 3 << 10 | AREA << 5 | TEMPORARY);
  appendSum(TEMPORARY, TEMPORARY, offset, out);
  out.words(ONE | VALUE, STADD | VALUE << 16 | TEMPORARY << 5);
}
