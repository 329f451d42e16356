/** Semaphores of static probes while modules, children and tracers come and go. The program itself prints what it sees. */

import { assertEquals } from "@std/assert";
import { type Hit, Session } from "../../mod.ts";
import { TargetProgram, TARGETS, until, untraced, within, withTarget } from "../support.ts";

const PLUGIN = `${TARGETS}static_plugin`;

/** What one program has printed, and what its tracer has seen. */
interface Family {
  readonly stdout: string;
  readonly hits: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

/** Traces a family of processes by a description. */
async function family(way: string, description: string, follow: boolean): Promise<Family> {
  const hits: Record<string, number> = {};
  const warnings: string[] = [];
  let stdout = "";
  await withTarget("static_family", async (target) => {
    await using session = new Session({ signals: false, follow, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    const count = (who: string) => hits[who] = (hits[who] ?? 0) + 1;
    session.enable(description, { handler: (hit) => count(hit.readString(hit.arg(1))!) });
    await target.send();
    await within(session.run(), "the end of all");
    const outcome = await target.outcome();
    assertEquals(outcome.end, "exited 0");
    stdout = outcome.stdout;
  }, { args: [way] });
  return { stdout, hits, warnings };
}

const UNSEEN = "parent 0\nchild 0\nexecuted 0\nagain 0\n";

Deno.test("Session lowers the semaphores of a child that is not followed, and keeps the parent's", async () => {
  assertEquals((await untraced("static_family", { args: ["fork"] })).stdout, UNSEEN);
  assertEquals(await family("fork", "family$target:::works", false), {
    stdout: "parent 1\nchild 0\nexecuted 0\nagain 1\n",
    hits: { parent: 3, again: 3 },
    warnings: [],
  });
});

for (const description of ["family$target:::works", "family*:::"]) {
  Deno.test(`Session with follow raises the semaphores of ${description} in children and in what they execute`, async () => {
    assertEquals(await family("fork", description, true), {
      stdout: "parent 1\nchild 1\nexecuted 1\nagain 1\n",
      hits: { parent: 3, child: 2, executed: 1, again: 3 },
      warnings: [],
    });
  });
}

Deno.test("Session leaves a semaphore alone that a child of vfork shares, and raises that of what it executes", async () => {
  assertEquals(await family("vfork", "family$target:::works", true), {
    stdout: "parent 1\nchild 1\nexecuted 1\nagain 1\n",
    hits: { parent: 3, child: 2, executed: 1, again: 3 },
    warnings: [],
  });
  assertEquals(
    (await family("vfork", "family$target:::works", false)).stdout,
    "parent 1\nchild 1\nexecuted 0\nagain 1\n",
  );
});

Deno.test("Session raises the semaphores of a library that is loaded later, wherever it comes to be", async () => {
  const args = [PLUGIN, 5, 1];
  const seen: number[][] = [];
  const warnings: string[] = [];
  await using target = await TargetProgram.start("plugins", { args });
  assertEquals(await target.line(), "ready");
  {
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    const note = (hit: Hit) => void seen.push([hit.arg(0), hit.probe.name === "gated" ? hit.arg(1) : -1]);
    const enabled = session.enable("plug$target:::", { allowNone: true, handler: note });
    const globs = session.enable("*$target:static_plugin:plugin_work:", { allowNone: true, handler: () => {} });
    await target.send();
    await within(session.run(), "the end");
    assertEquals([enabled.probes, enabled.hitsTotal], [[], 10]);
    // The glob is about the function's entry, returns and instructions as well.
    assertEquals(globs.hitsTotal > 20, true);
    await until(() => session.stats().providers.entries.length === 0, "the cleanup");
    assertEquals([session.stats().total, session.stats().tracepoints.entries], [0, []]);
  }
  assertEquals(await target.outcome(), { stdout: `5 places\n0 0 0 ${5 * 1000 + 10}\n`, end: "exited 6" });
  assertEquals(seen, Array.from({ length: 5 }, (_, n) => [[n, -1], [n, 1]]).flat());
  assertEquals(warnings, []);
});

Deno.test("Session calls the static probes of a library by its link map", async () => {
  const modules = new Set<string>();
  await withTarget("plugins", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    session.enable("plug$target:LM1`static_plugin::gated", {
      allowNone: true,
      handler: ({ probe }) => void modules.add(probe.module),
    });
    await target.send();
    await within(session.run(), "the end");
    assertEquals(await target.outcome(), { stdout: `5 places\n0 0 0 ${5 * 1000 + 10}\n`, end: "exited 6" });
  }, { args: [PLUGIN, 5, 1, "NEW"] });
  assertEquals([...modules], ["LM1`static_plugin"]);
});

Deno.test("Session takes back what a library has got that was unloaded while nobody followed it", async () => {
  await withTarget("plugins", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    let rounds = 0;
    const listed: number[] = [];
    // Probes at addresses are of no module that could be loaded later: nobody follows the modules.
    const at = (name: string) => {
      const [probe] = session.list(`pid$target:libc:${name}:entry`);
      return `pid$target::-:${session.inspect(probe!).sites[0]!.address.toString(16)}`;
    };
    const watch = session.enable(at("dlopen"), {
      handler: () => {
        // The library of the round before is gone.
        listed.push(session.list("plug$target:::", { allowNone: true }).length);
        if (++rounds === 3) watch[Symbol.dispose]();
      },
    });
    const inside = session.enable(at("dlsym"), {
      handler: () => listed.push(session.list("plug$target:::", { allowNone: true }).length),
    });
    await target.send();
    await within(session.run(), "the end");
    assertEquals(listed, [0, 2, 0, 2, 0, 2, 2, 2]);
    inside[Symbol.dispose]();
    assertEquals((await target.outcome()).stdout, "5 places\n0 0 0 15\n");
  }, { args: [PLUGIN, 5, 1] });
});

Deno.test("Session raises a semaphore that another tracer has raised by one more, and lowers it by one", async () => {
  await using target = await TargetProgram.start("static_notes", { args: [3] });
  assertEquals(await target.line(), "ready");
  const semaphoreOf = (session: Session) => {
    const [probe] = session.list("notes$target::work:gated-one");
    const [semaphore, ...others] = session.inspect(probe!).semaphores!;
    assertEquals(others, []);
    return semaphore!;
  };
  {
    // What a tracer that was killed leaves behind, or the kernel's uprobes.
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const { address, value } = semaphoreOf(session);
    assertEquals(value, 0);
    using memory = Deno.openSync(`/proc/${target.pid}/mem`, { read: true, write: true });
    memory.seekSync(address, Deno.SeekMode.Start);
    memory.writeSync(new Uint8Array([1, 0]));
    using first = session.enable("notes$target:::gated-one");
    assertEquals(semaphoreOf(session).value, 2);
    {
      using _second = session.enable("notes$target::other:");
      assertEquals(semaphoreOf(session).value, 2);
      first[Symbol.dispose]();
      assertEquals(semaphoreOf(session).value, 2);
    }
    assertEquals(semaphoreOf(session).value, 1);
  }
  await target.send();
  assertEquals((await target.outcome()).stdout, "worked 3 times, gated 3, semaphore 1\n");
});

for (const end of ["throw new TypeError('mine');", "Deno.exit(3);", "Deno.kill(Deno.pid, 'SIGTERM');"]) {
  Deno.test(`Session lowers semaphores when the tracing program ends by ${end}`, async () => {
    await using target = await TargetProgram.start("static_notes", { args: [3] });
    assertEquals(await target.line(), "ready");
    const code = `
      import { Session } from "${new URL("../../mod.ts", import.meta.url).href}";
      const session = new Session();
      session.attach(${target.pid});
      session.enable("notes$target:::", { handler: () => {} });
      const [probe] = session.list("notes$target::other:");
      console.log(session.inspect(probe).semaphores[0].value);
      setTimeout(() => { ${end} }, 0);
      await session.run();`;
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", code],
      stdout: "piped",
      stderr: "null",
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals([new TextDecoder().decode(output.stdout), output.success], ["1\n", false]);
    await target.send();
    assertEquals(await target.outcome(), {
      stdout: "worked 3 times, gated 0, semaphore 0\n",
      end: "exited 0",
    });
  });
}
