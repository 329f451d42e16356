/**
 * The meta provider: it makes providers of the static probes that objects bring along (USDT).
 *
 * *Problem.* An executable or a shared object may hold probes that its author has put there, as DTrace Object Format or
 * as SystemTap notes. Several objects of a process may provide the same provider; objects come and go by dlopen and
 * dlclose; what they say about themselves may be wrong, and must not harm the program.
 *
 * *Method.* Whoever reads an object hands over what it declares, as data ({@linkcode MetaProvider.provide}). Providers of
 * one name are merged (rule 65): one probe for each module, function and name, with all its sites; what another object
 * has provided already is not made again. The object gets a {@linkcode ProvidedObject}, which knows what it really got,
 * and gives back that and nothing else when it is released (rule 84). A provider whose last object is released is
 * retired.
 *
 * *What is refused*, with a warning, and without any harm to the rest:
 *
 * | refused | why |
 * | --- | --- |
 * | a provider called `pid`, `objc` or `oneshot` | these are ours (rule 63) |
 * | one whose name is empty, or so long that a pid does not fit behind it: more than 53 bytes | rule 62 |
 * | a probe without a site | it could never fire (rule 81) |
 * | a probe with more than 255 arguments | they are counted in a byte (rule 80) |
 * | a probe beyond the limit of tracepoints | rule 14 |
 *
 * That the instruction of a site is one that a probe leaves behind is looked at when it is enabled (rule 153).
 *
 * *Stability* (rule 64). A class above ISA is lowered to ISA, since nothing in a program is common to all architectures.
 *
 * @module
 */

import { type Address, toAddress } from "../address.ts";
import { SystemError } from "../errors.ts";
import type { Image } from "../process/process.ts";
import type { Attributes } from "../spec/stability.ts";
import type { Fasttrap } from "./fasttrap.ts";
import type { FunctionRange, Probe, StaticArguments } from "./probe.ts";
import { type Provider, PROVIDER_NAME_BYTES, type ProviderAttributes } from "./provider.ts";

/** The digits of the largest pid. */
const PID_DIGITS = 10;
/** The longest name of a static provider in bytes. */
const NAME_BYTES = PROVIDER_NAME_BYTES - PID_DIGITS;
/** The most arguments of a static probe. */
const ARGUMENTS_LIMIT = 255;
/** Providers that are not an object's to give. */
const RESERVED: readonly string[] = ["pid", "objc", "oneshot"];

/** A static probe as an object declares it. */
export interface StaticProbe {
  /** The module's base name. */
  readonly module: string;
  /** The function whose code it is in; empty if that is not known. */
  readonly function: string;
  /** Its name, as DTrace writes it: `query-start`. */
  readonly name: string;
  /** Where it fires, in any order. */
  readonly sites: readonly Address[];
  /** Where the program asks whether it is enabled, in any order. */
  readonly isEnabledSites?: readonly Address[];
  /** The functions that its sites and those of others are in, as far as they are known. */
  readonly functions?: ReadonlyMap<Address, FunctionRange> | undefined;
  /** Its arguments. */
  readonly arguments?: StaticArguments | undefined;
  /** The counters of who listens, to be raised while it is enabled, in any order. */
  readonly semaphores?: readonly Address[];
}

/** A provider as an object declares it. */
export interface StaticProvider {
  /** Its name without a pid. */
  readonly name: string;
  /** How much one may rely on its probes. */
  readonly attributes: ProviderAttributes;
  /** Its probes; several of one module, function and name are one with all their sites. */
  readonly probes: readonly StaticProbe[];
}

/** What one object has really got: its share in providers, and its probes. */
export interface ProvidedObject {
  /** Its probes, those that another object has provided before not included. */
  readonly probes: readonly Probe[];
  /** Gives everything back: the object is gone, or is not to be traced any more. Once is enough. */
  release(): void;
}

/** See the module's comment. */
export class MetaProvider {
  readonly #fasttrap: Fasttrap;
  readonly #objects = new Map<Image, Set<Share>>();

  /**
   * Makes a meta provider of no objects.
   *
   * @param fasttrap The tables.
   */
  constructor(fasttrap: Fasttrap) {
    this.#fasttrap = fasttrap;
  }

