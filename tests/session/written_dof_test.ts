/** Programs with DOF that this project has written: linked in, and handed over while the program runs. */

import { assertEquals } from "@std/assert";
import { type HitRecord, Session } from "../../mod.ts";
import type { DofProvider } from "../../lib/object/dof.ts";
import { writeDof } from "../../lib/object/dof_writer.ts";
import { run as output } from "../object/files.ts";
import { testWith, Workshop } from "../programs/real_program.ts";
import { TargetProgram, TARGETS, textMappings, untraced, within, withTarget } from "../support.ts";

const STATIC = `${TARGETS}static`;
/** Addresses are moved with the object. */
const OBJECT = { relocation: "object" } as const;
const ROUNDS = 4;
const EVOLVING = { name: 5, data: 5, class: 5 };
const ATTRIBUTES = { provider: EVOLVING, module: EVOLVING, function: EVOLVING, name: EVOLVING, arguments: EVOLVING };
const INTEGERS = [
  "int",
  "long",
  "unsigned char",
  "char",
  "unsigned short",
  "uint32_t",
  "size_t",
  "long",
  "int",
  "long",
];

/** The addresses of the functions of `static` before relocation, by name. */
function addresses(): Record<string, number> {
  const lines = output("nm", STATIC).trim().split("\n").map((line) => line.split(" "));
  return Object.fromEntries(lines.map(([address, , name]) => [name!, parseInt(address!, 16)]));
}

/** Providers with all that a linker could find in the program, and with what it could not. */
function providers(name: string): DofProvider[] {
  const at = addresses() as Record<"site" | "asks" | "asks_behind" | "fires_last" | "wrong", number>;
  const probe = { enabledSites: [], nativeTypes: [], translatedTypes: [], argumentMap: [] };
  const identity = INTEGERS.map((_, index) => index);
  return [{
    name,
    attributes: ATTRIBUTES,
    probes: [
      {
        ...{ ...probe, function: "fires", name: "ten-arguments", sites: [at.site] },
        enabledSites: [at.asks, at.asks_behind + 3],
        ...{ nativeTypes: INTEGERS, translatedTypes: INTEGERS, argumentMap: identity },
      },
      {
        ...{ ...probe, function: "fires", name: "turned", sites: [at.site] },
        ...{ nativeTypes: INTEGERS, translatedTypes: ["long", "int"], argumentMap: [9, 0] },
      },
      {
        ...{ ...probe, function: "fires_last", name: "tail\n\x1b[31m", sites: [at.fires_last] },
        ...{ nativeTypes: Array(8).fill("long"), translatedTypes: Array(3).fill("long"), argumentMap: [0, 6, 7] },
      },
      { ...probe, function: "wrong", name: "move", sites: [at.wrong] },
      { ...probe, function: "wrong", name: "inside", sites: [at.wrong + 1] },
      { ...probe, function: "wrong", name: "asks-nothing", sites: [], enabledSites: [at.wrong] },
      // Further away than a heap or a pad can be.
      { ...probe, function: "", name: "nowhere", sites: [at.wrong + 3 * 2 ** 30] },
    ],
  }];
}

const REASONS = [
  ["move", "its instruction is not one that a probe leaves behind"],
  ["inside", "its instruction is not one that a probe leaves behind"],
  ["asks-nothing", "its instruction does not ask whether a probe is enabled"],
  ["nowhere", "its memory cannot be read"],
];

/** Links DOF into a copy of `static`. */
function link(workshop: Workshop, dof: Uint8Array): string {
  const program = `${workshop.path}/linked`;
  Deno.writeFileSync(`${workshop.path}/dof`, dof);
  output("objcopy", "--add-section", `.SUNW_dof=${workshop.path}/dof`, STATIC, program);
  return program;
}

