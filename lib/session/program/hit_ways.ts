/**
 * How the hits of a D program's probes are had: recorded by a jump, or by stopping the thread, and why.
 *
 * *Problem.* A site knows that a consumer wants to see the thread. Which clause does, and for what, is known to the program only.
 *
 * @module
 */

import type { ProbeDetails } from "../../fasttrap/inspect.ts";

/**
 * Tells how the hits of a probe are had, or would be.
 *
 * @param details What is known of the probe, as it is enabled or foretold for a record of each hit.
 * @param stopReason Why a clause of the probe needs the thread; undefined if none does.
 * @returns For each of its sites that can have a probe why each hit stops the thread, as the end of a sentence; undefined for one
 *   whose hits are recorded.
 */
export function findWays({ sites }: ProbeDetails, stopReason: string | undefined): (string | undefined)[] {
  return sites.filter(({ performed }) => performed !== undefined).map(({ trapReason }) => stopReason ?? trapReason);
}
