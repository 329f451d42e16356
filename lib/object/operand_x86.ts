/**
 * Operands in the AT&T notation of x86, of 32 and of 64 bits (GNU as, "Memory References" in its chapter on the 80386).
 *
 * | text | place |
 * | --- | --- |
 * | `$5`, `$-1`, `$60+sym` | constant |
 * | `%rax`, `%ah`, `%r10d`, `%xmm3` | register |
 * | `-8(%rbp)`, `(%rdi,%rax,4)`, `4(,%rax,8)` | memory |
 * | `sym(%rip)`, `8+sym(%rip)`, `sym`, `sym(,%rax,4)` | memory at a symbol |
 * | `sym@GOTOFF(%ebx)` | memory at a symbol: the register holds what the offset is counted from |
 * | `sym@GOTPCREL(%rip)`, `sym@GOT(%ebx)` | the address of the symbol, which the loader puts there |
 * | `%fs:sym@tpoff`, `%gs:sym@ntpoff`, `%fs:-8` | memory of the thread |
 *
 * @module
 */

import type { MemoryPlace, OperandPlace, OperandSymbol } from "../operand.ts";
import { parseSum, type Sum, toSigned } from "./operand_expression.ts";

const REGISTER = /^%([a-z][a-z0-9]*(?:\(\d\))?)$/;
/** The registers that can hold an argument, of 64 and of 32 bits. */
const KNOWN =
  /^(?:[er]?(?:[abcd]x|[sd]i|[bs]p)|[abcd][lh]|(?:[sd]i|[bs]p)l|r(?:[89]|1[0-5])[dwb]?|[xyz]mm(?:[12]?\d|3[01])|[er]ip)$/;
/** What stands in the parentheses: base, index and scale. */
const REGISTERS = /^(?:%([a-z]\w*))?(?:,(?:%([a-z]\w*))?(?:,([1248]))?)?$/;
const SEGMENT = /^%([c-gs]s):/;
/** Segments whose base is 0 as far as a program of today is concerned. */
const FLAT_SEGMENTS = ["cs", "ds", "es", "ss"];
/** Registers that stand for no index at all. */
const NO_INDEX = ["eiz", "riz"];

/**
 * Parses an operand, without its size.
 *
 * @param text The operand.
 * @returns Where the argument is.
 */
export function parseX86Operand(text: string): OperandPlace {
  if (text.startsWith("$")) return parseConstant(text.slice(1));
  const register = REGISTER.exec(text)?.[1];
  if (register !== undefined) return KNOWN.test(register) ? { kind: "register", register } : noRegister(register);
  const segment = SEGMENT.exec(text)?.[1];
  const place = parseMemory(segment === undefined ? text : text.slice(4));
  if (place.kind !== "memory") return place;
  if (segment !== "fs" && segment !== "gs") {
    if (place.symbol?.part === "thread") return unknown("its symbol is an offset in the thread's memory");
    return segment === undefined || FLAT_SEGMENTS.includes(segment) ? place : notUnderstood();
  }
  // A symbol without @tpoff would be an address within a segment, which nobody writes.
  if (place.symbol?.part === "address") return notUnderstood();
  return { ...place, segment };
}

function parseConstant(text: string): OperandPlace {
  const sum = parseSum(text);
  if (sum === undefined) return notUnderstood();
  const { lo, hi, symbol, relocation } = sum;
  if (relocation !== undefined) return unsupported(relocation);
  return { kind: "constant", lo, hi, ...symbol !== undefined && { symbol: { name: symbol, part: "address" } } };
}

function parseMemory(text: string): OperandPlace {
  const opening = text.endsWith(")") ? text.lastIndexOf("(") : -1;
  const registers = opening < 0 ? null : REGISTERS.exec(text.slice(opening + 1, -1));
  const sumText = registers === null ? text : text.slice(0, opening);
  const sum = sumText === "" && registers !== null ? { lo: 0, hi: 0 } : parseSum(sumText);
  if (sum === undefined) return notUnderstood();
  const displacement = toSigned(sum);
  if (displacement === undefined) return unknown("its displacement is too large");
  const [, base, index, scale] = registers ?? [];
  const hasIndex = index !== undefined && !NO_INDEX.includes(index);
  const strange = [base, hasIndex ? index : undefined].find((name) => name !== undefined && !KNOWN.test(name));
  if (strange !== undefined) return noRegister(strange);
  const memory: MemoryPlace = {
    kind: "memory",
    ...base !== undefined && { base },
    ...hasIndex && { index },
    scale: hasIndex ? Number(scale ?? 1) : 1,
    displacement,
  };
  return sum.symbol === undefined ? withoutSymbol(memory) : withSymbol(memory, sum, sum.symbol);
}

function withoutSymbol(memory: MemoryPlace): OperandPlace {
  if (isPc(memory.base)) return unknown("it is relative to an instruction that is not there");
  return memory;
}

/** Gives a symbol's operand its meaning by what follows the `@`. */
function withSymbol(memory: MemoryPlace, sum: Sum, name: string): OperandPlace {
  const { base, ...rest } = memory;
  const symbol: OperandSymbol = { name, part: "address" };
  switch (sum.relocation) {
    case undefined:
    case "plt":
      return isPc(base) ? { ...rest, symbol } : { ...memory, symbol };
    case "gotoff":
      return withoutGotRegister(memory, symbol);
    case "got":
    case "gotpcrel":
      if (memory.index !== undefined || memory.displacement !== 0) return notUnderstood();
      return { kind: "constant", lo: 0, hi: 0, symbol };
    case "tpoff":
    case "ntpoff":
      return { ...memory, symbol: { name, part: "thread" } };
    default:
      return unsupported(sum.relocation);
  }
}

/**
 * The offset is counted from the global offset table, whose address is in one of the registers: without both it is an
 * address. An index that is multiplied is not that register; of two others it is the one that compilers use.
 */
function withoutGotRegister(memory: MemoryPlace, symbol: OperandSymbol): OperandPlace {
  const { base, index, ...rest } = memory;
  if (base === undefined) return notUnderstood();
  if (index === undefined) return { ...rest, symbol };
  if (memory.scale > 1 || base === "ebx") return { ...rest, index, symbol };
  if (index === "ebx") return { ...rest, base, symbol };
  return unknown("either of its registers can be the one that the symbol is relative to");
}

function isPc(register: string | undefined): boolean {
  return register === "rip" || register === "eip";
}

function unsupported(relocation: string): OperandPlace {
  return unknown(`"@${relocation}" is not supported`);
}

function noRegister(name: string): OperandPlace {
  return unknown(`there is no register "${name}"`);
}

function notUnderstood(): OperandPlace {
  return unknown("it is not understood");
}

function unknown(reason: string): OperandPlace {
  return { kind: "unknown", reason };
}
