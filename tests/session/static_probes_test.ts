/** Static probes of running programs: notes with operands and semaphores, DOF with argument maps and is-enabled sites. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { toAddress } from "../../lib/address.ts";
import { detach } from "../../lib/process/attach.ts";
import { listModules, Module } from "../../lib/process/modules.ts";
import { StaticProbes } from "../../lib/session/static_probes.ts";
import { Traced } from "../fasttrap/traced.ts";
import { TargetProgram, untraced, within, withTarget } from "../support.ts";

const TIMES = 7;

/** Traces a program from when it is ready to its end, and compares what it prints with `expected`. */
async function trace(
  name: string,
  expected: string,
  setUp: (session: Session, pid: number) => void,
): Promise<string[]> {
  await using target = await TargetProgram.start(name, { args: [TIMES] });
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  {
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    session.attach(target.pid);
    setUp(session, target.pid);
    await target.send();
    await within(session.run(), "the end of the run");
  }
  assertEquals(await target.outcome(), { stdout: expected, end: "exited 0" });
  return warnings;
}

Deno.test("Session reads the arguments of SystemTap notes from wherever they are", async () => {
  const seen: number[][] = [];
  const texts: (string | undefined)[] = [];
  const warnings = await trace("static_notes", `worked ${TIMES} times, gated 0, semaphore 0\n`, (session) => {
    session.enable("notes$target:::places", {
      handler: (hit) => {
        seen.push([0, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((index) => hit.arg(index)));
        texts.push(hit.readString(hit.arg(1)));
      },
    });
  });
  const expected = Array.from({ length: TIMES }, (_, n) => {
    const high = (0x1234 + n) >> 8;
    return [n, n + 2, n + 1, -3, -6 - n, n, high, 78 + n, n + 0.5, 0];
  });
  assertEquals([seen, texts, warnings], [expected, Array(TIMES).fill("text"), []]);
});

Deno.test("Session raises a semaphore once for all that need it, and lowers it", async () => {
  const hits: number[] = [];
  const warnings = await trace(
    "static_notes",
    `worked ${TIMES} times, gated ${TIMES}, semaphore 1\n`,
    (session) => {
      const first = session.enable("notes$target:::gated-one", { handler: (hit) => hits.push(hit.arg(0)) });
      const second = session.enable("notes$target::work:gated*", { handler: () => {} });
      assertEquals([first.probes.length, second.probes.length], [2, 1]);
      second[Symbol.dispose]();
    },
  );
  const expected = Array.from({ length: TIMES }, (_, n) => [n, n === 0 ? 0 : -n]).flat();
  assertEquals([hits.map((hit) => hit || 0), warnings], [expected, []]);
});

Deno.test("Session lowers semaphores when it lets a program go, and when probes are disabled", async () => {
  for (const end of ["disable", "detach"] as const) {
    await using target = await TargetProgram.start("static_notes", { args: [TIMES] });
    assertEquals(await target.line(), "ready");
    {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      const enabled = session.enable("notes$target:::gated-one");
      if (end === "disable") enabled[Symbol.dispose]();
    }
    await target.send();
    const { stdout } = await target.outcome();
    assertEquals([end, stdout], [end, `worked ${TIMES} times, gated 0, semaphore 0\n`]);
  }
});

Deno.test("Session fires a probe one of whose operands is not understood, which is 0", async () => {
  const seen: number[][] = [];
  await trace("static_notes", `worked ${TIMES} times, gated 0, semaphore 0\n`, (session) => {
    session.enable("notes$target:::odd", { handler: (hit) => seen.push([hit.arg(0), hit.arg(1)]) });
  });
  assertEquals(seen, Array.from({ length: TIMES }, (_, n) => [0, n]));
});

Deno.test("Session lists static probes by globs over providers", async () => {
  await trace("static_notes", `worked ${TIMES} times, gated 0, semaphore 0\n`, (session, pid) => {
    const names = (description: string) =>
      session.list(description).map(({ provider, module, function: functionName, name }) =>
        `${provider}:${module}:${functionName}:${name}`.replace(String(pid), "PID")
      );
    const all = ["work:places", "work:gated-one", "work:odd", "other:gated-one"]
      .map((name) => `notesPID:static_notes:${name}`);
    assertEquals(names("*$target:::"), all);
    assertEquals(names("notes$target:::"), all);
    assertEquals(names("n[o]t*$target::work:*-one"), [all[1]!]);
  });
});

for (const name of ["static_dof", "static_dof_no_pie"]) {
  Deno.test(`Session traces the DOF of ${name}: probes, argument maps, is-enabled sites`, async () => {
    assertEquals((await untraced(name, { args: [TIMES] })).stdout, `worked ${TIMES} times, gated 0\n`);
    const go: [string | undefined, number][] = [];
    const gated: number[] = [];
    const warnings = await trace(name, `worked ${TIMES} times, gated ${TIMES}\n`, (session) => {
      session.enable("static_dof$target:::go", {
        handler: (hit) => go.push([hit.readString(hit.arg(0)), hit.arg(1)]),
      });
      session.enable("static_dof$target:::gated-one", { handler: (hit) => gated.push(hit.arg(0)) });
    });
    const numbers = Array.from({ length: TIMES }, (_, n) => n);
    assertEquals(gated, numbers.map((n) => n + 1));
    // The argument is an int; what a caller leaves in the upper half of its register is its own affair.
    assertEquals(go.map(([text, n]) => [text, n | 0]), numbers.flatMap((n) => [["text", n], ["ext", -n | 0]]));
    assertEquals(warnings, []);
  });
}

Deno.test("Session.addDof() makes probes of DOF in memory and of bytes, removeDof() takes them back", async () => {
  await trace("static_dof", `worked ${TIMES} times, gated 0\n`, (session, pid) => {
    const file = Deno.readFileSync(new URL("../../build/targets/static_dof", import.meta.url));
    const at = file.findIndex((_, index) =>
      file[index] === 0x7f && new TextDecoder().decode(file.subarray(index + 1, index + 4)) === "DOF"
    );
    const [mapping] = Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n");
    const base = parseInt(mapping!, 16);
    // The section is not loaded at its file offset only if the linker says so, and it does not.
    const provided = session.addDof(pid, base + at, { module: "handed" });
    assertEquals(provided.probes.map(({ module, name }) => `${module}:${name}`), ["handed:go", "handed:gated-one"]);
    assertEquals(session.list(`static_dof${pid}:handed::`).length, 2);
    session.removeDof(provided);
    session.removeDof(provided);
    assertEquals(session.list(`static_dof${pid}:handed::`, { allowNone: true }), []);
    assertEquals(session.list(`static_dof${pid}:::`).map(({ module }) => module), ["static_dof", "static_dof"]);
  });
});

Deno.test("D_DOF_SHORT: DOF at an address that cannot be read", async () => {
  await trace("static_dof", `worked ${TIMES} times, gated 0\n`, (session, pid) => {
    let tag: unknown;
    try {
      session.addDof(pid, 8);
    } catch (error) {
      tag = (error as { tag?: unknown }).tag;
    }
    assertEquals(tag, "D_DOF_SHORT");
    assert(session.list("static_dof$target:::").length > 0);
  });
});

Deno.test("StaticProbes.provide() says of which modules there is no file to look into", () =>
  withTarget("static_notes", async (target) => {
    using traced = new Traced(target);
    const { kernel, process, fasttrap, warnings } = traced;
    const [program] = listModules(kernel, process);
    // A mapping that there is not, so that the file is not found by it either.
    const mappings = program!.mappings.map((mapping) => ({
      ...mapping,
      path: "/gone/libgone.so",
      end: toAddress(mapping.end - 1),
    }));
    const gone = new Module(kernel, process, mappings, { isProgram: false });
    new StaticProbes(fasttrap).provide(process, [gone]);
    assertEquals([warnings, fasttrap.total], [
      ["Cannot look for static probes in libgone.so: its file is gone, or cannot be opened"],
      0,
    ]);
    new StaticProbes(fasttrap).provide(process, [program!]);
    assertEquals([warnings.length, fasttrap.total], [1, 4]);
    detach(fasttrap.tracer, process);
    await target.send();
    assertEquals((await target.outcome()).end, "exited 0");
  }));
