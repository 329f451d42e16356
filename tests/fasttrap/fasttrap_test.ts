/** Probes and tracepoints of a real process. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Kernel, openKernel } from "../../ffi/ffi.ts";
import type { Address } from "../../lib/address.ts";
import { SystemError } from "../../lib/errors.ts";
import type { Fasttrap } from "../../lib/fasttrap/fasttrap.ts";
import { tracepointIndex } from "../../lib/fasttrap/hash.ts";
import { detach } from "../../lib/process/attach.ts";
import { inspectProbe } from "../../lib/fasttrap/inspect.ts";
import type { Probe } from "../../lib/fasttrap/probe.ts";
import { howPerformed } from "../../lib/fasttrap/stats.ts";
import { findFunctionSites } from "../../lib/isa/function_sites.ts";
import { assertTextUntouched, rawMemory, until, untraced, withTarget } from "../support.ts";
import { kernelWith, nextLine, noting, Traced } from "./traced.ts";

/** How many bytes of ours are in memory. */
function trapsIn(bytes: readonly number[], original: readonly number[]): number[] {
  return bytes.flatMap((byte, i) => byte !== original[i] ? [i] : []);
}

Deno.test("Fasttrap.enable() shares one trap among the probes of an address", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    const [entry, zero] = [traced.probe("work", "entry", [0]), traced.probe("work", "offset", [0], "0")];
    const seen: string[] = [];
    const enabling = noting(seen);
    assertEquals(fasttrap.enable([entry, zero], enabling), []);
    assertEquals([fasttrap.tracepoints.size, trapsIn(traced.bytes("work"), original)], [1, [0]]);
    assertEquals(rawMemory(target.pid, entry.functionAddress, 1)[0], 0xcc);
    traced.pumpUntil(() => seen.length >= 2);
    // The probe that was enabled last fires first.
    assertEquals(seen.slice(0, 2), ["0", "entry"]);
    fasttrap.disable([zero], enabling);
    assertEquals([fasttrap.tracepoints.size, trapsIn(traced.bytes("work"), original)], [1, [0]]);
    seen.length = 0;
    traced.pumpUntil(() => seen.length >= 3);
    assertEquals(new Set(seen), new Set(["entry"]));
    fasttrap.disable([entry], enabling);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work")], [0, original]);
    // Owner of the first tracepoint or not: each can be enabled again.
    fasttrap.enable([zero], enabling);
    seen.length = 0;
    traced.pumpUntil(() => seen.length > 0);
    assertEquals(seen[0], "0");
    await target.send();
  }));

Deno.test("Fasttrap.withdraw() of the probe that made a tracepoint leaves it to the others, fasttrap rule 41", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    const [entry, zero] = [traced.probe("work", "entry", [0]), traced.probe("work", "offset", [0], "0")];
    const seen: string[] = [];
    const enabling = noting(seen);
    const firing = () => {
      seen.length = 0;
      traced.pumpUntil(() => seen.length >= 4);
      return new Set(seen);
    };
    fasttrap.enable([entry], enabling);
    fasttrap.enable([zero], enabling);
    fasttrap.disable([entry], enabling);
    fasttrap.withdraw([entry]);
    assertEquals([fasttrap.total, firing()], [1, new Set(["0"])]);
    const again = traced.probe("work", "entry", [0]);
    assert(again !== entry);
    fasttrap.enable([again], enabling);
    assertEquals(firing(), new Set(["entry", "0"]));
    fasttrap.disable([zero], enabling);
    assertEquals([firing(), trapsIn(traced.bytes("work"), original)], [new Set(["entry"]), [0]]);
    fasttrap.disable([again], enabling);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work")], [0, original]);
    await target.send();
  }));

Deno.test("Fasttrap.enable() of one probe for two consumers calls both, and writes one trap", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const entry = traced.probe("work", "entry", [0]);
    const seen: string[] = [];
    const [first, second] = [noting(seen, "first "), noting(seen, "second ")];
    fasttrap.enable([entry], first);
    fasttrap.enable([entry], second);
    assertEquals([fasttrap.tracepoints.size, entry.owner.enabledTotal], [1, 1]);
    traced.pumpUntil(() => seen.length >= 2);
    assertEquals(seen.slice(0, 2), ["first entry", "second entry"]);
    fasttrap.disable([entry], first);
    fasttrap.disable([entry], first);
    seen.length = 0;
    traced.pumpUntil(() => seen.length >= 2);
    assertEquals(new Set(seen), new Set(["second entry"]));
    fasttrap.disable([entry], second);
    assertEquals([fasttrap.tracepoints.size, entry.owner.enabledTotal], [0, 0]);
    await target.send();
  }));

