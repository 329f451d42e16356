/**
 * What is written over an x86-64 instruction to make it a tracepoint.
 *
 * `int3` is a single byte, so that it fits in the place of every instruction and other threads see either the old byte
 * or the new one. The processor reports it with the pc behind it (Intel SDM vol. 3, 6.15, interrupt 3).
 *
 * @module
 */

/** The bytes of the trap: `int3`. */
export const trap = new Uint8Array([0xcc]);

/** How far behind the trap's address the pc is when it is reported. */
export const TRAP_PC_BYTES = 1;

/** `SI_KERNEL`: what int3 raises, and nothing else does (arch/x86/kernel/traps.c, do_int3_user). */
export const TRAP_CODE = 0x80;
