/** Children that the program has started itself, and wants to wait for itself. */

import { assertEquals } from "@std/assert";
import { Session } from "../../mod.ts";
import { SOAK, TARGETS, until, within } from "../support.ts";

/** Ends of `sh`, and what is told of them. */
const ENDS = [
  ["exit 0", { code: 0, signal: undefined }, { success: true, code: 0, signal: null }],
  ["exit 23", { code: 23, signal: undefined }, { success: false, code: 23, signal: null }],
  ["kill -TERM $$", { code: undefined, signal: 15 }, { success: false, code: 143, signal: "SIGTERM" }],
] as const;

for (const [script, end, status] of ENDS) {
  Deno.test(`Session.run() leaves a child's end to Deno.Command: ${script}`, async () => {
    for (let round = 0; round < 5 * SOAK; round++) {
      const child = new Deno.Command("sh", { args: ["-c", `read line; ${script}`], stdin: "piped" }).spawn();
      // It has to have loaded libc.
      await until(() => Deno.readTextFileSync(`/proc/${child.pid}/maps`).includes("libc.so"), "libc");
      await using session = new Session({ signals: false });
      const target = session.attach(child.pid);
      session.enable("pid$target:libc.so.6:read:", { handler: () => {} });
      const run = session.run();
      await child.stdin.close();
      const [told] = await within(Promise.all([child.status, run]), "the end");
      assertEquals([told, target.alive], [{ ...status }, false]);
      // The session may come too late to see how.
      if (target.end !== undefined) assertEquals(target.end, { ...end });
    }
  });
}

Deno.test("Deno.Command.output() works beside a session", async () => {
  const child = new Deno.Command(`${TARGETS}spin`, { stdin: "piped", stdout: "piped" }).spawn();
  await using session = new Session({ signals: false });
  session.attach(child.pid);
  let hits = 0;
  session.enable("pid$target:a.out:work:entry", { handler: () => void hits++ });
  const run = session.run();
  const decoder = new TextDecoder();
  for (let i = 0; i < 20 * SOAK; i++) {
    const { stdout, code } = await within(new Deno.Command("echo", { args: [`${i}`] }).output(), "the output");
    assertEquals([decoder.decode(stdout), code], [`${i}\n`, 0]);
  }
  assertEquals(hits > 0, true);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("\n"));
  await writer.close();
  const [{ stdout, code }] = await within(Promise.all([child.output(), run]), "the end");
  assertEquals([decoder.decode(stdout), code], ["ready\nright\n", 0]);
});
