/**
 * The probes of a D program: finds and enables what its clauses name, and fires the program's clauses when they fire.
 *
 * **The problem.** Several clauses may name the same probe. They have to run in the order of the program, one behind the
 * other, within one firing: clause-local variables and times last as long.
 *
 * **The method.** Each description is enabled by itself, with a handler. What has matched is gathered by the probe's number,
 * in the order of the clauses; at a hit the handler of the first description that the probe belongs to runs all of them,
 * and the others do nothing. Probes that come later, with modules or children, are gathered at their first hit.
 *
 * **Tallies.** A clause that does not need each hit by itself is enabled otherwise (`program_tallies.ts`), and is not among
 * those that a hit runs.
 *
 * **Numbers.** BEGIN, END and ERROR are 1, 2 and 3, as in DTrace. Pairs of a clause and a probe have numbers from 2 on:
 * 1 is the consumer's own, which reports errors.
 *
 * @module
 */

import type { Kernel } from "../../../ffi/ffi.ts";
import { DTraceError } from "../../errors.ts";
import type { Enabling, FiringProbe } from "../../d/host.ts";
import type { RunningProgram } from "../../d/run/running_program.ts";
import { findTally } from "../../d/tally_clause.ts";
import type { Program } from "../../d/tree.ts";
import type { Hit } from "../../fasttrap/hit.ts";
import type { ProbeIdentity } from "../../fasttrap/probe.ts";
import type { ProbeDescription } from "../../spec/probe_description.ts";
import type { Enabled } from "../enabled.ts";
import type { Session } from "../session.ts";
import { AddressNames } from "./address_names.ts";
import { ProcessFacts } from "./process_facts.ts";
import { ThreadHit } from "./thread_hit.ts";
import { ProgramTallies } from "./program_tallies.ts";
import { TracerHit } from "./tracer_hit.ts";

const TRACER_PROBES = ["BEGIN", "END", "ERROR"];
/** The number of the first `tick-` probe, far behind those of targets, and as wide as its column. */
const TICK_ID = 900_000;
const TICK = /^tick-(\d+)([a-z]*)$/;
/** How many milliseconds a unit has; without a unit it is how many times a second. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  nsec: 1e-6,
  us: 1e-3,
  usec: 1e-3,
  ms: 1,
  msec: 1,
  s: 1e3,
  sec: 1e3,
  m: 6e4,
  min: 6e4,
  h: 36e5,
  hour: 36e5,
  d: 864e5,
  day: 864e5,
};

/** How a program is traced. */
export interface ProgramProbesOptions {
  /** Whether a description may match nothing (`-Z`). */
  readonly allowNone: boolean;
  /** Whether names of addresses are wanted. */
  readonly wantsNames: boolean;
  /** Hears of each pair of a clause and a probe before it fires. */
  readonly register: (enabling: Enabling) => void;
  /** Called after each firing of a clause. */
  readonly fired: () => void;
  /** Whether clauses that do not need each hit by itself are run for many at once. */
  readonly tallies: boolean;
}

/** A description that is enabled in the session. */
interface EnabledDescription {
  readonly clause: number;
  enabled: Enabled | undefined;
}

/** What a probe of a target fires. */
interface OwnedProbe {
  /** The description whose handler runs its clauses. */
  readonly owner: EnabledDescription;
  readonly enablings: Enabling[];
}

/** See the module's comment. */
export class ProgramProbes implements Disposable {
  /** The names of addresses in the targets. */
  readonly names: AddressNames;
  readonly #session: Session;
  readonly #program: Program;
  readonly #running: RunningProgram;
  readonly #options: ProgramProbesOptions;
  readonly #hit: ThreadHit;
  readonly #tracerHit: TracerHit;
  readonly #tallies: ProgramTallies;
  readonly #descriptions: EnabledDescription[] = [];
  /** What each probe of a target fires, by its number. */
  readonly #owned = new Map<number, OwnedProbe>();
  readonly #tracerEnablings = new Map<string, Enabling[]>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #epid = 1;

  /**
   * Makes it; nothing is enabled yet.
   *
   * @param session The session, with its targets.
   * @param program The program.
   * @param running The same, running.
   * @param kernel The kernel's requests.
   * @param options How.
   */
  constructor(
    session: Session,
    program: Program,
    running: RunningProgram,
    kernel: Kernel,
    options: ProgramProbesOptions,
  ) {
    this.#session = session;
    this.#program = program;
    this.#running = running;
    this.#options = options;
    const facts = new ProcessFacts(kernel);
    this.#hit = new ThreadHit(kernel, facts);
    this.#tracerHit = new TracerHit(kernel, facts);
    this.#tallies = new ProgramTallies(session, running, this.#tracerHit, (probe, clause) => this.#pair(probe, clause));
    this.names = new AddressNames(kernel, options.wantsNames);
  }

