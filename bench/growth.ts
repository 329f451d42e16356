/**
 * What a hit costs the program, and what enabling and disabling cost, as probes, threads and processes become more: a table of
 * nanoseconds of CPU time a call, as the program measures it itself (`growth_loop.c`), and of milliseconds.
 *
 * The program calls one of its functions, or all that are probed in turn. Calls are more than rings can take: records that are
 * dropped are cheaper than those that are written, so their part is told.
 *
 * Not a benchmark that `deno bench` finds; run it by
 *
 * ```sh
 * deno run -A bench/growth.ts
 * ```
 */

import { type Enabled, Session } from "../mod.ts";

const PROGRAM = "build/targets/growth_loop";
const CALLS = 4_000_000;
const ROUNDS = 3;

/** One line of the table. */
interface Line {
  readonly probes: number;
  /** How many of the functions are called. */
  readonly called: number;
  readonly threads: number;
  readonly processes: number;
}

const LINES: readonly Line[] = [
  ...[1, 1_000, 10_000, 100_000].map((probes) => ({ probes, called: 1, threads: 1, processes: 1 })),
  ...[1_000, 100_000].map((probes) => ({ probes, called: probes, threads: 1, processes: 1 })),
  ...[2, 8].map((threads) => ({ probes: 1_000, called: 1_000, threads, processes: 1 })),
  { probes: 1_000, called: 1_000, threads: 1, processes: 4 },
];

/** Programs under way. */
class Programs implements AsyncDisposable {
  readonly #children: Deno.ChildProcess[];
  readonly #readers: ReadableStreamDefaultReader<string>[];

  private constructor(children: Deno.ChildProcess[]) {
    this.#children = children;
    this.#readers = children.map(({ stdout }) => stdout.pipeThrough(new TextDecoderStream()).getReader());
  }

  static async start({ called, threads, processes }: Line): Promise<Programs> {
    const args = [CALLS, called, threads].map(String);
    const programs = new Programs(Array.from(
      { length: processes },
      () => new Deno.Command(PROGRAM, { args, stdin: "piped", stdout: "piped" }).spawn(),
    ));
    for (const reader of programs.#readers) await reader.read();
    return programs;
  }

  get pids(): readonly number[] {
    return this.#children.map(({ pid }) => pid);
  }

  /** Lets them run, and tells the nanoseconds of a call, as the mean of all. */
  async run(): Promise<number> {
    for (const { stdin } of this.#children) {
      const writer = stdin.getWriter();
      await writer.write(new TextEncoder().encode("\n"));
      await writer.close();
    }
    let sum = 0;
    for (const reader of this.#readers) sum += Number((await reader.read()).value);
    return sum / this.#readers.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [i, child] of this.#children.entries()) {
      await this.#readers[i]!.cancel();
      await child.status;
    }
  }
}

/** What one way of tracing has come to. */
interface Figures {
  readonly nsACall: number;
  readonly enableMs: number;
  readonly disableMs: number;
  /** How many of the hits were dropped, from 0 to 1. */
  readonly dropped: number;
}

async function measure(line: Line, way: "untraced" | "count" | "record"): Promise<Figures> {
  await using programs = await Programs.start(line);
  if (way === "untraced") return { nsACall: await programs.run(), enableMs: 0, disableMs: 0, dropped: 0 };
  await using session = new Session({ signals: false });
  for (const pid of programs.pids) session.attach(pid);
  const options = way === "count" ? { count: true } : { record: () => {} };
  const descriptions = programs.pids.map((pid) => `pid${pid}:a.out:${patternOf(line.probes)}:entry`);
  // The first time reads the symbols.
  for (const description of descriptions) session.list(description);
  const enable = () => descriptions.map((description) => session.enable(description, options));
  const begin = performance.now();
  let enabled: Enabled[] = enable();
  const enableMs = performance.now() - begin;
  const middle = performance.now();
  for (const each of enabled) each[Symbol.dispose]();
  const disableMs = performance.now() - middle;
  enabled = enable();
  if (enabled[0]!.probes.length !== line.probes) throw new TypeError(`${enabled[0]!.probes.length} probes`);
  const running = session.run();
  const nsACall = await programs.run();
  await running;
  const sum = (value: (each: Enabled) => number) => enabled.reduce((total, each) => total + value(each), 0);
  const [hits, drops] = [sum(({ hitsTotal }) => hitsTotal), sum(({ dropsTotal }) => dropsTotal)];
  // Where one function is called, that one is probed.
  if (hits + drops !== CALLS * line.threads * line.processes) throw new TypeError(`${hits} hits, ${drops} drops`);
  return { nsACall, enableMs, disableMs, dropped: drops / (hits + drops) };
}

/** The first functions, as many as a power of ten says: their numbers have six digits. */
function patternOf(probes: number): string {
  return `work_${"100000".slice(0, 7 - String(probes).length)}${"?".repeat(String(probes).length - 1)}`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

console.log("probes called threads processes | ns a call: untraced, counted, recorded (dropped) | ms: enable, disable");
for (const line of LINES) {
  const cells: string[] = [];
  const times: string[] = [];
  for (const way of ["untraced", "count", "record"] as const) {
    const figures: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) figures.push(await measure(line, way));
    const pick = (value: (each: Figures) => number) => median(figures.map(value));
    const dropped = way === "record" ? ` (${Math.round(100 * pick((each) => each.dropped))} %)` : "";
    cells.push(pick(({ nsACall }) => nsACall).toFixed(1) + dropped);
    if (way !== "untraced") {
      times.push(`${pick((each) => each.enableMs).toFixed(0)}, ${pick((each) => each.disableMs).toFixed(0)}`);
    }
  }
  const { probes, called, threads, processes } = line;
  console.log(`${probes} ${called} ${threads} ${processes} | ${cells.join(", ")} | ${times.join("; ")}`);
}
