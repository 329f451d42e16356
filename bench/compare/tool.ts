/**
 * A program that the comparison starts: what it says is kept, and awaited with a limit.
 *
 * Each is ended by its own pid when it is disposed of, by SIGTERM and then by SIGKILL, whatever state it is in.
 *
 * @module
 */

/** How long something is awaited before the comparison gives it up, in ms. */
const LIMIT_MS = 30_000;
/** How long a program that was asked to end may take, in ms. */
const END_LIMIT_MS = 5_000;
/** How much of what a program has said is shown of one that failed, in characters. */
const SHOWN_LENGTH = 300;

/** Options of {@linkcode Tool}. */
export interface ToolOptions {
  /** Variables added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory. */
  readonly cwd?: string;
}

/** See the module's comment. */
export class Tool implements AsyncDisposable {
  /** When it was started, as `performance.now()` has it. */
  readonly startedMs = performance.now();
  /** Its standard output so far. */
  stdout = "";
  /** Its standard error so far. */
  stderr = "";
  readonly #command: readonly string[];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #read: Promise<void>;
  #heard = Promise.withResolvers<void>();
  #hasEnded = false;

  /**
   * Starts a program.
   *
   * @param command The program and its arguments.
   * @param options Its environment and its working directory.
   */
  constructor(command: readonly string[], options: ToolOptions = {}) {
    this.#command = command;
    const [program, ...args] = command;
    this.#child = new Deno.Command(program!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...options,
      env: { NO_COLOR: "1", ...options.env },
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#read = Promise.all([
      this.#keep(this.#child.stdout, (text) => this.stdout += text),
      this.#keep(this.#child.stderr, (text) => this.stderr += text),
    ]).then(() => {
      this.#hasEnded = true;
      this.#hear();
    });
  }

  /** Its process. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Waits until it has said something.
   *
   * @param pattern What, on standard output or standard error.
   * @param from How much of its standard output does not count, in characters.
   * @returns What matched.
   * @throws {TypeError} If it ends before that, or takes too long.
   */
  async said(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const limit = Date.now() + LIMIT_MS;
    for (;;) {
      const found = pattern.exec(this.stdout.slice(from)) ?? pattern.exec(this.stderr);
      if (found !== null) return found;
      if (this.#hasEnded) throw this.#failure(`ended without saying ${pattern}`);
      await this.#within(this.#heard.promise, limit, `does not say ${pattern}`);
    }
  }

  /** Writes to its standard input. */
  async write(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Closes its standard input. */
  async closeInput(): Promise<void> {
    await this.#input.close().catch(() => {});
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /**
   * Waits for its end.
   *
   * @returns Its exit status.
   */
  async ended(): Promise<Deno.CommandStatus> {
    const limit = Date.now() + LIMIT_MS;
    const status = await this.#within(this.#child.status, limit, "does not end");
    await this.#within(this.#read, limit, "has left its output to somebody else");
    return status;
  }

  /** Ends it if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeInput();
    const kill = (signal: Deno.Signal) => {
      try {
        this.#child.kill(signal);
      } catch { /* It has ended. */ }
    };
    kill("SIGTERM");
    const timer = setTimeout(kill, END_LIMIT_MS, "SIGKILL");
    await this.#child.status;
    clearTimeout(timer);
  }

  async #keep(stream: ReadableStream<Uint8Array>, append: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
      append(text);
      this.#hear();
    }
  }

  #hear(): void {
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
  }

  async #within<T>(promise: Promise<T>, limit: number, failure: string): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#failure(failure)), Math.max(limit - Date.now(), 0));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(what: string): TypeError {
    const said = `${this.stderr}${this.stdout}`.trim().slice(-SHOWN_LENGTH);
    return new TypeError(`${this.#command[0]} ${what}${said === "" ? "" : `: ${said}`}`);
  }
}

/**
 * Runs a program to its end.
 *
 * @param command The program and its arguments.
 * @param options Its environment and its working directory.
 * @returns What it has written to its standard output, and behind that to standard error.
 * @throws {TypeError} If it fails.
 */
export async function runTool(command: readonly string[], options: ToolOptions = {}): Promise<string> {
  await using tool = new Tool(command, options);
  await tool.closeInput();
  const { success, code } = await tool.ended();
  const said = tool.stdout + tool.stderr;
  if (!success) throw new TypeError(`${command[0]} has ended with ${code}: ${said.trim().slice(-SHOWN_LENGTH)}`);
  return said;
}

/**
 * Tells whether a program is installed.
 *
 * @param name Its name, looked for in PATH.
 * @returns Whether there is a file of that name.
 */
export function isInstalled(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => isFile(`${folder}/${name}`));
}

/**
 * Tells whether there is a file.
 *
 * @param path Where.
 * @returns Whether it can be found.
 */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