Deno.test("Fasttrap.enable() places all sites of a probe or none", () =>
  withTarget("own_trap", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    assertEquals(original.slice(0, 2), [0x90, 0xcc]);
    const bad = traced.probe("work", "offset", [0, 1, 2]);
    const good = traced.probe("work", "offset", [2], "2");
    const before = traced.probe("work", "offset", [0], "0");
    const enabling = noting([]);
    const refusals = fasttrap.enable([before, bad, good], enabling);
    assertEquals(refusals.map(({ probe, reason }) => [probe, reason]), [
      [bad, "it is int3, which debuggers use, at offset 0x1"],
    ]);
    assertEquals([before.enabled, bad.enabled, good.enabled], [true, false, true]);
    assertEquals([fasttrap.tracepoints.size, trapsIn(traced.bytes("work"), original)], [2, [0, 2]]);
    // Nothing of the refused probe is left on the tracepoints that it shared.
    fasttrap.disable([before, good], enabling);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work")], [0, original]);
    await target.send();
  }));

Deno.test("Fasttrap.enable() refuses a return probe whose site cannot be followed, and leaves no trap", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    // The last site is ret; lea with a relative operand is performed in a slot, not by us.
    const site = original.length - 1;
    assertEquals(original[site], 0xc3);
    const relative = original.findIndex((byte, i) => byte === 0x48 && original[i + 1] === 0x8b);
    assert(relative > 0);
    const probe = traced.probe("work", "return", [relative, site]);
    const [refusal] = fasttrap.enable([probe], noting([]));
    assertEquals(refusal?.probe, probe);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work"), probe.enabled], [0, original, false]);
    await target.send();
  }));

Deno.test("Fasttrap.enable() puts a tracepoint into the bucket that its address and pid say", () =>
  withTarget("idle", async (target) => {
    using traced = new Traced(target, { hashSize: 4096 });
    const { tracepoints } = traced.fasttrap;
    assertEquals(tracepoints.bucketCount, 4096);
    const probe = traced.probe("work", "entry", [0]);
    traced.fasttrap.enable([probe], noting([]));
    const index = tracepointIndex(probe.functionAddress, target.pid, 1, 4095);
    assertEquals(tracepoints.head(index)?.pc, probe.functionAddress);
    assertEquals(tracepoints.find(target.pid, probe.functionAddress, 1)?.pid, target.pid);
    assertEquals(tracepoints.find(target.pid + 1, probe.functionAddress, 1), undefined);
    // In the same bucket are others.
    assertEquals(tracepoints.find(target.pid, probe.functionAddress + 4096, 1), undefined);
    assertEquals(tracepoints.find(target.pid + 4096, probe.functionAddress, 1), undefined);
    await target.send();
  }));

Deno.test("Fasttrap.makeProbe() counts tracepoints, not probes, until the provider goes", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const entry = traced.probe("work", "entry", [0]);
    const all = traced.probe("work", "offset", [0, 3, 6], "three");
    assertEquals(fasttrap.total, 4);
    // The same probe again is the same probe.
    assertEquals(traced.probe("work", "entry", [0]), entry);
    assertEquals([fasttrap.total, entry.id, all.id], [4, 4, 5]);
    const enabling = noting([]);
    fasttrap.enable([entry, all], enabling);
    fasttrap.disable([entry], enabling);
    assertEquals(fasttrap.total, 4);
    // A probe that a consumer counts on keeps its provider.
    detach(fasttrap.tracer, traced.process);
    assertEquals([fasttrap.total, all.owner.retired, fasttrap.providers.providers.size], [4, true, 1]);
    assertEquals([fasttrap.tracepoints.size, all.enabled], [0, false]);
    fasttrap.disable([all], enabling);
    fasttrap.cleanup.run();
    const { providers, processes } = fasttrap.providers;
    assertEquals([fasttrap.total, providers.size, processes.size], [0, 0, 0]);
    assertTextUntouched(target.pid);
    await target.send();
  }));

