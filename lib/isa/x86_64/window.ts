/**
 * Which instructions a jump of five bytes takes the place of, and where it can lead.
 *
 * *Problem.* `jmp rel32` (E9, Intel SDM vol. 2) has five bytes, most instructions have fewer. A thread that stands at one of
 * the overwritten instructions, a return address on some stack, a branch from elsewhere would run into the middle of the
 * jump.
 *
 * *Method.* Four of the five bytes are the displacement, so that what they are is a condition on the address of the pad. Each
 * byte at which an instruction began is one of two things:
 *
 * - *A trap* of its own, `int3`. Where the fifth byte was the beginning of an instruction, the displacement is CCxxxxxx, and
 *   the pad between 855 and 872 MB before the site; where the second was, the pad is at one address of 256. Where that far
 *   below the site there is no memory, as in programs at fixed addresses, the last byte is `37` or `3f`, which are no
 *   instructions in 64-bit mode and raise SIGILL. Whoever lands there makes a trap, and is sent to the displaced copy in the
 *   pad. So the jump is right whatever the flow of control is; only the time of such a landing is lost.
 * - *Kept* as it is, with all bytes behind it, where landings are to be expected: at the target of a branch, behind a call
 *   or behind what control does not get past, and at what belongs to another function or cannot be moved. Whoever lands there
 *   finds the program's own instructions. So it is where no memory can be had for traps. The pad is at one address of 2^32 if all four bytes are kept: a page of memory for
 *   one jump, which is why this is the exception.
 *
 * Branches may lead into instructions as well: programs go around the prefix `lock` while they have one thread. From there on
 * bytes are kept, and from the instruction on if it is behind the site. An instruction with that prefix in a function that is not
 * known is one of these.
 *
 * *Earlier windows.* A `ret` that is followed by what has to be kept, and to which no branch leads that is seen, can be inside
 * of a jump that begins at one of the instructions before it, if these go on to it whatever happens. They are performed in the
 * pad before the hit. If the jump ends before the site, what is between the two is kept. The site is a trap, whose landings
 * are hits.
 *
 * *Sites inside* of a window share its jump (`isa/jumps.ts`). They are traps, as the other boundaries are, and landings on
 * them are hits.
 *
 * *Invariants.* What is overwritten by something else belongs to the function, or is padding behind it. No return address
 * leads to what is overwritten. Instructions that show where they run, or how they are stepped over (`syscall`, `pushf`), or
 * behind which steps begin (`popf`), are in no window.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import type { JumpWindow } from "../jumps.ts";
import { decode } from "./decode.ts";
import { SmallBytes } from "../../small_bytes.ts";
import { PREFIX, type X86Instruction } from "./instruction.ts";
import { showsSteps, startsSteps } from "./steps.ts";

/** The size of `jmp rel32` in bytes. */
export const JUMP_BYTES = 5;
/** How far before its site a jump may begin, in bytes. */
export const EARLIEST_BYTES = 15;
/** The displacements CCxxxxxx, as signed numbers, begin here. */
export const PAD_DISTANCE = -0x34000000;
/** `int3`. */
const TRAP_BYTE = 0xcc;
/** What else can be the last byte: `aaa` and `aas`, invalid in 64-bit mode (Intel SDM vol. 2). */
const OTHER_LAST_BYTES = [0x37, 0x3f];
/** Compilers align functions to this, in bytes: another one may begin there. */
const FUNCTION_ALIGNMENT = 16;
/** What was found last, which nearly always is asked for next. */
let last: { readonly window: JumpWindow; readonly instructions: readonly X86Instruction[] } | undefined;
/** The bytes of windows. */
const windows = new SmallBytes();
/** The bytes of jumps. */
const jumps = new SmallBytes();

