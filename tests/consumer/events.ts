/** Events for the tests of the consumers. */

import type { ProbeIdentity, TraceEvent } from "../../lib/session/event.ts";

/** A probe of `malloc`, with differences. */
export function makeProbe(differences: Partial<ProbeIdentity> = {}): ProbeIdentity {
  return { id: 3, provider: "pid1234", module: "libc.so.6", function: "malloc", name: "entry", ...differences };
}

/** A hit of {@linkcode makeProbe} with these arguments. */
export function makeEvent(args: readonly bigint[], probe: ProbeIdentity = makeProbe()): TraceEvent {
  const halves = new Uint32Array(12);
  args.forEach((value, index) => {
    halves[2 * index] = Number(BigInt.asUintN(32, value));
    halves[2 * index + 1] = Number(BigInt.asUintN(32, value >> 32n));
  });
  return { timestampNs: 81723, cpu: 1, pid: 1234, tid: 1235, probe, arguments: halves, argumentCount: args.length };
}
