/**
 * What becomes of the calls of several threads, and of several processes, when all are counted: calls a second in all.
 *
 * @module
 */

import { type Bursts, type Loop, PROGRAM, startLoop } from "./loop.ts";
import { reasonOf, type Spread, spreadOf } from "./measure.ts";
import { COMMAND } from "./ours.ts";
import { bpftrace, READY } from "./peers.ts";
import { Tool } from "./tool.ts";

const ENTRY = "a.out:pushed:entry";
/** How many threads of one process, and how many processes of one thread. */
const SIZES: readonly Size[] = [
  { processes: 1, threads: 1 },
  { processes: 1, threads: 2 },
  { processes: 1, threads: 8 },
  { processes: 4, threads: 1 },
];

/** The calls from which the length of the burst that counts is estimated. */
const ESTIMATE: Bursts = { calls: 4096, bursts: 5, pauseUs: 0 };
/** How long that burst is to take, in nanoseconds. */
const BURST_NS = 200e6;

/** How many make calls at once. */
interface Size {
  readonly processes: number;
  readonly threads: number;
}

/** What was found for one number of threads or processes. */
export interface GrowthRow extends Size {
  /** Untraced, counted by fasttrap, or counted by bpftrace. */
  readonly tracer: string;
  /** Millions of calls a second, of all together. */
  readonly millions?: Spread;
  /** In how many rounds every call was counted. */
  readonly exact?: string;
  /** Why there are no figures. */
  readonly reason?: string;
}

/** How a tracer is started for some processes, what it says then, and what it has counted at the end. */
interface Tracing {
  readonly tracer: string;
  readonly command?: (loops: readonly Loop[]) => readonly string[];
  readonly ready?: (processes: number) => RegExp;
  readonly hits?: (output: string) => number;
}

const UNTRACED: Tracing = { tracer: "untraced" };
const OURS: Tracing = {
  tracer: "fasttrap --count",
  command: (loops) => [
    ...[...COMMAND, "--count"],
    ...loops.flatMap(({ pid }) => ["-n", `pid${pid}:${ENTRY}`, "-p", String(pid)]),
  ],
  ready: (processes) => new RegExp(Array(processes).fill("matched 1 probe").join("[^]*")),
  hits: (output) => sum([...output.matchAll(/:entry +(\d+)$/gm)].map((match) => Number(match[1]))),
};
const THEIRS: Tracing = {
  tracer: "bpftrace count()",
  command: () => bpftrace(`uprobe:${PROGRAM}:pushed { @ = count(); }`),
  ready: () => READY,
  hits: (output) => Number(/^@: (\d+)$/m.exec(output)?.[1] ?? 0),
};

/**
 * Measures all numbers of threads and processes, several times.
 *
 * @param rounds How often.
 * @param obstacle Why bpftrace cannot be used, if it cannot.
 * @param tell Hears of what is being done.
 * @returns The rows.
 */
export async function compareGrowth(
  rounds: number,
  obstacle: string | undefined,
  tell: (message: string) => void,
): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const size of SIZES) {
    for (const tracing of [UNTRACED, OURS, THEIRS]) {
      const row = { ...size, tracer: tracing.tracer };
      if (tracing === THEIRS && obstacle !== undefined) {
        rows.push({ ...row, reason: obstacle });
        continue;
      }
      tell(`${size.processes} processes of ${size.threads} threads: ${tracing.tracer}`);
      try {
        rows.push({ ...row, ...await measureOften(size, tracing, rounds) });
      } catch (error) {
        rows.push({ ...row, reason: reasonOf(error) });
      }
    }
  }
  return rows;
}

async function measureOften(
  size: Size,
  tracing: Tracing,
  rounds: number,
): Promise<Pick<GrowthRow, "millions" | "exact">> {
  const samples = [];
  for (let round = 0; round < rounds; round++) samples.push(await measureOnce(size, tracing));
  const exact = `${samples.filter(({ isExact }) => isExact).length} of ${samples.length}`;
  return {
    millions: spreadOf(samples.map(({ millions }) => millions)),
    ...(tracing.hits === undefined ? {} : { exact }),
  };
}

async function measureOnce(
  { processes, threads }: Size,
  { command, ready, hits }: Tracing,
): Promise<{ millions: number; isExact: boolean }> {
  await using stack = new AsyncDisposableStack();
  const loops = [];
  for (let i = 0; i < processes; i++) loops.push(stack.use(await startLoop("pushed", { threads })));
  const tool = command === undefined ? undefined : stack.use(new Tool(command(loops)));
  await tool?.said(ready!(processes));
  const timings = await Promise.all(loops.map((loop) => loop.make(ESTIMATE)));
  const each = Math.max(1, Math.floor(BURST_NS / sum(timings.map(({ ns }) => ns * threads))));
  const begin = performance.now();
  const made = await Promise.all(loops.map((loop) => loop.make({ calls: each, bursts: 1, pauseUs: 0 })));
  const elapsedMs = performance.now() - begin;
  const calls = sum(loops.map(({ callsTotal }) => callsTotal));
  for (const loop of loops) await loop.end();
  // Nothing tells bpftrace that the processes are gone.
  if (hits === THEIRS.hits) tool?.kill("SIGINT");
  await tool?.ended();
  return {
    millions: sum(made.map(({ calls }) => calls)) / elapsedMs / 1e3,
    isExact: tool === undefined || hits!(tool.stdout) === calls,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
