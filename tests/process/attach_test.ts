/** Attaching to processes, and refusing to. */

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Kernel, openKernel } from "../../ffi/ffi.ts";
import { DTraceError } from "../../lib/errors.ts";
import { attach, detach } from "../../lib/process/attach.ts";
import { judge } from "../../lib/process/permission.ts";
import { ESRCH } from "../../lib/process/ptrace.ts";
import type { StopListener } from "../../lib/process/stop_listener.ts";
import { Tracer } from "../../lib/process/tracer.ts";
import {
  assertTextUntouched,
  SOAK,
  stateOf,
  TargetProgram,
  tracerOf,
  until,
  untraced,
  withTarget,
} from "../support.ts";

/** A listener that has no tracepoints. */
const NOBODY: StopListener = {
  trapped: () => "unknown",
  adopts: () => false,
  started: () => {},
  executed: () => {},
  ended: () => {},
  closed: () => {},
  warn: () => {},
};

/** A tracer that is closed at the end of its block. */
class OwnTracer extends Tracer implements Disposable {
  constructor(kernel: Kernel = openKernel()) {
    super(kernel, NOBODY);
  }

  [Symbol.dispose](): void {
    for (const process of [...this.processes.values()]) detach(this, process);
    this.kernel[Symbol.dispose]();
  }
}

/** Asserts that a process cannot be attached, and that `judge` says so too. */
function assertRefused(tracer: Tracer, pid: number, why: string): void {
  const error = assertThrows(() => attach(tracer, pid), DTraceError, `Cannot grab process ${pid}: ${why}`);
  assertEquals(error.tag, "D_PROC_GRAB");
  const verdict = judge(tracer.kernel, pid);
  assertEquals([verdict.allowed, verdict.cause?.startsWith(why)], [false, true]);
  assert(tracer.idle);
}

Deno.test("D_PROC_GRAB: processes that cannot be attached, whoever asks", async () => {
  using tracer = new OwnTracer();
  assertRefused(tracer, Deno.pid, "it is this process itself");
  assertRefused(tracer, 0x7ffffff0, "there is no such process");
  await withTarget("spin", async (target) => {
    const tids = [...Deno.readDirSync(`/proc/${target.pid}/task`)].map(({ name }) => Number(name));
    const other = tids.find((tid) => tid !== target.pid)!;
    assertRefused(tracer, other, `it is a thread of process ${target.pid}`);
    await target.send();
  });
  if (/^Name:\tkthreadd/m.test(await Deno.readTextFile("/proc/2/status").catch(() => ""))) {
    assertRefused(tracer, 2, "it is a kernel thread");
  }
});

Deno.test("D_PROC_GRAB: a zombie", () =>
  withTarget("zombie", async (target) => {
    using tracer = new OwnTracer();
    const pid = Number(await target.line());
    await until(() => stateOf(pid) === "Z", "the end of the child");
    assertRefused(tracer, pid, `it has ended and waits for its parent, process ${target.pid}, to notice (a zombie)`);
    await target.send();
  }));

Deno.test("D_PROC_GRAB: a process whose first thread has exited", () =>
  withTarget("leader_exit", async (target) => {
    using tracer = new OwnTracer();
    await target.send();
    await until(() => stateOf(target.pid) === "Z", "the exit of the first thread");
    assertRefused(tracer, target.pid, "its first thread has exited, without which its memory cannot be found");
  }, { args: [2_000_000_000] }));

Deno.test("D_PROC_GRAB: a process that is traced already", () =>
  withTarget("traced", async (target) => {
    using tracer = new OwnTracer();
    assertRefused(tracer, target.pid, `it is already traced by launcher (pid ${tracerOf(target.pid)})`);
    await target.send();
  }));

Deno.test("D_PROC_GRAB: a child that shares the memory of its parent", () =>
  withTarget("vfork_waits", async (target) => {
    using tracer = new OwnTracer();
    await target.send();
    const children = () => Deno.readTextFileSync(`/proc/${target.pid}/task/${target.pid}/children`).trim();
    await until(() => children() !== "", "the child");
    assertRefused(tracer, Number(children()), `it shares the memory of its parent, process ${target.pid}, until`);
    await target.send();
  }));

