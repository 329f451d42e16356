/**
 * Tracers in processes of their own, to be killed.
 *
 * @module
 */

import { assertEquals, fail } from "@std/assert";

/** A tracer in a process of its own, and what it prints. */
export class MortalTracer {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #complaints: Promise<string>;
  #text = "";
  #hasEnded = false;

  /**
   * Starts it.
   *
   * @param program Its module in this folder.
   * @param pid The process that it is to trace.
   * @param hitsWanted How many hits it waits for in each round.
   * @param more What else it is told.
   */
  constructor(program: string, pid: number, hitsWanted: number, ...more: readonly string[]) {
    const path = new URL(program, import.meta.url).pathname;
    const args = ["run", "--allow-ffi", "--no-lock", path, String(pid), String(hitsWanted), ...more];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#complaints = new Response(this.#child.stderr).text();
    void this.#child.status.then(() => this.#hasEnded = true);
  }

  /** Reads on until it has said something, or has ended. */
  async said(line: string): Promise<void> {
    while (!this.#text.includes(`${line}\n`)) if (!await this.#read()) return;
  }

  /** Kills it, unless it has ended by itself, which it must not; gives what it has said. */
  async kill(): Promise<string[]> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    while (await this.#read());
    const { code, signal } = await this.#child.status;
    if (signal === null) fail(`The tracer has ended with ${code}: ${await this.#complaints}`);
    assertEquals(signal, "SIGKILL");
    return this.#text.split("\n");
  }

  async #read(): Promise<boolean> {
    const { done, value } = await this.#lines.read();
    this.#text += value ?? "";
    return !done;
  }
}
