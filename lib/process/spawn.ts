/**
 * Starting a program that is traced from its first instruction.
 *
 * The child is seized by the C library before it executes the program, so that it stops with PTRACE_EVENT_EXEC when the
 * program is in memory and nothing of it has run: not even the dynamic linker. {@linkcode runTo} lets it go on to a
 * chosen place before the user's probes are set.
 *
 * @module
 */

import { cString, cStrings } from "../../ffi/ffi.ts";
import { type Address, isAddress } from "../address.ts";
import { DTraceError, SystemError } from "../errors.ts";
import { S_IFMT, S_IFREG } from "./file_source.ts";
import { cautionOf, openImage } from "./images.ts";
import { type Thread, TracedProcess } from "./process.ts";
import { findIgnoredSetId } from "./set_id.ts";
import { readAncestors, readEnvironment } from "./proc_files.ts";
import { INTERRUPTED, isTrap, PTRACE_O_EXITKILL, SIGKILL, TRACE_OPTIONS } from "./ptrace.ts";
import type { Tracer } from "./tracer.ts";

/** How long the child may take to reach its program, in microseconds. */
const EXEC_LIMIT_US = 10_000_000;
/** How long one look at a running child takes, in microseconds. */
const LOOK_US = 10_000;
/** Where execvp(3) looks without PATH. */
const DEFAULT_PATH = "/bin:/usr/bin";

/** What to start, and how. */
export interface SpawnOptions {
  /** The arguments, without the program's own name. */
  readonly args?: readonly string[];
  /** The working directory; the tracer's by default. */
  readonly cwd?: string;
  /** The environment as `NAME=value`; the tracer's by default. */
  readonly env?: readonly string[];
  /** The descriptor that becomes standard input; 0 by default. */
  readonly stdin?: number;
  /** The descriptor that becomes standard output; 1 by default. */
  readonly stdout?: number;
  /** The descriptor that becomes standard error; 2 by default. */
  readonly stderr?: number;
}

/**
 * Starts a program.
 *
 * @param tracer The tracer.
 * @param program Its file; without a slash it is searched for in PATH.
 * @param options Arguments, directory, environment and descriptors.
 * @returns The process. Its one thread is stopped before the first instruction, and not in the backlog.
 * @throws {DTraceError} `D_PROC_CREATE` if it cannot be started, `D_PROC_GRAB` if it cannot be traced.
 */
export function spawn(tracer: Tracer, program: string, options: SpawnOptions = {}): TracedProcess {
  const { kernel } = tracer;
  const env = options.env ?? readEnvironment(kernel);
  const args = [program, ...options.args ?? []];
  const result = kernel.call.ft_spawn(
    cString(findProgram(tracer, program, env)),
    cStrings(args),
    args.length,
    cStrings(env),
    env.length,
    cString(options.cwd ?? ""),
    options.stdin ?? 0,
    options.stdout ?? 1,
    options.stderr ?? 2,
    TRACE_OPTIONS | PTRACE_O_EXITKILL,
  );
  if (result < 0) throw createError(tracer, program, result);
  const status = new Int32Array(1);
  if (kernel.call.ft_wait(result, EXEC_LIMIT_US, new Uint8Array(status.buffer)) <= 0 || (status[0]! & 0xff) !== 0x7f) {
    throw createError(tracer, program, -3);
  }
  try {
    const process = new TracedProcess(result, openImage(kernel, result), {
      spawned: true,
      wanted: true,
      ancestors: readAncestors(kernel, result),
    });
    for (const warning of [cautionOf(process.image), findIgnoredSetId(kernel, result)]) {
      if (warning !== undefined) tracer.listener.warn(warning);
    }
    tracer.addProcess(process);
    const thread = tracer.addThread(process, result);
    thread.state = "stopped";
    thread.status = status[0]!;
    thread.reported = status[0]!;
    return process;
  } catch (error) {
    kernel.call.ft_kill(0, result, SIGKILL);
    kernel.call.ft_wait(result, EXEC_LIMIT_US, new Uint8Array(status.buffer));
    throw error;
  }
}

/**
 * Ends a process that was started and has not been let run its program.
 *
 * @param tracer The tracer.
 * @param process The process.
 */
