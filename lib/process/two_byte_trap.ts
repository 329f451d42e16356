/**
 * The form of the trap instruction that is never ours.
 *
 * x86-64 has `int3` (CC) and, in two bytes, `int 3` (CD 03; SDM vol. 2, INT n). Their signals are the same, and the thread
 * stands behind either of them, so that the second one looks like a trap on its second byte.
 *
 * @module
 */

import { EM_X86_64 } from "../object/elf_constants.ts";
import type { Image } from "./process.ts";

/**
 * Tells whether a trap that a thread has executed is of that form.
 *
 * @param image The image.
 * @param pc Where the trap of one byte would be. Nothing need be mapped in front of it.
 * @returns Whether it is.
 */
export function isTwoByteTrap({ isa, memory }: Image, pc: number): boolean {
  const bytes = new Uint8Array(2);
  return isa.machine === EM_X86_64 && memory.read(pc - 1, bytes) === bytes.length && bytes[0] === 0xcd &&
    bytes[1] === 0x03;
}