  /**
   * Makes the probes that an object declares. None is enabled by that.
   *
   * @param image The memory that the object is in.
   * @param providers What it declares.
   * @returns What it has really got.
   */
  provide(image: Image, providers: readonly StaticProvider[]): ProvidedObject {
    const share = new Share(this.#fasttrap, image, (done) => this.#objects.get(image)?.delete(done));
    for (const [name, parts] of Map.groupBy(providers, ({ name }) => name)) {
      const reason = refusalOf(name);
      if (reason === undefined) share.take({ ...parts[0]!, probes: parts.flatMap(({ probes }) => probes) });
      else this.#fasttrap.warn(`Cannot provide static probes of '${name}' in process ${image.pid}: ${reason}`);
    }
    const objects = this.#objects.get(image) ?? new Set();
    this.#objects.set(image, objects.add(share));
    return share;
  }

  /**
   * Forgets the objects of an image that is gone.
   *
   * @param image The image.
   */
  closed(image: Image): void {
    for (const share of [...this.#objects.get(image) ?? []]) share.release();
    this.#objects.delete(image);
  }
}

/** See {@linkcode ProvidedObject}. */
class Share implements ProvidedObject {
  readonly probes: Probe[] = [];
  readonly #fasttrap: Fasttrap;
  readonly #image: Image;
  readonly #released: (share: Share) => void;
  readonly #providers: Provider[] = [];
  #isReleased = false;

  constructor(fasttrap: Fasttrap, image: Image, released: (share: Share) => void) {
    this.#fasttrap = fasttrap;
    this.#image = image;
    this.#released = released;
  }

  take(declared: StaticProvider): void {
    const provider = this.#fasttrap.providers.provide({
      type: "usdt",
      name: declared.name,
      attributes: capAttributes(declared.attributes),
    }, this.#image);
    if (!this.#providers.includes(provider)) {
      provider.metaTotal++;
      this.#providers.push(provider);
    }
    let surplus = 0;
    for (const probe of merge(declared.probes)) {
      const reason = this.#add(provider, probe);
      if (reason === "limit") surplus++;
      else if (reason !== undefined) this.#warn(provider, `Cannot make probe '${probe.name}'`, reason);
    }
    if (surplus > 0) {
      this.#warn(
        provider,
        `Cannot make ${surplus} probes`,
        `more than ${this.#fasttrap.limit} tracepoints are not allowed`,
      );
    }
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#fasttrap.withdraw(this.probes);
    for (const provider of this.#providers) {
      provider.metaTotal--;
      if (provider.metaTotal > 0) continue;
      if (provider.retired) this.#fasttrap.cleanup.request(provider);
      else this.#fasttrap.retire(provider);
    }
    this.#released(this);
  }

  /** Makes a probe, unless another object has made it. Returns why not. */
  #add(provider: Provider, declared: StaticProbe): string | undefined {
    const { isEnabledSites = [], arguments: known } = declared;
    if (declared.sites.length + isEnabledSites.length === 0) return "it has no site";
    const count = Math.max(known?.nativeTypes.length ?? 0, known?.translatedTypes.length ?? 0);
    if (count > ARGUMENTS_LIMIT) return `it has ${count} arguments`;
    const before = provider.probes.size;
    try {
      const probe = this.#fasttrap.addProbe(provider, {
        ...declared,
        kind: "static",
        functionAddress: toAddress(0),
        functionBytes: 0,
        isEnabledSites,
      });
      if (provider.probes.size > before) this.probes.push(probe);
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== "ENOMEM") throw error;
      return "limit";
    }
    return undefined;
  }

  #warn(provider: Provider, what: string, why: string): void {
    this.#fasttrap.warn(`${what} of provider ${provider.fullName}: ${why}`);
  }
}

/** Why an object cannot have a provider of a name; undefined if it can. */
function refusalOf(name: string): string | undefined {
  if (RESERVED.includes(name)) return "the name is reserved";
  const size = new TextEncoder().encode(name).length;
  if (size === 0) return "it has no name";
  return size > NAME_BYTES ? `the name is longer than ${NAME_BYTES} bytes` : undefined;
}

/** Joins the sites of probes of one module, function and name; a site counts once. The first one's types are kept. */
function merge(probes: readonly StaticProbe[]): StaticProbe[] {
  const byName = Map.groupBy(probes, ({ module, function: functionName, name }) => `${module}:${functionName}:${name}`);
  return [...byName.values()].map((same) => ({
    ...same[0]!,
    sites: ascending(same.flatMap(({ sites }) => sites)),
    isEnabledSites: ascending(same.flatMap(({ isEnabledSites = [] }) => isEnabledSites)),
    semaphores: ascending(same.flatMap(({ semaphores = [] }) => semaphores)),
    functions: mergeFunctions(same),
    arguments: mergeArguments(same.flatMap((probe) => probe.arguments ?? [])),
  }));
}

/** What several objects know of functions; what one says of all its probes is not copied. */
function mergeFunctions(parts: readonly StaticProbe[]): StaticProbe["functions"] {
  const [first, ...others] = new Set(parts.flatMap(({ functions }) => functions ?? []));
  return others.reduce((all, part) => new Map([...all ?? [], ...part]), first);
}

function mergeArguments(parts: readonly StaticArguments[]): StaticArguments | undefined {
  const places = parts.flatMap((part) => [...part.places ?? []]);
  return parts[0] && { ...parts[0], ...places.length > 0 && { places: new Map(places) } };
}

function ascending(sites: readonly Address[]): Address[] {
  return [...new Set(sites)].sort((a, b) => a - b);
}

function capAttributes(attributes: ProviderAttributes): ProviderAttributes {
  const cap = (part: Attributes): Attributes => part.class === "Common" ? { ...part, class: "ISA" } : part;
  return {
    provider: cap(attributes.provider),
    module: cap(attributes.module),
    function: cap(attributes.function),
    name: cap(attributes.name),
    arguments: cap(attributes.arguments),
  };
}
