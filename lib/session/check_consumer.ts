/**
 * Checks what a user wants of the hits of probes, before anything is enabled.
 *
 * @module
 */

import type { TallyRequest } from "../fasttrap/probe.ts";
import { checkCaptures } from "../isa/captures.ts";
import type { TallyPart } from "../tally.ts";
import type { EnableOptions } from "./options.ts";

const PARTS: readonly TallyPart[] = ["sum", "min", "max", "log2"];
/** Arguments from the sixth on are not in registers. */
const ARGUMENT_MAX = 5;

/**
 * Checks the options of an enabling.
 *
 * @param options The options.
 * @throws {RangeError} If there is no such argument to be tallied or captured, or no such part or size of it.
 * @throws {TypeError} If options contradict each other.
 */
export function checkConsumer({ capture, count, handler, record, tally }: EnableOptions): void {
  if ([count, handler, record, tally].filter(Boolean).length > 1) {
    throw new TypeError("Cannot count hits, tally, record and handle them in one: it is one of the four");
  }
  if (capture !== undefined) {
    if (count || tally !== undefined) throw new TypeError("Cannot capture anything of hits that are only counted");
    checkCaptures(capture);
  }
  if (tally !== undefined) checkTally(tally);
}

function checkTally({ argument, keep }: TallyRequest): void {
  if (!Number.isInteger(argument) || argument < 0 || argument > ARGUMENT_MAX) {
    throw new RangeError(`Cannot tally argument ${argument}: it is not an integer from 0 to ${ARGUMENT_MAX}`);
  }
  const unknown = keep.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new RangeError(`Cannot keep "${unknown}": it is none of ${PARTS.join(", ")}`);
}
