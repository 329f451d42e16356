/**
 * The static probes of a file in the form in which they are printed, whatever they come from.
 *
 * @module
 */

import { attributesOf } from "../spec/stability.ts";
import { DOF_ATTRIBUTE_PARTS, type DofProvider } from "../object/dof.ts";
import type { StapProbe } from "../object/stap_probes.ts";
import { type Operand, operandType } from "../operand.ts";
import type { Attributes } from "../spec/stability.ts";
import type { StaticFile } from "./static_file.ts";

/** The attributes of a provider's parts. */
export type ListedAttributes = Readonly<Record<typeof DOF_ATTRIBUTE_PARTS[number], Attributes>>;

/** A site of a probe. */
export interface ListedSite {
  /** Its address before relocation. */
  readonly address: number;
  /** The address of the semaphore, before relocation. */
  readonly semaphore: number | undefined;
  /** Where the arguments are, if the file says so. */
  readonly operands: readonly Operand[];
  /** What is wrong with it, as ends of sentences about "it". */
  readonly problems: readonly string[];
}

/** A probe. */
export interface ListedProbe {
  /** The module: the base name of the file. */
  readonly module: string;
  /** The function; empty if it is not known. */
  readonly function: string;
  /** The name. */
  readonly name: string;
  /** The types of the arguments as the program passes them. */
  readonly nativeTypes: readonly string[];
  /** The types of the arguments as D sees them. */
  readonly translatedTypes: readonly string[];
  /** For each translated argument the native one it is. */
  readonly argumentMap: readonly number[];
  /** Where it fires. */
  readonly sites: readonly ListedSite[];
  /** Where the program asks whether it is enabled. */
  readonly isEnabledSites: readonly number[];
}

/** A provider. */
export interface ListedProvider {
  /** Its name without a process. */
  readonly name: string;
  /** What it comes from. */
  readonly source: "stapsdt" | "dof";
  /** Its attributes; notes have none. */
  readonly attributes: ListedAttributes | undefined;
  /** Its probes. */
  readonly probes: readonly ListedProbe[];
}

/**
 * Lists the providers of a file.
 *
 * @param file The file.
 * @returns Those of its notes, then those of its DOF, each in the order of the file.
 */
export function listProviders({ module, notes, dofs }: StaticFile): ListedProvider[] {
  const byProvider = Map.groupBy(notes, ({ provider }) => provider);
  return [
    ...[...byProvider].map(([name, probes]): ListedProvider => ({
      name,
      source: "stapsdt",
      attributes: undefined,
      probes: probes.map((probe) => listNotes(module, probe)),
    })),
    ...dofs.flatMap(({ dof }) => dof.providers.map((provider) => listDofProvider(module, provider))),
  ];
}

/**
 * Lists a provider of DOF.
 *
 * @param module The module that it is in.
 * @param provider The provider.
 * @returns The provider as it is printed.
 */
export function listDofProvider(module: string, { name, attributes, probes }: DofProvider): ListedProvider {
  return {
    name,
    source: "dof",
    attributes: Object.fromEntries(
      DOF_ATTRIBUTE_PARTS.map((part) => [part, attributesOf(attributes[part])]),
    ) as ListedAttributes,
    probes: probes.map(({ sites, enabledSites, ...probe }) => ({
      ...probe,
      module,
      sites: sites.map((address) => ({ address, semaphore: undefined, operands: [], problems: [] })),
      isEnabledSites: enabledSites,
    })),
  };
}

/** The sites of a probe may have different operands; their types are those of the source, and of all sites the same. */
function listNotes(module: string, probe: StapProbe): ListedProbe {
  const types = probe.sites[0]!.operands.map((operand) => operandType(operand));
  return {
    module,
    function: probe.function,
    name: probe.name,
    nativeTypes: types,
    translatedTypes: types,
    argumentMap: types.map((_, index) => index),
    sites: probe.sites.map(({ vaddr, semaphore, operands, problems }) => ({
      address: vaddr,
      semaphore,
      operands,
      problems,
    })),
    isEnabledSites: [],
  };
}
