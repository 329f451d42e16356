/**
 * The ways of peers that trace the program as it is: bpftrace, gdb and ltrace.
 *
 * A peer that is not installed, or that the machine does not allow, is an obstacle with its reason.
 *
 * @module
 */

import { type Bursts, COUNTING, type Loop, type LoopFunction, PROGRAM, RECORDING } from "./loop.ts";
import type { Way } from "./measure.ts";
import { FIRST_INSTRUCTIONS, readNumber, traceBy } from "./ours.ts";
import { isInstalled, runTool, type Tool } from "./tool.ts";

/** Hundreds of microseconds to milliseconds a hit. */
const CRAWLING: Bursts = { calls: 256, bursts: 3, pauseUs: 0 };
const GDB = ["gdb", "-nx", "-batch", "-ex", "set pagination off", "-ex", "set confirm off"];
/** How long a tracer may take that does not say when it is there, in ms. */
const ATTACH_LIMIT_MS = 10_000;

/** Says why bpftrace cannot be used here, if it cannot. */
export async function bpftraceObstacle(): Promise<string | undefined> {
  if (!isInstalled("bpftrace")) return "bpftrace is not installed";
  return await runTool(["bpftrace", "-e", "BEGIN { exit(); }"]).then(() => undefined, (error) => {
    const [line] = (error as Error).message.split("\n");
    return `bpftrace cannot run here: ${line}`;
  });
}

/**
 * A command line of bpftrace, which says `ready` when its probes are there.
 *
 * @param program Its probes and their actions.
 * @param pid The process, or none for all.
 * @returns The command line.
 */
export function bpftrace(program: string, pid?: number): string[] {
  const which = pid === undefined ? [] : ["-p", String(pid)];
  return ["bpftrace", ...which, "-e", `BEGIN { printf("ready\\n"); } ${program}`];
}

/** What bpftrace, and a program in D with such a clause, says when it traces. */
export const READY = /^ready$/m;

/** Counting in the kernel, at a uprobe. */
export function bpftraceCount(name: LoopFunction, obstacle: string | undefined): Way {
  return kernel(`bpftrace count(), entry at ${FIRST_INSTRUCTIONS[name]}`, name, "@ = count();", COUNTING, obstacle, {
    hits: (tool) => readNumber(tool, /^@: (\d+)$/m),
  });
}

/** A histogram in the kernel, at a uprobe. */
export function bpftraceHistogram(obstacle: string | undefined): Way {
  return kernel("bpftrace hist(arg0)", "pushed", "@ = hist(arg0);", COUNTING, obstacle, {
    hits: ({ stdout }) => sumOfHistogram(stdout),
  });
}

/** A line for each hit, by way of the kernel's ring. */
export function bpftracePrint(what: "arguments" | "string", obstacle: string | undefined): Way {
  const isString = what === "string";
  const action = isString ? 'printf(":%s\\n", str(arg2));' : 'printf(":%d %d\\n", arg0, arg1);';
  const title = `bpftrace printf of ${isString ? "str(arg2)" : "two arguments"}`;
  return kernel(title, "pushed", action, RECORDING, obstacle, {
    hits: ({ stdout }) => stdout.split("\n:").length - 1,
    drops: ({ stdout, stderr }) =>
      [...(stdout + stderr).matchAll(/Lost (\d+) events/g)].reduce((sum, match) => sum + Number(match[1]), 0),
  });
}

/** Adds up the counts of a histogram of bpftrace. */
export function sumOfHistogram(text: string): number {
  return [...text.matchAll(/^[[(].*[\])] +(\d+) \|/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
}

/** How the answers of bpftrace are read. */
interface Reading {
  readonly hits: (tool: Tool) => number | undefined;
  readonly drops?: (tool: Tool) => number;
}

function kernel(
  title: string,
  name: LoopFunction,
  action: string,
  bursts: Bursts,
  obstacle: string | undefined,
  { hits, drops }: Reading,
): Way {
  return {
    name: title,
    by: "peer",
    function: name,
    bursts,
    obstacle,
    start: () =>
      traceBy(
        name,
        ({ pid }) => bpftrace(`uprobe:${PROGRAM}:${name} { ${action} }`, pid),
        READY,
        (tool) => ({ hits: hits(tool), drops: drops?.(tool) }),
      ),
  };
}

/** gdb prints a line for each hit, or counts hits by commands. */
export function gdbStops(how: "dprintf" | "commands"): Way {
  const script = how === "dprintf"
    ? ["-ex", 'dprintf *pushed,"hit\\n"', "-ex", "set $n = 0"]
    : ["-ex", "set $n = 0", "-ex", "break *pushed if $n++ < 0"];
  return {
    name: how === "dprintf" ? "gdb dprintf" : "gdb, a condition that counts",
    by: "peer",
    function: "pushed",
    bursts: CRAWLING,
    obstacle: isInstalled("gdb") ? undefined : "gdb is not installed",
    start: () =>
      traceBy(
        "pushed",
        ({ pid }) => [
          ...[...GDB, "-p", String(pid), ...script],
          ...["-ex", "echo ready\\n", "-ex", "continue", "-ex", 'printf "total %d\\n", $n'],
        ],
        /^ready$/m,
        (tool) => ({
          hits: how === "dprintf" ? tool.stdout.split("\nhit").length - 1 : readNumber(tool, /^total (\d+)/m),
        }),
      ),
  };
}

/** ltrace stops at the call of a library function. */
export function ltraceCount(): Way {
  return {
    name: "ltrace -c, a library call",
    by: "peer",
    function: "library",
    bursts: CRAWLING,
    obstacle: isInstalled("ltrace") ? undefined : "ltrace is not installed",
    start: () =>
      traceBy(
        "library",
        ({ pid }) => ["ltrace", "-c", "-e", "labs", "-p", String(pid)],
        isTraced,
        (tool) => ({ hits: readNumber(tool, /(\d+) labs$/m) }),
      ),
  };
}

/** Waits until a process has a tracer: ltrace does not say when it has attached. */
async function isTraced(_: Tool, { pid }: Loop): Promise<void> {
  const limit = Date.now() + ATTACH_LIMIT_MS;
  while (/^TracerPid:\t0$/m.test(Deno.readTextFileSync(`/proc/${pid}/status`))) {
    if (Date.now() > limit) throw new TypeError("The tracer does not attach");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
