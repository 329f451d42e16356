/**
 * How long it takes from the start of a command to its first event, for a process that makes a call each millisecond.
 *
 * @module
 */

import { PROGRAM, startLoop } from "./loop.ts";
import { reasonOf, type Spread, spreadOf } from "./measure.ts";
import { COMMAND, ROOT } from "./ours.ts";
import { isFile, isInstalled, runTool, Tool } from "./tool.ts";

const BUNDLE = `${ROOT}dist/fasttrap.js`;
const ENTRY = ["-n", "pid$target:a.out:pushed:entry"];
const CLAUSE = ["-qn", 'pid$target:a.out:pushed:entry { printf("hit\\n"); }', "-x", "switchrate=10ms"];

/** What was found of a command. */
export interface StartRow {
  /** The command. */
  readonly name: string;
  /** From its start to its first event, in milliseconds. */
  readonly ms?: Spread;
  /** Why there are no figures. */
  readonly reason?: string;
}

/** A command, and what its first event looks like. */
interface Starter {
  readonly name: string;
  readonly obstacle?: string | undefined;
  readonly command: (pid: string) => readonly string[];
  readonly event: RegExp;
}

/**
 * Measures all commands, one after the other, several times.
 *
 * @param rounds How often.
 * @param obstacle Why bpftrace cannot be used, if it cannot.
 * @param tell Hears of what is being done.
 * @returns The rows.
 */
export async function compareStarts(
  rounds: number,
  obstacle: string | undefined,
  tell: (message: string) => void,
): Promise<StartRow[]> {
  const starters = startersWith(obstacle);
  const reasons = new Map(starters.map((starter) => [starter, starter.obstacle]));
  const found = new Map<Starter, number[]>(starters.map((starter) => [starter, []]));
  const denoMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1} of ${rounds}: from the start to the first event`);
    denoMs.push(await timeDeno());
    for (const starter of starters) {
      if (reasons.get(starter) !== undefined) continue;
      try {
        found.get(starter)!.push(await timeFirstEvent(starter));
      } catch (error) {
        reasons.set(starter, reasonOf(error));
      }
    }
  }
  return [
    { name: "deno itself, an empty script from start to end", ms: spreadOf(denoMs) },
    ...starters.map((starter) => {
      const reason = reasons.get(starter);
      const { name } = starter;
      return reason === undefined ? { name, ms: spreadOf(found.get(starter)!) } : { name, reason };
    }),
  ];
}

function startersWith(obstacle: string | undefined): Starter[] {
  const fasttrap = (name: string, command: readonly string[], args: readonly string[], event: RegExp) => ({
    name: `fasttrap ${name}`,
    command: (pid: string) => [...command, ...args, "-p", pid],
    event,
    obstacle: command.includes(BUNDLE) && !isFile(BUNDLE) ? "not there: deno task bundle makes it" : undefined,
  });
  const bundle = [Deno.execPath(), "run", "--allow-ffi", BUNDLE];
  return [
    fasttrap("cli.ts", COMMAND, ENTRY, /pushed:entry *$/m),
    fasttrap("dist/fasttrap.js", bundle, ENTRY, /pushed:entry *$/m),
    fasttrap("cli.ts, a D program", COMMAND, CLAUSE, /^hit$/m),
    fasttrap("dist/fasttrap.js, a D program", bundle, CLAUSE, /^hit$/m),
    {
      name: "bpftrace",
      obstacle,
      command: (pid) => ["bpftrace", "-p", pid, "-e", `uprobe:${PROGRAM}:pushed { printf("hit\\n"); }`],
      event: /^hit$/m,
    },
    {
      name: "gdb",
      obstacle: isInstalled("gdb") ? undefined : "gdb is not installed",
      command: (pid) => ["gdb", "-nx", "-batch", "-p", pid, "-ex", 'dprintf *pushed,"hit\\n"', "-ex", "continue"],
      event: /^hit$/m,
    },
  ];
}

async function timeFirstEvent({ command, event }: Starter): Promise<number> {
  await using loop = await startLoop("pushed");
  await loop.tool.write("1 1000 1000\n".repeat(10));
  await using tool = new Tool(command(String(loop.pid)));
  await tool.said(event);
  const ms = performance.now() - tool.startedMs;
  // The program first, or it would run into what is left in its text; and gdb takes a gentler end badly.
  loop.tool.kill("SIGKILL");
  tool.kill("SIGKILL");
  return ms;
}

async function timeDeno(): Promise<number> {
  const script = await Deno.makeTempFile({ suffix: ".js" });
  try {
    const begin = performance.now();
    await runTool([Deno.execPath(), "run", script]);
    return performance.now() - begin;
  } finally {
    await Deno.remove(script);
  }
}
