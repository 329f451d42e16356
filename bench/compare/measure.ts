/**
 * Measuring ways to ask the same question, side by side.
 *
 * *Problem.* The machine is never the same twice: its clock, its neighbours and the places where memory happens to lie change
 * from run to run, some of them from second to second.
 *
 * *Method.* Every way is set up and measured once a round, one after the other, and there are several rounds. What a hit costs
 * is the difference to a call of the same function untraced in the same round, and how ways compare is a ratio within a round.
 * Of both, the median of the rounds is given with the lowest and the highest. The program says itself what a call has taken.
 * After each, what the tracer has counted is compared with the calls that were made.
 *
 * @module
 */

import type { Bursts, Loop, LoopFunction, Timing } from "./loop.ts";

/** A value with its spread. */
export interface Spread {
  /** The median of the rounds. */
  readonly median: number;
  /** The lowest. */
  readonly low: number;
  /** The highest. */
  readonly high: number;
}

/** A way to trace a function, or not to trace it. */
export interface Way {
  /** What it is called in the table. */
  readonly name: string;
  /** Whose it is: a row without a tracer is a floor, one of fasttrap is what peers are compared with. */
  readonly by: "untraced" | "by hand" | "fasttrap" | "peer";
  /** The function that is called. */
  readonly function: LoopFunction;
  /** The function whose untraced calls are subtracted, where it is another. */
  readonly base?: LoopFunction;
  /** How the calls are made. */
  readonly bursts: Bursts;
  /** How many hits a call is; 1 by default. */
  readonly hitsPerCall?: number;
  /** Why it cannot be measured here, if that is known beforehand. */
  readonly obstacle?: string | undefined;
  /** Starts the program and traces it. */
  readonly start: () => Promise<Traced>;
}

/** A program that is traced. */
export interface Traced extends AsyncDisposable {
  /** The program. */
  readonly loop: Pick<Loop, "measure" | "callsTotal">;
  /** Ends the program and its tracer; returns what was counted. */
  end(): Promise<Counted>;
}

/** What a tracer has counted. */
export interface Counted {
  /** Hits that it has seen; undefined if it does not say. */
  readonly hits?: number | undefined;
  /** Hits that it has dropped, as it says itself; undefined if it does not say. */
  readonly drops?: number | undefined;
}

/** What was found of a way. */
export interface Row {
  /** The way. */
  readonly way: Way;
  /** What a call takes, in nanoseconds. */
  readonly call?: Spread;
  /** What a hit costs: a call less an untraced one, by the hits of a call, in nanoseconds. */
  readonly hit?: Spread;
  /** How many times as much that is as with the first row of fasttrap of the same question. */
  readonly ratio?: Spread;
  /** What became of the hits. */
  readonly counted?: string;
  /** Why there are no figures. */
  readonly reason?: string;
}

/** The rows of one question. */
export interface Table {
  /** The question. */
  readonly title: string;
  /** Its rows, as the ways are given. */
  readonly rows: readonly Row[];
}

/** A question, and the ways to ask it. */
export interface Question {
  /** What is asked. */
  readonly title: string;
  /** The ways. */
  readonly ways: readonly Way[];
}

/** What was measured of a way so far. */
interface Samples {
  readonly timings: (Timing | undefined)[];
  readonly verdicts: Set<string>;
  reason?: string | undefined;
}

/**
 * Measures all ways.
 *
 * @param questions The questions.
 * @param rounds How often.
 * @param tell Hears of what is being done.
 * @returns A table for each question.
 */
export async function measure(
  questions: readonly Question[],
  rounds: number,
  tell: (message: string) => void,
): Promise<Table[]> {
  const ways = questions.flatMap((question) => question.ways);
  const samples = new Map<Way, Samples>(
    ways.map((way) => [way, { timings: [], verdicts: new Set(), reason: way.obstacle }]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      const { timings, verdicts, reason } = samples.get(way)!;
      if (reason !== undefined) continue;
      tell(`round ${round + 1} of ${rounds}: ${way.name}`);
      try {
        const { timing, verdict } = await measureOnce(way);
        timings.push(timing);
        verdicts.add(verdict);
      } catch (error) {
        samples.get(way)!.reason = reasonOf(error);
      }
    }
  }
  return questions.map(({ title, ways }) => ({ title, rows: evaluate(ways, samples) }));
}

/**
 * Reduces an error to a line of a table.
 *
 * @param error What was thrown.
 * @returns Its message, shortened.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // What a script in another process has thrown is the end of what it says.
  const [line = message] = /\w*Error: (?!.*Error: ).*/.exec(message) ?? [];
  return line.replace(/\s+/g, " ").slice(0, 200);
}

async function measureOnce(way: Way): Promise<{ timing: Timing; verdict: string }> {
  await using traced = await way.start();
  const timing = await traced.loop.measure(way.bursts);
  const counted = await traced.end();
  return { timing, verdict: judge(traced.loop.callsTotal * (way.hitsPerCall ?? 1), counted) };
}

/** Says how what was counted compares with what there was. */
function judge(expected: number, { hits, drops }: Counted): string {
  if (hits === undefined) return drops === undefined ? "" : drops === 0 ? "none dropped" : "some dropped";
  if (hits === expected) return "all";
  if (drops !== undefined && hits + drops === expected) return `${percent(hits, expected)}, rest dropped and counted`;
  return hits > expected ? `${hits} of ${expected}` : `${percent(hits, expected)}, rest lost`;
}

function percent(part: number, whole: number): string {
  return `${(100 * part / whole).toFixed(part / whole > 0.99 ? 3 : 0)} %`;
}

function evaluate(ways: readonly Way[], samples: ReadonlyMap<Way, Samples>): Row[] {
  const untraced = new Map(
    [...samples].filter(([way]) => way.by === "untraced").map(([way, { timings }]) => [
      way.function,
      timings,
    ]),
  );
  const hitCosts = (way: Way): number[] =>
    samples.get(way)!.timings.map((timing, round) =>
      (timing!.ns - (untraced.get(way.base ?? way.function)?.[round]?.ns ?? 0)) / (way.hitsPerCall ?? 1)
    );
  const reference = ways.find((way) => way.by === "fasttrap" && samples.get(way)!.reason === undefined);
  const ours = reference === undefined ? [] : hitCosts(reference);
  return ways.map((way) => {
    const { timings, verdicts, reason } = samples.get(way)!;
    if (reason !== undefined || timings.length === 0) return { way, reason: reason ?? "not measured" };
    const call = spreadOf(timings.map((timing) => timing!.ns));
    if (way.by === "untraced") return { way, call };
    const hits = hitCosts(way);
    const counted = [...verdicts].join("; ");
    const ratio = spreadOf(hits.map((hit, round) => hit / ours[round]!));
    return { way, call, hit: spreadOf(hits), counted, ...(ours.length === 0 ? {} : { ratio }) };
  });
}

/**
 * Finds the median and the spread of some values.
 *
 * @param values The values, at least one.
 * @returns Them.
 */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const median = (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.floor(sorted.length / 2)]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}
