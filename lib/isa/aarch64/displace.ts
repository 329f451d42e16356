/**
 * Displaced copies of A64 instructions.
 *
 * *Problem.* An instruction is to run elsewhere and leave the same registers, flags and memory as in its place. What it
 * can tell of its place is the pc: in branches, addresses and literals, and in the link register after a call. No register
 * is free.
 *
 * *Method.* Constants are kept in the slot, behind the instructions; each is loaded into the register that the
 * instruction is about to overwrite anyway.
 *
 * | instruction | in the slot |
 * | --- | --- |
 * | `b target` | `b target` |
 * | `b.cond`, `cbz`, `tbz`... | `b.cond taken; b next; taken: b target` |
 * | `bl target` | `ldr x30, =next; b target` |
 * | `blr xn`, `blraa xn, xm` | `ldr x30, =next; br xn` or `braa xn, xm` |
 * | `br`, `ret`, `braa`, `retaa`... | itself |
 * | `adr`, `adrp` | `ldr xd, =address; b next` |
 * | `ldr xt, literal` | `ldr xt, =address; ldr xt, [xt]; b next` |
 * | `ldr qt, literal`, `prfm literal` | itself with another distance, if that is in reach; `b next` |
 * | anything else | itself; `b next` |
 *
 * A slot is no page that is guarded by landing pads (`PROT_BTI`). From there `br` may lead to each kind of them.
 *
 * *Invariants.* Every instruction of the slot has a resume point. Until the original instruction has taken effect only the
 * register that it overwrites has changed, so that a thread that is set back does the same as if it had not moved.
 *
 * *Refusals.* What `b` does not reach from the slot; literals of vectors that are out of reach, since no register is free
 * for their address; calls through the link register; and system calls: one that was interrupted by a signal stands at
 * its own `svc`, and whether it fails or is repeated the kernel decides only if the pc has not been changed meanwhile
 * (do_signal in arch/arm64/kernel/signal.c).
 *
 * *What remains visible.* Behind a displaced `blr` the landing pad may be one for `br` as well. With a guarded control
 * stack the return of a displaced call faults; its owner must be stepped instead (rule 144).
 *
 * @module
 */

import { type Address, isAddress, toAddress } from "../../address.ts";
import type { Displacement } from "../isa.ts";
import { type A64Instruction, INSTRUCTION_BYTES, registerField } from "./instruction.ts";
import { NUMBER_31 } from "./registers.ts";
import { SlotCode } from "./slot_code.ts";

/** The size that every slot fits in, in bytes: the longest are three instructions and a constant. */
export const SLOT_BYTES = 32;

/** The number of the link register. */
const LINK = 30;
/** The bit by which `blr` and `br` differ. */
const LINK_BIT = 0x0020_0000;
const NOP = 0xd503_201f;
/** The distance of a branch that skips the next instruction, in instructions. */
const OVER_NEXT = 2;

/**
 * Makes the contents of a slot for an instruction.
 *
 * @param instruction The decoded original instruction.
 * @param _code Its original bytes, which the instruction has as well.
 * @param slot The address at which the slot will be.
 * @returns The contents; undefined if a copy elsewhere cannot have the same effect.
 */
export function displace(instruction: A64Instruction, _code: Uint8Array, slot: Address): Displacement | undefined {
  const out = new SlotCode(slot);
  return appendDisplaced(instruction, out) ? out.finish() : undefined;
}

/**
 * Appends the displaced copy of an instruction and the way back.
 *
 * @param instruction The decoded original instruction.
 * @param out What it is appended to.
 * @returns Whether it was; false if a copy elsewhere cannot have the same effect.
 */
export function appendDisplaced(instruction: A64Instruction, out: SlotCode): boolean {
  const { address, flow, kind, operand, refusal, target, word } = instruction;
  if (refusal !== undefined || flow === "other" || flow === "system-call") return false;
  const next = toAddress(address + INSTRUCTION_BYTES);
  out.resume(address, false);
  switch (kind) {
    case "b":
      return target !== undefined && out.branch(target);
    case "bl":
      out.load(LINK, next);
      out.resume(address, false);
      return target !== undefined && out.branch(target);
    case "b.cond":
    case "cbz":
    case "tbz":
      return appendBranch(skippingNext(instruction), next, target, out);
    case "register":
    case "register-authenticated":
      return flow === "indirect-call" ? appendIndirectCall(instruction, next, out) : append(word, out);
    case "adr":
    case "adrp":
      if (!isAddress(operand)) return false;
      out.load(registerField(word, 0), operand);
      break;
    case "literal":
      if (!appendLiteral(instruction, out)) return false;
      break;
    case "vector-literal":
    case "prefetch-literal": {
      const near = withDistance(word, operand - out.here);
      // A prefetch of anything is a hint.
      if (near === undefined && kind === "vector-literal") return false;
      out.words(near ?? NOP);
      break;
    }
    default:
      out.words(word);
  }
  out.resume(next, true);
  return out.branch(next);
}

/**
 * Makes a conditional branch that skips the next instruction if the original one is taken.
 *
 * @param instruction The original one.
 * @returns The branch.
 */
export function skippingNext({ kind, word }: A64Instruction): number {
  const field = kind === "tbz" ? 0x3fff : 0x7ffff;
  return ((word & ~(field << 5)) | (OVER_NEXT << 5)) >>> 0;
}

function append(word: number, out: SlotCode): true {
  out.words(word);
  return true;
}

/** Writes a branch whose distance skips the way on, and behind that the way to its target. */
function appendBranch(word: number, next: Address, target: Address | undefined, out: SlotCode): boolean {
  if (target === undefined) return false;
  out.words(word);
  out.resume(next, true);
  if (!out.branch(next)) return false;
  out.resume(target, true);
  return out.branch(target);
}

/** The return address is that of the original; a target in the link register would be lost. */
function appendIndirectCall({ address, kind, word }: A64Instruction, next: Address, out: SlotCode): boolean {
  const hasModifier = kind === "register-authenticated" && registerField(word, 0) === LINK;
  if (registerField(word, 5) === LINK || hasModifier) return false;
  out.load(LINK, next);
  out.resume(address, false);
  return append((word & ~LINK_BIT) >>> 0, out);
}

/** `ldr` of 32 or 64 bits, or `ldrsw`, through its own register, of which all bits are overwritten. */
function appendLiteral({ address, operand, word }: A64Instruction, out: SlotCode): boolean {
  const near = withDistance(word, operand - out.here);
  if (near !== undefined) return append(near, out);
  const register = registerField(word, 0);
  if (register === NUMBER_31 || !isAddress(operand)) return false;
  out.load(register, operand);
  out.resume(address, false);
  const load = [0xb940_0000, 0xf940_0000, 0xb980_0000][word >>> 30]!;
  return append((load | (register << 5) | register) >>> 0, out);
}

/** Changes the distance of a literal; undefined if it is out of reach. */
function withDistance(word: number, distance: number): number | undefined {
  const field = distance / INSTRUCTION_BYTES;
  if (!Number.isInteger(field) || field < -(2 ** 18) || field >= 2 ** 18) return undefined;
  return ((word & ~(0x7ffff << 5)) | ((field & 0x7ffff) << 5)) >>> 0;
}
