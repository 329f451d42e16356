/**
 * Fetches the arguments of static probes.
 *
 * *Problem.* The operands of a site are known when its probe is made; their values are wanted at each hit, on the hot
 * path, where nothing is parsed, looked up or allocated.
 *
 * *Method.* {@linkcode compileOperand} translates names of registers to places in the register set and adds what the
 * module was moved by; {@linkcode OperandReader.read} then only adds and shifts 32-bit halves. Integers are extended to
 * 64 bits by their sign; of floating-point numbers the bits are given as they are.
 *
 * *Memory* is read in aligned words of 8 bytes, which never cross into a page that may be missing: an operand of 4
 * bytes at the end of a page can be read as the program reads it.
 *
 * *Sizes.* The size before the `@` governs, not the name of the register: compilers name a narrower or wider part of
 * the register that holds the value (`sys/sdt.h`, the note on PR24541).
 *
 * @module
 */

import { fromHalves, isAddress } from "../address.ts";
import type { ConstantPlace, MemoryPlace, Operand } from "../operand.ts";
import { extendWord } from "../value_type.ts";
import type { NamedRegister, RegisterAccess, RegisterHalves, WordMemory } from "./isa.ts";
import type { AddressRegister, Extension, RecordedMemory, RecordedValue } from "./recorded_value.ts";

const HIGH = 2 ** 32;

/** A stopped thread, as far as its arguments are concerned. */
export interface OperandThread {
  /** The general registers. */
  readonly registers: RegisterHalves;
  /** The memory. */
  readonly memory: WordMemory;
  /**
   * Reads the low 8 bytes of a vector register; undefined if that is not possible.
   *
   * @param number The number of the register.
   * @param into Receives the low and the high half.
   * @returns Whether it could be read.
   */
  readonly readVector?: ((number: number, into: Uint32Array) => boolean) | undefined;
}

/** Fetches one argument. */
export interface OperandReader {
  /** What has to be recorded of a hit so that the argument can be made of it; undefined if nothing has to be. */
  readonly recorded: RecordedValue | undefined;
  /** How the argument is made of that; undefined if more has to be done. */
  readonly extension: Extension | undefined;
  /**
   * Fetches the argument.
   *
   * @param thread The thread, stopped at the site.
   * @param into Receives the low and the high half at index 0 and 1; zeros if it cannot be read.
   * @returns Whether it could be read.
   */
  read(thread: OperandThread, into: Uint32Array): boolean;
  /**
   * Makes the argument of what was recorded.
   *
   * @param word The low and the high half of what {@linkcode OperandReader.recorded} says, which become those of the argument.
   */
  recall(word: Uint32Array): void;
}

/**
 * Prepares the fetching of an argument.
 *
 * @param operand The operand, whose symbols have been resolved.
 * @param access The registers of the target's instruction set.
 * @param bias By how many bytes the module was moved when it was loaded.
 * @returns The reader, or why there is none, as the end of a sentence.
 */
export function compileOperand(operand: Operand, access: RegisterAccess, bias: number): OperandReader | string {
  const { place } = operand;
  switch (place.kind) {
    case "unknown":
      return place.reason;
    case "constant":
      return place.symbol === undefined ? compileConstant(operand, place, bias) : unresolved(place.symbol.name);
    case "register": {
      const register = access.named(place.register);
      return register === undefined
        ? noRegister(place.register)
        : new RegisterReader(register, operand.sizeBytes, operand.signed && !operand.float);
    }
    case "memory":
      return place.symbol === undefined ? compileMemory(operand, place, access, bias) : unresolved(place.symbol.name);
  }
}

function compileConstant(operand: Operand, { lo, hi, inModule }: ConstantPlace, bias: number): OperandReader {
  const value = new Uint32Array(2);
  const low = lo + (inModule ? bias % HIGH : 0);
  value[0] = low;
  value[1] = hi + (inModule ? Math.floor(bias / HIGH) : 0) + Math.floor(low / HIGH);
  extendWord(value, operand.sizeBytes, operand.signed && !operand.float);
  const recall = (into: Uint32Array) => {
    into[0] = value[0]!;
    into[1] = value[1]!;
  };
  return {
    recorded: undefined,
    extension: undefined,
    read: (_, into) => {
      recall(into);
      return true;
    },
    recall,
  };
}

function compileMemory(
  operand: Operand,
  place: MemoryPlace,
  access: RegisterAccess,
  bias: number,
): OperandReader | string {
  const { base, index, segment } = place;
  const baseRegister = base === undefined ? undefined : access.named(base);
  const indexRegister = index === undefined ? undefined : access.named(index);
  if (base !== undefined && baseRegister?.kind !== "general") return noRegister(base);
  if (index !== undefined && indexRegister?.kind !== "general") return noRegister(index);
  const segmentBase = segment === undefined ? undefined : access.segmentBase(segment);
  if (segment !== undefined && segmentBase === undefined) return noRegister(segment);
  return new MemoryReader({
    base: baseRegister?.kind === "general" ? baseRegister : undefined,
    index: indexRegister?.kind === "general" ? indexRegister : undefined,
    scale: place.scale,
    signedIndex: place.signedIndex ?? false,
    segmentBase,
    displacement: place.displacement + (place.inModule ? bias : 0),
    sizeBytes: operand.sizeBytes,
    signed: operand.signed && !operand.float,
  });
}

function unresolved(name: string): string {
  return `its symbol "${name}" has not been resolved`;
}

function noRegister(name: string): string {
  return `there is no register "${name}"`;
}

/** A value in a register. */
class RegisterReader implements OperandReader {
  readonly recorded: RecordedValue | undefined;
  readonly extension: Extension | undefined;
  readonly #register: NamedRegister;
  readonly #sizeBytes: number;
  readonly #signed: boolean;

