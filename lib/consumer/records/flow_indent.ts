/**
 * The column of functions with `-F`: calls are indented and marked with arrows.
 *
 * ```text
 * CPU FUNCTION
 *   1  -> main
 *   1    -> parse
 *   1     | parse:1f
 *   1    <- parse
 *   1  <- main
 * ```
 *
 * A probe is a call if its name is `entry` or ends in `-entry`, and a return if it is `return` or ends in `-return`;
 * syscalls have arrows with two strokes. Several clauses of one probe do not indent twice. Each CPU has an indentation of
 * its own.
 *
 * @module
 */

import { textOfName } from "./byte_text.ts";

const FUNCTION_WIDTH = 41;
const STEP = 2;
const CALL = /^(?:.*-)?entry$/;
const RETURN = /^(?:.*-)?return$/;

/** The line above the rows. */
export const FLOW_HEADER: string = `CPU ${"FUNCTION".padEnd(FUNCTION_WIDTH)}\n`;

/** What a row is about. */
export interface FlowRow {
  readonly cpu: number;
  /** The enabling, by its number: several may belong to one probe. */
  readonly epid: number;
  readonly probe: { readonly id: number; readonly provider: string; readonly function: string; readonly name: string };
}

/** Formats the beginnings of rows; it remembers how deep each CPU is. */
export class FlowIndenter {
  readonly #depths = new Map<number, number>();
  #last: FlowRow | undefined;

  /**
   * Formats the beginning of a row.
   *
   * @param row The row.
   * @param next The row behind it, undefined if there is none yet: a return is undone by the last clause of its probe.
   * @returns CPU and function, with a blank behind them.
   */
  format(row: FlowRow, next: FlowRow | undefined): string {
    const { cpu, probe } = row;
    const flow = this.#flowOf(row, next);
    let depth = this.#depths.get(cpu) ?? 0;
    if (flow === "return") depth = Math.max(0, depth - STEP);
    const name = textOfName(flow === "none" ? `${probe.function}:${probe.name}` : probe.function);
    const text = `${" ".repeat(depth)}${prefixOf(flow, probe.provider)}${name}`;
    if (flow === "call") depth += STEP;
    this.#depths.set(cpu, depth);
    this.#last = row;
    return `${String(cpu).padStart(3)} ${text.padEnd(FUNCTION_WIDTH)} `;
  }

  #flowOf(row: FlowRow, next: FlowRow | undefined): "call" | "return" | "none" {
    const { name } = row.probe;
    if (CALL.test(name)) return isAnotherClause(row, this.#last) ? "none" : "call";
    if (RETURN.test(name)) return isAnotherClause(row, next) ? "none" : "return";
    return "none";
  }
}

/** Whether two rows are of one probe, but not of one clause. */
function isAnotherClause(row: FlowRow, other: FlowRow | undefined): boolean {
  return other !== undefined && other.probe.id === row.probe.id && other.epid !== row.epid;
}

function prefixOf(flow: "call" | "return" | "none", provider: string): string {
  if (flow === "none") return "| ";
  const stroke = provider === "syscall" ? "=" : "-";
  return flow === "call" ? ` ${stroke}> ` : ` <${stroke} `;
}
