/** Probes at addresses that the caller knows, and everything that can be wrong with them. */

import { assertEquals, assertThrows } from "@std/assert";
import { ProbeDevice } from "../../lib/fasttrap/device.ts";
import { type ProbeSpec, Session, type SessionOptions, SystemError } from "../../mod.ts";
import { rawMemory, type TargetProgram, until, withTarget } from "../support.ts";
import { kernelWith, Traced } from "./traced.ts";

const EACCES = 13;

/** Runs a target with a session, and a specification of a function of it. */
function withDevice(
  name: string,
  fn: (session: Session, spec: ProbeSpec, target: TargetProgram) => Promise<void> | void,
  options: { session?: SessionOptions; functionName?: string } = {},
): Promise<void> {
  return withTarget(name, async (target) => {
    let place: { address: number; sizeBytes: number };
    {
      using traced = new Traced(target);
      place = traced.find(options.functionName ?? "work");
    }
    const spec = {
      pid: target.pid,
      providerType: "pid",
      probeType: "entry",
      module: "code",
      function: "made",
      offsets: [0],
      ...place,
    } as const;
    await using session = new Session({ signals: false, ...options.session });
    await fn(session, spec, target);
    session[Symbol.dispose]();
    await target.send();
    await target.outcome();
  });
}

function errnoOf(fn: () => unknown): string {
  return assertThrows(fn, SystemError).errno;
}

Deno.test("Device.makeProbe() makes probes that descriptions find by the names that they were given", () =>
  withDevice("calls", async (session, spec, target) => {
    const [entry] = session.device.makeProbe(spec);
    assertEquals(String(entry), `pid${target.pid}:code:made:entry`);
    const last = spec.sizeBytes - 1;
    const returns = session.device.makeProbe({ ...spec, probeType: "return", offsets: [last] });
    const offsets = session.device.makeProbe({ ...spec, probeType: "offsets", offsets: [last, 0] });
    assertEquals([returns.length, offsets.map(({ name }) => name)], [1, ["0", last.toString(16)]]);
    const once = session.device.makeProbe({ ...spec, providerType: "oneshot" });
    const far = { ...spec, function: "far", sizeBytes: 64, probeType: "offsets" } as const;
    assertEquals(session.device.makeProbe({ ...far, offsets: [0x1f] }).map(({ name }) => name), ["1f"]);
    const seen = new Map<string, number>();
    const handler = ({ probe }: { probe: unknown }) => void seen.set(`${probe}`, (seen.get(`${probe}`) ?? 0) + 1);
    session.enable("pid$target:code:made:", { handler });
    session.enable("one*$target::made:", { handler });
    await target.send();
    await session.run();
    const expected = [entry, ...returns, ...offsets].map((probe) => [`${probe}`, 10]);
    assertEquals([...seen].sort(), [...expected, [`${once[0]}`, 1]].sort());
    assertEquals(await target.outcome(), { stdout: "sum 145\n", end: "exited 7" });
  }));

Deno.test("Device.makeProbe() of what is there already changes nothing", () =>
  withDevice("idle", (session, spec) => {
    const [first] = session.device.makeProbe(spec);
    assertEquals([session.device.makeProbe(spec)[0], session.stats().total], [first, 1]);
    session.device.makeProbe({ ...spec, probeType: "offsets", offsets: [0] });
    session.device.makeProbe({ ...spec, probeType: "offsets", offsets: [0, 1] });
    assertEquals(session.stats().total, 3);
    // A function of the same names elsewhere is another one.
    const [other] = session.device.makeProbe({ ...spec, address: spec.address + 1 });
    assertEquals([other === first, session.stats().total], [false, 4]);
  }));

Deno.test("Device.makeProbe() refuses numbers of offsets before it looks at them: EINVAL, ENOMEM", () =>
  withDevice("idle", (session, spec) => {
    const make = (offsets: unknown) => () => session.device.makeProbe({ ...spec, offsets: offsets as number[] });
    assertEquals(errnoOf(make([])), "EINVAL");
    assertEquals(errnoOf(make(undefined)), "EINVAL");
    assertEquals(errnoOf(make({ length: 2 ** 61 })), "EINVAL");
    assertEquals(errnoOf(make(Array.from({ length: 131_043 }, (_, i) => i))), "ENOMEM");
    const most = { ...spec, probeType: "return" as const, sizeBytes: 131_042 };
    session.device.makeProbe({ ...most, offsets: Array.from({ length: 131_042 }, (_, i) => i) });
    assertEquals(session.stats().total, 131_042);
  }));

