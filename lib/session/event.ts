/**
 * What a consumer gets to see of a hit.
 *
 * A hit writes a fixed-size record; the session turns records into events in batches and hands them up. Registers stay
 * pairs of 32-bit halves all the way, because a 64-bit integer would cost more than everything else done for a hit: the
 * consumer decides which of them are worth a number, a text or a `bigint`.
 *
 * @module
 */

import type { ProbeIdentity } from "../fasttrap/probe.ts";

export type { ProbeIdentity };

/** One hit of one probe. */
export interface TraceEvent {
  /** When it happened, or the tracer saw the thread stop: CLOCK_MONOTONIC, in nanoseconds. */
  readonly timestampNs: number;
  /**
   * The CPU that the thread was on; -1 where nobody knows it (see `HitRecord.cpu`), 0 where it was not asked for (see
   * `SessionOptions.cpu`).
   */
  readonly cpu: number;
  /** The process. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /** The probe. */
  readonly probe: ProbeIdentity;
  /**
   * Arguments as pairs of halves: the low 32 bits of argument `n` at `2 * n`, its high 32 bits at `2 * n + 1`. At an entry
   * they are the function's integer arguments; at a return, the offset of the return instruction and the value.
   */
  readonly arguments: Uint32Array;
  /** How many arguments are valid; at most half the length of `arguments`. */
  readonly argumentCount: number;
  /**
   * What was captured, in the order of `EnableOptions.capture`: strings up to their NUL, as UTF-8, and bytes. What could not be
   * read, or only in part, is undefined, or shorter. Missing if nothing was asked for.
   */
  readonly captured?: readonly (string | Uint8Array | undefined)[];
}
