/**
 * What D's variables say of processes whose threads are not stopped: who runs them, and which program they are.
 *
 * *Problem.* A record is read some milliseconds after its hit. The process may have ended by then, or execute another program,
 * and looking at `/proc` for each record would cost more than everything else.
 *
 * *Method.* What belongs to the program (its name, its arguments) is read when its first probe is enabled, and never again: the
 * process may be another program already when a record is read. Who runs it and what it descends from is read then, too, and
 * again for a record that is more than {@linkcode FRESH_NS} younger; of a process that is gone what was known last stays.
 *
 * *Exactness.* The second sort is that of the time of the hit, or as much as {@linkcode FRESH_NS} older, or as much younger as
 * the record has waited. A child that shares the memory of its parent (vfork(2)) is told by the facts of that, but for its
 * parent.
 *
 * @module
 */

import { TEXT_BUILTINS } from "../../d/code/builtin_numbers.ts";
import type { NumberBuiltin, TextBuiltin } from "../../d/host.ts";
import { isOfProcess } from "../../d/hit_plan.ts";
import type { BuiltinName } from "../../d/tree.ts";
import { Probe, type ProbeIdentity } from "../../fasttrap/probe.ts";
import type { ProcessRecord } from "../../fasttrap/provider.ts";
import type { ProcessFacts } from "./process_facts.ts";

/** How long the others are used without another look, in nanoseconds. */
const FRESH_NS = 1e7;
/** The numbers that belong to the program, as all texts do. */
const OF_PROGRAM: ReadonlySet<string> = new Set(["curpsinfo.pr_argc", "curpsinfo.pr_dmodel"]);
const NOTHING = new Uint8Array(0);

/** What is known of a program in a process. */
interface Known {
  readonly ancestors: readonly number[];
  readonly texts: Map<TextBuiltin, Uint8Array>;
  readonly numbers: Map<NumberBuiltin, number>;
  freshUntilNs: number;
}

/** See the module's comment. */
export class KeptFacts {
  readonly #facts: ProcessFacts;
  readonly #texts: readonly TextBuiltin[];
  readonly #numbers: readonly NumberBuiltin[];
  readonly #known = new WeakMap<ProcessRecord, Known>();

  /**
   * Makes it, without processes.
   *
   * @param facts Reads facts.
   * @param wanted The variables that clauses use.
   */
  constructor(facts: ProcessFacts, wanted: Iterable<BuiltinName>) {
    const names = [...new Set(wanted)].filter(isOfProcess);
    this.#facts = facts;
    this.#texts = names.filter((name) => TEXT_BUILTINS.includes(name)) as TextBuiltin[];
    this.#numbers = names.filter((name) => !TEXT_BUILTINS.includes(name)) as NumberBuiltin[];
  }

  /**
   * A probe is enabled.
   *
   * @param probe The probe.
   */
  follow(probe: ProbeIdentity): void {
    if (probe instanceof Probe) this.#find(probe);
  }

  /**
   * Tells a string.
   *
   * @param name Its name.
   * @param probe The probe that has fired.
   * @returns Its bytes, the same object each time.
   */
  text(name: TextBuiltin, probe: ProbeIdentity): Uint8Array {
    return this.#find(probe as Probe).texts.get(name) ?? NOTHING;
  }

  /**
   * Tells a number.
   *
   * @param name Its name.
   * @param probe The probe that has fired.
   * @param pid The process in which it has.
   * @param timestampNs When, by CLOCK_MONOTONIC, in nanoseconds.
   * @returns The number; 0 if it is not known.
   */
  number(name: NumberBuiltin, probe: ProbeIdentity, pid: number, timestampNs: number): number {
    const { owner } = probe as Probe;
    const isParent = name === "ppid" || name === "curpsinfo.pr_ppid";
    if (isParent && pid !== owner.pid) return owner.pid;
    return this.#findFresh(probe as Probe, timestampNs).numbers.get(name) ?? 0;
  }

  /**
   * Tells whose child the process of a probe is.
   *
   * @param probe The probe.
   * @returns Its parent, the parent's parent, and so on.
   */
  ancestors(probe: ProbeIdentity): readonly number[] {
    return probe instanceof Probe ? this.#find(probe).ancestors : [];
  }

  #findFresh(probe: Probe, timestampNs: number): Known {
    const known = this.#find(probe);
    const { pid, image } = probe.owner.process;
    if (timestampNs > known.freshUntilNs && image.alive && this.#facts.isThere(pid)) {
      known.freshUntilNs = timestampNs + FRESH_NS;
      for (const name of this.#numbers) {
        if (!OF_PROGRAM.has(name)) known.numbers.set(name, this.#facts.number(name, pid, pid));
      }
    }
    return known;
  }

  #find({ owner: { process } }: Probe): Known {
    let known = this.#known.get(process);
    if (known === undefined) {
      const { pid, image } = process;
      known = {
        ancestors: [...image.processes].find((one) => one.pid === pid)?.ancestors ?? [],
        texts: new Map(this.#texts.map((name) => [name, this.#facts.text(name, pid, pid)])),
        numbers: new Map(this.#numbers.map((name) => [name, this.#facts.number(name, pid, pid)])),
        freshUntilNs: -Infinity,
      };
      this.#known.set(process, known);
    }
    return known;
  }
}
