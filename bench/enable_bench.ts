/**
 * Enabling and disabling 1,000, 10,000 and 100,000 entry probes of one process, one stop of it each, by traps for handlers and
 * by jumps for hits that are only counted or recorded: milliseconds an iteration.
 *
 * The process is node (or what `FASTTRAP_BENCH_PROGRAM` names) or, for 100,000, `growth_loop.c`, started and held before it
 * runs: what is measured is decoding, the tables and the text.
 */

import { openKernel } from "../ffi/ffi.ts";
import { Fasttrap } from "../lib/fasttrap/fasttrap.ts";
import type { Probe } from "../lib/fasttrap/probe.ts";
import { detach } from "../lib/process/attach.ts";
import { listModules } from "../lib/process/modules.ts";
import { spawn } from "../lib/process/spawn.ts";

const PROGRAM = Deno.env.get("FASTTRAP_BENCH_PROGRAM") ?? "node";

/** Makes the entry probes of the first functions of the program, and stops the clock outside of `body`. */
function withProbes(
  program: string,
  count: number,
  body: (fasttrap: Fasttrap, probes: readonly Probe[]) => void,
): void {
  using kernel = openKernel();
  const fasttrap = new Fasttrap(kernel, {
    adopts: () => false,
    started() {},
    executed() {},
    ended() {},
    warn: console.warn,
  });
  const process = spawn(fasttrap.tracer, program, { args: ["--version"], stdout: 2 });
  const module = listModules(kernel, process).find(({ isProgram }) => isProgram)!;
  const { table } = module.symbols();
  const probes: Probe[] = [];
  for (let i = 0; i < table.count && probes.length < count; i++) {
    const symbol = table.at(i);
    const address = module.addressOf(symbol);
    probes.push(fasttrap.makeProbe("pid", process.image, {
      module: module.name,
      function: symbol.name,
      name: "entry",
      kind: "entry",
      functionAddress: address,
      functionBytes: symbol.sizeBytes,
      sites: [address],
    }));
  }
  if (probes.length < count) throw new TypeError(`${program} has ${probes.length} functions`);
  body(fasttrap, probes);
  kernel.call.ft_kill(0, process.pid, 9);
  detach(fasttrap.tracer, process);
  while (!fasttrap.tracer.idle) fasttrap.tracer.pump(1000);
}

const handler = { fire() {} };
const counter = { fire() {}, counted() {} };
const recorder = { fire() {}, recorded() {}, dropped() {} };

for (const [count, program] of [[1_000, PROGRAM], [10_000, PROGRAM], [100_000, "build/targets/growth_loop"]] as const) {
  for (const [way, consumer] of [["traps", handler], ["jumps", counter], ["records", recorder]] as const) {
    const group = `${count} ${way}`;
    Deno.bench(`Fasttrap.enable() ${group}`, { group, n: 5, warmup: 2 }, (b) => {
      withProbes(program, count, (fasttrap, probes) => {
        b.start();
        fasttrap.enable(probes, consumer);
        b.end();
      });
    });
    Deno.bench(`Fasttrap.disable() ${group}`, { group, n: 5, warmup: 2 }, (b) => {
      withProbes(program, count, (fasttrap, probes) => {
        fasttrap.enable(probes, consumer);
        b.start();
        fasttrap.disable(probes, consumer);
        b.end();
      });
    });
  }
}
