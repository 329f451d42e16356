/**
 * Whether a process can be attached, and if not, which of the kernel's rules is the cause.
 *
 * *Problem.* PTRACE_SEIZE says EPERM for half a dozen different reasons, and advice that fits another reason sends
 * people down the wrong road. *Method.* The kernel's own verdict is asked for (opening `/proc/PID/mem` for writing goes
 * through the same check, `__ptrace_may_access` in kernel/ptrace.c and the security modules, and changes nothing), and
 * every rule that takes part in it is looked at by itself:
 *
 * | rule | refuses unless |
 * | --- | --- |
 * | uid | real, effective and saved uid and gid of the target are ours, or CAP_SYS_PTRACE |
 * | user namespace | the target's is ours or below it, for CAP_SYS_PTRACE to count |
 * | dumpable | the target has not changed its ids, or CAP_SYS_PTRACE |
 * | Yama ptrace_scope | 0; 1: a descendant of ours, or CAP_SYS_PTRACE; 2: CAP_SYS_PTRACE; 3: never |
 * | tracer | nobody traces it yet |
 * | own seccomp filter | it lets ptrace through |
 *
 * @module
 */

import { cString, type Kernel } from "../../ffi/ffi.ts";
import { DTraceError, SystemError } from "../errors.ts";
import { isaOfProcess } from "./images.ts";
import { isOurs, listThreads, type ProcessStatus, readLink, readStatus, readText } from "./proc_files.ts";
import { EPERM } from "./ptrace.ts";

/** The bit of CAP_SYS_PTRACE in a capability set (`linux/capability.h`). */
const CAP_SYS_PTRACE = 19;
/** The pid of kthreadd, whose children all other kernel threads are. */
const KTHREADD = 2;
/** A pid that no process has: beyond the kernel's largest `pid_max`. */
const NO_PID = 0x7ffffff0;

/** One rule, and what it says about one process. */
export interface PermissionCheck {
  /** The rule's name: `uid`, `capability`, `yama`, `user namespace`, `dumpable`, `seccomp`, `tracer`. */
  readonly rule: string;
  /** What was found. */
  readonly found: string;
  /** Whether it lets us attach; undefined if it could not be determined, or if it decides nothing by itself. */
  readonly passes: boolean | undefined;
}

/** The verdict about one process. */
export interface Permission {
  /** The process. */
  readonly pid: number;
  /** Its name, uid and state. */
  readonly description: string;
  /** Whether it can be attached. */
  readonly allowed: boolean;
  /** The cause, as the end of a sentence; undefined if it can be attached. */
  readonly cause: string | undefined;
  /** What works instead. */
  readonly hint: string | undefined;
  /** Every rule that takes part. */
  readonly checks: readonly PermissionCheck[];
}

/**
 * Looks for a reason why a process cannot be attached that has nothing to do with rights.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The error to throw; undefined if there is none.
 */
export function findObstacle(kernel: Kernel, pid: number): DTraceError | undefined {
  if (pid === Deno.pid) return grabError(pid, "it is this process itself", "EINVAL");
  const status = readStatus(kernel, pid);
  if (status === undefined) return grabError(pid, "there is no such process", "ESRCH");
  if (status.tgid !== pid) {
    return grabError(pid, `it is a thread of process ${status.tgid}`, "ESRCH", `use -p ${status.tgid}`);
  }
  if (status.state === "Z" && (listThreads(kernel, pid)?.length ?? 0) > 1) {
    return grabError(pid, "its first thread has exited, without which its memory cannot be found", "ESRCH");
  }
  if (status.state === "Z" || status.state === "X") {
    return grabError(
      pid,
      `it has ended and waits for its parent, process ${status.ppid}, to notice (a zombie)`,
      "ESRCH",
    );
  }
  if (!status.hasMemory) {
    const isKernelThread = pid === KTHREADD || status.ppid === KTHREADD;
    return grabError(pid, isKernelThread ? "it is a kernel thread" : "it is about to end", "EINVAL");
  }
  if (status.tracerPid !== 0 && !isOurs(kernel, pid)) {
    return grabError(
      pid,
      `it is already traced by ${nameOf(kernel, status.tracerPid)}`,
      "EPERM",
      "stop that tracer first",
    );
  }
  if (kernel.call.ft_same_memory(pid, status.ppid) === 0) {
    const why = `it shares the memory of its parent, process ${status.ppid}, until it executes a program (vfork)`;
    return grabError(pid, why, "EINVAL", `use -p ${status.ppid}`);
  }
  return findForeignCode(kernel, pid);
}

