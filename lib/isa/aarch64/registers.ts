/**
 * Where the registers are in `NT_PRSTATUS`: the kernel's `struct user_pt_regs` (`<asm/ptrace.h>`), 34 words of 8 bytes,
 * here as 68 little-endian halves: x0 to x30, sp, pc, pstate. Register `n` is at index `2 * n`.
 *
 * @module
 */

/** The first parameter and the result. */
export const X0 = 0;
/** The second word of a result. */
export const X1 = 2;
/** The number of a system call. */
export const X8 = 16;
/** The link register. */
export const X30 = 60;
/** The stack pointer. */
export const SP = 62;
/** The pc. */
export const PC = 64;
/** The flags and the rest of the processor's state. */
export const PSTATE = 66;

/** The number that means the stack pointer or zero, by the instruction. */
export const NUMBER_31 = 31;

/** The size of the register set in bytes. */
export const REGISTERS_BYTES = 34 * 8;

/** The bits of pstate by which the processor checks that an indirect branch led to a landing pad (BTYPE). */
export const BRANCH_TYPE = 0xc00;
