/**
 * Probes: what a user can name and enable.
 *
 * A probe has sites: addresses of instructions. One of `pid`, `objc` or `oneshot` is of a kind that says when it fires
 * there. A static probe (USDT) has two sorts of sites under one name: those where it fires, and those where the program
 * asks whether it is enabled, so as not to prepare arguments for nobody (rule 77); both come and go together.
 *
 * @module
 */

import type { Address } from "../address.ts";
import type { Capture } from "../isa/captures.ts";
import type { OperandReader } from "../isa/operand_reader.ts";
import type { Tally, TallyPart } from "../tally.ts";
import { type ValueType, valueTypeOf } from "../value_type.ts";
import type { Hit } from "./hit.ts";
import type { HitRecord } from "./hit_record.ts";
import type { Provider } from "./provider.ts";

/**
 * When a probe fires: at a function's first instruction, after it has been left, at one instruction, or where the
 * program's author has put it.
 */
export type ProbeKind = "entry" | "return" | "offset" | "static";

/** What is wanted of a value of each hit. */
export interface TallyRequest {
  /** Which argument, as {@linkcode HitRecord.arg} has it, from 0 to 5. */
  readonly argument: number;
  /** What is kept of it, besides how many there were. */
  readonly keep: readonly TallyPart[];
}

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
  /**
   * Takes the number of further hits of a probe that nobody was stopped for. A consumer that has this wants nothing but the
   * number; for each hit it gets either this or {@linkcode Enabling.fire}.
   *
   * @param probe The probe.
   * @param hits How many, at least 1.
   */
  counted?(probe: Probe, hits: number): void;
  /**
   * Takes what was recorded of a hit that nobody was stopped for. A consumer that has this does not need the thread; for each
   * hit it gets either this or {@linkcode Enabling.fire}.
   *
   * @param record The record; valid only until the call returns.
   */
  recorded?(record: HitRecord): void;
  /** Of which value the consumer wants to know what it comes to, and nothing else; then it has {@linkcode Enabling.tallied}. */
  readonly tally?: TallyRequest;
  /**
   * Takes what the values of further hits of a probe come to that nobody was stopped for. For each hit a consumer that has this
   * gets either this, or {@linkcode Enabling.recorded}, or {@linkcode Enabling.fire}.
   *
   * @param probe The probe.
   * @param values How many there were and what is wanted of them, the extremes apart, which may be those of earlier ones; valid
   *   only until the call returns.
   */
  tallied?(probe: Probe, values: Tally): void;
  /**
   * Takes the number of further hits of a probe that could not be recorded, because there was no space.
   *
   * @param probe The probe.
   * @param hits How many, at least 1.
   * @param cpu The CPU that they were on.
   */
  dropped?(probe: Probe, hits: number, cpu: number): void;
  /** What is captured at each hit beside its arguments; undefined if nothing is. */
  readonly captures?: readonly Capture[] | undefined;
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
  /** `entry`, `return`, an offset in hexadecimal digits, or the name of a static probe. */
  readonly name: string;
  /** The types of the arguments of a static probe, as `args[n]` in D has them. Probes of functions have none. */
  readonly argumentTypes?: readonly string[] | undefined;
}

/** An argument of a probe as `args[n]` in D has it (`dtrace_argdesc`). */
export interface ArgumentDescription {
  /** Its type in the program. */
  readonly nativeType: string;
  /** The type that D sees, which a translator may have made of it. */
  readonly translatedType: string;
  /** Which of the arguments that the program passes it is made from, from 0. */
  readonly nativeIndex: number;
}

/** Where an argument of a static probe is, at one site. */
export interface ArgumentPlace {
  /** The place as the compiler has written it: `-4@8(%rbp)`. */
  readonly operand: string;
  /** Its type in the program, as far as the operand tells: `int32_t`. */
  readonly type: string;
  /** How its bits are read; undefined if they cannot be. */
  readonly valueType: ValueType | undefined;
  /** What fetches it, or why it cannot be had, as the end of a sentence. */
  readonly reader: OperandReader | string;
}

/** What is known of the arguments of a static probe. */
export interface StaticArguments {
  /** The types of the arguments that the program passes. */
  readonly nativeTypes: readonly string[];
  /** The types that D sees; 255 at most. */
  readonly translatedTypes: readonly string[];
  /** For each translated argument the native one that it is made from; a missing one is made from that of its index. */
  readonly map?: readonly number[];
  /**
   * Where the native arguments are at each site, if they are not where a C function finds them (SystemTap's operands).
   * The sites of a probe may have them in different places, and of different types.
   */
  readonly places?: ReadonlyMap<Address, readonly ArgumentPlace[]>;
}

/** Where a function is. */
export interface FunctionRange {
  /** Its first address. */
  readonly address: Address;
  /** Its size in bytes. */
  readonly sizeBytes: number;
}

