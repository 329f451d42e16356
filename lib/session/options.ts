/**
 * What the methods of a session can be told.
 *
 * @module
 */

import type { Capture } from "../isa/captures.ts";
import type { Hit } from "../fasttrap/hit.ts";
import type { HitRecord } from "../fasttrap/hit_record.ts";
import type { ProbeIdentity, TallyRequest } from "../fasttrap/probe.ts";
import type { SpawnOptions } from "../process/spawn.ts";
import type { EvaluationTime } from "../process/startup.ts";

/** Options of a `Session`. */
export interface SessionOptions {
  /** The C library as bytes, where it is embedded in a program. By default it is loaded from `build/`. */
  readonly library?: Uint8Array<ArrayBuffer> | undefined;
  /**
   * Whether SIGINT, SIGTERM and SIGHUP let the targets go before they end the program. By default they do; a program
   * that handles these signals says no, and disposes of the session itself.
   */
  readonly signals?: boolean;
  /**
   * Whether children that targets make by fork are targets as well, and the programs that all of them execute. What was
   * enabled for `$target` is enabled in them before they run. By default a child is let go, untouched.
   */
  readonly follow?: boolean;
  /** Whether events of threads that were stopped tell the CPU, which costs some 10 us each. By default they say 0. */
  readonly cpu?: boolean;
  /** The number of buckets of the tracepoint table at first, rounded up to a power of two; 16384 by default. */
  readonly hashSize?: number | undefined;
  /** The most tracepoints that probes may be made for; 100,000 for each 256 MiB of memory by default. */
  readonly limit?: number | undefined;
  /**
   * Whether hits that need not stop the thread are recorded or counted by jumps, for which the target does not wait; what is
   * too much is dropped and counted. By default they are. Without jumps each hit stops the thread, and nothing is dropped.
   */
  readonly jumps?: boolean | undefined;
  /**
   * Hears of what the user should know: a probe that could not be placed, a child that could not be followed. By default
   * nobody does.
   */
  readonly onWarning?: (message: string) => void;
}

/** Options of `Session.list`. */
export interface ListOptions {
  /** Whether a description that matches nothing is no error (`-Z`); by default it is one, `D_PDESC_ZERO`. */
  readonly allowNone?: boolean;
  /** The process that `$target` means; the first target by default. */
  readonly target?: number | undefined;
}

/** Options of `Session.enable`. */
export interface EnableOptions extends ListOptions {
  /**
   * Called for each hit while the thread is stopped, which costs the thread some 20 us. Without it, and without `record`,
   * `count` and `tally`, hits are recorded as events. What it throws ends {@linkcode Session.run}.
   *
   * @param hit The hit; valid only until the call returns.
   */
  readonly handler?: (hit: Hit) => void;
  /**
   * Called for each hit with what was recorded of it, soon after. Where a probe can be a jump, the thread is not stopped for
   * that; records that there is no space for are counted in `Enabled.dropsTotal`.
   *
   * @param record The record; valid only until the call returns.
   */
  readonly record?: (record: HitRecord) => void;
  /**
   * Whether the hits are only counted, in `Enabled.hitsTotal` and `Enabled.counts`. Where a probe can be a jump, the thread
   * is not stopped for that. There are no events then.
   */
  readonly count?: boolean;
  /**
   * Has the values of an argument summed up and sorted by size, instead of being given one by one; `Enabled.readTallies` tells
   * what they have come to. Where a probe can be a jump, the program does that itself, for some nanoseconds a hit. There are no
   * events then.
   */
  readonly tally?: TallyRequest | undefined;
  /**
   * What is captured at each hit beside its arguments: strings and bytes that they point to, as they are at that moment. They
   * are in `HitRecord.string` and `HitRecord.bytes`, or in `TraceEvent.captured`. By default nothing is.
   */
  readonly capture?: readonly Capture[] | undefined;
  /**
   * Called with probes that are about to be enabled: at once, and later where modules are loaded or children are followed.
   *
   * @param probes The probes, which have not fired yet.
   */
  readonly added?: (probes: readonly ProbeIdentity[]) => void;
}

/** Options of `Session.spawn`. */
export interface StartOptions extends SpawnOptions {
  /** How far the program runs before probes can be set: `preinit`, when its shared objects are loaded, by default. */
  readonly moment?: EvaluationTime;
}

/** Static probes that `Session.addDof` has made. Disposing of it takes them back. */
export interface ProvidedDof extends Disposable {
  /** The probes. */
  readonly probes: readonly ProbeIdentity[];
}
