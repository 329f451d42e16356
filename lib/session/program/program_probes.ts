/**
 * The probes of a D program: finds and enables what its clauses name, and fires the program's clauses when they fire.
 *
 * **The problem.** Several clauses may name the same probe. They have to run in the order of the program, one behind the
 * other, within one firing: clause-local variables and times last as long.
 *
 * **The method.** Each description is enabled by itself. What it matches is gathered by the probe's number, in the order of
 * the clauses; at a hit the first description that the probe belongs to runs all of them, and the others do nothing.
 *
 * **Tallies.** A clause that does not need each hit by itself is enabled otherwise (`program_tallies.ts`), and is not among
 * those that a hit runs.
 *
 * **Stopping.** A description whose clause is content with a record of the hit, and with what can be captured in it, is
 * enabled so, and its probes stop no thread, as long as no other clause of the same probe wants it (`lib/d/hit_plan.ts`). If
 * one does, the hits of that probe stop the
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
import { findTally } from "../../d/tally_clause.ts";
import type { Program } from "../../d/tree.ts";
import { planHit } from "../../d/hit_plan.ts";
import { MemoryReads } from "../../d/memory_reads.ts";
import { allStatements } from "../../d/walk.ts";
import type { Hit } from "../../fasttrap/hit.ts";
import { type HitRecord, RecordView } from "../../fasttrap/hit_record.ts";
import { Probe, type ProbeIdentity } from "../../fasttrap/probe.ts";
import type { ProviderAttributes } from "../../fasttrap/provider.ts";
import { noProbesError, type ProbeDescription } from "../../spec/probe_description.ts";
import type { Enabled } from "../enabled.ts";
import type { ListOptions } from "../options.ts";
import type { Session } from "../session.ts";
import { AddressNames } from "./address_names.ts";
import { findWays } from "./hit_ways.ts";
import { KeptFacts } from "./kept_facts.ts";
import { ProcessFacts } from "./process_facts.ts";
import { RecordHit } from "./record_hit.ts";
import { ThreadHit } from "./thread_hit.ts";
import { ProgramTallies } from "./program_tallies.ts";
import { Ticker } from "./ticker.ts";
import { timingOf, TracerProbes } from "./tracer_probes.ts";
import { TracerHit } from "./tracer_hit.ts";
import { WallClock } from "./wall_clock.ts";

/** Below which period a tick that comes late is made up for, and of how long at most, in milliseconds. */
const FINE_MS = 1;
const CAUGHT_UP_MS = 20;
/** As errno(3) has it. */
const ESRCH = 3;
const ERROR = "ERROR";

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
  readonly description: ProbeDescription;
  /** Why its clause needs the thread; undefined if it does not. */
  readonly stopReason: string | undefined;
  enabled: Enabled | undefined;
  /** The last of its probes that was hit, and what that fires. */
  lastProbe: ProbeIdentity | undefined;
  lastOwned: OwnedProbe | undefined;
}

