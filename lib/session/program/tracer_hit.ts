/**
 * A firing of a probe that is in no target: BEGIN, END, `tick-`. What it tells of is the tracer, which is called
 * `dtrace`, as scripts know it.
 *
 * @module
 */

import type { Kernel } from "../../../ffi/ffi.ts";
import type { NumberBuiltin, ProbeHit, TextBuiltin } from "../../d/host.ts";
import type { ProcessFacts } from "./process_facts.ts";
import { setNumber } from "./thread_hit.ts";
import type { WallClock } from "./wall_clock.ts";

const NAME = new TextEncoder().encode("dtrace");

/** See the module's comment. */
export class TracerHit implements ProbeHit {
  readonly #kernel: Kernel;
  readonly #facts: ProcessFacts;
  readonly #clock: WallClock;
  readonly #texts = new Map<TextBuiltin, Uint8Array>([["execname", NAME], ["curpsinfo.pr_fname", NAME]]);
  /** The process. */
  readonly pid: number = Deno.pid;
  /** The thread, which is the first one. */
  readonly tid: number = Deno.pid;

  /**
   * Makes the object.
   *
   * @param kernel The kernel's requests.
   * @param facts What `/proc` says.
   * @param clock The time of day.
   */
  constructor(kernel: Kernel, facts: ProcessFacts, clock: WallClock) {
    this.#kernel = kernel;
    this.#facts = facts;
    this.#clock = clock;
  }

  /** The CPU on which the probe fires. */
  get cpu(): number {
    return this.#kernel.call.ft_cpu();
  }

  /** See {@linkcode ProbeHit.readNumber}. */
  readNumber(name: NumberBuiltin, into: Uint32Array): void {
    if (name === "timestamp") return setNumber(into, this.#kernel.call.ft_clock_ns());
    if (name === "walltimestamp") return this.#clock.read(this.#kernel.call.ft_clock_ns(), into);
    if (name === "cpu" || name === "curlwpsinfo.pr_onpro") return setNumber(into, this.cpu);
    const isOwn = name === "pid" || name === "tid" || name === "curpsinfo.pr_pid" || name === "curlwpsinfo.pr_lwpid";
    setNumber(into, isOwn ? this.pid : this.#facts.number(name, this.pid, this.tid));
  }

  /** See {@linkcode ProbeHit.readText}. */
  readText(name: TextBuiltin): Uint8Array {
    let text = this.#texts.get(name);
    if (text === undefined) this.#texts.set(name, text = this.#facts.text(name, this.pid, this.tid));
    return text;
  }

  /** See {@linkcode ProbeHit.readArgument}: there are none. */
  readArgument(_index: number, _typed: boolean, into: Uint32Array): void {
    into.fill(0);
  }

  /** See {@linkcode ProbeHit.readRegister}. */
  readRegister(_index: number, into: Uint32Array): boolean {
    into.fill(0);
    return true;
  }

  /** See {@linkcode ProbeHit.readMemory}: there is no target. */
  readMemory(): number {
    return 0;
  }

  /** See {@linkcode ProbeHit.writeMemory}. */
  writeMemory(): boolean {
    return false;
  }

  /** See {@linkcode ProbeHit.walkStack}. */
  walkStack(): number {
    return 0;
  }

  /** See {@linkcode ProbeHit.act}: no thread waits. */
  act(): void {}

  /** See {@linkcode ProbeHit.isProgenyOf}. */
  isProgenyOf(pid: number): boolean {
    return pid === this.pid;
  }
}
