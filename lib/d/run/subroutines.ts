/**
 * The subroutines: what clauses call by number.
 *
 * @module
 */

import { SUBROUTINES } from "../code/builtin_numbers.ts";
import type { SubroutineName } from "../expression.ts";
import type { ProbeHit } from "../host.ts";
import type { ClauseMemory } from "./clause_memory.ts";
import { findJson } from "./json_subroutine.ts";
import { NETWORK_SUBROUTINES } from "./network_subroutines.ts";
import type { Speculations } from "./speculations.ts";
import { type MemorySubroutine, STRING_SUBROUTINES } from "./string_subroutines.ts";

const HALF = 2 ** 32;
const BASE_DEFAULT = 10;

/** What subroutines need besides their arguments. */
export interface SubroutineContext {
  readonly memory: ClauseMemory;
  readonly speculations: Speculations;
  /** The hit for which the clause runs. */
  readonly hit: ProbeHit;
}

type Subroutine = (context: SubroutineContext, argumentCount: number) => number;

/** What there are no locks of the kernel for is 0. */
const nothing: Subroutine = ({ memory }) => memory.give(0, 0);

const OTHERS: Readonly<Partial<Record<SubroutineName, Subroutine>>> = {
  alloca: ({ memory }) => memory.giveAddress(memory.scratch(memory.number(0))),
  bcopy: ({ memory }) => {
    const size = memory.number(2);
    const from = memory.own(0, size, false);
    memory.bytes.copyWithin(memory.own(1, size, true), from, from + size);
    return 0;
  },
  copyin: ({ memory, hit }) => {
    const size = memory.number(1);
    const at = memory.scratch(size);
    memory.copyIn(hit, memory.address(0), at, size);
    return memory.giveAddress(at);
  },
  copyinstr: ({ memory, hit }, count) =>
    memory.copyInText(hit, memory.address(0), count > 1 ? memory.number(1) : memory.strsize),
  copyinto: ({ memory, hit }) => {
    const size = memory.number(1);
    memory.copyIn(hit, memory.address(0), memory.own(2, size, true), size);
    return 0;
  },
  copyout: ({ memory, hit }) => {
    const size = memory.number(2);
    const at = memory.own(0, size, false);
    return copyOut(memory, hit, 1, memory.bytes.subarray(at, at + size));
  },
  copyoutstr: ({ memory, hit }, count) => {
    const text = memory.text(0);
    const limit = count > 2 ? memory.number(2) : memory.strsize;
    return copyOut(memory, hit, 1, Uint8Array.of(...text, 0).subarray(0, limit));
  },
  json: ({ memory }) => {
    const element = findJson(characters(memory.text(0)), characters(memory.text(1)));
    return element === undefined ? memory.null : memory.makeText(bytesOf(element));
  },
  lltostr: ({ memory }, count) =>
    memory.makeText(bytesOf(numberText(memory, count > 1 ? memory.number(1) : BASE_DEFAULT))),
  progenyof: ({ memory, hit }) => memory.giveNumber(hit.isProgenyOf(memory.number(0)) ? 1 : 0),
  rand: ({ memory }) => memory.give(randomWord(), randomWord()),
  speculation: ({ memory, speculations }) => memory.giveNumber(speculations.begin()),
  "d_path": ({ memory }) => memory.makeText(bytesOf("<unknown>")),
  "mutex_owned": nothing,
  "mutex_owner": nothing,
  "mutex_type_adaptive": nothing,
  "mutex_type_spin": nothing,
  "rw_iswriter": nothing,
  "rw_read_held": nothing,
  "rw_write_held": nothing,
};

const OF_MEMORY: Readonly<Record<string, MemorySubroutine>> = { ...STRING_SUBROUTINES, ...NETWORK_SUBROUTINES };

/** Calls subroutines. One caller serves one program: it remembers what `strtok()` has left. */
export class SubroutineCaller {
  readonly #context: { memory: ClauseMemory; speculations: Speculations; hit: ProbeHit };
  readonly #table: readonly Subroutine[];
  /** What `strtok()` goes on with: the string and where. */
  #rest: Uint8Array | undefined;

  /**
   * Makes a caller.
   *
   * @param memory The memory of the program.
   * @param speculations Its speculations.
   * @param hit The first hit.
   */
  constructor(memory: ClauseMemory, speculations: Speculations, hit: ProbeHit) {
    this.#context = { memory, speculations, hit };
    this.#table = SUBROUTINES.map((name) => this.#find(name));
  }

  /**
   * A probe fires: what `strtok()` has left is forgotten, which lasts for all clauses of a firing.
   *
   * @param hit The hit for which its clauses run.
   */
  reset(hit: ProbeHit): void {
    this.#context.hit = hit;
    this.#rest = undefined;
  }

  /**
   * Calls one.
   *
   * @param number Its number.
   * @param argumentCount How many arguments are in the cells.
   * @returns The offset of a string; of others 0, and the number is in its cell.
   */
  call(number: number, argumentCount: number): number {
    return this.#table[number]!(this.#context, argumentCount);
  }

  #find(name: SubroutineName): Subroutine {
    if (name === "strtok") return ({ memory }) => this.#token(memory);
    const ofMemory = OF_MEMORY[name];
    if (ofMemory !== undefined) return ({ memory }, argumentCount) => ofMemory(memory, argumentCount);
    return OTHERS[name]!;
  }

  /** As C's `strtok`: NULL goes on with the last string, whose tokens end at characters of the second argument. */
  #token(memory: ClauseMemory): number {
    const text = memory.lo(0) === 0 ? this.#rest : memory.text(0).slice();
    if (text === undefined) return memory.null;
    const separators = memory.text(1);
    const begin = text.findIndex((byte) => !separators.includes(byte));
    if (begin < 0) {
      this.#rest = undefined;
      return memory.null;
    }
    const length = text.subarray(begin).findIndex((byte) => separators.includes(byte));
    const end = length < 0 ? text.length : begin + length;
    this.#rest = text.subarray(end + 1);
    return memory.makeText(text.subarray(begin, end));
  }
}

function copyOut(memory: ClauseMemory, hit: ProbeHit, index: number, bytes: Uint8Array): number {
  const address = memory.address(index);
  if (Number.isSafeInteger(address) && hit.writeMemory(address, bytes)) return 0;
  return memory.fault.raise("badAddress", memory.lo(index), memory.hi(index));
}

function characters(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function randomWord(): number {
  return Math.floor(Math.random() * HALF) | 0;
}

/** Digits in a base; only the decimal ones have a sign, octal and hexadecimal ones a prefix. */
function numberText(memory: ClauseMemory, base: number): string {
  if (base < 2 || base > 36) return memory.fault.raise("illegalOperation");
  const negative = base === BASE_DEFAULT && memory.hi(0) < 0;
  const lo = memory.lo(0);
  let low = (negative ? -lo : lo) >>> 0;
  let high = (negative ? ~memory.hi(0) + (lo === 0 ? 1 : 0) : memory.hi(0)) >>> 0;
  let digits = "";
  do {
    const rest = (high % base) * HALF + low;
    digits = (rest % base).toString(base) + digits;
    high = Math.floor(high / base);
    low = Math.floor(rest / base) % HALF;
  } while (high !== 0 || low !== 0);
  return `${negative ? "-" : ""}${base === 16 ? "0x" : base === 8 ? "0" : ""}${digits}`;
}
