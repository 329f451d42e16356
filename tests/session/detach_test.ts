/** Letting go: nothing is left behind, whenever it happens. */

import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { type DTraceError, type Hit, Session } from "../../mod.ts";
import { Random } from "../isa/x86_64/random.ts";
import {
  assertTextUntouched,
  changedText,
  rounds,
  SOAK,
  stateOf,
  TargetProgram,
  tracerOf,
  until,
  withTarget,
} from "../support.ts";

const WORK = "pid$target:a.out:work:entry";
const EVERYWHERE = "pid$target:a.out:work:";

/** Takes turns until something is so. */
async function runUntil(session: Session, condition: () => boolean): Promise<void> {
  for await (const _ of session.batches()) if (condition()) session.stop();
}

/** Lets `spin` come to its end, and asserts that it has been right. */
async function assertRight(target: TargetProgram): Promise<void> {
  assertEquals(tracerOf(target.pid), 0);
  assertTextUntouched(target.pid);
  await target.send();
  assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
}

Deno.test("Session.detach() restores a process of eight threads that was attached and enabled again and again", async () => {
  await withTarget("spin", async (target) => {
    const mappings = () => Deno.readTextFileSync(`/proc/${target.pid}/maps`).split("\n").length;
    const before = mappings();
    await using session = new Session({ signals: false });
    for (let round = 0; round < rounds(30, 1000); round++) {
      const traced = session.attach(target.pid);
      const next = new Map<number, number>();
      const handler = (hit: Hit) => {
        if (hit.probe.name !== "entry") return;
        // Each thread calls it with 0, 1, 2 and so on: none is missing.
        assertEquals(hit.arg(0), next.get(hit.tid) ?? hit.arg(0));
        next.set(hit.tid, hit.arg(0) + 1);
      };
      const enabled = session.enable(round % 2 === 0 ? WORK : EVERYWHERE, { handler });
      if (round % 10 === 0) await runUntil(session, () => enabled.hitsTotal > 0);
      session.detach(traced);
      assertTextUntouched(target.pid);
    }
    assertEquals(mappings(), before);
    await assertRight(target);
  }, { args: [8] });
});

Deno.test("Session[Symbol.dispose]() lets a sleeping process go, again and again", async () => {
  const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  for (let round = 0; round < rounds(30, 100); round++) {
    using session = new Session({ signals: false });
    session.attach(child.pid);
    session.enable("pid$target:libc.so.6:*nanosleep*:");
  }
  assertTextUntouched(child.pid);
  assertEquals([stateOf(child.pid), tracerOf(child.pid)], ["S", 0]);
  child.kill();
  assertEquals((await child.status).signal, "SIGTERM");
});

Deno.test("Session.attach() lets a process sleep as long as it was told to", async () => {
  const start = performance.now();
  const child = new Deno.Command("sleep", { args: ["0.5"] }).spawn();
  while (performance.now() - start < 400 && stateOf(child.pid) === "S") {
    using session = new Session({ signals: false });
    session.attach(child.pid);
    session.enable("pid$target:libc.so.6:*nanosleep*:");
  }
  assertEquals(await child.status, { success: true, code: 0, signal: null });
  assertGreaterOrEqual(performance.now() - start, 490);
});

Deno.test("Session.detach() during heavy hits, again and again", async () => {
  await withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    for (let round = 0; round < rounds(30, 1000); round++) {
      const traced = session.attach(target.pid);
      const enabled = session.enable(round % 3 === 0 ? WORK : EVERYWHERE, { handler: () => {} });
      const wanted = (round * 7) % 50;
      await runUntil(session, () => enabled.hitsTotal >= wanted);
      session.detach(traced);
    }
    await assertRight(target);
  }, { args: [4] });
});

Deno.test("Session.detach() at any moment after a trap has been executed", async () => {
  await withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    for (let round = 0; round < 1000 * SOAK; round++) {
      const traced = session.attach(target.pid);
      session.enable(WORK, { handler: () => {} });
      // The order to stop meets the thread before the trap, in it, between it and its signal, and behind that.
      const end = performance.now() + (round % 100) * 0.0007;
      while (performance.now() < end);
      session.detach(traced);
    }
    await assertRight(target);
  });
});

