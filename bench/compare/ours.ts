/**
 * The ways without a tracer, by hand, and of fasttrap: its command, and the library with a small consumer.
 *
 * @module
 */

import { type Bursts, COUNTING, type Loop, type LoopFunction, RECORDING, startLoop } from "./loop.ts";
import type { Counted, Traced, Way } from "./measure.ts";
import { isInstalled, Tool } from "./tool.ts";

/** The repository. */
export const ROOT = new URL("../../", import.meta.url).pathname;
/** The command. */
export const COMMAND: readonly string[] = [Deno.execPath(), "run", "--allow-ffi", `${ROOT}cli.ts`];
const CONSUMER = [Deno.execPath(), "run", "--allow-ffi", `${ROOT}bench/compare/consume.ts`];

/** Traps take so long that there is no time for more. */
const STOPPING: Bursts = { calls: 4096, bursts: 3, pauseUs: 0 };

/**
 * Starts the program, and then a tracer that attaches to it.
 *
 * @param name The function that is called.
 * @param command The tracer's command line.
 * @param ready What it says when it traces, or a function that waits for that.
 * @param read What its output at the end says.
 * @returns Both.
 */
export async function traceBy(
  name: LoopFunction,
  command: (loop: Loop) => readonly string[],
  ready: RegExp | ((tool: Tool, loop: Loop) => Promise<void>),
  read: (tool: Tool) => Counted,
): Promise<Traced> {
  const loop = await startLoop(name);
  let tool: Tool | undefined;
  const dispose = async () => {
    // The tracer first, so that it lets the program go.
    await tool?.[Symbol.asyncDispose]();
    await loop[Symbol.asyncDispose]();
  };
  try {
    const tracer = tool = new Tool(command(loop));
    await (ready instanceof RegExp ? tracer.said(ready) : ready(tracer, loop));
    return {
      loop,
      async end() {
        await loop.end();
        const { success, code } = await tracer.ended();
        if (!success) throw new TypeError(`The tracer has ended with ${code}: ${tracer.stderr.trim()}`);
        return read(tracer);
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Reads a number out of what a tracer has said. */
export function readNumber({ stdout, stderr }: Tool, pattern: RegExp): number | undefined {
  const text = (pattern.exec(stdout) ?? pattern.exec(stderr))?.[1];
  return text === undefined ? undefined : Number(text);
}

/** Calls that nobody traces, of a function that may do by hand what a probe does. */
export function untraced(name: LoopFunction, title?: string): Way {
  const isFloor = title !== undefined;
  return {
    name: title ?? `untraced, ${FIRST_INSTRUCTIONS[name] ?? name}`,
    by: isFloor ? "by hand" : "untraced",
    function: name,
    base: isFloor ? "pushed" : name,
    bursts: name === "recorded" || name === "copied" ? RECORDING : COUNTING,
    start: async () => {
      const loop = await startLoop(name);
      return {
        loop,
        end: async () => {
          await loop.end();
          return {};
        },
        [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
      };
    },
  };
}

/** How functions begin, for the table. */
export const FIRST_INSTRUCTIONS: Partial<Record<LoopFunction, string>> = {
  pushed: "push",
  marked: "endbr64",
  moved: "mov",
};

/** Counting by the command. */
export function countedByCommand(name: LoopFunction): Way {
  return command(`jump: --count, entry at ${FIRST_INSTRUCTIONS[name]}`, name, COUNTING, [
    ...["--count", "-n", `pid$target:a.out:${name}:entry`],
  ]);
}

/** Counting by the command, with traps. */
export function trappedByCommand(): Way {
  return command("trap: --count -x jumps=off", "pushed", STOPPING, [
    ...["--count", "-x", "jumps=off", "-n", "pid$target:a.out:pushed:entry"],
  ]);
}

function command(title: string, name: LoopFunction, bursts: Bursts, args: readonly string[]): Way {
  return {
    name: `fasttrap ${title}`,
    by: "fasttrap",
    function: name,
    bursts,
    start: () =>
      traceBy(name, ({ pid }) => [...COMMAND, ...args, "-p", String(pid)], /matched 1 probe/, (tool) => ({
        hits: readNumber(tool, /(\d+) hits/),
        drops: readNumber(tool, /(\d+) drop/) ?? 0,
      })),
  };
}

/** How the calls are made for a way of the library; a record with a string takes twice the space. */
const BURSTS = {
  record: RECORDING,
  calls: { ...RECORDING, calls: RECORDING.calls / 2 },
  string: { ...RECORDING, calls: RECORDING.calls / 2 },
  histogram: COUNTING,
  handler: STOPPING,
};

/** The library, with a consumer of each hit. */
export function consumedByLibrary(way: keyof typeof BURSTS): Way {
  const titles = {
    record: "jump: 64-byte record to a TypeScript function",
    calls: "jump: the same at entry and return, each",
    string: "jump: record with a string to a TypeScript function",
    histogram: "jump: tally by powers of two",
    handler: "trap: a TypeScript handler reads two arguments",
  };
  return {
    name: `fasttrap ${titles[way]}`,
    by: "fasttrap",
    function: "pushed",
    bursts: BURSTS[way],
    hitsPerCall: way === "calls" ? 2 : 1,
    start: () =>
      traceBy("pushed", ({ pid }) => [...CONSUMER, way, String(pid), "pushed"], /^ready$/m, (tool) => ({
        hits: readNumber(tool, /hits (\d+)/),
        drops: readNumber(tool, /drops (\d+)/),
      })),
  };
}

/**
 * The same ptrace requests as for a trap, in C.
 *
 * @param isBound Whether tracer and program run on one CPU, which saves waking another.
 * @returns The way.
 */
export function trapLoop(isBound: boolean): Way {
  return {
    name: `the same ptrace requests in C, around int3${isBound ? ", on one CPU" : ""}`,
    by: "by hand",
    function: "pushed",
    bursts: STOPPING,
    obstacle: isBound && !isInstalled("taskset") ? "taskset is not installed" : undefined,
    start: () => Promise.resolve(new TrapLoop(isBound)),
  };
}

/** `bench/trap_loop.c` is its own tracer: it makes so many stops when it is told to, once. */
class TrapLoop implements Traced {
  readonly #calls = 8192;
  readonly #tool: Tool;
  readonly loop: Traced["loop"] = {
    callsTotal: this.#calls,
    measure: async () => {
      const begin = performance.now();
      await this.#tool.write("x");
      await this.#tool.said(/x/);
      const ns = (performance.now() - begin) * 1e6 / this.#calls;
      return { ns, fastestNs: ns, calls: this.#calls };
    },
  };

  constructor(isBound: boolean) {
    const command = [`${ROOT}build/targets/trap_loop`, String(this.#calls), "same"];
    this.#tool = new Tool([...(isBound ? ["taskset", "-c", "0"] : []), ...command]);
  }

  async end(): Promise<Counted> {
    await this.#tool.ended();
    return {};
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#tool[Symbol.asyncDispose]();
  }
}
