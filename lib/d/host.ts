/**
 * What a program asks of whoever runs it: the probe that fires, and the thread that it fires in.
 *
 * The front end says beforehand what a clause needs (`Needs` in `tree.ts`); what a hit cannot tell it gives as zero or as
 * an empty string, except for memory, where not being able to read is an error of the clause.
 *
 * 64-bit values are two unsigned halves, the low one first. One object may serve all hits: nothing of it is used after the
 * clauses have run, but the bytes of {@linkcode ProbeHit.readText}, which must never change.
 *
 * @module
 */

import type { BuiltinName } from "./expression.ts";

/** A probe, by what D can say of it. */
export interface FiringProbe {
  /** Its number, which `-l` prints and `id` is. */
  readonly id: number;
  readonly provider: string;
  readonly module: string;
  readonly function: string;
  readonly name: string;
}

/** A clause that a probe fires. */
export interface Enabling {
  /** Its number, which `epid` is; 1 is taken by what reports errors. Each pair of a probe and a clause has one. */
  readonly epid: number;
  /** The place of the clause in the program. */
  readonly clause: number;
  readonly probe: FiringProbe;
}

/** The built-in variables that a hit tells as numbers; the program knows `epid` and `id` itself. */
export type NumberBuiltin = Exclude<BuiltinName, "epid" | "id" | TextBuiltin | ProbeText>;

/** Those that it tells as strings. */
export type TextBuiltin =
  | "cwd"
  | "execname"
  | "root"
  | "zonename"
  | "curpsinfo.pr_fname"
  | "curpsinfo.pr_psargs"
  | "curlwpsinfo.pr_name";

/** Those that the program takes from the probe. */
export type ProbeText = "probefunc" | "probemod" | "probename" | "probeprov";

/** A probe fires in a thread. */
export interface ProbeHit {
  /** The process; of probes that fire in none (BEGIN, END, tick), the tracer. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /** The CPU, for records, if the option `recordsCpu` asks for it; -1 if it is not known. */
  readonly cpu: number;
  /**
   * Tells a built-in variable that is a number. The program asks once a firing for each; times are the same in all
   * clauses of a firing.
   *
   * @param name Its name. `timestamp`, `vtimestamp` and `walltimestamp` are nanoseconds.
   * @param into Receives the halves.
   */
  readNumber(name: NumberBuiltin, into: Uint32Array): void;
  /**
   * Tells a built-in variable that is a string.
   *
   * @param name Its name.
   * @returns Its bytes without a NUL; the same object as long as it is the same string, so that it is copied once.
   */
  readText(name: TextBuiltin): Uint8Array;
  /**
   * Tells an argument.
   *
   * @param index Which one, 0 to 9.
   * @param typed Whether it is that of `args[]`, after the probe's mapping.
   * @param into Receives the halves, extended to 64 bits by its type.
   */
  readArgument(index: number, typed: boolean, into: Uint32Array): void;
  /**
   * Tells a register.
   *
   * @param index The number of `uregs[]`, such as `R_RAX`.
   * @param into Receives the halves.
   * @returns Whether there is such a register.
   */
  readRegister(index: number, into: Uint32Array): boolean;
  /**
   * Reads the memory of the process, without the traps in it.
   *
   * @param address Where.
   * @param into Receives the bytes.
   * @returns How many could be read, from the beginning.
   */
  readMemory(address: number, into: Uint8Array): number;
  /**
   * Writes the memory of the process, for destructive actions.
   *
   * @param address Where.
   * @param bytes What.
   * @returns Whether all could be written.
   */
  writeMemory(address: number, bytes: Uint8Array): boolean;
  /**
   * Walks the stack of the thread.
   *
   * @param into Receives addresses: where the thread is, then where each function will go on.
   * @param limit How many at most.
   * @returns How many there are.
   */
  walkStack(into: Float64Array, limit: number): number;
  /**
   * Does something to the thread.
   *
   * @param action To stop its process, to send it a signal, or to keep it waiting.
   * @param value The signal, or nanoseconds; otherwise 0.
   */
  act(action: "stop" | "raise" | "chill", value: number): void;
  /**
   * Tells whether the process descends from another one.
   *
   * @param pid The other one.
   * @returns Whether it does, or is the same.
   */
  isProgenyOf(pid: number): boolean;
}
