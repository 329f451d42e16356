/**
 * Operands in the notation of 64-bit Arm (Arm Architecture Reference Manual, C1.3.3 "Load/store addressing modes").
 *
 * | text | place |
 * | --- | --- |
 * | `5`, `#-1`, `sym+8` | constant |
 * | `x0`, `w1`, `d8`, `xzr` | register |
 * | `[sp]`, `[sp, 12]`, `[x0, #8]` | memory |
 * | `[x0, x1]`, `[x0, x1, lsl 3]`, `[x0, w1, sxtw 2]` | memory with an index |
 * | `[x0, #:lo12:sym+4]` | memory at a symbol: the register holds the rest of its address |
 *
 * @module
 */

import type { OperandPlace } from "../operand.ts";
import { parseSum, toSigned } from "./operand_expression.ts";

const REGISTER = /^(?:[xw](?:[12]?\d|30)|[bhsdqv](?:[12]?\d|3[01])|w?sp|[xw]zr|lr|fp)$/;
const MEMORY = /^\[([^[\]]*)\]$/;
const EXTENSION = /^(lsl|sxtw|uxtw|sxtx|uxtx)(?:[ ]*#?([0-4]))?$/;
const LOW_BITS = ":lo12:";

/**
 * Parses an operand, without its size.
 *
 * @param text The operand.
 * @returns Where the argument is.
 */
export function parseArm64Operand(text: string): OperandPlace {
  if (REGISTER.test(text)) return { kind: "register", register: text };
  const inner = MEMORY.exec(text)?.[1];
  if (inner !== undefined) return parseMemory(inner.split(",").map((part) => part.trim()));
  const sum = parseSum(withoutHash(text));
  if (sum === undefined || sum.relocation !== undefined) return notUnderstood();
  const { lo, hi, symbol } = sum;
  return { kind: "constant", lo, hi, ...symbol !== undefined && { symbol: { name: symbol, part: "address" } } };
}

function parseMemory([base = "", second, third, ...others]: readonly string[]): OperandPlace {
  if (!REGISTER.test(base) || others.length > 0) return notUnderstood();
  if (second === undefined) return { kind: "memory", base, scale: 1, displacement: 0 };
  if (REGISTER.test(second)) return parseIndex(base, second, third);
  if (third !== undefined) return notUnderstood();
  const text = withoutHash(second);
  const isLow = text.startsWith(LOW_BITS);
  const sum = parseSum(isLow ? text.slice(LOW_BITS.length) : text);
  const displacement = sum && toSigned(sum);
  if (displacement === undefined || isLow !== (sum?.symbol !== undefined)) return notUnderstood();
  return {
    kind: "memory",
    base,
    scale: 1,
    displacement,
    ...sum?.symbol !== undefined && { symbol: { name: sum.symbol, part: "low12" } },
  };
}

function parseIndex(base: string, index: string, text: string | undefined): OperandPlace {
  const extension = text === undefined ? ["", "lsl", "0"] : EXTENSION.exec(text);
  if (extension === null) return notUnderstood();
  const signedIndex = extension[1] === "sxtw";
  return {
    kind: "memory",
    base,
    index,
    scale: 2 ** Number(extension[2] ?? 0),
    ...signedIndex && { signedIndex },
    displacement: 0,
  };
}

function withoutHash(text: string): string {
  return text.startsWith("#") ? text.slice(1) : text;
}

function notUnderstood(): OperandPlace {
  return { kind: "unknown", reason: "it is not understood" };
}
