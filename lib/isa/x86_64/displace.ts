/**
 * Displaced copies of x86-64 instructions.
 *
 * *Problem.* An instruction is to run elsewhere and leave the same registers, flags and memory as in its place. What it
 * can tell of its place is the pc: in RIP-relative operands, relative targets, return addresses, and in rcx after
 * `syscall`.
 *
 * *Method.* Nothing depends on free registers or on the thread: the slot is near enough for a new displacement.
 *
 * | instruction | in the slot |
 * | --- | --- |
 * | `jmp` | `jmp target` |
 * | `jcc`, `loop`, `jrcxz` | `jcc taken; jmp next; taken: jmp target` |
 * | `call target` | `push $lo(next); movl $hi(next), 4(%rsp); jmp target` |
 * | `call *reg` | the same with `jmp *reg` |
 * | `call *mem` | `push mem; push (%rsp); lea 8(%rsp),%rsp; movl $lo(next),(%rsp); movl $hi(next),4(%rsp); jmp *-8(%rsp)` |
 * | `jmp *operand`, `ret` | itself |
 * | `syscall` | `syscall; movabs $next,%rcx; jmp next` |
 * | anything else | itself; `jmp next` |
 *
 * `jmp X` is 5 bytes, or 14 where X is out of reach of a 32-bit displacement. `call *mem` is the longest with up to
 * 15 + 3 + 5 + 7 + 8 + 4 = 42 bytes. It begins with `push mem`, which differs from it in ModRM.reg only: the operand
 * is read before the return address is written, and with the stack pointer that `call` would use. The target then
 * waits below the stack pointer, in the red zone, where signal handlers leave it alone. No sequence changes a flag, and
 * the return address is always the original one.
 *
 * *Invariants.* Every instruction of the slot has a resume point. A fault is the original's own, in the copy itself or
 * in the push that stands for it, and is reported at the original pc.
 *
 * *What remains visible.*
 * - `call *mem` needs, and changes, the second word below the caller's stack pointer, which becomes the callee's own.
 * - The pointer to the last x87 instruction, which `fnstenv` and `fxsave` store, names the slot.
 * - A signal between `syscall` and the next instruction finds the slot's address in rcx, which the call destroys anyway.
 * - A jump behind `popf` would be a step more of a program that makes itself step by it: it has no copy.
 * - With a shadow stack (CET), the return of a displaced call faults; its owner must be stepped instead (rule 144).
 *
 * @module
 */

import { type Address, highHalf, toAddress } from "../../address.ts";
import type { Displacement } from "../isa.ts";
import { PREFIX, type X86Instruction } from "./instruction.ts";
import { isRegisterForm } from "./operands.ts";
import { RCX } from "./registers.ts";
import { isInt32, SlotCode } from "./slot_code.ts";
import { startsSteps } from "./steps.ts";

/** The size that every slot fits in, in bytes. */
export const SLOT_BYTES = 64;

/** ModRM.reg, and its values that make FF an indirect jump or a push. */
const MODRM_REG = 0x38;
const JUMP_REG = 0x20;
const PUSH_REG = 0x30;

/**
 * Makes the contents of a slot for an instruction.
 *
 * @param instruction The decoded original instruction.
 * @param code The original bytes of the instruction.
 * @param slot The address at which the slot will be.
 * @returns The contents; undefined if a copy elsewhere cannot have the same effect.
 */
export function displace(instruction: X86Instruction, code: Uint8Array, slot: Address): Displacement | undefined {
  const out = new SlotCode(slot);
  return appendDisplaced(instruction, code, out, { jumpsBack: true }) ? out.finish() : undefined;
}

/** What comes behind a displaced instruction. */
export interface DisplacedEnd {
  /** Whether a jump to the original next instruction does; else its own displaced copy. */
  readonly jumpsBack: boolean;
  /** Where that jump leads instead, to what stands for the next instruction. */
  readonly entry?: Address | undefined;
}

/**
 * Appends the displaced copy of an instruction.
 *
 * @param instruction The decoded original instruction.
 * @param code The original bytes of the instruction.
 * @param out What it is appended to.
 * @param end What comes behind it.
 * @returns Whether it was; false if a copy elsewhere cannot have the same effect.
 */
export function appendDisplaced(
  instruction: X86Instruction,
  code: Uint8Array,
  out: SlotCode,
  end: DisplacedEnd,
): boolean {
  const { flow } = instruction;
  if (instruction.refusal !== undefined || flow === "other" || startsSteps(instruction)) return false;
  // Processors disagree on what the operand-size prefix does to a transfer, and the lock prefix makes it invalid.
  if (flow !== "next" && (instruction.prefixes & (PREFIX.OPERAND_SIZE | PREFIX.LOCK)) !== 0) return false;
  out.resume(instruction.address, false);
  if (flow === "jump" || flow === "branch" || flow === "call") return displaceDirect(instruction, out, end);
  if (flow === "system-call") return displaceSystemCall(instruction, out);
  const copy = relocate(instruction, code, out.here);
  if (copy === undefined) return false;
  if (flow === "indirect-call") return displaceIndirectCall(instruction, copy, out);
  out.copy(copy);
  if (flow === "next" && end.jumpsBack) {
    const next = nextAddress(instruction);
    out.resume(next, true);
    out.jump(end.entry ?? next);
  }
  return true;
}

