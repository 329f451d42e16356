/** One whole screen for each thing that cannot be traced: its text, its exit code, and that nothing is left behind. */

import { assertEquals, assertMatch } from "@std/assert";
import { program32 } from "../program32.ts";
import { assertTextUntouched, stateOf, TARGETS, tracerOf, until, withTarget } from "../support.ts";
import { ATTACH, mask, run, RunningCommand, type Screen, START } from "./command.ts";
import { AS_NOBODY, IS_ROOT, NOBODY, Sandbox } from "./sandbox.ts";

const DEMO = `${TARGETS}demo`;
const EVERYTHING = "pid$target:::entry";
/** `/proc/PID/status` of a kernel thread has no memory. */
const KERNEL_THREAD = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).find((pid) =>
  pid > 0 && stateOf(pid) !== "Z" && !/^VmSize/m.test(statusOf(pid))
);

function statusOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch {
    return "VmSize: it has just ended";
  }
}

/** The command has failed, with these lines on standard error and nothing else on the screen. */
function assertFailed(screen: Screen, code: number, ...lines: string[]): void {
  assertEquals(screen, { code, stdout: "", stderr: lines.map((line) => `${line}\n`).join("") });
}

/** Tries to attach to a process. */
async function attach(pid: number): Promise<Screen> {
  return mask(await run(["-n", EVERYTHING, "-p", pid]), pid);
}

/** Tries to trace the demo, which does not run: it would print something. */
async function traceDemo(...options: string[]): Promise<Screen> {
  return mask(await run([...options, "--", DEMO], { permissions: START }));
}

/** Tries to start a program. */
async function startProgram(command: string, description = EVERYTHING): Promise<Screen> {
  return await run(["-n", description, "-c", command], { permissions: START });
}

/** Declares a test that is ignored, with the reason in its name, where it is not possible. */
function testIf(possible: boolean, reason: string, name: string, fn: () => Promise<void>): void {
  Deno.test({ name: possible ? name : `${name} (ignored: ${reason})`, ignore: !possible, fn });
}

/** A process that a test needs; ended in any case. */
class Helper implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  constructor(program: string, ...args: string[]) {
    this.#child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The number that it prints. */
  async number(): Promise<number> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) return Number(text);
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    if (!this.#child.stdout.locked) await this.#child.stdout.cancel();
  }
}