Deno.test("Fasttrap.makeProbe() allows as many tracepoints as the limit says", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target, { limit: 5 });
    traced.probe("work", "offset", [0, 3], "two");
    traced.probe("work", "offset", [0, 3, 6], "three");
    assertEquals(traced.fasttrap.total, 5);
    const error = assertThrows(() => traced.probe("work", "entry", [0]), SystemError);
    assertEquals([error.errno, traced.fasttrap.total], ["ENOMEM", 5]);
    await target.send();
  }));

Deno.test("Fasttrap.limit is 100,000 for each 256 MiB of memory, and 50,000 at least", async () => {
  await withTarget("idle", async (target) => {
    using traced = new Traced(target);
    const kilobytes = Number(/MemTotal:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/meminfo"))![1]);
    assertEquals(traced.fasttrap.limit, Math.max(Math.floor(kilobytes / 1024 / 256) * 100_000, 50_000));
    await target.send();
  });
});

Deno.test("Fasttrap.limit of a machine with little memory, or an unknown amount, is 50,000", () =>
  withTarget("idle", async (target) => {
    const rows = [["MemTotal: 130000 kB\n", 50_000], [`MemTotal: ${(1 << 18) - 1} kB\n`, 50_000], ["", 50_000], [
      `MemTotal: ${1 << 18} kB\n`,
      100_000,
    ], [`MemFree: 1 kB\nMemTotal:   ${1 << 20} kB\n`, 400_000]] as const;
    for (const [text, limit] of rows) {
      const kernel = kernelWith((own) => ({
        "ft_read_file": (path, into, size) => {
          if (new TextDecoder().decode(path as Uint8Array) !== "/proc/meminfo\0") {
            return own.ft_read_file(path, into, size);
          }
          return new TextEncoder().encodeInto(text, into as Uint8Array).written;
        },
      }));
      using traced = new Traced(target, {}, kernel);
      assertEquals(traced.fasttrap.limit, limit, text);
    }
    await target.send();
  }));

Deno.test("Fasttrap.executed() retires the providers of the old program", () =>
  withTarget("execs", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const entry = traced.probe("work", "entry", [0]);
    traced.probe("main", "entry", [0]);
    const seen: string[] = [];
    const enabling = noting(seen);
    fasttrap.enable([entry], enabling);
    await target.send();
    traced.pumpUntil(() => entry.owner.retired);
    assertEquals([seen, entry.enabled, fasttrap.tracepoints.size], [["entry"], false, 0]);
    const { providers, processes } = fasttrap.providers;
    if (traced.process.alive) {
      // The same pid has another provider for its new program.
      const again = fasttrap.providers.provide({ type: "pid", name: "pid" }, traced.process.image);
      assert(again !== entry.owner);
      assertEquals([providers.size, processes.size], [2, 2]);
    }
    // Enabling a probe of a program that is gone does nothing, and neither does disabling it.
    assertEquals(fasttrap.enable([entry], enabling), []);
    fasttrap.disable([entry], enabling);
    traced.pumpUntil(() => !traced.process.alive);
    fasttrap.cleanup.run();
    assertEquals([fasttrap.total, providers.size, processes.size, fasttrap.tracepoints.size], [0, 0, 0, 0]);
  }, { args: [1, "first"] }));

