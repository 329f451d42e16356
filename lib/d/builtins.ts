/**
 * The built-in variables with their types.
 *
 * `curpsinfo` and `curlwpsinfo` are pointers to structures that nobody makes: each member is a variable of its own, which
 * `/proc` tells. Members that Linux does not have are zero.
 *
 * @module
 */

import type { BuiltinName, ProcessMember, ThreadMember } from "./expression.ts";

/** Variables that are numbers or strings, with the names of their types. */
export const BUILTINS: Readonly<Partial<Record<BuiltinName, string>>> = {
  caller: "uintptr_t",
  cpu: "processorid_t",
  cwd: "string",
  epid: "uint_t",
  errno: "int",
  execname: "string",
  gid: "gid_t",
  id: "uint_t",
  ipl: "uint_t",
  pid: "pid_t",
  ppid: "pid_t",
  probefunc: "string",
  probemod: "string",
  probename: "string",
  probeprov: "string",
  root: "string",
  stackdepth: "uint32_t",
  tid: "id_t",
  timestamp: "uint64_t",
  ucaller: "uint64_t",
  uid: "uid_t",
  ustackdepth: "uint32_t",
  vtimestamp: "uint64_t",
  walltimestamp: "int64_t",
  zonename: "string",
};

/** The structures behind pointers, with the names of their types. */
export const STRUCTURE_BUILTINS: ReadonlyMap<string, string> = new Map([
  ["curpsinfo", "psinfo_t *"],
  ["curlwpsinfo", "lwpsinfo_t *"],
]);

const PROCESS_MEMBERS: ReadonlySet<string> = new Set<ProcessMember>([
  "pr_pid",
  "pr_ppid",
  "pr_pgid",
  "pr_sid",
  "pr_uid",
  "pr_euid",
  "pr_gid",
  "pr_egid",
  "pr_nlwp",
  "pr_fname",
  "pr_psargs",
  "pr_addr",
  "pr_argc",
  "pr_argv",
  "pr_envp",
  "pr_dmodel",
]);

const THREAD_MEMBERS: ReadonlySet<string> = new Set<ThreadMember>([
  "pr_lwpid",
  "pr_state",
  "pr_sname",
  "pr_pri",
  "pr_onpro",
  "pr_name",
]);

/**
 * Finds the variable of a member.
 *
 * @param structure `curpsinfo` or `curlwpsinfo`.
 * @param member The member.
 * @returns The variable; undefined if Linux does not have it.
 */
export function memberBuiltin(structure: "curpsinfo" | "curlwpsinfo", member: string): BuiltinName | undefined {
  const members = structure === "curpsinfo" ? PROCESS_MEMBERS : THREAD_MEMBERS;
  return members.has(member) ? `${structure}.${member}` as BuiltinName : undefined;
}

/** Variables of DTrace that mean the kernel, and what to use here instead. */
export const KERNEL_BUILTINS: ReadonlyMap<string, string> = new Map([
  ["curthread", "Use tid, or the members of curlwpsinfo"],
  ["curcpu", "Use cpu"],
]);
