/**
 * Where the registers are in `NT_PRSTATUS`: the kernel's `struct user_regs_struct` (`<sys/user.h>`), 27 words of 8
 * bytes, here as 54 little-endian halves. Each constant is the index of the low half; the high half is behind it.
 *
 * @module
 */

/** The base address of the fs segment, which holds the thread pointer. */
export const FS_BASE = 42;
/** The base address of the gs segment. */
export const GS_BASE = 44;
/** The flags. */
export const EFLAGS = 36;
/** The number of the system call that the thread is in, or -1. */
export const ORIG_RAX = 30;
/** The accumulator: first word of a result, number of a system call. */
export const RAX = 20;
/** The counter of `loop`; fourth argument of a function. */
export const RCX = 22;
/** The second word of a result; third argument. */
export const RDX = 24;
/** The frame pointer. */
export const RBP = 8;
/** The pc. */
export const RIP = 32;
/** The stack pointer. */
export const RSP = 38;
/** Second argument. */
export const RSI = 26;
/** First argument. */
export const RDI = 28;
/** Fifth argument. */
export const R8 = 18;
/** Sixth argument. */
export const R9 = 16;
/** Where `syscall` saves the flags. */
export const R11 = 12;
/** Fourth parameter of a system call. */
export const R10 = 14;

/** The size of the register set in bytes. */
export const REGISTERS_BYTES = 27 * 8;

/** The general registers in the order of their numbers in instructions: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15. */
export const GENERAL = new Uint8Array([RAX, RCX, RDX, 10, RSP, RBP, RSI, RDI, R8, R9, R10, R11, 6, 4, 2, 0]);