/** What a probe is made of. */
export interface ProbeParts {
  /** The module's base name. */
  readonly module: string;
  /** The function. */
  readonly function: string;
  /** `entry`, `return`, an offset in hexadecimal digits, or the name of a static probe. */
  readonly name: string;
  /** When it fires. */
  readonly kind: ProbeKind;
  /** Where the function begins; 0 if it is not known. */
  readonly functionAddress: Address;
  /** The function's size in bytes. */
  readonly functionBytes: number;
  /** Its sites: addresses of instructions, ascending and distinct. */
  readonly sites: readonly Address[];
  /** Sites where the program asks whether it is enabled, ascending and distinct. Only a static probe has any. */
  readonly isEnabledSites?: readonly Address[];
  /** The functions that the sites of a static probe are in, as far as they are known. */
  readonly functions?: ReadonlyMap<Address, FunctionRange> | undefined;
  /** The arguments of a static probe. */
  readonly arguments?: StaticArguments | undefined;
  /** The counters of who listens, which a static probe has to raise while it is enabled; distinct. */
  readonly semaphores?: readonly Address[] | undefined;
}

const NO_SITES: readonly Address[] = [];

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
  /** See {@linkcode ProbeParts.isEnabledSites}. */
  readonly isEnabledSites: readonly Address[];
  /** See {@linkcode ProbeParts.functions}. */
  readonly functions: ReadonlyMap<Address, FunctionRange> | undefined;
  /** See {@linkcode ProbeParts.arguments}. */
  readonly arguments: StaticArguments | undefined;
  /** See {@linkcode ProbeParts.semaphores}. */
  readonly semaphores: readonly Address[];
  /** Whether it fires but once in its process. */
  readonly oneshot: boolean;
  /** Whether all its tracepoints are in place, or were until it fired its one shot. */
  enabled = false;
  /** Whether it is a oneshot probe that has fired since it was enabled; its tracepoints are gone. */
  spent = false;
  /** Whether its provider has it no more, because its module or object is gone, though it is still enabled. */
  orphaned = false;
  /** Who wants to hear of it. Replaced, never changed: a hit walks the list that it found. */
  enablings: readonly Enabling[] = [];
  /** How often it has fired. */
  hitsTotal = 0;
  #valueTypes: readonly (ValueType | undefined)[] | undefined;

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
    this.isEnabledSites = parts.isEnabledSites ?? NO_SITES;
    this.functions = parts.functions;
    this.arguments = parts.arguments;
    this.semaphores = parts.semaphores ?? NO_SITES;
    this.oneshot = owner.type === "oneshot";
  }

  /** See {@linkcode ProbeIdentity.provider}. */
  get provider(): string {
    return this.owner.fullName;
  }

  /** See {@linkcode ProbeIdentity.argumentTypes}. */
  get argumentTypes(): readonly string[] | undefined {
    return this.arguments?.translatedTypes;
  }

  /** The addresses of all its tracepoints, those of both sorts. */
  get addresses(): readonly Address[] {
    return this.isEnabledSites.length === 0 ? this.sites : [...this.sites, ...this.isEnabledSites];
  }

  /** How many tracepoints it counts for in the limit (rule 10). */
  get tracepointsTotal(): number {
    return this.owner.type === "internal" ? 0 : this.sites.length + this.isEnabledSites.length;
  }

  /**
   * Tells which function a site is in. The sites of a static probe may be in different ones.
   *
   * @param site The site.
   * @returns The function; undefined if it is not known.
   */
  functionAt(site: Address): FunctionRange | undefined {
    if (this.kind === "static") return this.functions?.get(site);
    return { address: this.functionAddress, sizeBytes: this.functionBytes };
  }

  /**
   * Describes an argument (DTrace's `getargdesc`). The probes of functions have none: their arguments have no types.
   *
   * @param index Which one, from 0.
   * @returns The description; undefined if there is no such argument, or if its provider is retired (rule 72). A type
   *   that the object does not name is empty.
   */
  describeArgument(index: number): ArgumentDescription | undefined {
    const translatedType = this.arguments?.translatedTypes[index];
    if (translatedType === undefined || this.owner.retired) return undefined;
    const nativeIndex = this.nativeIndex(index);
    return { nativeType: this.arguments?.nativeTypes[nativeIndex] ?? "", translatedType, nativeIndex };
  }

  /**
   * Tells which of the arguments that the program passes an argument is made from.
   *
   * @param index The index that the user knows, from 0.
   * @returns The index of the native argument.
   */
  nativeIndex(index: number): number {
    return this.arguments?.map?.[index] ?? index;
  }

  /**
   * Tells how the bits of an argument are read.
   *
   * @param site The site.
   * @param nativeIndex Which of the arguments that the program passes, from 0.
   * @returns How; undefined if it is not known.
   */
  valueTypeAt(site: Address, nativeIndex: number): ValueType | undefined {
    const known = this.arguments;
    const places = known?.places?.get(site);
    if (places !== undefined) return places[nativeIndex]?.valueType;
    this.#valueTypes ??= (known?.nativeTypes ?? []).map(passedTypeOf);
    return this.#valueTypes[nativeIndex];
  }

  /** The probe as a description: `pid1234:libc.so.6:malloc:entry`. */
  toString(): string {
    return `${this.provider}:${this.module}:${this.function}:${this.name}`;
  }
}

/** How an argument is read that is where a C function finds it: floating-point numbers are elsewhere. */
function passedTypeOf(name: string): ValueType | undefined {
  const type = valueTypeOf(name);
  return type?.kind === "float" ? undefined : type;
}
