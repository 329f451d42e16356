/** IFUNCs: whoever names one means the implementation, which runs as often as it is called; its resolver does not. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { closeSync, openSync } from "node:fs";
import { type EvaluationTime, type Hit, Session } from "../../mod.ts";
import { type Address, toAddress } from "../../lib/address.ts";
import type { WordMemory } from "../../lib/isa/isa.ts";
import type { FunctionSlot, FunctionSlots } from "../../lib/object/relocations.ts";
import { SymbolTable } from "../../lib/object/symbol_table.ts";
import { resolveIfunc } from "../../lib/process/ifuncs.ts";
import type { Module } from "../../lib/process/modules.ts";
import { CODE_BYTES, CODE_VADDR, openElf } from "../object/elf_builder.ts";
import { rawMemory, TargetProgram, TARGETS, untraced, within } from "../support.ts";
import { traced } from "../tracing.ts";

const COUNT = 20;
/** What the target copies and measures, and nobody else. */
const TEXT = "a text that nobody else copies or measures";
const UNRESOLVED = (name: string, module: string) =>
  `Cannot find the implementation of '${name}' in ${module}: no call is bound to it yet; only its resolver is probed`;

/** The module of libc's functions in a target. */
const libcOf = (name: string) => name.includes("static") ? "a.out" : "libc.so.6";

for (const name of ["ifunc_dynamic", "ifunc_now", "ifunc_no_pie", "ifunc_static", "ifunc_static_pie"]) {
  Deno.test(`Session.enable() finds the calls of an IFUNC of ${name} that it attaches to`, async () => {
    const descriptions = ["pid$target:a.out:chosen:entry", "pid$target:a.out:chosen:return"];
    const { hits, warnings, ...outcome } = await traced(name, descriptions, { args: [COUNT] });
    assertEquals({ hits, warnings }, { hits: [COUNT, COUNT], warnings: [] });
    assertEquals(outcome, await untraced(name, { args: [COUNT] }));
  });

  Deno.test(`Session.enable() finds the calls of libc's IFUNCs in ${name}`, async () => {
    const counts = { memcpy: 0, strlen: 0 };
    const handler = (hit: Hit) => {
      if (hit.probe.function === "strlen") counts.strlen += hit.readString(hit.arg(0)) === TEXT ? 1 : 0;
      else counts.memcpy += hit.readString(hit.arg(1)) === TEXT && hit.arg(2) === TEXT.length + 1 ? 1 : 0;
    };
    const descriptions = ["memcpy", "strlen"].map((it) => `pid$target:${libcOf(name)}:${it}:entry`);
    const { hits: _, warnings, ...outcome } = await traced(name, descriptions, { args: [COUNT], handler });
    assertEquals({ counts, warnings }, { counts: { memcpy: COUNT, strlen: COUNT }, warnings: [] });
    assertEquals(outcome, await untraced(name, { args: [COUNT] }));
  });

  Deno.test(`Session.enable() finds the calls of an IFUNC of ${name} that it starts`, async () => {
    const { stdout, ...seen } = await started(name, "preinit");
    assertEquals(seen, { hits: COUNT, warnings: [], code: 3 });
    assertEquals(stdout, `ready\n${(await untraced(name, { args: [COUNT] })).stdout}`);
  });
}

for (const name of ["ifunc_dynamic", "ifunc_static", "ifunc_static_pie"]) {
  Deno.test(`Session.enable() says that it probes the resolver, before ${name} has executed an instruction`, async () => {
    const { hits, warnings, code } = await started(name, "exec");
    assertEquals({ hits, warnings, code }, { hits: 1, warnings: [UNRESOLVED("chosen", name)], code: 3 });
  });
}

/** Starts a target, and traces the calls of its IFUNC. */
async function started(name: string, moment: EvaluationTime) {
  const path = await Deno.makeTempFile();
  const [stdin, stdout] = [openSync("/dev/null", "r"), openSync(path, "w")];
  try {
    const warnings: string[] = [];
    await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
    const target = session.spawn(TARGETS + name, { args: [String(COUNT)], stdin, stdout, moment });
    const enabled = session.enable("pid$target:a.out:chosen:entry", { handler: () => {} });
    await within(session.run(), "the end of the run");
    const { hitsTotal: hits } = enabled;
    return { hits, warnings, code: target.end?.code, stdout: await Deno.readTextFile(path) };
  } finally {
    closeSync(stdin);
    closeSync(stdout);
    await Deno.remove(path);
  }
}

Deno.test("Session.enable() finds an IFUNC of a library when calls have been bound to it, not before", async () => {
  await using target = await TargetProgram.start("ifunc_lazy", { args: [`${TARGETS}ifunc_library`] });
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const enable = (name: string) => session.enable(`pid$target:ifunc_library:chosen:${name}`, { handler: () => {} });
  const early = enable("entry");
  assertEquals(warnings, [UNRESOLVED("chosen", "ifunc_library")]);
  const run = session.run();
  await target.send();
  assertEquals([await target.line(), await target.line()], ["sum 40", "ready"]);
  const late = enable("entry");
  // Neither this function nor the one behind it has a symbol.
  const returns = enable("return");
  await target.send();
  await within(run, "the end of the run");
  assertEquals([early.hitsTotal, late.hitsTotal, returns.hitsTotal, warnings.length], [1, 5, 5, 1]);
  assertEquals(await target.outcome(), { stdout: "sum 40\n", end: "exited 0" });
});