Deno.test("Device.makeProbe() refuses offsets that cannot be: EINVAL", () =>
  withDevice("idle", (session, spec) => {
    for (const offsets of [[-1], [0.5], [NaN], [2 ** 53], [spec.sizeBytes], [0, 0], ["0"], [null]]) {
      const make = () => session.device.makeProbe({ ...spec, probeType: "offsets", offsets: offsets as number[] });
      assertEquals(errnoOf(make), "EINVAL", String(offsets));
    }
    for (const change of [{ address: -1 }, { address: 2 ** 53 }, { sizeBytes: -1 }, { sizeBytes: NaN }]) {
      assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, ...change })), "EINVAL");
    }
    assertEquals(session.stats().total, 0);
  }));

Deno.test("Device.makeProbe() wants names that fit, in Unicode, without control characters: EINVAL", () =>
  withDevice("idle", (session, spec) => {
    const make = (change: Partial<ProbeSpec>) => () => session.device.makeProbe({ ...spec, ...change });
    for (const name of ["a".repeat(128), "é".repeat(64), "a\nb", "\x7f", "\0", "\ud800"]) {
      assertEquals(errnoOf(make({ function: name })), "EINVAL", JSON.stringify(name));
    }
    assertEquals(errnoOf(make({ module: "m".repeat(64) })), "EINVAL");
    // The test of one name does not depend on the other.
    assertEquals(errnoOf(make({ function: "a".repeat(128), module: "" })), "EINVAL");
    assertEquals(errnoOf(make({ function: 3 as unknown as string })), "EINVAL");
    for (const name of ["a".repeat(127), "é".repeat(63), "operator new", ""]) make({ function: name })();
    make({ module: "m".repeat(63) })();
  }));

Deno.test("Device.makeProbe() knows entry, return, offsets of pid, objc, oneshot and no other: EINVAL", () =>
  withDevice("idle", (session, spec) => {
    for (const type of ["is-enabled", "post-offsets", "ENTRY", undefined, 1]) {
      const probeType = type as ProbeSpec["probeType"];
      assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, probeType })), "EINVAL");
    }
    for (const type of ["usdt", "", "none", 0]) {
      const providerType = type as ProbeSpec["providerType"];
      assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, providerType })), "EINVAL");
    }
    assertEquals(session.targets.length, 0);
  }));

Deno.test("Device.makeProbe() reads what it is given once", () =>
  withDevice("idle", (session, spec) => {
    let reads = 0;
    const changing = {
      ...spec,
      get offsets() {
        return reads++ === 0 ? [0] : Array.from({ length: 1000 }, (_, i) => i);
      },
    };
    assertEquals([session.device.makeProbe(changing).length, reads, session.stats().total], [1, 1, 1]);
    // An array that has ideas of its own about its elements.
    const offsets = Object.defineProperty([1, 2], 0, { get: () => reads++ });
    Object.assign(offsets, { slice: () => Array.from({ length: 1000 }, (_, i) => i) });
    assertEquals(session.device.makeProbe({ ...spec, probeType: "offsets", offsets }).map(({ name }) => name), [
      "1",
      "2",
    ]);
    assertEquals([reads, session.stats().total], [2, 3]);
  }));

Deno.test("Device.makeProbe() and getInstr() of what is no living process: ESRCH, and EINVAL for no pid", () =>
  withDevice("zombie", async (session, spec, target) => {
    const parent = target.pid;
    await until(() => zombieOf(parent) !== undefined, "a zombie");
    const zombie = zombieOf(parent)!;
    const unused = 4_194_303;
    for (const pid of [zombie, unused, 2]) {
      assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, pid })), "ESRCH", String(pid));
      assertEquals(errnoOf(() => session.device.getInstr(pid, spec.address)), "ESRCH");
    }
    for (const pid of [0, -1, 1.5, NaN, 2 ** 31]) {
      assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, pid })), "EINVAL");
      assertEquals(errnoOf(() => session.device.getInstr(pid, spec.address)), "EINVAL");
    }
  }, { functionName: "main" }));

Deno.test("Device.makeProbe() and getInstr() ask the kernel each time whether they may: EPERM", () =>
  withTarget("idle", async (target) => {
    // The program may have got other rights since by executing another.
    let refuses = false;
    const kernel = kernelWith((own) => ({
      "ft_open": (path, writable) => refuses && writable === 1 ? -EACCES : own.ft_open(path, writable),
    }));
    using traced = new Traced(target, {}, kernel);
    const { fasttrap, process } = traced;
    const device = new ProbeDevice(fasttrap, () => process);
    const { address, sizeBytes } = traced.find("work");
    const spec: ProbeSpec = {
      ...{ pid: target.pid, providerType: "pid", probeType: "entry", module: "code", function: "made" },
      ...{ address, sizeBytes, offsets: [0] },
    };
    assertEquals(device.makeProbe(spec).length, 1);
    assertEquals(errnoOf(() => device.getInstr(target.pid, address)), "ENOENT");
    refuses = true;
    assertEquals(errnoOf(() => device.makeProbe({ ...spec, function: "another" })), "EPERM");
    assertEquals(errnoOf(() => device.getInstr(target.pid, address)), "EPERM");
    refuses = false;
    assertEquals([fasttrap.total, device.makeProbe(spec).length], [1, 1]);
    await target.send();
  }));

