/**
 * What is written over an x86-64 instruction to make it a tracepoint.
 *
 * `int3` is a single byte, so that it fits in the place of every instruction and other threads see either the old byte
 * or the new one. The processor reports it with the pc behind it (Intel SDM vol. 3, 6.15, interrupt 3).
 *
 * *Sites of static probes* (fasttrap rules 134 and 153). `dtrace -G` turns the call of a probe into `nop`s, a tail call of
 * it into `ret` and `nop`s, and the question whether it is enabled into `xor %eax,%eax` and `nop`s, where the site is the
 * `xor` or the `nop` behind it. SystemTap's `sys/sdt.h` puts a `nop` of its own there, of one byte or, lately, of five.
 *
 * @module
 */

import { PREFIX, type X86Instruction } from "./instruction.ts";

/** The bytes of the trap: `int3`. */
export const trap = new Uint8Array([0xcc]);

/** How far behind the trap's address the pc is when it is reported. */
export const TRAP_PC_BYTES = 1;

/** `SI_KERNEL`: what int3 raises, and nothing else does (arch/x86/kernel/traps.c, do_int3_user). */
export const TRAP_CODE = 0x80;

/** `TRAP_BRKPT` (arch/x86/kernel/ptrace.c, user_single_step_report). */
export const CALL_STEP_CODE = 1;

const REPEAT = PREFIX.REP | PREFIX.REPNE;

/** See {@linkcode Isa.firesAt} of `isa.ts`. */
export function firesAt(instruction: X86Instruction): boolean {
  return isPlainNop(instruction) || instruction.flow === "return";
}

/** See {@linkcode Isa.asksAt} of `isa.ts`. */
export function asksAt(instruction: X86Instruction): boolean {
  const { encoding, map, opcode, modrm, prefixes, wrxb } = instruction;
  // `xor %eax,%eax` and `xor %rax,%rax`, in both directions.
  const clears = encoding === "legacy" && map === 0 && (opcode === 0x31 || opcode === 0x33) && modrm === 0xc0 &&
    prefixes === 0 && (wrxb & 7) === 0;
  return clears || isPlainNop(instruction);
}

/** `nop` of any length; not `pause`, and not `xchg %r8,%rax`, which look like it. */
function isPlainNop({ encoding, map, opcode, prefixes, wrxb }: X86Instruction): boolean {
  if (encoding !== "legacy") return false;
  return map === 0 ? opcode === 0x90 && (prefixes & REPEAT) === 0 && (wrxb & 1) === 0 : map === 1 && opcode === 0x1f;
}
