/**
 * Functions that look whether there is space left on their stack before they use it.
 *
 * A goroutine has a stack of its own in the middle of the heap, with nothing behind it that would fault. Functions of Go begin
 * by comparing the stack pointer, less what they need, with the limit in the descriptor of the goroutine, and have the stack
 * replaced by a larger one if need be (`cmd/internal/obj/x86/obj6.go`):
 *
 * | | |
 * | --- | --- |
 * | descriptor in r14 (Go 1.17 and later) | `cmp 0x10(%r14),%rsp`, or `lea -n(%rsp),%r12; cmp 0x10(%r14),%r12` |
 * | in assembly, and before | `mov %fs:-8,%rcx; cmp 0x10(%rcx),%rsp`, or `lea -n(%rsp),%rax; cmp 0x10(%rcx),%rax` |
 * | on the stack of the system | the same with 0x18 |
 *
 * Behind the limit 928 bytes are left (`internal/abi/stack.go`), of which functions may use 128 without a look; those that
 * never look share the rest with all that they call, to the last byte.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import { toAddress } from "../../address.ts";
import { decode } from "./decode.ts";

/** How many instructions come before the comparison at most. */
const INSTRUCTIONS_LIMIT = 5;
/** `cmp r, r/m`. */
const COMPARE = 0x3b;
/** The registers that are compared: rax, rsp, r12; those that lead to the descriptor: rcx, r14; the places of the limits in it. */
const COMPARED: readonly number[] = [0, 4, 12];
const DESCRIPTORS: readonly number[] = [1, 14];
const LIMITS: readonly number[] = [0x10, 0x18];

/**
 * Tells whether a function looks for space on its stack.
 *
 * @param code Its code.
 * @param address Where it is.
 * @returns Whether it does.
 */
export function checksStack(code: Uint8Array, address: Address): boolean {
  let offset = 0;
  for (let index = 0; index < INSTRUCTIONS_LIMIT; index++) {
    const instruction = decode(code, offset, toAddress(address + offset));
    if (instruction === undefined) return false;
    const { encoding, length, map, modrm, modrmOffset, opcode, wrxb } = instruction;
    const register = (modrm >> 3) & 7 | (wrxb & 4) << 1;
    const base = modrm & 7 | (wrxb & 1) << 3;
    const isComparison = encoding === "legacy" && map === 0 && opcode === COMPARE && (wrxb & 8) !== 0 &&
      modrm >> 6 === 1;
    if (isComparison && COMPARED.includes(register)) {
      return DESCRIPTORS.includes(base) && LIMITS.includes(code[offset + modrmOffset + 1]!);
    }
    offset += length;
  }
  return false;
}
