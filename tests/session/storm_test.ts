/** Everything at once, at full speed: no hit is lost, none is told twice, and the program computes the same. */

import { assert, assertEquals } from "@std/assert";
import { type Enabled, type HitRecord, Session } from "../../mod.ts";
import { rounds, SOAK, TargetProgram, within } from "../support.ts";

const DURATION_MS = rounds(1500, 60_000);
/** How long the program may take, while others want the CPUs too. */
const LIMIT_MS = DURATION_MS + 240_000;
/** How often something comes and goes at least. */
const GUESTS_LEAST = 14;

/** What comes and goes, one after the other, some of it inside of the jumps of what stays. */
const GUESTS = [
  { description: "carry_in:entry", how: "record" },
  { description: "mix:entry", how: "capture" },
  { description: "carry:return", how: "count" },
  { description: "fold:return", how: "record" },
  { description: "carry_in:entry", how: "count" },
  { description: "mix:", how: "handler" },
  { description: "fold:entry", how: "count" },
  { description: "carry:", how: "handler" },
] as const;

/** Whether nothing is left of a program that could be probed. */
function isEnding({ pid }: TargetProgram): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/maps`) === "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || /os error 3\b/.test(String(error))) return true;
    throw error;
  }
}

/** Enables something, unless the target ends meanwhile. */
function tryTo(enable: () => Enabled, target: TargetProgram): Enabled | undefined {
  try {
    return enable();
  } catch (error) {
    if (isEnding(target)) return undefined;
    throw error;
  }
}

Deno.test("Session.enable() records, drops or counts each call of threads that come and go, amid signals and other probes", async () => {
  await using target = await TargetProgram.start("storm", { args: [DURATION_MS, 8] });
  assertEquals(await target.line(), "ready");
  await using session = new Session({ signals: false });
  session.attach(target.pid);
  let delivered = 0;
  let handled = 0;
  let captured = 0;
  const record = (hit: HitRecord, isCaptured = false) => {
    delivered++;
    // The arguments point nowhere.
    if (isCaptured && hit.bytes(0) === undefined) captured++;
  };
  const capture = [{ kind: "bytes", argument: 0, sizeBytes: 16 }] as const;
  const ways = {
    record: { record },
    capture: { capture, record: (hit: HitRecord) => record(hit, true) },
    count: { count: true },
    handler: { handler: () => void handled++ },
  } as const;
  const enable = (rest: string, how: keyof typeof ways) => session.enable(`pid$target:a.out:${rest}`, ways[how]);
  const mix = enable("mix:entry", "record");
  const mixReturn = enable("mix:return", "record");
  const fold = enable("fold:entry", "record");
  const carry = enable("carry:entry", "count");
  const guests: Enabled[] = [];
  await target.send();
  const running = session.run();
  let guestsTotal = 0;
  for (let i = 0; target.alive; i++) {
    const { description, how } = GUESTS[i % GUESTS.length]!;
    using guest = tryTo(() => enable(description, how), target);
    if (guest === undefined) break;
    guestsTotal++;
    if (how === "record" || how === "capture") guests.push(guest);
    if (guestsTotal > GUESTS_LEAST && handled > 0 && captured > 0) await target.send();
    // A handler stops 8 threads at each of their turns: a few hits are enough.
    const enough = performance.now() + 20;
    while (target.alive && guest.hitsTotal < 100 && performance.now() < enough) {
      await new Promise((done) => setTimeout(done));
    }
  }
  await within(running, "the end of the run", LIMIT_MS);
  const { stdout, end } = await target.outcome();
  const [rounds, signals, wrong] = [...stdout.matchAll(/\d+/g)].map(Number) as [number, number, number];
  assertEquals([end, wrong], ["exited 6", 0]);
  const callsOf = ({ hitsTotal, dropsTotal }: Enabled) => hitsTotal + dropsTotal;
  const report =
    `${rounds} rounds, ${signals} signals, ${guestsTotal} guests, ${handled} handled, ${captured} captured; ` +
    `hits ${[mix, mixReturn, fold, carry].map(({ hitsTotal }) => hitsTotal).join()}; ` +
    `drops ${[mix, mixReturn, fold].map(({ dropsTotal }) => dropsTotal).join()}`;
  assertEquals(
    [mix, mixReturn, fold, carry].map(callsOf),
    [rounds + signals, rounds + signals, rounds, rounds],
    report,
  );
  assertEquals(delivered, [mix, mixReturn, fold, ...guests].reduce((sum, { hitsTotal }) => sum + hitsTotal, 0));
  assert(signals >= DURATION_MS / 20 && guestsTotal > GUESTS_LEAST, report);
  if (SOAK > 1) console.log(report);
});
