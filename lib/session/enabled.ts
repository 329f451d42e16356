/**
 * What one call of `enable` has enabled.
 *
 * @module
 */

import type { Fasttrap } from "../fasttrap/fasttrap.ts";
import type { Hit } from "../fasttrap/hit.ts";
import type { Enabling, Probe, ProbeIdentity } from "../fasttrap/probe.ts";
import type { Refusal } from "../fasttrap/enable.ts";
import type { Module } from "../process/modules.ts";

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
   * modules that the process loads and unloads.
   */
  readonly probes: readonly ProbeIdentity[];
  /** Those probes that could not be placed, all of their sites or none. */
  readonly unplaced: readonly Unplaced[];
  /** How often the probes have fired for this enabling. */
  readonly hitsTotal: number;
}

/** Probes that were enabled together, as the session makes them. */
export class EnabledProbes implements Enabled {
  /** What else ends when this is disposed of. */
  request: Disposable | undefined;
  readonly #fasttrap: Fasttrap;
  readonly #warn: (message: string) => void;
  readonly #probes = new Set<Probe>();
  readonly #enabling: Enabling;
  #unplaced: readonly Refusal[] = [];
  #hitsTotal = 0;

  /**
   * Makes an enabling of nothing.
   *
   * @param fasttrap The tables.
   * @param handler Called for each hit.
   * @param warn Hears of each probe that could not be placed.
   */
  constructor(fasttrap: Fasttrap, handler: (hit: Hit) => void, warn: (message: string) => void) {
    this.#fasttrap = fasttrap;
    this.#warn = warn;
    this.#enabling = {
      fire: (hit) => {
        this.#hitsTotal++;
        handler(hit);
      },
    };
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
    return this.#hitsTotal;
  }

  /**
   * Enables more probes.
   *
   * @param probes The probes.
   */
  add(probes: readonly Probe[]): void {
    const fresh = probes.filter((probe) => !this.#probes.has(probe));
    for (const probe of fresh) this.#probes.add(probe);
    const refusals = this.#fasttrap.enable(fresh, this.#enabling);
    for (const { probe, reason } of refusals) this.#warn(`Cannot enable ${probe}: ${reason}`);
    this.#unplaced = [...this.#unplaced, ...refusals];
  }

  /**
   * Gives up the probes in modules that are gone.
   *
   * @param modules The modules.
   */
  remove(modules: readonly Module[]): void {
    const gone = [...this.#probes].filter(({ sites }) => sites.some((pc) => modules.some((it) => it.holdsCode(pc))));
    for (const probe of gone) this.#probes.delete(probe);
    this.#unplaced = this.#unplaced.filter(({ probe }) => this.#probes.has(probe));
    this.#fasttrap.disable(gone, this.#enabling);
    this.#fasttrap.destroy(gone);
  }

  /** Disables the probes. */
  [Symbol.dispose](): void {
    this.request?.[Symbol.dispose]();
    this.request = undefined;
    this.#fasttrap.disable([...this.#probes], this.#enabling);
  }
}