/** A folder with files of a test. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync();

  /** Writes a file. */
  file(name: string, content: Uint8Array | string, mode = 0o755): string {
    const path = `${this.path}/${name}`;
    Deno.writeFileSync(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    Deno.chmodSync(path, mode);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

Deno.test("D_PROC_GRAB: an unknown pid", async () => {
  // The kernel's pids end at 4194304.
  const error = "fasttrap: D_PROC_GRAB: Cannot grab process PID: there is no such process";
  assertFailed(await attach(4194305), 5, error);
});

Deno.test("D_PROC_GRAB: a thread that is not the first of its process", async () => {
  const tids = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => Number(name));
  const tid = tids.find((id) => id !== Deno.pid)!;
  assertFailed(
    await attach(tid),
    5,
    `fasttrap: D_PROC_GRAB: Cannot grab process PID: it is a thread of process ${Deno.pid}`,
    `hint: use -p ${Deno.pid}`,
  );
});

Deno.test("D_PROC_GRAB: our own pid", async () => {
  const start = { prefix: ["sh", "-c", 'exec "$@" $$', "sh"] };
  const screen = mask(await run(["-n", EVERYTHING, "-p"], start), undefined);
  assertFailed(
    { ...screen, stderr: screen.stderr.replace(/\d+/, "PID") },
    5,
    "fasttrap: D_PROC_GRAB: Cannot grab process PID: it is this process itself",
  );
});

testIf(KERNEL_THREAD !== undefined, "no kernel thread to be seen", "D_PROC_GRAB: a kernel thread", async () => {
  assertFailed(
    await attach(KERNEL_THREAD!),
    5,
    "fasttrap: D_PROC_GRAB: Cannot grab process PID: it is a kernel thread",
  );
});

Deno.test("D_PROC_GRAB: a zombie", async () => {
  // A program that knows nothing of the shell's children takes its place.
  await using parent = new Helper("sh", "-c", "sleep 1000 & echo $!; exec sleep 1000");
  const pid = await parent.number();
  try {
    await until(() => Deno.readTextFileSync(`/proc/${parent.pid}/comm`) === "sleep\n", "the other program");
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
  await until(() => stateOf(pid) === "Z", "a zombie");
  assertFailed(
    await attach(pid),
    5,
    "fasttrap: D_PROC_GRAB: Cannot grab process PID: it has ended and waits for its parent, " +
      `process ${parent.pid}, to notice (a zombie)`,
  );
});

Deno.test("D_PROC_GRAB: a process that is traced already", async () => {
  await withTarget("requests", async (target) => {
    await using first = new RunningCommand(["-n", "pid$target::serve:entry", "-p", target.pid]);
    await first.shows("matched 1 probe");
    assertFailed(
      await attach(target.pid),
      4,
      `fasttrap: D_PROC_GRAB: Cannot grab process PID: it is already traced by deno (pid ${first.pid})`,
      "hint: stop that tracer first",
    );
    assertEquals(tracerOf(target.pid), first.pid);
    await target.send("2");
    assertEquals(await target.line(), "served 2, 1 of them odd");
  });
});

testIf(IS_ROOT, "needs root", "D_PROC_GRAB: the process of another user, and pid 1", async () => {
  using sandbox = await Sandbox.make();
  await withTarget("requests", async (target) => {
    for (const pid of [target.pid, 1]) {
      const screen = await run(["-n", EVERYTHING, "-p", pid], sandbox.start(ATTACH, AS_NOBODY));
      assertFailed(
        screen,
        4,
        `fasttrap: D_PROC_GRAB: Cannot grab process ${pid}: operation not permitted: ` +
          `it belongs to uid 0, you are ${NOBODY}, without CAP_SYS_PTRACE`,
        "hint: run as uid 0, or as root",
      );
    }
    assertEquals(tracerOf(target.pid), 0);
    assertTextUntouched(target.pid);
  });
});

Deno.test("D_PROC_GRAB: a 32-bit program", async () => {
  using folder = new Folder();
  const path = folder.file("program32", program32("pause"));
  const error = "fasttrap: D_PROC_GRAB: Cannot trace i386 (32-bit x86) code: only x86_64 and aarch64 are supported";
  assertFailed(await startProgram(path), 5, error);
  await using process = new Helper(path);
  assertFailed(await attach(process.pid), 5, error);
  assertEquals(tracerOf(process.pid), 0);
  assertMatch(stateOf(process.pid)!, /[RS]/);
});

Deno.test("D_PROC_FUNC: a misspelt function", async () => {
  const screen = await traceDemo("-n", "pid$target:a.out:is_prme:entry");
  const { stderr } = screen;
  const count = /\((\d+) functions/.exec(stderr)?.[1];
  assertFailed(
    screen,
    3,
    "fasttrap: D_PROC_FUNC: failed to lookup 'is_prme' in module 'demo'",
    `hint: no function matches "is_prme" in demo (${count} functions, from .symtab); did you mean is_prime?`,
  );
});

Deno.test("D_PDESC_ZERO: a misspelt function of any module", async () => {
  const { code, stdout, stderr } = await traceDemo("-n", "pid$target::is_prme:entry");
  assertEquals({ code, stdout }, { code: 3, stdout: "" });
  assertMatch(stderr, /^fasttrap: D_PDESC_ZERO: probe description pidPID::is_prme:entry does not match any probes\n/);
  assertMatch(stderr, /\nhint: no function matches "is_prme" in demo .*; did you mean is_prime\?\n$/);
});

Deno.test("D_PDESC_ZERO: a misspelt module", async () => {
  assertFailed(
    await traceDemo("-n", "pid$target:libd:malloc:entry"),
    3,
    "fasttrap: D_PDESC_ZERO: probe description pidPID:libd:malloc:entry does not match any probes",
    'hint: no module matches "libd" (the process has demo, libc.so.6, ld-linux-x86-64.so.2)',
  );
});

Deno.test("D_PDESC_ZERO: a description without a provider", async () => {
  assertFailed(
    await run(["-n", "is_prime:entry", "--", DEMO], { permissions: START }),
    3,
    "fasttrap: D_PDESC_ZERO: probe description ::is_prime:entry does not match any probes",
    "hint: probes of functions have providers such as pid1234 or pid$target",
  );
});

Deno.test("D_MACRO_UNDEF: $target without a target", async () => {
  assertFailed(
    await run(["-n", EVERYTHING]),
    2,
    "fasttrap: D_MACRO_UNDEF: macro variable $target is not defined",
    "hint: Name a process with -p or a command with -c",
  );
});

Deno.test("D_PROC_BADPID: a pid that cannot be", async () => {
  const { code, stderr } = await run(["-n", "pid0:a:b:entry"]);
  assertEquals({ code, stderr }, {
    code: 2,
    stderr: "fasttrap: D_PROC_BADPID: 'pid0' does not contain a valid pid\n",
  });
});

Deno.test("D_PROC_OFF: an offset past the end of the function", async () => {
  const { code, stdout, stderr } = await traceDemo("-n", "pid$target:a.out:is_prime:10000");
  assertEquals({ code, stdout }, { code: 3, stdout: "" });
  assertMatch(
    stderr,
    /^fasttrap: D_PROC_OFF: offset 0x10000 outside of function 'is_prime'\nhint: The function has 0x\w+ bytes\n$/,
  );
});

Deno.test("D_PROC_ALIGN: an offset inside an instruction", async () => {
  // No compiler makes a first instruction of one byte for a function that needs neither a frame nor a register saved.
  const error = "fasttrap: D_PROC_ALIGN: offset 0x1 is not aligned on an instruction";
  assertFailed(await traceDemo("-n", "pid$target:a.out:is_prime:1"), 3, error);
});

Deno.test("D_PROC_LIB: an absolute address in another module than the program", async () => {
  const error = "fasttrap: D_PROC_LIB: only the a.out module is valid with the '-' function";
  assertFailed(await traceDemo("-n", "pid$target:libc.so.6:-:1000"), 3, error);
});

Deno.test("D_PROC_NAME: a name that no probe has", async () => {
  assertFailed(
    await traceDemo("-n", "pid$target:a.out:is_prime:enter"),
    2,
    "fasttrap: D_PROC_NAME: 'enter' is an invalid probe name",
    "hint: A probe is called entry, return, or the offset of an instruction in hexadecimal digits",
  );
});

Deno.test("fasttrap refuses an empty or malformed description", async () => {
  const rows: [string, string][] = [
    ["", "Cannot parse probe description: it is empty"],
    [" ", "Cannot parse probe description: it is empty"],
    [
      "a:b:c:d:e",
      'Cannot parse probe description "a:b:c:d:e": it has 5 fields, and at most 4 are allowed (provider:module:function:name)',
    ],
    ["pid$target:a.out:[a:entry", 'Cannot compile glob "[a": a set is not closed by "]"'],
  ];
  for (const [description, message] of rows) {
    assertFailed(await traceDemo("-n", description), 2, `fasttrap: ${message}`);
  }
});

Deno.test("D_PROC_CREATE: a missing file, a missing command, a folder", async () => {
  const missing = "no such file or command";
  const refused = "permission denied, or not executable";
  for (
    const [name, why, code] of [["/nosuch/x", missing, 5], ["nosuch-x", missing, 5], ["/usr", refused, 4]] as const
  ) {
    assertFailed(await startProgram(name), code, `fasttrap: D_PROC_CREATE: Cannot start "${name}": ${why}`);
  }
});

Deno.test("D_PROC_CREATE: a file that is not executable, not ELF, or only the beginning of one", async () => {
  using folder = new Folder();
  const elf = Deno.readFileSync(DEMO);
  const rows: [path: string, why: string, code: number][] = [
    [folder.file("data", "nothing to run\n", 0o644), "permission denied, or not executable", 4],
    [folder.file("text", "nothing to run\n"), "not an executable format", 5],
    [folder.file("empty", ""), "not an executable format", 5],
    [folder.file("header", elf.subarray(0, 64)), "not an executable format", 5],
    [folder.file("segments", elf.subarray(0, 600)), "not an executable format", 5],
  ];
  for (const [path, why, code] of rows) {
    assertFailed(await startProgram(path), code, `fasttrap: D_PROC_CREATE: Cannot start "${path}": ${why}`);
  }
});

Deno.test("D_PROC_ELF: a program whose section headers are cut off", async () => {
  using folder = new Folder();
  const elf = Deno.readFileSync(DEMO);
  const path = folder.file("cut", elf.subarray(0, elf.length - 64));
  const headersAt = Number(new DataView(elf.buffer).getBigUint64(40, true));
  assertFailed(
    await startProgram(path, "pid$target:a.out:main:entry"),
    5,
    `fasttrap: D_PROC_ELF: Cannot read ELF file "${path}": its section headers would need ${elf.length - headersAt} ` +
      `bytes at offset ${headersAt}, but the file has only ${elf.length - 64} bytes`,
  );
});

Deno.test("fasttrap traces the interpreter of a script", async () => {
  using folder = new Folder();
  const path = folder.file("script", "#!/bin/sh\necho ran; exit 3\n");
  const screen = mask(await run(["-qj", "-n", "pid$target:libc*:_exit:entry", "-c", path], { permissions: START }));
  assertEquals({ code: screen.code, stderr: screen.stderr }, { code: 0, stderr: "ran\n" });
  assertMatch(screen.stdout, /"probe":"pidPID:libc\S*:_exit:entry","args":\[3,/);
});
