/** Which processes and modules a description of static probes is about. */

import { assertEquals, assertThrows } from "@std/assert";
import { closeSync, openSync } from "node:fs";
import { Session } from "../../mod.ts";
import { DTraceError } from "../../lib/errors.ts";
import { writeDof } from "../../lib/object/dof_writer.ts";
import { subjectOf } from "../../lib/session/subject.ts";
import { parseProbeDescription } from "../../lib/spec/probe_description.ts";
import { EXAMPLE } from "../object/dof_examples.ts";
import { type TargetProgram, TARGETS, untraced, within, withTarget } from "../support.ts";
import { Workshop } from "../programs/real_program.ts";

Deno.test("subjectOf() finds the process that a provider field ends with", () => {
  const pidOf = (provider: string, target?: number) => subjectOf(parseProbeDescription(`${provider}:::`), target).pid;
  assertEquals(pidOf("pid$target", 77), 77);
  assertEquals(pidOf("ruby3$target", 77), 77);
  assertEquals(pidOf("*$target", 77), 77);
  assertEquals(pidOf("pid123", 77), 123);
  assertEquals(pidOf("postgresql*", 77), undefined);
  assertEquals(pidOf("", 77), undefined);
  assertEquals(pidOf("$target*", 77), undefined);
  assertEquals(subjectOf(parseProbeDescription("ruby3$target:m:f:n"), 77).fields.provider, "ruby377");
  assertThrows(() => pidOf("pid$target"), DTraceError, "macro variable $target is not defined");
  assertThrows(() => pidOf("$target", 77), DTraceError, "'77' is not a valid provider");
});

/** Starts a program that a session holds; it has nothing to read, and what it prints can be read when it has ended. */
function start(session: Session, workshop: Workshop, program: string, args: string[], env: string[] = []) {
  const path = `${workshop.path}/output`;
  const [stdin, stdout] = [openSync("/dev/null", "r"), openSync(path, "w")];
  const target = session.spawn(`${TARGETS}${program}`, { args, stdin, stdout, env });
  [stdin, stdout].forEach(closeSync);
  return { target, printed: () => Deno.readTextFileSync(path) };
}

/** Two programs with static probes, of which the first is attached. */
async function withTwo(fn: (session: Session, first: TargetProgram, second: TargetProgram) => Promise<void>) {
  await withTarget("static_notes", (first) =>
    withTarget("static_notes", async (second) => {
      const session = new Session({ signals: false });
      {
        await using _ = session;
        session.attach(first.pid);
        await fn(session, first, second);
        await first.send();
        await second.send();
        await within(session.run(), "the end of both");
      }
      const gated = (await untraced("static_notes", { args: [2] })).stdout.replace(/gated.*/, "");
      for (const target of [first, second]) {
        const { stdout, end } = await target.outcome();
        assertEquals([stdout.replace(/gated.*/, ""), end], [gated, "exited 0"]);
      }
    }, { args: [2] }), { args: [2] });
}

Deno.test("Session.enable() of no process in particular means the static probes of all targets, and of those to come", async () => {
  const seen: string[] = [];
  let pids: number[] = [];
  await withTwo((session, first, second) => {
    pids = [first.pid, second.pid];
    const handler = ({ pid, probe }: { pid: number; probe: { name: string } }) =>
      seen.push(`${pids.indexOf(pid)} ${probe.name}`);
    const enabled = session.enable("note?*::other:", { handler });
    assertEquals(enabled.probes.map(({ provider }) => provider), [`notes${first.pid}`]);
    session.attach(second.pid);
    assertEquals(enabled.probes.map(({ provider }) => provider), pids.map((pid) => `notes${pid}`));
    // An empty provider means any, but no function of that name.
    assertEquals(session.list(":::gated-one").length, 4);
    assertEquals(session.list("::other:", { allowNone: true }).length, 2);
    return Promise.resolve();
  });
  assertEquals(seen.sort(), ["0 gated-one", "0 gated-one", "1 gated-one", "1 gated-one"]);
});

Deno.test("Session.enable() of no process in particular makes no probes of functions, but finds those that are there", () =>
  withTwo((session, first) => {
    assertThrows(() => session.enable("p*::other:entry"), DTraceError, "does not match any probes");
    assertEquals(session.stats().total > 0, true);
    using _entry = session.enable(`pid${first.pid}::other:entry`, { handler: () => {} });
    assertEquals(session.list("p*::other:entry").map(({ provider }) => provider), [`pid${first.pid}`]);
    return Promise.resolve();
  }));