/** What a probe of a target fires. */
interface OwnedProbe {
  /** The description whose handler runs its clauses. */
  readonly owner: EnabledDescription;
  readonly enablings: Enabling[];
  /** Why the first of its clauses that does so needs the thread. */
  stopReason: string | undefined;
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
  readonly #memory: MemoryReads;
  readonly #hit: ThreadHit;
  readonly #recordHit: RecordHit;
  readonly #tracerHit: TracerHit;
  readonly #tallies: ProgramTallies;
  readonly #descriptions: EnabledDescription[] = [];
  /** What each probe of a target fires, by its number. */
  readonly #owned = new Map<number, OwnedProbe>();
  readonly #tracerEnablings = new Map<string, Enabling[]>();
  readonly #timers: Ticker[] = [];
  readonly #tracerProbes = new TracerProbes();
  #epid = 1;
  /** When BEGIN fired: before that, and after END, no probe of a target fires. */
  #beganNs = Infinity;
  /** How many hits were lost on each CPU up to the last look, once for each clause. */
  #lostByCpu: ReadonlyMap<number, number> = new Map();
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
    this.#memory = new MemoryReads(program.clauses, running.options.strsize);
    this.#hit = new ThreadHit(kernel, facts, clock);
    this.#recordHit = new RecordHit(this.#facts, clock);
    this.#tracerHit = new TracerHit(kernel, facts, clock);
    this.#tallies = new ProgramTallies(session, running, this.#tracerHit, (probe, clause) => this.#pair(probe, clause));
    this.names = new AddressNames(kernel, options.wantsNames);
    running.setSymbolStart((of, pid, address) => this.names.startOf(of, pid, address));
  }

  /** The clause whose probes are being enabled, by its place in the program. */
  get clauseInHand(): number {
    return this.#clauseInHand;
  }

  /**
   * Enables the probes of all clauses. Those of ERROR have the least numbers, as in DTrace on Linux.
   *
   * @returns How many probes each clause has.
   */
  enable(): number[] {
    this.#program.clauses.forEach(({ probes }, clause) => {
      for (const probe of probes.flatMap((one) => this.#tracerProbes.matching(one))) {
        if (probe.name === ERROR) this.#enableTracer(probe, clause);
      }
    });
    const counts = this.#program.clauses.map(({ probes }, clause) => {
      this.#clauseInHand = clause;
      return probes.reduce((sum, description) => sum + this.#enable(description, clause), 0);
    });
    this.#running.setErrorEnablings(this.#tracerEnablings.get(ERROR) ?? []);
    return counts;
  }

  /**
   * Tells how the hits of a clause's probes are had.
   *
   * @param clause The clause, by its place in the program.
   * @param description One of its descriptions.
   * @returns For each of their sites why its hits stop the thread; undefined for one whose hits are recorded.
   */
  waysOf(clause: number, description: ProbeDescription): (string | undefined)[] {
    return this.#probesOf(clause, description).flatMap((probe) =>
      findWays(this.#session.inspect(probe), this.#owned.get(probe.id)?.stopReason)
    );
  }

  /**
   * Tells how much one may rely on the static probes of a clause, by what their objects say.
   *
   * @param clause The clause, by its place in the program.
   * @param description One of its descriptions.
   * @returns The attributes of their providers; none if it has no such probes.
   */
  attributesOf(clause: number, description: ProbeDescription): ProviderAttributes[] {
    const probes = this.#probesOf(clause, description);
    return probes.flatMap((probe) => probe instanceof Probe && probe.kind === "static" ? [probe.owner.attributes] : []);
  }

  #probesOf(clause: number, description: ProbeDescription): ProbeIdentity[] {
    const entries = this.#descriptions.filter((entry) => entry.clause === clause && entry.description === description);
    return [...entries.flatMap(({ enabled }) => enabled!.probes), ...this.#tallies.probesOf(clause, description)];
  }

  /** Fires BEGIN. */
  begin(): void {
    this.#fireTracer("BEGIN", false);
    this.#beganNs = this.#kernel.call.ft_clock_ns();
    this.#takeLost();
    this.#tallies.begin();
    for (const name of this.#tracerEnablings.keys()) {
      const timing = timingOf(name);
      if (timing === undefined) continue;
      const { kind, periodMs } = timing;
      // Timers go off every millisecond at most.
      const mayCatchUp = kind === "tick" && periodMs < FINE_MS;
      const fire = kind === "tick" ? () => this.#tick(name) : () => this.#sample(name);
      const catchUp = (missed: number) => {
        const times = mayCatchUp ? 1 + Math.min(missed, Math.floor(CAUGHT_UP_MS / periodMs)) : 1;
        for (let i = 0; i < times && !this.#running.isExiting; i++) fire();
      };
      this.#timers.push(new Ticker(() => periodMs, catchUp));
    }
  }

  /** Lets the program have what has been tallied up to now. */
  harvest(): void {
    this.#tallies.harvest();
  }

  /** Fires END. */
  end(): void {
    this[Symbol.dispose]();
    this.countLost();
    this.harvest();
    this.#beganNs = Infinity;
    this.#fireTracer("END", true);
  }

  /** Tells the program what was lost since the last time because the rings had no room, and which threads have ended. */
  countLost(): void {
    const ended = [...this.#running.tids].filter((tid) => this.#kernel.call.ft_kill(0, tid, 0) === -ESRCH);
    this.#session.drain();
    // Records of what they had done have been read now.
    for (const tid of ended) this.#running.endThread(tid);
    const lost = this.#takeLost();
    if (this.#running.isExiting) return;
    for (const [cpu, count] of lost) this.#running.lose(count, cpu);
  }

  /** Ends the timers. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers.splice(0)) timer[Symbol.dispose]();
  }

  #enable(description: ProbeDescription, clause: number): number {
    const own = this.#tracerProbes.matching(description);
    for (const probe of own) if (probe.name !== ERROR) this.#enableTracer(probe, clause);
    const { allowNone } = this.#options;
    if (!this.#tracerProbes.mayBeOfTargets(description)) {
      if (own.length === 0 && !allowNone) throw noProbesError(description);
      return own.length;
    }
    const targets = description.provider.includes("$target")
      ? this.#session.targets.map(({ pid }) => pid)
      : [undefined];
    const options = { allowNone: allowNone || own.length > 0 };
    return targets.reduce<number>(
      (sum, target) => sum + this.#enableInTargets(description, clause, { ...options, target }),
      own.length,
    );
  }

  #enableInTargets(description: ProbeDescription, clause: number, options: ListOptions): number {
    const written = this.#program.clauses[clause]!;
    const tally = this.#options.tallies && !this.#mayExitAtHit() ? findTally(written, this.#program) : undefined;
    if (tally !== undefined) return this.#tallies.enable(description, clause, tally, options);
    const { stopReason, captures: capture } = planHit(written, description, this.#memory);
    const entry: EnabledDescription = {
      clause,
      description,
      stopReason,
      enabled: undefined,
      lastProbe: undefined,
      lastOwned: undefined,
    };
    this.#descriptions.push(entry);
    entry.enabled = this.#session.enable(description, {
      ...options,
      added: (probes) => this.#gather(entry, probes),
      ...stopReason === undefined
        ? { capture, record: (record) => this.#take(entry, record) }
        : { handler: (hit) => this.#fire(entry, hit) },
    });
    return entry.enabled.probes.length;
  }

  /** Whether a hit may end the program: those that follow it do not count then, so that each has to be looked at. */
  #mayExitAtHit(): boolean {
    return this.#program.clauses.some(({ probes, statements }) =>
      probes.some((description) => this.#tracerProbes.mayBeOfTargets(description)) &&
      [...allStatements(statements)].some(({ kind }) => kind === "exit")
    );
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
      if (owned !== undefined) {
        owned.enablings.push(enabling);
        owned.stopReason ??= entry.stopReason;
      } else {
        this.#owned.set(probe.id, { owner: entry, enablings: [enabling], stopReason: entry.stopReason });
        this.names.follow(probe);
        this.#facts.follow(probe);
      }
    }
  }

  #fire(description: EnabledDescription, hit: Hit): void {
    const { owner, enablings } = this.#ownedBy(description, hit.probe);
    if (owner !== description) return;
    this.#hit.begin(hit);
    this.#running.fire(enablings, this.#hit);
    this.#afterFiring();
  }

  /** A hit has been recorded; or the thread was stopped all the same. */
  #take(description: EnabledDescription, record: HitRecord): void {
    if (!(record instanceof RecordView)) return this.#fire(description, record as Hit);
    if (record.timestampNs < this.#beganNs) return;
    const { owner, enablings } = this.#ownedBy(description, record.probe);
    if (owner !== description) return;
    this.#recordHit.begin(record);
    this.#running.fire(enablings, this.#recordHit);
    this.#afterFiring();
  }

  /** What a probe of a description fires. Most descriptions have one probe, or one that is hit again and again. */
  #ownedBy(description: EnabledDescription, probe: ProbeIdentity): OwnedProbe {
    if (description.lastProbe !== probe) {
      description.lastProbe = probe;
      description.lastOwned = this.#owned.get(probe.id)!;
    }
    return description.lastOwned!;
  }

  /** How many hits were lost on each CPU since the last call, once for each clause if it is known whose they were. */
  #takeLost(): [cpu: number, count: number][] {
    const enabled = this.#descriptions.map((description) => description.enabled!.dropsByCpu);
    const total = new Map<number, number>();
    for (const drops of [...enabled, ...this.#tallies.dropsByCpu, this.#session.unreadableByCpu]) {
      for (const [cpu, count] of drops) total.set(cpu, count + (total.get(cpu) ?? 0));
    }
    const before = this.#lostByCpu;
    this.#lostByCpu = total;
    return [...total].map(([cpu, count]): [number, number] => [cpu, count - (before.get(cpu) ?? 0)])
      .filter(([, count]) => count > 0);
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
