/**
 * The cleanup of providers, some time after they have become useless.
 *
 * *Problem.* A provider can be freed only when nobody counts on it, which is seldom at the moment when its process goes:
 * consumers still hold its probes. A program that executes another one a hundred times a second would have every
 * table walked a hundred times. And a consumer that asked for all probes of a process by mistake, and ran into the
 * limit, leaves a provider full of probes that nobody wants.
 *
 * *Method.* Whoever makes a provider useless marks it and requests a cleanup (rules 60 and 61). Requests within
 * {@linkcode DELAY_MS} are one. A cleanup visits what is marked:
 *
 * | provider | what is done |
 * | --- | --- |
 * | somebody makes probes of it, or an object provides it | the mark is taken away |
 * | a probe of it is enabled | the mark is taken away; if more than half of the limit is used up, its other probes go |
 * | neither | it is freed |
 *
 * What is left over needs no second look, as it does in a kernel, where somebody may use a provider for a moment: whoever
 * takes the last count away marks it anew.
 *
 * *Invariants.* The timer never keeps the program alive. A cleanup is synchronous, so that there is one at a time.
 *
 * @module
 */

import type { Provider } from "./provider.ts";

/** How long after a request the cleanup comes as a rule, in ms. */
const DELAY_MS = 1;

/** What a cleanup needs of the tables. */
export interface CleanupTables {
  /** The providers, retired ones included. */
  providers(): Iterable<Provider>;
  /** Whether more than half of the limit of tracepoints is used up. */
  isCrowded(): boolean;
  /**
   * Frees a provider with its probes.
   *
   * @param provider The provider, on which nothing counts.
   */
  free(provider: Provider): void;
  /**
   * Destroys the probes of a provider that nobody has enabled.
   *
   * @param provider The provider.
   */
  condense(provider: Provider): void;
}

/** See the module's comment. */
export class Cleanup implements Disposable {
  readonly #tables: CleanupTables;
  readonly #delayMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #runsTotal = 0;

  /**
   * Makes the cleanup of empty tables.
   *
   * @param tables The tables.
   * @param delayMs How long after a request the cleanup comes, in ms.
   */
  constructor(tables: CleanupTables, delayMs = DELAY_MS) {
    this.#tables = tables;
    this.#delayMs = delayMs;
  }

  /** How often the marked providers have been visited. */
  get runsTotal(): number {
    return this.#runsTotal;
  }

  /**
   * Marks a provider and has it visited soon.
   *
   * @param provider The provider.
   */
  request(provider: Provider): void {
    provider.marked = true;
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.run(), this.#delayMs);
    Deno.unrefTimer(this.#timer);
  }

  /** Visits the marked providers now. */
  run(): void {
    this.#cancel();
    this.#runsTotal++;
    for (const provider of [...this.#tables.providers()]) if (provider.marked) this.#visit(provider);
  }

  /** Ends the timer. What is marked later is visited by {@linkcode Cleanup.run} only. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#cancel();
  }

  #cancel(): void {
    // The first use of a timer loads what it belongs to, which takes 5 ms.
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #visit(provider: Provider): void {
    provider.marked = false;
    if (provider.creatingTotal + provider.metaTotal > 0) return;
    if (provider.enabledTotal === 0) this.#tables.free(provider);
    else if (this.#tables.isCrowded()) this.#tables.condense(provider);
  }
}
