/**
 * Clauses of a D program that are run for many hits at once (`lib/d/tally_clause.ts`).
 *
 * **The method.** The arguments that a clause aggregates are tallied, each by an enabling of its own. Whenever somebody is about
 * to look at aggregations, or to set them back, what has come since the last time is added: the clause runs once for each probe
 * that has fired, with its statements adding what their argument came to.
 *
 * **Before BEGIN.** What was hit before BEGIN has fired does not count, so that it is taken for known. Extremes cannot be: where
 * there was a hit, the description is enabled anew.
 *
 * **Order.** `printa`, `clear` and the like find aggregations as they are when records are consumed, so that the tallies are
 * taken before that; and when `exit()` has been called, since what happens behind it does not count. A hit that is under way
 * meanwhile may be in a sum already and not yet in the count.
 *
 * @module
 */

import type { Enabling, FiringProbe, ProbeHit } from "../../d/host.ts";
import type { RunningProgram } from "../../d/run/running_program.ts";
import type { TalliedStatement } from "../../d/tally_clause.ts";
import { assert } from "../../errors.ts";
import type { ProbeIdentity } from "../../fasttrap/probe.ts";
import type { ProbeDescription } from "../../spec/probe_description.ts";
import { Tally } from "../../tally.ts";
import type { Enabled } from "../enabled.ts";
import type { ListOptions } from "../options.ts";
import type { Session } from "../session.ts";

/** What is tallied of one argument. */
interface TalliedArgument {
  enabled: Enabled;
  /** Enables it once more. */
  readonly enable: () => Enabled;
  /** Whether it is its least or its greatest value that is wanted. */
  readonly isExtreme: boolean;
  /** What has been added of each probe. */
  readonly added: Map<ProbeIdentity, Tally>;
  /** The statements that aggregate it, by their places in the clause. */
  readonly statements: readonly number[];
}

/** A description of a clause that is tallied. */
interface TalliedDescription {
  readonly clause: number;
  readonly description: ProbeDescription;
  readonly arguments: readonly TalliedArgument[];
  readonly statementsTotal: number;
  readonly enablings: Map<ProbeIdentity, Enabling>;
}

/** See the module's comment. */
export class ProgramTallies {
  readonly #session: Session;
  readonly #running: RunningProgram;
  readonly #hit: ProbeHit;
  readonly #pair: (probe: FiringProbe, clause: number) => Enabling;
  readonly #descriptions: TalliedDescription[] = [];
  #isOver = false;

  /**
   * Makes it; nothing is enabled yet.
   *
   * @param session The session, with its targets.
   * @param running The program.
   * @param hit What stands for all hits.
   * @param pair What gives a pair of a probe and a clause its number.
   */
  constructor(
    session: Session,
    running: RunningProgram,
    hit: ProbeHit,
    pair: (probe: FiringProbe, clause: number) => Enabling,
  ) {
    this.#session = session;
    this.#running = running;
    this.#hit = hit;
    this.#pair = pair;
  }

  /**
   * Enables a description of a clause.
   *
   * @param description The description.
   * @param clause The place of the clause in the program.
   * @param statements What its statements need.
   * @param options Whether the description may match nothing.
   * @returns How many probes it matches.
   * @throws {DTraceError} As `Session.enable`.
   */
  enable(
    description: ProbeDescription,
    clause: number,
    statements: readonly TalliedStatement[],
    options: ListOptions,
  ): number {
    const wanted = Map.groupBy(
      statements.keys().filter((index) => statements[index]!.argument !== undefined),
      (index) => statements[index]!.argument!,
    );
    const counting = statements.keys().filter((index) => statements[index]!.argument === undefined).toArray();
    // Who only counts takes the count of an argument that is tallied anyway.
    const [first = [0, []]] = wanted;
    wanted.set(first[0], [...first[1], ...counting]);
    const enablings = new Map<ProbeIdentity, Enabling>();
    const added = (probes: readonly ProbeIdentity[]) => {
      for (const probe of probes) if (!enablings.has(probe)) enablings.set(probe, this.#pair(probe, clause));
    };
    const tallied = [...wanted].map(([argument, places]) => {
      const keep = [...new Set(places.flatMap((index) => statements[index]!.parts))];
      const enable = () => this.#session.enable(description, { ...options, added, tally: { argument, keep } });
      const isExtreme = keep.includes("min") || keep.includes("max");
      return { enabled: enable(), enable, isExtreme, added: new Map<ProbeIdentity, Tally>(), statements: places };
    });
    this.#descriptions.push({ clause, description, arguments: tallied, statementsTotal: statements.length, enablings });
    return tallied[0]!.enabled.probes.length;
  }

  /**
   * Tells which probes a description of a clause has.
   *
   * @param clause The place of the clause in the program.
   * @param description The description.
   * @returns The probes; none if its hits are not tallied.
   */
  probesOf(clause: number, description: ProbeDescription): ProbeIdentity[] {
    return this.#descriptions.filter((one) => one.clause === clause && one.description === description)
      .flatMap(({ enablings }) => [...enablings.keys()]);
  }

  /** How many hits were lost on each CPU, once for each clause, where somebody else records the same probe. */
  get dropsByCpu(): readonly ReadonlyMap<number, number>[] {
    return this.#descriptions.map(({ arguments: tallied }) => {
      const drops = new Map<number, number>();
      for (const { enabled } of tallied) {
        for (const [cpu, count] of enabled.dropsByCpu) drops.set(cpu, Math.max(count, drops.get(cpu) ?? 0));
      }
      return drops;
    });
  }

  /** BEGIN has fired: what was tallied before does not count. */
  begin(): void {
    for (const { arguments: tallied, statementsTotal } of this.#descriptions) {
      for (const one of tallied) {
        if (!one.isExtreme) collect(one, statementsTotal, new Map());
        else if (one.enabled.hitsTotal > 0) {
          one.enabled[Symbol.dispose]();
          one.enabled = one.enable();
        }
      }
    }
  }

  /** Lets the program have what has been tallied since the last time; after `exit()` that is the last time. */
  harvest(): void {
    if (this.#isOver) return;
    this.#isOver = this.#running.isExiting;
    for (const description of this.#descriptions) {
      const news = new Map<ProbeIdentity, (Tally | undefined)[]>();
      for (const tallied of description.arguments) collect(tallied, description.statementsTotal, news);
      for (const [probe, tallies] of news) {
        const hits = Math.max(...tallies.map((tally) => tally?.count ?? 0));
        this.#running.fireTallied(description.enablings.get(probe)!, this.#hit, tallies, hits);
      }
    }
  }
}

/** Finds what statements have to add for each probe: what has been tallied of an argument since the last time. */
function collect(
  { enabled, added, statements }: TalliedArgument,
  statementsTotal: number,
  news: Map<ProbeIdentity, (Tally | undefined)[]>,
): void {
  for (const [probe, values] of enabled.readTallies()) {
    assert(values instanceof Tally, "a session gives its own tallies");
    let before = added.get(probe);
    if (before === undefined) added.set(probe, before = new Tally());
    if (values.count === before.count) continue;
    const tally = new Tally();
    tally.setDifference(values.words, before.words);
    before.words.set(values.words);
    let tallies = news.get(probe);
    if (tallies === undefined) news.set(probe, tallies = Array(statementsTotal).fill(undefined));
    for (const statement of statements) tallies[statement] = tally;
  }
}
