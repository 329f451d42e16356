/**
 * What `-v` says of a D program: how much one may rely on the probes that its clauses name, and on what they do with them; and
 * how the hits of the probes are had.
 *
 * ```text
 *
 * Stability attributes for description pid$target:libc:malloc:entry :
 *
 *     Minimum Probe Description Attributes
 *         Identifier Names: Private
 *         Data Semantics:   Private
 *         Dependency Class: Unknown
 *
 *     Minimum Statement Attributes
 *         Identifier Names: Stable
 *         Data Semantics:   Stable
 *         Dependency Class: Common
 *
 * pid$target:libc:malloc:entry
 *
 *     Hits
 *         1 site: recorded by a jump
 *
 * ```
 *
 * What is indented here is so by tabs there. Only the parts of a description that are written count: who names the provider
 * alone relies on nothing but that. With `-e` the attributes of each description follow, and of its arguments.
 *
 * @module
 */

import { argumentAttributes, descriptionAttributes, STABLE } from "../../d/reliance.ts";
import type { Clause, ProviderDeclaration } from "../../d/tree.ts";
import { formatProbeDescription, type ProbeDescription, type ProbeField } from "../../spec/probe_description.ts";
import { type Attributes, minimumAttributes } from "../../spec/stability.ts";

/** What a report is about: what one `-n`, or a script, says. */
export interface ReportedPart {
  /** What dtrace calls it, and its name. */
  readonly kind: string;
  readonly name: string;
  readonly clauses: readonly Clause[];
  /** The providers that the program declares. */
  readonly providers: readonly ProviderDeclaration[];
}

/** What is known of the probes of a clause's description. */
export interface ReportedProbes {
  /** For each of their sites why its hits stop the thread; undefined where they do not. */
  readonly ways: readonly (string | undefined)[];
  /** The types of their arguments, if they have the same. */
  readonly argumentTypes: readonly string[] | undefined;
  /** How much one may rely on the static ones, as their objects say. */
  readonly attributes: readonly Readonly<Record<ProbeField, Attributes>>[];
}

/**
 * Writes the report of a part of a program.
 *
 * @param part The part.
 * @param isDry Whether what each description says follows, because the program does not run.
 * @param probesOf Tells what is known of what a description names.
 * @returns The lines.
 */
export function formatStability(
  { kind, name, clauses, providers }: ReportedPart,
  isDry: boolean,
  probesOf: (clause: Clause, description: ProbeDescription) => ReportedProbes,
): string {
  const described = clauses.flatMap((clause) =>
    clause.probes.map((description): Described => {
      const known = probesOf(clause, description);
      return {
        ...known,
        description,
        own: descriptionAttributes(description, providers, known.attributes),
        ofArguments: argumentAttributes(description, providers),
      };
    })
  );
  const descriptions = minimumAttributes([STABLE, ...described.map(({ own }) => own)]);
  const statements = minimumAttributes([STABLE, ...clauses.map(({ attributes }) => attributes)]);
  return `\nStability attributes for ${kind} ${name}:\n` +
    formatWords("Minimum Probe Description Attributes", descriptions) +
    formatWords("Minimum Statement Attributes", statements) +
    described.map((each) => formatDescription(each, isDry)).join("") + "\n";
}

/** A description with all that is known of it. */
interface Described extends ReportedProbes {
  readonly description: ProbeDescription;
  readonly own: Attributes;
  readonly ofArguments: Attributes;
}

function formatDescription(
  { description, own, ofArguments, ways, argumentTypes = [] }: Described,
  isDry: boolean,
): string {
  const types = argumentTypes.map((type, index) => `\t\targs[${index}]: ${type}\n`).join("");
  const details = isDry
    ? formatWords("Probe Description Attributes", own) +
      formatWords("Argument Attributes", ofArguments) +
      `\n\tArgument Types\n${types === "" ? "\t\tNone\n" : types}`
    : "";
  const hits = formatWays(ways);
  return details + hits === "" ? "" : `\n${formatProbeDescription(description)}\n${details}${hits}`;
}

/** Says how the hits of sites are had, most of them first; nothing of probes that have none. */
function formatWays(ways: readonly (string | undefined)[]): string {
  const groups = [...Map.groupBy(ways, (reason) => reason)].sort((a, b) => b[1].length - a[1].length);
  const lines = groups.map(([reason, { length }]) =>
    `\t\t${length} ${length === 1 ? "site" : "sites"}: ` +
    `${reason === undefined ? "recorded by a jump" : `each hit stops the thread, because ${reason}`}\n`
  );
  return lines.length === 0 ? "" : `\n\tHits\n${lines.join("")}`;
}

function formatWords(title: string, { name, data, class: dependency }: Attributes): string {
  return `\n\t${title}\n\t\tIdentifier Names: ${name}\n\t\tData Semantics:   ${data}\n\t\tDependency Class: ${dependency}\n`;
}
