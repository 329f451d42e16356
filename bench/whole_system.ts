/**
 * The whole-system check: entry and return of all functions of libc, enabled at once, while real programs run to their end. They
 * must do what they do untraced; what it costs them, and what was recorded, is told.
 *
 * Not a benchmark that `deno bench` finds, because it takes some ten minutes; run it by
 *
 * ```sh
 * deno run -A bench/whole_system.ts [SUBJECT...]
 * ```
 */

import { missing } from "../tests/programs/real_program.ts";
import { wholeSubjects } from "../tests/programs/whole_subjects.ts";
import type { Subject, WholeRun } from "../tests/programs/whole_system.ts";

let failures = 0;
for (const subject of wholeSubjects("full")) {
  if (Deno.args.length > 0 && !Deno.args.some((name) => subject.name.startsWith(name))) continue;
  const reason = missing(...subject.needs);
  if (reason === undefined) await check(subject);
  else console.log(`${subject.name}: ${reason}`);
}
if (failures > 0) Deno.exit(1);

async function check(subject: Subject): Promise<void> {
  const untraced = await subject.run("untraced");
  console.log(`\n${subject.name}\n  untraced: ${seconds(untraced)}`);
  console.log(untraced.result.replaceAll(/^/gm, "    "));
  for (const way of ["count", "record"] as const) {
    const traced = await subject.run(way);
    const ratio = (traced.milliseconds / untraced.milliseconds).toFixed(2);
    const { hits, drops, jumps, traps, hottest, unplaced } = traced;
    console.log(`  ${way}: ${seconds(traced)}, ${ratio} times as long`);
    console.log(`    entries ${hits[0]} + ${drops[0]} dropped, returns ${hits[1]} + ${drops[1]} dropped`);
    console.log(`    ${jumps} jumps, ${[...traps.values()].reduce((sum, count) => sum + count, 0)} traps`);
    for (const [why, count] of traps) console.log(`      ${count} ${why}`);
    for (const [name, count] of hottest) console.log(`    ${count} hits of the trap at ${name}`);
    for (const line of unplaced) console.log(`    not placed: ${line}`);
    if (traced.result === untraced.result) continue;
    failures++;
    console.log(`    NOT AS UNTRACED:\n${traced.result.replaceAll(/^/gm, "      ")}`);
  }
}

function seconds({ milliseconds }: WholeRun): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
