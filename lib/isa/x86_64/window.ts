/**
 * Which instructions a jump of five bytes takes the place of, and where it can lead.
 *
 * *Problem.* `jmp rel32` (E9, Intel SDM vol. 2) has five bytes, most instructions have fewer. A thread that stands at one of
 * the overwritten instructions, a return address on some stack, a branch from elsewhere would run into the middle of the
 * jump.
 *
 * *Method.* Each byte of the jump at which an instruction began is made a trap of its own, `int3`. Four of the five bytes are
 * the displacement, so that this is a condition on the address of the pad: where the fifth byte was the beginning of an
 * instruction, the displacement is CCxxxxxx, and the pad between 855 and 872 MB before the site; where the second was,
 * the pad is at one address of 256. Where that far below the site there is no memory, as in programs at fixed addresses, the
 * last byte is `37` or `3f`, which are no instructions in 64-bit mode and raise SIGILL. Whoever lands there makes a trap, and is sent to the displaced copy in the pad. So the
 * jump is right whatever the flow of control is; only the time of such a landing is lost.
 *
 * *Invariants.* What is overwritten belongs to the function, or is padding behind it. A call is the last instruction of a
 * window, so that no return address leads into it. Instructions that show where they run, or how they are stepped over
 * (`syscall`, `pushf`), or behind which steps begin (`popf`), are in no window.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import type { JumpWindow } from "../isa.ts";
import { decode } from "./decode.ts";
import type { X86Instruction } from "./instruction.ts";
import { showsSteps, startsSteps } from "./steps.ts";

/** The size of `jmp rel32` in bytes. */
export const JUMP_BYTES = 5;
/** The displacements CCxxxxxx, as signed numbers, begin here. */
export const PAD_DISTANCE = -0x34000000;
/** `int3`. */
const TRAP_BYTE = 0xcc;
/** What else can be the last byte: `aaa` and `aas`, invalid in 64-bit mode (Intel SDM vol. 2). */
const LAST_BYTES = [TRAP_BYTE, 0x37, 0x3f];
/** Compilers align functions to this, in bytes: another one may begin there. */
const FUNCTION_ALIGNMENT = 16;

/** See `JumpInstaller.findWindow` of `isa.ts`. */
export function findWindow(
  code: Uint8Array,
  offset: number,
  address: Address,
  functionEnd: Address,
): JumpWindow | string {
  const instructions: X86Instruction[] = [];
  const boundaries: number[] = [];
  let size = 0;
  while (size < JUMP_BYTES) {
    const at = toAddress(address + size);
    const instruction = decode(code, offset + size, at);
    if (instruction === undefined) return "what follows it cannot be decoded";
    const reason = at < functionEnd
      ? refusalOf(instruction, size, code[offset + size]!)
      : isPadding(instruction, code[offset + size]!)
      ? undefined
      : "another function follows too closely";
    if (reason !== undefined) return reason;
    if (size > 0) boundaries.push(size);
    instructions.push(instruction);
    size += instruction.length;
  }
  return { address, instructions, code: code.slice(offset, offset + size), boundaries };
}

/** Why an instruction of the function cannot be in a window; undefined if it can. */
function refusalOf(instruction: X86Instruction, before: number, firstByte: number): string | undefined {
  const { flow, length, map, opcode } = instruction;
  if (flow === "system-call") return "a system call shows where it is made";
  if (showsSteps(instruction)) return "pushf shows how it is stepped over";
  if (startsSteps(instruction)) return "popf may make what follows it be stepped";
  const isCall = flow === "call" || flow === "indirect-call";
  if (isCall && before + length < JUMP_BYTES) return "a call would return into the jump";
  if (before === 0) return undefined;
  if (instruction.refusal !== undefined || flow === "other") return "what follows it cannot be moved";
  if (firstByte === 0xf3 && map === 1 && opcode === 0x1e) return "indirect branches lead into the jump";
  return undefined;
}

