/**
 * What a hit of a static probe costs the program, as it measures it itself (`static_loop.c`): fastest, median and slowest of
 * its bursts, untraced, and recorded by a jump and by a trap, in one run. A hit costs what lies between the first line and the
 * others. The bursts of traps are shorter. Not a benchmark of `deno bench`, which runs the file and finds none.
 */

import { Session } from "../mod.ts";

const PROGRAM = "build/targets/static_loop";
const BURSTS = 50;

/** Runs the program, with its probe if jumps are allowed or forbidden, and returns what it says. */
async function measure(rounds: number, jumps?: boolean): Promise<string> {
  const child = new Deno.Command(PROGRAM, { args: [String(BURSTS), String(rounds)], stdout: "piped" }).spawn();
  if (jumps === undefined) return textOf(await child.output());
  await using session = new Session({ signals: false, jumps });
  session.attach(child.pid);
  let sum = 0;
  const enabled = session.enable("loop$target:::round", { record: (hit) => sum += hit.arg(1) });
  const { entries: [tracepoint] } = session.stats().tracepoints;
  if ((tracepoint!.performed === "jump") !== jumps) throw new TypeError(tracepoint!.trapReason ?? "it is a jump");
  const running = session.run();
  const output = await child.output();
  session.stop();
  await running;
  const { hitsTotal, dropsTotal } = enabled;
  // Bursts may have been over before the probe was there.
  if (dropsTotal > 0 || hitsTotal === 0 || sum === 0) throw new TypeError(`${dropsTotal} of ${hitsTotal} were dropped`);
  return textOf(output);
}

function textOf({ stdout }: { readonly stdout: Uint8Array }): string {
  return new TextDecoder().decode(stdout).trim();
}

console.log("ns a round: fastest, median, slowest burst");
for (let round = 0; round < 3; round++) {
  console.log("untraced          ", await measure(20_000));
  console.log("recorded by a jump", await measure(20_000, true));
  console.log("recorded by a trap", await measure(200, false));
}
