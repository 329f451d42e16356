/**
 * The ways of peers that want the program compiled or started for them: uftrace, LTTng-UST, gdbserver with its agent in the
 * process, and perf, which cannot read the program's debugging information.
 *
 * Their programs are made of `bench/compare_loop.c` in a folder that is removed at the end.
 *
 * @module
 */

import { COUNTING, Loop, type LoopFunction, RECORDING, startLoop } from "./loop.ts";
import type { Counted, Traced, Way } from "./measure.ts";
import { readNumber, ROOT } from "./ours.ts";
import { isFile, isInstalled, runTool, Tool } from "./tool.ts";

const SOURCE = `${ROOT}bench/compare_loop.c`;
const FLAGS = ["-std=gnu11", "-O1", "-fno-builtin", "-pthread"];

/** The agent of gdbserver, where packages put it. */
const AGENTS = [
  "/usr/lib/libinproctrace.so",
  "/usr/lib64/libinproctrace.so",
  "/usr/lib/x86_64-linux-gnu/libinproctrace.so",
];
const GDBSERVER_PORT = 20_000 + Deno.pid % 10_000;

const UPROBE_EVENTS = "/sys/kernel/tracing/uprobe_events";

/** The definition of a tracepoint of LTTng, which is included more than once. */
const PROVIDER_HEADER = `
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER compare
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./compare_provider.h"
#if !defined(COMPARE_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define COMPARE_PROVIDER_H
#include <stdint.h>
#include <lttng/tracepoint.h>
LTTNG_UST_TRACEPOINT_EVENT(compare, work,
  LTTNG_UST_TP_ARGS(uint64_t, value, uint64_t, key),
  LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, value, value) lttng_ust_field_integer(uint64_t, key, key)))
#endif
#include <lttng/tracepoint-event.h>
`;
const PROVIDER_SOURCE = `
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "compare_provider.h"
`;

/** Compiles the program with other flags. */
async function compileLoop(folder: string, name: string, flags: readonly string[]): Promise<string> {
  const program = `${folder}/${name}`;
  if (!isFile(program)) await runTool(["cc", ...FLAGS, SOURCE, ...flags, "-o", program]);
  return program;
}

/**
 * uftrace, which always records entry and return of a call.
 *
 * @param how Compiled with calls of `mcount`, with room for a patch, or as it is.
 * @param folder A folder for programs and traces.
 * @returns The way.
 */
export function uftrace(how: "-pg" | "-fpatchable-function-entry" | "as it is", folder: string): Way {
  const name: LoopFunction = how === "as it is" ? "pushed" : "compiled";
  const flags = { "-pg": ["-pg"], "-fpatchable-function-entry": ["-fpatchable-function-entry=5"], "as it is": [] }[how];
  const patch = how === "-pg" ? [] : ["-P", `^${name}$`];
  return {
    name: `uftrace record, ${how === "-pg" ? how : `-P, ${how}`}, entry and return, each`,
    by: "peer",
    function: name,
    bursts: RECORDING,
    hitsPerCall: 2,
    obstacle: isInstalled("uftrace") ? undefined : "uftrace is not installed",
    async start() {
      const program = await compileLoop(folder, `uftrace${how.replace(/\W/g, "_")}`, flags);
      const data = await Deno.makeTempDir({ dir: folder });
      const loop = await startLoop(name, {
        program,
        prefix: ["uftrace", "record", "--no-pager", "--no-event", "-d", data, ...patch],
      });
      return {
        loop,
        async end() {
          await loop.end();
          const report = await runTool(["uftrace", "report", "--no-pager", "-d", data, "-F", name]);
          return { hits: 2 * Number(new RegExp(`(\\d+)  ${name}$`, "m").exec(report)?.[1] ?? 0) };
        },
        async [Symbol.asyncDispose]() {
          await loop[Symbol.asyncDispose]();
          await Deno.remove(data, { recursive: true });
        },
      };
    },
  };
}

