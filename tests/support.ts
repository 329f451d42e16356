/**
 * Programs to be traced, and ways to look at them from outside.
 *
 * A target is never a child of the test: `launcher` is its parent, and tells what a parent learns of it. Nothing here
 * traces, so that the same functions run a program untraced for comparison.
 *
 * @module
 */

import { assertEquals, fail } from "@std/assert";

/** The folder of the compiled targets. */
export const TARGETS = new URL("../build/targets/", import.meta.url).pathname;

/** How many times as long the long form of a test is; 1 unless `FASTTRAP_SOAK` says otherwise. */
export const SOAK = Deno.env.get("FASTTRAP_SOAK") === "1" ? 10 : 1;

/**
 * Chooses between the usual and the long form of a test whose figure is to be an exact one.
 *
 * @param usual How often, as a rule.
 * @param long How often if `FASTTRAP_SOAK` is 1.
 * @returns One of the two.
 */
export function rounds(usual: number, long: number): number {
  return SOAK === 1 ? usual : long;
}

/** How long an event is waited for before a test fails, in ms. */
const LIMIT_MS = 60_000 * SOAK;

/** What a program has done as far as its parent and its reader can tell. */
export interface Outcome {
  /** Its standard output. */
  readonly stdout: string;
  /** Its end: `exited 0`, `killed 9`. */
  readonly end: string;
}

/** Options of {@linkcode withTarget} and {@linkcode untraced}. */
export interface TargetOptions {
  /** The program's arguments. */
  readonly args?: readonly (string | number)[];
}

/** A program under `launcher`. */
export class TargetProgram implements AsyncDisposable {
  /** The target's pid. */
  pid = 0;
  /** What its parent has learned so far, without the pid. */
  readonly reports: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #stdout: TextReader;
  readonly #stderr: TextReader;

  private constructor(program: string, options: TargetOptions) {
    this.#child = new Deno.Command(`${TARGETS}launcher`, {
      args: [program, ...(options.args ?? []).map(String)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#stdout = new TextReader(this.#child.stdout);
    this.#stderr = new TextReader(this.#child.stderr);
  }

  /** Starts a program; returns when its pid is known. */
  static async start(program: string, options: TargetOptions = {}): Promise<TargetProgram> {
    const target = new TargetProgram(program.includes("/") ? program : TARGETS + program, options);
    const line = await target.#stderr.line();
    target.pid = Number(/^pid (\d+)$/.exec(line)?.[1] ?? fail(`launcher said "${line}"`));
    return target;
  }

  /** Writes a line to its standard input. */
  async send(line = ""): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }

  /** The next line of its standard output. */
  line(): Promise<string> {
    return this.#stdout.line();
  }

