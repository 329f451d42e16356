/**
 * Sizes and index functions of fasttrap's hash tables (`fasttrap.c`: fasttrap_attach, fasttrap_hash_str,
 * fasttrap_highbit; fasttrap_impl.h: the index macros).
 *
 * All arithmetic is that of unsigned 32-bit integers. An address is split into its halves first, because `<<` and `&`
 * would drop everything above bit 31.
 *
 * @module
 */

import { highHalf } from "../address.ts";

/** Buckets of the tracepoint table unless another number is asked for. */
export const TRACEPOINT_BUCKETS = 0x4000;
/** Buckets of the provider table. */
export const PROVIDER_BUCKETS = 0x100;
/** Buckets of the process table. */
export const PROCESS_BUCKETS = 0x100;
/** The most buckets that can be asked for. */
const LARGEST_BUCKETS = 0x1000000;

/**
 * Makes a table size from what the user asked for.
 *
 * @param wanted The number of buckets wanted.
 * @returns The next power of two from there; {@linkcode TRACEPOINT_BUCKETS} for 0, for what is no positive integer, and
 *   for more than 16,777,216.
 */
export function tableSize(wanted: number): number {
  if (!Number.isInteger(wanted) || wanted <= 0 || wanted > LARGEST_BUCKETS) return TRACEPOINT_BUCKETS;
  return 2 ** Math.ceil(Math.log2(wanted));
}

/**
 * Hashes a string as ELF does (gABI, "Hash Table"), over its UTF-8 bytes as unsigned numbers.
 *
 * @param text The string.
 * @returns An unsigned 28-bit number.
 */
export function hashString(text: string): number {
  let hash = 0;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash << 4) + byte) >>> 0;
    const top = hash & 0xf0000000;
    if (top !== 0) hash = (hash ^ (top >>> 24)) >>> 0;
    hash = (hash & ~top) >>> 0;
  }
  return hash;
}

/**
 * The bucket of a tracepoint.
 *
 * @param pc Its address.
 * @param pid The process that owns its memory.
 * @param unitBytes The unit of instruction addresses: 1, 2 or 4 bytes.
 * @param mask The number of buckets less one.
 * @returns The index.
 */
export function tracepointIndex(pc: number, pid: number, unitBytes: number, mask: number): number {
  // Only the low 24 bits of the quotient can matter: they come from the low half, and from 2 bits of the high one.
  const units = unitBytes === 1 ? pc >>> 0 : ((pc >>> 0) / unitBytes + highHalf(pc) * (2 ** 32 / unitBytes)) >>> 0;
  return ((units + pid) >>> 0) & mask;
}

/**
 * The bucket of a provider.
 *
 * @param name Its name without the pid.
 * @param pid The process that it belongs to.
 * @param mask The number of buckets less one.
 * @returns The index.
 */
export function providerIndex(name: string, pid: number, mask: number): number {
  return ((hashString(name) + pid) >>> 0) & mask;
}

/**
 * The bucket of a process.
 *
 * @param pid Its pid.
 * @param mask The number of buckets less one.
 * @returns The index.
 */
export function processIndex(pid: number, mask: number): number {
  return pid & mask;
}
