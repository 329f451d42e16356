/**
 * The same questions to our D programs and to bpftrace: what they cost the program and the tracer, and whether the answers
 * agree with the calls that were made.
 *
 * @module
 */

import { type Bursts, type Loop, PROGRAM, startLoop } from "./loop.ts";
import { reasonOf, type Spread, spreadOf } from "./measure.ts";
import { COMMAND } from "./ours.ts";
import { bpftrace, READY, sumOfHistogram } from "./peers.ts";
import { Tool } from "./tool.ts";

/** Bursts that leave a tracer time, if it does not stop the program, and so many that its start does not count for much. */
const BURSTS: Bursts = { calls: 10_240, bursts: 200, pauseUs: 15_000 };
/** Says that the probes are there. That the descriptions match is said before that. */
const BEGIN = 'BEGIN { printf("ready\\n"); }';
/** How long a tracer has for what is still on its way, in ms. */
const SETTLE_MS = 150;

/** The length of the string that the program passes. */
const STRING_BYTES = 31;

/** A question. */
interface Program {
  /** What is asked. */
  readonly title: string;
  /** How in D. */
  readonly d: string;
  /** How in bpftrace's language. */
  readonly bpftrace: string;
  /** Hits of one call. */
  readonly hitsPerCall: number;
  /** Whether an output answers it. */
  readonly isAnswer: (output: string, rounds: readonly number[]) => boolean;
}

const PROGRAMS: readonly Program[] = [
  {
    title: "/arg0 > 100/ { @[arg1] = count(); }",
    d: "pid$target:a.out:pushed:entry /arg0 > 100/ { @[arg1] = count(); }",
    bpftrace: `uprobe:${PROGRAM}:pushed /arg0 > 100/ { @[arg1] = count(); }`,
    hitsPerCall: 1,
    isAnswer: (output, rounds) => {
      const found = new Map(
        [...output.matchAll(/^(?:@\[(\d+)\]:| +(\d+)) +(\d+)$/gm)].map(([, ours, theirs, count]) => [
          Number(ours ?? theirs),
          Number(count),
        ]),
      );
      const expected = countKeys(rounds);
      return found.size === expected.size && [...expected].every(([key, count]) => found.get(key) === count);
    },
  },
  {
    title: "sum, min, max and quantize of arg0",
    d: "pid$target:a.out:pushed:entry { @a = sum(arg0); @b = min(arg0); @c = max(arg0); @d = quantize(arg0); }",
    bpftrace: `uprobe:${PROGRAM}:pushed { @a = sum(arg0); @b = min(arg0); @c = max(arg0); @d = hist(arg0); }`,
    hitsPerCall: 1,
    isAnswer: (output, rounds) => {
      const found = [...output.matchAll(/^(?:@[abc]: | +)(\d+)$/gm)].map(([, value]) => Number(value));
      const isSorted = sumOfQuantize(output) + sumOfHistogram(output) === rounds.reduce((sum, calls) => sum + calls, 0);
      return isSorted && found.join() === [sumOfArguments(rounds), 0, 255].join();
    },
  },
  {
    title: "self->ts at entry, quantize(timestamp - self->ts) at return",
    d: `pid$target:a.out:pushed:entry { self->ts = timestamp; }
      pid$target:a.out:pushed:return /self->ts/ { @ = quantize(timestamp - self->ts); self->ts = 0; }`,
    bpftrace: `uprobe:${PROGRAM}:pushed { @ts[tid] = nsecs; }
      uretprobe:${PROGRAM}:pushed /@ts[tid]/ { @ = hist(nsecs - @ts[tid]); delete(@ts[tid]); }`,
    hitsPerCall: 2,
    isAnswer: (output, rounds) => sumOfQuantize(output) + sumOfHistogram(output) === sumOf(rounds),
  },
  {
    // So much bpftrace copies at most.
    title: "@[copyinstr(arg2, 64)] = count(), @[str(arg2)] = count(): 32 bytes",
    d: "pid$target:a.out:pushed:entry { @[copyinstr(arg2, 64)] = count(); }",
    bpftrace: `uprobe:${PROGRAM}:pushed { @[str(arg2)] = count(); }`,
    hitsPerCall: 1,
    isAnswer: (output, rounds) => {
      const counts = [...output.matchAll(/^(?:@\[(.*)\]:| +(\S.*?)) +(\d+)$/gm)];
      return counts.length === 1 && Number(counts[0]![3]) === sumOf(rounds) &&
        (counts[0]![1] ?? counts[0]![2])!.length === STRING_BYTES;
    },
  },
];

function sumOf(rounds: readonly number[]): number {
  return rounds.reduce((sum, calls) => sum + calls, 0);
}

/** What the calls of the program make of the first question. */
function countKeys(rounds: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const calls of rounds) {
    for (let i = 0; i < calls; i++) if ((i & 255) > 100) counts.set(i & 63, (counts.get(i & 63) ?? 0) + 1);
  }
  return counts;
}

