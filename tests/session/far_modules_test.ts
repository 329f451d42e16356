/** Modules that no jump leads from one to the other: each has pads of its own, or none where there is no room for them. */

import { assert, assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { type Outcome, rounds, TargetProgram, TARGETS, untraced, within } from "../support.ts";

/** How many copies of a library there are. */
const COPIES = 4;
const ROUNDS = 50_000;
const TWO_GIB = 2 ** 31;

/** Makes copies of a library, since a file is loaded once; they are deleted at the end. */
class Copies implements Disposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly files = Array.from({ length: COPIES }, (_, index) => `${this.#folder}/copy${index}`);

  constructor() {
    for (const file of this.files) Deno.copyFileSync(`${TARGETS}plugin`, file);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Sends a signal to a program; returns whether it was still there. */
function sends(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What is left of the program untraced: the copies are far from each other. */
async function farOutcome(args: readonly (string | number)[]): Promise<Outcome> {
  const outcome = await untraced("far", { args });
  assertEquals([outcome.stdout.split(" ").at(-1), outcome.end], [`${COPIES}\n`, "exited 4"]);
  return outcome;
}

for (const how of ["count", "record"] as const) {
  Deno.test(`Session.enable() puts pads near each of several modules that are far from each other, to ${how}`, async () => {
    using copies = new Copies();
    const args = [ROUNDS, 0, ...copies.files];
    await using target = await TargetProgram.start("far", { args });
    assertEquals(await target.line(), "ready");
    await using session = new Session({ signals: false });
    session.attach(target.pid);
    const enabled = ["entry", "return"].map((name) =>
      session.enable(
        `pid$target:copy*:plugin_work:${name}`,
        how === "count" ? { count: true } : { record: () => {} },
      )
    );
    const { entries } = session.stats().tracepoints;
    assertEquals(new Set(entries.map(({ performed }) => performed)), new Set(["jump"]));
    const modules = new Set(entries.map(({ pc }) => Math.floor(pc / TWO_GIB)));
    assert(modules.size >= COPIES, [...modules].join());
    await target.send();
    await within(session.run(), "the end of the run");
    assertEquals(await target.outcome(), await farOutcome(args));
    for (const { hitsTotal, dropsTotal } of enabled) assertEquals(hitsTotal + dropsTotal, 2 * ROUNDS * COPIES);
  });
}

Deno.test("Session.enable() makes traps where no memory within the reach of jumps is free, and says so", async () => {
  using copies = new Copies();
  const args = [1000, 1, ...copies.files];
  const reason = "there is no memory that a jump reaches";
  await using target = await TargetProgram.start("far", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const counted = session.enable("pid$target:copy*:plugin_work:", { count: true });
  const { entries } = session.stats().tracepoints;
  assertEquals(new Set(entries.map(({ trapReason }) => trapReason)), new Set([reason]));
  // Nor is there memory for slots: what cannot be emulated is performed in its place.
  assertEquals(new Set(entries.map(({ performed }) => performed)), new Set(["step", "emulated"]));
  const copy = counted.probes.find(({ module, name }) => module === "copy0" && name === "entry")!;
  assertEquals(session.inspect(copy).sites[0]!.trapReason, reason);
  await target.send();
  await within(session.run(), "the end of the run");
  assertEquals(await target.outcome(), await farOutcome(args));
  assertEquals(counted.probes.map((probe) => counted.counts.get(probe)), counted.probes.map(() => 2000));
});

Deno.test("Session.enable() fires once for each call where threads step in place, amid signals and stops of the process", async () => {
  using copies = new Copies();
  const calls = rounds(1000, 20_000);
  const args = [calls, 2, ...copies.files];
  await using target = await TargetProgram.start("far", { args });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  const counted = session.enable("pid$target:copy*:plugin_work:", { handler: () => {} });
  await target.send();
  const run = within(session.run(), "the end of the run");
  let stops = 0;
  for (; sends(target.pid, stops % 2 === 0 ? "SIGSTOP" : "SIGCONT"); stops++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await run;
  const { stdout, end } = await farOutcome([calls, 1, ...copies.files]);
  assertEquals(await target.outcome(), { stdout: `ticked ${stdout}`, end });
  assertEquals(counted.hitsTotal, counted.probes.length * 2 * calls);
  assert(stops > 10, String(stops));
});