  constructor(register: NamedRegister, sizeBytes: number, signed: boolean) {
    this.#register = register;
    // The second byte of a register has no wider part.
    this.#sizeBytes = register.kind === "general" && register.isHighByte ? 1 : sizeBytes;
    this.#signed = signed;
    if (register.kind !== "general" || !register.isHighByte) this.extension = { sizeBytes, signed };
    if (register.kind === "vector") this.recorded = { kind: "vector", number: register.number };
    else if (register.kind === "general") this.recorded = { kind: "register", register: register.index };
  }

  read({ registers, readVector }: OperandThread, into: Uint32Array): boolean {
    const register = this.#register;
    into[0] = 0;
    into[1] = 0;
    if (register.kind === "vector") {
      if (readVector === undefined || !readVector(register.number, into)) {
        into[0] = 0;
        into[1] = 0;
        return false;
      }
    } else if (register.kind === "general") {
      into[0] = registers[register.index]!;
      into[1] = registers[register.index + 1]!;
    }
    this.recall(into);
    return true;
  }

  recall(word: Uint32Array): void {
    const register = this.#register;
    if (register.kind === "general" && register.isHighByte) word[0] = word[0]! >>> 8;
    extendWord(word, this.#sizeBytes, this.#signed);
  }
}

/** What a {@linkcode MemoryReader} is made of. */
interface MemoryParts {
  readonly base: NamedRegister & { kind: "general" } | undefined;
  readonly index: NamedRegister & { kind: "general" } | undefined;
  readonly scale: number;
  readonly signedIndex: boolean;
  /** Where the base of the segment is in the registers. */
  readonly segmentBase: number | undefined;
  readonly displacement: number;
  readonly sizeBytes: number;
  readonly signed: boolean;
}

/** A value in memory. */
class MemoryReader implements OperandReader {
  readonly recorded: RecordedMemory;
  readonly extension: Extension;
  readonly #parts: MemoryParts;
  readonly #displacementLo: number;
  readonly #displacementHi: number;
  readonly #word = new Uint32Array(2);

  constructor(parts: MemoryParts) {
    this.#parts = parts;
    this.#displacementHi = Math.floor(parts.displacement / HIGH);
    this.#displacementLo = parts.displacement - this.#displacementHi * HIGH;
    const { base, index, scale, signedIndex, segmentBase, displacement, sizeBytes } = parts;
    const address = { base: addressRegister(base), index: addressRegister(index), scale, signedIndex, segmentBase };
    this.recorded = { kind: "memory", ...address, displacement, sizeBytes };
    this.extension = parts;
  }

  read({ registers, memory }: OperandThread, into: Uint32Array): boolean {
    const { sizeBytes, signed } = this.#parts;
    const address = this.#address(registers);
    const offset = address % 8;
    into[0] = 0;
    into[1] = 0;
    if (!isAddress(address) || !memory.readWord(address - offset, into)) return false;
    shiftRight(into, offset);
    if (offset + sizeBytes > 8) {
      const word = this.#word;
      if (!memory.readWord(address - offset + 8, word)) {
        into[0] = 0;
        into[1] = 0;
        return false;
      }
      shiftLeft(word, 8 - offset);
      into[0] = into[0]! | word[0]!;
      into[1] = into[1]! | word[1]!;
    }
    extendWord(into, sizeBytes, signed);
    return true;
  }

  recall(word: Uint32Array): void {
    extendWord(word, this.#parts.sizeBytes, this.#parts.signed);
  }

  /** Adds up an address as the processor does, modulo 2^64. All sums of halves stay far below 2^53. */
  #address(registers: RegisterHalves): number {
    const { base, index, scale, signedIndex, segmentBase } = this.#parts;
    let lo = this.#displacementLo;
    let hi = this.#displacementHi;
    if (base !== undefined) {
      lo += registers[base.index]!;
      if (base.bytes === 8) hi += registers[base.index + 1]!;
    }
    if (index !== undefined) {
      lo += registers[index.index]! * scale;
      if (index.bytes === 8) hi += registers[index.index + 1]! * scale;
      else if (signedIndex && (registers[index.index]! | 0) < 0) hi -= scale;
    }
    if (segmentBase !== undefined) {
      lo += registers[segmentBase]!;
      hi += registers[segmentBase + 1]!;
    }
    hi = (hi + Math.floor(lo / HIGH)) % HIGH;
    return fromHalves(lo % HIGH, hi < 0 ? hi + HIGH : hi);
  }
}

function addressRegister(register: NamedRegister & { kind: "general" } | undefined): AddressRegister | undefined {
  // Of the narrower parts nobody has ever written one.
  return register && { register: register.index, sizeBytes: register.bytes === 8 ? 8 : 4 };
}

/** Shifts a word to the right by 0 to 7 bytes. */
function shiftRight(word: Uint32Array, bytes: number): void {
  const bits = 8 * (bytes % 4);
  if (bytes >= 4) {
    word[0] = word[1]! >>> bits;
    word[1] = 0;
  } else if (bytes > 0) {
    word[0] = word[0]! >>> bits | word[1]! << (32 - bits);
    word[1] = word[1]! >>> bits;
  }
}

/** Shifts a word to the left by 1 to 7 bytes. */
function shiftLeft(word: Uint32Array, bytes: number): void {
  const bits = 8 * (bytes % 4);
  if (bytes >= 4) {
    word[1] = word[0]! << bits;
    word[0] = 0;
  } else {
    word[1] = word[1]! << bits | word[0]! >>> (32 - bits);
    word[0] = word[0]! << bits;
  }
}
