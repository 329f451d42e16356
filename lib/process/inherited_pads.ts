/**
 * Giving back the pads that a followed child has from its parent.
 *
 * *Problem.* A copy of an image has its parent's pads where they were, and nothing leads there. Some jumps have no choice where
 * they lead (`pads.ts`), so that the copy's own pads want to be at the same places.
 *
 * *Method.* Before probes are enabled in the copy, these ranges leave the table of its keeper, then they are unmapped by system
 * calls in the name of one of its threads: a later tracer must not unmap what the program has there by then.
 *
 * @module
 */

import { SystemError } from "../errors.ts";
import { publishSites } from "./keeper_memory.ts";
import type { Image } from "./process.ts";
import { allowsCalls, findCaller, remoteCall } from "./remote_call.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Unmaps what an image has of its parent's pads, unless it may not do so. All its threads must be stopped.
 *
 * @param tracer The tracer, whose registers are free to be used.
 * @param image The image.
 */
export function dropInheritedPads(tracer: Tracer, image: Image): void {
  const { inherited, isa, pid } = image;
  const thread = inherited.length === 0 ? undefined : findCaller(image);
  if (thread === undefined || !allowsCalls(tracer.kernel, pid)) return;
  try {
    publishSites(tracer, image);
    for (const { base, sizeBytes } of inherited) {
      remoteCall(tracer, thread, isa.registers.systemCalls.munmap, [base, sizeBytes]);
    }
    image.inherited = [];
  } catch (error) {
    // The program may die on the way.
    if (!(error instanceof SystemError)) throw error;
  }
}