/** The error for a process whose code is not supported. One whose executable cannot be read is left to the kernel. */
function findForeignCode(kernel: Kernel, pid: number): DTraceError | undefined {
  try {
    isaOfProcess(kernel, pid);
  } catch (error) {
    if (error instanceof DTraceError) return error;
    if (!(error instanceof SystemError)) throw error;
  }
  return undefined;
}

/**
 * Says why the kernel refused to attach.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The error to throw.
 */
export function explainRefusal(kernel: Kernel, pid: number): DTraceError {
  const obstacle = findObstacle(kernel, pid);
  if (obstacle !== undefined) return obstacle;
  const { cause, hint } = judge(kernel, pid);
  return grabError(pid, `operation not permitted: ${cause ?? "the kernel refused"}`, "EPERM", hint);
}

/**
 * Judges whether a process can be attached. Nothing is changed, and the process does not notice.
 *
 * @param kernel The kernel's requests.
 * @param pid The process.
 * @returns The verdict, rule by rule.
 */
export function judge(kernel: Kernel, pid: number): Permission {
  const status = readStatus(kernel, pid);
  const obstacle = findObstacle(kernel, pid);
  if (status === undefined || (obstacle !== undefined && status.tracerPid === 0)) {
    const cause = obstacle?.message.replace(/^Cannot grab process \d+: /, "") ?? "there is no such process";
    return { pid, description: describe(status), allowed: false, cause, hint: obstacle?.hint, checks: [] };
  }
  const own = readStatus(kernel, "self")!;
  const capable = hasCapability(own);
  const sameIds = hasSameIds(own, status);
  const dumpable = isDumpable(kernel, pid, status);
  const namespace = compareNamespaces(kernel, pid);
  const scope = yamaScope(kernel);
  const filtered = isFiltered(kernel);
  const opened = kernel.call.ft_open(cString(`/proc/${pid}/mem`), 1);
  if (opened >= 0) kernel.call.ft_close(opened);
  const traced = status.tracerPid !== 0;
  const checks: PermissionCheck[] = [
    { rule: "uid", found: `you are ${own.uid[1]}, it is ${status.uid[0]}`, passes: sameIds || undefined },
    { rule: "capability", found: capable ? "CAP_SYS_PTRACE" : "no CAP_SYS_PTRACE", passes: capable || sameIds },
    { rule: "yama", found: describeScope(kernel, scope), passes: scope === 0 || (capable && scope < 3) || undefined },
    { rule: "user namespace", found: namespace ?? "cannot be seen", passes: namespace === "same" || undefined },
    { rule: "dumpable", found: dumpable ? "yes" : "no", passes: dumpable || capable },
    { rule: "seccomp", found: describeSeccomp(own, status, filtered), passes: !filtered },
    { rule: "tracer", found: traced ? nameOf(kernel, status.tracerPid) : "none", passes: !traced },
  ];
  const allowed = opened >= 0 && !filtered && !traced;
  const [cause, hint] = allowed ? [] : findCause({ sameIds, capable, dumpable, scope, filtered, traced }, {
    own,
    status,
    kernel,
  });
  return { pid, description: describe(status), allowed, cause, hint, checks };
}

/**
 * Judges whether anything can be attached from here.
 *
 * @param kernel The kernel's requests.
 * @returns The rules that do not depend on the process.
 */
export function judgeEnvironment(kernel: Kernel): PermissionCheck[] {
  const own = readStatus(kernel, "self")!;
  const capable = hasCapability(own);
  const filtered = isFiltered(kernel);
  const scope = yamaScope(kernel);
  const release = readText(kernel, "/proc/sys/kernel/osrelease")?.trim();
  return [
    { rule: "kernel", found: `Linux ${release ?? "of an unknown release"}`, passes: true },
    { rule: "uid", found: `you are ${own.uid[1]}`, passes: undefined },
    { rule: "capability", found: capable ? "CAP_SYS_PTRACE" : "no CAP_SYS_PTRACE", passes: capable || undefined },
    { rule: "yama", found: describeScope(kernel, scope), passes: scope === 0 || (capable && scope < 3) },
    {
      rule: "seccomp",
      found: filtered ? "your own filter forbids ptrace" : "ptrace is not filtered",
      passes: !filtered,
    },
  ];
}