Deno.test("judge() allows what attach() can do", () =>
  withTarget("spin", async (target) => {
    using tracer = new OwnTracer();
    const verdict = judge(tracer.kernel, target.pid);
    assertEquals([verdict.allowed, verdict.cause, verdict.hint], [true, undefined, undefined]);
    assert(verdict.checks.every(({ passes }) => passes !== false));
    assertEquals(tracerOf(target.pid), 0);
    const process = attach(tracer, target.pid);
    assertStrictEquals(attach(tracer, target.pid), process);
    assertEquals(process.threads.size, 5);
    for (const tid of process.threads.keys()) assert(tracerOf(tid) > 0);
    detach(tracer, process);
    assert(tracer.idle);
    for (const { name } of Deno.readDirSync(`/proc/${target.pid}/task`)) assertEquals(tracerOf(Number(name)), 0);
    await target.send();
    assertEquals((await target.outcome()).stdout, "right\n");
  }, { args: [4] }));

Deno.test("attach() catches every thread of a process that makes threads all the time", async () => {
  const args = [4000 * SOAK];
  await withTarget("churn", async (target) => {
    using tracer = new OwnTracer();
    await target.send();
    let rounds = 0;
    for (; rounds < 30 && stateOf(target.pid) !== "Z" && target.alive; rounds++) {
      let process;
      try {
        process = attach(tracer, target.pid);
      } catch (error) {
        // It has come to its end in the meantime.
        assert(error instanceof DTraceError && error.message.includes("ended"), `${error}`);
        break;
      }
      for (let i = 0; i < 20; i++) tracer.pump(100);
      tracer.quiesce(process.image);
      const tids = [...Deno.readDirSync(`/proc/${target.pid}/task`)].map(({ name }) => Number(name));
      for (const tid of tids) assert(process.threads.has(tid), `${tid} of ${tids} in round ${rounds}`);
      tracer.release();
      detach(tracer, process);
      assert(!process.alive);
    }
    assert(rounds > 3, `${rounds}`);
    const { stdout, end } = await untraced("churn", { args });
    assertEquals(await target.outcome(), { stdout, end });
  }, { args });
});

Deno.test("attach() reads the list of threads once more when nobody can be making one", () =>
  withTarget("waiting_threads", async (target) => {
    const own = openKernel();
    const last = Math.max(...[...Deno.readDirSync(`/proc/${target.pid}/task`)].map(({ name }) => Number(name)));
    let stopped = false;
    const changes: Partial<Kernel["call"]> = {
      // As if that thread were made between the last reading and the order to stop.
      "ft_seize": (tid, options) => tid === last && !stopped ? -ESRCH : own.call.ft_seize(tid, options),
      "ft_interrupt": (tid) => {
        stopped = true;
        return own.call.ft_interrupt(tid);
      },
    };
    const call: Kernel["call"] = Object.create(own.call, Object.getOwnPropertyDescriptors(changes));
    using tracer = new OwnTracer({ ...own, call });
    const process = attach(tracer, target.pid);
    assert(process.threads.has(last) && tracerOf(last) > 0);
    detach(tracer, process);
    await target.send();
    assertEquals(await target.outcome(), await untraced("waiting_threads"));
  }));

Deno.test("detach() has nothing to wait for when all threads have been let go", () =>
  withTarget("waiting_threads", async (target) => {
    using tracer = new OwnTracer();
    const process = attach(tracer, target.pid);
    assert(process.threads.size > 1 && !tracer.settled);
    detach(tracer, process);
    // Whoever traces the threads next would have their stops taken away.
    assertEquals(tracer.settled, true);
    await target.send();
    assertEquals(await target.outcome(), await untraced("waiting_threads"));
  }));

Deno.test("detach() of a process whose first thread has exited lets the others go", () =>
  withTarget("leader_exit", async (target) => {
    using tracer = new OwnTracer();
    const process = attach(tracer, target.pid);
    await target.send();
    const end = performance.now() + 10_000;
    while (stateOf(target.pid) !== "Z" && performance.now() < end) tracer.pump(1000);
    detach(tracer, process);
    const tids = [...Deno.readDirSync(`/proc/${target.pid}/task`)].map(({ name }) => Number(name));
    assertEquals(tids.filter((tid) => tracerOf(tid) > 0), [target.pid]);
    // The parent hears of the end when the tracer has taken notice of it.
    const outcome = target.outcome();
    let over = false;
    outcome.then(() => over = true);
    while (!over && performance.now() < end) {
      tracer.pump(100);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assertEquals((await outcome).end, "exited 3");
  }, { args: [50_000_000] }));

Deno.test("detach() of a process that has ended does nothing", async () => {
  await using target = await TargetProgram.start("idle");
  using tracer = new OwnTracer();
  const process = attach(tracer, target.pid);
  assertTextUntouched(target.pid);
  await target.send();
  const end = performance.now() + 10_000;
  while (process.alive && performance.now() < end) tracer.pump(1000);
  assertEquals(process.endStatus, 5 << 8);
  detach(tracer, process);
  assertEquals(await target.outcome(), { stdout: "ready\ndone\n", end: "exited 5" });
});
