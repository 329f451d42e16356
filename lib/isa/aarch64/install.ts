/**
 * What is written over an A64 instruction to make it a tracepoint.
 *
 * `brk` has the size of every instruction, so that other threads see either the old one or the new one. It is reported
 * with its own pc, and may be where an indirect branch leads, as the `bti` below it (Arm ARM, D8.4).
 *
 * *Sites of static probes* (fasttrap rules 134 and 153). `dtrace -G` turns the call of a probe into `nop`, a tail call of it
 * into `ret`, and the question whether it is enabled into `mov x0, #0`. SystemTap's `sys/sdt.h` puts a `nop` there.
 *
 * @module
 */

import type { A64Instruction } from "./instruction.ts";

/** The bytes of the trap: `brk #0xfa5`, which no debugger, compiler or part of the kernel uses. */
export const trap = new Uint8Array([0xa0, 0xf4, 0x21, 0xd4]);

/** How far behind the trap's address the pc is when it is reported. */
export const TRAP_PC_BYTES = 0;

/** `TRAP_BRKPT` (arch/arm64/kernel/debug-monitors.c, brk_handler). */
export const TRAP_CODE = 1;

/** `SI_USER`, from nobody (linux/ptrace.h, user_single_step_report). */
export const CALL_STEP_CODE = 0;

const NOP = 0xd503_201f;
const RET = 0xd65f_03c0;

/** `movz`, `orr` of the zero register, `eor` with itself; of 32 and 64 bits. */
const CLEARS = [0x5280_0000, 0xd280_0000, 0x2a1f_03e0, 0xaa1f_03e0, 0x4a00_0000, 0xca00_0000];

/** See {@linkcode Isa.firesAt} of `isa.ts`. */
export function firesAt({ word }: A64Instruction): boolean {
  return word === NOP || word === RET;
}

/** See {@linkcode Isa.asksAt} of `isa.ts`. */
export function asksAt({ word }: A64Instruction): boolean {
  return word === NOP || CLEARS.includes(word);
}
