/**
 * The contents of pads: what a hit does instead of stopping, and the displaced instructions.
 *
 * *Problem.* A pad runs in the program's threads, with all their registers, flags and the red zone in use, on whatever stack
 * there is, in any number of threads at once, and must leave no trace.
 *
 * *Method.*
 *
 * ```text
 *   areas:  .quad  address of the first CPU's area
 *  (left:   .quad  address of the function)
 *   quiet:  pop %rax; pop %rcx; lea 128(%rsp),%rsp; jmp copies
 *   entry: (jcc taken; jmp copies; taken:)
 *           lea -128(%rsp),%rsp; (push target;) push %rcx; push %rax        below the red zone
 *           movabs $enabled,%rcx; mov (%rcx),%ecx; jrcxz quiet
 *           lahf; seto %al                                   the flags, but for DF, which nothing here changes
 *           rdpid %rcx; and $mask,%ecx; shl $size,%rcx; add areas(%rip),%rcx
 *          (mov 16(%rsp),%rcx; sub left(%rip),%rcx; cmp $size,%rcx; jb stays)
 *           lock incq counter(%rcx)
 *  (stays:) add $127,%al; sahf; pop %rax; pop %rcx; lea 128(%rsp),%rsp
 *   copies: the displaced instructions of the window; a jump back
 * ```
 *
 * The counter is that of the CPU, so that the locked add costs what an add in the cache costs; it is locked because a
 * thread may be moved to another CPU in between. `lahf` and `seto` save what `pushf` would for a third of its time.
 *
 * *Leaving a function.* A return probe on a branch or an indirect jump counts if control leaves the function. A branch is
 * tried first, with the flags as they are. The target of an indirect jump is pushed, by the same operand, and compared with
 * the function. The copies then perform the instruction in either case.
 *
 * *Before the site.* If the window begins before it, the copies of what is there and a jump over the data come first.
 *
 * *Invariants.*
 * - All pushes come before a register is changed. If one of them faults, because the stack ends there, the thread can be set
 *   back to the site; from then on it is *held* until the copies begin, and nothing that it does can fault or block.
 * - The word `enabled` is tested first: in a child of fork(2) it is 0 (`MADV_WIPEONFORK`), and so it is without a tracer.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import type { JumpWindow, PadAction, PadCode, PadMemory } from "../isa.ts";
import { decode } from "./decode.ts";
import { appendDisplaced, pushCopy } from "./displace.ts";
import { PREFIX, type X86Instruction } from "./instruction.ts";
import { usesStackPointer } from "./operands.ts";
import { SlotCode } from "./slot_code.ts";
import { instructionsOf } from "./window.ts";

/** The size of the red zone below the stack pointer, in bytes (psABI 3.2.2). */
const RED_ZONE_BYTES = 128;
/** What an area's address, and what is pushed, takes, in bytes. */
const WORD_BYTES = 8;

const LEA_DOWN = [0x48, 0x8d, 0x64, 0x24, 0x80]; // lea -128(%rsp),%rsp
const PUSH_RCX = 0x51;
const PUSH_RAX = 0x50;
const POP_BOTH = [0x58, 0x59]; // pop %rax; pop %rcx
const LEA_UP_BYTES = 8;

/** Prefixes with which an indirect jump and a push have the same operand. */
const OPERAND_PREFIXES = PREFIX.FS | PREFIX.GS | PREFIX.OTHER_SEGMENT;

/** See `JumpInstaller.makePad` of `isa.ts`. */
export function makePad(
  window: JumpWindow,
  pad: Address,
  memory: PadMemory,
  action: PadAction,
  keepsResume = true,
): PadCode | undefined {
  const instructions = instructionsOf(window);
  const siteIndex = window.siteOffset === 0 ? 0 : window.boundaries.indexOf(window.siteOffset) + 1;
  const site = instructions[siteIndex]!;
  const code = window.code.subarray(window.siteOffset);
  const left = site.flow === "indirect-jump" ? action.leaving : undefined;
  const stackBytes = RED_ZONE_BYTES + (left === undefined ? 0 : WORD_BYTES);
  const dataBytes = WORD_BYTES * (left === undefined ? 1 : 2) + POP_BOTH.length + LEA_UP_BYTES + 2;
  const entry = siteIndex === 0 ? dataBytes : 0;
  const out = new SlotCode(toAddress(pad - entry), keepsResume);
  const earlier = siteIndex === 0 ? [] : appendEarlier(window, instructions.slice(0, siteIndex), dataBytes, out);
  if (earlier === undefined) return undefined;
  const { address } = site;
  const data = out.length;
  out.resume(address, false, { isHeld: true });
  out.word(memory.areas);
  if (left !== undefined) out.word(left.address);
  const quiet = out.length;
  appendPops(stackBytes, out);
  out.bytes(0xeb, 0); // jmp copies
  const quietEnd = out.length;
  const notTaken = site.flow === "branch" && action.leaving !== undefined ? appendBranch(site, out) : undefined;
  if (!appendPushes(code, site, left !== undefined, out)) return undefined;
  out.resume(address, false, { isHeld: true });
  out.bytes(0x48, 0xb9); // movabs $enabled,%rcx
  out.word(memory.enabled);
  out.bytes(0x8b, 0x09); // mov (%rcx),%ecx
  out.bytes(0xe3, quiet - (out.length + 2)); // jrcxz quiet
  out.bytes(0x9f, 0x0f, 0x90, 0xc0); // lahf; seto %al
  const stays = left === undefined ? undefined : appendComparison(data, left.sizeBytes, out);
  appendArea(data, memory, out);
  out.bytes(0xf0, 0x48, 0xff, 0x81); // lock incq counter(%rcx)
  out.half(action.counterOffset);
  if (stays !== undefined) out.patch(stays - 1, out.length - stays);
  out.bytes(0x04, 0x7f, 0x9e); // add $127,%al; sahf
  appendPops(stackBytes, out);
  out.patch(quietEnd - 1, out.length - quietEnd);
  if (notTaken !== undefined) out.patch(notTaken - 1, out.length - notTaken);
  const copies = appendCopies(window, instructions.slice(siteIndex), out);
  if (copies === undefined) return undefined;
  return { ...out.finish(), entry, begin: quietEnd, copies: [...earlier, ...copies] };
}

