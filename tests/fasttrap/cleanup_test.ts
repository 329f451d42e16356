/** Providers that have become useless go, at their time. */

import { assert, assertEquals } from "@std/assert";
import { Cleanup } from "../../lib/fasttrap/cleanup.ts";
import type { Provider } from "../../lib/fasttrap/provider.ts";
import { DTraceError, Session } from "../../mod.ts";
import { until, within, withTarget } from "../support.ts";

Deno.test("Cleanup frees the providers of programs that have executed another one, in few runs", () =>
  withTarget("execs", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const programs = 40;
    const enable = () => session.enable("pid$target:a.out:work:entry", { handler: () => {} });
    let enabled = enable();
    await target.send();
    const [first] = session.targets;
    let seen = 1;
    for await (const _ of session.batches()) {
      if (first!.programsTotal === seen || !first!.alive) continue;
      seen = first!.programsTotal;
      enabled[Symbol.dispose]();
      try {
        enabled = enable();
      } catch (error) {
        // The last program may have ended before.
        if (!(error instanceof DTraceError)) throw error;
      }
    }
    assertEquals([first!.programsTotal, seen > programs / 2], [programs + 1, true]);
    enabled[Symbol.dispose]();
    const stats = session.stats();
    // One a program at most, whatever has been retired in it; those of 1 ms are one.
    assert(stats.cleanups <= programs + 1, String(stats.cleanups));
    await until(() => session.stats().providers.entries.length === 0, "the last cleanup");
    const { total, providers, processes, tracepoints } = session.stats();
    assertEquals([total, providers.entries, processes.entries, tracepoints.entries], [0, [], [], []]);
    assertEquals((await target.outcome()).end, "exited 4");
  }, { args: [40, "first"] }));

Deno.test("Cleanup keeps a retired provider as long as a consumer has a probe of it enabled", () =>
  withTarget("execs", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const first = session.enable("pid$target:a.out:work:entry", { handler: () => {} });
    const second = session.enable("pid$target:a.out:work:", { handler: () => {} });
    await target.send();
    await within(session.run(), "the end");
    const states = () => session.stats().providers.entries.map(({ enabled, retired }) => [enabled, retired]);
    const { length } = second.probes;
    assertEquals(states(), [[length, true]]);
    first[Symbol.dispose]();
    assertEquals(states(), [[length, true]]);
    second[Symbol.dispose]();
    assertEquals(states(), [[0, true]]);
    await until(() => states().length === 0, "the cleanup");
    assertEquals([session.stats().total, session.stats().processes.entries], [0, []]);
  }, { args: [0, "first"] }));

Deno.test("Cleanup does not keep the program alive", async () => {
  // It would come in an hour.
  const script = `
    import { Cleanup } from "${new URL("../../lib/fasttrap/cleanup.ts", import.meta.url)}";
    const tables = { providers: () => [], isCrowded: () => false, free() {}, condense() {} };
    const cleanup = new Cleanup(tables, 3_600_000);
    cleanup.request({ marked: false });
    console.log(cleanup.runsTotal);`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", script], stdout: "piped" }).spawn();
  try {
    const { code, stdout } = await within(child.output(), "the end of the script");
    assertEquals([code, new TextDecoder().decode(stdout)], [0, "0\n"]);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
});

/** A provider as a cleanup sees it. */
function counted(counts: Partial<Pick<Provider, "enabledTotal" | "creatingTotal" | "metaTotal">>, retired = false) {
  const provider = { enabledTotal: 0, creatingTotal: 0, metaTotal: 0, retired, marked: false, ...counts };
  return provider as Provider;
}

Deno.test("Cleanup.run() frees what is marked and nobody counts on, and condenses only when the tables are crowded", () => {
  const providers = {
    useless: counted({}),
    retired: counted({}, true),
    unmarked: counted({}, true),
    created: counted({ creatingTotal: 1 }),
    provided: counted({ metaTotal: 2 }, true),
    enabled: counted({ enabledTotal: 3 }),
    "retired and enabled": counted({ enabledTotal: 1 }, true),
    "created and enabled": counted({ creatingTotal: 1, enabledTotal: 1 }),
  };
  const names = new Map(Object.entries(providers).map(([name, provider]) => [provider, name]));
  for (const crowded of [false, true]) {
    const seen = new Map<string, string>();
    using cleanup = new Cleanup({
      providers: () => names.keys(),
      isCrowded: () => crowded,
      free: (provider) => void seen.set(names.get(provider)!, "freed"),
      condense: (provider) => void seen.set(names.get(provider)!, "condensed"),
    });
    for (const [provider, name] of names) if (name !== "unmarked") cleanup.request(provider);
    assertEquals([...names.keys()].filter(({ marked }) => marked).length, names.size - 1);
    cleanup.run();
    const condensed: [string, string][] = [["enabled", "condensed"], ["retired and enabled", "condensed"]];
    assertEquals([...seen], [["useless", "freed"], ["retired", "freed"], ...(crowded ? condensed : [])]);
    assertEquals([...names.keys()].filter(({ marked }) => marked), []);
    // What it could not free waits for whoever takes the last count away.
    seen.clear();
    cleanup.run();
    assertEquals([seen.size, cleanup.runsTotal], [0, 2]);
  }
});