export function discard(tracer: Tracer, process: TracedProcess): void {
  tracer.kernel.call.ft_kill(0, process.pid, SIGKILL);
  const deadline = tracer.kernel.call.ft_clock_ns() + EXEC_LIMIT_US * 1000;
  while (process.alive && tracer.kernel.call.ft_clock_ns() < deadline) tracer.pump(LOOK_US);
}

/**
 * Lets a process that has one thread, which is stopped, run until it arrives at one of some addresses.
 *
 * @param tracer The tracer.
 * @param thread The thread, not in the backlog.
 * @param addresses Where to stop it. It is not at one of them now.
 * @returns Where it arrived; undefined if it ended, or executed another program. If it lives, its thread is stopped
 *   again, and not in the backlog.
 */
export function runTo(tracer: Tracer, thread: Thread, addresses: readonly Address[]): Address | undefined {
  const { process } = thread;
  const { image } = process;
  if (image.text.install(addresses).length > 0) return undefined;
  tracer.resume(thread, 0);
  while (process.alive && process.image === image) {
    const status = tracer.awaitStep(thread, LOOK_US);
    if (status === undefined) {
      // Something else may have happened: another process's stop, a thread of this one.
      tracer.pump(0);
      continue;
    }
    if (process.image !== image) break;
    const arrived = trapAddress(tracer, thread, status);
    if (arrived !== undefined && addresses.includes(arrived)) {
      image.text.remove(addresses);
      tracer.stop.setPc(image, arrived);
      tracer.stop.storeRegisters(thread);
      thread.status = INTERRUPTED;
      return arrived;
    }
    tracer.enqueue(thread);
    tracer.pump(0);
  }
  return undefined;
}

/**
 * Lets a stopped thread make one step.
 *
 * @param tracer The tracer.
 * @param thread The thread, not in the backlog, at an instruction that raises no signal.
 */
export function stepOnce(tracer: Tracer, thread: Thread): void {
  thread.stepping = true;
  tracer.resume(thread, 0);
  tracer.awaitStep(thread, EXEC_LIMIT_US);
  thread.stepping = false;
  thread.status = INTERRUPTED;
}

/** The address of the trap that the thread has executed; undefined if it is stopped for something else. */
function trapAddress(tracer: Tracer, thread: Thread, status: number): Address | undefined {
  if (!isTrap(status)) return undefined;
  const { image } = thread.process;
  if (tracer.stop.signalCode(thread) !== image.isa.trapCode || !tracer.stop.loadRegisters(thread)) return undefined;
  const pc = tracer.stop.getTrapPc(thread);
  return isAddress(pc) ? pc : undefined;
}

/** Finds a program as execvp(3) does: the first executable file of its name in PATH. */
function findProgram(tracer: Tracer, program: string, env: readonly string[]): string {
  if (program === "" || program.includes("/")) return program;
  const path = env.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? DEFAULT_PATH;
  for (const directory of path.split(":")) {
    const candidate = `${directory === "" ? "." : directory}/${program}`;
    if (isExecutableFile(tracer, candidate)) return candidate;
  }
  throw createError(tracer, program, -2);
}

/** Whether a path leads to a file that may be executed; to enter a folder is the same permission. */
function isExecutableFile({ kernel: { call } }: Tracer, path: string): boolean {
  const values = new Float64Array(7);
  if (call.ft_executable(cString(path)) < 0 || call.ft_stat(cString(path), new Uint8Array(values.buffer)) < 0) {
    return false;
  }
  return (values[0]! & S_IFMT) === S_IFREG;
}

function createError(tracer: Tracer, program: string, result: number): DTraceError {
  try {
    tracer.kernel.check(result, "execve", `"${program}"`);
  } catch (error) {
    const { errno } = error as SystemError;
    const why = {
      ENOENT: "no such file or command",
      EACCES: "permission denied, or not executable",
      ENOEXEC: "not an executable format",
    }[errno];
    return new DTraceError("D_PROC_CREATE", `Cannot start "${program}": ${why ?? errno}`, { cause: error });
  }
  throw new SystemError("ECHILD", "start", `"${program}"`);
}
