/** Thousands of probes at once: how often that stops the program, and how often its text is written. */

import { assert, assertEquals } from "@std/assert";
import type { Kernel } from "../../ffi/ffi.ts";
import { type EnableOptions, Session } from "../../mod.ts";
import { kernelOf } from "../../lib/session/session.ts";
import { changedText, TargetProgram, untraced, within } from "../support.ts";

const DESCRIPTION = "pid$target:libc.so.6::entry";
const PAGE_BYTES = 4096;

/** Counts requests of a session from now on. */
function counting(session: Session): { readonly interrupts: number; readonly writes: number } {
  const kernel = kernelOf(session) as { call: Kernel["call"] };
  const own = kernel.call;
  const counts = { interrupts: 0, writes: 0 };
  kernel.call = new Proxy(own, {
    get(_, name: keyof Kernel["call"]) {
      if (name === "ft_interrupt") counts.interrupts++;
      if (name === "ft_pwrite" || name === "ft_poke" || name === "ft_write_memory") counts.writes++;
      return own[name];
    },
  });
  return counts;
}

for (
  const [title, options, performed] of [
    ["jumps", { count: true }, ["jump"]],
    ["traps", { handler: () => {} }, ["emulated", "slot"]],
  ] as readonly (readonly [string, EnableOptions, readonly string[]])[]
) {
  Deno.test(`Session.enable() and Enabled[Symbol.dispose]() stop each thread once for thousands of ${title}, and write page by page`, async () => {
    await using target = await TargetProgram.start("waiting_threads");
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    // What is prepared once for all probes is there by now.
    const other = session.enable("pid$target:libc.so.6:malloc:entry", options);
    const threads = [...Deno.readDirSync(`/proc/${target.pid}/task`)].length;
    assert(threads > 1);
    const enabling = counting(session);
    const enabled = session.enable(DESCRIPTION, options);
    const { entries } = session.stats().tracepoints;
    const sites = entries.filter((entry) => performed.includes(entry.performed)).map(({ pc }) => pc);
    assert(sites.length > 3000, String(sites.length));
    const pages = new Set(sites.map((pc) => Math.floor(pc / PAGE_BYTES))).size;
    assert(enabling.interrupts < 2 * threads, `${enabling.interrupts} interrupts of ${threads} threads`);
    assert(enabling.writes < sites.length / 2, `${enabling.writes} writes for ${sites.length} sites on ${pages} pages`);
    const disabling = counting(session);
    enabled[Symbol.dispose]();
    assert(disabling.interrupts < 2 * threads, `${disabling.interrupts} interrupts of ${threads} threads`);
    assert(disabling.writes < 2 * pages, `${disabling.writes} writes for ${sites.length} sites on ${pages} pages`);
    other[Symbol.dispose]();
    assertEquals(changedText(target.pid).filter((place) => place.includes("libc.so")), []);
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), await untraced("waiting_threads"));
  });
}
