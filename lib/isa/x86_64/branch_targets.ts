/**
 * Where the direct branches of a function lead.
 *
 * *Problem.* Before a jump is written, it must be known whether a branch leads to one of the instructions behind the site.
 * Decoding whole functions for that takes longer than all the rest of enabling a probe.
 *
 * *Method.* Branches have a few forms: an opcode and a displacement of one byte, or one or two bytes of opcode and four of
 * displacement. Any bytes that look like one of them and lead to the address are looked for first, whether an instruction
 * begins there or not. Only if there are some, the function is decoded, once.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import { decode } from "./decode.ts";
import { readInt32 } from "./immediate.ts";

/** The size of a branch with a displacement of one byte, and of one with four behind the last byte of its opcode. */
const SHORT_BYTES = 2;
const NEAR_BYTES = 5;

/** See `JumpInstaller.findTargets` of `isa.ts`. */
export function findTargets(code: Uint8Array, address: Address): (address: number) => boolean {
  let near: Set<number> | undefined;
  let exact: Set<number> | undefined;
  return (target) => {
    const offset = target - address;
    near ??= findNear(code);
    if (!near.has(offset) && !mayLeadShort(code, offset)) return false;
    exact ??= decodeTargets(code, address);
    return exact.has(target);
  };
}

/** Where bytes lead that look like `jmp rel32` or `jcc rel32`, as offsets in the function. */
function findNear(code: Uint8Array): Set<number> {
  const found = new Set<number>();
  for (let at = 0; at + NEAR_BYTES <= code.length; at++) {
    const opcode = code[at]!;
    if (opcode !== 0xe9 && !((opcode & 0xf0) === 0x80 && at > 0 && code[at - 1] === 0x0f)) continue;
    const offset = at + NEAR_BYTES + readInt32(code, at + 1);
    if (offset >= 0 && offset < code.length) found.add(offset);
  }
  return found;
}

/** Whether bytes look like `jmp rel8`, `jcc rel8`, `loop` or `jrcxz` to an offset in the function. */
function mayLeadShort(code: Uint8Array, offset: number): boolean {
  const first = Math.max(0, offset - SHORT_BYTES - 127);
  const last = Math.min(code.length - SHORT_BYTES, offset - SHORT_BYTES + 128);
  for (let at = first; at <= last; at++) {
    const opcode = code[at]!;
    if (opcode !== 0xeb && (opcode & 0xf0) !== 0x70 && (opcode & 0xfc) !== 0xe0) continue;
    if (at + SHORT_BYTES + (code[at + 1]! << 24 >> 24) === offset) return true;
  }
  return false;
}

function decodeTargets(code: Uint8Array, address: Address): Set<number> {
  const targets = new Set<number>();
  for (let offset = 0; offset < code.length;) {
    const instruction = decode(code, offset, (address + offset) as Address);
    if (instruction?.target !== undefined && instruction.flow !== "call") targets.add(instruction.target);
    offset += instruction?.length ?? 1;
  }
  return targets;
}
