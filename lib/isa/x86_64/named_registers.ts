/**
 * The names of the registers and their parts, as assemblers write them (Intel SDM vol. 1, 3.4.1).
 *
 * | 64 bits | 32 | 16 | 8 | second byte |
 * | --- | --- | --- | --- | --- |
 * | rax, rbx, rcx, rdx | eax ... | ax ... | al ... | ah ... |
 * | rsi, rdi, rbp, rsp | esi ... | si ... | sil ... | |
 * | r8 ... r15 | r8d ... | r8w ... | r8b ... | |
 *
 * @module
 */

import type { NamedRegister } from "../isa.ts";
import { EFLAGS, FS_BASE, GENERAL, GS_BASE, RIP } from "./registers.ts";

/** The first eight registers in the order of their numbers, without the letter of their size. */
const OLD_NAMES = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
/** What follows the number of a new register, by the size of the part in bytes. GNU as also knows `l` for a byte. */
const SUFFIXES: Readonly<Record<string, 1 | 2 | 4 | 8>> = { "": 8, d: 4, w: 2, b: 1, l: 1 };
const NEW_NAME = /^r(8|9|1[0-5])([dwbl]?)$/;
const VECTOR_NAME = /^[xyz]mm([12]?\d|3[01])$/;
/** The vector registers that there are without AVX-512: the only ones whose values the kernel tells at a known place. */
const VECTOR_COUNT = 16;

/**
 * Finds a register by its name.
 *
 * @param name The name in lower case, without `%`.
 * @returns Where it is; undefined if there is none that can be read.
 */
export function namedRegister(name: string): NamedRegister | undefined {
  if (name === "rip") return general(RIP, 8);
  if (name === "eflags" || name === "rflags") return general(EFLAGS, 8);
  const vector = VECTOR_NAME.exec(name)?.[1];
  if (vector !== undefined) {
    return Number(vector) < VECTOR_COUNT ? { kind: "vector", number: Number(vector) } : undefined;
  }
  const [, number, suffix] = NEW_NAME.exec(name) ?? [];
  if (number !== undefined) return general(GENERAL[Number(number)]!, SUFFIXES[suffix!]!);
  return oldRegister(name);
}

/**
 * Finds the base of a segment.
 *
 * @param segment The segment.
 * @returns The index of its low half.
 */
export function segmentBase(segment: "fs" | "gs"): number {
  return segment === "fs" ? FS_BASE : GS_BASE;
}

function oldRegister(name: string): NamedRegister | undefined {
  const whole = OLD_NAMES.indexOf(name.slice(-2));
  if (whole >= 0) {
    const bytes = { "": 2, e: 4, r: 8 }[name.slice(0, -2)];
    return bytes === undefined ? undefined : general(GENERAL[whole]!, bytes as 2 | 4 | 8);
  }
  const [, letter, part] = /^([acdb])([lh])$/.exec(name) ?? [];
  if (letter !== undefined) {
    const isHighByte = part === "h";
    return { ...general(GENERAL["acdb".indexOf(letter)]!, 1), isHighByte };
  }
  const pointer = /^(sp|bp|si|di)l$/.exec(name)?.[1];
  return pointer === undefined ? undefined : general(GENERAL[OLD_NAMES.indexOf(pointer)]!, 1);
}

function general(index: number, bytes: 1 | 2 | 4 | 8): NamedRegister & { kind: "general" } {
  return { kind: "general", index, bytes, isHighByte: false };
}
