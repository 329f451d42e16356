/**
 * What an event costs in the tracer when a D program looks at it: its clauses, without the stop of the thread and without
 * the consumer. The host is simulated, so that reading an argument is an assignment.
 */

import { Simulation } from "../tests/d/simulated.ts";

const EVENTS = 1000;

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