Deno.test("Enabled[Symbol.dispose]() during heavy hits, again and again", async () => {
  await withTarget("spin", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    for (let round = 0; round < rounds(30, 1000); round++) {
      using enabled = session.enable(round % 3 === 0 ? WORK : EVERYWHERE, { handler: () => {} });
      await runUntil(session, () => enabled.hitsTotal >= (round * 7) % 50);
    }
    session.detach(session.targets[0]!);
    await assertRight(target);
  }, { args: [4] });
});

for (
  const [way, act] of [
    ["lets the process go", (session: Session) => session.detach(session.targets[0]!)],
    ["disposes of the session", (session: Session) => session[Symbol.dispose]()],
  ] as const
) {
  for (const description of [WORK, EVERYWHERE, "pid$target:a.out:work:return"]) {
    Deno.test(`Session.run() ends when a handler ${way}: ${description.split(":").slice(2).join(":")}`, async () => {
      await withTarget("spin", async (target) => {
        await using session = new Session({ signals: false });
        session.attach(target.pid);
        let hits = 0;
        session.enable(description, {
          handler: () => {
            if (++hits === 30) act(session);
          },
        });
        await session.run();
        assertEquals(hits, 30);
        await assertRight(target);
      }, { args: [4] });
    });
  }
}

Deno.test("Enabled[Symbol.dispose]() in a handler ends the hits of its probes", async () => {
  for (const description of [WORK, EVERYWHERE, "pid$target:a.out:work:return"]) {
    await withTarget("spin", async (target) => {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      let hits = 0;
      const enabled = session.enable(description, {
        handler: () => {
          if (++hits === 10) enabled[Symbol.dispose]();
        },
      });
      const other = session.enable("pid$target:a.out:run:entry", { handler: () => {} });
      await runUntil(session, () => hits >= 10);
      assertEquals([hits, other.hitsTotal], [10, 0]);
      session.detach(session.targets[0]!);
      await assertRight(target);
    }, { args: [2] });
  }
});

Deno.test("Session.enable() in a handler adds probes", async () => {
  await withTarget("calls", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const order: string[] = [];
    const handler = (hit: Hit) => void order.push(hit.probe.name);
    session.enable(WORK, {
      handler: (hit) => {
        handler(hit);
        if (order.length === 2) session.enable("pid$target:a.out:work:return", { handler });
      },
    });
    await target.send();
    await session.run();
    assertEquals(order, ["entry", "entry", "return", "entry", "return"]);
    assertEquals((await target.outcome()).end, "exited 7");
  }, { args: [3] });
});

Deno.test("Session.enable() in a handler can make slots while the thread is in front of one", () =>
  withTarget("calls", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const seen = new Map<string, number>();
    const handler = ({ probe }: Hit) => {
      const name = `${probe.function}:${probe.name}`;
      seen.set(name, (seen.get(name) ?? 0) + 1);
    };
    session.enable(WORK, {
      handler: (hit) => {
        hit.setArg(0, hit.arg(0));
        if (hit.arg(0) === 1) session.enable("pid$target:a.out::", { handler });
      },
    });
    await target.send();
    await session.run();
    // The call in which the probes were made counts from its second instruction on.
    assertEquals([seen.get("work:entry"), seen.get("work:return")], [18, 19]);
    assertEquals(await target.outcome(), { stdout: "sum 590\n", end: "exited 7" });
  }, { args: [20] }));

Deno.test("Session.run() rejects with what a handler throws, and the process lives on", async () => {
  class Oops extends Error {}
  for (const description of [WORK, EVERYWHERE, "pid$target:a.out:work:return"]) {
    await withTarget("spin", async (target) => {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      let hits = 0;
      session.enable(description, {
        handler: () => {
          if (++hits === 25) throw new Oops("stop here");
        },
      });
      await assertRejects(() => session.run(), Oops, "stop here");
      assert(hits >= 25);
      await assertRight(target);
    }, { args: [3] });
  }
});