  /** Whether probes may fire that belong to no target. */
  get hasTimers(): boolean {
    return [...this.#tracerEnablings.keys()].some((name) => TICK.test(name));
  }

  /**
   * Enables the probes of all clauses.
   *
   * @returns How many probes each clause has.
   */
  enable(): number[] {
    const counts = this.#program.clauses.map(({ probes }, clause) => {
      const own = this.#descriptions.length;
      const count = probes.reduce((sum, description) => sum + this.#enable(description, clause), 0);
      for (const entry of this.#descriptions.slice(own)) this.#gather(entry);
      return count;
    });
    this.#running.setErrorEnablings(this.#tracerEnablings.get("ERROR") ?? []);
    return counts;
  }

  /** Fires BEGIN. */
  begin(): void {
    this.#fireTracer("BEGIN", false);
    for (const name of this.#tracerEnablings.keys()) {
      if (!TICK.test(name)) continue;
      this.#timers.push(setInterval(() => this.#fireTracer(name, false), Math.max(1, periodOf(name))));
    }
  }

  /** Lets the program have what has been tallied up to now. */
  harvest(): void {
    this.#tallies.harvest();
  }

  /** Fires END. */
  end(): void {
    this[Symbol.dispose]();
    this.harvest();
    this.#fireTracer("END", true);
  }

  /** Ends the timers. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  #enable(description: ProbeDescription, clause: number): number {
    const { provider, name } = description;
    const isTracer = TRACER_PROBES.includes(name) && (provider === "" || provider === "dtrace");
    if (isTracer || (TICK.test(name) && (provider === "" || provider === "profile"))) {
      return this.#enableTracer(isTracer ? "dtrace" : "profile", name, clause);
    }
    if (provider === "profile") {
      throw new DTraceError("D_PDESC_ZERO", `probe description profile:::${name} does not match any probes`);
    }
    const { allowNone } = this.#options;
    const tally = this.#options.tallies ? findTally(this.#program.clauses[clause]!, this.#program) : undefined;
    if (tally !== undefined) return this.#tallies.enable(description, clause, tally, { allowNone });
    const entry: EnabledDescription = { clause, enabled: undefined };
    this.#descriptions.push(entry);
    entry.enabled = this.#session.enable(description, {
      allowNone,
      handler: (hit) => this.#fire(entry, hit),
    });
    return entry.enabled.probes.length;
  }

  #enableTracer(provider: string, name: string, clause: number): number {
    const known = this.#tracerEnablings.get(name);
    const probe: FiringProbe = known?.[0]?.probe ?? {
      id: provider === "dtrace" ? TRACER_PROBES.indexOf(name) + 1 : TICK_ID + this.#tracerEnablings.size,
      provider,
      module: "",
      function: "",
      name,
    };
    const enabling = this.#pair(probe, clause);
    if (known === undefined) this.#tracerEnablings.set(name, [enabling]);
    else known.push(enabling);
    return 1;
  }

  #pair(probe: FiringProbe, clause: number): Enabling {
    const enabling = { epid: ++this.#epid, clause, probe };
    this.#options.register(enabling);
    return enabling;
  }

  /** Gathers the probes of a description that has just been enabled. */
  #gather(entry: EnabledDescription): void {
    for (const probe of entry.enabled!.probes) {
      const enabling = this.#pair(probe, entry.clause);
      const owned = this.#owned.get(probe.id);
      if (owned !== undefined) owned.enablings.push(enabling);
      else {
        this.#owned.set(probe.id, { owner: entry, enablings: [enabling] });
        this.names.follow(probe);
      }
    }
  }

  /** Finds what a probe fires; of one that has come later this is its first hit. */
  #ownedOf(probe: ProbeIdentity): OwnedProbe {
    let owned = this.#owned.get(probe.id);
    if (owned === undefined) {
      const matching = this.#descriptions.filter(({ enabled }) => enabled!.probes.some(({ id }) => id === probe.id));
      owned = { owner: matching[0]!, enablings: matching.map(({ clause }) => this.#pair(probe, clause)) };
      this.#owned.set(probe.id, owned);
      this.names.follow(probe);
    }
    return owned;
  }

  #fire(description: EnabledDescription, hit: Hit): void {
    const { owner, enablings } = this.#ownedOf(hit.probe);
    if (owner !== description) return;
    this.#hit.begin(hit);
    this.#running.fire(enablings, this.#hit);
    this.#afterFiring();
  }

  #fireTracer(name: string, isLast: boolean): void {
    const enablings = this.#tracerEnablings.get(name);
    if (enablings === undefined) return;
    this.#running.fire(enablings, this.#tracerHit, isLast);
    this.#afterFiring();
  }

  #afterFiring(): void {
    // What happens from now on does not count.
    if (this.#running.isExiting) this.harvest();
    this.#options.fired();
  }
}

function periodOf(name: string): number {
  const [, digits, unit] = TICK.exec(name)!;
  const count = Number(digits);
  const factor = UNITS[unit!];
  return factor === undefined ? 1000 / Math.max(1, count) : count * factor;
}