Deno.test("D_PDESC_ZERO: a description of no process in particular, without a process", () => {
  using session = new Session({ signals: false });
  const error = assertThrows(() => session.list("notes*:::"), DTraceError);
  assertEquals([error.tag, error.hint], [
    "D_PDESC_ZERO",
    "probes of functions have providers such as pid1234 or pid$target",
  ]);
  assertEquals(session.list("notes*:::", { allowNone: true }), []);
});

Deno.test("Session.enable() traces in programs that it starts what is enabled for no process in particular", async () => {
  using workshop = new Workshop();
  await using session = new Session({ signals: false });
  let hits = 0;
  session.enable("family*:::", { allowNone: true, handler: () => hits++ });
  const { printed } = start(session, workshop, "static_family", ["executed"]);
  await within(session.run(), "the end");
  assertEquals([hits, printed()], [1, "executed 1\n"]);
});

Deno.test("Session.list() knows static modules by a part of their name and as a.out, and providers that end in digits", () =>
  withTwo((session, first) => {
    const namesOf = (description: string) =>
      session.list(description, { allowNone: true }).map(({ module, name }) => `${module}:${name}`);
    const odd = "static_notes:odd";
    for (const module of ["a.out", "static_notes", "/any/where/static_notes", "static_*", ""]) {
      assertEquals([module, namesOf(`notes$target:${module}::odd`)], [module, [odd]]);
    }
    assertEquals(namesOf("notes$target:static::odd"), []);
    const provider = { ...EXAMPLE[1]!, name: "node18" };
    using _ = session.addDof(first.pid, writeDof([provider]), { module: "libnode.so.108" });
    const [probe] = session.list("node18$target:libnode::");
    assertEquals([probe?.provider, probe?.module], [`node18${first.pid}`, "libnode.so.108"]);
    return Promise.resolve();
  }));

Deno.test("Session traces two libraries of one name with one provider, each with its own sites", async () => {
  using workshop = new Workshop();
  const libraries = ["one", "two"].map((folder) => {
    Deno.mkdirSync(`${workshop.path}/${folder}`);
    Deno.copyFileSync(`${TARGETS}static_plugin`, `${workshop.path}/${folder}/plugin.so`);
    return `${workshop.path}/${folder}/plugin.so`;
  });
  const pcs = new Set<number>();
  await using session = new Session({ signals: false });
  // The copies are loaded before the program, which calls neither.
  const { target, printed } = start(session, workshop, "static_family", ["executed"], [
    `LD_PRELOAD=${libraries.join(":")}`,
  ]);
  const enabled = session.enable("plug$target:plugin.so::", { handler: ({ pc }) => void pcs.add(pc) });
  const sites = enabled.probes.map((probe) => session.inspect(probe).sites.map(({ address }) => address));
  assertEquals([sites.length, new Set(sites.flat()).size, enabled.unplaced], [4, 4, []]);
  assertEquals(enabled.probes.map(({ name }) => name).sort(), ["always", "always", "gated", "gated"]);
  await within(session.run(), "the end");
  assertEquals([target.end?.code, pcs.size, printed()], [0, 0, "executed 0\n"]);
});

Deno.test("Session takes back of a provider that two libraries have in common what the unloaded one has got", async () => {
  using workshop = new Workshop();
  Deno.copyFileSync(`${TARGETS}static_plugin`, `${workshop.path}/preloaded.so`);
  const counts: number[] = [];
  await using session = new Session({ signals: false });
  const { target, printed } = start(session, workshop, "plugins", [`${TARGETS}static_plugin`, "3", "1"], [
    `LD_PRELOAD=${workshop.path}/preloaded.so`,
  ]);
  let hits = 0;
  const enabled = session.enable("plug$target:::", { handler: () => hits++ });
  const all = enabled.probes;
  const count = () => {
    const names = session.list("plug$target:::").map(({ module }) => module);
    counts.push(names.length);
    assertEquals(names.filter((module) => module === "preloaded.so").length, 2);
    const providers = session.stats().providers.entries.filter(({ name }) => name.startsWith("plug"));
    assertEquals(providers.map(({ retired, meta }) => [retired, meta]), [[false, names.length / 2]]);
  };
  for (const name of ["dlopen", "dlsym"]) session.enable(`pid$target:libc:${name}:entry`, { handler: count });
  await within(session.run(), "the end");
  // Before the library is loaded, and when it is there.
  assertEquals([target.end?.code, counts], [6, [2, 4, 2, 4, 2, 4]]);
  assertEquals(printed(), "ready\n3 places\n0 0 0 3003\n");
  assertEquals([all.map(({ module }) => module), hits], [["preloaded.so", "preloaded.so"], 6]);
});
