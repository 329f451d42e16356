/**
 * The probes of a D program: finds and enables what its clauses name, and fires the program's clauses when they fire.
 *
 * **The problem.** Several clauses may name the same probe. They have to run in the order of the program, one behind the
 * other, within one firing: clause-local variables and times last as long.
 *
 * **The method.** Each description is enabled by itself. What it matches is gathered by the probe's number, in the order of
 * the clauses; at a hit the first description that the probe belongs to runs all of them, and the others do nothing.
 *
 * **Stopping.** A description whose clause is content with a record of the hit is enabled so, and its probes stop no thread, as
 * long as no other clause of the same probe wants it (`lib/d/stop_reason.ts`). If one does, the hits of that probe stop the
 * thread, and all clauses run then. Records are read before a hit in the same program is handled, before END and
 * `tick-` fire, and else every few milliseconds; so clauses run in each thread's own order, and of several threads in that of
 * their times, nearly (`lib/fasttrap/records.ts`). What happened before BEGIN has fired, or after `exit()` by that order, fires
 * nothing. Hits that the rings had no room for are lost to each clause that they would have fired.
 *
 * **Numbers.** Pairs of a clause and a probe have numbers from 2 on: 1 is the consumer's own, which reports errors.
 *
 * @module
 */

import type { Kernel } from "../../../ffi/ffi.ts";
import type { Enabling, FiringProbe } from "../../d/host.ts";
import type { RunningProgram } from "../../d/run/running_program.ts";
import type { Program } from "../../d/tree.ts";
import { findStopReason } from "../../d/stop_reason.ts";
import type { Hit } from "../../fasttrap/hit.ts";
import { type HitRecord, RecordView } from "../../fasttrap/hit_record.ts";
import type { ProbeIdentity } from "../../fasttrap/probe.ts";
import { noProbesError, type ProbeDescription } from "../../spec/probe_description.ts";
import type { Enabled } from "../enabled.ts";
import type { Session } from "../session.ts";
import { AddressNames } from "./address_names.ts";
import { KeptFacts } from "./kept_facts.ts";
import { ProcessFacts } from "./process_facts.ts";
import { RecordHit } from "./record_hit.ts";
import { ThreadHit } from "./thread_hit.ts";
import { Ticker } from "./ticker.ts";
import { timingOf, TracerProbes } from "./tracer_probes.ts";
import { TracerHit } from "./tracer_hit.ts";
import { WallClock } from "./wall_clock.ts";

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
  readonly #kernel: Kernel;
  readonly #facts: KeptFacts;
  readonly #hit: ThreadHit;
  readonly #recordHit: RecordHit;
  readonly #tracerHit: TracerHit;
  readonly #descriptions: EnabledDescription[] = [];
  /** What each probe of a target fires, by its number. */
  readonly #owned = new Map<number, OwnedProbe>();
  readonly #tracerEnablings = new Map<string, Enabling[]>();
  readonly #timers: Ticker[] = [];
  readonly #tracerProbes = new TracerProbes();
  #epid = 1;
  /** When BEGIN fired: before that, and after END, no probe of a target fires. */
  #beganNs = Infinity;
  /** How many hits were lost up to the last look, once for each clause. */
  #lostTotal = 0;
  #clauseInHand = 0;

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
    this.#kernel = kernel;
    const facts = new ProcessFacts(kernel);
    const clock = new WallClock(kernel);
    this.#facts = new KeptFacts(facts, program.clauses.flatMap(({ needs }) => [...needs.builtins]));
    this.#hit = new ThreadHit(kernel, facts, clock);
    this.#recordHit = new RecordHit(this.#facts, clock);
    this.#tracerHit = new TracerHit(kernel, facts, clock);
    this.names = new AddressNames(kernel, options.wantsNames);
    running.setSymbolStart((of, pid, address) => this.names.startOf(of, pid, address));
  }

  /** The clause whose probes are being enabled, by its place in the program. */
  get clauseInHand(): number {
    return this.#clauseInHand;
  }

  /**
   * Enables the probes of all clauses.
   *
   * @returns How many probes each clause has.
   */
  enable(): number[] {
    const counts = this.#program.clauses.map(({ probes }, clause) => {
      this.#clauseInHand = clause;
      return probes.reduce((sum, description) => sum + this.#enable(description, clause), 0);
    });
    this.#running.setErrorEnablings(this.#tracerEnablings.get("ERROR") ?? []);
    return counts;
  }

  /** Fires BEGIN. */
  begin(): void {
    this.#fireTracer("BEGIN", false);
    this.#beganNs = this.#kernel.call.ft_clock_ns();
    this.#takeLost();
    for (const name of this.#tracerEnablings.keys()) {
      const timing = timingOf(name);
      if (timing === undefined) continue;
      const fire = timing.kind === "tick" ? () => this.#tick(name) : () => this.#sample(name);
      this.#timers.push(new Ticker(timing.periodMs, fire));
    }
  }

  /** Fires END. */
  end(): void {
    this[Symbol.dispose]();
    this.countLost();
    this.#beganNs = Infinity;
    this.#fireTracer("END", true);
  }

  /** Tells the program what was lost since the last time because the rings had no room. */
  countLost(): void {
    this.#session.drain();
    const count = this.#takeLost();
    if (!this.#running.isExiting) this.#running.lose(count);
  }

  /** Ends the timers. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]();
  }

  #enable(description: ProbeDescription, clause: number): number {
    const own = this.#tracerProbes.matching(description);
    for (const probe of own) this.#enableTracer(probe, clause);
    const { allowNone } = this.#options;
    if (!this.#tracerProbes.mayBeOfTargets(description)) {
      if (own.length === 0 && !allowNone) throw noProbesError(description);
      return own.length;
    }
    const targets = description.provider.includes("$target")
      ? this.#session.targets.map(({ pid }) => pid)
      : [undefined];
    const mustStop = findStopReason(this.#program.clauses[clause]!, description) !== undefined;
    return targets.reduce<number>((sum, target) => {
      const entry: EnabledDescription = { clause, enabled: undefined };
      this.#descriptions.push(entry);
      entry.enabled = this.#session.enable(description, {
        allowNone: allowNone || own.length > 0,
        target,
        added: (probes) => this.#gather(entry, probes),
        ...mustStop ? { handler: (hit) => this.#fire(entry, hit) } : { record: (record) => this.#take(entry, record) },
      });
      return sum + entry.enabled.probes.length;
    }, own.length);
  }

  #enableTracer(probe: FiringProbe, clause: number): void {
    const enabling = this.#pair(probe, clause);
    const known = this.#tracerEnablings.get(probe.name);
    if (known === undefined) this.#tracerEnablings.set(probe.name, [enabling]);
    else known.push(enabling);
  }

  #pair(probe: FiringProbe, clause: number): Enabling {
    const enabling = { epid: ++this.#epid, clause, probe };
    this.#options.register(enabling);
    return enabling;
  }

  /** Gathers probes of a description that are about to be enabled. */
  #gather(entry: EnabledDescription, probes: readonly ProbeIdentity[]): void {
    for (const probe of probes) {
      const enabling = this.#pair(probe, entry.clause);
      const owned = this.#owned.get(probe.id);
      if (owned !== undefined) owned.enablings.push(enabling);
      else {
        this.#owned.set(probe.id, { owner: entry, enablings: [enabling] });
        this.names.follow(probe);
        this.#facts.follow(probe);
      }
    }
  }

  #fire(description: EnabledDescription, hit: Hit): void {
    const { owner, enablings } = this.#owned.get(hit.probe.id)!;
    if (owner !== description) return;
    this.#hit.begin(hit);
    this.#running.fire(enablings, this.#hit);
    this.#options.fired();
  }

  /** A hit has been recorded; or the thread was stopped all the same. */
  #take(description: EnabledDescription, record: HitRecord): void {
    if (!(record instanceof RecordView)) return this.#fire(description, record as Hit);
    if (record.timestampNs < this.#beganNs) return;
    const { owner, enablings } = this.#owned.get(record.probe.id)!;
    if (owner !== description) return;
    this.#recordHit.begin(record);
    this.#running.fire(enablings, this.#recordHit);
    this.#options.fired();
  }

  /** How many hits were lost since the last call, once for each clause. */
  #takeLost(): number {
    const total = this.#descriptions.reduce((sum, { enabled }) => sum + enabled!.dropsTotal, 0);
    const lost = total - this.#lostTotal;
    this.#lostTotal = total;
    return lost;
  }

  #tick(name: string): void {
    this.#session.drain();
    this.#fireTracer(name, false);
  }

  /** Fires a probe `profile-` in each thread that runs. */
  #sample(name: string): void {
    const enablings = this.#tracerEnablings.get(name)!;
    if (this.#running.isExiting) return;
    this.#session.sample((hit) => {
      this.names.follow(hit.probe);
      this.#hit.begin(hit);
      this.#running.fire(enablings, this.#hit);
    });
    this.#options.fired();
  }

  #fireTracer(name: string, isLast: boolean): void {
    const enablings = this.#tracerEnablings.get(name);
    if (enablings === undefined) return;
    this.#running.fire(enablings, this.#tracerHit, isLast);
    this.#options.fired();
  }
}
