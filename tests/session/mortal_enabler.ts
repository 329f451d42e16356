/**
 * A tracer that enables what it is told to, and waits to be killed. Arguments: the pid, a number that it has no use for, and
 * descriptions behind what to do with their hits: `handle=pid$target:a.out:main:entry`, `count=` and `record=` as well.
 *
 * @module
 */

import { type EnableOptions, Session } from "../../mod.ts";

const WAYS: Readonly<Record<string, EnableOptions>> = {
  handle: { handler: () => {} },
  count: { count: true },
  record: { record: () => {} },
};

const [pid, , ...asked] = Deno.args;
const session = new Session({ signals: false, onWarning: (message) => console.log(`warning: ${message}`) });
session.attach(Number(pid));
for (const each of asked) {
  const [way, description] = each.split("=") as [string, string];
  const enabled = session.enable(description, { ...WAYS[way]!, allowNone: true });
  const { entries } = session.stats().tracepoints;
  const ids = new Set(enabled.probes.map(({ id }) => id));
  const ways = entries.filter(({ before, after }) => [...before, ...after].some((id) => ids.has(id)))
    .map(({ performed }) => performed === "jump" ? "jump" : "trap");
  console.log(`${each}: ${ways.join()}`);
}
console.log("enabled");
await session.run();
