/**
 * What an event costs when a D program looks at it.
 *
 * The first lines are of real runs: a program that calls a function at full speed (`d_loop.c`), or in bursts with pauses,
 * many of them or as many as a second has, whose hits are recorded or tallied by jumps. They tell what a call has taken the
 * program, traced and untraced; how many events a second the clauses have seen, and what an event has cost the tracer's
 * processor, everything included; and how much was dropped.
 *
 * The benchmarks below are of the clauses alone, without the thread and without the consumer. The host is simulated, so that
 * reading an argument is an assignment.
 */

import process from "node:process";
import { openKernel } from "../ffi/ffi.ts";
import { compileProgram } from "../lib/d/compile.ts";
import { RUN_DEFAULTS } from "../lib/d/run/run_options.ts";
import { RunningProgram } from "../lib/d/run/running_program.ts";
import { ProgramProbes } from "../lib/session/program/program_probes.ts";
import { Session } from "../lib/session/session.ts";
import { Simulation } from "../tests/d/simulated.ts";

const EVENTS = 1000;
const LOOP = "build/targets/d_loop";
const COUNTING = "pid$target:a.out:work:entry /arg0 > 100/ { @[arg1] = count(); }";
const TALLIED = `pid$target:a.out:work:entry { @a = sum(arg0); @b = min(arg0); @c = max(arg0); @d = quantize(arg0); }`;
const LATENCY = `pid$target:a.out:work:entry { self->ts = timestamp; }
  pid$target:a.out:work:return /self->ts/ { @ = quantize(timestamp - self->ts); self->ts = 0; }`;

/** Runs the loop, traced unless the program is empty, and prints a line. */
async function run(name: string, source: string, calls: number, burst: number): Promise<void> {
  const child = new Deno.Command(LOOP, { args: [calls, burst].map(String), stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  using kernel = openKernel();
  await using session = new Session({ signals: false });
  session.attach(child.pid);
  const macros = { arguments: [], variables: { target: child.pid }, defaults: false };
  const program = compileProgram(source, { macros });
  const running = new RunningProgram(program, { ...RUN_DEFAULTS, recordsCpu: false });
  using probes = new ProgramProbes(session, program, running, kernel, {
    allowNone: false,
    wantsNames: false,
    tallies: true,
    register: () => {},
    fired: () => {},
  });
  if (source !== "BEGIN") probes.enable();
  probes.begin();
  await writer.close();
  const [begin, used] = [performance.now(), process.cpuUsage()];
  await session.run();
  const [seconds, spent] = [(performance.now() - begin) / 1000, process.cpuUsage(used)];
  probes.end();
  const events = running.firingsTotal;
  const dropped = running.takeBufferDrops().principal.values().reduce((sum, drops) => sum + drops, 0);
  const ns = 1000 * (spent.user + spent.system) / events;
  const { stdout } = await child.output();
  const traced = `${(events / seconds / 1e6).toFixed(2)} million events a second, ${
    ns.toFixed(0)
  } ns of the tracer each, ${(100 * dropped / (events + dropped)).toFixed(1)} % dropped`;
  console.log(`${name}: ${new TextDecoder().decode(stdout).trim()} ns a call${events === 0 ? "" : `, ${traced}`}`);
}

const PACES = [["full speed", 5e7, 5e7], ["bursts", 5e6, 1000], ["short", 1e6, 1000]] as const;
for (const [pace, calls, burst] of PACES) {
  await run(`untraced, ${pace}`, "BEGIN", calls, burst);
  await run(`/arg0 > 100/ { @[arg1] = count(); }, ${pace}`, COUNTING, calls, burst);
  await run(`sum, min, max and quantize(arg0), ${pace}`, TALLIED, calls, burst);
  await run(`self->ts into quantize, ${pace}`, LATENCY, calls, burst);
}

/** Fires a probe many times, with arguments of which half are above 100, and keys of which there are 64. */
function fireMany(simulation: Simulation, name: string): void {
  const { running, hit } = simulation;
  const enablings = simulation.enablings(name);
  const halves = new Uint32Array(4);
  hit.readArgument = (index, _typed, into) => {
    into[0] = halves[2 * index]!;
    into[1] = halves[2 * index + 1]!;
  };
  for (let i = 0; i < EVENTS; i++) {
    halves[0] = i % 200;
    halves[2] = i & 63;
    running.fire(enablings, hit);
  }
}

/** Makes the clock of a simulation advance at each look. */
function tick(simulation: Simulation): void {
  let now = 0;
  simulation.hit.readNumber = (name, into) => {
    into[0] = name === "timestamp" ? now += 1000 : 0;
    into[1] = 0;
  };
}

const counting = new Simulation("BEGIN /arg0 > 100/ { @[arg1] = count(); }");
tick(counting);
Deno.bench(`RunningProgram.fire() ${EVENTS} times: /arg0 > 100/ { @[arg1] = count(); }`, { group: "event" }, () => {
  fireMany(counting, "BEGIN");
});

const latency = new Simulation(`
  BEGIN { self->ts = timestamp; }
  END /self->ts/ { @ = quantize(timestamp - self->ts); self->ts = 0; }
`);
tick(latency);
Deno.bench(
  `RunningProgram.fire() ${EVENTS} times: self->ts at entry and return into quantize`,
  { group: "event" },
  () => {
    const { running, hit } = latency;
    const entry = latency.enablings("BEGIN");
    const exit = latency.enablings("END");
    for (let i = 0; i < EVENTS; i += 2) {
      running.fire(entry, hit);
      running.fire(exit, hit);
    }
  },
);

const strings = new Simulation('BEGIN { @[execname, "read"] = sum(arg0); }');
tick(strings);
Deno.bench(`RunningProgram.fire() ${EVENTS} times: @[execname, "read"] = sum(arg0)`, { group: "event" }, () => {
  fireMany(strings, "BEGIN");
});

const records = new Simulation('BEGIN { printf("%d %d", arg0, arg1); }', { bufsize: 1 << 20 });
tick(records);
Deno.bench(`RunningProgram.fire() ${EVENTS} times: printf("%d %d", arg0, arg1)`, { group: "event" }, () => {
  fireMany(records, "BEGIN");
  records.running.drain(() => {});
});

const elements = new Simulation("BEGIN { total[arg1] += arg0; }");
tick(elements);
Deno.bench(`RunningProgram.fire() ${EVENTS} times: total[arg1] += arg0`, { group: "event" }, () => {
  fireMany(elements, "BEGIN");
});
