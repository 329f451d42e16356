/**
 * Checks what a user wants to have tallied.
 *
 * @module
 */

import type { TallyRequest } from "../fasttrap/probe.ts";
import type { TallyPart } from "../tally.ts";

const PARTS: readonly TallyPart[] = ["sum", "min", "max", "log2"];
/** Arguments from the sixth on are not in registers. */
const ARGUMENT_MAX = 5;

/**
 * Checks a request.
 *
 * @param request The request.
 * @throws {RangeError} If there is no such argument, or nothing that is called so.
 */
export function checkTally({ argument, keep }: TallyRequest): void {
  if (!Number.isInteger(argument) || argument < 0 || argument > ARGUMENT_MAX) {
    throw new RangeError(`Cannot tally argument ${argument}: it is not an integer from 0 to ${ARGUMENT_MAX}`);
  }
  const unknown = keep.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new RangeError(`Cannot keep "${unknown}": it is none of ${PARTS.join(", ")}`);
}
