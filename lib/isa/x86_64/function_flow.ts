/**
 * Where the direct branches of a function lead, and which of its instructions always go on to the next one.
 *
 * *Problem.* Before a jump is written, it must be known whether a branch leads to one of the instructions behind the site.
 * Decoding whole functions for that takes longer than all the rest of enabling a probe.
 *
 * *Method.* Branches have a few forms: an opcode and a displacement of one byte, or one or two bytes of opcode and four of
 * displacement. Any bytes that look like one of them and lead to the address are looked for first, whether an instruction
 * begins there or not. Only if there are some, or somebody asks for instructions, the function is decoded, once.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import type { FunctionFlow } from "../jumps.ts";
import { decode } from "./decode.ts";
import { readInt32 } from "./immediate.ts";
import { checksStack } from "./stack_check.ts";
import { showsSteps, startsSteps } from "./steps.ts";

/** The size of a branch with a displacement of one byte, and of one with four behind the last byte of its opcode. */
const SHORT_BYTES = 2;
const NEAR_BYTES = 5;

/** What begins at a byte: nothing that is known, an instruction, or one that always goes on and can be performed elsewhere. */
const UNKNOWN = 0;
const INSTRUCTION = 1;
const STRAIGHT = 2;

/** What is found by decoding. */
interface Decoded {
  /** Where direct branches lead, as offsets in the function. */
  readonly targets: ReadonlySet<number>;
  /** What begins at each byte, up to the first that cannot be decoded. */
  readonly kinds: Uint8Array;
}

/** See `JumpInstaller.readFlow` of `jumps.ts`. */
export function readFlow(code: Uint8Array, address: Address): FunctionFlow {
  let near: Set<number> | undefined;
  let decoded: Decoded | undefined;
  const leadsTo = (offset: number): boolean => {
    near ??= findNear(code);
    if (!near.has(offset) && !mayLeadShort(code, offset)) return false;
    return (decoded ??= decodeAll(code, address)).targets.has(offset);
  };
  return {
    checksStack: () => checksStack(code, address),
    leadsTo: (target) => leadsTo(target - address),
    straightBefore(site, sizeBytes) {
      const offset = site - address;
      const { kinds } = decoded ??= decodeAll(code, address);
      let starts: number[] = [];
      if (kinds[offset] === UNKNOWN || leadsTo(offset)) return starts;
      for (let at = Math.max(0, offset - sizeBytes); at < offset; at++) {
        if (kinds[at] === UNKNOWN) {
          // A branch into an instruction, such as one behind its prefix.
          if (leadsTo(at)) starts = [];
          continue;
        }
        // A branch may lead to the first one, but to none of those behind it.
        if (kinds[at] !== STRAIGHT || leadsTo(at)) starts = [];
        if (kinds[at] === STRAIGHT) starts.push(at - offset);
      }
      return starts;
    },
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

function decodeAll(code: Uint8Array, address: Address): Decoded {
  const targets = new Set<number>();
  const kinds = new Uint8Array(code.length);
  let isSound = true;
  for (let offset = 0; offset < code.length;) {
    const instruction = decode(code, offset, (address + offset) as Address);
    if (instruction === undefined) {
      isSound = false;
      offset++;
      continue;
    }
    const { flow, length, ripRelative, refusal, target } = instruction;
    if (target !== undefined && flow !== "call") targets.add(target - address);
    const isStraight = flow === "next" && refusal === undefined && !ripRelative && !showsSteps(instruction) &&
      !startsSteps(instruction);
    if (isSound) kinds[offset] = isStraight ? STRAIGHT : INSTRUCTION;
    offset += length;
  }
  return { targets, kinds };
}
