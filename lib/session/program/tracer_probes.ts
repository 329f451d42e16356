/**
 * The probes of D programs that belong to no target: those of the providers `dtrace` and `profile`.
 *
 * | probe | fires |
 * | --- | --- |
 * | `dtrace:::BEGIN`, `END`, `ERROR` | when tracing begins and ends, and when a clause fails |
 * | `profile:::tick-N` | N times a second, or every N of a unit: `tick-10ms` |
 * | `profile:::profile-N` | as often, for each thread of the targets that runs |
 *
 * The first three have the numbers 1, 2 and 3, as in DTrace. Those of `profile` are there when they are named, with periods
 * from 200 us on, as in DTrace; some are there always, for descriptions that name none.
 *
 * @module
 */

import type { FiringProbe } from "../../d/host.ts";
import { compileGlob } from "../../spec/glob.ts";
import type { ProbeDescription } from "../../spec/probe_description.ts";

/** The number of the first probe of `profile`, far behind those of targets, and as wide as its column. */
const PROFILE_ID = 900_000;
const TIMED = /^(tick|profile)-(\d+)([a-z]*)$/i;
/** The shortest period. */
const PERIOD_MIN_MS = 0.2;
/** The probes of `profile` that there are always, as in Oracle's DTrace. */
const PROFILED = [
  ...[97, 199, 499, 997, 1999, 4001, 4999].map((rate) => `profile-${rate}`),
  ...[1, 10, 100, 500, 1000, 5000].map((rate) => `tick-${rate}`),
];
/** How many milliseconds a unit has. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  nsec: 1e-6,
  us: 1e-3,
  usec: 1e-3,
  ms: 1,
  msec: 1,
  s: 1e3,
  sec: 1e3,
  m: 6e4,
  min: 6e4,
  h: 36e5,
  hour: 36e5,
  d: 864e5,
  day: 864e5,
};
const DTRACE = ["BEGIN", "END", "ERROR"].map((name, index) => makeProbe(index + 1, "dtrace", name));

/** A time after which a probe fires again. */
export interface Timing {
  readonly kind: "tick" | "profile";
  readonly periodMs: number;
}

/**
 * Reads the name of a probe of `profile`.
 *
 * @param name The name.
 * @returns When it fires; undefined if there is no such probe.
 */
export function timingOf(name: string): Timing | undefined {
  const [, kind, digits, written] = TIMED.exec(name) ?? [];
  const count = Number(digits);
  if ((kind !== "tick" && kind !== "profile") || count === 0) return undefined;
  const unit = written!.toLowerCase();
  const isRate = unit === "" || unit === "hz";
  const periodMs = isRate ? 1000 / count : count * (UNITS[unit] ?? NaN);
  return periodMs >= PERIOD_MIN_MS ? { kind, periodMs } : undefined;
}

/** The probes of no target that there are, as far as they have been named. */
export class TracerProbes {
  readonly #timed = new Map<string, FiringProbe>();

  /**
   * Finds those that a description matches.
   *
   * @param description The description.
   * @returns The probes.
   */
  matching(description: ProbeDescription): readonly FiringProbe[] {
    const { provider, name } = description;
    if (description.module !== "" || description.function !== "") return [];
    const isNamed = (probe: string) => name === "" || compileGlob(name)(probe);
    // A description without a provider means these probes only if it names one.
    if (provider === "") return DTRACE.filter((probe) => probe.name === name).concat(this.#timedOf(name));
    if (provider.includes("$")) return [];
    const matches = compileGlob(provider);
    return [
      ...matches("dtrace") ? DTRACE.filter((probe) => isNamed(probe.name)) : [],
      ...matches("profile") ? this.#timedOf(name).concat(this.#profiled(name)) : [],
    ];
  }

  /**
   * Finds the probe of a number.
   *
   * @param id The number.
   * @returns Its names; undefined if it is none of BEGIN, END and ERROR.
   */
  numbered(id: number): ProbeDescription | undefined {
    return DTRACE.find((probe) => probe.id === id);
  }

  /**
   * Tells whether a description can match probes of targets.
   *
   * @param description The description.
   * @returns Whether it can.
   */
  mayBeOfTargets(description: ProbeDescription): boolean {
    const { provider } = description;
    if (provider === "dtrace" || provider === "profile") return false;
    return provider !== "" || this.matching(description).length === 0;
  }

  /** Those that are there always, if the name is none. */
  #profiled(name: string): FiringProbe[] {
    if (timingOf(name) !== undefined) return [];
    const isNamed = name === "" ? () => true : compileGlob(name);
    return PROFILED.filter(isNamed).flatMap((probe) => this.#timedOf(probe));
  }

  #timedOf(name: string): FiringProbe[] {
    if (timingOf(name) === undefined) return [];
    let probe = this.#timed.get(name);
    if (probe === undefined) this.#timed.set(name, probe = makeProbe(PROFILE_ID + this.#timed.size, "profile", name));
    return [probe];
  }
}

function makeProbe(id: number, provider: string, name: string): FiringProbe {
  return { id, provider, module: "", function: "", name };
}
