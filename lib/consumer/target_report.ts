/**
 * What becomes of the targets while they are traced, for the user to know.
 *
 * @module
 */

import type { Target } from "../session/target.ts";
import { signalName } from "../system_names.ts";
import { formatMessage } from "./failure.ts";
import { formatProcessEnd } from "./text.ts";

/** A target as it was when it was looked at last. */
interface KnownTarget {
  readonly target: Target;
  readonly programsTotal: number;
  readonly alive: boolean;
}

/** Says of each target once that it has ended, and each time that it has executed another program, unless it is followed. */
export class TargetReport {
  readonly #followed: boolean;
  #known: readonly KnownTarget[];

  /**
   * Makes a report on targets that are traced.
   *
   * @param targets The targets; one that is named twice counts once.
   * @param options Whether the programs that targets execute get probes.
   */
  constructor(targets: Iterable<Target>, options: { followed?: boolean } = {}) {
    this.#followed = options.followed ?? false;
    this.#known = [...new Set(targets)].map((target) => ({ target, programsTotal: 1, alive: true }));
  }

  /**
   * Looks at the targets.
   *
   * @returns Whole lines about what is new; empty if nothing is.
   */
  update(): string {
    let text = "";
    this.#known = this.#known.map((known) => {
      const { pid, programsTotal, alive } = known.target;
      if (programsTotal > known.programsTotal && !this.#followed) {
        text += formatMessage(`pid ${pid} has executed another program, which has no probes`);
      }
      if (known.alive && !alive) text += this.#formatEnd(known.target);
      return { target: known.target, programsTotal, alive };
    });
    return text;
  }

  #formatEnd({ pid, end }: Target): string {
    const signal = end?.signal;
    const name = signal === undefined ? undefined : signalName(signal) ?? `${signal}`;
    return formatProcessEnd(pid, { code: end?.code, signal: name });
  }
}
