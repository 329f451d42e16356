/**
 * What one call of `enable` has enabled.
 *
 * @module
 */

import type { Fasttrap } from "../fasttrap/fasttrap.ts";
import type { Hit } from "../fasttrap/hit.ts";
import type { Enabling, Probe, ProbeIdentity } from "../fasttrap/probe.ts";

/** A probe that could not be placed. */
export interface Unplaced {
  /** The probe. */
  readonly probe: ProbeIdentity;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** Probes that were enabled together. Disposing of it disables them; those that others have enabled too stay for them. */
export interface Enabled extends Disposable {
  /** The probes that the description matched, those that could not be placed included. */
  readonly probes: readonly ProbeIdentity[];
  /** Those probes that could not be placed, all of their sites or none. */
  readonly unplaced: readonly Unplaced[];
  /** How often the probes have fired for this enabling. */
  readonly hitsTotal: number;
}

/** Who hears of probes that were enabled together. */
export interface EnabledListener {
  /** Called for each hit. */
  readonly handler: (hit: Hit) => void;
  /** Called with a sentence for each probe that could not be placed. */
  readonly warn: (message: string) => void;
  /** Called when they have been disabled. */
  readonly disposed: (enabled: EnabledProbes) => void;
}

/** Probes that were enabled together, as the session makes them. */
export class EnabledProbes implements Enabled {
  /** See {@linkcode Enabled.unplaced}. */
  readonly unplaced: readonly Unplaced[];
  readonly #fasttrap: Fasttrap;
  readonly #probes: readonly Probe[];
  readonly #enabling: Enabling;
  readonly #disposed: (enabled: EnabledProbes) => void;
  #hitsTotal = 0;

  /**
   * Enables probes.
   *
   * @param fasttrap The tables.
   * @param probes The probes.
   * @param listener Who hears of hits, of each probe that could not be placed, and of the end.
   */
  constructor(fasttrap: Fasttrap, probes: readonly Probe[], listener: EnabledListener) {
    const { handler, warn } = listener;
    this.#fasttrap = fasttrap;
    this.#probes = probes;
    this.#disposed = listener.disposed;
    this.#enabling = {
      fire: (hit) => {
        this.#hitsTotal++;
        handler(hit);
      },
    };
    this.unplaced = fasttrap.enable(probes, this.#enabling);
    for (const { probe, reason } of this.unplaced) warn(`Cannot enable ${probe}: ${reason}`);
  }

  /** See {@linkcode Enabled.probes}. */
  get probes(): readonly ProbeIdentity[] {
    return this.#probes;
  }

  /** See {@linkcode Enabled.hitsTotal}. */
  get hitsTotal(): number {
    return this.#hitsTotal;
  }

  /** Disables the probes. */
  [Symbol.dispose](): void {
    this.#fasttrap.disable(this.#probes, this.#enabling);
    this.#disposed(this);
  }
}
