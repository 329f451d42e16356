/**
 * Where the trace goes: standard output, or a file, or one after the other.
 *
 * What is written, and what else happens to the output, happens in the order in which it was asked for, while whoever
 * asks goes on: whoever reads may be slow, or stuck. So what `system()` prints comes behind what was printed before it.
 *
 * @module
 */

import { SystemError } from "../errors.ts";

/** How long to wait until a pipe that cannot be waited for has room again. */
const RETRY_MS = 5;

/** Where the trace goes. Texts are written whole and in order. */
export class Output implements Disposable {
  /** Whether nobody reads it any more. That is how `| head` ends a trace, and no failure. */
  closed = false;
  readonly #first: typeof Deno.stdout | Deno.FsFile;
  #file: typeof Deno.stdout | Deno.FsFile;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string | undefined) {
    this.#first = path === undefined ? Deno.stdout : openFile(path);
    this.#file = this.#first;
  }

  /** Writes behind what was written before. */
  write(text: string): Promise<void> {
    return this.writeBytes(new TextEncoder().encode(text));
  }

  /** Writes bytes as they are. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    return this.#then(() => this.#write(bytes));
  }

  /**
   * Lets a program write to our standard output, or where that is reopened to, and waits for its end.
   *
   * @param program Its file.
   * @param args Its arguments.
   * @param failed Called with what is wrong if it cannot be started.
   */
  run(program: string, args: string[], failed: (message: string) => void): void {
    void this.#then(async () => {
      try {
        const isReopened = this.#first === Deno.stdout && this.#file !== this.#first;
        const options = { args, stdin: "inherit", stderr: "inherit" } as const;
        if (isReopened) {
          await this.#write((await new Deno.Command(program, { ...options, stdout: "piped" }).output()).stdout);
        } else await new Deno.Command(program, { ...options, stdout: "inherit" }).spawn().status;
      } catch (error) {
        failed((error as Error).message);
      }
    });
  }

  /**
   * Writes to another file from now on, behind what is in it.
   *
   * @param path The file; empty for the one at first.
   * @param failed Called with what is wrong if it cannot be opened; everything stays as it is then.
   */
  reopen(path: string, failed: (message: string) => void): void {
    void this.#then(() => {
      try {
        const file = path === "" ? this.#first : openFile(path);
        if (this.#file !== this.#first) (this.#file as Deno.FsFile).close();
        this.#file = file;
      } catch (error) {
        failed((error as Error).message);
      }
    });
  }

  /**
   * Empties the file.
   *
   * @param failed Called if it is none of ours.
   */
  truncate(failed: () => void): void {
    void this.#then(() => this.#file instanceof Deno.FsFile ? this.#file.truncateSync(0) : failed());
  }

  #then(act: () => Promise<void> | void): Promise<void> {
    return this.#last = this.#last.then(act);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.closed;) {
      try {
        rest = rest.subarray(await this.#file.write(rest));
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) this.closed = true;
        // A full pipe that whoever made it has set to O_NONBLOCK.
        else if (error instanceof Deno.errors.WouldBlock) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        else throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    for (const file of new Set([this.#first, this.#file])) if (file instanceof Deno.FsFile) file.close();
  }
}

function openFile(path: string): Deno.FsFile {
  try {
    // dtrace(1) appends as well.
    return Deno.openSync(path, { append: true, create: true });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { code } = error as Error & { code?: string };
    throw new SystemError(code ?? error.message, "open", `output file "${path}"`, { cause: error });
  }
}
