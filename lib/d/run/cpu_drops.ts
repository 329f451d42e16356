/**
 * What was lost on each CPU since somebody looked: DTrace has a buffer for each, and reports drops by them.
 *
 * @module
 */

/** See the module's comment. */
export class CpuDrops {
  readonly #cpuOfHit: () => number;
  #counts = new Map<number, number>();

  /**
   * Makes an empty count.
   *
   * @param cpuOfHit Tells the CPU of the hit whose clauses run, which may cost a look at the thread.
   */
  constructor(cpuOfHit: () => number = () => 0) {
    this.#cpuOfHit = cpuOfHit;
  }

  /**
   * Counts what was lost.
   *
   * @param count How much.
   * @param cpu The CPU; by default that of the hit whose clauses run.
   */
  add(count: number = 1, cpu: number = this.#cpuOfHit()): void {
    this.#counts.set(cpu, (this.#counts.get(cpu) ?? 0) + count);
  }

  /**
   * Takes what was counted since the last time.
   *
   * @returns How much each CPU has lost, by ascending numbers of CPUs.
   */
  take(): ReadonlyMap<number, number> {
    if (this.#counts.size === 0) return this.#counts;
    const counts = new Map([...this.#counts].sort(([a], [b]) => a - b));
    this.#counts = new Map();
    return counts;
  }
}
