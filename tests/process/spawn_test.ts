/** Starting programs, and how far they run before they are traced. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DTraceError, Session } from "../../mod.ts";
import type { StartOptions } from "../../mod.ts";
import { cString, openKernel } from "../../ffi/ffi.ts";
import { TARGETS, within } from "../support.ts";

/** Starts a program with its output in a file, runs it, and gives what it wrote and how it ended. */
async function runProgram(
  program: string,
  options: StartOptions = {},
  act: (session: Session) => void = () => {},
): Promise<{ text: string; end: unknown }> {
  using kernel = openKernel();
  const fd = kernel.check(kernel.call.ft_memfd(cString("output")), "make", "a file in memory");
  await using session = new Session({ signals: false });
  const target = session.spawn(program, { stdout: fd, stderr: fd, ...options });
  act(session);
  await within(session.run(), "the end");
  const bytes = new Uint8Array(1 << 16);
  const length = kernel.call.ft_pread(fd, 0, bytes, bytes.length);
  kernel.call.ft_close(fd);
  return { text: new TextDecoder().decode(bytes.subarray(0, length)), end: target.end };
}

Deno.test("Session.spawn() gives the program its arguments, environment and directory", async () => {
  const { text, end } = await runProgram("sh", {
    args: ["-c", 'echo "$0 $1"; pwd; env; exit 4', "a b", ""],
    env: ["PATH=/usr/bin:/bin", "NAME=value with blanks"],
    cwd: "/usr",
  });
  const lines = text.split("\n");
  assertEquals(lines.slice(0, 2), ["a b ", "/usr"]);
  assert(lines.includes("NAME=value with blanks"));
  assert(!text.includes("HOME="));
  assertEquals(end, { code: 4, signal: undefined });
});

Deno.test("Session.spawn() passes over folders that are called as the program", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/echo`);
    const { text, end } = await runProgram("echo", { args: ["found"], env: [`PATH=${folder}:/usr/bin:/bin`] });
    assertEquals([text, end], ["found\n", { code: 0, signal: undefined }]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Session.spawn() leaves the program no descriptor, signal mask or action of ours", async () => {
  const script = "ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status";
  const lines = (await runProgram("sh", { args: ["-c", script] })).text.trim().split("\n");
  // The third is that of the folder.
  assertEquals(lines.slice(0, 5), ["0", "1", "2", "3", "SigBlk:\t0000000000000000"]);
  // The runtime ignores SIGPIPE for itself.
  assertEquals(Number.parseInt(lines[5]!.slice(-8), 16) & (1 << 12), 0);
});

Deno.test("D_PROC_CREATE: files that cannot be started", async () => {
  await using session = new Session({ signals: false });
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/plain`, "no program");
    await Deno.copyFile(`${folder}/plain`, `${folder}/garbage`);
    await Deno.chmod(`${folder}/garbage`, 0o755);
    const rows = [
      ["/no/such/file", "no such file or command"],
      ["no-such-command-anywhere", "no such file or command"],
      ["", "no such file or command"],
      [`${folder}/plain`, "permission denied, or not executable"],
      [folder, "permission denied, or not executable"],
      [`${folder}/garbage`, "not an executable format"],
    ] as const;
    for (const [program, why] of rows) {
      const error = assertThrows(() => session.spawn(program), DTraceError);
      assertEquals([error.tag, error.message], ["D_PROC_CREATE", `Cannot start "${program}": ${why}`]);
    }
    assertThrows(() => session.spawn("true", { cwd: "/no/such/folder" }), DTraceError);
    assertEquals(session.targets, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Session.spawn() kills the program if the session is closed before it has run", async () => {
  using kernel = openKernel();
  let pid = 0;
  {
    await using session = new Session({ signals: false });
    pid = session.spawn("sleep", { args: ["1000"] }).pid;
    assertEquals(kernel.call.ft_kill(0, pid, 0), 0);
    Deno.kill(pid, "SIGKILL");
    await session.run();
  }
  assert(kernel.call.ft_kill(0, pid, 0) < 0);
});

for (const moment of ["exec", "preinit", "postinit", "main"] as const) {
  for (const program of ["constructed", "calls_static", "calls_static_pie"]) {
    Deno.test(`Session.spawn() stops ${program} at the moment ${moment}`, async () => {
      const order: string[] = [];
      const dynamic = program === "constructed";
      const { text, end } = await runProgram(
        TARGETS + program,
        { moment, args: ["3"], stdin: nullInput() },
        (session) => {
          for (const name of dynamic ? ["construct", "main", "work"] : ["main", "work"]) {
            session.enable(`pid$target:a.out:${name}:entry`, { handler: (hit) => void order.push(hit.probe.function) });
          }
          // The C library is there as soon as it has been relocated.
          const libraries = session.list("pid$target::*alloc*:entry").filter(({ module }) =>
            module.startsWith("libc.")
          );
          if (dynamic) assertEquals(libraries.length > 0, moment !== "exec");
        },
      );
      // A moment is before the first instruction of what it is named after.
      const wanted = ["main", "work", "work", "work"];
      assertEquals(order, dynamic && moment !== "main" ? ["construct", ...wanted] : wanted);
      assertEquals([text, end], ["ready\nsum 12\n", { code: 7, signal: undefined }]);
    });
  }
}

/** A descriptor of `/dev/null`, one for all tests. */
function nullInput(): number {
  if (input === undefined) {
    using kernel = openKernel();
    input = kernel.call.ft_open(cString("/dev/null"), 0);
  }
  return input;
}
let input: number | undefined;

Deno.test("Session.spawn() stops before the constructors of libraries at preinit, and behind them at postinit", async () => {
  const hits: Record<string, number> = {};
  for (const moment of ["exec", "preinit", "postinit", "main"] as const) {
    const options = { args: ["3"], stdin: nullInput(), env: [`LD_PRELOAD=${TARGETS}plugin`], moment };
    const { text, end } = await runProgram(`${TARGETS}calls`, options, (session) => {
      hits[moment] = 0;
      session.enable("pid$target:plugin:plugin_start:entry", {
        handler: () => hits[moment]!++,
        allowNone: moment === "exec",
      });
    });
    assertEquals([text, end], ["ready\nsum 12\n", { code: 7, signal: undefined }]);
  }
  assertEquals(hits, { exec: 1, preinit: 1, postinit: 0, main: 0 });
});
