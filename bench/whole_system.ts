/**
 * The whole-system check: entry and return of all functions of libc, enabled at once, while real programs run to their end.
 * They must do what they do untraced; what it costs them, as the median of some rounds, and what was recorded, is told.
 *
 * Not a benchmark that `deno bench` finds, because it takes half an hour; run it by
 *
 * ```sh
 * deno run -A bench/whole_system.ts [SUBJECT...]
 * ```
 */

import { missing } from "../tests/programs/real_program.ts";
import { wholeSubjects } from "../tests/programs/whole_subjects.ts";
import type { Subject, WholeRun } from "../tests/programs/whole_system.ts";

const ROUNDS = 3;
/** How many lines of a result are told. */
const LINES = 3;

let failures = 0;
for (const subject of wholeSubjects("full")) {
  if (Deno.args.length > 0 && !Deno.args.some((name) => subject.name.startsWith(name))) continue;
  const reason = missing(...subject.needs);
  if (reason === undefined) await check(subject);
  else console.log(`${subject.name}: ${reason}`);
}
if (failures > 0) Deno.exit(1);

async function check(subject: Subject): Promise<void> {
  const times = { untraced: [] as number[], count: [] as number[], record: [] as number[] };
  const units = { untraced: [] as number[], count: [] as number[], record: [] as number[] };
  console.log(`\n${subject.name}`);
  let expected: string | undefined;
  for (let round = 1; round <= ROUNDS; round++) {
    for (const way of ["untraced", "count", "record"] as const) {
      const run = await subject.run(way);
      times[way].push(run.milliseconds);
      units[way].push(run.unitMs);
      console.log(`  ${way}, round ${round}: ${seconds(run.milliseconds)}`);
      if (expected === undefined) {
        expected = run.result;
        const lines = expected.split("\n");
        console.log(lines.slice(-LINES).map((line) => `    ${line}\n`).join("") + `    (${lines.length} lines)`);
      }
      if (way !== "untraced" && round === 1) describe(run);
      if (run.result === expected) continue;
      failures++;
      console.log(`    NOT AS UNTRACED:\n${difference(expected, run.result)}`);
    }
  }
  console.log(`  untraced: ${seconds(median(times.untraced))}`);
  for (const way of ["count", "record"] as const) {
    const [whole, unit] = [times, units].map((of) => ratioOf(of[way], of.untraced));
    console.log(`  ${way}: ${seconds(median(times[way]))}, ${whole} times as long, by its own measure ${unit} times`);
  }
}

function describe({ hits, drops, jumps, traps, hottest, unplaced }: WholeRun): void {
  console.log(`    entries ${hits[0]} + ${drops[0]} dropped, returns ${hits[1]} + ${drops[1]} dropped`);
  console.log(`    ${jumps} jumps, ${[...traps.values()].reduce((sum, count) => sum + count, 0)} traps`);
  for (const [why, count] of traps) console.log(`      ${count} ${why}`);
  for (const [name, count] of hottest) console.log(`    ${count} hits of the trap at ${name}`);
  for (const line of unplaced) console.log(`    not placed: ${line}`);
}

/** The lines that only one of two texts has. */
function difference(expected: string, actual: string): string {
  const [before, after] = [expected, actual].map((text) => text.split("\n")) as [string[], string[]];
  const only = (lines: string[], other: string[], sign: string) =>
    lines.filter((line) => !other.includes(line)).map((line) => `      ${sign} ${line}`);
  return [...only(before, after, "-"), ...only(after, before, "+")].join("\n") || "      the order of lines";
}

/** How many times as long as others runs have taken, round by round: the median, the least and the most. */
function ratioOf(traced: readonly number[], untraced: readonly number[]): string {
  const ratios = traced.map((time, i) => time / untraced[i]!);
  return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
