/**
 * The part of a pad that copies all general registers, the pc and the flags into its record.
 *
 * *Problem.* Some registers are on the stack by then, the stack pointer has moved, and the flags are in two bytes, without those
 * that no instruction of a pad changes (DF, and what the processor keeps for itself).
 *
 * *Method.* Registers are copied as values are (`recorded_values.ts`). All flags are pushed where the two bytes are, which wait
 * in rcx, and those that have been changed since are put in from there.
 *
 * *Invariants.*
 * - Nothing is written below what the pad has pushed: the stack may end there.
 * - rax, rcx and rdx are changed, and no others.
 *
 * @module
 */

import type { Address } from "../../address.ts";
import type { PlacedCapture } from "../captures.ts";
import type { ReadCode } from "./capture.ts";
import { appendValue, type SavedRegisters } from "./recorded_values.ts";
import { GENERAL, RSP } from "./registers.ts";
import type { SlotCode } from "./slot_code.ts";

const WORD_BYTES = 8;
/** CF, PF, AF, ZF and SF, which lahf puts into ah, and OF. */
const LAHF_FLAGS = 0xd5;
const OF_BIT = 11;
/** What the tracer sets when it leads the thread out of here (`process/captures.ts`). */
const TRAP_FLAG = 0x100;

/** Where what is copied comes from. */
export interface RegisterSource {
  /** Where the program's registers are. */
  readonly registers: SavedRegisters;
  /** The address of the site. */
  readonly site: Address;
  /** How much the instruction of the site takes off the stack before its probes fire, in bytes. */
  readonly poppedBytes: number;
  /** With what memory is read. */
  readonly read: ReadCode;
}

/**
 * Writes the code that copies the registers. The record is at rbx, the flags are at the stack pointer as lahf and seto tell them.
 *
 * @param place Where in the record.
 * @param source Where they come from.
 * @param out Receives the code.
 */
export function appendRegisters(
  { offsetBytes, dataBytes }: PlacedCapture,
  source: RegisterSource,
  out: SlotCode,
): void {
  const { registers, site, poppedBytes, read } = source;
  const behind = { ...registers, stackBytes: registers.stackBytes + poppedBytes };
  let at = dataBytes;
  for (const register of GENERAL) {
    const code = { registers: register === RSP ? behind : registers, read };
    appendValue({ kind: "register", register }, at, code, out);
    at += WORD_BYTES;
  }
  out.bytes(0x48, 0xb8); // movabs $site,%rax
  out.word(site);
  appendStore(at, out);
  appendFlags(out);
  appendStore(at + WORD_BYTES, out);
  out.bytes(0xc7, 0x83); // movl $length,length(%rbx)
  out.half(offsetBytes);
  out.half(WORD_BYTES * (GENERAL.length + 2));
}

/** Puts the flags of the program into rax. */
function appendFlags(out: SlotCode): void {
  out.bytes(0x48, 0x8b, 0x0c, 0x24, 0x48, 0x8d, 0x64, 0x24, 8); // mov (%rsp),%rcx; lea 8(%rsp),%rsp
  out.bytes(0x9c, 0x48, 0x8b, 0x04, 0x24, 0x48, 0x89, 0x0c, 0x24); // pushf; mov (%rsp),%rax; mov %rcx,(%rsp)
  out.bytes(0x25); // and $~(LAHF_FLAGS | 1 << OF_BIT | TRAP_FLAG),%eax
  out.half(~(LAHF_FLAGS | (1 << OF_BIT) | TRAP_FLAG));
  out.bytes(0x0f, 0xb6, 0xd5, 0x81, 0xe2); // movzbl %ch,%edx; and $LAHF_FLAGS,%edx
  out.half(LAHF_FLAGS);
  out.bytes(0x09, 0xd0, 0x0f, 0xb6, 0xc9); // or %edx,%eax; movzbl %cl,%ecx
  out.bytes(0xc1, 0xe1, OF_BIT, 0x09, 0xc8); // shl $OF_BIT,%ecx; or %ecx,%eax
}

function appendStore(offset: number, out: SlotCode): void {
  out.bytes(0x48, 0x89, 0x83); // mov %rax,offset(%rbx)
  out.half(offset);
}
