/** The program's own use of SIGTRAP, and its signal mask, over our traps. */

import { assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { assertTextUntouched, type Outcome, untraced, withTarget } from "../support.ts";
import { traced } from "../tracing.ts";

const WORK = "pid$target:a.out:work:entry";

/**
 * What a program has done but for how it found its action of SIGTRAP where that is the default: the keeper stands there,
 * which a program can see.
 */
function withoutKeeper(how: string, outcome: Outcome): Outcome {
  if (/handles|ignores/.test(how)) return outcome;
  return { ...outcome, stdout: outcome.stdout.replaceAll(/action [01]/g, "action default") };
}

for (
  const how of [
    "handles",
    "handles int3",
    "handles blocks",
    "handles blocks all",
    "ignores",
    "ignores blocks all",
    "blocks all",
    "blocks all waits",
    "none",
  ]
) {
  Deno.test(`mendTrapAction() keeps what a program makes of SIGTRAP: ${how}`, async () => {
    const plain = await untraced("keeps_trap", { args: [how] });
    for (const description of [WORK, "pid$target:a.out:work:", "pid$target:a.out:show:"]) {
      const { hits, warnings, ...outcome } = await traced("keeps_trap", [description, WORK], { args: [how] });
      assertEquals([hits[1]! >= 2, warnings], [true, []]);
      assertEquals(withoutKeeper(how, outcome), withoutKeeper(how, plain), description);
    }
  });
}

for (const how of ["handles blocks", "ignores", "blocks all waits"]) {
  Deno.test(`Session.detach() leaves a program what it makes of SIGTRAP: ${how}`, () =>
    withTarget("keeps_trap", async (target) => {
      await using session = new Session({ signals: false });
      for (let round = 0; round < 5; round++) {
        session.detach(session.attach(target.pid));
        const traced = session.attach(target.pid);
        session.enable("pid$target:a.out:show:");
        session.detach(traced);
      }
      assertTextUntouched(target.pid);
      await target.send();
      assertEquals(await target.outcome(), await untraced("keeps_trap", { args: [how] }));
    }, { args: [how] }));
}
