/**
 * Records of hits.
 *
 * The first lines are what a call costs the program, as it measures it itself in bursts of 20,000 (`record_loop.c`): fastest,
 * median and slowest of 50 bursts, untraced, recorded by hand in assembly, and recorded by a jump, without and with a string of
 * 32 bytes. A hit costs what lies between the first and the others. The benchmark below is what it costs to read records and hand them to a consumer.
 */

import { type Capture, type HitRecord, Session } from "../mod.ts";

const PROGRAM = "build/targets/record_loop";
const BURSTS = 50;
const BURST = 20_000;
const ENTRY = "pid$target:a.out:work:entry";

async function untraced(...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(PROGRAM, { args: [String(BURSTS), ...args] }).output();
  return new TextDecoder().decode(stdout).trim();
}

async function traced(capture?: readonly Capture[]): Promise<string> {
  const child = new Deno.Command(PROGRAM, { args: [String(BURSTS)], stdout: "piped" }).spawn();
  await using session = new Session({ signals: false });
  session.attach(child.pid);
  const enabled = session.enable(ENTRY, { record: () => {}, capture });
  const running = session.run();
  const { stdout } = await child.output();
  session.stop();
  await running;
  const drops = enabled.dropsTotal > 0 ? ` (${enabled.dropsTotal} records were dropped)` : "";
  return new TextDecoder().decode(stdout).trim() + drops;
}

console.log("ns a call: fastest, median, slowest burst");
for (let round = 0; round < 3; round++) {
  console.log("untraced          ", await untraced());
  console.log("recorded by hand  ", await untraced("recorded"));
  console.log("recorded by a jump", await traced());
  console.log("string by hand    ", await untraced("copied"));
  console.log("string by a jump  ", await traced([{ kind: "string", argument: 1, sizeBytes: 32 }]));
}

/** Fills the rings by a program that makes 3 bursts and waits, then times the reading. */
async function read(
  b: Deno.BenchContext,
  record: (hit: HitRecord) => void,
  capture?: readonly Capture[],
): Promise<void> {
  await using session = new Session({ signals: false });
  session.spawn(PROGRAM, { args: ["3"], stdout: 2 });
  const enabled = session.enable(ENTRY, { record, capture });
  b.start();
  await session.run();
  b.end();
  if (enabled.hitsTotal + enabled.dropsTotal !== 3 * BURST) throw new TypeError("hits are missing");
}

Deno.bench("Session.enable() 60,000 records in 75 ms of a program's life", { group: "record" }, async (b) => {
  await read(b, () => {});
});

Deno.bench("Session.enable() 60,000 strings in 75 ms of a program's life", { group: "record" }, async (b) => {
  await read(b, (hit) => void hit.string(0), [{ kind: "string", argument: 1, sizeBytes: 32 }]);
});
