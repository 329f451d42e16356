/**
 * The command as users run it: in a process of its own, with the permissions that the README names and no others.
 *
 * @module
 */

import { fail } from "@std/assert";
import { until, within } from "../support.ts";

/** The permissions for tracing a process that runs. */
export const ATTACH = ["--allow-ffi"];
/** The permissions for starting a program and tracing it. */
export const START = ["--allow-ffi", "--allow-run"];

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** How the command is started. */
export interface CommandStart {
  /** The permissions; {@linkcode ATTACH} by default. */
  readonly permissions?: readonly string[];
  /** What starts Deno, such as `setpriv` with its options. */
  readonly prefix?: readonly string[];
  /** Deno itself, and the script, if not this one and `cli.ts`. */
  readonly deno?: string;
  readonly script?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** All that a command has left on the screen. */
export interface Screen {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export class RunningCommand implements AsyncDisposable {
  /** What it has written so far. */
  stdout = "";
  stderr = "";
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;

  constructor(args: readonly (string | number)[], start: CommandStart = {}) {
    const { permissions = ATTACH, prefix = [], deno = Deno.execPath(), script = CLI } = start;
    const [program, ...rest] = [...prefix, deno, "run", ...permissions, script, ...args.map(String)];
    this.#child = new Deno.Command(program!, {
      args: rest,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
      ...start.cwd && { cwd: start.cwd },
      env: { NO_COLOR: "1", ...start.env },
    }).spawn();
    this.#read = Promise.all([
      read(this.#child.stdout, (text) => this.stdout += text),
      read(this.#child.stderr, (text) => this.stderr += text),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until a text stands on the screen. */
  async shows(text: string): Promise<void> {
    let ended = false;
    void this.#read.then(() => ended = true);
    const shown = () => this.stdout.includes(text) || this.stderr.includes(text);
    await until(() => shown() || ended, `"${text}"`);
    if (!shown()) fail(`the command has ended without "${text}":\n${this.stdout}${this.stderr}`);
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended, though others may still write to its screen. */
  async code(): Promise<number> {
    return (await within(this.#child.status, "the end of the command")).code;
  }

  /** Waits until it has ended, and all that can write to its screen. */
  async screen(): Promise<Screen> {
    const code = await this.code();
    await within(this.#read, "the end of the command's output");
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Its process group: a shell may have started it.
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.screen();
  }
}

/** Runs the command to its end. */
export async function run(args: readonly (string | number)[], start: CommandStart = {}): Promise<Screen> {
  await using command = new RunningCommand(args, start);
  return await command.screen();
}

/**
 * Replaces what differs from run to run: pids by PID, times by TIME, CPUs by C; and the blanks that make up for the
 * length of a pid in a table by one.
 *
 * @param screen What was on the screen.
 * @param pid The target's pid; by default the one that the screen shows first.
 */
export function mask({ code, stdout, stderr }: Screen, pid?: number): Screen {
  const shown = pid ?? /\b(?:pid ?|objc|oneshot)(\d+)/.exec(stderr + stdout)?.[1];
  const pids = shown === undefined ? /(?!)/ : new RegExp(`(?<!\\d)${shown}(?!\\d)`, "g");
  const maskText = (text: string) =>
    text
      .replace(/^ *\d+(?= +\d+ +\S+:\S+ $)/gm, "  C")
      .replace(/^( {2}pid\d+:\S+) +(?=\d+$)/gm, "$1 ")
      .replace(/^( *\d+) +(?=(?:pid|objc|oneshot)\d+ )/gm, "$1 ")
      .replace(/"ts":\d+/g, '"ts":TIME')
      .replace(pids, "PID");
  return { code, stdout: maskText(stdout), stderr: maskText(stderr) };
}

async function read(stream: ReadableStream<Uint8Array<ArrayBuffer>>, add: (text: string) => void): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
}
