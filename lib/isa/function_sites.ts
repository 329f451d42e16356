/**
 * Where probes can be in a function: its instructions and the places where control leaves it.
 *
 * *Problem.* An offset probe may only sit on the first byte of an instruction, and a return probe on what ends the
 * function; all that is known is the function's bytes.
 *
 * *Method.* The bytes are decoded one instruction after the other. If that meets bytes that are no instruction, or one
 * that crosses the function's end, or that loads a constant out of the function, there is data in the code, and what was
 * decoded before may already have been data: a trap written there would change it. Then only what control certainly reaches
 * is kept (fasttrap rule 115): the first instruction, and from each instruction the next one and the target of a direct
 * jump or branch.
 *
 * *Return sites* (rule 116): returns; direct jumps and branches that leave the function, which are tail calls. An
 * indirect jump may be a tail call or a jump table; only its target tells, so these are listed apart.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import type { Instruction, Isa } from "./isa.ts";

/** The instructions of a function. All offsets are from its first byte, in ascending order. */
export interface FunctionSites {
  /** The instructions. */
  readonly offsets: Uint32Array;
  /** Those of them that always leave the function when they transfer control. */
  readonly returns: Uint32Array;
  /** Indirect jumps: those of them that leave the function if their target is outside of it. */
  readonly possibleReturns: Uint32Array;
  /** Whether the whole function could be decoded. If not, there are instructions that are missing here. */
  readonly complete: boolean;
}

/** What is known of a byte of the function: nothing, it is inside an instruction, or what begins there. */
const UNKNOWN = 0;
const INSIDE = 1;
const PLAIN = 2;
const RETURN = 3;
const POSSIBLE_RETURN = 4;

/**
 * Finds the instructions and return sites of a function.
 *
 * @param isa The instruction set.
 * @param code The bytes of the function.
 * @param address Its address.
 * @returns The sites.
 */
export function findFunctionSites(isa: Isa, code: Uint8Array, address: Address): FunctionSites {
  const kinds = new Uint8Array(code.length);
  const complete = sweep(isa, code, address, kinds);
  if (!complete) {
    kinds.fill(UNKNOWN);
    follow(isa, code, address, kinds);
  }
  return collect(kinds, complete);
}

/**
 * Tells whether an instruction begins at an offset.
 *
 * @param sites The sites of the function.
 * @param offset The offset in the function in bytes.
 * @returns Whether one certainly does. O(log n).
 */
export function isInstructionStart(sites: FunctionSites, offset: number): boolean {
  const { offsets } = sites;
  let from = 0;
  let to = offsets.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (offsets[middle]! < offset) from = middle + 1;
    else to = middle;
  }
  return offsets[from] === offset;
}

/** Decodes from the first byte to the last; returns whether there was nothing but instructions. */
function sweep(isa: Isa, code: Uint8Array, address: Address, kinds: Uint8Array): boolean {
  let offset = 0;
  while (offset < code.length) {
    const instruction = isa.decode(code, offset, toAddress(address + offset));
    if (instruction === undefined || readsInside(instruction, address, code.length)) return false;
    kinds[offset] = kindOf(instruction, address, code.length);
    offset += instruction.length;
  }
  return offset === code.length;
}

/** Decodes what control reaches from the first byte. */
function follow(isa: Isa, code: Uint8Array, address: Address, kinds: Uint8Array): void {
  const pending = [0];
  for (let offset = pending.pop(); offset !== undefined; offset = pending.pop()) {
    while (offset < code.length && kinds[offset] === UNKNOWN) {
      const instruction = isa.decode(code, offset, toAddress(address + offset));
      // Of instructions that share bytes, a trap in one would change the other: the first that is found counts.
      if (instruction === undefined || !mark(instruction, address, kinds)) break;
      markLiteral(instruction, address, kinds);
      const { flow, target } = instruction;
      if ((flow === "jump" || flow === "branch") && target !== undefined && isInside(target, address, code.length)) {
        pending.push(target - address);
      }
      if (!goesOn(instruction)) break;
      offset += instruction.length;
    }
  }
}

/** Notes an instruction; returns false, and notes nothing, if one of its bytes is another's or not the function's. */
function mark(instruction: Instruction, address: Address, kinds: Uint8Array): boolean {
  const offset = instruction.address - address;
  const end = offset + instruction.length;
  if (end > kinds.length) return false;
  for (let i = offset; i < end; i++) if (kinds[i] !== UNKNOWN) return false;
  kinds.fill(INSIDE, offset, end);
  kinds[offset] = kindOf(instruction, address, kinds.length);
  return true;
}

/** Notes the constant that an instruction loads out of the function, so that no instruction is seen in it. */
function markLiteral({ literal }: Instruction, address: Address, kinds: Uint8Array): void {
  const begin = (literal?.address ?? address) - address;
  const end = Math.min(begin + (literal?.sizeBytes ?? 0), kinds.length);
  for (let offset = Math.max(begin, 0); offset < end; offset++) if (kinds[offset] === UNKNOWN) kinds[offset] = INSIDE;
}

function kindOf({ flow, target }: Instruction, address: Address, sizeBytes: number): number {
  switch (flow) {
    case "return":
      return RETURN;
    case "indirect-jump":
      return POSSIBLE_RETURN;
    case "jump":
    case "branch":
      return target === undefined || isInside(target, address, sizeBytes) ? PLAIN : RETURN;
    default:
      return PLAIN;
  }
}

/** Whether an instruction loads a constant out of the function: there is data in it, which may look like code. */
function readsInside({ literal }: Instruction, address: Address, sizeBytes: number): boolean {
  return literal !== undefined && isInside(literal.address, address, sizeBytes);
}

function isInside(target: Address, address: Address, sizeBytes: number): boolean {
  return target >= address && target < address + sizeBytes;
}

/** Whether control can get behind an instruction by way of it. */
function goesOn({ flow }: Instruction): boolean {
  return flow !== "jump" && flow !== "indirect-jump" && flow !== "return" && flow !== "other";
}

function collect(kinds: Uint8Array, complete: boolean): FunctionSites {
  const counts = new Uint32Array(POSSIBLE_RETURN + 1);
  for (let offset = 0; offset < kinds.length; offset++) counts[kinds[offset]!]!++;
  const returns = new Uint32Array(counts[RETURN]!);
  const possibleReturns = new Uint32Array(counts[POSSIBLE_RETURN]!);
  const offsets = new Uint32Array(counts[PLAIN]! + returns.length + possibleReturns.length);
  let next = 0;
  let nextReturn = 0;
  let nextPossible = 0;
  for (let offset = 0; offset < kinds.length; offset++) {
    const kind = kinds[offset]!;
    if (kind < PLAIN) continue;
    offsets[next++] = offset;
    if (kind === RETURN) returns[nextReturn++] = offset;
    else if (kind === POSSIBLE_RETURN) possibleReturns[nextPossible++] = offset;
  }
  return { offsets, returns, possibleReturns, complete };
}
