/**
 * A trap hit, 10,000 an iteration: 10 ms an iteration are 1 us a hit. Beside it the same number of traps in C with
 * nothing but ptrace (`trap_loop.c`): polling as the library does, blocked in waitpid(2), and making all the requests
 * that the library has to make.
 *
 * Starting and ending the programs is not timed, but the end of a traced program is: some 0.5 ms an iteration.
 */

import { Session } from "../mod.ts";

const HITS = 10_000;

async function benchTrace(b: Deno.BenchContext, enable: (session: Session) => void): Promise<void> {
  await using session = new Session();
  session.spawn("build/targets/call_loop", { args: [String(HITS)] });
  enable(session);
  b.start();
  await session.run();
  b.end();
}

async function benchC(b: Deno.BenchContext, mode: "poll" | "block" | "same"): Promise<void> {
  const process = new Deno.Command("build/targets/trap_loop", {
    args: [String(HITS), mode],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  const reader = process.stdout.getReader();
  const byte = new Uint8Array(1);
  await writer.ready;
  b.start();
  await writer.write(byte);
  await reader.read();
  b.end();
  await writer.close();
  await reader.cancel();
  await process.status;
}

// The runner awaits a function only if it is declared async.
Deno.bench("trap loop in C, 10,000 hits", { group: "trap", baseline: true }, async (b) => {
  await benchC(b, "poll");
});
Deno.bench("trap loop in C with the library's requests, 10,000 hits", { group: "trap" }, async (b) => {
  await benchC(b, "same");
});
Deno.bench("trap loop in C, blocked in waitpid, 10,000 hits", { group: "trap" }, async (b) => {
  await benchC(b, "block");
});
Deno.bench("Session.run() 10,000 hits, counted", { group: "trap" }, async (b) => {
  await benchTrace(b, (session) => {
    session.enable("pid$target:a.out:work:entry", { handler: () => {} });
  });
});
Deno.bench("Session.run() 10,000 hits, recorded as events", { group: "trap" }, async (b) => {
  await benchTrace(b, (session) => {
    session.enable("pid$target:a.out:work:entry");
  });
});
Deno.bench("Session.run() 10,000 entries and 10,000 returns", { group: "trap" }, async (b) => {
  await benchTrace(b, (session) => {
    session.enable("pid$target:a.out:work:entry", { handler: () => {} });
    session.enable("pid$target:a.out:work:return", { handler: () => {} });
  });
});
