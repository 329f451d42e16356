/**
 * The names of the registers and their parts, as assemblers write them (Arm ARM, C1.2.5).
 *
 * | 64 bits | 32 | zero | vectors |
 * | --- | --- | --- | --- |
 * | x0 ... x30, fp (x29), lr (x30), sp | w0 ... w30, wsp | xzr, wzr | v0 ... v31, and as q, d, s, h, b |
 *
 * @module
 */

import type { NamedRegister } from "../isa.ts";
import { PC, PSTATE, SP } from "./registers.ts";

const ALIASES: ReadonlyMap<string, NamedRegister> = new Map([
  ["sp", general(SP, 8)],
  ["wsp", general(SP, 4)],
  ["pc", general(PC, 8)],
  ["pstate", general(PSTATE, 8)],
  ["fp", general(2 * 29, 8)],
  ["lr", general(2 * 30, 8)],
  ["xzr", { kind: "zero" }],
  ["wzr", { kind: "zero" }],
]);
const GENERAL_NAME = /^([xw])([12]?\d|30)$/;
const VECTOR_NAME = /^[vqdshb]([12]?\d|3[01])$/;

/**
 * Finds a register by its name.
 *
 * @param name The name in lower case.
 * @returns Where it is; undefined if there is none that can be read.
 */
export function namedRegister(name: string): NamedRegister | undefined {
  const [, size, number] = GENERAL_NAME.exec(name) ?? [];
  if (number !== undefined) return general(2 * Number(number), size === "x" ? 8 : 4);
  const vector = VECTOR_NAME.exec(name)?.[1];
  return vector === undefined ? ALIASES.get(name) : { kind: "vector", number: Number(vector) };
}

function general(index: number, bytes: 4 | 8): NamedRegister {
  return { kind: "general", index, bytes, isHighByte: false };
}
