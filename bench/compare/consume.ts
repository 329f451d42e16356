/**
 * A small consumer, as a user of the library would write it: attaches to a process, enables the entry of a function, or its
 * entry and its return, and says at the end how many hits there were.
 *
 * ```sh
 * deno run --allow-ffi bench/compare/consume.ts record PID FUNCTION
 * ```
 *
 * The ways are `record`, a function that is called for each record; `calls`, the same for entry and return; `string`, a record
 * with 32 bytes of the string that the third argument points to; `histogram`, a tally of the first argument by powers of two;
 * `handler`, a function that is called while the thread is stopped and reads two arguments.
 */

import { type EnableOptions, Session } from "../../mod.ts";

const [way, pid, name] = Deno.args;
let sum = 0;
const WAYS: Readonly<Record<string, EnableOptions>> = {
  record: { record: (hit) => sum += hit.arg(0) },
  calls: { record: (hit) => sum += hit.arg(0) },
  string: {
    capture: [{ kind: "string", argument: 2, sizeBytes: 32 }],
    record: (hit) => sum += hit.string(0)?.length ?? 0,
  },
  histogram: { tally: { argument: 0, keep: ["log2"] } },
  handler: { handler: (hit) => sum += hit.arg(0) + hit.arg(1) },
};
const options = WAYS[way ?? ""];
if (options === undefined || name === undefined) {
  throw new TypeError("usage: consume.ts record|calls|string|histogram|handler PID FUNCTION");
}

await using session = new Session();
session.attach(Number(pid));
const enabled = [session.enable(`pid$target:a.out:${name}:entry`, options)];
if (way === "calls") enabled.push(session.enable(`pid$target:a.out:${name}:return`, options));
console.error("ready");
await session.run();
const hits = enabled.reduce((total, { hitsTotal }) => total + hitsTotal, 0);
const drops = enabled.reduce((total, { dropsTotal }) => total + dropsTotal, 0);
console.log(`hits ${hits}, drops ${drops}, sum ${sum}`);
