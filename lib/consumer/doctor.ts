/**
 * The screens of `doctor`: each rule that decides whether a process can be attached, what was found, and what follows.
 *
 * ```text
 * target 4242 (nginx, uid 33, state S)              attach: refused
 *   uid              you are 1000, it is 33         -
 *   capability       no CAP_SYS_PTRACE              ✗
 *   tracer           none                           ✓
 * cause: it belongs to uid 33, you are 1000, without CAP_SYS_PTRACE
 * hint: run as uid 33, or as root
 * ```
 *
 * @module
 */

import type { Permission, PermissionCheck } from "../process/permission.ts";

const RULE_WIDTH = 16;

/**
 * Formats the verdict about a process.
 *
 * @param permission The verdict.
 * @returns Whole lines.
 */
export function formatPermission(permission: Permission): string {
  const { pid, description, allowed, checks, cause, hint } = permission;
  const width = widthOf(checks);
  const title = `target ${pid} (${description})`.padEnd(RULE_WIDTH + width + 4);
  const lines = [`${title}attach: ${allowed ? "allowed" : "refused"}`, ...checks.map((it) => formatCheck(it, width))];
  if (cause !== undefined) lines.push(`cause: ${cause}`);
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  return `${lines.join("\n")}\n`;
}

/**
 * Formats what is known without a process.
 *
 * @param title What is examined.
 * @param checks The rules.
 * @returns Whole lines.
 */
export function formatEnvironment(title: string, checks: readonly PermissionCheck[]): string {
  const width = widthOf(checks);
  return `${[title, ...checks.map((check) => formatCheck(check, width))].join("\n")}
ways that work now: ${waysOf(checks)}
`;
}

function waysOf(checks: readonly PermissionCheck[]): string {
  const passes = (rule: string) => checks.find((check) => check.rule === rule)?.passes;
  if (passes("seccomp") === false) return "none: run outside of the sandbox or container";
  if (passes("capability")) return "-c CMD  ·  -p PID of any process";
  return passes("yama") ? "-c CMD  ·  -p PID of your own processes" : "-c CMD";
}

function formatCheck({ rule, found, passes }: PermissionCheck, width: number): string {
  return `  ${rule.padEnd(RULE_WIDTH)} ${found.padEnd(width)} ${passes === undefined ? "-" : passes ? "✓" : "✗"}`;
}

function widthOf(checks: readonly PermissionCheck[]): number {
  return Math.max(...checks.map(({ found }) => found.length), 28);
}
