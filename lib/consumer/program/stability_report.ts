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

import { descriptionAttributes } from "../../d/reliance.ts";
import type { Clause, ProviderDeclaration } from "../../d/tree.ts";
import { formatProbeDescription, type ProbeDescription, type ProbeField } from "../../spec/probe_description.ts";
import type { Attributes } from "../../spec/stability.ts";

/** What is known of the probes of a clause. */
export interface EnabledDescriptions {
  /** For each site of what a description names why its hits stop the thread; undefined where they do not. */
  waysOf(description: ProbeDescription): readonly (string | undefined)[];
  /** How much one may rely on the static probes that a description names, as their objects say. */
  attributesOf(description: ProbeDescription): readonly Readonly<Record<ProbeField, Attributes>>[];
}

/**
 * Writes the report of a clause.
 *
 * @param clause The clause.
 * @param providers The providers that its program declares.
 * @param enabled Tells what is known of the probes that its descriptions name.
 * @returns The lines.
 */
export function formatStability(
  { probes, attributes }: Clause,
  providers: readonly ProviderDeclaration[],
  enabled: EnabledDescriptions,
): string {
  return probes.map((description) =>
    `\nStability attributes for description ${formatProbeDescription(description)}:\n` +
    formatWords(
      "Minimum Probe Description Attributes",
      descriptionAttributes(description, providers, enabled.attributesOf(description)),
    ) +
    formatWords("Minimum Statement Attributes", attributes) + formatWays(enabled.waysOf(description))
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

function formatWords(title: string, { name, data, class: dependency }: Attributes): string {
  return `\n\t${title}\n\t\tIdentifier Names: ${name}\n\t\tData Semantics:   ${data}\n\t\tDependency Class: ${dependency}\n`;
}