/** LTTng-UST: a tracepoint of two fields that is compiled into the program. */
export function lttng(folder: string): Way {
  return {
    name: "LTTng-UST tracepoint of two fields, compiled in",
    by: "peer",
    function: "compiled",
    bursts: RECORDING,
    obstacle: lttngObstacle(),
    async start() {
      await Deno.writeTextFile(`${folder}/compare_provider.h`, PROVIDER_HEADER);
      await Deno.writeTextFile(`${folder}/compare_provider.c`, PROVIDER_SOURCE);
      const flags = ["-DCOMPARE_LTTNG", `-I${folder}`, `${folder}/compare_provider.c`, "-llttng-ust", "-ldl"];
      const program = await compileLoop(folder, "lttng", flags);
      const daemon = await startDaemon();
      try {
        return await LttngSession.start(folder, program, daemon);
      } catch (error) {
        await daemon?.[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

function lttngObstacle(): string | undefined {
  if (!isInstalled("lttng") || !isInstalled("lttng-sessiond")) return "lttng-tools is not installed";
  const headers = ["/usr/include", "/usr/include/x86_64-linux-gnu"].map((folder) => `${folder}/lttng/tracepoint.h`);
  return headers.some(isFile) ? undefined : "liblttng-ust-dev is not installed";
}

/** Starts a session daemon, if there is none. */
async function startDaemon(): Promise<Tool | undefined> {
  const isThere = () => runTool(["lttng", "--no-sessiond", "list"]).then(() => true, () => false);
  if (await isThere()) return undefined;
  const daemon = new Tool(["lttng-sessiond", "--no-kernel"]);
  for (let tries = 0; tries < 50 && !await isThere(); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
  return daemon;
}

/** A recording session of LTTng, and the program in it. */
class LttngSession implements Traced {
  readonly #name: string;
  readonly #daemon: Tool | undefined;
  readonly #output: string;
  readonly loop: Loop;

  private constructor(name: string, daemon: Tool | undefined, output: string, loop: Loop) {
    this.#name = name;
    this.#daemon = daemon;
    this.#output = output;
    this.loop = loop;
  }

  static async start(folder: string, program: string, daemon: Tool | undefined): Promise<LttngSession> {
    const output = await Deno.makeTempDir({ dir: folder });
    const name = `compare${Deno.pid}`;
    await lttngDo("create", name, "-o", output);
    await lttngDo("enable-channel", "-s", name, "-u", "--subbuf-size=4M", "--num-subbuf=8", "all");
    await lttngDo("enable-event", "-s", name, "-u", "-c", "all", "compare:work");
    await lttngDo("start", name);
    return new LttngSession(name, daemon, output, await startLoop("compiled", { program }));
  }

  async end(): Promise<Counted> {
    await this.loop.end();
    await lttngDo("stop", this.#name);
    const [, drops] = /Discarded events: (\d+)/.exec(await lttngDo("list", this.#name)) ?? [];
    return { drops: drops === undefined ? undefined : Number(drops) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loop[Symbol.asyncDispose]();
    await lttngDo("destroy", this.#name).catch(() => {});
    await this.#daemon?.[Symbol.asyncDispose]();
    await Deno.remove(this.#output, { recursive: true });
  }
}

function lttngDo(...args: string[]): Promise<string> {
  return runTool(["lttng", "--no-sessiond", ...args]);
}

/**
 * gdbserver's fast tracepoints, which are jumps to code that its agent in the process has made.
 *
 * @param what A condition that is false, an expression that counts, or a register that is collected.
 * @param folder A folder for programs.
 * @returns The way.
 */
export function fastTracepoint(what: "condition" | "count" | "collect", folder: string): Way {
  const titles = { condition: "its condition false", count: "teval $n = $n + 1", collect: "collect $rdi" };
  const agent = AGENTS.find(isFile);
  return {
    name: `gdbserver fast tracepoint, ${titles[what]}`,
    by: "peer",
    function: "moved",
    // It keeps a frame of each hit, whatever is asked, and takes long to sum them up.
    bursts: what === "condition" ? COUNTING : RECORDING,
    obstacle: !isInstalled("gdbserver") || !isInstalled("gdb")
      ? "gdb and gdbserver are not installed"
      : agent === undefined
      ? "gdbserver's agent in the process (libinproctrace.so) is not installed"
      : undefined,
    async start() {
      // Its pads are where a jump reaches them only from programs with fixed addresses.
      const program = await compileLoop(folder, "gdbserver", ["-no-pie"]);
      await Deno.writeTextFile(`${folder}/gdb-${what}`, gdbScript(what));
      return await FastTracepoint.start(program, agent!, `${folder}/gdb-${what}`, what !== "condition");
    },
  };
}

function gdbScript(what: "condition" | "count" | "collect"): string {
  const condition = what === "condition" ? " if $rdi == 7777" : "";
  const action = what === "collect" ? "collect $rdi" : "teval $n = $n + 1";
  return `set pagination off
set confirm off
target remote localhost:${GDBSERVER_PORT}
break main
continue
break finished
tvariable $n = 0
set circular-trace-buffer on
ftrace *moved${condition}
actions
${action}
end
tstart
continue
tstop
tstatus
delete
continue
`;
}

/** A program under gdbserver, and the gdb that tells it what to do. */
class FastTracepoint implements Traced {
  readonly #gdb: Tool;
  readonly #counts: boolean;
  readonly loop: Loop;

  private constructor(gdb: Tool, loop: Loop, counts: boolean) {
    this.#gdb = gdb;
    this.#counts = counts;
    this.loop = loop;
  }

  static async start(program: string, agent: string, script: string, counts: boolean): Promise<FastTracepoint> {
    const wrapper = ["--wrapper", "env", `LD_PRELOAD=${agent}`, "--"];
    const server = new Tool(["gdbserver", ...wrapper, `localhost:${GDBSERVER_PORT}`, program, "moved"]);
    let gdb: Tool | undefined;
    try {
      await server.said(/Listening/);
      gdb = new Tool(["gdb", "-nx", "-batch", program, "-x", script]);
      const [, pid] = await server.said(/^(\d+)$/m);
      return new FastTracepoint(gdb, new Loop(server, Number(pid)), counts);
    } catch (error) {
      await gdb?.[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async end(): Promise<Counted> {
    await this.loop.tool.closeInput();
    await this.#gdb.ended();
    await this.loop.end();
    if (!this.#counts) return {};
    const collected = readNumber(this.#gdb, /Collected (\d+) trace frames/) ??
      readNumber(this.#gdb, /of (\d+) created total/);
    return { hits: collected };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gdb[Symbol.asyncDispose]();
    await this.loop[Symbol.asyncDispose]();
  }
}

/** perf counts at a uprobe of its own. */
export function perfCount(folder: string): Way {
  return {
    name: "perf stat at a uprobe, entry at push",
    by: "peer",
    function: "pushed",
    bursts: COUNTING,
    obstacle: perfObstacle(),
    async start() {
      const program = await compileLoop(folder, "perf", ["-g0"]);
      const loop = await startLoop("pushed", { program, prefix: perfPrefix(program) });
      return {
        loop,
        async end() {
          await loop.end();
          return { hits: readNumber(loop.tool, /^(\d+),,/m) };
        },
        [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
      };
    },
  };
}

/** A probe for this run alone. Where the kernel's files are not mounted, root sees them in a namespace of its own. */
function perfPrefix(program: string): string[] {
  const event = `compare${Deno.pid}:hit`;
  const script = `
    test -e ${UPROBE_EVENTS} || mount -t tracefs nodev /sys/kernel/tracing || exit 1
    perf probe -q -x "${program}" --add ${event}=pushed || exit 1
    trap 'perf probe -q -d ${event}' EXIT
    perf stat -x , -e ${event} -- "$@"`;
  return [...(isFile(UPROBE_EVENTS) ? [] : ["unshare", "-m"]), "sh", "-c", script, "sh"];
}

function perfObstacle(): string | undefined {
  if (!isInstalled("perf")) return "perf is not installed";
  return Deno.uid() === 0 ? undefined : "perf probe needs root";
}
