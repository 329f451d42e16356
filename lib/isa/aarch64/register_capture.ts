/**
 * The part of a pad that copies all general registers, the pc and the flags into its record.
 *
 * Registers are copied as values are (`recorded_values.ts`). Of pstate the flags are known (NZCV), which no pad changes; the
 * rest is 0.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import type { PlacedCapture } from "../captures.ts";
import { appendConstant, VALUE } from "./constant_code.ts";
import { appendValue, RECORD, type ValueCode } from "./recorded_values.ts";
import { REGISTERS_BYTES, SP } from "./registers.ts";
import type { SlotCode } from "./slot_code.ts";

const WORD_BYTES = 8;
const FLAGS = 0xd53b_4200; // mrs xt,nzcv
const STR = 0xf900_0000; // str xt,[xn,#offset]
const STR_SHORT = 0xb900_0000; // str wt,[xn,#offset]

/**
 * Writes the code that copies the registers.
 *
 * @param place Where in the record.
 * @param site The address of the site.
 * @param code With what.
 * @param out Receives the code.
 */
export function appendRegisters(
  { offsetBytes, dataBytes }: PlacedCapture,
  site: Address,
  code: ValueCode,
  out: SlotCode,
): void {
  let at = dataBytes;
  for (let register = 0; register <= SP; register += 2) {
    appendValue({ kind: "register", register }, at, code, out);
    at += WORD_BYTES;
  }
  out.load(VALUE, site);
  out.words(STR | (at / WORD_BYTES) << 10 | RECORD << 5 | VALUE);
  at += WORD_BYTES;
  out.words(FLAGS | VALUE, STR | (at / WORD_BYTES) << 10 | RECORD << 5 | VALUE);
  appendConstant(VALUE, REGISTERS_BYTES, out);
  out.words(STR_SHORT | (offsetBytes / 4) << 10 | RECORD << 5 | VALUE);
}