function findCause(
  facts: { sameIds: boolean; capable: boolean; dumpable: boolean; scope: number; filtered: boolean; traced: boolean },
  { own, status, kernel }: { own: ProcessStatus; status: ProcessStatus; kernel: Kernel },
): [cause: string, hint: string] {
  const start = "start the program with -c, or after --";
  if (facts.traced) {
    return [`it is already traced by ${nameOf(kernel, status.tracerPid)}`, "stop that tracer first"];
  }
  if (facts.filtered) {
    return ["a seccomp filter of this process forbids ptrace", "run outside of the sandbox or container"];
  }
  if (!facts.sameIds && !facts.capable) {
    return [
      `it belongs to uid ${status.uid[0]}, you are ${own.uid[1]}, without CAP_SYS_PTRACE`,
      `run as uid ${status.uid[0]}, or as root`,
    ];
  }
  if (facts.scope === 3) return ["Yama's ptrace_scope is 3, which forbids attaching until the next boot", start];
  if (facts.scope === 2 && !facts.capable) {
    return ["Yama's ptrace_scope is 2, which needs CAP_SYS_PTRACE", "run as root"];
  }
  if (!facts.dumpable && !facts.capable) {
    return ["it is not dumpable: it has changed its ids or protects itself (PR_SET_DUMPABLE)", "run as root"];
  }
  if (facts.scope === 1 && !facts.capable) {
    return ["Yama's ptrace_scope is 1, which allows only descendants to be attached", start];
  }
  if (facts.capable) {
    return [
      "it is in a user namespace, or has capabilities, over which yours have no power",
      "run in its namespace's parent",
    ];
  }
  // Its namespace cannot be seen without the right that is missing here.
  return ["it is in another user namespace, or a security module (SELinux, AppArmor, Landlock) refused", start];
}

function describe(status: ProcessStatus | undefined): string {
  return status === undefined ? "not there" : `${status.name}, uid ${status.uid[0]}, state ${status.state}`;
}

/** Whether a seccomp filter keeps ptrace from us: without one a pid that no process has is not found. */
function isFiltered(kernel: Kernel): boolean {
  return kernel.call.ft_seize(NO_PID, 0) === -EPERM;
}

/** Yama's ptrace_scope; 0 in a kernel without Yama. */
function yamaScope(kernel: Kernel): number {
  return Number.parseInt(readText(kernel, "/proc/sys/kernel/yama/ptrace_scope") ?? "0", 10);
}

function hasCapability(status: ProcessStatus): boolean {
  return ((Number.parseInt(status.capEff.slice(-8), 16) >>> CAP_SYS_PTRACE) & 1) === 1;
}

/** The uid rule: all of the target's real, effective and saved ids must be our effective ones. */
function hasSameIds(own: ProcessStatus, status: ProcessStatus): boolean {
  return status.uid.slice(0, 3).every((uid) => uid === own.uid[1]) &&
    status.gid.slice(0, 3).every((gid) => gid === own.gid[1]);
}

/** The files of a process that is not dumpable belong to root, whoever it runs as (proc(5)). */
function isDumpable(kernel: Kernel, pid: number, status: ProcessStatus): boolean {
  const values = new Float64Array(7);
  if (kernel.call.ft_stat(cString(`/proc/${pid}`), new Uint8Array(values.buffer)) < 0) return false;
  return values[5] === status.uid[1];
}

function compareNamespaces(kernel: Kernel, pid: number): string | undefined {
  const theirs = readLink(kernel, `/proc/${pid}/ns/user`);
  if (theirs === undefined) return undefined;
  return theirs === readLink(kernel, "/proc/self/ns/user") ? "same" : "another";
}

function describeScope(kernel: Kernel, scope: number): string {
  if (readText(kernel, "/proc/sys/kernel/yama/ptrace_scope") === undefined) return "not in this kernel";
  const meaning = ["everything of the same user", "only descendants", "only with CAP_SYS_PTRACE", "nothing"];
  return `ptrace_scope ${scope}: ${meaning[scope] ?? "unknown"}`;
}

function describeSeccomp(own: ProcessStatus, status: ProcessStatus, filtered: boolean): string {
  if (filtered) return "your own filter forbids ptrace";
  if (status.seccomp === 0) return "none";
  const same = own.seccomp === 2 && status.seccompFilters > 0 && status.seccompFilters <= own.seccompFilters;
  return same ? "the same filters as yours" : "it has filters: instructions are stepped in place";
}

function nameOf(kernel: Kernel, pid: number): string {
  return `${readStatus(kernel, pid)?.name ?? "a process of another pid namespace"} (pid ${pid})`;
}

function grabError(pid: number, why: string, errno: string, hint?: string): DTraceError {
  const cause = new SystemError(errno, "PTRACE_SEIZE", `process ${pid}`);
  return new DTraceError("D_PROC_GRAB", `Cannot grab process ${pid}: ${why}`, { cause, hint });
}