Deno.test("Session.run() ends when a process is killed at random moments", async () => {
  const random = new Random(7);
  for (let round = 0; round < rounds(20, 1000); round++) {
    await withTarget("spin", async (target) => {
      await using session = new Session({ signals: false });
      // From before it is attached until long after the first hits.
      const timer = setTimeout(() => Deno.kill(target.pid, "SIGKILL"), random.below(12));
      try {
        if (round % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
        const traced = session.attach(target.pid);
        const enabled = session.enable(EVERYWHERE, { handler: () => {}, allowNone: true });
        while (traced.alive) await runUntil(session, () => enabled.hitsTotal % 100 === 0);
        assertEquals(traced.end, { code: undefined, signal: 9 });
      } catch (error) {
        // It had gone before it was attached.
        assertEquals((error as DTraceError).tag, "D_PROC_GRAB");
      } finally {
        clearTimeout(timer);
      }
      await until(() => !target.alive, "the end of the process");
      assertEquals((await target.outcome()).end, "killed 9");
    }, { args: [4] });
  }
});

Deno.test("Session.run() ends when a process is killed: during hits, enabling and letting go", async () => {
  for (let round = 0; round < 12 * SOAK; round++) {
    await withTarget("spin", async (target) => {
      await using session = new Session({ signals: false });
      const traced = session.attach(target.pid);
      const kill = () => Deno.kill(target.pid, "SIGKILL");
      if (round % 4 === 0) kill();
      const enabled = session.enable(EVERYWHERE, {
        handler: () => {
          if (enabled.hitsTotal === round * 3 && round % 4 === 1) kill();
        },
        allowNone: true,
      });
      if (round % 4 > 1) await runUntil(session, () => enabled.hitsTotal > round);
      if (round % 4 === 2) kill();
      if (round % 4 === 3) {
        kill();
        session.detach(traced);
      }
      await session.run();
      if (round % 4 !== 3) assertEquals(traced.end, { code: undefined, signal: 9 });
      assertEquals((await target.outcome()).end, "killed 9");
    }, { args: [4] });
  }
});

for (const args of [[], ["filtered"]]) {
  const where = args.length === 0 ? "slots" : "their place";
  Deno.test(`Session.detach() lets threads go that are blocked in system calls made in ${where}`, () =>
    withTarget("blocked", async (target) => {
      const warnings: string[] = [];
      await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
      const traced = session.attach(target.pid);
      const entry = session.enable("pid$target:a.out:work:entry", { handler: () => {} });
      const enabled = session.enable("pid$target:a.out:work:", { handler: () => {} });
      await target.send();
      await runUntil(session, () => allIn(target.pid, "read"));
      session.detach(traced);
      // While one thread steps in its place, others are not seen at the system call itself.
      const least = args.length === 0 ? 4 * 7 : 4 * 6 + 1;
      assertEquals([entry.hitsTotal, enabled.hitsTotal >= least], [4, true]);
      assertEquals([tracerOf(target.pid), changedText(target.pid)], [0, []]);
      assertTextUntouched(target.pid);
      await target.send("abcd");
      assertEquals(await target.outcome(), { stdout: "read 4\n", end: "exited 0" });
      const unseen = warnings.filter((warning) =>
        /^Cannot see other threads .* is blocked in a system call/.test(warning)
      );
      assertEquals(warnings, unseen);
      assertEquals(unseen.length > 0, args.length > 0);
    }, { args }));
}

/** Whether all threads of a process but the first are blocked in a system call. */
function allIn(pid: number, call: "read"): boolean {
  const numbers = { read: "0" };
  return [...Deno.readDirSync(`/proc/${pid}/task`)].every(({ name }) =>
    Number(name) === pid || Deno.readTextFileSync(`/proc/${pid}/task/${name}/syscall`).startsWith(`${numbers[call]} `)
  );
}

for (const options of [{ count: true }, { record: () => {} }, { handler: () => {} }]) {
  const way = Object.keys(options)[0];
  Deno.test(`Session.detach() leaves a program alive that has forbidden itself all calls since { ${way} } was enabled`, async () => {
    await using target = await TargetProgram.start("filtered", { args: [100, 2] });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    const traced = session.attach(target.pid);
    const work = session.enable("pid$target:a.out:work:", options);
    await target.send();
    const running = session.run();
    assertEquals(await target.line(), "ready");
    const copy = session.enable("pid$target:a.out:copy:", options);
    assertEquals(copy.unplaced, []);
    session.stop();
    await running;
    work[Symbol.dispose]();
    session.detach(traced);
    assertEquals(changedText(target.pid), []);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "copied\nsum 957\n", end: "exited 0" });
  });
}
