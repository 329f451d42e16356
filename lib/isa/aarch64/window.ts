/**
 * Which instruction a jump takes the place of, and where it can lead.
 *
 * *Method.* `b` has the size of every instruction: it takes the place of exactly one, and no thread, return address or
 * branch can lead into the middle of it. It reaches 128 MiB to either side; so do the branches of the displaced copy in
 * the pad, which have to reach their targets from there.
 *
 * *Refusals.* An instruction where indirect branches may lead (`bti`, `paciasp`, `pacibsp`) stays: the processor checks
 * that one of them is there, if the page is guarded. A system call, and whatever cannot be displaced, keeps the trap.
 *
 * @module
 */

import { type Address, toAddress } from "../../address.ts";
import type { JumpWindow } from "../jumps.ts";
import { decode, isLandingPad } from "./decode.ts";
import { type A64Instruction, INSTRUCTION_BYTES } from "./instruction.ts";
import { BRANCH_REACH_BYTES, branchWord } from "./slot_code.ts";

/** The size of `b` in bytes. */
export const JUMP_BYTES = INSTRUCTION_BYTES;
/** Where pads preferably are: below the modules that are loaded behind each other, in the middle of the reach. */
export const PAD_DISTANCE = -(1 << 26);
/** The size that every pad fits in, in bytes; few have more than some hundred. */
export const PAD_BYTES_LIMIT = 1 << 16;
/** Where pads begin, so that their constants can be loaded and no two share a granule. */
const PAD_ALIGNMENT = 16;
/** How far a pad may be from where its first and its last instruction lead, or are led to from. */
const REACH_BYTES = BRANCH_REACH_BYTES - PAD_BYTES_LIMIT;

const PACIASP = 0xd503_233f;
const PACIBSP = 0xd503_237f;

/** See `JumpInstaller.findWindow` of `jumps.ts`. */
export function findWindow(code: Uint8Array, offset: number, address: Address): JumpWindow | string {
  const instruction = decode(code, offset, address);
  if (instruction === undefined) return "it cannot be decoded";
  const { flow, refusal, word } = instruction;
  if (flow === "system-call") return "a system call shows where it is made";
  if (refusal !== undefined || flow === "other") return "it cannot be moved";
  if (isLandingPad(word) || word === PACIASP || word === PACIBSP) return "an indirect branch may have to find it there";
  return {
    address,
    siteOffset: 0,
    code: code.slice(offset, offset + INSTRUCTION_BYTES),
    boundaries: [],
    keptFrom: JUMP_BYTES,
  };
}

/**
 * Decodes the instruction of a window.
 *
 * @param window The window.
 * @returns The instruction.
 */
export function instructionOf({ address, code }: JumpWindow): A64Instruction {
  return decode(code, 0, address)!;
}

/** See `JumpInstaller.padAddress` of `jumps.ts`. */
export function padAddress(window: JumpWindow, from: number, to: number): Address | undefined {
  const { target } = instructionOf(window);
  const ends = target === undefined ? [window.address] : [window.address, target];
  const first = Math.max(from, ...ends.map((end) => end - REACH_BYTES), 0);
  const last = Math.min(to - 1, ...ends.map((end) => end + REACH_BYTES));
  const address = Math.ceil(first / PAD_ALIGNMENT) * PAD_ALIGNMENT;
  return address <= last ? toAddress(address) : undefined;
}

/** See `JumpInstaller.makeJump` of `jumps.ts`. */
export function makeJump({ address }: JumpWindow, pad: Address): Uint8Array {
  const bytes = new Uint8Array(JUMP_BYTES);
  new DataView(bytes.buffer).setUint32(0, branchWord(address, pad)!, true);
  return bytes;
}
