/**
 * Which tracepoints have to do with each other, because jumps are wider than the instructions that they are for.
 *
 * *Problem.* A tracepoint that comes, goes or becomes another thing changes what those near it can be: they share its jump,
 * their jumps would lie over it, or they are traps only because it was there.
 *
 * *Method.* All of these are taken out of the text together and planned anew (`enable.ts`), by ascending address. Each of them
 * may concern others in turn. Sites are seldom as near to each other as that, unless each instruction of a function is one.
 *
 * @module
 */

import type { Image } from "../process/process.ts";
import type { Fasttrap } from "./fasttrap.ts";
import { findJumpsOver } from "./jumps.ts";
import type { Tracepoint } from "./tracepoint.ts";

/**
 * Finds the tracepoints in the text that are concerned by a change.
 *
 * @param fasttrap The tables.
 * @param image The memory.
 * @param changed The tracepoints that change, in the text or not.
 * @param made Those that are new.
 * @returns Those that change, and those that are concerned.
 */
export function findConcerned(
  fasttrap: Fasttrap,
  image: Image,
  changed: Iterable<Tracepoint>,
  made: Iterable<Tracepoint>,
): Set<Tracepoint> {
  const found = new Set(changed);
  // There is nobody to be concerned.
  const pending = image.text.size === 0 ? [] : [...made, ...found];
  for (let next; (next = pending.pop()) !== undefined;) {
    for (const near of findNear(fasttrap, next)) {
      if (found.has(near) || !image.text.has(near.pc)) continue;
      found.add(near);
      pending.push(near);
    }
  }
  return found;
}

/**
 * Finds the tracepoints that could not be jumps because of others, at addresses that are free now.
 *
 * @param fasttrap The tables.
 * @param image The memory.
 * @param addresses The addresses.
 * @returns The tracepoints, which are in the text.
 */
export function findFreed(
  { tracepoints, jumps }: Fasttrap,
  { pid, text, isa }: Image,
  addresses: readonly number[],
): Set<Tracepoint> {
  const freed = new Set<Tracepoint>();
  if (isa.jumps === undefined) return freed;
  for (const pc of addresses) {
    for (let near = pc - isa.jumps.jumpBytes + 1; near < pc + isa.jumps.earliestBytes; near++) {
      const other = tracepoints.find(pid, near, isa.unitBytes);
      if (other !== undefined && text.has(near) && !jumps.suits(other)) freed.add(other);
    }
  }
  return freed;
}

/** The tracepoints that share a jump with one, or whose jumps it may share or be in the way of. */
function findNear(fasttrap: Fasttrap, { image, pc, together }: Tracepoint): Tracepoint[] {
  const { tracepoints } = fasttrap;
  const { isa, pid } = image;
  if (isa.jumps === undefined) return [];
  const near = [...together, ...findJumpsOver(tracepoints, image, pc, pc + isa.jumps.jumpBytes)];
  for (let other = pc + 1; other < pc + isa.jumps.jumpBytes; other++) {
    const inside = tracepoints.find(pid, other, isa.unitBytes);
    if (inside !== undefined) near.push(inside);
  }
  return [...near, ...findFreed(fasttrap, image, [pc])];
}