/** Whether an instruction behind a function is there to fill the space up to the next one. */
function isPadding({ address, encoding, map, opcode }: X86Instruction, firstByte: number): boolean {
  if (address % FUNCTION_ALIGNMENT === 0) return false;
  if (firstByte === TRAP_BYTE) return true;
  return encoding === "legacy" && (map === 0 ? opcode === 0x90 : map === 1 && opcode === 0x1f);
}

/** See `JumpInstaller.padAddresses` of `isa.ts`. */
export function* padAddresses(window: JumpWindow, from: number, to: number): Generator<Address> {
  if (!window.boundaries.includes(JUMP_BYTES - 1)) return yield* matches(window, TRAP_BYTE, from, to);
  for (const last of LAST_BYTES) yield* matches(window, last, from, to);
}

/** The addresses for one last byte. */
function* matches(window: JumpWindow, lastByte: number, from: number, to: number): Generator<Address> {
  const origin = window.address + JUMP_BYTES;
  const first = Math.max(from - origin, -(2 ** 31));
  const last = Math.min(to - 1 - origin, 2 ** 31 - 1);
  let mask = 0;
  for (const boundary of window.boundaries) mask |= 0xff << (8 * (boundary - 1));
  mask >>>= 0;
  const wanted = ((0xcccccc | (lastByte << 24)) & mask) >>> 0;
  // The free bits below the lowest fixed one are counted through; above, whole steps are skipped.
  for (let displacement = first; displacement <= last;) {
    const next = nextMatch(displacement, mask, wanted);
    if (next === undefined || next > last) return;
    yield toAddress(origin + next);
    displacement = next + 1;
  }
}

/** The least displacement from `from` on whose bits under the mask are as wanted; undefined if there is none. */
function nextMatch(from: number, mask: number, wanted: number): number | undefined {
  if (from > 2 ** 31 - 1) return undefined;
  // Ordered as unsigned numbers: the sign bit is turned.
  let bits = (from ^ 0x80000000) >>> 0;
  const want = (wanted ^ (mask & 0x80000000)) >>> 0;
  for (let shift = 24; shift >= 0; shift -= 8) {
    const byteMask = (mask >>> shift) & 0xff;
    if (byteMask === 0) continue;
    const have = (bits >>> shift) & 0xff;
    const must = (want >>> shift) & 0xff;
    if (have === must) continue;
    const below = 2 ** shift;
    if (have < must) {
      // Raised to the wanted byte, everything below becomes the least.
      bits = Math.floor(bits / (below * 256)) * below * 256 + must * below;
      return finishMatch(bits, shift, mask, want);
    }
    // Too high: the bytes above have to grow first, those that are free.
    const raised = raiseAbove(bits, shift, mask);
    return raised === undefined ? undefined : finishMatch(raised, 32, mask, want);
  }
  return (bits ^ 0x80000000) | 0;
}

/** Adds 1 to the free bytes above a place, and clears what is below; undefined if they cannot grow. */
function raiseAbove(bits: number, shift: number, mask: number): number | undefined {
  for (let above = shift + 8; above <= 24; above += 8) {
    if (((mask >>> above) & 0xff) !== 0) continue;
    const unit = 2 ** above;
    if (Math.floor(bits / unit) % 256 < 255) return (Math.floor(bits / unit) + 1) * unit;
  }
  return undefined;
}

/** Sets the wanted bytes below a place. */
function finishMatch(bits: number, shift: number, mask: number, want: number): number {
  const low = shift >= 32 ? mask : mask & (2 ** shift - 1);
  return (((bits & ~low) | (want & low)) ^ 0x80000000) | 0;
}

/**
 * Makes the jump.
 *
 * @param window The window.
 * @param pad Where it leads.
 * @returns Its bytes.
 */
export function makeJump(window: JumpWindow, pad: Address): Uint8Array {
  const bytes = new Uint8Array(JUMP_BYTES);
  bytes[0] = 0xe9;
  new DataView(bytes.buffer).setInt32(1, pad - window.address - JUMP_BYTES, true);
  return bytes;
}
