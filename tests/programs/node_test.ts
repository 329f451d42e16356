/**
 * Node.js: a program of 90 MB with some 78,000 functions of its own, many threads, and code that it makes itself.
 */

import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { type Enabled, type Hit, Session } from "../../mod.ts";
import { changedText, TargetProgram, tracerOf } from "../support.ts";
import { runTraced, runUntraced, testWith } from "./real_program.ts";

const NODE = "/usr/bin/node";
const EVERY_FUNCTION = "pid$target:a.out::entry";

testWith([NODE], "Session.enable() probes every function of node at once while a script runs", async () => {
  const command = [NODE, new URL("sources/window.mjs", import.meta.url).pathname];
  let everything: Enabled | undefined;
  let asked = 0;
  let seen = 0;
  // All of it for the whole run would be 13 million hits: the script says when to begin and when to stop.
  const begin = (session: Session) => {
    asked++;
    if (asked === 1) {
      const count = (hit: Hit) => seen += Number(hit.probe.function === "uv_os_getppid");
      everything = session.enable(EVERY_FUNCTION, { handler: count });
    } else if (asked === 20) everything?.[Symbol.dispose]();
  };
  const { outcome, hits } = await runTraced(command, {
    getppid: "pid$target:a.out:uv_os_getppid:entry",
    getppidReturn: "pid$target:libc.so.6:getppid:return",
    thread: "pid$target:libc.so.6:pthread_create:entry",
  }, { handlers: { getppid: begin } });
  assertEquals(outcome, runUntraced(command));
  assertGreaterOrEqual(everything!.probes.length, 50_000);
  assertEquals(unexplained(everything!), []);
  assertGreaterOrEqual(everything!.hitsTotal, 5000);
  assertEquals([hits.getppid, hits.getppidReturn, seen], [20, 20, 19]);
  assertGreaterOrEqual(hits.thread, 4);
});

testWith([NODE], "Session attaches to a server in node and traces every function while it answers", async () => {
  await using program = await TargetProgram.start(NODE, {
    args: [new URL("sources/server.mjs", import.meta.url).pathname],
  });
  const { pid } = program;
  const port = Number(await program.line());
  assertEquals(await ask(port, "/warm/1"), { words: ["", "1", "WARM"], match: "1", connections: 1 });
  {
    await using session = new Session({ signals: false });
    session.attach(pid);
    const everything = session.enable(EVERY_FUNCTION, { handler: () => {} });
    const running = session.run();
    assertEquals(await ask(port, "/traced/2"), { words: ["", "2", "TRACED"], match: "2", connections: 2 });
    assertGreaterOrEqual(everything.hitsTotal, 5000);
    assertEquals(unexplained(everything), []);
    everything[Symbol.dispose]();
    const descriptions = ["a.out:uv_accept:entry", "a.out:uv_accept:return", "libc.so.6::entry", "libc.so.6::return"];
    const enabled = descriptions.map((rest) => session.enable(`pid${pid}:${rest}`, { handler: () => {} }));
    for (let i = 3; i < 23; i++) {
      assertEquals(await ask(port, `/${i}`), { words: ["", String(i)].sort(), match: String(i), connections: i });
    }
    const [accept, acceptReturn, libc, libcReturn] = enabled.map(({ hitsTotal }) => hitsTotal);
    assertEquals([accept, acceptReturn], [20, 20]);
    assertGreaterOrEqual(libc!, 1000);
    assertGreaterOrEqual(libcReturn!, 1000);
    session.stop();
    await running;
  }
  assertEquals([tracerOf(pid), changedText(pid)], [0, []]);
  assertEquals(await ask(port, "/quit"), { words: ["", "QUIT"], connections: 23 });
  assertEquals(await program.outcome(), { stdout: "", end: "exited 6" });
});

/** The probes that could not be placed for another reason than that there is a trap of the program's own. */
function unexplained({ unplaced }: Enabled): string[] {
  return unplaced.filter(({ reason }) => !reason.startsWith("it is int3")).map(({ probe, reason }) =>
    `${probe} ${reason}`
  );
}

/** Asks the server by a connection of its own. */
async function ask(port: number, path: string): Promise<unknown> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
  const text = await new Response(connection.readable).text();
  return JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
}
