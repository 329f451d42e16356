/**
 * What the instructions around a site say against a probe on it, on machines where they can.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import type { Image } from "../process/process.ts";

const PAGE_BYTES = 4096;

/**
 * Tells why no probe can be on an instruction because of those around it.
 *
 * @param image The image.
 * @param pc The address of the instruction.
 * @returns The reason, as the end of a sentence; undefined if there is none.
 */
export function contextRefusal({ isa, memory }: Pick<Image, "isa" | "memory">, pc: Address): string | undefined {
  const { contextBytes, longestBytes } = isa;
  if (contextBytes === 0) return undefined;
  // The page before that of the instruction need not be there.
  for (const before of [Math.min(contextBytes, pc), Math.min(contextBytes, pc % PAGE_BYTES)]) {
    const bytes = new Uint8Array(before + longestBytes + contextBytes);
    const read = memory.read(toAddress(pc - before), bytes);
    if (read > before) return isa.contextRefusal(bytes.subarray(0, read), before);
  }
  return undefined;
}