/** See `JumpInstaller.findWindow` of `jumps.ts`. */
export function findWindow(
  code: Uint8Array,
  offset: number,
  address: Address,
  functionEnd: Address,
  isTarget: (address: number) => boolean,
): JumpWindow | string {
  const first = decode(code, offset, address);
  if (first === undefined || offset + JUMP_BYTES > code.length) return "what follows it cannot be read";
  const refusal = refusalOf(first);
  if (refusal !== undefined) return refusal;
  const boundaries: number[] = [];
  const instructions = [first];
  let size = first.length;
  const isAlone = functionEnd <= address + first.length;
  const inside = isAlone && (first.prefixes & PREFIX.LOCK) !== 0 ? 1 : landingInside(first, isTarget);
  let isKept = isCall(first) || inside !== undefined;
  let isReached = goesOn(first);
  while (size < JUMP_BYTES && !isKept) {
    const at = toAddress(address + size);
    const next = decode(code, offset + size, at);
    if (next === undefined || isTarget(at) || landingInside(next, isTarget) !== undefined) break;
    const isInside = at < functionEnd;
    if (!(isReached && isInside ? isMovable(next) : isPadding(next, code[offset + size]!))) break;
    // A function can begin with what looks like padding.
    if (!isInside && at % FUNCTION_ALIGNMENT === 0) break;
    boundaries.push(size);
    instructions.push(next);
    size += next.length;
    isKept = isCall(next);
    isReached &&= goesOn(next);
  }
  const keptFrom = Math.min(inside ?? size, JUMP_BYTES);
  const window = {
    address,
    siteOffset: 0,
    code: windows.copy(code, offset, offset + Math.max(size, JUMP_BYTES)),
    boundaries,
    keptFrom,
  };
  last = { window, instructions };
  return window;
}

/** Why there can be no jump in the place of an instruction; undefined if there can. */
function refusalOf(instruction: X86Instruction): string | undefined {
  if (instruction.flow === "system-call") return "a system call shows where it is made";
  if (showsSteps(instruction)) return "pushf shows how it is stepped over";
  if (startsSteps(instruction)) return "popf may make what follows it be stepped";
  return undefined;
}

/** Where in an instruction a branch leads, in bytes behind its first; undefined if none does. */
function landingInside(
  { address, length }: X86Instruction,
  isTarget: (address: number) => boolean,
): number | undefined {
  for (let offset = 1; offset < Math.min(length, JUMP_BYTES); offset++) if (isTarget(address + offset)) return offset;
  return undefined;
}

/** Whether an instruction behind the site can be performed elsewhere, and is not there for indirect branches to lead to. */
function isMovable(instruction: X86Instruction): boolean {
  const { flow, map, opcode, prefixes, refusal } = instruction;
  const isLandingPad = map === 1 && opcode === 0x1e && prefixes === PREFIX.REP;
  return refusal === undefined && flow !== "other" && !isLandingPad && refusalOf(instruction) === undefined;
}

function isCall({ flow }: X86Instruction): boolean {
  return flow === "call" || flow === "indirect-call";
}

/** Whether control can get behind an instruction by way of it. */
function goesOn({ flow }: X86Instruction): boolean {
  return flow !== "jump" && flow !== "indirect-jump" && flow !== "return" && flow !== "other";
}

/** Whether an instruction is there to fill space. */
function isPadding({ encoding, map, opcode }: X86Instruction, firstByte: number): boolean {
  if (firstByte === TRAP_BYTE) return true;
  return encoding === "legacy" && (map === 0 ? opcode === 0x90 : map === 1 && opcode === 0x1f);
}

/** See `JumpInstaller.beginEarlier` of `jumps.ts`. */
export function beginEarlier(window: JumpWindow, starts: readonly number[], code: Uint8Array): JumpWindow {
  const siteOffset = -starts[0]!;
  const boundaries = [...starts.slice(1), 0, ...window.boundaries].map((offset) => siteOffset + offset);
  const whole = new Uint8Array(siteOffset + window.code.length);
  whole.set(code.subarray(0, siteOffset));
  whole.set(window.code, siteOffset);
  return {
    address: toAddress(window.address - siteOffset),
    siteOffset,
    code: whole,
    // What lies behind jump and site stays as it is.
    boundaries: boundaries.filter((offset) => offset < JUMP_BYTES || offset <= siteOffset),
    keptFrom: Math.min(siteOffset + window.keptFrom, JUMP_BYTES),
  };
}

