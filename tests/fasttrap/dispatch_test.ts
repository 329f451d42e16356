/** What fires at a hit, and in which order. */

import { assertEquals } from "@std/assert";
import { toAddress } from "../../lib/address.ts";
import { inspectProbe } from "../../lib/fasttrap/inspect.ts";
import type { Enabling } from "../../lib/fasttrap/probe.ts";
import { PID_ATTRIBUTES } from "../../lib/fasttrap/provider.ts";
import { findFunctionSites } from "../../lib/isa/function_sites.ts";
import { untraced, withTarget } from "../support.ts";
import { noting, Traced } from "./traced.ts";

Deno.test("Dispatcher.trapped() fires offset probes before the instruction and return probes after it, in any order of enabling", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap, process: { image } } = traced;
    const { address, sizeBytes } = traced.find("work");
    const last = sizeBytes - 1;
    const probes = [traced.probe("work", "offset", [last], "last"), traced.probe("work", "return", [last])];
    for (const order of [probes, [...probes].reverse()]) {
      const seen: [name: string, inside: boolean][] = [];
      // Both are of the same instruction, so that the offset probe is the first in any case.
      const enabling: Enabling = {
        fire: ({ probe }) => {
          const pc = fasttrap.tracer.stop.getPc(image);
          seen.push([probe.name, pc >= address && pc <= address + sizeBytes]);
        },
      };
      for (const probe of order) fasttrap.enable([probe], enabling);
      traced.pumpUntil(() => seen.length >= 4);
      assertEquals(seen.slice(0, 4), [["last", true], ["return", false], ["last", true], ["return", false]]);
      fasttrap.disable(probes, enabling);
    }
    await target.send();
  }));

Deno.test("Dispatcher.trapped() fires at the next hit what a handler enables, and nothing that one disables", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const { sizeBytes } = traced.find("work");
    const [entry, zero] = [traced.probe("work", "entry", [0]), traced.probe("work", "offset", [0], "0")];
    const last = traced.probe("work", "offset", [sizeBytes - 1], "last");
    const leaves = traced.probe("work", "return", [sizeBytes - 1]);
    const seen: string[] = [];
    const plain = noting(seen);
    // One thread calls the function: each call is an entry and a last instruction. It may be in the middle of one.
    const acts: Record<string, (count: number) => void> = {
      entry: (count) => {
        if (count === 1) fasttrap.enable([zero], acting);
      },
      0: (count) => {
        if (count === 2) fasttrap.disable([entry], acting);
      },
      last: (count) => {
        if (count === 1) fasttrap.enable([leaves], plain);
        if (count === 3) fasttrap.disable([leaves], plain);
      },
    };
    const acting: Enabling = {
      fire: ({ probe: { name } }) => {
        if (seen.length === 0 && name !== "entry") return;
        seen.push(name);
        acts[name]!(seen.filter((other) => other === name).length);
      },
    };
    fasttrap.enable([entry, last], acting);
    traced.pumpUntil(() => seen.length > 10);
    assertEquals(seen.slice(0, 10), [
      ...["entry", "last"],
      ...["0", "entry", "last", "return"],
      ...["0", "last"],
      ...["0", "last"],
    ]);
    await target.send();
  }));

Deno.test("Dispatcher.trapped() sends a thread to no slot that a handler has given to another instruction", () =>
  withTarget("assembly", async (target) => {
    using traced = new Traced(target);
    const { fasttrap, process: { image } } = traced;
    const { address } = traced.find("work");
    const { offsets } = findFunctionSites(image.isa, Uint8Array.from(traced.bytes("work")), address);
    const probes = [...offsets].map((offset) => traced.probe("work", "offset", [offset], offset.toString(16)));
    const inSlots = probes.filter((probe) => inspectProbe(fasttrap, probe).sites[0]!.performed === "slot");
    assertEquals(inSlots.length > 5, true);
    let hits = 0;
    const enabling: Enabling = {
      fire: ({ probe }) => {
        hits++;
        const present = inSlots.find(({ name }) => name === probe.name)!;
        const others = inSlots.filter((other) => other !== present);
        // What is enabled first gets the slots that have become free.
        fasttrap.disable(inSlots, enabling);
        fasttrap.enable(others, enabling);
        fasttrap.enable([present], enabling);
      },
    };
    assertEquals(fasttrap.enable(inSlots, enabling), []);
    await target.send();
    traced.pumpUntil(() => !traced.process.alive);
    assertEquals(hits > 50, true, `${hits}`);
    assertEquals(await target.outcome(), await untraced("assembly", { args: [8] }));
  }, { args: [8] }));

Deno.test("Dispatcher.trapped() answers where the program asks, and fires the probes of the place as well", () =>
  withTarget("static", async (target) => {
    using traced = new Traced(target);
    const { fasttrap, process: { image } } = traced;
    const { address } = traced.find("asks");
    const { probes } = fasttrap.meta.provide(image, [{
      name: "demo",
      attributes: PID_ATTRIBUTES,
      probes: [{ module: "static", function: "asks", name: "asked", sites: [], isEnabledSites: [toAddress(address)] }],
    }]);
    const seen: string[] = [];
    const enabling = noting(seen);
    const entry = traced.probe("asks", "entry", [0]);
    assertEquals(fasttrap.enable([...probes, entry], enabling), []);
    assertEquals(fasttrap.tracepoints.size, 1);
    await target.send();
    traced.pumpUntil(() => !traced.process.alive);
    // The probe that is asked about does not fire by that.
    assertEquals(seen, ["entry", "entry", "entry"]);
    assertEquals(await target.outcome(), { stdout: "3 times yes, sum 15\n", end: "exited 0" });
  }, { args: [3] }));
