import { assert, assertEquals, assertMatch } from "@std/assert";
import { cString, type Kernel, openKernel } from "../../ffi/ffi.ts";
import * as k from "./child.ts";
import { Child, MemoryFile, names, readText, spawn } from "./child.ts";

const MODULE = new URL("../../ffi/ffi.ts", import.meta.url);
const WITHOUT_CLOSE_RANGE = new URL("../../build/targets/without_close_range", import.meta.url).pathname;
/** `PTRACE_O_TRACEEXIT`, and the stop that it makes: linux/ptrace.h. */
const TRACE_EXIT = 0x40, EXIT_STOP = (6 << 16) | (k.SIGTRAP << 8) | 0x7f;

/** The status of a thread that is about to get a signal. */
const signalStop = (signal: number) => (signal << 8) | 0x7f;

/** What a failed request must leave as it was: our children and our descriptors. */
function ownState(kernel: Kernel): unknown {
  return [readText(kernel, "/proc/thread-self/children"), names(kernel, "/proc/self/fd")];
}

/** A line of /proc/PID/status. */
function statusLine(kernel: Kernel, pid: number, name: string): string {
  const value = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(readText(kernel, `/proc/${pid}/status`))?.[1];
  return value ?? `no ${name}`;
}

Deno.test("ft_spawn passes arguments, environment, directory and files on, and the exit status back", () => {
  using kernel = openKernel();
  using out = new MemoryFile(kernel);
  using err = new MemoryFile(kernel);
  const script = 'pwd; printf "<%s>" "$@"; echo "$A" "$B" >&2; exit 7';
  using child = new Child(kernel, ["/bin/sh", "-c", script, "sh", "", "two words", ""], {
    env: ["A=1", "B=two 2"],
    cwd: "/usr/bin",
    files: [0, out.fd, err.fd],
  });
  assertEquals(child.resume(), 7 << 8);
  assertEquals(out.text(), "/usr/bin\n<><two words><>");
  assertEquals(err.text(), "1 two 2\n");
});

Deno.test("ft_spawn stops the program before its first instruction, seized", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  assertEquals(statusLine(kernel, child.pid, "State"), "t (tracing stop)");
  assertEquals(statusLine(kernel, child.pid, "Name"), "true");
  assertEquals(child.resume(), 0);
});

Deno.test("ft_spawn empties the signal mask and restores SIGPIPE", () => {
  using kernel = openKernel();
  const before = statusLine(kernel, Deno.pid, "SigBlk");
  using child = new Child(kernel, ["/bin/true"]);
  assertEquals(BigInt(`0x${statusLine(kernel, child.pid, "SigBlk")}`), 0n);
  assertEquals(BigInt(`0x${statusLine(kernel, child.pid, "SigIgn")}`) & (1n << 12n), 0n);
  assertEquals(statusLine(kernel, Deno.pid, "SigBlk"), before);
});

for (
  const { title, command, options, expected } of [
    { title: "a missing file", command: ["/nonexistent/program"], options: {}, expected: k.ENOENT },
    { title: "a file that is not executable", command: ["/etc/passwd"], options: {}, expected: k.EACCES },
    { title: "a directory", command: ["/etc"], options: {}, expected: k.EACCES },
    { title: "an empty path", command: [""], options: {}, expected: k.ENOENT },
    { title: "a missing directory", command: ["/bin/true"], options: { cwd: "/nonexistent" }, expected: k.ENOENT },
    {
      title: "a directory that is a file",
      command: ["/bin/true"],
      options: { cwd: "/etc/passwd" },
      expected: k.ENOTDIR,
    },
    {
      title: "a closed descriptor",
      command: ["/bin/true"],
      options: { files: [0, 9999, 2] as const },
      expected: k.EBADF,
    },
    { title: "bad ptrace options", command: ["/bin/true"], options: { options: 0x40000000 }, expected: k.EIO },
    {
      title: "a missing file, stopped at its exit",
      command: ["/no"],
      options: { options: TRACE_EXIT },
      expected: k.ENOENT,
    },
  ]
) {
  Deno.test(`ft_spawn refuses ${title} and leaves nothing behind`, () => {
    using kernel = openKernel();
    const before = ownState(kernel);
    assertEquals(spawn(kernel, command, options), expected);
    assertEquals(ownState(kernel), before);
  });
}

/** An ELF file whose first loaded segment lies in the kernel's half: execve notices when it cannot go back any more. */
function unloadable(): Uint8Array {
  const bytes = Deno.readFileSync("/bin/true");
  const view = new DataView(bytes.buffer);
  const headers = Number(view.getBigUint64(0x20, true)), size = view.getUint16(0x36, true);
  const PT_LOAD = 1;
  let at = headers;
  while (view.getUint32(at, true) !== PT_LOAD) at += size;
  view.setBigUint64(at + 0x10, 0xffff_8000_0000_0000n, true);
  return bytes;
}