/** See `JumpInstaller.shrink` of `jumps.ts`. */
export function shrink(window: JumpWindow): JumpWindow | undefined {
  const keptFrom = window.boundaries.at(-1);
  if (keptFrom === undefined || keptFrom === window.siteOffset) return undefined;
  const boundaries = window.boundaries.slice(0, -1);
  return { ...window, boundaries, keptFrom };
}

/**
 * Decodes the instructions of a window.
 *
 * @param window The window.
 * @returns The instructions, the first one at the site.
 */
export function instructionsOf(window: JumpWindow): readonly X86Instruction[] {
  if (window === last?.window) return last.instructions;
  const { address, boundaries, code } = window;
  return [0, ...boundaries].map((offset) => decode(code, offset, toAddress(address + offset))!);
}

/** See `JumpInstaller.padAddress` of `jumps.ts`. */
export function padAddress(window: JumpWindow, from: number, to: number): Address | undefined {
  const origin = window.address + JUMP_BYTES;
  const first = Math.max(Math.max(from, 0) - origin, -(2 ** 31));
  const last = Math.min(to - 1 - origin, 2 ** 31 - 1);
  if (first > last) return undefined;
  const { mask, wanted } = patternOf(window);
  let best = nextMatch(first, mask, wanted) ?? Infinity;
  if (!window.isInner && window.boundaries.includes(JUMP_BYTES - 1)) {
    for (const byte of OTHER_LAST_BYTES) {
      best = Math.min(best, nextMatch(first, mask, (wanted & 0xffffff) | (byte << 24)) ?? Infinity);
    }
  }
  return best > last ? undefined : toAddress(origin + best);
}

/** Which bits of the displacement are given, and what they are. */
function patternOf(window: JumpWindow): { readonly mask: number; readonly wanted: number } {
  const { boundaries, code, isInner, keptFrom } = window;
  let mask = 0;
  let wanted = 0;
  if (isInner) return { mask, wanted };
  for (let at = 1; at < JUMP_BYTES; at++) {
    const isKept = at >= keptFrom;
    if (!isKept && !boundaries.includes(at)) continue;
    mask |= 0xff << (8 * (at - 1));
    wanted |= (isKept ? code[at]! : TRAP_BYTE) << (8 * (at - 1));
  }
  return { mask: mask >>> 0, wanted: wanted >>> 0 };
}

/** The least displacement from `from` on whose bits under the mask are as wanted; undefined if there is none. */
function nextMatch(from: number, mask: number, wanted: number): number | undefined {
  // Ordered as unsigned numbers: the sign bit is turned.
  const bits = (from ^ 0x80000000) >>> 0;
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
      return finishMatch(Math.floor(bits / (below * 256)) * below * 256 + must * below, shift, mask, want);
    }
    // Too high: the bytes above have to grow first, those that are free.
    const raised = raiseAbove(bits, shift, mask);
    return raised === undefined ? undefined : finishMatch(raised, 32, mask, want);
  }
  return from;
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
 * @returns Its bytes, and those up to the trap at its site if that is behind it.
 */
export function makeJump(window: JumpWindow, pad: Address): Uint8Array {
  const displacement = pad - window.address - JUMP_BYTES;
  const isBehind = window.siteOffset >= JUMP_BYTES;
  const jump = isBehind ? jumps.copy(window.code, 0, window.siteOffset + 1) : jumps.take(JUMP_BYTES);
  jump[0] = 0xe9;
  for (let i = 1; i < JUMP_BYTES; i++) jump[i] = displacement >> (8 * (i - 1));
  if (isBehind) jump[window.siteOffset] = TRAP_BYTE;
  return jump;
}
