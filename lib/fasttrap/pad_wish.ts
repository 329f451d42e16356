/**
 * What a pad has to do for the consumers of a tracepoint, or why they need the thread.
 *
 * *Problem.* Several consumers may want several things of the same hit, and a pad does one of three.
 *
 * *Method.* From the one that costs least: it counts if all only count; it tallies if all only count or tally, and what they tally
 * is in registers or on the stack (`pad_tally.ts`); else it writes records, with everything that anybody wants to see
 * (`recorded_values.ts`), and the tracer counts and tallies them.
 *
 * @module
 */

import { type Capture, covers, isOfArgument, sizeOfRegisters, sizeOfValues, unite } from "../isa/captures.ts";
import type { PadAction, RecordAction } from "../isa/jumps.ts";
import type { PadWish } from "../process/pad_memory.ts";
import { tallyWishOf } from "./pad_tally.ts";
import type { Enabling, Probe } from "./probe.ts";
import {
  isRefusal,
  isSameRecord,
  NOT_RECORDED,
  placeCaptures,
  planValues,
  TOO_MANY,
  UNREADABLE,
} from "./recorded_values.ts";
import type { Tracepoint } from "./tracepoint.ts";

/** Why a tracepoint is a trap as long as a consumer needs the thread. */
const HANDLED = "a handler wants to see the thread";
/** Why a tracepoint is a trap until a probe of one shot has had it. */
const ONCE = "it fires only once";
/** Why a tracepoint is a trap that would have to record the registers as they are at the instruction, and as they are behind it. */
const BOTH_ENDS = "registers are captured before and behind its instruction";
/** Why a tracepoint is a trap that would have to capture more than a record holds. */
const TOO_LONG = "what is captured there is too long for a record";

/** Why there is no pad as long as the consumers are those that they are. */
export const CONSUMERS_REASONS: readonly string[] = [
  HANDLED,
  ONCE,
  BOTH_ENDS,
  TOO_LONG,
  TOO_MANY,
  UNREADABLE,
  NOT_RECORDED,
];

/**
 * Says what a pad has to do for the consumers of a tracepoint.
 *
 * @param tracepoint The tracepoint, whose lists are complete.
 * @returns What; a string says why the thread has to stop for them, as the end of a sentence.
 */
export function wishOf(tracepoint: Tracepoint): PadWish | string {
  const probes = [...tracepoint.before, ...tracepoint.after];
  const enablings = probes.flatMap(({ enablings }) => enablings);
  if (tracepoint.asked.length > 0) return "the program asks there whether a probe is enabled";
  if (probes.some(({ oneshot }) => oneshot)) return ONCE;
  if (enablings.some(needsThread)) return HANDLED;
  if (enablings.every(({ counted }) => counted !== undefined)) return { kind: "count" };
  return tallyWishOf(tracepoint) ?? recordWishOf(tracepoint);
}

/**
 * Says what a pad has to record for the consumers of a tracepoint.
 *
 * @param tracepoint The tracepoint, none of whose consumers needs the thread.
 * @returns What; a string says why it cannot, as the end of a sentence.
 */
export function recordWishOf(tracepoint: Tracepoint): PadWish | string {
  if (tracepoint.before.length > 0 && tracepoint.after.some(capturesThread)) return BOTH_ENDS;
  const values = planValues(tracepoint);
  if (isRefusal(values)) return values.refusal;
  const captures = capturesOf(tracepoint, values);
  if (typeof captures === "string") return captures;
  return { kind: "record", values, ...captures.length > 0 && { captures } };
}

/**
 * Tells whether what a pad does is all that is wanted; of tallies `PadCounts.serves` knows that.
 *
 * @param action What it does: it counts or records.
 * @param wish What is wanted.
 * @returns Whether it is. Records do for who only counts.
 */
export function satisfies(action: PadAction, wish: PadWish): boolean {
  if (wish.kind === "count") return true;
  return action.kind === "record" && wish.kind === "record" && isSameRecord(action.values, wish.values) &&
    covers(action.captures ?? [], wish.captures ?? []);
}

/** Whether a consumer can be served only while the thread is stopped. */
function needsThread({ counted, recorded }: Enabling): boolean {
  return counted === undefined && recorded === undefined;
}

/** Whether a consumer of a probe wants what an instruction changes that leaves the function: registers, or the stack. */
function capturesThread({ enablings }: Probe): boolean {
  return enablings.some(({ captures = [] }) => !captures.every(isOfArgument));
}

/** What the consumers of a tracepoint want to be captured, together; a string says why that cannot be, as the end of a sentence. */
function capturesOf(tracepoint: Tracepoint, values: RecordAction["values"]): readonly Capture[] | string {
  const wishes: Capture[] = [];
  for (const probe of [...tracepoint.before, ...tracepoint.after]) {
    for (const { captures = [] } of probe.enablings) {
      const placed = placeCaptures(tracepoint, values, probe, captures);
      if (placed === undefined) return NOT_RECORDED;
      wishes.push(...placed);
    }
  }
  return unite(wishes, sizeOfRegisters(tracepoint.image.isa.registers), sizeOfValues(values)) ?? TOO_LONG;
}
