/**
 * A tracer that captures what pointers lead to, again and again, until it is killed. Arguments: the pid of `captures`, and how
 * many hits it waits for in each round. It tells when memory was read that is not there.
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
  let said = false;
  const record = () => {
    if (++hits === hitsWanted) session.stop();
    if (!said && hits % 64 === 0 && session.stats().processes.entries.some(({ readFaults }) => readFaults > 0)) {
      console.log("faulted");
      said = true;
    }
  };
  const enabled = [
    session.enable("pid$target:a.out:take:entry", {
      record,
      capture: [{ kind: "string", argument: 0, sizeBytes: 64 }, { kind: "bytes", argument: 0, sizeBytes: 1024 }],
    }),
    session.enable("pid$target:a.out:give:return", {
      record,
      capture: [{ kind: "string", argument: 1, sizeBytes: 256 }],
    }),
  ];
  console.log("enabled");
  await session.run();
  for (const each of enabled) each[Symbol.dispose]();
  session.detach(target);
}