Deno.test("Fasttrap.disable() of probes of the old program leaves those of the new one, at the same addresses", () =>
  withTarget("execs_no_pie", async (target) => {
    const [old, young]: [string[], string[]] = [[], []];
    const [enabling, other] = [noting(old), noting(young)];
    let probes: Probe[] = [];
    let fresh: Probe[] = [];
    using traced = new Traced(target, {}, openKernel(), {
      executed: () => {
        fresh = [traced.probe("work", "entry", [0])];
        assertEquals(traced.fasttrap.enable(fresh, other), []);
        traced.fasttrap.disable(probes, enabling);
      },
    });
    const { fasttrap } = traced;
    probes = [
      traced.probe("work", "entry", [0]),
      traced.probe("main", "entry", [0], "entry", "oneshot"),
      traced.probe("main", "offset", [0], "0", "objc"),
    ];
    assertEquals(fasttrap.enable(probes, enabling), []);
    await target.send();
    traced.pumpUntil(() => fresh.length > 0);
    assertEquals(fresh[0]!.functionAddress, probes[0]!.functionAddress);
    // Each provider of the old program is retired, and the new one's is another, of another record.
    assertEquals(probes.map(({ owner }) => owner.retired), [true, true, true]);
    const [first, second] = [probes[0]!.owner, fresh[0]!.owner];
    assertEquals([first.process.defunct, second.process.defunct, first.process === second.process], [
      true,
      false,
      false,
    ]);
    assertEquals([fasttrap.tracepoints.size, rawMemory(target.pid, fresh[0]!.functionAddress, 1)[0]], [1, 0xcc]);
    traced.pumpUntil(() => !traced.process.alive);
    assertEquals([old, young], [["entry"], ["entry"]]);
    fasttrap.disable(fresh, other);
    fasttrap.cleanup.run();
    const { providers, processes } = fasttrap.providers;
    assertEquals([fasttrap.total, providers.size, processes.size, fasttrap.tracepoints.size], [0, 0, 0, 0]);
    assertEquals(await target.outcome(), await untraced("execs_no_pie", { args: [1, "first"] }));
  }, { args: [1, "first"] }));

Deno.test("Fasttrap.retire() takes the traps of a provider out, finds it no more, and lets it be made anew", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap, process: { image } } = traced;
    const original = traced.bytes("work");
    const seen: string[] = [];
    const enabling = noting(seen);
    const entry = traced.probe("work", "entry", [0]);
    fasttrap.enable([entry], enabling);
    traced.pumpUntil(() => seen.length > 0);
    fasttrap.retire(entry.owner);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work"), entry.owner.marked], [0, original, true]);
    const description = { provider: "pid*", module: "", function: "work", name: "entry" };
    assertEquals(fasttrap.match(image, description), []);
    // Who has enabled the probe keeps it, but it never fires again.
    assertEquals(fasttrap.enable([entry], noting(seen)), []);
    const again = traced.probe("work", "entry", [0]);
    assertEquals([again === entry, fasttrap.match(image, description)], [false, [again]]);
    assertEquals(fasttrap.tracepoints.size, 0);
    await target.send();
  }));

Deno.test("Fasttrap.closed() empties the tables when a process is killed", () =>
  withTarget("spin", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const probes = [traced.probe("work", "entry", [0]), traced.probe("run", "entry", [0])];
    const enabling = noting([]);
    fasttrap.enable(probes, enabling);
    Deno.kill(target.pid, "SIGKILL");
    traced.pumpUntil(() => !traced.process.alive);
    assertEquals(fasttrap.tracepoints.size, 0);
    fasttrap.disable(probes, enabling);
    fasttrap.cleanup.run();
    const { providers, processes } = fasttrap.providers;
    assertEquals([fasttrap.total, providers.size, processes.size], [0, 0, 0]);
    await until(() => !target.alive, "the end");
  }, { args: [3] }));

Deno.test("Fasttrap.enable() looks whether a trap is still there before it shares it", () =>
  withTarget("rewritten", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const seen: string[] = [];
    const [first, second] = [traced.probe("work", "entry", [0]), traced.probe("work", "offset", [0], "0")];
    const enabling = noting(seen);
    fasttrap.enable([first], enabling);
    // The program puts other code there, over our trap.
    await target.send();
    assertEquals(await nextLine(target, traced), "rewritten");
    const rewritten = traced.bytes("work");
    assertEquals(rewritten[0], 0xb8);
    fasttrap.enable([second], enabling);
    assertEquals(traced.bytes("work")[0], 0xcc);
    assertEquals(fasttrap.tracepoints.size, 1);
    const lines = [];
    await target.send();
    lines.push(await nextLine(target, traced));
    assertEquals([lines, seen], [["2"], ["0"]]);
    // Disabling restores the new code, not the old one.
    fasttrap.disable([first, second], enabling);
    assertEquals([traced.bytes("work"), fasttrap.tracepoints.size], [rewritten, 0]);
    await target.send();
    assertEquals(await nextLine(target, traced), "2");
  }));

