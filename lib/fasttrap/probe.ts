/**
 * Probes: what a user can name and enable.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Hit } from "./hit.ts";
import type { Provider } from "./provider.ts";

/** When a probe fires: at a function's first instruction, after it has been left, or at one instruction. */
export type ProbeKind = "entry" | "return" | "offset";

/**
 * A user's wish to hear of a probe (DTrace's enabling control block). Several can be on one probe; they are called in
 * the order in which they were made.
 */
export interface Enabling {
  /**
   * Handles a hit, while the thread is stopped.
   *
   * @param hit The hit; valid only until the call returns.
   */
  fire(hit: Hit): void;
}

/** The four parts of a probe's name, as they are printed, and its number. */
export interface ProbeIdentity {
  /** Its number, from 1, as `-l` and the ID column show it. */
  readonly id: number;
  /** Its provider with the pid: `pid1234`. */
  readonly provider: string;
  /** The module's base name: `libc.so.6`. */
  readonly module: string;
  /** The function. */
  readonly function: string;
  /** `entry`, `return`, or an offset in hexadecimal digits. */
  readonly name: string;
}

/** What a probe is made of. */
export interface ProbeParts {
  /** The module's base name. */
  readonly module: string;
  /** The function. */
  readonly function: string;
  /** `entry`, `return`, or an offset in hexadecimal digits. */
  readonly name: string;
  /** When it fires. */
  readonly kind: ProbeKind;
  /** Where the function begins. */
  readonly functionAddress: Address;
  /** The function's size in bytes. */
  readonly functionBytes: number;
  /** Its sites: addresses of instructions, ascending and distinct. */
  readonly sites: readonly Address[];
}

/** A probe. */
export class Probe implements ProbeIdentity, ProbeParts {
  /** See {@linkcode ProbeIdentity.id}. */
  readonly id: number;
  /** The provider that it belongs to. */
  readonly owner: Provider;
  /** See {@linkcode ProbeIdentity.module}. */
  readonly module: string;
  /** See {@linkcode ProbeIdentity.function}. */
  readonly function: string;
  /** See {@linkcode ProbeIdentity.name}. */
  readonly name: string;
  /** See {@linkcode ProbeParts.kind}. */
  readonly kind: ProbeKind;
  /** See {@linkcode ProbeParts.functionAddress}. */
  readonly functionAddress: Address;
  /** See {@linkcode ProbeParts.functionBytes}. */
  readonly functionBytes: number;
  /** See {@linkcode ProbeParts.sites}. */
  readonly sites: readonly Address[];
  /** Whether all its tracepoints are in place. */
  enabled = false;
  /** Who wants to hear of it. Replaced, never changed: a hit walks the list that it found. */
  enablings: readonly Enabling[] = [];
  /** How often it has fired. */
  hitsTotal = 0;

  /**
   * Makes a probe that is not enabled.
   *
   * @param id Its number.
   * @param owner Its provider.
   * @param parts What it is made of.
   */
  constructor(id: number, owner: Provider, parts: ProbeParts) {
    this.id = id;
    this.owner = owner;
    this.module = parts.module;
    this.function = parts.function;
    this.name = parts.name;
    this.kind = parts.kind;
    this.functionAddress = parts.functionAddress;
    this.functionBytes = parts.functionBytes;
    this.sites = parts.sites;
  }

  /** See {@linkcode ProbeIdentity.provider}. */
  get provider(): string {
    return this.owner.fullName;
  }

  /** The probe as a description: `pid1234:libc.so.6:malloc:entry`. */
  toString(): string {
    return `${this.provider}:${this.module}:${this.function}:${this.name}`;
  }
}