for (
  const { title, contents } of [
    { title: "text without an interpreter line", contents: () => new TextEncoder().encode("echo no\n") },
    { title: "a program that dies in execve", contents: unloadable },
  ]
) {
  Deno.test(`ft_spawn refuses ${title} and leaves nothing behind`, () => {
    using kernel = openKernel();
    const path = Deno.makeTempFileSync();
    try {
      Deno.writeFileSync(path, contents());
      Deno.chmodSync(path, 0o755);
      const before = ownState(kernel);
      assertEquals(spawn(kernel, [path]), k.ENOEXEC);
      assertEquals(ownState(kernel), before);
    } finally {
      Deno.removeSync(path);
    }
  });
}

Deno.test("ft_spawn finds a relative path from the new directory", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["./true"], { cwd: "/usr/bin" });
  assertEquals(child.resume(), 0);
});

/** A program for a fresh Deno: spawns with files that overlap 0-2, and prints where they lead. */
const OVERLAP = `
  import { openKernel } from ${JSON.stringify(MODULE.href)};
  import { Child, names } from ${JSON.stringify(new URL("./child.ts", import.meta.url).href)};
  using kernel = openKernel();
  const link = (path) => {
    const bytes = new Uint8Array(100);
    const length = kernel.call.ft_read_link(new TextEncoder().encode(path + "\\0"), bytes, bytes.length);
    return new TextDecoder().decode(bytes.subarray(0, length));
  };
  const own = [0, 1, 2].map((fd) => link("/proc/self/fd/" + fd));
  using child = new Child(kernel, ["/bin/true"], { files: [2, 0, 1] });
  const got = [0, 1, 2].map((fd) => own.indexOf(link("/proc/" + child.pid + "/fd/" + fd)));
  console.log(got.join(), names(kernel, "/proc/" + child.pid + "/fd").join());`;

/** What a program for a fresh Deno may do: it loads the library that we test. */
const FLAGS = ["--allow-ffi", "--allow-env=FASTTRAP_LIB"];

/** Starts a program with a descriptor that execve does not close. */
const INHERITING = ["/bin/sh", "-c", 'exec "$@" 9</dev/null', "sh"];

Deno.test("ft_spawn takes files that stand in each other's place, and closes others", async () => {
  assertEquals(await k.runDeno(FLAGS, OVERLAP, INHERITING), { code: 0, stdout: "2,0,1 0,1,2\n", stderr: "" });
});

Deno.test("ft_spawn closes descriptors on a kernel without close_range", async () => {
  const run = await k.runDeno(FLAGS, OVERLAP, [...INHERITING, WITHOUT_CLOSE_RANGE]);
  assertEquals(run, { code: 0, stdout: "2,0,1 0,1,2\n", stderr: "" });
});

/** A program for a fresh Deno: spawns while its parent signals every child that it sees, and counts what came of it. */
const STORM = `
  import { openKernel } from ${JSON.stringify(MODULE.href)};
  import { Child } from ${JSON.stringify(new URL("./child.ts", import.meta.url).href)};
  using kernel = openKernel();
  let stopped = 0;
  for (let round = 0; round < 5000 && stopped < 20; round++) {
    using child = new Child(kernel, ["/bin/true"]);
    if (child.resume() === 0x137f) stopped++;
  }
  console.log(stopped);`;