Deno.test("Fasttrap.enable() by a second consumer looks whether the traps are still there", () =>
  withTarget("rewritten", async (target) => {
    using traced = new Traced(target);
    const { fasttrap } = traced;
    const entry = traced.probe("work", "entry", [0]);
    const seen: string[] = [];
    const [first, second] = [noting(seen, "first "), noting(seen, "second ")];
    fasttrap.enable([entry], first);
    await target.send();
    assertEquals(await nextLine(target, traced), "rewritten");
    const rewritten = traced.bytes("work");
    fasttrap.enable([entry], second);
    assertEquals([traced.bytes("work")[0], fasttrap.tracepoints.size, entry.owner.enabledTotal], [0xcc, 1, 1]);
    await target.send();
    assertEquals([await nextLine(target, traced), seen], ["2", ["first entry", "second entry"]]);
    fasttrap.disable([entry], first);
    fasttrap.disable([entry], second);
    assertEquals([traced.bytes("work"), fasttrap.tracepoints.size], [rewritten, 0]);
    await target.send();
    assertEquals(await nextLine(target, traced), "2");
  }));

/** A kernel that refuses to write text while a switch is on. */
function refusingKernel(): { kernel: Kernel; refusal: { on: boolean } } {
  const refusal = { on: false };
  const kernel = kernelWith((own) => ({
    "ft_pwrite": (...args) => refusal.on ? -5 : own.ft_pwrite(...args),
    "ft_poke": (...args) => refusal.on ? -5 : own.ft_poke(...args),
  }));
  return { kernel, refusal };
}

Deno.test("Fasttrap.enable() leaves nothing behind when the text cannot be written", () =>
  withTarget("spin", async (target) => {
    const { kernel, refusal } = refusingKernel();
    using traced = new Traced(target, {}, kernel);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    const every = original.length - 1;
    const probes = [traced.probe("work", "entry", [0]), traced.probe("work", "offset", [0, every], "two")];
    const enabling = noting([]);
    refusal.on = true;
    const refusals = fasttrap.enable(probes, enabling);
    assertEquals(refusals.map(({ reason }) => reason), [
      "its text cannot be written",
      "its text cannot be written",
    ]);
    const [provider] = fasttrap.providers.providers;
    assertEquals([fasttrap.tracepoints.size, traced.process.image.text.size, provider!.enabledTotal], [0, 0, 2]);
    assertEquals([probes.map(({ enabled }) => enabled), traced.bytes("work")], [[false, false], original]);
    fasttrap.disable(probes, enabling);
    assertEquals(provider!.enabledTotal, 0);
    refusal.on = false;
    assertEquals(fasttrap.enable(probes, enabling), []);
    assertEquals(fasttrap.tracepoints.size, 2);
    fasttrap.disable(probes, enabling);
    detach(fasttrap.tracer, traced.process);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [2] }));

Deno.test("Fasttrap.enable() has a tracepoint in the table before its trap is written, disable() until it is restored", () =>
  withTarget("spin", async (target) => {
    const written: [size: number, byte: number][] = [];
    const watched: { fasttrap?: Fasttrap; address?: Address } = {};
    const kernel = kernelWith((own) => ({
      "ft_pwrite": (fd, address, bytes, size) => {
        if (address === watched.address) written.push([watched.fasttrap!.tracepoints.size, (bytes as Uint8Array)[0]!]);
        return own.ft_pwrite(fd, address, bytes, size);
      },
    }));
    using traced = new Traced(target, {}, kernel);
    const { fasttrap } = traced;
    const entry = traced.probe("work", "entry", [0]);
    const [original] = traced.bytes("work");
    Object.assign(watched, { fasttrap, address: entry.functionAddress });
    const enabling = noting([]);
    fasttrap.enable([entry], enabling);
    fasttrap.disable([entry], enabling);
    assertEquals([written, fasttrap.tracepoints.size], [[[1, 0xcc], [1, original]], 0]);
    await target.send();
  }));

/** A kernel that says of each process that it has a shadow stack, which no processor at hand need have. */
function shadowingKernel(): Kernel {
  return kernelWith((own) => ({
    "ft_read_file": (path, into, size) => {
      const length = own.ft_read_file(path, into, size);
      if (!/^\/proc\/\d+\/status/.test(new TextDecoder().decode(path as Uint8Array)) || length < 0) return length;
      const line = "x86_Thread_features:\tshstk \n";
      return length + new TextEncoder().encodeInto(line, (into as Uint8Array).subarray(length)).written;
    },
  }));
}