function sumOfArguments(rounds: readonly number[]): number {
  return rounds.reduce((sum, calls) => {
    for (let i = 0; i < calls; i++) sum += i & 255;
    return sum;
  }, 0);
}

function sumOfQuantize(text: string): number {
  return [...text.matchAll(/^ +-?\d+ \|[@ ]*(\d+) *$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
}

/** What one tracer made of one question. */
export interface ProgramRow {
  /** The question. */
  readonly title: string;
  /** The tracer. */
  readonly tracer: string;
  /** What a hit costs the program: a call less an untraced one, by the hits of a call, in nanoseconds. */
  readonly hit?: Spread;
  /** What a hit costs the tracer in its own process, in nanoseconds of a CPU. */
  readonly tracerCpu?: Spread;
  /** How many times as much a hit costs the program as with fasttrap. */
  readonly ratio?: Spread;
  /** In how many rounds the answer was exact, and in how many others the tracer has said that it has dropped hits. */
  readonly exact?: string;
  /** Why there are no figures. */
  readonly reason?: string;
}

/** How a tracer is asked, and what came of it. */
interface Asking {
  readonly tracer: string;
  readonly command: (loop: Loop) => readonly string[];
  readonly ready: RegExp;
  readonly samples: Sample[];
  reason?: string | undefined;
}

/** One round of one tracer. */
interface Sample {
  readonly hitNs: number;
  readonly cpuNs: number;
  readonly isExact: boolean;
  readonly saysDrops: boolean;
}

/**
 * Asks all questions by both.
 *
 * @param rounds How often.
 * @param obstacle Why bpftrace cannot be used, if it cannot.
 * @param tell Hears of what is being done.
 * @returns The rows: ours, then bpftrace's, for each question.
 */
export async function comparePrograms(
  rounds: number,
  obstacle: string | undefined,
  tell: (message: string) => void,
): Promise<ProgramRow[]> {
  const rows: ProgramRow[] = [];
  for (const program of PROGRAMS) {
    const ours: Asking = {
      tracer: "fasttrap",
      command: ({ pid }) => [...COMMAND, "-qn", `${BEGIN} ${program.d}`, "-p", String(pid)],
      ready: READY,
      samples: [],
    };
    const theirs: Asking = {
      tracer: "bpftrace",
      command: ({ pid }) => bpftrace(program.bpftrace, pid),
      ready: READY,
      samples: [],
      reason: obstacle,
    };
    for (let round = 0; round < rounds; round++) {
      tell(`round ${round + 1} of ${rounds}: ${program.title}`);
      for (const asking of [ours, theirs]) {
        if (asking.reason !== undefined) continue;
        await ask(program, asking).then(
          (sample) => asking.samples.push(sample),
          (error) => asking.reason = reasonOf(error),
        );
      }
    }
    rows.push(rowOf(program, ours, ours), rowOf(program, theirs, ours));
  }
  return rows;
}

async function ask(program: Program, { command, ready }: Asking): Promise<Sample> {
  const untraced = await untracedNs();
  await using loop = await startLoop("pushed");
  await using tool = new Tool(command(loop));
  await tool.said(ready);
  const before = cpuNsOf(tool.pid);
  const { ns } = await loop.measure(BURSTS);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const hits = loop.callsTotal * program.hitsPerCall;
  const cpuNs = (cpuNsOf(tool.pid) - before) / hits;
  await loop.end();
  await tool.ended();
  return {
    hitNs: (ns - untraced) / program.hitsPerCall,
    cpuNs,
    isExact: program.isAnswer(tool.stdout, loop.rounds),
    saysDrops: /[1-9]\d* \S*drops|Lost \d/.test(tool.stderr),
  };
}

async function untracedNs(): Promise<number> {
  await using loop = await startLoop("pushed");
  const { ns } = await loop.measure(BURSTS);
  await loop.end();
  return ns;
}

/** The time that all threads of a process have had on a CPU (Documentation/scheduler/sched-stats.rst), in nanoseconds. */
function cpuNsOf(pid: number): number {
  let total = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    total += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
  }
  return total;
}

function rowOf({ title }: Program, { tracer, samples, reason }: Asking, ours: Asking): ProgramRow {
  if (reason !== undefined) return { title, tracer, reason };
  const ratios = ours.reason === undefined ? samples.map(({ hitNs }, round) => hitNs / ours.samples[round]!.hitNs) : [];
  return {
    title,
    tracer,
    hit: spreadOf(samples.map(({ hitNs }) => hitNs)),
    tracerCpu: spreadOf(samples.map(({ cpuNs }) => cpuNs)),
    ...(ratios.length === 0 ? {} : { ratio: spreadOf(ratios) }),
    exact: exactnessOf(samples),
  };
}

function exactnessOf(samples: readonly Sample[]): string {
  const wrong = samples.filter(({ isExact }) => !isExact);
  const dropping = wrong.filter(({ saysDrops }) => saysDrops);
  const said = dropping.length === 0 ? "" : `, ${dropping.length} with drops that it told of`;
  return `${samples.length - wrong.length} of ${samples.length}${said}`;
}