Deno.test("ft_spawn is not disturbed by SIGSTOP, which the program gets", async () => {
  using kernel = openKernel();
  let over = false;
  const run = k.runDeno(FLAGS, STORM).finally(() => over = true);
  while (!over) {
    for (const child of readText(kernel, "/proc/thread-self/children").split(" ").filter(Boolean)) {
      const path = `/proc/${child}/task/${child}/children`;
      const bytes = new Uint8Array(64);
      const length = kernel.call.ft_read_file(cString(path), bytes, bytes.length);
      if (length <= 0) continue;
      for (const grandchild of new TextDecoder().decode(bytes.subarray(0, length)).split(" ").filter(Boolean)) {
        kernel.call.ft_kill(0, Number(grandchild), k.SIGSTOP);
      }
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(await run, { code: 0, stdout: "20\n", stderr: "" });
});

Deno.test("ft_wait and ft_peek see a stop only where there is one", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  const status = new Int32Array(1);
  assertEquals(kernel.call.ft_wait(child.pid, 0, status), 0);
  assertEquals(kernel.call.ft_continue(child.pid, 0), 0);
  assertEquals(kernel.call.ft_continue(child.pid, 0), k.ESRCH);
  const before = kernel.call.ft_clock_ns();
  assertEquals(kernel.call.ft_wait(child.pid, 2000, status), 0);
  assert(kernel.call.ft_clock_ns() - before >= 2e6);
  assertEquals(kernel.call.ft_interrupt(child.pid), 0);
  assertEquals(kernel.call.ft_peek(k.LIMIT_US, status), child.pid);
  assertEquals(status[0], k.EVENT_STOP);
  assertEquals(kernel.call.ft_peek(0, status.fill(0)), child.pid);
  assertEquals(status[0], k.EVENT_STOP);
  assertEquals(child.wait(), k.EVENT_STOP);
});

Deno.test("ft_wait and ft_peek refuse limits that are no number of microseconds", () => {
  using kernel = openKernel();
  for (const limit of [NaN, -1, Infinity, 2 ** 53, 0.5]) {
    assertEquals(kernel.call.ft_peek(limit, new Int32Array(1)), k.EINVAL);
    assertEquals(kernel.call.ft_wait(1, limit, new Int32Array(1)), k.EINVAL);
  }
  assertEquals(kernel.call.ft_wait(1, 0, new Int32Array(1)), k.ECHILD);
});

/** The signal that a process ends with for its parent: field 38 of /proc/PID/stat, whose second may contain spaces. */
function exitSignal(kernel: Kernel, pid: number): number {
  const stat = readText(kernel, `/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[38 - 3]);
}

Deno.test("ft_wake ends a blocked ft_wait_pool, which consumes nothing", async () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  kernel.call.ft_continue(child.pid, 0);
  const waiting = kernel.call.ft_wait_pool();
  const woken = kernel.check(kernel.call.ft_wake(), "wake", "the pool thread");
  assertEquals(await waiting, woken);
  assertEquals(exitSignal(kernel, woken), 0);
  const status = new Int32Array([-1]);
  assertEquals(kernel.call.ft_wait(woken, k.LIMIT_US, status), woken);
  assertEquals(status[0], 0);
  const stopping = kernel.call.ft_wait_pool();
  kernel.call.ft_interrupt(child.pid);
  assertEquals(await stopping, child.pid);
  assertEquals(child.wait(), k.EVENT_STOP);
});

Deno.test("ft_continue passes a signal on", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  assertEquals(kernel.call.ft_kill(child.pid, child.pid, k.SIGUSR1), 0);
  assertEquals(child.resume(), signalStop(k.SIGUSR1));
  assertEquals(child.resume(k.SIGUSR1), k.SIGUSR1);
});

Deno.test("ft_step runs one instruction", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  assertEquals(kernel.call.ft_step(child.pid, 0), 0);
  assertEquals(child.wait(), signalStop(k.SIGTRAP));
  assertEquals(child.resume(), 0);
});

Deno.test("ft_listen leaves a thread in group-stop until SIGCONT", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  kernel.call.ft_kill(0, child.pid, k.SIGSTOP);
  assertEquals(child.resume(), signalStop(k.SIGSTOP));
  assertEquals(child.resume(k.SIGSTOP), (128 << 16) | signalStop(k.SIGSTOP));
  assertEquals(kernel.call.ft_listen(child.pid), 0);
  assertEquals(kernel.call.ft_wait(child.pid, 0, new Int32Array(1)), 0);
  kernel.call.ft_kill(0, child.pid, k.SIGCONT);
  assertEquals(child.wait(), k.EVENT_STOP);
});

Deno.test("ft_seize and ft_detach take a running process and let it go", async () => {
  using kernel = openKernel();
  const child = new Deno.Command("/bin/sleep", { args: ["100"] }).spawn();
  const status = new Int32Array(1);
  assertEquals(kernel.call.ft_seize(child.pid, 0), 0);
  const ids = new Int32Array(7);
  kernel.call.ft_self(ids);
  assertEquals(statusLine(kernel, child.pid, "TracerPid"), String(ids[5]));
  assertEquals(kernel.call.ft_interrupt(child.pid), 0);
  assertEquals(kernel.call.ft_wait(child.pid, k.LIMIT_US, status), child.pid);
  assertEquals(status[0], k.EVENT_STOP);
  assertEquals(kernel.call.ft_detach(child.pid, 0), 0);
  assertEquals(statusLine(kernel, child.pid, "TracerPid"), "0");
  assertEquals(kernel.call.ft_interrupt(child.pid), k.ESRCH);
  child.kill("SIGTERM");
  assertEquals((await child.status).signal, "SIGTERM");
});

Deno.test("ft_seize refuses a process that does not exist and our own", () => {
  using kernel = openKernel();
  assertEquals(kernel.call.ft_seize(2 ** 31 - 1, 0), k.ESRCH);
  assertEquals(kernel.call.ft_seize(Deno.pid, 0), -1);
});

Deno.test("ft_kill signals one thread of a process, or a process", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  assertEquals(kernel.call.ft_kill(child.pid, child.pid, 0), 0);
  assertEquals(kernel.call.ft_kill(0, child.pid, 0), 0);
  assertEquals(kernel.call.ft_kill(Deno.pid, child.pid, 0), k.ESRCH);
  assertEquals(kernel.call.ft_kill(0, child.pid, 1000), k.EINVAL);
});

Deno.test("ft_queue_signal sends a signal with its siginfo, unless only the kernel may", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/sleep", "100"]);
  const siginfo = new Uint8Array(128);
  // si_signo, si_errno and si_code, a hole; si_pid, si_uid, si_value.
  new Int32Array(siginfo.buffer).set([k.SIGUSR1, 0, -1, 0, 1234, 56, 78]);
  const { ft_queue_signal, ft_get_siginfo } = kernel.call;
  assertEquals(ft_queue_signal(child.pid, child.pid, k.SIGUSR1, siginfo), 0);
  assertEquals(child.resume(), (k.SIGUSR1 << 8) | 0x7f);
  const arrived = new Uint8Array(128);
  assertEquals(ft_get_siginfo(child.pid, arrived), 0);
  assertEquals(arrived, siginfo);
  for (const code of [0, -6]) {
    new Int32Array(siginfo.buffer)[2] = code;
    assertEquals(ft_queue_signal(child.pid, child.pid, k.SIGUSR1, siginfo), -1);
  }
  assertEquals(ft_queue_signal(Deno.pid, child.pid, k.SIGUSR1, arrived), k.ESRCH);
});

Deno.test("ft_pidfd_getfd duplicates a descriptor of the target", () => {
  using kernel = openKernel();
  using out = new MemoryFile(kernel);
  using child = new Child(kernel, ["/bin/echo", "shared"], { files: [0, out.fd, 2] });
  const pidfd = kernel.check(kernel.call.ft_pidfd_open(child.pid), "open", "the child");
  const copy = kernel.check(kernel.call.ft_pidfd_getfd(pidfd, 1), "get", "its output");
  assertEquals(kernel.call.ft_pidfd_getfd(pidfd, 9999), k.EBADF);
  assertEquals(child.resume(), 0);
  const bytes = new Uint8Array(7);
  assertEquals(kernel.call.ft_pread(copy, 0, bytes, 7), 7);
  assertEquals(new TextDecoder().decode(bytes), "shared\n");
  for (const fd of [pidfd, copy]) assertEquals(kernel.call.ft_close(fd), 0);
});

Deno.test("ft_same_memory tells processes with one memory from others", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/true"]);
  assertEquals(kernel.call.ft_same_memory(Deno.pid, Deno.pid), 0);
  assert(kernel.call.ft_same_memory(child.pid, Deno.pid) > 0);
  assertEquals(kernel.call.ft_same_memory(2 ** 31 - 1, Deno.pid), k.ESRCH);
});

Deno.test("ft_event_message has the exit status at the exit stop", () => {
  using kernel = openKernel();
  using child = new Child(kernel, ["/bin/false"], { options: TRACE_EXIT });
  assertEquals(child.resume(), EXIT_STOP);
  const message = new Uint32Array(2);
  assertEquals(kernel.call.ft_event_message(child.pid, message), 0);
  assertEquals(message, new Uint32Array([1 << 8, 0]));
  assertEquals(child.resume(), 1 << 8);
});

Deno.test("ft_self tells our own ids and the page size", () => {
  using kernel = openKernel();
  const ids = new Int32Array(7);
  assertEquals(kernel.call.ft_self(ids), 0);
  assertEquals([ids[0], ids[2], ids[4]], [Deno.uid(), Deno.gid(), Deno.pid]);
  assertMatch(statusLine(kernel, Deno.pid, "Uid"), new RegExp(`^${ids[0]}\\t${ids[1]}\\t`));
  assertMatch(statusLine(kernel, Deno.pid, "Gid"), new RegExp(`^${ids[2]}\\t${ids[3]}\\t`));
  assert(names(kernel, "/proc/self/task").includes(String(ids[5])));
  assert([4096, 16384, 65536].includes(ids[6] ?? 0));
  assertEquals(kernel.call.ft_executable(cString("/bin/sh")), 0);
});
