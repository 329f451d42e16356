/**
 * Tracers in processes of their own, to be killed.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

/** A tracer in a process of its own, and what it prints. */
export class MortalTracer {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #text = "";

  /**
   * Starts it.
   *
   * @param program Its module in this folder.
   * @param pid The process that it is to trace.
   * @param hitsWanted How many hits it waits for in each round.
   */
  constructor(program: string, pid: number, hitsWanted: number) {
    const path = new URL(program, import.meta.url).pathname;
    const args = ["run", "--allow-ffi", "--no-lock", path, String(pid), String(hitsWanted)];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "null" }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Reads on until it has said something, or has ended. */
  async said(line: string): Promise<void> {
    while (!this.#text.includes(`${line}\n`)) if (!await this.#read()) return;
  }

  /** Kills it; gives what it has said. */
  async kill(): Promise<string[]> {
    this.#child.kill("SIGKILL");
    while (await this.#read());
    assertEquals((await this.#child.status).signal, "SIGKILL");
    return this.#text.split("\n");
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#lines.read();
    this.#text += value ?? "";
    return !done;
  }
}
