/**
 * How much a clause may rely on what it names: the chapter "Stability" of DTrace's documentation.
 *
 * Each name has attributes: how stable it is, how stable what it stands for, and on which systems that is so. A clause has
 * the least of those that it uses, once for the parts of its probe description that are written, and once for what its
 * predicate and its statements name. Names of the program are stable, and so is most of D; pragmas say otherwise.
 *
 * @module
 */

import type { ProbeDescription, ProbeField } from "../spec/probe_description.ts";
import { type Attributes, minimumAttributes } from "../spec/stability.ts";
import type { ProviderDeclaration } from "./tree.ts";

/** The attributes of the parts of a provider's probes. */
type PartAttributes = ProviderDeclaration["attributes"];

/** What may be relied on everywhere, and the most that a program can promise. */
export const STABLE: Attributes = { name: "Stable", data: "Stable", class: "Common" };
const EVOLVING: Attributes = { name: "Evolving", data: "Evolving", class: "Common" };
const OF_ISA: Attributes = { name: "Evolving", data: "Evolving", class: "ISA" };
const UNSTABLE: Attributes = { name: "Unstable", data: "Unstable", class: "Unknown" };
const PRIVATE: Attributes = { name: "Private", data: "Private", class: "Unknown" };

const OF_TRACER: PartAttributes = { provider: STABLE, module: PRIVATE, function: PRIVATE, name: STABLE, args: STABLE };
const OF_TIMERS: PartAttributes = {
  provider: EVOLVING,
  module: UNSTABLE,
  function: PRIVATE,
  name: EVOLVING,
  args: EVOLVING,
};
const OF_FUNCTIONS: PartAttributes = {
  provider: OF_ISA,
  module: PRIVATE,
  function: PRIVATE,
  name: OF_ISA,
  args: PRIVATE,
};
/** Of static probes that the program does not declare. */
const OF_STATIC: PartAttributes = {
  provider: EVOLVING,
  module: PRIVATE,
  function: PRIVATE,
  name: EVOLVING,
  args: EVOLVING,
};

const FIELDS: readonly ProbeField[] = ["provider", "module", "function", "name"];
/** The functions that are about the kernel's data, whose names may change with it. */
const EVOLVING_FUNCTIONS =
  /^(?:d_path|getmajor|getminor|hton(?:s|l|ll)|ntoh(?:s|l|ll)|mutex_\w+|rw_(?:iswriter|read_held|write_held))$/;

/**
 * Tells how much one may rely on a function of D.
 *
 * @param name The function.
 * @returns Its attributes.
 */
export function functionAttributes(name: string): Attributes {
  return EVOLVING_FUNCTIONS.test(name) ? EVOLVING : STABLE;
}

/**
 * Tells how much one may rely on the typed arguments of the probes that a description means.
 *
 * @param description The description.
 * @param providers The providers that the program declares.
 * @returns The attributes of their `args[]`.
 */
export function argumentAttributes(
  description: ProbeDescription,
  providers: readonly ProviderDeclaration[],
): Attributes {
  return attributesOf(description, providers).args;
}

/**
 * Tells how much one may rely on a description: on the parts of it that are written.
 *
 * @param description The description.
 * @param providers The providers that the program declares.
 * @param found What is known of the providers of the probes that it names, if any.
 * @returns The least of their attributes.
 */
export function descriptionAttributes(
  description: ProbeDescription,
  providers: readonly ProviderDeclaration[],
  found: readonly Readonly<Record<ProbeField, Attributes>>[] = [],
): Attributes {
  const known = found.length === 0 ? [attributesOf(description, providers)] : found;
  const written = FIELDS.filter((field) => description[field] !== "");
  return written.length === 0
    ? STABLE
    : minimumAttributes(known.flatMap((parts) => written.map((field) => parts[field])));
}

/**
 * Finds the provider that a description means among those that a program declares.
 *
 * @param provider The provider field, with or without the pid of a program.
 * @param providers The providers.
 * @returns The declaration; undefined if it is none of them.
 */
export function declaredProvider(
  provider: string,
  providers: readonly ProviderDeclaration[],
): ProviderDeclaration | undefined {
  return providers.find(({ name }) => {
    return provider.startsWith(name) && /^(?:[0-9]*|\*|\$target)$/.test(provider.slice(name.length));
  });
}

function attributesOf(
  { provider, name }: ProbeDescription,
  providers: readonly ProviderDeclaration[],
): PartAttributes {
  if (provider === "profile" || (provider === "" && /^(?:tick|profile)-/.test(name))) return OF_TIMERS;
  if (provider === "dtrace" || provider === "") return OF_TRACER;
  if (/^(?:pid|objc|oneshot)(?:\$|[0-9])/.test(provider)) return OF_FUNCTIONS;
  return declaredProvider(provider, providers)?.attributes ?? OF_STATIC;
}
