/** Static probes as objects declare them, in a program that has the sites. */

import { assertEquals } from "@std/assert";
import { type Address, toAddress } from "../../lib/address.ts";
import type { Hit } from "../../lib/fasttrap/hit.ts";
import type { StaticProbe, StaticProvider } from "../../lib/fasttrap/meta.ts";
import type { Enabling, Probe } from "../../lib/fasttrap/probe.ts";
import type { ProviderAttributes } from "../../lib/fasttrap/provider.ts";
import { takeStats } from "../../lib/fasttrap/stats.ts";
import { detach } from "../../lib/process/attach.ts";
import type { Attributes, DependencyClass } from "../../lib/spec/stability.ts";
import { rawMemory, untraced, withTarget } from "../support.ts";
import { Traced } from "./traced.ts";

const ROUNDS = 4;

function attributesOf(dependency: DependencyClass): ProviderAttributes {
  const part: Attributes = { name: "Stable", data: "Stable", class: dependency };
  return { provider: part, module: part, function: part, name: part, arguments: part };
}

/** A provider as an object might declare it. */
function provider(name: string, probes: readonly StaticProbe[], dependency: DependencyClass = "ISA"): StaticProvider {
  return { name, attributes: attributesOf(dependency), probes };
}

/** The target, its places, and what an object says about them. */
class StaticTarget extends Traced {
  at(name: string, offset = 0): Address {
    return toAddress(this.find(name).address + offset);
  }

  /** The probe that fires with ten arguments. */
  fires(change: Partial<StaticProbe> = {}): StaticProbe {
    const nativeTypes = Array.from({ length: 10 }, (_, i) => i % 2 === 0 ? "int" : "long");
    return {
      module: "static",
      function: "fires",
      name: "ten-arguments",
      sites: [this.at("site")],
      isEnabledSites: [this.at("asks"), this.at("asks_behind", 3)],
      arguments: { nativeTypes, translatedTypes: nativeTypes },
      ...change,
    };
  }

  provide(...providers: StaticProvider[]) {
    return this.fasttrap.meta.provide(this.process.image, providers);
  }

  /** What a probe gives at each hit. */
  collect(probes: readonly Probe[], count = 10): { rows: number[][]; enabling: Enabling; reasons: string[] } {
    const rows: number[][] = [];
    const enabling = { fire: (hit: Hit) => void rows.push(Array.from({ length: count }, (_, i) => hit.arg(i))) };
    const reasons = this.fasttrap.enable(probes, enabling).map(({ reason }) => reason.replace(/0x\w+/, "0x"));
    return { rows, enabling, reasons };
  }

  names(): string[] {
    return takeStats(this.fasttrap).providers.entries.filter(({ retired }) => !retired).map(({ name }) => name);
  }
}

/** Runs the target to its end and asserts that its sum is right; returns how often its questions were answered by yes. */
function withStatic(fn: (traced: StaticTarget, run: () => Promise<number>) => Promise<void>): Promise<void> {
  return withTarget("static", async (target) => {
    using traced = new StaticTarget(target);
    await fn(traced, async () => {
      await target.send();
      traced.pumpUntil(() => !traced.process.alive);
      const { stdout, end } = await target.outcome();
      const yes = Number(/^(\d+) times yes/.exec(stdout)?.[1]);
      const plain = await untraced("static", { args: [ROUNDS] });
      assertEquals({ stdout: stdout.replace(/^\d+/, "0"), end }, plain);
      return yes;
    });
  }, { args: [ROUNDS] });
}

Deno.test("MetaProvider.provide() makes probes that fire, and questions that are answered while they are enabled", () =>
  withStatic(async (traced, run) => {
    const { probes } = traced.provide(provider("demo", [traced.fires()]));
    assertEquals(probes.map(String), [`demo${traced.process.pid}:static:fires:ten-arguments`]);
    const { rows, reasons } = traced.collect(probes, 12);
    assertEquals([reasons, traced.fasttrap.total, traced.fasttrap.tracepoints.size], [[], 3, 3]);
    assertEquals(rawMemory(traced.process.pid, traced.at("asks_behind"), 4)[3], 0xcc);
    assertEquals(await run(), 2 * ROUNDS);
    // Arguments beyond those that the probe has are 0.
    const expected = [1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 0, 0];
    assertEquals(rows, Array.from({ length: ROUNDS }, () => expected));
  }));

Deno.test("MetaProvider.provide() alone answers no question", () =>
  withStatic(async (traced, run) => {
    const { probes } = traced.provide(provider("demo", [traced.fires()]));
    const { enabling } = traced.collect(probes);
    traced.fasttrap.disable(probes, enabling);
    assertEquals([traced.fasttrap.tracepoints.size, await run()], [0, 0]);
  }));

