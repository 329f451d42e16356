/**
 * The part of a pad that keeps sums, extremes and histograms of values.
 *
 * *Problem.* All threads do it at once, on any CPU, and are moved to another one in the middle; nothing may be lost.
 *
 * *Method.* The counters are those of the area that rcx leads to, and each change of one is a single locked instruction. With
 * the value in a register `v`, its own if all of that counts and the pad does not use it, else rbx:
 *
 * ```text
 *   sum:      lock add v,sum(%rcx)
 *   min:      mov min(%rcx),%rax
 *   again:    cmp v,%rax; jle done; lock cmpxchg v,min(%rcx); jne again
 *   log2:     lea 1(v,v),%rax; test v,v; jns positive
 *             mov v,%rax; neg %rax; bsr %rax,%rax; or $64,%al; jmp add
 *   positive: bsr %rax,%rax
 *   add:      lock incq buckets(%rcx,%rax,8)
 * ```
 *
 * The highest bit of 2v+1 is the number of bits of v, for which 0 is no exception. A value that is no extreme, which is nearly
 * every one, costs a comparison.
 *
 * *Values* that need not be readable are not read; who wants to know of them has records.
 *
 * *The counter of hits* is added to behind that, by who uses this: what it counts has been tallied.
 *
 * @module
 */

import type { TallyAction } from "../jumps.ts";
import type { ExtendedValue, Extension, RecordedValue } from "../recorded_value.ts";
import { appendFetch, appendStackLoad, canRecord, mayFault, type SavedRegisters } from "./recorded_values.ts";
import { GENERAL } from "./registers.ts";
import type { SlotCode } from "./slot_code.ts";

const RAX = 0;
const RCX = 1;
const RBX = 3;
const RSP = 4;

/** What is pushed if all values are in registers of their own, and if there are others; the last word is for the flags. */
const PUSHED = { few: [RCX, RAX, RAX], more: [RCX, RAX, RBX, RBX] };

/** Opcodes of branches. */
const JLE = 0x7e;
const JGE = 0x7d;

/** See `JumpInstaller.canTally` of `jumps.ts`. */
export function canTally(value: RecordedValue): boolean {
  return value.kind !== "vector" && canRecord(value) && !mayFault(value);
}

/**
 * Says which registers a pad has to save for a tally.
 *
 * @param action What it does.
 * @returns Their numbers, in the order in which they are pushed.
 */
export function pushedForTally({ tallied }: TallyAction): readonly number[] {
  const isFew = tallied.every(({ value }) => ownRegister(value, PUSHED.few) !== undefined);
  return isFew ? PUSHED.few : PUSHED.more;
}

/**
 * Writes the tally of a hit. The area's address is in rcx, and what {@linkcode pushedForTally} says has been pushed.
 *
 * @param action What the pad does.
 * @param saved Where the program's registers are.
 * @param out Where to.
 */
export function appendTally(action: TallyAction, saved: SavedRegisters, out: SlotCode): void {
  const pushed = pushedForTally(action);
  for (const { value, sumOffset, minOffset, maxOffset, bucketsOffset } of action.tallied) {
    const own = ownRegister(value, pushed);
    if (own === undefined) appendLoad(value, saved, out);
    const v = own ?? RBX;
    if (sumOffset !== undefined) {
      out.bytes(0xf0, rexOf(v), 0x01, 0x81 | (v & 7) << 3); // lock add v,sum(%rcx)
      out.half(sumOffset);
    }
    if (minOffset !== undefined) appendExtreme(v, minOffset, JLE, out);
    if (maxOffset !== undefined) appendExtreme(v, maxOffset, JGE, out);
    if (bucketsOffset !== undefined) appendBucket(v, bucketsOffset, out);
  }
}

/** The number of the register that has just the value, still; undefined if there is none. */
function ownRegister({ place, sizeBytes }: ExtendedValue, pushed: readonly number[]): number | undefined {
  const number = place.kind === "register" && sizeBytes === 8 ? GENERAL.indexOf(place.register) : RSP;
  return number === RSP || pushed.includes(number) ? undefined : number;
}

/** Writes the loading of a value into rbx. */
function appendLoad({ place, ...extension }: ExtendedValue, saved: SavedRegisters, out: SlotCode): void {
  if (place.kind === "register") appendFetch(GENERAL.indexOf(place.register), RBX, saved, out);
  else if (place.kind === "memory") appendStackLoad(place, RBX, saved, out);
  appendExtension(extension, out);
}

/** Writes the extending of rbx. */
function appendExtension({ sizeBytes, signed }: Extension, out: SlotCode): void {
  if (sizeBytes === 1) out.bytes(...signed ? [0x48, 0x0f, 0xbe, 0xdb] : [0x0f, 0xb6, 0xdb]); // movsx or movzx %bl
  if (sizeBytes === 2) out.bytes(...signed ? [0x48, 0x0f, 0xbf, 0xdb] : [0x0f, 0xb7, 0xdb]); // movsx or movzx %bx
  if (sizeBytes === 4) out.bytes(...signed ? [0x48, 0x63, 0xdb] : [0x89, 0xdb]); // movslq %ebx,%rbx or mov %ebx,%ebx
}

/** The prefix of an instruction of 64 bits with a register in the field `reg`. */
function rexOf(v: number): number {
  return 0x48 | (v >> 3) << 2;
}

function appendExtreme(v: number, offset: number, jumpIfKept: number, out: SlotCode): void {
  out.bytes(0x48, 0x8b, 0x81); // mov extreme(%rcx),%rax
  out.half(offset);
  const again = out.length;
  out.bytes(rexOf(v), 0x39, 0xc0 | (v & 7) << 3); // cmp v,%rax
  out.bytes(jumpIfKept, 11);
  out.bytes(0xf0, rexOf(v), 0x0f, 0xb1, 0x81 | (v & 7) << 3); // lock cmpxchg v,extreme(%rcx)
  out.half(offset);
  out.bytes(0x75, again - (out.length + 2)); // jne again
}

function appendBucket(v: number, offset: number, out: SlotCode): void {
  const twice = 0x48 | (v >> 3) * 3;
  out.bytes(twice, 0x8d, 0x44, (v & 7) << 3 | (v & 7), 1); // lea 1(v,v),%rax
  out.bytes(0x48 | (v >> 3) * 5, 0x85, 0xc0 | (v & 7) << 3 | (v & 7)); // test v,v
  out.bytes(0x79, 14); // jns positive
  out.bytes(rexOf(v), 0x89, 0xc0 | (v & 7) << 3, 0x48, 0xf7, 0xd8); // mov v,%rax; neg %rax
  out.bytes(0x48, 0x0f, 0xbd, 0xc0, 0x0c, 64, 0xeb, 4); // bsr %rax,%rax; or $64,%al; jmp add
  out.bytes(0x48, 0x0f, 0xbd, 0xc0); // bsr %rax,%rax
  out.bytes(0xf0, 0x48, 0xff, 0x84, 0xc1); // lock incq buckets(%rcx,%rax,8)
  out.half(offset);
}
