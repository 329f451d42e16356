/**
 * Subroutines about addresses and numbers of networks and devices.
 *
 * @module
 */

import type { ClauseMemory } from "./clause_memory.ts";
import type { MemorySubroutine } from "./string_subroutines.ts";

/** Families of addresses, and types of hardware, as Linux numbers them. */
const AF_INET = 2;
const AF_INET6 = 10;
const ARPHRD_ETHER = 1;
const ARPHRD_INFINIBAND = 32;
const HARDWARE_BYTES: Readonly<Record<number, number>> = { [ARPHRD_ETHER]: 6, [ARPHRD_INFINIBAND]: 20 };
/** How many bits of a device's number in the kernel are its minor number. */
const MINOR_BITS = 20;

/** The subroutines by their names. */
export const NETWORK_SUBROUTINES: Readonly<Record<string, MemorySubroutine>> = {
  htons: (memory) => memory.give(swapped16(memory.lo(0)), 0),
  ntohs: (memory) => memory.give(swapped16(memory.lo(0)), 0),
  htonl: (memory) => memory.give(swapped32(memory.lo(0)), 0),
  ntohl: (memory) => memory.give(swapped32(memory.lo(0)), 0),
  htonll: (memory) => memory.give(swapped32(memory.hi(0)), swapped32(memory.lo(0))),
  ntohll: (memory) => memory.give(swapped32(memory.hi(0)), swapped32(memory.lo(0))),
  getmajor: (memory) => memory.give(memory.lo(0) >>> MINOR_BITS, 0),
  getminor: (memory) => memory.give(memory.lo(0) & ((1 << MINOR_BITS) - 1), 0),
  "inet_ntoa": (memory) => makeAscii(memory, ipv4Text(bytesOf(memory, 0, 4))),
  "inet_ntoa6": (memory) => {
    const bytes = bytesOf(memory, 0, 16);
    return makeAscii(memory, holdsIpv4(bytes) ? ipv4Text(bytes.subarray(12)) : ipv6Text(bytes));
  },
  "inet_ntop": (memory) => {
    const family = memory.number(0);
    if (family === AF_INET) return makeAscii(memory, ipv4Text(bytesOf(memory, 1, 4)));
    if (family === AF_INET6) return makeAscii(memory, ipv6Text(bytesOf(memory, 1, 16)));
    return memory.fault.raise("illegalOperation");
  },
  "link_ntop": (memory) => {
    const length = HARDWARE_BYTES[memory.number(0)];
    if (length === undefined) return memory.fault.raise("illegalOperation");
    const bytes = Array.from(bytesOf(memory, 1, length), (byte) => byte.toString(16).padStart(2, "0"));
    return makeAscii(memory, bytes.join(":"));
  },
};

function swapped16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function swapped32(value: number): number {
  return (swapped16(value) << 16) | swapped16(value >>> 16);
}

function bytesOf(memory: ClauseMemory, index: number, size: number): Uint8Array {
  const at = memory.own(index, size, false);
  return memory.bytes.slice(at, at + size);
}

function makeAscii(memory: ClauseMemory, text: string): number {
  return memory.makeText(Array.from(text, (character) => character.charCodeAt(0)));
}

function ipv4Text(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** Whether an address of IPv6 stands for one of IPv4, `::ffff:1.2.3.4` or `::1.2.3.4`, which inet_ntoa6() writes alone. */
function holdsIpv4(bytes: Uint8Array): boolean {
  const words = [0, 4, 8, 12].map((at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at));
  // :: and ::1 are addresses of IPv6.
  return words[0] === 0 && words[1] === 0 && (words[2] === 0xffff || (words[2] === 0 && words[3]! > 1));
}

/** The text of RFC 5952: the longest run of two or more zero groups is left out, and IPv4 within is written as such. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) &&
    (groups[5] === 0xffff || (groups[5] === 0 && groups[6] !== 0));
  const texts = groups.map((group) => group.toString(16));
  if (isMapped) texts.splice(6, 2, ipv4Text(bytes.subarray(12)));
  const run = longestZeros(isMapped ? groups.slice(0, 6) : groups);
  if (run.length < 2) return texts.join(":");
  return `${texts.slice(0, run.begin).join(":")}::${texts.slice(run.begin + run.length).join(":")}`;
}

function longestZeros(groups: readonly number[]): { begin: number; length: number } {
  let longest = { begin: 0, length: 0 };
  for (let begin = 0; begin < groups.length; begin++) {
    let end = begin;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - begin > longest.length) longest = { begin, length: end - begin };
  }
  return longest;
}
