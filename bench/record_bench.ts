/**
 * Records of hits.
 *
 * The first lines are what a call costs the program, as it measures it itself in bursts of 20,000 (`record_loop.c`): fastest,
 * median and slowest of 50 bursts, untraced, recorded by hand in assembly, and recorded by a jump, without and
 * with a string of 32 bytes. A hit costs what lies between the first and the others.
 *
 * The lines after that say how many records a second reach a TypeScript function while a program makes calls as fast as it can
 * (`compare_loop.c`), for functions that do more and more. What is too much is dropped; hits and drops have to be the calls.
 *
 * The benchmark below is what it costs to read records and hand them to a consumer.
 */

import { type Capture, type HitRecord, Session } from "../mod.ts";

const PROGRAM = "build/targets/record_loop";
const BURSTS = 50;
const BURST = 20_000;
/** Makes as many calls as it is told to. */
const ENDLESS_PROGRAM = "build/targets/compare_loop";
const CALLS = 40_000_000;
const ROUNDS = 5;
/** How much text is written at once, in characters. */
const TEXT_LENGTH = 1 << 16;
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

/** Makes calls without a pause, and returns what reached the consumer. */
async function saturate(record: (hit: HitRecord) => void): Promise<{ millions: number; dropped: number }> {
  const child = new Deno.Command(ENDLESS_PROGRAM, { args: ["pushed"], stdin: "piped", stdout: "piped" }).spawn();
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await output.read();
  await using session = new Session({ signals: false });
  session.attach(child.pid);
  const enabled = session.enable("pid$target:a.out:pushed:entry", { record });
  const running = session.run();
  const begin = performance.now();
  await input.write(new TextEncoder().encode(`${CALLS} 1 0\n`));
  await output.read();
  const seconds = (performance.now() - begin) / 1e3;
  // What is in the rings then comes later, and does not count.
  const millions = enabled.hitsTotal / seconds / 1e6;
  await input.close();
  await output.cancel();
  await child.status;
  session.stop();
  await running;
  if (enabled.hitsTotal + enabled.dropsTotal !== CALLS) throw new TypeError("hits are missing");
  return { millions, dropped: enabled.dropsTotal / CALLS };
}

/** Consumers that do more and more with a record. */
function consumers(): [name: string, record: (hit: HitRecord) => void][] {
  let count = 0;
  const totals = new Map<number, number>();
  const sink = Deno.openSync("/dev/null", { write: true });
  const encoder = new TextEncoder();
  let text = "";
  return [
    ["counts them", () => void count++],
    ["adds to a Map by an argument", (hit) => {
      const key = hit.arg(1);
      totals.set(key, (totals.get(key) ?? 0) + hit.arg(0));
    }],
    ["writes a line of JSON each", (hit) => {
      const { timestampNs, tid, probe } = hit;
      text += JSON.stringify({ timestampNs, tid, function: probe.function, args: [hit.arg(0), hit.arg(1)] }) + "\n";
      if (text.length < TEXT_LENGTH) return;
      sink.writeSync(encoder.encode(text));
      text = "";
    }],
  ];
}

console.log("records a second to a function that ..., and what is dropped, of calls without a pause");
for (const [name, record] of consumers()) {
  const runs: { millions: number; dropped: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) runs.push(await saturate(record));
  runs.sort((a, b) => a.millions - b.millions);
  const [low, median, high] = [0, ROUNDS >> 1, ROUNDS - 1].map((index) => runs[index]!.millions.toFixed(1));
  console.log(
    `${name}: ${median} million (${low}-${high}), ${(100 * runs[ROUNDS >> 1]!.dropped).toFixed(0)} % dropped`,
  );
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