Deno.test("Hit.arg() of a static probe maps arguments once, those on the stack as well", () =>
  withStatic(async (traced, run) => {
    const types = ["a", "b", "c", "d"];
    const { probes } = traced.provide(provider("demo", [
      traced.fires({ arguments: { nativeTypes: types, translatedTypes: types, map: [1, 0, 9, 6] } }),
      {
        module: "static",
        function: "fires_last",
        name: "tail",
        sites: [traced.at("fires_last")],
        arguments: { nativeTypes: types, translatedTypes: types, map: [0, 5, 6, 7] },
      },
    ]));
    const [probe, tail] = probes as [Probe, Probe];
    const { rows } = traced.collect([probe], 5);
    const last = traced.collect([tail], 4);
    assertEquals(probe.describeArgument(0), { nativeType: "b", translatedType: "a", nativeIndex: 1 });
    // The map leads beyond the native types: there is an argument, but no type.
    assertEquals(probe.describeArgument(2), { nativeType: "", translatedType: "c", nativeIndex: 9 });
    assertEquals(probe.describeArgument(4), undefined);
    await run();
    assertEquals(rows, Array.from({ length: ROUNDS }, () => [-2, 1, -10, 7, 0]));
    // A tail call has the return address of its function on the stack.
    assertEquals(last.rows, Array.from({ length: ROUNDS }, (_, i) => [1, 6, i, -i]));
    assertEquals(probe.describeArgument(0), undefined);
  }));

Deno.test("Probe.describeArgument() of a function's probe has nothing to say", () =>
  withStatic(async (traced, run) => {
    assertEquals(traced.probe("asks", "entry", [0]).describeArgument(0), undefined);
    assertEquals(await run(), 0);
  }));

Deno.test("MetaProvider.provide() refuses names that cannot be, and provides the rest", () =>
  withStatic(async (traced, run) => {
    const { pid } = traced.process;
    const names = ["pid", "objc", "oneshot", "", "a".repeat(54), "é".repeat(27), "pidx", "b".repeat(53)];
    const probes = [traced.fires()];
    const { probes: made } = traced.provide(...names.map((name) => provider(name, probes)));
    assertEquals(made.map(({ provider }) => provider), [`pidx${pid}`, `${"b".repeat(53)}${pid}`]);
    assertEquals(traced.warnings.map((warning) => warning.replace(/.*: /, "")), [
      ...Array.from({ length: 3 }, () => "the name is reserved"),
      "it has no name",
      ...Array.from({ length: 2 }, () => "the name is longer than 53 bytes"),
    ]);
    assertEquals(await run(), 0);
  }));

Deno.test("MetaProvider.provide() makes one probe of sites that are declared in parts, and none without a site", () =>
  withStatic(async (traced, run) => {
    const twice = traced.at("site");
    const { probes } = traced.provide(provider("demo", [
      traced.fires({ sites: [twice, twice], isEnabledSites: [] }),
      traced.fires({ sites: [twice], isEnabledSites: [traced.at("asks")] }),
      traced.fires({ name: "siteless", sites: [], isEnabledSites: [] }),
      traced.fires({
        name: "many",
        arguments: { nativeTypes: [], translatedTypes: Array.from({ length: 256 }, () => "int") },
      }),
    ]));
    assertEquals(probes.map(({ sites, isEnabledSites }) => [sites.length, isEnabledSites.length]), [[1, 1]]);
    assertEquals(traced.warnings.map((warning) => warning.replace(/ of provider demo\d+/, "")), [
      "Cannot make probe 'siteless': it has no site",
      "Cannot make probe 'many': it has 256 arguments",
    ]);
    const { rows } = traced.collect(probes);
    assertEquals([await run(), rows.length], [ROUNDS, ROUNDS]);
  }));

Deno.test("MetaProvider.provide() lowers classes above ISA in a copy, and nothing else", () =>
  withStatic(async (traced, run) => {
    for (const [dependency, expected] of [["Common", "ISA"], ["ISA", "ISA"], ["CPU", "CPU"]] as const) {
      const declared = provider(`with${dependency}`, [traced.fires()], dependency);
      const [probe] = traced.provide(declared).probes;
      const parts = ["provider", "module", "function", "name", "arguments"] as const;
      for (const part of parts) {
        assertEquals(probe!.owner.attributes[part], { name: "Stable", data: "Stable", class: expected });
        assertEquals(declared.attributes[part].class, dependency);
      }
    }
    assertEquals(await run(), 0);
  }));

Deno.test("MetaProvider.provide() of two objects merges their provider, and each gives back what it got", () =>
  withStatic(async (traced, run) => {
    const { fasttrap } = traced;
    const first = traced.provide(provider("demo", [traced.fires()]));
    const second = traced.provide(provider("demo", [
      traced.fires(),
      traced.fires({ module: "other", sites: [traced.at("fires_last")], isEnabledSites: [] }),
    ]));
    // The probe that both have is the first one's.
    assertEquals([first.probes.length, second.probes.map(({ module }) => module)], [1, ["other"]]);
    const stats = () =>
      takeStats(fasttrap).providers.entries.map(({ meta, probes, retired }) => [meta, probes, retired]);
    assertEquals(stats(), [[2, 2, false]]);
    const all = [...first.probes, ...second.probes];
    const { rows, enabling } = traced.collect(all);
    second.release();
    second.release();
    assertEquals(stats(), [[1, 1, false]]);
    // Only the tracepoint of the released object is gone.
    assertEquals(fasttrap.tracepoints.size, 3);
    assertEquals([await run(), rows.length], [2 * ROUNDS, ROUNDS]);
    fasttrap.disable(all, enabling);
    fasttrap.cleanup.run();
    assertEquals([fasttrap.total, stats()], [0, []]);
  }));

