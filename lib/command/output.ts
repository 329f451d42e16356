/**
 * Where the trace goes: standard output, or a file.
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
  readonly #file: typeof Deno.stdout | Deno.FsFile;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string | undefined) {
    try {
      // dtrace(1) appends as well.
      this.#file = path === undefined ? Deno.stdout : Deno.openSync(path, { append: true, create: true });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { code } = error as Error & { code?: string };
      throw new SystemError(code ?? error.message, "open", `output file "${path}"`, { cause: error });
    }
  }

  /** Writes behind what was written before. The thread is free meanwhile: whoever reads may be slow, or stuck. */
  write(text: string): Promise<void> {
    return this.writeBytes(new TextEncoder().encode(text));
  }

  /** Writes bytes as they are. */
  writeBytes(bytes: Uint8Array): Promise<void> {
    return this.#last = this.#last.then(() => this.#write(bytes));
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
    if (this.#file instanceof Deno.FsFile) this.#file.close();
  }
}
