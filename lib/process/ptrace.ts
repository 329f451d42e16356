/**
 * Numbers of the kernel's interface: ptrace(2), signal(7), waitpid(2), elf(5). Names are the kernel's own.
 *
 * @module
 */

/** Options of `PTRACE_SEIZE` (`linux/ptrace.h`). */
export const PTRACE_O_TRACESYSGOOD = 1 << 0;
/** See {@linkcode PTRACE_O_TRACESYSGOOD}. */
export const PTRACE_O_TRACEFORK = 1 << 1;
/** See {@linkcode PTRACE_O_TRACESYSGOOD}. */
export const PTRACE_O_TRACEVFORK = 1 << 2;
/** See {@linkcode PTRACE_O_TRACESYSGOOD}. */
export const PTRACE_O_TRACECLONE = 1 << 3;
/** See {@linkcode PTRACE_O_TRACESYSGOOD}. */
export const PTRACE_O_TRACEEXEC = 1 << 4;
/** See {@linkcode PTRACE_O_TRACESYSGOOD}. */
export const PTRACE_O_TRACEVFORKDONE = 1 << 5;
/** See {@linkcode PTRACE_O_TRACESYSGOOD}. Only for programs that the tracer started itself. */
export const PTRACE_O_EXITKILL = 1 << 20;

/** Events in bits 16 and up of a wait status. */
export const PTRACE_EVENT_FORK = 1;
/** See {@linkcode PTRACE_EVENT_FORK}. */
export const PTRACE_EVENT_VFORK = 2;
/** See {@linkcode PTRACE_EVENT_FORK}. */
export const PTRACE_EVENT_CLONE = 3;
/** See {@linkcode PTRACE_EVENT_FORK}. */
export const PTRACE_EVENT_EXEC = 4;
/** See {@linkcode PTRACE_EVENT_FORK}. */
export const PTRACE_EVENT_VFORK_DONE = 5;
/** See {@linkcode PTRACE_EVENT_FORK}. Also the first stop of a thread that is traced from birth, and group-stop. */
export const PTRACE_EVENT_STOP = 128;

/** What every traced thread is seized with. */
export const TRACE_OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
  PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACESYSGOOD;

/** Signal numbers, the same on x86-64 and aarch64. */
export const SIGILL = 4;
/** See {@linkcode SIGILL}. */
export const SIGTRAP = 5;
/** See {@linkcode SIGILL}. */
export const SIGBUS = 7;
/** See {@linkcode SIGILL}. */
export const SIGFPE = 8;
/** See {@linkcode SIGILL}. */
export const SIGKILL = 9;
/** See {@linkcode SIGILL}. */
export const SIGSEGV = 11;

/** What a thread stops with at the beginning and the end of a system call (`PTRACE_O_TRACESYSGOOD`). */
export const CALL_STOP = SIGTRAP | 0x80;

/** `si_code` of a SIGTRAP after a step over a system call on x86 (`asm-generic/siginfo.h`). */
export const TRAP_BRKPT = 1;
/** `si_code` of a SIGTRAP after a step over any other instruction. */
export const TRAP_TRACE = 2;

/** `si_code` of a signal that tgkill(2) has sent. */
export const SI_TKILL = -6;

/** The note type of the general registers, for `PTRACE_GETREGSET`. */
export const NT_PRSTATUS = 1;

/** Size of a `siginfo_t` in bytes. */
export const SIGINFO_BYTES = 128;

/** `mmap` flags and protections (`asm-generic/mman-common.h`). */
export const PROT_READ = 1;
/** See {@linkcode PROT_READ}. */
export const PROT_EXEC = 4;
/** See {@linkcode PROT_READ}. */
export const PROT_WRITE = 2;
/** See {@linkcode PROT_READ}. */
export const MAP_SHARED = 1;
/** See {@linkcode PROT_READ}. */
export const MAP_PRIVATE = 2;
/** See {@linkcode PROT_READ}. */
export const MAP_ANONYMOUS = 0x20;
/** See {@linkcode PROT_READ}. Linux 4.17; older kernels take the address as a hint. */
export const MAP_FIXED_NOREPLACE = 0x100000;

/** See {@linkcode PROT_READ}. Only pages that are used count. */
export const MAP_NORESERVE = 0x4000;
/** `madvise`: the pages of a shared file are given back, and are zeros when they are used again. */
export const MADV_REMOVE = 9;
/** `madvise`: no pages of 2 MiB. */
export const MADV_NOHUGEPAGE = 15;
/** `madvise`: a child of fork(2) finds zeros (Linux 4.14). */
export const MADV_WIPEONFORK = 18;
/** `madvise`: not part of core dumps, and so never one mapping with a neighbour (Linux 3.4). */
export const MADV_DONTDUMP = 16;
/** `memfd_create` (linux/memfd.h). */
export const MFD_CLOEXEC = 1;

/** Whether a thread may read the clock of the CPU (prctl(2), `linux/prctl.h`). */
export const PR_GET_TSC = 25;
/** See {@linkcode PR_GET_TSC}: it gets SIGSEGV. */
export const PR_TSC_SIGSEGV = 2;

/** `errno` values as the C library returns them, negated. */
export const EPERM = 1;
/** See {@linkcode EPERM}. */
export const ESRCH = 3;
/** See {@linkcode EPERM}. */
export const ECHILD = 10;

/** Whether a wait status says that the thread exited or was killed. */
export function isEnd(status: number): boolean {
  return (status & 0xff) !== 0x7f;
}

/** The event in a stop's wait status; 0 for a signal-delivery-stop. */
export function eventOf(status: number): number {
  return status >> 16;
}

/** The signal in a stop's wait status. */
export function signalOf(status: number): number {
  return (status >> 8) & 0xff;
}

/** Whether a wait status says that the thread has stopped for a SIGTRAP: of a trap, of a step, or one that was sent. */
export function isTrap(status: number): boolean {
  return eventOf(status) === 0 && signalOf(status) === SIGTRAP;
}

/**
 * Tells whether a SIGTRAP of a thread that makes a single step says that the step has been made.
 *
 * @param code Its `si_code`; undefined if the thread is gone.
 * @returns Whether it does (arch/x86: send_sigtrap in user_single_step_report and in exc_debug_user).
 */
export function isStepCode(code: number | undefined): boolean {
  return code === TRAP_TRACE || code === TRAP_BRKPT;
}

/** The wait status of a thread that has stopped only because it was told to. */
export const INTERRUPTED = (PTRACE_EVENT_STOP << 16) | (SIGTRAP << 8) | 0x7f;
