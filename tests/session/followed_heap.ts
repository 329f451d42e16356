/**
 * Follows as many children as the second argument says, with all functions of libc enabled, and prints how many MB of memory
 * are in use when they have gone; fails if there are still requests that lead to them. The first argument says how: `record` or `count`.
 *
 * It is a program of its own for `--expose-gc`.
 *
 * @module
 */

import type { EnabledProbes } from "../../lib/session/enabled.ts";
import { Session } from "../../mod.ts";

const [way, children] = Deno.args;
await using session = new Session({ signals: false, follow: true });
session.spawn("/bin/sh", { args: ["-c", `i=0; while [ $i -lt ${children} ]; do (:); i=$((i + 1)); done`] });
const enabled = session.enable("pid$target:libc.so.6::entry", {
  ...(way === "record" ? { record: () => {} } : { count: true }),
  allowNone: true,
});
await session.run();
// What has to wait for the next turn of the event loop.
await new Promise((resolve) => setTimeout(resolve));
(globalThis as unknown as { gc(): void }).gc();
const { heapUsed, external } = Deno.memoryUsage();
if (enabled.hitsTotal === 0) throw new TypeError("Nothing was hit");
// Each of them leads to the memory image of a program.
const requestsTotal = (enabled as EnabledProbes).requests.size;
if (requestsTotal > 0) throw new TypeError(`${requestsTotal} requests are left`);
console.log(Math.round((heapUsed + external) / 1e6));
