/**
 * The end of the C library. A thread that could not be let go yet, because it is deep in the kernel, still needs it: it is
 * looked after until it comes out. That does not keep this program alive, for its end lets the thread go as well.
 *
 * @module
 */

import type { Kernel } from "../../ffi/ffi.ts";
import type { Tracer } from "../process/tracer.ts";

/** How often to look after threads that could not be let go when a session was closed, in milliseconds. */
const SETTLE_MS = 50;

/**
 * Unloads the C library, when no thread needs it any more.
 *
 * @param kernel The library.
 * @param tracer What the threads belong to; nothing is traced any more.
 */
export function unload(kernel: Kernel, tracer: Tracer): void {
  if (tracer.settled) return kernel[Symbol.dispose]();
  const timer = setInterval(() => {
    tracer.pump(0);
    if (!tracer.settled) return;
    clearInterval(timer);
    kernel[Symbol.dispose]();
  }, SETTLE_MS);
  Deno.unrefTimer(timer);
}
