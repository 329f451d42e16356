/**
 * D's own library: types and constants that DTrace installs as files of D.
 *
 * They are text of D, compiled in front of every program. Numbers are those of Linux, registers those of x86-64 in the
 * order of `struct user_regs_struct`.
 *
 * They take longer to compile than most programs: what a program does not mention is left out.
 *
 * @module
 */

import { ERROR_NAMES, SIGNAL_NAMES } from "../system_names.ts";

/** The errors that DTrace names, by their numbers: from the first forty, and those of networks. */
const ERRORS = [[1, 40], [88, 116]] as const;

const CHILD_CODES = "CLD_EXITED CLD_KILLED CLD_DUMPED CLD_TRAPPED CLD_STOPPED CLD_CONTINUED";

const REGISTERS =
  "R_R15 R_R14 R_R13 R_R12 R_RBP R_RBX R_R11 R_R10 R_R9 R_R8 R_RAX R_RCX R_RDX R_RSI R_RDI R_ORIG_RAX " +
  "R_RIP R_CS R_RFL R_RSP R_SS R_FSBASE R_GSBASE R_DS R_ES R_FS R_GS";

const FAULTS = "DTRACEFLT_UNKNOWN DTRACEFLT_BADADDR DTRACEFLT_BADALIGN DTRACEFLT_ILLOP DTRACEFLT_DIVZERO " +
  "DTRACEFLT_NOSCRATCH DTRACEFLT_KPRIV DTRACEFLT_UPRIV DTRACEFLT_TUPOFLOW DTRACEFLT_BADSTACK " +
  "DTRACEFLT_BADSIZE DTRACEFLT_BADINDEX";

/** Names that stand for other names. */
const ALIASES =
  "EWOULDBLOCK=EAGAIN SIGCLD=SIGCHLD SIGPOLL=SIGIO R_PC=R_RIP R_SP=R_RSP R_FP=R_RBP R_PS=R_RFL R_R0=R_RAX " +
  "R_R1=R_RDX";

const SINGLE =
  "AF_UNIX=1 AF_INET=2 AF_INET6=10 PR_MODEL_ILP32=1 PR_MODEL_LP64=2 SSLEEP=1 SRUN=2 SZOMB=3 SSTOP=4 SIDL=5 " +
  "SONPROC=6 SWAIT=7 O_RDONLY=0 O_WRONLY=1 O_RDWR=2 O_ACCMODE=3";

/** The structures, and what is in the text of a program that may mean one of them: by its name, or by that of what has it. */
const STRUCTURES: readonly (readonly [mark: RegExp, source: string])[] = [
  [
    /psinfo/,
    `typedef struct psinfo {
  int pr_nlwp; pid_t pr_pid; pid_t pr_ppid; pid_t pr_pgid; pid_t pr_sid; uid_t pr_uid; uid_t pr_euid; gid_t pr_gid;
  gid_t pr_egid; uintptr_t pr_addr; dev_t pr_ttydev; time_t pr_start; string pr_fname; string pr_psargs; int pr_argc;
  uintptr_t pr_argv; uintptr_t pr_envp; char pr_dmodel; taskid_t pr_taskid; projid_t pr_projid; poolid_t pr_poolid;
  zoneid_t pr_zoneid; int pr_flag; int pr_wstat;
} psinfo_t;`,
  ],
  [
    /lwpsinfo/,
    `typedef struct lwpsinfo {
  int pr_flag; id_t pr_lwpid; uintptr_t pr_addr; uintptr_t pr_wchan; char pr_stype; char pr_state; char pr_sname;
  short pr_syscall; int pr_pri; char pr_clname[8]; processorid_t pr_onpro; processorid_t pr_bindpro; psetid_t pr_bindpset;
  string pr_name;
} lwpsinfo_t;`,
  ],
  [/in6_addr|inet_/, "struct in6_addr { uint8_t s6_addr[16]; }; typedef struct in6_addr in6_addr_t;"],
  [/timeval/, "struct timeval { time_t tv_sec; suseconds_t tv_usec; };"],
  [/timespec/, "struct timespec { time_t tv_sec; long tv_nsec; };"],
];
/** The types of these are those of the traced program, by whatever names. */
const TYPED_ARGUMENTS = /args/;

/** The constants, each as its name and its value. */
const CONSTANTS: readonly (readonly [name: string, value: string])[] = [
  ...ERRORS.flatMap(([first, last]) => numbered(ERROR_NAMES.slice(first, last + 1), first)),
  ...numbered(SIGNAL_NAMES.slice(1), 1),
  ...numbered(CHILD_CODES.split(" "), 1),
  ...numbered(REGISTERS.split(" "), 0),
  ...numbered(FAULTS.split(" "), 0),
  ["NULL", "0"],
  ...[...SINGLE.split(" "), ...ALIASES.split(" ")].map((pair) => pair.split("=") as [string, string]),
];

/**
 * Writes the library.
 *
 * @param text What the program is made of; by default it may mention anything.
 * @returns A program of D that has no clauses. It has the structures and constants whose names are in the text, and those that
 *   they stand for.
 */
export function librarySource(text?: string): string {
  const structures = STRUCTURES.filter(([mark]) => text === undefined || mark.test(text) || TYPED_ARGUMENTS.test(text));
  const mentioned = text === undefined ? CONSTANTS : CONSTANTS.filter(([name]) => text.includes(name));
  const values = new Set(mentioned.map(([, value]) => value));
  const lines = CONSTANTS.filter((constant) => mentioned.includes(constant) || values.has(constant[0]))
    .map(([name, value]) => `inline int ${name} = ${value};`);
  return [...structures.map(([, source]) => source), ...lines].join("\n");
}

function numbered(names: readonly string[], first: number): [string, string][] {
  return names.map((name, index) => [name, String(first + index)]);
}
