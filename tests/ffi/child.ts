/**
 * A child for the tests of the C library, and the few numbers of the kernel that they need.
 *
 * @module
 */

import { cString, cStrings, type Kernel } from "../../ffi/ffi.ts";

/** Signals. */
export const SIGUSR1 = 10, SIGTRAP = 5, SIGKILL = 9, SIGCONT = 18, SIGSTOP = 19;
/** Negative results. */
export const ENOENT = -2, ESRCH = -3, EIO = -5, ENOEXEC = -8, EBADF = -9, ECHILD = -10, EACCES = -13, EFAULT = -14;
export const ENOTDIR = -20, EINVAL = -22, ENOSPC = -28;
/** Wait statuses of stops, `PTRACE_EVENT_EXEC` and `PTRACE_EVENT_STOP` of `linux/ptrace.h`. */
export const EXEC_STOP = (4 << 16) | (SIGTRAP << 8) | 0x7f;
export const EVENT_STOP = (128 << 16) | (SIGTRAP << 8) | 0x7f;
/** How long a test waits for an event before it fails, in us. */
export const LIMIT_US = 5e6;

/** How a {@linkcode Child} is started. */
export interface ChildOptions {
  env?: readonly string[];
  cwd?: string;
  files?: readonly [number, number, number];
  options?: number;
}

/** Calls `ft_spawn` with what most tests leave out. */
export function spawn(kernel: Kernel, command: readonly string[], options: ChildOptions = {}): number {
  const [input, output, error] = options.files ?? [0, 1, 2];
  const env = options.env ?? [];
  return kernel.call.ft_spawn(
    cString(command[0] ?? ""),
    cStrings(command),
    command.length,
    cStrings(env),
    env.length,
    cString(options.cwd ?? ""),
    input,
    output,
    error,
    options.options ?? 0,
  );
}

/** A program in its exec stop. Disposing of it kills and reaps it. */
export class Child implements Disposable {
  readonly #kernel: Kernel;
  readonly pid: number;
  readonly #status = new Int32Array(1);
  #gone = false;

  constructor(kernel: Kernel, command: readonly string[], options: ChildOptions = {}) {
    this.#kernel = kernel;
    this.pid = kernel.check(spawn(kernel, command, options), "spawn", command.join(" "));
    const status = this.wait();
    if (status !== EXEC_STOP) throw new Error(`Cannot start ${command[0]}: status ${status.toString(16)}`);
  }

  /** The next wait status. */
  wait(): number {
    const found = this.#kernel.call.ft_wait(this.pid, LIMIT_US, this.#status);
    if (found !== this.pid) throw new Error(`Cannot wait for ${this.pid}: got ${found}`);
    const status = this.#status[0] ?? 0;
    this.#gone = (status & 0x7f) !== 0x7f;
    return status;
  }

  /** Lets it run, and returns the next wait status. */
  resume(signal = 0): number {
    this.#kernel.check(this.#kernel.call.ft_continue(this.pid, signal), "continue", `${this.pid}`);
    return this.wait();
  }

  [Symbol.dispose](): void {
    if (this.#gone) return;
    this.#kernel.call.ft_kill(0, this.pid, SIGKILL);
    while (!this.#gone) this.wait();
  }
}

/** A file in memory, for a child's output. */
export class MemoryFile implements Disposable {
  readonly #kernel: Kernel;
  readonly fd: number;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.fd = kernel.check(kernel.call.ft_memfd(cString("test")), "make", "a file in memory");
  }

  /** What has been written to it. */
  text(): string {
    const bytes = new Uint8Array(65536);
    const length = this.#kernel.check(this.#kernel.call.ft_pread(this.fd, 0, bytes, bytes.length), "read", "it");
    return new TextDecoder().decode(bytes.subarray(0, length));
  }

  [Symbol.dispose](): void {
    this.#kernel.call.ft_close(this.fd);
  }
}

/** A file, read by the library. */
export function readText(kernel: Kernel, path: string): string {
  const bytes = new Uint8Array(65536);
  const length = kernel.check(kernel.call.ft_read_file(cString(path), bytes, bytes.length), "read", path);
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** The sorted names in a directory, read by the library. */
export function names(kernel: Kernel, path: string): string[] {
  const bytes = new Uint8Array(65536);
  const length = kernel.check(kernel.call.ft_list_directory(cString(path), bytes, bytes.length), "list", path);
  return new TextDecoder().decode(bytes.subarray(0, length)).split("\0").slice(0, -1).sort();
}

/** Runs TypeScript in a fresh Deno with some flags and no prompts, and returns what it prints. */
export async function runDeno(
  flags: readonly string[],
  code: string,
  launcher: readonly string[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program, ...args] = [...launcher, Deno.execPath(), "run", "--no-prompt", "--quiet", ...flags, "-"];
  const child = new Deno.Command(program ?? "", {
    args,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const output = await child.output();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}