Deno.test("Session.enable() does not take a function of the same name of another module for an IFUNC", async () => {
  await using target = await TargetProgram.start("ifunc_lazy", { args: [`${TARGETS}ifunc_library`] });
  assertEquals(await target.line(), "ready");
  await target.send();
  assertEquals([await target.line(), await target.line()], ["sum 40", "ready"]);
  const warnings: string[] = [];
  await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const enabled = session.enable("pid$target:ifunc_library:preempted:entry", { handler: () => {} });
  assertEquals(warnings, [UNRESOLVED("preempted", "ifunc_library")]);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(enabled.hitsTotal, 0);
});

Deno.test("Session.list() tells in one sentence how many IFUNCs of a module it has not found", async () => {
  await using target = await TargetProgram.start("ifunc_now");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const probes = session.list("pid$target:libc.so.6::entry");
  for (const name of ["memcpy", "strlen", "malloc"]) assert(probes.some((probe) => probe.function === name), name);
  assertEquals(warnings.length, 1);
  assertMatch(
    warnings[0]!,
    /^Cannot find the implementations of \d+ functions in libc\.so\.6, such as '\w+': no call is bound to them yet; only /,
  );
});

Deno.test({
  name: "Session.enable() finds the calls of an IFUNC whose implementation is the kernel's, and restores its text",
  // Elsewhere libc calls the kernel's function from a function of its own.
  ignore: Deno.build.arch !== "x86_64",
  async fn() {
    const { hits, warnings, ...outcome } = await traced("ifunc_now", ["pid$target:libc.so.6:time:entry"], {
      args: [COUNT],
    });
    assertEquals({ hits, warnings }, { hits: [COUNT], warnings: [] });
    assertEquals(outcome, await untraced("ifunc_now", { args: [COUNT] }));

    await using target = await TargetProgram.start("ifunc_now");
    assertEquals(await target.line(), "ready");
    const before = vdsoOf(target.pid);
    {
      await using session = new Session({ signals: false });
      session.attach(target.pid);
      session.enable("pid$target:libc.so.6:time:entry");
      assert(before !== vdsoOf(target.pid), "there is no trap");
    }
    assertEquals(vdsoOf(target.pid), before);
  },
});

/** The code that the kernel maps into a process, as text that can be compared. */
function vdsoOf(pid: number): string {
  const line = /^(\w+)-(\w+) .*\[vdso\]$/m.exec(Deno.readTextFileSync(`/proc/${pid}/maps`));
  const [start, end] = [line?.[1], line?.[2]].map((text) => Number.parseInt(text ?? "", 16));
  return rawMemory(pid, start!, end! - start!).join();
}

const RESOLVER = CODE_VADDR;
const IMPLEMENTATION = toAddress(CODE_VADDR + 0x100);
const SLOT = 0x1000;

const word = (initial?: number): FunctionSlot[] => [{ vaddr: SLOT, initial }];

/** Memory of which only the word at `SLOT` can be read, which holds `IMPLEMENTATION`. */
const MEMORY: WordMemory = {
  readWord(address, into) {
    into.set([IMPLEMENTATION, 0]);
    return address === SLOT;
  },
  writeWord: () => false,
};

/** What is found of the IFUNC at `RESOLVER` if its module, and another one, have these words. */
function foundIn(slots: Partial<FunctionSlots>, otherSlots: Partial<FunctionSlots> = {}): Address | undefined {
  const names = [["f@V1", RESOLVER], ["f@@V2", CODE_VADDR + 0x80], ["g", RESOLVER]] as const;
  const elf = openElf({ symbols: names.map(([name, vaddr]) => ({ name, vaddr })) });
  const table = new SymbolTable(elf);
  const fake = (slots: Partial<FunctionSlots>, end: number): Module => {
    const module: Partial<Module> = {
      symbols: () => ({ table, bias: 0, elf }),
      functionSlots: () => ({ resolved: new Map(), named: new Map(), ...slots, bias: 0 }),
      holdsCode: (address) => address >= CODE_VADDR && address < end,
      sizeAt: () => 16,
      vdso: () => undefined,
    };
    return module as Module;
  };
  const module = fake(slots, CODE_VADDR + CODE_BYTES);
  return resolveIfunc(MEMORY, [module, fake(otherSlots, 0)], { module, symbol: table.at(0) })?.address;
}

Deno.test("resolveIfunc() believes a word for its resolver, but not what it held from the beginning", () => {
  assertEquals(foundIn({ resolved: new Map([[RESOLVER, word()]]) }), IMPLEMENTATION);
  assertEquals(foundIn({ resolved: new Map([[RESOLVER, word(CODE_VADDR + 6)]]) }), IMPLEMENTATION);
  assertEquals(foundIn({ resolved: new Map([[RESOLVER, word(IMPLEMENTATION)]]) }), undefined);
  assertEquals(foundIn({ resolved: new Map([[RESOLVER + 1, word()]]) }), undefined);
});

Deno.test("resolveIfunc() goes on behind a word that cannot be read", () => {
  const slots = [{ vaddr: 0x5000, initial: undefined }, ...word()];
  assertEquals(foundIn({ resolved: new Map([[RESOLVER, slots]]) }), IMPLEMENTATION);
});

Deno.test("resolveIfunc() believes a word for a name, in the IFUNC's own module only if its first value is known", () => {
  assertEquals(foundIn({}, { named: new Map([["g", word()]]) }), IMPLEMENTATION);
  assertEquals(foundIn({ named: new Map([["g", word()]]) }), undefined);
  assertEquals(foundIn({ named: new Map([["g", word(CODE_VADDR + 6)]]) }), IMPLEMENTATION);
});

Deno.test("resolveIfunc() does not believe a word for a name of which another function is the default version", () => {
  assertEquals(foundIn({}, { named: new Map([["f", word()]]) }), undefined);
});
