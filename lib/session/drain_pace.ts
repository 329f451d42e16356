/**
 * How often the rings of records are read.
 *
 * *Problem.* Nothing tells when there is a record. To look often costs time, to look seldom has people wait.
 *
 * *Method.* Every {@linkcode DRAIN_MS}, and at once while rings are fuller than {@linkcode DRAIN_FILL}. When probes have just been
 * enabled, somebody waits for the first hit: then they are read sooner, each time about as long after the last time as that was
 * after the enabling.
 *
 * @module
 */

/** How often rings are read in the long run, and at first, in milliseconds. */
const DRAIN_MS = 10;
const FIRST_DRAIN_MS = 1;
/** From which part of them on rings are read at once. */
const DRAIN_FILL = 1 / 8;

/** See the module's comment. */
export class DrainPace {
  #enabledMs = -Infinity;

  /** Notes that probes have been enabled. */
  enabled(): void {
    this.#enabledMs = performance.now();
  }

  /**
   * Tells how soon rings have to be read again.
   *
   * @param fill How full they are, from 0 to 1; undefined if there are none.
   * @returns The time in milliseconds; undefined if there are none.
   */
  dueMs(fill: number | undefined): number | undefined {
    if (fill === undefined) return undefined;
    if (fill > DRAIN_FILL) return 0;
    return Math.min(DRAIN_MS, Math.max(FIRST_DRAIN_MS, performance.now() - this.#enabledMs));
  }
}