Deno.test("ProvidedObject.release() of the second object of a provider that was refused does not retire the first", () =>
  withStatic(async (traced, run) => {
    const first = traced.provide(provider("demo", [traced.fires()]));
    const second = traced.provide(provider("pid", [traced.fires()]), provider("demo", []));
    const third = traced.provide(provider("demo", [traced.fires()]));
    const { rows } = traced.collect(first.probes);
    third.release();
    second.release();
    assertEquals(traced.names(), [`demo${traced.process.pid}`]);
    assertEquals([await run(), rows.length], [2 * ROUNDS, ROUNDS]);
  }));

Deno.test("ProvidedObject.release() of a library leaves the probes of functions in place", () =>
  withStatic(async (traced, run) => {
    const { fasttrap } = traced;
    const { pid } = traced.process;
    const object = traced.provide(provider("demo", [traced.fires()]));
    const { rows } = traced.collect(object.probes);
    const entry = traced.collect([traced.probe("fires", "entry", [0])]);
    object.release();
    // The process record is as alive as its other provider.
    assertEquals(takeStats(fasttrap).processes.entries.map(({ active, defunct }) => [active, defunct]), [[1, false]]);
    assertEquals([traced.names(), fasttrap.tracepoints.size], [[`pid${pid}`], 1]);
    assertEquals([await run(), rows.length, entry.rows.length], [0, 0, ROUNDS]);
  }));

Deno.test("MetaProvider.provide() beyond the limit warns once for a provider and makes what fits", () =>
  withTarget("static", async (target) => {
    using traced = new StaticTarget(target, { limit: 3 });
    const names = ["one", "two", "three"];
    const { probes } = traced.provide(provider("demo", names.map((name) => traced.fires({ name }))));
    assertEquals(probes.map(({ name }) => name), ["one"]);
    assertEquals(traced.warnings, [
      `Cannot make 2 probes of provider demo${target.pid}: more than 3 tracepoints are not allowed`,
    ]);
    // An object that is there keeps its provider, full or not.
    traced.fasttrap.cleanup.run();
    assertEquals([traced.fasttrap.total, traced.names().length], [3, 1]);
    await target.send();
    traced.pumpUntil(() => !traced.process.alive);
    assertEquals(await target.outcome(), await untraced("static"));
  }));

Deno.test("Fasttrap.enable() refuses sites of static probes that no probe has left behind, and the program runs on", () =>
  withStatic(async (traced, run) => {
    const { probes } = traced.provide(provider("demo", [
      traced.fires({ name: "fires-at-move", sites: [traced.at("wrong")], isEnabledSites: [] }),
      traced.fires({ name: "asks-at-move", isEnabledSites: [traced.at("wrong")] }),
      traced.fires({ name: "asks-at-return", isEnabledSites: [traced.at("wrong", 5)] }),
      traced.fires({ name: "inside", sites: [traced.at("asks", 1)], isEnabledSites: [] }),
      traced.fires({ name: "nowhere", sites: [toAddress(16)], isEnabledSites: [] }),
    ]));
    const { rows, reasons } = traced.collect(probes);
    const leavesNone = "its instruction is not one that a probe leaves behind, at 0x";
    const asksNot = "its instruction does not ask whether a probe is enabled, at 0x";
    assertEquals(reasons, [leavesNone, asksNot, asksNot, leavesNone, "its memory cannot be read, at 0x"]);
    assertEquals([traced.fasttrap.tracepoints.size, await run(), rows.length], [0, 0, 0]);
  }));

Deno.test("MetaProvider.closed() forgets what belonged to a process that is let go", () =>
  withTarget("static", async (target) => {
    using traced = new StaticTarget(target);
    const { fasttrap, process } = traced;
    const { probes } = traced.provide(provider("demo", [traced.fires()]));
    const { enabling } = traced.collect(probes);
    detach(fasttrap.tracer, process);
    assertEquals(takeStats(fasttrap).providers.entries.map(({ meta, retired }) => [meta, retired]), [[0, true]]);
    fasttrap.disable(probes, enabling);
    fasttrap.cleanup.run();
    const { total, providers, processes, tracepoints } = takeStats(fasttrap);
    assertEquals([total, providers.entries, processes.entries, tracepoints.entries], [0, [], [], []]);
    await target.send();
    assertEquals(await target.outcome(), await untraced("static"));
  }));
