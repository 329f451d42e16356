/**
 * A tracer that attaches, enables, disables and lets go again and again until it is killed. Arguments: the pid of
 * `survives`, how many hits it waits for in each round, 0 to wait for ever, and the descriptions of what only that many hits
 * are counted of.
 *
 * @module
 */

import { Session } from "../../mod.ts";

const [pid, hitsWanted] = Deno.args.map(Number) as [number, number];
const session = new Session({ signals: false, onWarning: (message) => console.log(`warning: ${message}`) });
console.log("ready");
for (;;) {
  const target = session.attach(pid);
  let hits = 0;
  const handler = () => {
    if (++hits === hitsWanted) session.stop();
  };
  const enabled = [
    session.enable("survives$target:::", { handler }),
    session.enable("pid$target:a.out:fold:", { handler }),
    session.enable("pid$target:a.out:flags:", { handler }),
    session.enable("pid$target:a.out:carry:entry", { handler }),
    session.enable("pid$target:a.out:carry:return", { handler }),
    session.enable("pid$target:a.out:mix:entry", { count: true }),
    session.enable("pid$target:a.out:carry_in:", { count: true }),
    session.enable("pid$target:a.out:twice:entry", { count: true }),
    session.enable("pid$target:a.out:unit:entry", { count: true }),
    session.enable("pid$target:a.out:wide:return", { count: true }),
  ];
  console.log("enabled");
  await session.run();
  for (const each of enabled) each[Symbol.dispose]();
  session.detach(target);
}
