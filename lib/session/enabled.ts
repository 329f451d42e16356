/**
 * What one call of `enable` has enabled.
 *
 * @module
 */

import type { Fasttrap } from "../fasttrap/fasttrap.ts";
import type { Hit } from "../fasttrap/hit.ts";
import type { HitRecord } from "../fasttrap/hit_record.ts";
import type { Enabling, Probe, ProbeIdentity, TallyRequest } from "../fasttrap/probe.ts";
import type { Refusal } from "../fasttrap/enable.ts";
import type { Capture } from "../isa/captures.ts";
import type { Module } from "../process/modules.ts";
import type { ProbeDescription } from "../spec/probe_description.ts";
import { Tally, type TallyValues } from "../tally.ts";
import { isIn } from "./making.ts";
import type { ModuleRequest } from "./module_follower.ts";

/** A probe that could not be placed. */
export interface Unplaced {
  /** The probe. */
  readonly probe: ProbeIdentity;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** Probes that were enabled together. Disposing of it disables them; those that others have enabled too stay for them. */
export interface Enabled extends Disposable {
  /**
   * The probes that the description matches, those that could not be placed included. It grows and shrinks with the
   * modules that the process loads and unloads; where children are followed, with their lives.
   */
  readonly probes: readonly ProbeIdentity[];
  /** Those probes that could not be placed, all of their sites or none. */
  readonly unplaced: readonly Unplaced[];
  /** How often the probes have fired for this enabling: what was handled, recorded or counted. */
  readonly hitsTotal: number;
  /**
   * How often they have fired beyond that, and there was no space for the record. Where values are tallied that is only where
   * somebody else records the same probe.
   */
  readonly dropsTotal: number;
  /** The same by the CPU that they were on, of those that have lost any. */
  readonly dropsByCpu: ReadonlyMap<number, number>;
  /** How often each probe has fired that has fired at all, those that are gone included, where hits are only counted. */
  readonly counts: ReadonlyMap<ProbeIdentity, number>;

  /**
   * Reads what the values of each probe have come to that has fired at all, those that are gone included, where they are
   * tallied. A hit that is under way in the program may be in a sum already and not yet in the count.
   *
   * @returns The values by probe; they change with the next reading.
   */
  readTallies(): ReadonlyMap<ProbeIdentity, TallyValues>;
}

/** Who hears of probes that were enabled together. */
export interface EnabledListener {
  /** Called for each hit, while the thread is stopped; undefined if nobody needs that. */
  readonly handler: ((hit: Hit) => void) | undefined;
  /** Called for each hit with what was recorded of it; undefined if hits are only counted or tallied. */
  readonly record: ((record: HitRecord) => void) | undefined;
  /** Of which value it is wanted what it comes to; undefined if that is not what is wanted. */
  readonly tally?: TallyRequest | undefined;
  /** What is captured at each hit; undefined if nothing is. */
  readonly captures: readonly Capture[] | undefined;
  /** Called with probes that are about to be enabled. */
  readonly added?: ((probes: readonly ProbeIdentity[]) => void) | undefined;
  /** Called with a sentence for each probe that could not be placed. */
  readonly warn: (message: string) => void;
  /** Called when they have been disabled. */
  readonly disposed: (enabled: EnabledProbes) => void;
}

/** Probes that were enabled together, as the session makes them. */
export class EnabledProbes implements Enabled {
  /** Who tells of more probes, until this is disposed of. */
  readonly requests: Set<ModuleRequest> = new Set();
  /** The description with its macro variables, for processes that are to be traced as well; undefined if none is. */
  template: ProbeDescription | undefined;
  /** The process that `$target` means in it. */
  target: number | undefined;
  readonly #fasttrap: Fasttrap;
  readonly #listener: EnabledListener;
  readonly #probes = new Set<Probe>();
  readonly #enabling: Enabling;
  readonly #counts = new Map<ProbeIdentity, number>();
  readonly #tallies = new Map<ProbeIdentity, Tally>();
  #unplaced: readonly Refusal[] = [];
  #hitsTotal = 0;
  readonly #dropsByCpu = new Map<number, number>();

  /**
   * Makes an enabling of nothing.
   *
   * @param fasttrap The tables.
   * @param listener Who hears of hits, of each probe that could not be placed, and of the end.
   */
  constructor(fasttrap: Fasttrap, listener: EnabledListener) {
    this.#fasttrap = fasttrap;
    this.#listener = listener;
    this.#enabling = this.#makeEnabling(listener);
  }