for (const way of ["handler", "record"] as const) {
  testWith(
    ["objcopy", "nm"],
    `Session traces a program into which DOF of the writer was linked, the whole way, by a ${way}`,
    async () => {
      using workshop = new Workshop();
      const program = link(workshop, writeDof([...providers("linked"), ...providers("pid")], OBJECT));
      await using target = await TargetProgram.start(program, { args: [ROUNDS] });
      assertEquals(await target.line(), "ready");
      const warnings: string[] = [];
      const seen: Record<string, number[][]> = {};
      {
        await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
        session.attach(target.pid);
        const note = (hit: HitRecord) => {
          const values = Array.from({ length: hit.argumentCount + 1 }, (_, index) => hit.arg(index));
          (seen[hit.probe.name.slice(0, 4)] ??= []).push(values);
        };
        session.enable("linked$target:::ten*", { [way]: note });
        session.enable("linked$target:linked:fires:turned", { [way]: note });
        session.enable("linked$target:a.out:fires_last:", { [way]: note });
        const { entries } = session.stats().tracepoints;
        const reasons = entries.map(({ asked, trapReason = "jump" }) => asked.length > 0 ? "asks" : trapReason).sort();
        const other = way === "handler" ? Array(2).fill("a handler wants to see the thread") : ["jump", "jump"];
        assertEquals(reasons, ["asks", "asks", ...other].sort());
        const wrong = session.enable("linked$target:::[mian]*");
        assertEquals(wrong.unplaced.map(({ probe, reason }) => [probe.name, reason.replace(/, at 0x.*/, "")]), REASONS);
        await target.send();
        await within(session.run(), "the end");
        assertEquals(wrong.hitsTotal, 0);
      }
      // What the program passes, cut to the types that the DOF names.
      const passed = [1, -2, 3, -4, 5, 2 ** 32 - 6, 7, -8, 9, -10, 0];
      assertEquals(seen, {
        "ten-": Array.from({ length: ROUNDS }, () => passed),
        turn: Array.from({ length: ROUNDS }, () => [-10, 1, 0]),
        tail: Array.from({ length: ROUNDS }, (_, round) => [1, round, -round, 0]),
      });
      assertEquals(warnings[0], `Cannot provide static probes of 'pid' in process ${target.pid}: the name is reserved`);
      assertEquals(warnings.length, 1 + REASONS.length);
      const plain = await untraced("static", { args: [ROUNDS] });
      const yes = `${2 * ROUNDS} times yes`;
      assertEquals(await target.outcome(), { ...plain, stdout: plain.stdout.replace("0 times yes", yes) });
    },
  );
}

testWith(["nm"], "Session.addDof() answers the questions of a program as long as its probe is enabled", async () => {
  await withTarget("static", async (target) => {
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const bias = textMappings(target.pid)[0]!.start - (addresses()["_init"]! & ~0xfff);
    const handed = session.addDof(target.pid, writeDof(providers("handed"), OBJECT), { bias, module: "linked" });
    assertEquals(handed.probes.length, 7);
    let rounds = 0;
    let enabled = session.enable("handed$target:linked::ten-arguments", { handler: () => {} });
    // wrong() is the last that a round calls.
    session.enable("pid$target:a.out:wrong:entry", {
      handler: () => {
        rounds++;
        if (rounds === 1) enabled[Symbol.dispose]();
        else if (rounds === 3) enabled = session.enable("handed*:::ten-arguments", { handler: () => {} });
        else if (rounds === 5) session.removeDof(handed);
      },
    });
    await target.send();
    await within(session.run(), "the end");
    assertEquals([rounds, enabled.hitsTotal], [7, 2]);
    const plain = await untraced("static", { args: [7] });
    // In the rounds 1, 4 and 5.
    assertEquals(await target.outcome(), { ...plain, stdout: plain.stdout.replace("0 times yes", "6 times yes") });
  }, { args: [7] });
});

for (const way of ["handler", "record"] as const) {
  testWith(["nm"], `Session.addDof() of what is hostile harms nobody, with a ${way}`, async () => {
    await withTarget("static", async (target) => {
      const warnings: string[] = [];
      await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
      session.attach(target.pid);
      const bias = textMappings(target.pid)[0]!.start - (addresses()["_init"]! & ~0xfff);
      const good = writeDof(providers("good"), OBJECT);
      // Every place of the code that a byte more or less leads to.
      const names: string[] = [];
      for (let shift = -16; shift <= 16; shift++) {
        const provided = session.addDof(target.pid, writeDof(providers(`shift${shift + 16}x`), OBJECT), {
          bias: bias + shift,
        });
        names.push(...provided.probes.map(({ provider }) => provider));
      }
      const enabled = session.enable("shift*x$target:::", { [way]: () => {} });
      assertEquals(enabled.probes.length, names.length);
      for (let size = 0; size < good.length; size += 8) {
        try {
          session.addDof(target.pid, good.slice(0, size));
        } catch (error) {
          assertEquals((error as { tag?: string }).tag?.slice(0, 6), "D_DOF_");
        }
      }
      for (const { probe, reason } of enabled.unplaced) {
        assertEquals([probe.name, /^(its|there is no) (instruction|memory)/.test(reason)], [probe.name, true]);
      }
      assertEquals(warnings.length, enabled.unplaced.length);
      await target.send();
      await within(session.run(), "the end");
      const { stdout, end } = await target.outcome();
      const plain = await untraced("static", { args: [ROUNDS] });
      // Questions are answered by yes, and nothing else is changed.
      assertEquals({ end, stdout: stdout.replace(/^\d+/, "0") }, plain);
    }, { args: [ROUNDS] });
  });
}
