/**
 * A target: a process that is traced, as the user of a session sees it.
 *
 * @module
 */

/** How a process ended. */
export interface TargetEnd {
  /** The exit code; undefined if it was killed by a signal. */
  readonly code: number | undefined;
  /** The signal that killed it; undefined if it exited. */
  readonly signal: number | undefined;
}

/** A process that is traced, or was. */
export class Target {
  /** Its pid. */
  readonly pid: number;
  #state: "traced" | "detached" | "ended" = "traced";
  #end: TargetEnd | undefined;
  #programsTotal = 1;

  /**
   * Makes the record of a process that is traced.
   *
   * @param pid Its pid.
   */
  constructor(pid: number) {
    this.pid = pid;
  }

  /** Whether it is traced: it has neither ended nor been let go. */
  get alive(): boolean {
    return this.#state === "traced";
  }

  /** How it ended; undefined if it has not, or not while it was traced, or if this program has waited for it itself. */
  get end(): TargetEnd | undefined {
    return this.#end;
  }

  /** How many programs it has been since it is traced; exec adds one. */
  get programsTotal(): number {
    return this.#programsTotal;
  }

  /**
   * It has ended. Called by the session.
   *
   * @param status The wait status.
   */
  ended(status: number | undefined): void {
    this.#state = "ended";
    if (status === undefined) return;
    const signal = status & 0x7f;
    this.#end = signal === 0 ? { code: (status >> 8) & 0xff, signal: undefined } : { code: undefined, signal };
  }

  /** It has been let go. Called by the session. */
  detached(): void {
    if (this.#state === "traced") this.#state = "detached";
  }

  /** It has executed another program. Called by the session. */
  replaced(): void {
    this.#programsTotal++;
  }
}