  /** See {@linkcode Enabled.probes}. */
  get probes(): readonly ProbeIdentity[] {
    return [...this.#probes];
  }

  /** See {@linkcode Enabled.unplaced}. */
  get unplaced(): readonly Unplaced[] {
    return this.#unplaced;
  }

  /** See {@linkcode Enabled.hitsTotal}. */
  get hitsTotal(): number {
    this.#fasttrap.jumps.harvestAll(this.#probes);
    return this.#hitsTotal;
  }

  /** See {@linkcode Enabled.dropsTotal}. */
  get dropsTotal(): number {
    return this.dropsByCpu.values().reduce((sum, drops) => sum + drops, 0);
  }

  /** See {@linkcode Enabled.dropsByCpu}. */
  get dropsByCpu(): ReadonlyMap<number, number> {
    this.#fasttrap.jumps.harvestAll(this.#probes);
    return this.#dropsByCpu;
  }

  /** See {@linkcode Enabled.counts}. */
  get counts(): ReadonlyMap<ProbeIdentity, number> {
    this.#fasttrap.jumps.harvestAll(this.#probes);
    return this.#counts;
  }

  /** See {@linkcode Enabled.readTallies}. */
  readTallies(): ReadonlyMap<ProbeIdentity, Tally> {
    this.#fasttrap.jumps.harvestAll(this.#probes);
    return this.#tallies;
  }

  /**
   * Enables more probes.
   *
   * @param probes The probes.
   */
  add(probes: readonly Probe[]): void {
    const fresh = probes.filter((probe) => !this.#probes.has(probe));
    for (const probe of fresh) this.#probes.add(probe);
    this.#listener.added?.(fresh);
    const refusals = this.#fasttrap.enable(fresh, this.#enabling);
    for (const { probe, reason } of refusals) this.#listener.warn(`Cannot enable ${probe}: ${reason}`);
    this.#unplaced = [...this.#unplaced, ...refusals];
  }

  /**
   * Gives up the probes in modules that are gone.
   *
   * @param modules The modules.
   */
  remove(modules: readonly Module[]): void {
    const gone = [...this.#probes].filter((probe) => isIn(modules, probe));
    for (const probe of gone) this.#probes.delete(probe);
    this.#unplaced = this.#unplaced.filter(({ probe }) => this.#probes.has(probe));
    this.#fasttrap.disable(gone, this.#enabling);
    this.#fasttrap.withdraw(gone);
  }

  #makeEnabling({ handler, record, tally, captures }: EnabledListener): Enabling {
    if (tally !== undefined) return this.#makeTally(tally);
    if (handler !== undefined) {
      return {
        captures,
        fire: (hit) => {
          this.#hitsTotal++;
          handler(hit);
        },
      };
    }
    if (record === undefined) {
      return { fire: ({ probe }) => this.#count(probe, 1), counted: (probe, hits) => this.#count(probe, hits) };
    }
    const recorded = (hit: HitRecord) => {
      this.#hitsTotal++;
      record(hit);
    };
    return { captures, fire: recorded, recorded, dropped: (_, hits, cpu) => this.#drop(hits, cpu) };
  }

  #makeTally(tally: TallyRequest): Enabling {
    const tallyOf = (probe: ProbeIdentity, hits: number) => {
      this.#hitsTotal += hits;
      let values = this.#tallies.get(probe);
      if (values === undefined) this.#tallies.set(probe, values = new Tally(tally.keep));
      return values;
    };
    const word = new Uint32Array(2);
    const add = (hit: HitRecord) => {
      hit.readArg(tally.argument, word);
      tallyOf(hit.probe, 1).add(word[0]!, word[1]!);
    };
    // A count is all that is left if nothing is kept of the value.
    if (tally.keep.length === 0) {
      return { fire: add, counted: (probe, hits) => tallyOf(probe, hits).addCount(hits) };
    }
    return {
      tally,
      fire: add,
      recorded: add,
      tallied: (probe, values) => tallyOf(probe, values.count).addAll(values.words),
      dropped: (_, hits, cpu) => this.#drop(hits, cpu),
    };
  }

  #drop(hits: number, cpu: number): void {
    this.#dropsByCpu.set(cpu, (this.#dropsByCpu.get(cpu) ?? 0) + hits);
  }

  #count(probe: ProbeIdentity, hits: number): void {
    this.#hitsTotal += hits;
    this.#counts.set(probe, (this.#counts.get(probe) ?? 0) + hits);
  }

  /** Gives up the probes of programs that are gone, and all that leads to them. */
  sweep(): void {
    for (const request of this.requests) if (request.isOver) this.requests.delete(request);
    const gone = [...this.#probes].filter(({ owner }) => !owner.process.image.alive);
    for (const probe of gone) this.#probes.delete(probe);
    this.#unplaced = this.#unplaced.filter(({ probe }) => this.#probes.has(probe));
    this.#fasttrap.disable(gone, this.#enabling);
  }

  /** Disables the probes. */
  [Symbol.dispose](): void {
    for (const request of this.requests) request[Symbol.dispose]();
    this.requests.clear();
    this.#fasttrap.disable([...this.#probes], this.#enabling);
    this.#listener.disposed(this);
  }
}
