/** Aggregations for tests that have no program. */

import type { Aggregation } from "../../lib/d/tree.ts";

/** `@a = count()`, with differences. */
export function makeAggregation(differences: Partial<Aggregation> = {}): Aggregation {
  return { name: "a", id: 0, function: "count", parameters: [], keys: [], keyTypes: [], signed: true, ...differences };
}
