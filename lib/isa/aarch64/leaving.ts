/**
 * The part of a pad that finds out whether its instruction is about to leave a function, which is when a return probe is hit.
 *
 * *Problem.* A conditional branch out of a function may not be taken, and an indirect jump may be one of a `switch`. The pad has
 * to know before it counts, without a flag changed.
 *
 * *Method.* A branch is performed at once, by a copy that skips the way to the displaced instruction:
 *
 * ```text
 *   entry:  b.cond hit; b copy
 *   hit:    (the pushes)
 * ```
 *
 * Behind the pushes an indirect jump has its target in its register, or where that was saved. The distance from the beginning of
 * the function is compared with its size by signs of differences. Addresses of programs have less than 56 bits, so that no
 * difference overflows; whatever else is there raises a fault when it is jumped to.
 *
 * ```text
 *   ldr x16, =function; sub x17, xn, x16; tbnz x17, #63, outside
 *   ldr x16, =size; sub x17, x17, x16; tbnz x17, #63, quiet
 *   outside:
 * ```
 *
 * *Refusals.* An authenticated target is known only when it has been authenticated, which `braa` does by itself.
 *
 * @module
 */

import { toAddress } from "../../address.ts";
import type { JumpWindow, PadAction } from "../jumps.ts";
import { VALUE } from "./constant_code.ts";
import { skippingNext } from "./displace.ts";
import { registerField } from "./instruction.ts";
import type { Labels } from "./labels.ts";
import { appendFetch } from "./recorded_values.ts";
import { NUMBER_31 } from "./registers.ts";
import type { SlotCode } from "./slot_code.ts";
import { instructionOf } from "./window.ts";

/** What all pads save and have not begun to use. */
const TEMPORARY = 16;

const B = 0x1400_0000;
const SUB = 0xcb00_0000; // sub xd,xn,xm
const SIGN_SET = 0xb7f8_0000; // tbnz xt,#63

/** See `JumpInstaller.canTellLeaving` of `jumps.ts`. */
export function canTellLeaving(window: JumpWindow): boolean {
  const { flow, kind, word } = instructionOf(window);
  if (flow === "branch") return true;
  return flow === "indirect-jump" && kind === "register" && registerField(word, 5) !== NUMBER_31;
}

/**
 * Has a thread that does not take a branch go on with the displaced instruction, which `copy` is the name of. It comes before
 * everything else in the pad.
 *
 * @param window The window.
 * @param action What the pad does.
 * @param labels The names in the code.
 * @param out Receives the code.
 */
export function appendBranchTest(
  window: JumpWindow,
  { leaving }: PadAction,
  labels: Labels,
  out: SlotCode,
): void {
  const instruction = instructionOf(window);
  if (leaving === undefined || instruction.flow !== "branch") return;
  out.resume(window.address, false);
  out.words(skippingNext(instruction));
  out.resume(window.address, false);
  labels.branch(B, "copy");
}

/**
 * Has a thread whose indirect jump stays in the function go where no hit is. x16 and x17 have been saved and are free.
 *
 * @param window The window.
 * @param action What the pad does.
 * @param code The registers that have been saved, the names in the code, and that of where no hit is.
 * @param out Receives the code.
 */
export function appendTargetTest(
  window: JumpWindow,
  { leaving }: PadAction,
  { saved, labels, quiet }: { readonly saved: readonly number[]; readonly labels: Labels; readonly quiet: string },
  out: SlotCode,
): void {
  const { flow, word } = instructionOf(window);
  if (leaving === undefined || flow !== "indirect-jump") return;
  appendFetch(registerField(word, 5), VALUE, saved, out);
  out.load(TEMPORARY, leaving.address);
  out.words((SUB | TEMPORARY << 16 | VALUE << 5 | VALUE) >>> 0);
  labels.branch((SIGN_SET | VALUE) >>> 0, "outside");
  out.load(TEMPORARY, toAddress(leaving.sizeBytes));
  out.words((SUB | TEMPORARY << 16 | VALUE << 5 | VALUE) >>> 0);
  labels.branch((SIGN_SET | VALUE) >>> 0, quiet);
  labels.mark("outside");
}