  /** Waits until its parent has learned something, such as `stopped 19`. */
  async report(wanted: string): Promise<void> {
    while (this.reports.at(-1) !== wanted) this.reports.push(await this.#stderr.line());
  }

  /** Waits until it has ended; the output is what no call of `line` has taken. */
  async outcome(): Promise<Outcome> {
    await this.#stdin.close().catch(() => {});
    const stdout = await this.#stdout.rest();
    this.reports.push(...(await this.#stderr.rest()).split("\n").filter((line) => line !== ""));
    await this.#child.status;
    return { stdout, end: this.reports.at(-1) ?? "" };
  }

  /** Whether it lives. */
  get alive(): boolean {
    const letter = stateOf(this.pid);
    return letter !== undefined && letter !== "Z";
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // As long as the launcher is its parent, the pid cannot be another's.
      if (this.pid !== 0 && this.#child.pid === parentOf(this.pid)) Deno.kill(this.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.outcome();
  }
}

/** Starts a target, waits until it is ready, and ends it in any case when `fn` is done. */
export async function withTarget(
  name: string,
  fn: (target: TargetProgram) => Promise<void>,
  options: TargetOptions = {},
): Promise<void> {
  await using target = await TargetProgram.start(name, options);
  assertEquals(await target.line(), "ready");
  await fn(target);
}

/** Runs a target without tracing it; its output is what comes after "ready". */
export async function untraced(name: string, options: TargetOptions = {}): Promise<Outcome> {
  await using target = await TargetProgram.start(name, options);
  assertEquals(await target.line(), "ready");
  await target.send();
  return await target.outcome();
}

/** Lines of a stream, each awaited for a limited time. */
class TextReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  async line(): Promise<string> {
    while (!this.#text.includes("\n")) {
      const { done, value } = await within(this.#reader.read(), "a line");
      if (done) fail(`the stream has ended behind "${this.#text}"`);
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  async rest(): Promise<string> {
    for (let part; !(part = await within(this.#reader.read(), "the end of a stream")).done;) this.#text += part.value;
    const text = this.#text;
    this.#text = "";
    return text;
  }
}

/** Fails if a promise is not settled in time. */
export async function within<T>(promise: Promise<T>, subject: string, limitMs = LIMIT_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${subject} has not come in ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until something is so; for what the kernel does in its own time and tells nobody of. */
export async function until(condition: () => boolean, subject: string): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) fail(`${subject} has not come in ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The fields of `/proc/PID/stat` behind the name, the state first; undefined without such a process. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    // A process that goes while it is read says ESRCH.
    if (error instanceof Deno.errors.NotFound || /\(os error 3\)/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** The state letter of a process; undefined if there is none. */
export function stateOf(pid: number): string | undefined {
  return statOf(pid)?.[0];
}

/** The parent of a process; undefined if there is none. */
export function parentOf(pid: number): number | undefined {
  const field = statOf(pid)?.[1];
  return field === undefined ? undefined : Number(field);
}

/** The pid of the tracer of a process, 0 without one. */
export function tracerOf(pid: number): number {
  return Number(/^TracerPid:\t(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** A line of `/proc/PID/maps` of memory that can be executed. */
export interface TextMapping {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  /** The file's path; empty without one. */
  readonly path: string;
}

/** The executable mappings of a process, without those that the kernel provides. */
export function textMappings(pid: number): TextMapping[] {
  const lines = Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n");
  return lines.flatMap((line) => {
    const parts = /^(\w+)-(\w+) ..x. (\w+) \S+ \d+ *(.*)$/.exec(line);
    if (parts === null || parts[4]!.startsWith("[v")) return [];
    const [start, end, offset] = [1, 2, 3].map((index) => Number.parseInt(parts[index]!, 16));
    return [{ start: start!, end: end!, offset: offset!, path: parts[4]! }];
  });
}

/**
 * Fails unless every byte of the text of a process is that of its files, and no executable memory is left behind.
 *
 * @param pid The process, which may run.
 */
export function assertTextUntouched(pid: number): void {
  const mappings = textMappings(pid);
  assertEquals(mappings.filter(({ path }) => path === ""), [], `executable memory of process ${pid} without a file`);
  assertEquals(changedText(pid), []);
}

/**
 * Compares the text of a process with its files.
 *
 * @param pid The process.
 * @returns Where they differ, as `path+0xoffset`.
 */
export function changedText(pid: number): string[] {
  const memory = Deno.openSync(`/proc/${pid}/mem`);
  try {
    return textMappings(pid).filter(({ path }) => path.startsWith("/")).flatMap(({ start, end, offset, path }) => {
      const size = end - start;
      const actual = readRange(memory, start, size);
      using file = Deno.openSync(`/proc/${pid}/root${path}`);
      const wanted = readRange(file, offset, size);
      const places: string[] = [];
      for (let at = 0; at < wanted.length; at++) {
        if (actual[at] !== wanted[at]) places.push(`${path}+0x${(offset + at).toString(16)}`);
      }
      return places;
    });
  } finally {
    memory.close();
  }
}

/**
 * Reads the memory of a process as it is, traps included.
 *
 * @param pid The process.
 * @param address Where.
 * @param length How many bytes.
 * @returns The bytes.
 */
export function rawMemory(pid: number, address: number, length: number): Uint8Array {
  using memory = Deno.openSync(`/proc/${pid}/mem`);
  return readRange(memory, address, length);
}

/** Reads a range of a file, as much of it as there is. */
function readRange(file: Deno.FsFile, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  let filled = 0;
  for (let read; filled < length && (read = file.readSync(bytes.subarray(filled))) !== null && read > 0;) {
    filled += read;
  }
  return bytes.subarray(0, filled);
}
