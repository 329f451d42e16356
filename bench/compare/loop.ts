/**
 * The program that is traced, `bench/compare_loop.c`: it makes calls when it is told to, and says what one has taken.
 *
 * @module
 */

import { Tool, type ToolOptions } from "./tool.ts";

/** The program as the build makes it. */
export const PROGRAM = new URL("../../build/targets/compare_loop", import.meta.url).pathname;

/** The functions that it can call. */
export type LoopFunction =
  | ("pushed" | "marked" | "moved" | "compiled" | "library")
  | ("counted" | "recorded" | "copied" | "filled");

/** What the program is told to do in one go. */
export interface Bursts {
  /** The calls of one burst in each thread at most; fewer, if they would take too long. */
  readonly calls: number;
  /** How many bursts. */
  readonly bursts: number;
  /** The pause before each, in which a tracer can read what it has recorded, in microseconds. */
  readonly pauseUs: number;
}

/** What the calls have taken. */
export interface Timing {
  /** Elapsed time by calls of all threads in the median burst, in nanoseconds. */
  readonly ns: number;
  /** The same in the fastest burst. */
  readonly fastestNs: number;
  /** How many calls were made, those that come first apart. */
  readonly calls: number;
}

/** Bursts of calls whose hits leave nothing to be read. */
export const COUNTING: Bursts = { calls: 1 << 20, bursts: 7, pauseUs: 0 };
/**
 * Bursts that fit into a ring of records, with pauses in which it is emptied. They fill rings of two CPUs more than once before
 * the median, because the first record in a page is as slow as the fault that it causes.
 */
export const RECORDING: Bursts = { calls: 20_480, bursts: 21, pauseUs: 25_000 };

/** The fewest calls of a burst. */
const CALLS_MIN = 64;
/** How long the bursts of one go may take in all, in nanoseconds. */
const BUDGET_NS = 250e6;
/** The calls before the first burst, from which its length is estimated. */
const FIRST: Bursts = { calls: CALLS_MIN, bursts: 3, pauseUs: 0 };

/** Options of {@linkcode startLoop}. */
export interface LoopOptions extends ToolOptions {
  /** How many threads make the calls at once; 1 by default. */
  readonly threads?: number;
  /** The program, if it is not the one that the build has made. */
  readonly program?: string;
  /** What stands before the program on the command line, such as a tracer. */
  readonly prefix?: readonly string[];
}

/** See the module's comment. */
export class Loop implements AsyncDisposable {
  /** The program, or the tracer that has started it. */
  readonly tool: Tool;
  /** The process that makes the calls. */
  readonly pid: number;
  /** How many calls were made so far. */
  callsTotal = 0;
  /** How many calls each go has had, in each thread, for an answer that depends on the arguments. */
  readonly #rounds: number[] = [];

  /**
   * Wraps a program that runs.
   *
   * @param tool The program.
   * @param pid The process that makes the calls.
   */
  constructor(tool: Tool, pid: number) {
    this.tool = tool;
    this.pid = pid;
  }

  /** The calls of each burst so far, in each thread. */
  get rounds(): readonly number[] {
    return this.#rounds;
  }

  /** Makes as many calls as there is time for: first a few, then bursts of a length that they suggest. */
  async measure({ calls, bursts, pauseUs }: Bursts): Promise<Timing> {
    const first = await this.make(FIRST);
    const affordable = Math.floor(BUDGET_NS / bursts / first.ns / CALLS_MIN) * CALLS_MIN;
    return await this.make({ calls: Math.max(CALLS_MIN, Math.min(calls, affordable)), bursts, pauseUs });
  }

  /** Makes calls. */
  async make({ calls, bursts, pauseUs }: Bursts): Promise<Timing> {
    const from = this.tool.stdout.length;
    await this.tool.write(`${calls} ${bursts} ${pauseUs}\n`);
    const [, fastest, median, , total] = await this.tool.said(/^([\d.]+) ([\d.]+) ([\d.]+) (\d+)$/m, from);
    this.callsTotal += Number(total);
    for (let i = 0; i < bursts; i++) this.#rounds.push(calls);
    return { ns: Number(median), fastestNs: Number(fastest), calls: Number(total) };
  }

  /**
   * Lets it end.
   *
   * @throws {TypeError} If it does not end as it does without a tracer.
   */
  async end(): Promise<void> {
    await this.tool.closeInput();
    const { code } = await this.tool.ended();
    if (code !== 0) throw new TypeError(`The traced program has ended with ${code}`);
  }

  /** Ends it if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.tool[Symbol.asyncDispose]();
  }
}

/**
 * Starts the program.
 *
 * @param name The function that it is to call.
 * @param options How.
 * @returns The program, waiting.
 */
export async function startLoop(name: LoopFunction, options: LoopOptions = {}): Promise<Loop> {
  const { threads = 1, program = PROGRAM, prefix = [], ...rest } = options;
  const tool = new Tool([...prefix, program, name, String(threads)], rest);
  try {
    const [, pid] = await tool.said(/^(\d+)$/m);
    return new Loop(tool, Number(pid));
  } catch (error) {
    await tool[Symbol.asyncDispose]();
    throw error;
  }
}
