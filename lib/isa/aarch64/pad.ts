/**
 * The contents of pads: what a hit does instead of stopping, and the displaced instruction.
 *
 * *Problem.* A pad runs in the program's threads, with all their registers and flags in use, on whatever stack there is, in
 * any number of threads at once, and must leave no trace.
 *
 * *Method.*
 *
 * ```text
 *   entry:  stp x16, x17, [sp, #-16]!
 *           ldr x16, =enabled; ldr w16, [x16]; cbz w16, quiet
 *           ldr x16, =areas + counter
 *           mrs x17, tpidr_el0; ubfx x17, x17, #12, #areas; add x16, x16, x17, lsl #size
 *           mov x17, #1; stadd x17, [x16]
 *   quiet:  ldp x16, x17, [sp], #16
 *   copy:   the displaced instruction; a branch back; constants
 * ```
 *
 * Nothing lies below the stack pointer (AAPCS64, 6.4.5), and no instruction here changes a flag. User code cannot
 * know its CPU: the area is chosen by the thread pointer, whose bits from 12 on differ between threads, so that two
 * threads seldom count in the same line of the cache. The addition is one instruction, so that it is exact whoever counts
 * there, and so that a thread that is stepped through the pad gets out of it; a pair of exclusive accesses never would.
 *
 * A tally saves x14 and x15 as well, has the area itself in x16, and does in its place what `pad_tally.ts` says. Pads that write
 * records are in `record_pad.ts`. Whether a return probe is hit at all is found out first (`leaving.ts`).
 *
 * *Invariants.*
 * - All pushes come before a register is changed. If one of them faults, because the stack ends there, the thread can be set
 *   back to the site; behind it the thread is *held* until the copy begins, and nothing that it does can fault or block.
 * - The word `enabled` is tested first: in a child of fork(2) it is 0 (`MADV_WIPEONFORK`), and so it is without a tracer.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import type { JumpWindow, PadAction, PadCode, PadMemory } from "../jumps.ts";
import { appendDisplaced } from "./displace.ts";
import { Labels } from "./labels.ts";
import { appendBranchTest, appendTargetTest } from "./leaving.ts";
import { appendTally } from "./pad_tally.ts";
import { makeRecordPad } from "./record_pad.ts";
import { appendPops, appendPushes, SAVED } from "./saved_registers.ts";
import { SlotCode } from "./slot_code.ts";
import { instructionOf } from "./window.ts";

/** The feature of the CPU that `stadd` needs, as `/proc/cpuinfo` names it (FEAT_LSE). */
export const CPU_FLAGS: readonly string[] = ["atomics"];

const LOAD_ENABLED = 0xb940_0210; // ldr w16,[x16]
const CBZ_W16 = 0x3400_0010;
const THREAD_POINTER = 0xd53b_d051; // mrs x17,tpidr_el0
const UBFX_X17 = 0xd340_0231; // ubfx x17,x17,#0,#1
const ADD_X16_X17 = 0x8b11_0210; // add x16,x16,x17
const ONE = 0xd280_0031; // mov x17,#1
const COUNT = 0xf831_021f; // stadd x17,[x16]

const X16 = 16;
/** From which bit on the thread pointers of threads differ: stacks with their guards lie pages apart. */
const THREAD_BIT = 12;

/** See `JumpInstaller.makePad` of `jumps.ts`. */
export function makePad(
  window: JumpWindow,
  pad: Address,
  memory: PadMemory,
  action: PadAction,
): PadCode | undefined {
  if (action.kind === "record") return makeRecordPad(window, pad, memory, action);
  const { address } = window;
  const saved = SAVED[action.kind];
  const out = new SlotCode(pad);
  const labels = new Labels(out);
  appendBranchTest(window, action, labels, out);
  appendPushes(address, saved, out);
  out.resume(address, false, { isHeld: true });
  out.load(X16, memory.enabled);
  out.words(LOAD_ENABLED);
  labels.branch(CBZ_W16, "quiet");
  appendTargetTest(window, action, { saved, labels, quiet: "quiet" }, out);
  if (action.kind === "tally") {
    out.load(X16, memory.areas);
    appendArea(memory, out);
    appendTally(action, out);
  } else {
    out.load(X16, toAddress(memory.areas + action.counterOffset));
    appendArea(memory, out);
    out.words(ONE, COUNT);
  }
  labels.mark("quiet");
  appendPops(saved, out);
  labels.mark("copy");
  labels.finish();
  const copy = out.length;
  if (!appendDisplaced(instructionOf(window), out)) return undefined;
  return { ...out.finish(), entry: 0, begin: 0, copies: [copy] };
}

/** Adds the offset of the thread's area to x16. */
function appendArea({ areasTotal, areaBytes }: PadMemory, out: SlotCode): void {
  const bits = Math.log2(areasTotal);
  if (bits === 0) return;
  const last = THREAD_BIT + bits - 1;
  out.words(THREAD_POINTER, UBFX_X17 | (THREAD_BIT << 16) | (last << 10));
  out.words(ADD_X16_X17 | (Math.log2(areaBytes) << 10));
}
