/**
 * How far a program that we started runs before its probes are set (DTrace's option `evaltime`).
 *
 * | moment | the program has | how it is found |
 * | --- | --- | --- |
 * | `exec` | not executed an instruction; only the program and the dynamic linker are mapped | the stop of execve |
 * | `preinit` | its shared objects, relocated; no constructor has run | `_dl_debug_state` of the dynamic linker, which it calls when it has relocated them |
 * | `postinit` | run the constructors of its shared objects | the program's entry point |
 * | `main` | run everything before `main` | the symbol `main` |
 *
 * A static program has no dynamic linker: it relocates itself, which puts the implementations of its IFUNCs in place,
 * and calls `_init` before the first of its constructors. For it that is `preinit` and `postinit`, or `exec` is if its
 * start-up code is not the C library's.
 *
 * If a moment cannot be found, the next one is used.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import { PT_INTERP } from "../object/elf_constants.ts";
import { listModules, type Module } from "./modules.ts";
import type { Thread, TracedProcess } from "./process.ts";
import { runTo, stepOnce } from "./spawn.ts";
import type { Tracer } from "./tracer.ts";

/**
 * How far a program that we have started runs before its probes are set: `exec`, to its first instruction, with nothing
 * mapped but itself and the dynamic linker; `preinit`, until its shared objects are there and no constructor has run;
 * `postinit`, until theirs have run; `main`, up to that function. If a moment cannot be found, the next one is used.
 */
export type EvaluationTime = "exec" | "preinit" | "postinit" | "main";

/**
 * Lets a process that has just been started run to a moment.
 *
 * @param tracer The tracer.
 * @param process The process, its only thread stopped and not in the backlog. So it is afterwards, if it lives.
 * @param moment The moment.
 */
export function runToMoment(tracer: Tracer, process: TracedProcess, moment: EvaluationTime): void {
  // A handler may have asked for it, in the middle of another thread's hit.
  const registers = tracer.stop.registers.slice();
  run(tracer, process, moment);
  tracer.stop.registers.set(registers);
}

function run(tracer: Tracer, process: TracedProcess, moment: EvaluationTime): void {
  const thread = process.threads.get(process.pid);
  if (moment === "exec" || thread === undefined) return;
  const modules = listModules(tracer.kernel, process);
  const program = modules.find(({ isProgram }) => isProgram);
  if (program === undefined) return;
  const { elf, bias, table } = program.symbols();
  const entry = toAddress(elf.entry + bias);
  const main = table.find("main");
  if (moment === "main") {
    runTo(tracer, thread, [main === undefined ? entry : program.addressOf(main)]);
  } else if (!elf.segments.some(({ type }) => type === PT_INTERP)) {
    const init = table.find("_init");
    // Both: a C library that does not call `_init` must not get away.
    if (init && main) runTo(tracer, thread, [program.addressOf(init), program.addressOf(main)]);
  } else if (moment === "preinit") {
    runToRelocated(tracer, thread, modules, entry);
  } else {
    runTo(tracer, thread, [entry]);
  }
}

/** Runs until the dynamic linker says that its list of objects is consistent, but not before there is any in it. */
function runToRelocated(tracer: Tracer, thread: Thread, modules: readonly Module[], entry: Address): void {
  const linker = modules.find(({ isProgram }) => !isProgram);
  const symbol = linker?.symbols().table.find("_dl_debug_state");
  if (linker === undefined || symbol === undefined) {
    runTo(tracer, thread, [entry]);
    return;
  }
  const state = linker.addressOf(symbol);
  // The first call says that objects are about to be added.
  for (let more = true; more;) {
    if (runTo(tracer, thread, [state, entry]) !== state) return;
    more = listModules(tracer.kernel, thread.process).length <= modules.length;
    if (more) stepOnce(tracer, thread);
  }
}