Deno.test("Fasttrap.enable() leaves calls and returns of a program with a shadow stack in their place, fasttrap rule 144", () =>
  withTarget("assembly", async (target) => {
    using traced = new Traced(target, {}, shadowingKernel());
    const { fasttrap, process: { image } } = traced;
    const { address, sizeBytes } = traced.find("work");
    const { offsets, returns } = findFunctionSites(image.isa, Uint8Array.from(traced.bytes("work")), address);
    const probes = [...offsets].map((offset) => traced.probe("work", "offset", [offset], offset.toString(16)));
    const leaves = traced.probe("work", "return", [...returns]);
    const foretold = probes.map((probe) => inspectProbe(fasttrap, probe).sites[0]!.performed);
    const values: number[] = [];
    const seen = new Set<string>();
    assertEquals(fasttrap.enable(probes, { fire: ({ probe }) => void seen.add(probe.name) }), []);
    assertEquals(fasttrap.enable([leaves], { fire: (hit) => void values.push(hit.arg(0), hit.returnValue) }), []);
    const performed = new Map([...fasttrap.tracepoints].map((tracepoint) => [tracepoint.pc, howPerformed(tracepoint)]));
    assertEquals(probes.map(({ sites: [pc] }) => performed.get(pc!)), foretold);
    // call *8f(%rip), call 9f, and ret.
    const stepped = [...fasttrap.tracepoints].filter((tracepoint) => howPerformed(tracepoint) === "step");
    assertEquals(stepped.map(({ instruction }) => instruction.flow).sort(), ["call", "indirect-call", "return"]);
    await target.send();
    traced.pumpUntil(() => !traced.process.alive);
    // It returns its second argument, or, once in four calls, the counter that it has exchanged that for.
    const last = sizeBytes - 1;
    assertEquals(values, [[last, 5], [last, 1], [last, 2], [last, 3]].flat());
    assertEquals(seen.size, probes.length - 1, "all instructions but ud2");
    assertEquals([await target.outcome(), traced.warnings], [await untraced("assembly", { args: [4] }), []]);
  }, { args: [4] }));

Deno.test("detach() says that it leaves a trap behind which cannot be taken out", () =>
  withTarget("calls", async (target) => {
    const { kernel, refusal } = refusingKernel();
    using traced = new Traced(target, {}, kernel);
    const { fasttrap, process } = traced;
    const entry = traced.probe("work", "entry", [0]);
    fasttrap.enable([entry], noting([]));
    refusal.on = true;
    const error = assertThrows(() => detach(fasttrap.tracer, process), SystemError);
    assertEquals([error.errno, error.subject], ["EIO", `process ${target.pid} at 1 addresses`]);
    assertEquals([process.alive, rawMemory(target.pid, entry.functionAddress, 1)[0]], [false, 0xcc]);
    // What is there for the death of a tracer stays, and sees to it.
    await target.send();
    assertEquals(await target.outcome(), await untraced("calls"));
  }));

Deno.test("Fasttrap.disable() keeps the tracepoint of a trap that cannot be taken out, and the program lives", () =>
  withTarget("spin", async (target) => {
    const { kernel, refusal } = refusingKernel();
    using traced = new Traced(target, {}, kernel);
    const { fasttrap } = traced;
    const original = traced.bytes("work");
    const seen: string[] = [];
    const enabling = noting(seen);
    const entry = traced.probe("work", "entry", [0]);
    fasttrap.enable([entry], enabling);
    traced.pumpUntil(() => seen.length > 0);
    refusal.on = true;
    fasttrap.disable([entry], enabling);
    assertEquals(traced.warnings, [`Cannot restore 1 instructions of process ${target.pid} yet`]);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work")[0]], [1, 0xcc]);
    // Threads go on through it; nothing fires.
    seen.length = 0;
    for (let i = 0; i < 200; i++) fasttrap.tracer.pump(100);
    assertEquals(seen, []);
    refusal.on = false;
    fasttrap.enable([entry], enabling);
    traced.pumpUntil(() => seen.length > 0);
    fasttrap.disable([entry], enabling);
    assertEquals([fasttrap.tracepoints.size, traced.bytes("work")], [0, original]);
    detach(fasttrap.tracer, traced.process);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [3] }));
