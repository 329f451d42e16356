/**
 * How a clause can run for a hit: on a record of it, or while the thread waits, and why.
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
 * - Further arguments of functions are on the stack, as is the address to which a function that has just been entered returns: a
 *   part of it can be copied at the hit. So can the general registers.
 * - Memory is copied at the hit where it is known beforehand what is read of it (`memory_reads.ts`); at the time of the record it
 *   may be something else.
 *
 * @module
 */

import type { BuiltinName, Expression, SubroutineName } from "./expression.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { numberOf } from "./int64.ts";
import { type MemoryRead, MemoryReads, rootsOf } from "./memory_reads.ts";
import type { Clause, Statement } from "./tree.ts";
import { allExpressions, allStatements } from "./walk.ts";

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
  // These are of the kernel, or not told by Linux, and always 0.
  "caller",
  "ipl",
  "stackdepth",
  "curpsinfo.pr_addr",
  "curpsinfo.pr_argv",
  "curpsinfo.pr_envp",
]);

/** Those that belong to the process. */
const OF_PROCESS: ReadonlySet<BuiltinName> = new Set<BuiltinName>([
  "execname",
  "gid",
  "ppid",
  "root",
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

/** What writes the memory of the program. */
const WRITERS: ReadonlySet<SubroutineName> = new Set<SubroutineName>(["copyout", "copyoutstr"]);

/** The numbers of `uregs[]` that are registers of programs: all general ones, the pc and the flags. */
const REGISTERS: ReadonlySet<number> = new Set([...Array(15).keys(), 16, 18, 19]);
const WORD_BYTES = 8;

/** What a record of a hit has to have beside what all records have: of memory, of the stack, or the general registers. */
export type WantedCapture =
  | MemoryRead
  | { readonly kind: "stack"; readonly sizeBytes: number }
  | { readonly kind: "registers" };

/** How a clause can run for a hit. */
export interface HitPlan {
  /** Why the thread has to wait, as the end of a sentence; undefined if a record is enough. */
  readonly stopReason: string | undefined;
  /** What a record has to have, each once. */
  readonly captures: readonly WantedCapture[];
}

/**
 * Finds out how a clause can run for a hit.
 *
 * @param clause The clause.
 * @param probes The description by which it names the probe; its macro variables may be there.
 * @param memory What the program reads of memory.
 * @returns How.
 */
export function planHit(clause: Clause, probes: ProbeDescription, memory: MemoryReads): HitPlan {
  const captures = new Map<string, WantedCapture>();
  for (const demand of demandsOf(clause, probes, memory)) {
    if (typeof demand === "string") return { stopReason: `its clause ${demand}`, captures: [] };
    for (const each of demand) captures.set(JSON.stringify(each), each);
  }
  return { stopReason: undefined, captures: [...captures.values()] };
}

/**
 * Finds out how the clauses of a program can run.
 *
 * @param clauses The clauses.
 * @param strsize The size of a string.
 * @returns All descriptions of all clauses in their order, and how the clause of each can run for a hit.
 */
export function planProgram(
  clauses: readonly Clause[],
  strsize: number,
): { descriptions: readonly ProbeDescription[]; plans: readonly HitPlan[] } {
  const memory = new MemoryReads(clauses, strsize);
  return {
    descriptions: clauses.flatMap(({ probes }) => probes),
    plans: clauses.flatMap((clause) => clause.probes.map((description) => planHit(clause, description, memory))),
  };
}

/** What each part of a clause wants beyond what all records have; a text says that no record has it: what the clause does. */
function* demandsOf(
  clause: Clause,
  probes: ProbeDescription,
  memory: MemoryReads,
): Generator<readonly WantedCapture[] | string> {
  const isOfFunctions = OF_FUNCTIONS.test(probes.provider);
  const moment = isOfFunctions && (probes.name === "entry" || probes.name === "return") ? probes.name : undefined;
  for (const statement of allStatements(clause.statements)) {
    if (ACTIONS.has(statement.kind)) yield `acts on the thread by ${statement.kind}()`;
    yield memory.ofStatement(statement, clause);
  }
  for (const root of rootsOf(clause)) {
    for (const expression of allExpressions(root)) yield demandOf(expression, clause, { moment, memory });
  }
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

function demandOf(
  expression: Expression,
  clause: Clause,
  { moment, memory }: { readonly moment: "entry" | "return" | undefined; readonly memory: MemoryReads },
): readonly WantedCapture[] | string {
  switch (expression.kind) {
    case "argument":
      // What a function returns is recorded, and there is nothing beyond.
      return moment === "return" ? [] : stackOf(expression.index - RECORDED_ARGUMENTS);
    case "builtin":
      if (expression.name === "ucaller" && moment === "entry") return stackOf(0);
      return RECORDED.has(expression.name) || OF_PROCESS.has(expression.name)
        ? []
        : `wants ${expression.name.replace(".", "->")}`;
    case "register":
      return demandOfRegister(expression.index);
    case "stack":
      return expression.of === "stack" ? [] : `walks the stack by ${expression.of}()`;
    case "call":
      return WRITERS.has(expression.name) ? `writes memory by ${expression.name}()` : memory.of(expression, clause);
    default:
      return memory.of(expression, clause);
  }
}

/** The stack up to an argument on it, of which the first is 0, with the return address that may be in front of them. */
function stackOf(index: number): readonly WantedCapture[] {
  return index < 0 ? [] : [{ kind: "stack", sizeBytes: WORD_BYTES * (index + 2) }];
}

function demandOfRegister(index: Expression): readonly WantedCapture[] | string {
  // It always is one.
  const number = index.kind === "constant" ? numberOf(index.value, true) : NaN;
  return REGISTERS.has(number) ? [{ kind: "registers" }] : `wants uregs[${number}]`;
}