/** Writes the copies of what is before the site, and a jump over the data. Returns where each begins. */
function appendEarlier(
  { address, code, siteOffset }: JumpWindow,
  instructions: readonly X86Instruction[],
  dataBytes: number,
  out: SlotCode,
): number[] | undefined {
  const copies: number[] = [];
  for (const instruction of instructions) {
    copies.push(out.length);
    const bytes = code.subarray(instruction.address - address);
    if (!appendDisplaced(instruction, bytes, out, { jumpsBack: false })) return undefined;
  }
  out.resume(toAddress(address + siteOffset), false);
  out.bytes(0xeb, dataBytes); // jmp begin
  return copies;
}

/** See `JumpInstaller.canTellLeaving` of `isa.ts`. */
export function canTellLeaving(window: JumpWindow): boolean {
  const first = decode(window.code, window.siteOffset, toAddress(window.address + window.siteOffset))!;
  const { flow, map, opcode, prefixes } = first;
  // loop and jrcxz count and test a register.
  if (flow === "branch") return map === 1 || (opcode & 0xf0) === 0x70;
  return flow === "indirect-jump" && (prefixes & ~OPERAND_PREFIXES) === 0 && !usesStackPointer(first);
}

/** Has a thread that does not take a branch go on with the copies. Returns where the displacement of that jump ends. */
function appendBranch({ address, map, opcode }: X86Instruction, out: SlotCode): number {
  out.resume(address, false);
  out.bytes(map === 0 ? opcode : 0x70 | (opcode & 15), 2); // over the jump
  out.resume(address, false);
  out.bytes(0xeb, 0); // jmp copies
  return out.length;
}

/** Saves what is used, with the target of an indirect jump above it. Returns whether that can be done. */
function appendPushes(code: Uint8Array, first: X86Instruction, withTarget: boolean, out: SlotCode): boolean {
  const { address } = first;
  let stackBytes = RED_ZONE_BYTES;
  out.resume(address, false);
  out.bytes(...LEA_DOWN);
  out.resume(address, false, { stackBytes });
  if (withTarget) {
    const copy = pushCopy(first, code, out.here);
    if (copy === undefined) return false;
    out.copy(copy);
    stackBytes += WORD_BYTES;
    out.resume(address, false, { stackBytes });
  }
  out.bytes(PUSH_RCX);
  out.resume(address, false, { stackBytes: stackBytes + WORD_BYTES });
  out.bytes(PUSH_RAX);
  return true;
}

function appendPops(stackBytes: number, out: SlotCode): void {
  out.bytes(...POP_BOTH);
  out.bytes(0x48, 0x8d, 0xa4, 0x24); // lea bytes(%rsp),%rsp
  out.half(stackBytes);
}

/** Skips what follows if the target that was pushed is inside of the function. Returns where the displacement ends. */
function appendComparison(data: number, sizeBytes: number, out: SlotCode): number {
  out.bytes(0x48, 0x8b, 0x4c, 0x24, 2 * WORD_BYTES); // mov 16(%rsp),%rcx
  out.bytes(0x48, 0x2b, 0x0d); // sub left(%rip),%rcx
  out.half(data + WORD_BYTES - (out.length + 4));
  out.bytes(0x48, 0x81, 0xf9); // cmp $size,%rcx
  out.half(sizeBytes);
  out.bytes(0x72, 0); // jb stays
  return out.length;
}

/** Writes the address of the CPU's area into rcx. */
function appendArea(data: number, { areasTotal, areaBytes }: PadMemory, out: SlotCode): void {
  out.bytes(0xf3, 0x0f, 0xc7, 0xf9); // rdpid %rcx
  out.bytes(0x81, 0xe1); // and $mask,%ecx
  out.half(areasTotal - 1);
  out.bytes(0x48, 0xc1, 0xe1, Math.log2(areaBytes)); // shl $size,%rcx
  out.bytes(0x48, 0x03, 0x0d); // add areas(%rip),%rcx
  out.half(data - (out.length + 4));
}

/** Writes the displaced instructions. Returns where each begins; undefined if one cannot be displaced. */
function appendCopies(
  { code, address }: JumpWindow,
  instructions: readonly X86Instruction[],
  out: SlotCode,
): number[] | undefined {
  const copies: number[] = [];
  for (let index = 0; index < instructions.length; index++) {
    const instruction = instructions[index]!;
    const offset = instruction.address - address;
    // Padding that is a trap stays the program's own, where it is.
    if (index > 0 && instruction.refusal !== undefined) {
      copies.push(-1);
      continue;
    }
    copies.push(out.length);
    const jumpsBack = index === instructions.length - 1 || instructions[index + 1]!.refusal !== undefined;
    if (!appendDisplaced(instruction, code.subarray(offset), out, { jumpsBack })) return undefined;
  }
  return copies;
}
