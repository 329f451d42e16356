/**
 * Why a clause needs the thread to wait, or that it does not.
 *
 * *Problem.* A hit that stops the thread costs a thousand times as much as one that is recorded and looked at later. A clause
 * may run on the record if that is the same for it.
 *
 * *Method.* What a record has is listed here; whatever else a clause uses is a reason to stop.
 *
 * - A record has the probe, process, thread, CPU and time of the hit, and the six arguments that functions get in registers; at
 *   the return of a function all that `argN` is there. `args[n]` is one of these.
 * - What belongs to the process and hardly ever changes is known without the thread (`lib/session/program/kept_facts.ts`):
 *   which program it is, as it was when its probes were enabled; who runs it, to some milliseconds.
 * - What the program keeps itself (variables, aggregations, speculations, scratch memory) and what happens when its output is
 *   consumed does not concern the thread.
 *
 * Memory is not recorded, whatever is read of it: at the time of the record it may be something else.
 *
 * @module
 */

import type { BuiltinName, Expression, SubroutineName } from "./expression.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { isInTarget } from "./needs.ts";
import type { Clause, Statement } from "./tree.ts";
import { allExpressions, allStatements, expressionsOf } from "./walk.ts";

/** How many arguments of a function are in registers. */
const RECORDED_ARGUMENTS = 6;
/** The providers whose `return` is that of a function. */
const OF_FUNCTIONS = /^(?:pid|objc|oneshot)(?:\d+|\$\w+)$/;

/** The variables that a record, or the program itself, tells. */
const RECORDED: ReadonlySet<BuiltinName> = new Set<BuiltinName>([
  "cpu",
  "epid",
  "id",
  "pid",
  "probefunc",
  "probemod",
  "probename",
  "probeprov",
  "tid",
  "timestamp",
  "walltimestamp",
  "curpsinfo.pr_pid",
  "curlwpsinfo.pr_lwpid",
  "curlwpsinfo.pr_onpro",
]);

/** Those that belong to the process. */
const OF_PROCESS: ReadonlySet<BuiltinName> = new Set<BuiltinName>([
  "execname",
  "gid",
  "ppid",
  "uid",
  "zonename",
  "curpsinfo.pr_argc",
  "curpsinfo.pr_dmodel",
  "curpsinfo.pr_egid",
  "curpsinfo.pr_euid",
  "curpsinfo.pr_fname",
  "curpsinfo.pr_gid",
  "curpsinfo.pr_pgid",
  "curpsinfo.pr_ppid",
  "curpsinfo.pr_psargs",
  "curpsinfo.pr_sid",
  "curpsinfo.pr_uid",
]);

/** What is done to the thread. */
const ACTIONS: ReadonlySet<Statement["kind"]> = new Set(["breakpoint", "chill", "panic", "raise", "stop"]);

/** What is done to the memory of the program; other subroutines know the clause's own memory only. */
const OF_MEMORY: Readonly<Partial<Record<SubroutineName, "reads" | "writes">>> = {
  copyin: "reads",
  copyinstr: "reads",
  copyinto: "reads",
  copyout: "writes",
  copyoutstr: "writes",
};

/**
 * Tells why the thread has to wait when a probe fires a clause.
 *
 * @param clause The clause.
 * @param probes The description by which it names the probe; its macro variables may be there.
 * @returns Why, as the end of a sentence; undefined if a record is enough.
 */
export function findStopReason(clause: Clause, probes: ProbeDescription): string | undefined {
  const isReturn = probes.name === "return" && OF_FUNCTIONS.test(probes.provider);
  const statements = [...allStatements(clause.statements)];
  for (const { kind } of statements) {
    if (ACTIONS.has(kind)) return `its clause acts on the thread by ${kind}()`;
    if (kind === "tracemem") return "its clause reads memory by tracemem()";
  }
  const roots = statements.flatMap(expressionsOf);
  if (clause.predicate !== undefined) roots.push(clause.predicate);
  for (const root of roots) {
    for (const expression of allExpressions(root)) {
      const reason = reasonOf(expression, isReturn);
      if (reason !== undefined) return reason;
    }
  }
  return undefined;
}

/**
 * Tells whether a variable belongs to the process, so that a record need not tell it.
 *
 * @param name Its name.
 * @returns Whether it does.
 */
export function isOfProcess(name: BuiltinName): boolean {
  return OF_PROCESS.has(name);
}

function reasonOf(expression: Expression, isReturn: boolean): string | undefined {
  switch (expression.kind) {
    case "argument": {
      const { index, typed } = expression;
      const isRecorded = isReturn || index < RECORDED_ARGUMENTS;
      return isRecorded ? undefined : `its clause wants ${typed ? `args[${index}]` : `arg${index}`}`;
    }
    case "builtin":
      return RECORDED.has(expression.name) || OF_PROCESS.has(expression.name)
        ? undefined
        : `its clause wants ${expression.name.replace(".", "->")}`;
    case "register":
      return "its clause wants uregs[]";
    case "stack":
      return expression.of === "stack" ? undefined : `its clause walks the stack by ${expression.of}()`;
    case "load":
      return expression.userland ? "its clause reads memory" : undefined;
    case "to-string":
      return isInTarget(expression.address) ? "its clause reads memory by stringof()" : undefined;
    case "call": {
      const does = OF_MEMORY[expression.name];
      return does && `its clause ${does} memory by ${expression.name}()`;
    }
    default:
      return undefined;
  }
}