Deno.test("Device.makeProbe() for a vfork child, which is in its parent's memory: ESRCH", () =>
  withDevice("vfork_waits", async (session, spec, target) => {
    await target.send();
    const children = () => Deno.readTextFileSync(`/proc/${target.pid}/task/${target.pid}/children`).trim();
    await until(() => children() !== "", "the child");
    assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, pid: Number(children()) })), "ESRCH");
    session.device.makeProbe(spec);
    assertEquals(errnoOf(() => session.device.makeProbe({ ...spec, pid: Number(children()) })), "ESRCH");
  }));

Deno.test("Device.makeProbe() allows as many tracepoints as the limit: ENOMEM, and what was made stays a while", () =>
  withDevice("calls", async (session, spec) => {
    const make = (offsets: number[]) => session.device.makeProbe({ ...spec, probeType: "offsets", offsets });
    make([0, 1, 2, 3]);
    make([4]);
    assertEquals(errnoOf(() => make([5])), "ENOMEM");
    const { providers, total } = session.stats();
    assertEquals([total, providers.entries.map(({ probes, marked }) => [probes, marked])], [5, [[5, true]]]);
    // Nobody has enabled any: the provider was an accident and goes.
    const { cleanups } = session.stats();
    await until(() => session.stats().cleanups > cleanups, "the cleanup");
    assertEquals([session.stats().total, session.stats().providers.entries], [0, []]);
    make([5]);
  }, { session: { limit: 5 } }));

Deno.test("Device.makeProbe() beyond the limit destroys probes that nobody has enabled, and keeps the others", () =>
  withDevice("calls", async (session, spec, target) => {
    const make = (offsets: number[]) => session.device.makeProbe({ ...spec, probeType: "offsets", offsets });
    make([0, 1, 2]);
    let hits = 0;
    session.enable("pid$target:code:made:0", { handler: () => void hits++ });
    assertEquals(errnoOf(() => make([3])), "ENOMEM");
    const { cleanups } = session.stats();
    await until(() => session.stats().cleanups > cleanups, "the cleanup");
    assertEquals([session.stats().total, session.stats().providers.entries.map(({ probes }) => probes)], [1, [1]]);
    await target.send();
    await session.run();
    assertEquals(hits, 10);
  }, { session: { limit: 3 } }));

Deno.test("Device.getInstr() gives the original first byte of a live tracepoint: ENOENT without one", () =>
  withDevice("spin", (session, spec) => {
    const { device } = session;
    const [original] = rawMemory(spec.pid, spec.address, 1);
    assertEquals(errnoOf(() => device.getInstr(spec.pid, spec.address)), "ENOENT");
    device.makeProbe(spec);
    assertEquals(errnoOf(() => device.getInstr(spec.pid, spec.address)), "ENOENT");
    const enabled = session.enable(`pid${spec.pid}:code:made:entry`, { handler: () => {} });
    assertEquals([rawMemory(spec.pid, spec.address, 1)[0], device.getInstr(spec.pid, spec.address)], [0xcc, original]);
    assertEquals(errnoOf(() => device.getInstr(spec.pid, spec.address + 1)), "ENOENT");
    for (const pc of [-1, 2 ** 53, NaN, 0.5]) assertEquals(errnoOf(() => device.getInstr(spec.pid, pc)), "EINVAL");
    enabled[Symbol.dispose]();
    assertEquals(errnoOf(() => device.getInstr(spec.pid, spec.address)), "ENOENT");
  }));

Deno.test("Device refuses everything when its session is closed: EAGAIN", () =>
  withDevice("idle", (session, spec) => {
    session[Symbol.dispose]();
    assertEquals(errnoOf(() => session.device.makeProbe(spec)), "EAGAIN");
    assertEquals(errnoOf(() => session.device.getInstr(spec.pid, spec.address)), "EAGAIN");
  }));

Deno.test("Device.makeProbe() makes probes where nothing is, which cannot be placed", () =>
  withDevice("idle", (session, spec) => {
    session.device.makeProbe({ ...spec, address: 4096, function: "nowhere" });
    const { unplaced } = session.enable(`pid${spec.pid}:code:nowhere:entry`);
    assertEquals(unplaced.map(({ reason }) => reason), ["its memory cannot be read, at offset 0x0"]);
  }));

function zombieOf(parent: number): number | undefined {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, ppid] = text.slice(text.lastIndexOf(")") + 2).split(" ");
      if (state === "Z" && Number(ppid) === parent) return Number(name);
    } catch {
      // It has gone meanwhile.
    }
  }
  return undefined;
}
