/**
 * Tracing a target in one call, for tests that ask only how often what was hit.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { type EnableOptions, Session } from "../mod.ts";
import { type Outcome, type TargetOptions, TargetProgram, within } from "./support.ts";

/** What {@linkcode traced} has seen. */
export interface Traced extends Outcome {
  /** Hits of each description, those that were dropped included. */
  readonly hits: readonly number[];
  /** What the session has warned of. */
  readonly warnings: readonly string[];
}

/** Options of {@linkcode traced}. */
export interface TracedOptions extends TargetOptions {
  /** What to do at each hit; by default the thread is stopped and nothing done. */
  readonly handler?: NonNullable<EnableOptions["handler"]>;
  /** How hits are had. */
  readonly way?: Pick<EnableOptions, "count" | "handler" | "record">;
  /** Whether a description may match nothing at first. */
  readonly allowNone?: boolean;
}

/** Attaches to a target that is ready, enables probes, lets it work, and goes on until it has ended. */
export async function traced(
  name: string,
  descriptions: readonly string[],
  options: TracedOptions = {},
): Promise<Traced> {
  await using target = await TargetProgram.start(name, options);
  assertEquals(await target.line(), "ready");
  const warnings: string[] = [];
  await using session = new Session({ signals: false, onWarning: (message) => warnings.push(message) });
  session.attach(target.pid);
  const { handler = () => {}, way = { handler }, allowNone = false } = options;
  const enabled = descriptions.map((description) => session.enable(description, { ...way, allowNone }));
  await target.send();
  await within(session.run(), "the end of the run");
  const hits = enabled.map(({ hitsTotal, dropsTotal }) => hitsTotal + dropsTotal);
  return { ...await target.outcome(), hits, warnings };
}
