/**
 * The operands of a SystemTap note: `-4@%eax 8@-16(%rbp) 8f@%xmm0`.
 *
 * Each is the size of the value in bytes, with a minus sign if it is signed and an `f` if it is a floating-point number,
 * an `@`, and the place in the notation of the machine's assembler (`sys/sdt.h`, `_SDT_ARG`; SystemTap wiki,
 * "UserSpaceProbeImplementation"). Places can hold blanks (`4@[x20, 12]`), so that a blank only separates operands if a
 * size follows. Probes that are written in assembler may have places without sizes; their values have the size of an
 * address, and blanks within brackets do not separate them.
 *
 * What is not understood is kept, with the reason: the probe works nevertheless.
 *
 * @module
 */

import type { Operand, OperandPlace } from "../operand.ts";
import { EM_386, EM_AARCH64, EM_X86_64 } from "./elf_constants.ts";
import { parseArm64Operand } from "./operand_arm64.ts";
import { parseX86Operand } from "./operand_x86.ts";

/** The most operands of a site; `sys/sdt.h` has 12. */
export const MAX_OPERANDS = 64;

/** The longest operand that is looked at: the name of a symbol and some numbers. */
const MAX_OPERAND_CHARACTERS = 4200;

const SIZE = /^(-?)(\d{1,9})(f?)@/;
const SEPARATOR = / (?=-?\d{1,9}f?@)/;
const WIDE_REGISTER = /mm\d+$/;
const INTEGER_SIZES = [1, 2, 4, 8];
const FLOAT_SIZES = [4, 8];

/** The parsers of places, by `e_machine`. */
const PARSERS: ReadonlyMap<number, (text: string) => OperandPlace> = new Map([
  [EM_386, parseX86Operand],
  [EM_X86_64, parseX86Operand],
  [EM_AARCH64, parseArm64Operand],
]);

/** The machine that operands are for. */
export interface OperandMachine {
  /** Its `e_machine`. */
  readonly machine: number;
  /** The size of an address in bits. */
  readonly bits: 32 | 64;
}

/**
 * Parses the operands of a site.
 *
 * @example Two arguments
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const [count, name] = parseOperands("-4@%eax 8@-16(%rbp)", { machine: 62, bits: 64 });
 * assertEquals(count?.place, { kind: "register", register: "eax" });
 * assertEquals(name?.place, { kind: "memory", base: "rbp", scale: 1, displacement: -16 });
 * ```
 *
 * @param text The third string of the note.
 * @param machine What they are for.
 * @returns The operands, at most {@linkcode MAX_OPERANDS}; more are dropped.
 */
export function parseOperands(text: string, machine: OperandMachine): Operand[] {
  return splitOperands(text.replace(/[ \t]+/g, " ").trim()).map((operand) => parseOperand(operand, machine));
}

function parseOperand(text: string, { machine, bits }: OperandMachine): Operand {
  const size = SIZE.exec(text);
  const sizeBytes = size === null ? bits / 8 : Number(size[2]);
  const float = size?.[3] === "f";
  const rest = size === null ? text : text.slice(size[0].length);
  const place = (float ? FLOAT_SIZES : INTEGER_SIZES).includes(sizeBytes)
    ? parsePlace(rest, sizeBytes, { machine, bits })
    : unknown(`no ${float ? "floating-point number" : "integer"} has ${sizeBytes} bytes`);
  return { text, sizeBytes, signed: size?.[1] === "-", float, place };
}

function parsePlace(text: string, sizeBytes: number, { machine, bits }: OperandMachine): OperandPlace {
  const parse = PARSERS.get(machine);
  if (text.length > MAX_OPERAND_CHARACTERS) return unknown("it is too long");
  if (parse === undefined) return unknown(`operands of machine ${machine} are not understood`);
  const place = parse(text);
  // Compilers for 32 bits name one register of the two that hold such a value.
  const isHalf = place.kind === "register" && 8 * sizeBytes > bits && !WIDE_REGISTER.test(place.register);
  return isHalf ? unknown("half of it is in a register that is not named") : place;
}

function unknown(reason: string): OperandPlace {
  return { kind: "unknown", reason };
}

function splitOperands(text: string): string[] {
  if (text === "") return [];
  if (SIZE.test(text)) return text.split(SEPARATOR, MAX_OPERANDS);
  const operands: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length && operands.length < MAX_OPERANDS; at++) {
    const character = text[at];
    if (character === "[" || character === "(") depth++;
    else if (character === "]" || character === ")") depth--;
    else if (character === undefined || (character === " " && depth <= 0)) {
      if (at > start) operands.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return operands;
}
