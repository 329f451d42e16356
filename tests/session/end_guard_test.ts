/** However the tracing program ends, its targets are as they were. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertTextUntouched, type TargetProgram, tracerOf, until, withTarget } from "../support.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** Runs a script beside a target; `$PID` in it is the target's pid. It prints "hits" when probes have fired. */
async function withScript(
  body: string,
  fn: (script: Deno.ChildProcess, target: TargetProgram) => Promise<void>,
): Promise<void> {
  await withTarget("spin", async (target) => {
    const code = `
      import { Session } from "${MOD}";
      const pid = ${target.pid};
      const hits = () => console.log("hits");
      ${body}`;
    const script = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-ffi", "--allow-read", "-"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const writer = script.stdin.getWriter();
    await writer.write(new TextEncoder().encode(code));
    await writer.close();
    await fn(script, target);
    assertEquals(tracerOf(target.pid), 0);
    assertTextUntouched(target.pid);
    await target.send();
    assertEquals(await target.outcome(), { stdout: "right\n", end: "exited 0" });
  }, { args: [3] });
}

/** Opens a session without \`using\`, and enables a probe of which the 20th hit does something. */
const atHit = (action: string) => `
  const session = new Session();
  session.attach(pid);
  let count = 0;
  session.enable("pid$target:a.out:work:", { handler: () => { if (++count === 20) { ${action} } } });
  await session.run();
  console.log("after");`;

/** Ends of a program by itself. */
const ENDS: Readonly<Record<string, readonly [body: string, code: number, error: RegExp]>> = {
  "an exception": [`${atHit("session.stop()")} throw new TypeError("mine");`, 1, /TypeError: mine/],
  "an exception in a handler": [atHit(`throw new TypeError("mine");`), 1, /TypeError: mine/],
  "an exception in a timer": [atHit(`setTimeout(() => { throw new TypeError("mine"); }, 0);`), 1, /TypeError: mine/],
  "a rejected promise": [`${atHit(`Promise.reject(new TypeError("mine"));`)}`, 1, /TypeError: mine/],
  "Deno.exit() in a handler": [atHit("Deno.exit(9);"), 9, /^$/],
  "its last statement": [atHit("session.stop();"), 0, /^$/],
  "a session that is disposed of": [
    `{ using s = new Session(); s.attach(pid); s.enable("pid$target:a.out:work:"); }`,
    0,
    /^$/,
  ],
};

for (const [way, [body, code, error]] of Object.entries(ENDS)) {
  Deno.test(`EndGuard restores the target when the program ends by ${way}`, () =>
    withScript(body, async (script) => {
      const output = await script.output();
      const decoder = new TextDecoder();
      assertMatch(decoder.decode(output.stderr), error);
      assertEquals([output.code, output.signal], [code, null]);
    }));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`EndGuard restores the target when the program is ended by ${signal}`, () =>
    withScript(atHit("hits();"), async (script, target) => {
      const reader = script.stdout.getReader();
      assertEquals(new TextDecoder().decode((await reader.read()).value), "hits\n");
      assert(tracerOf(target.pid) > 0);
      script.kill(signal);
      const status = await script.status;
      assertEquals(status.signal, signal);
      await reader.cancel();
      await script.stderr.cancel();
    }));
}

Deno.test("EndGuard lets a program end that has nothing to trace any more", () =>
  withScript(
    `const session = new Session(); session.attach(pid); session.detach(session.targets[0]);`,
    async (script) => {
      const output = await script.output();
      assertEquals([output.code, output.signal], [0, null]);
    },
  ));

Deno.test("EndGuard leaves a program that handles signals itself to do so", () =>
  withScript(
    `
    Deno.addSignalListener("SIGTERM", () => { console.log("mine"); session.stop(); });
    const session = new Session({ signals: false });
    session.attach(pid);
    console.log("hits");
    await session.run();
    session[Symbol.dispose]();
    Deno.exit(3);`,
    async (script, target) => {
      const reader = script.stdout.getReader();
      assertEquals(new TextDecoder().decode((await reader.read()).value), "hits\n");
      await until(() => tracerOf(target.pid) > 0, "the tracer");
      script.kill("SIGTERM");
      const status = await script.status;
      assertEquals([status.code, status.signal], [3, null]);
      assertEquals(new TextDecoder().decode((await reader.read()).value), "mine\n");
      await reader.cancel();
      await script.stderr.cancel();
    },
  ));
