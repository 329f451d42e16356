/**
 * A hit that nobody was stopped for, as a D program asks for it: the record of it.
 *
 * Only clauses run on it that need nothing else (`lib/d/hit_plan.ts`); whatever else is asked for reads as nothing. What was
 * captured for one clause of a probe is there for all of them: memory is found by its address.
 *
 * @module
 */

import type { NumberBuiltin, ProbeHit, TextBuiltin } from "../../d/host.ts";
import type { RecordView } from "../../fasttrap/hit_record.ts";
import type { KeptFacts } from "./kept_facts.ts";
import { setNumber } from "./thread_hit.ts";
import type { WallClock } from "./wall_clock.ts";

/** See the module's comment. One object serves all records. */
export class RecordHit implements ProbeHit {
  readonly #facts: KeptFacts;
  readonly #clock: WallClock;
  #record!: RecordView;

  /**
   * Makes the object.
   *
   * @param facts What is known of processes.
   * @param clock The time of day.
   */
  constructor(facts: KeptFacts, clock: WallClock) {
    this.#facts = facts;
    this.#clock = clock;
  }

  /**
   * A probe has fired.
   *
   * @param record What was recorded.
   */
  begin(record: RecordView): void {
    this.#record = record;
  }

  /** See {@linkcode ProbeHit.pid}. */
  get pid(): number {
    return this.#record.pid;
  }

  /** See {@linkcode ProbeHit.tid}. */
  get tid(): number {
    return this.#record.tid;
  }

  /** See {@linkcode ProbeHit.cpu}. */
  get cpu(): number {
    return this.#record.cpu;
  }

  /** See {@linkcode ProbeHit.readNumber}. */
  readNumber(name: NumberBuiltin, into: Uint32Array): void {
    const record = this.#record;
    switch (name) {
      case "timestamp":
        return setNumber(into, record.timestampNs);
      case "walltimestamp":
        return this.#clock.read(record.timestampNs, into);
      case "pid":
      case "curpsinfo.pr_pid":
        return setNumber(into, record.pid);
      case "tid":
      case "curlwpsinfo.pr_lwpid":
        return setNumber(into, record.tid);
      case "cpu":
      case "curlwpsinfo.pr_onpro":
        return setNumber(into, record.cpu);
      case "ucaller":
        // Where a function has just been entered, which it returns to is on the top of the stack.
        return record.readStack(0, into);
      default:
        return setNumber(into, this.#facts.number(name, record.probe, record.pid, record.timestampNs));
    }
  }

  /** See {@linkcode ProbeHit.readText}. */
  readText(name: TextBuiltin): Uint8Array {
    return this.#facts.text(name, this.#record.probe);
  }

  /** See {@linkcode ProbeHit.readArgument}: those of static probes are mapped already. */
  readArgument(index: number, _typed: boolean, into: Uint32Array): void {
    this.#record.readArg(index, into);
  }

  /** See {@linkcode ProbeHit.readRegister}. */
  readRegister(index: number, into: Uint32Array): boolean {
    return this.#record.readRegister(index, into);
  }

  /** See {@linkcode ProbeHit.readMemory}: what was copied at the hit, which is all that clauses ask for. */
  readMemory(address: number, into: Uint8Array): number {
    return this.#record.readMemory(address, into);
  }

  /** See {@linkcode ProbeHit.writeMemory}. */
  writeMemory(): boolean {
    return false;
  }

  /** See {@linkcode ProbeHit.walkStack}. */
  walkStack(): number {
    return 0;
  }

  /** See {@linkcode ProbeHit.act}. */
  act(): void {}

  /** See {@linkcode ProbeHit.isProgenyOf}. */
  isProgenyOf(pid: number): boolean {
    return pid === this.pid || this.#facts.ancestors(this.#record.probe).includes(pid);
  }
}