/** Copies an instruction so that its RIP-relative operand, if it has one, stays the same from the slot. */
function relocate(instruction: X86Instruction, code: Uint8Array, slot: Address): Uint8Array | undefined {
  if (!instruction.ripRelative) return code.subarray(0, instruction.length);
  const copy = code.slice(0, instruction.length);
  // Cut to 32 bits, the address of the slot may have lost what the displacement would have to make up for.
  if ((instruction.prefixes & PREFIX.ADDRESS_SIZE) !== 0) return undefined;
  const displacement = instruction.displacement + (instruction.address - slot);
  if (!isInt32(displacement)) return undefined;
  new DataView(copy.buffer).setInt32(instruction.displacementOffset, displacement, true);
  return copy;
}

/**
 * Makes a push of what an indirect jump or call leads to.
 *
 * @param instruction The jump or call.
 * @param code Its bytes.
 * @param address Where the push will be.
 * @returns Its bytes; undefined if its operand does not reach from there.
 */
export function pushCopy(instruction: X86Instruction, code: Uint8Array, address: Address): Uint8Array | undefined {
  const copy = relocate(instruction, code, address);
  return copy === undefined ? undefined : withModrmReg(instruction, copy, PUSH_REG);
}

/** Transfers whose target is in the instruction, which get one that reaches it. */
function displaceDirect(instruction: X86Instruction, out: SlotCode, end: DisplacedEnd): boolean {
  const { flow, map, opcode, prefixes, target } = instruction;
  if (target === undefined) return false;
  if (flow === "branch") {
    const next = nextAddress(instruction);
    if (map === 0 && opcode >= 0xe0 && (prefixes & PREFIX.ADDRESS_SIZE) !== 0) out.bytes(0x67); // counts in ecx
    const shortOpcode = map === 0 ? opcode : 0x70 | (opcode & 15);
    if (!end.jumpsBack) {
      out.branchAway(shortOpcode, target, next);
      return true;
    }
    const back = end.entry ?? next;
    out.branchOverJump(shortOpcode, back);
    out.resume(next, true);
    out.jump(back);
    out.resume(target, true);
  } else if (flow === "call") {
    pushReturnAddress(instruction, out);
    out.resume(target, true);
  }
  out.jump(target);
  return true;
}

function displaceIndirectCall(instruction: X86Instruction, copy: Uint8Array, out: SlotCode): boolean {
  const { address, modrm } = instruction;
  if (isRegisterForm(instruction)) {
    // The target of `call *%rsp` would be the stack pointer before the push.
    if ((modrm & 7) === 4 && ((instruction.wrxb | instruction.rxb4) & 1) === 0) return false;
    pushReturnAddress(instruction, out);
    out.resume(address, false, { stackBytes: 8 });
    out.copy(withModrmReg(instruction, copy, JUMP_REG));
    return true;
  }
  const next = nextAddress(instruction);
  out.copy(withModrmReg(instruction, copy, PUSH_REG));
  out.resume(address, false, { stackBytes: 8 });
  out.bytes(0xff, 0x34, 0x24); // push (%rsp)
  out.resume(address, false, { stackBytes: 16 });
  out.bytes(0x48, 0x8d, 0x64, 0x24, 8); // lea 8(%rsp),%rsp
  out.resume(address, false, { stackBytes: 8 });
  out.bytes(0xc7, 0x04, 0x24); // movl $lo,(%rsp)
  out.half(next);
  out.resume(address, false, { stackBytes: 8 });
  out.bytes(0xc7, 0x44, 0x24, 4); // movl $hi,4(%rsp)
  out.half(highHalf(next));
  out.resume(address, false, { stackBytes: 8 });
  out.bytes(0xff, 0x64, 0x24, 0xf8); // jmp *-8(%rsp)
  return true;
}

/** Changes the operation of an FF instruction. */
function withModrmReg(instruction: X86Instruction, original: Uint8Array, reg: number): Uint8Array {
  const copy = original.slice();
  copy[instruction.modrmOffset] = (instruction.modrm & ~MODRM_REG) | reg;
  return copy;
}

/** Pushes the address behind the original instruction; the caller states where the thread is then. */
function pushReturnAddress(instruction: X86Instruction, out: SlotCode): void {
  const next = nextAddress(instruction);
  out.bytes(0x68); // push $lo, sign-extended
  out.half(next);
  out.resume(instruction.address, false, { stackBytes: 8 });
  out.bytes(0xc7, 0x44, 0x24, 4); // movl $hi,4(%rsp)
  out.half(highHalf(next));
}

/**
 * A child that the call makes begins behind it, in the slot. A call that is interrupted and repeated begins again at
 * its own two bytes, which is why the prefixes, without a meaning here, are left out.
 */
function displaceSystemCall(instruction: X86Instruction, out: SlotCode): boolean {
  const next = nextAddress(instruction);
  out.bytes(0x0f, 0x05); // syscall, which leaves its next address in rcx
  out.resume(next, true, { pcRegister: RCX });
  out.bytes(0x48, 0xb9); // movabs $next,%rcx
  out.word(next);
  out.resume(next, true);
  out.jump(next);
  return true;
}

function nextAddress(instruction: X86Instruction): Address {
  return toAddress(instruction.address + instruction.length);
}
