/**
 * Enabled probes and what their programs ask before they fire them (`process/semaphores.ts`).
 *
 * @module
 */

import { publishSites } from "../process/keeper_memory.ts";
import type { Image } from "../process/process.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { Probe } from "./probe.ts";

/**
 * Raises what a program asks before it comes to the sites. A probe without it may fire nevertheless.
 *
 * @param fasttrap The tables; it is warned of what cannot be raised.
 * @param image The memory of the program.
 * @param probes Probes that are being enabled.
 */
export function raiseSemaphores(fasttrap: Fasttrap, image: Image, probes: readonly Probe[]): void {
  const users = probes.filter(({ semaphores }) => semaphores.length > 0);
  if (users.length === 0) return;
  const problems = image.semaphores.raise(new Map(users.map((probe) => [probe, probe.semaphores])));
  for (const [probe, reasons] of problems) {
    for (const reason of reasons) fasttrap.warn(`Cannot tell the program that ${probe} is enabled: ${reason}`);
  }
  publishSites(fasttrap.tracer, image);
}

/**
 * Lowers what no other probe needs; a later tracer must not lower it once more.
 *
 * @param fasttrap The tables.
 * @param image The memory of the program.
 * @param probes Probes that are being disabled.
 */
export function lowerSemaphores({ tracer }: Fasttrap, image: Image, probes: readonly Probe[]): void {
  const falling = image.semaphores.release(probes);
  if (falling.length > 0) publishSites(tracer, image);
  image.semaphores.lower(falling);
}
