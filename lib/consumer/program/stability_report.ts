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

import type { Clause } from "../../d/tree.ts";
import { formatProbeDescription, type ProbeDescription, type ProbeField } from "../../spec/probe_description.ts";
import { type Attributes, minimumAttributes } from "../../spec/stability.ts";

const STABLE: Attributes = { name: "Stable", data: "Stable", class: "Common" };
const EVOLVING: Attributes = { name: "Evolving", data: "Evolving", class: "Common" };
const OF_ISA: Attributes = { name: "Evolving", data: "Evolving", class: "ISA" };
const PRIVATE: Attributes = { name: "Private", data: "Private", class: "Unknown" };
const FIELDS: readonly ProbeField[] = ["provider", "module", "function", "name"];

/** How much one may rely on the parts of a probe and on its arguments, by what kind of provider it has. */
const OF_FUNCTIONS = { provider: EVOLVING, module: PRIVATE, function: PRIVATE, name: OF_ISA, arguments: PRIVATE };
const OF_TRACER = { provider: STABLE, module: PRIVATE, function: PRIVATE, name: STABLE, arguments: STABLE };
const OF_PROFILE = { provider: EVOLVING, module: PRIVATE, function: PRIVATE, name: EVOLVING, arguments: EVOLVING };
const OF_STATIC = { provider: EVOLVING, module: PRIVATE, function: PRIVATE, name: EVOLVING, arguments: EVOLVING };

/** What a report is about: what one `-n`, or a script, says. */
export interface ReportedPart {
  /** What dtrace calls it, and its name. */
  readonly kind: string;
  readonly name: string;
  readonly clauses: readonly Clause[];
}

/** What is known of the probes of a clause's description. */
export interface ReportedProbes {
  /** For each of their sites why its hits stop the thread; undefined where they do not. */
  readonly ways: readonly (string | undefined)[];
  /** The types of their arguments, if they have the same. */
  readonly argumentTypes: readonly string[] | undefined;
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
  { kind, name, clauses }: ReportedPart,
  isDry: boolean,
  probesOf: (clause: Clause, description: ProbeDescription) => ReportedProbes,
): string {
  const descriptions = clauses.flatMap(({ probes }) => probes.map(attributesOf));
  const statements = clauses.map(({ attributes }) => attributes);
  const details = clauses.flatMap((clause) =>
    clause.probes.map((description) => formatDescription(description, isDry, probesOf(clause, description)))
  );
  return `\nStability attributes for ${kind} ${name}:\n` +
    formatWords("Minimum Probe Description Attributes", minimumAttributes([STABLE, ...descriptions])) +
    formatWords("Minimum Statement Attributes", minimumAttributes([STABLE, ...statements])) + details.join("") + "\n";
}

function formatDescription(
  description: ProbeDescription,
  isDry: boolean,
  { ways, argumentTypes = [] }: ReportedProbes,
): string {
  const types = argumentTypes.map((type, index) => `\t\targs[${index}]: ${type}\n`).join("");
  const details = isDry
    ? formatWords("Probe Description Attributes", attributesOf(description)) +
      formatWords("Argument Attributes", familyOf(description).arguments) +
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

function familyOf({ provider, name }: ProbeDescription): typeof OF_STATIC {
  if (provider === "profile" || (provider === "" && /^(?:tick|profile)-/.test(name))) return OF_PROFILE;
  if (provider === "dtrace" || provider === "") return OF_TRACER;
  return /^(?:pid|objc|oneshot)(?:\$|[0-9])/.test(provider) ? OF_FUNCTIONS : OF_STATIC;
}

function attributesOf(description: ProbeDescription): Attributes {
  const known = familyOf(description);
  const written = FIELDS.filter((field) => description[field] !== "");
  return minimumAttributes([STABLE, ...written.map((field) => known[field])]);
}

function formatWords(title: string, { name, data, class: dependency }: Attributes): string {
  return `\n\t${title}\n\t\tIdentifier Names: ${name}\n\t\tData Semantics:   ${data}\n\t\tDependency Class: ${dependency}\n`;
}
