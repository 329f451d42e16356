/**
 * What `-v` says of a D program: how much one may rely on the probes that its clauses name, and on what they do with them; and
 * how the hits of the probes are had.
 *
 * ```text
 *
 * Stability attributes for description pid1234:libc.so.6:malloc:entry:
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
 *     Hits
 *         1 site: recorded by a jump
 * ```
 *
 * What is indented here is so by tabs there. Only the parts of a description that are written count: who names the provider
 * alone relies on nothing but that.
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

/** How much one may rely on the parts of a probe of functions, of one of the tracer, and of any other. */
const OF_FUNCTIONS = { provider: EVOLVING, module: PRIVATE, function: PRIVATE, name: OF_ISA };
const OF_TRACER = { provider: STABLE, module: PRIVATE, function: PRIVATE, name: STABLE };
const OF_STATIC = { provider: EVOLVING, module: PRIVATE, function: PRIVATE, name: EVOLVING };

/**
 * Writes the report of a clause.
 *
 * @param clause The clause.
 * @param waysOf Tells for each site of what a description names why its hits stop the thread; undefined where they do not.
 * @returns The lines.
 */
export function formatStability(
  { probes, attributes }: Clause,
  waysOf: (description: ProbeDescription) => readonly (string | undefined)[],
): string {
  return probes.map((description) =>
    `\nStability attributes for description ${formatProbeDescription(description)}:\n` +
    formatWords("Minimum Probe Description Attributes", attributesOf(description)) +
    formatWords("Minimum Statement Attributes", attributes) + formatWays(waysOf(description))
  ).join("");
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

function attributesOf(description: ProbeDescription): Attributes {
  const { provider } = description;
  const isTracer = /^(?:dtrace|profile)?$/.test(provider);
  const known = isTracer ? OF_TRACER : /^(?:pid|objc|oneshot)(?:\$|[0-9])/.test(provider) ? OF_FUNCTIONS : OF_STATIC;
  const written = FIELDS.filter((field) => description[field] !== "");
  return minimumAttributes([STABLE, ...written.map((field) => known[field])]);
}

function formatWords(title: string, { name, data, class: dependency }: Attributes): string {
  return `\n\t${title}\n\t\tIdentifier Names: ${name}\n\t\tData Semantics:   ${data}\n\t\tDependency Class: ${dependency}\n`;
}
