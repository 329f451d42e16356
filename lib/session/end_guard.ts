/**
 * Ending well, however the program ends.
 *
 * *Problem.* A tracer that goes away leaves traps in its targets, which cost them time or their life. The kernel
 * lets go of tracees at the end of their tracer, but restores nothing.
 *
 * *Method.* While anything is traced, the session listens for what ends a Deno program: SIGINT, SIGTERM and SIGHUP; the
 * `unload` event, which Deno.exit and a normal end dispatch; `error` and `unhandledrejection`, which come before the
 * end by an exception. Each of them lets the targets go, synchronously; a signal is then raised again, so that the
 * program ends by it as it would have without us. SIGKILL is the affair of `process/keeper.ts`.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";

const SIGNALS: readonly (readonly [Deno.Signal, number])[] = [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]];
/** How long a signal that ends the program may take to do so, in milliseconds. */
const DEATH_LIMIT_MS = 1000;
const EVENTS = ["unload", "error", "unhandledrejection"] as const;

/** Listens for the end of the program until it is disposed of. */
export class EndGuard implements Disposable {
  readonly #kernel: Kernel;
  readonly #end: () => void;
  readonly #onEvent = () => this.#end();
  readonly #onSignal = new Map<Deno.Signal, () => void>();
  #active = false;

  /**
   * Makes a guard that does not listen yet.
   *
   * @param kernel The kernel's requests.
   * @param end What to do before the program ends.
   */
  constructor(kernel: Kernel, end: () => void) {
    this.#kernel = kernel;
    this.#end = end;
  }

  /**
   * Starts to listen; once is enough.
   *
   * @param options Whether signals are listened for as well; a program that handles them itself says no.
   */
  start(options: { signals: boolean }): void {
    if (this.#active) return;
    this.#active = true;
    for (const event of EVENTS) globalThis.addEventListener(event, this.#onEvent);
    if (!options.signals) return;
    for (const [name, number] of SIGNALS) {
      const listener = () => {
        this.#end();
        this[Symbol.dispose]();
        this.#kernel.call.ft_kill(0, Deno.pid, number);
        // A thread of the runtime ends the program now. Until then this one must not, in its own way.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, DEATH_LIMIT_MS);
      };
      this.#onSignal.set(name, listener);
      Deno.addSignalListener(name, listener);
    }
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    if (!this.#active) return;
    this.#active = false;
    for (const event of EVENTS) globalThis.removeEventListener(event, this.#onEvent);
    for (const [name, listener] of this.#onSignal) Deno.removeSignalListener(name, listener);
    this.#onSignal.clear();
  }
}
