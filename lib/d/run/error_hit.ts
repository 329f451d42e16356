/**
 * A firing of the ERROR probe: the hit that failed, with arguments of its own.
 *
 * @module
 */

import type { NumberBuiltin, ProbeHit, TextBuiltin } from "../host.ts";

/** What has failed. */
export interface Failure {
  readonly epid: number;
  /** The statement, from 1; 0 is the predicate. */
  readonly action: number;
  /** The fault, by DTrace's number. */
  readonly kind: number;
  /** The address, the size or the index. */
  readonly lo: number;
  readonly hi: number;
}

/** See the module's comment. One object serves all errors. */
export class ErrorHit implements ProbeHit {
  #hit!: ProbeHit;
  #failure!: Failure;

  /**
   * Something has failed.
   *
   * @param hit The hit during which it has.
   * @param failure What has.
   */
  begin(hit: ProbeHit, failure: Failure): void {
    this.#hit = hit;
    this.#failure = failure;
  }

  /** See {@linkcode ProbeHit.pid}. */
  get pid(): number {
    return this.#hit.pid;
  }

  /** See {@linkcode ProbeHit.tid}. */
  get tid(): number {
    return this.#hit.tid;
  }

  /** See {@linkcode ProbeHit.cpu}. */
  get cpu(): number {
    return this.#hit.cpu;
  }

  /** `arg1` is the enabling, `arg2` the statement, `arg3` -1, `arg4` the fault, `arg5` what was bad. */
  readArgument(index: number, _typed: boolean, into: Uint32Array): void {
    const { epid, action, kind, lo, hi } = this.#failure;
    into[0] = [0, epid, action, -1, kind, lo][index] ?? 0;
    into[1] = index === 3 ? -1 : index === 5 ? hi : 0;
  }

  /** See {@linkcode ProbeHit.readNumber}. */
  readNumber(name: NumberBuiltin, into: Uint32Array): void {
    this.#hit.readNumber(name, into);
  }

  /** See {@linkcode ProbeHit.readText}. */
  readText(name: TextBuiltin): Uint8Array {
    return this.#hit.readText(name);
  }

  /** See {@linkcode ProbeHit.readRegister}. */
  readRegister(index: number, into: Uint32Array): boolean {
    return this.#hit.readRegister(index, into);
  }

  /** See {@linkcode ProbeHit.readMemory}. */
  readMemory(address: number, into: Uint8Array): number {
    return this.#hit.readMemory(address, into);
  }

  /** See {@linkcode ProbeHit.writeMemory}. */
  writeMemory(address: number, bytes: Uint8Array): boolean {
    return this.#hit.writeMemory(address, bytes);
  }

  /** See {@linkcode ProbeHit.walkStack}. */
  walkStack(into: Float64Array, limit: number): number {
    return this.#hit.walkStack(into, limit);
  }

  /** See {@linkcode ProbeHit.act}. */
  act(action: "stop" | "raise" | "chill", value: number): void {
    this.#hit.act(action, value);
  }

  /** See {@linkcode ProbeHit.isProgenyOf}. */
  isProgenyOf(pid: number): boolean {
    return this.#hit.isProgenyOf(pid);
  }
}
