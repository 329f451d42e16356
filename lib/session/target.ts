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
export interface Target {
  /** Its pid. */
  readonly pid: number;
  /** Whether it is traced: it has neither ended nor been let go. */
  readonly alive: boolean;
  /** How it ended; undefined if it has not, or not while it was traced, or if this program has waited for it itself. */
  readonly end: TargetEnd | undefined;
  /** How many programs it has been since it is traced; exec adds one. */
  readonly programsTotal: number;
}

/** A target as its session sees it. */
export class SessionTarget implements Target {
  /** See {@linkcode Target.pid}. */
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

  /** See {@linkcode Target.alive}. */
  get alive(): boolean {
    return this.#state === "traced";
  }

  /** See {@linkcode Target.end}. */
  get end(): TargetEnd | undefined {
    return this.#end;
  }

  /** See {@linkcode Target.programsTotal}. */
  get programsTotal(): number {
    return this.#programsTotal;
  }

  /**
   * It has ended.
   *
   * @param status The wait status.
   */
  ended(status: number | undefined): void {
    this.#state = "ended";
    if (status === undefined) return;
    const signal = status & 0x7f;
    this.#end = signal === 0 ? { code: (status >> 8) & 0xff, signal: undefined } : { code: undefined, signal };
  }

  /** It has been let go. */
  detached(): void {
    if (this.#state === "traced") this.#state = "detached";
  }

  /** It has executed another program. */
  replaced(): void {
    this.#programsTotal++;
  }
}
