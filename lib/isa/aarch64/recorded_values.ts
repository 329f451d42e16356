/**
 * The part of a pad that copies values into a record.
 *
 * *Problem.* When a pad writes a record, some of the program's registers are on the stack, and the stack pointer has moved.
 *
 * *Method.* What is in a register that the pad has not touched is stored from there; what it has saved, or is on the stack,
 * passes through a register that is free. What is elsewhere in memory need not be readable, and is refused.
 *
 * *Invariants.*
 * - x17 is free, and x12 leads to the record.
 * - What is read is on the stack of a thread that runs, at or above its stack pointer.
 *
 * @module
 */

import type { RecordAction } from "../jumps.ts";
import type { RecordedMemory, RecordedValue } from "../recorded_value.ts";
import { REGISTER_ARGUMENTS } from "./arguments.ts";
import { SP } from "./registers.ts";
import type { SlotCode } from "./slot_code.ts";

/** The registers that pads with records save, upwards from the stack pointer, and how much that takes, in bytes. */
export const SAVED: readonly number[] = [16, 17, 14, 15, 12, 13];
/** See {@linkcode SAVED}. */
export const SAVED_BYTES = 8 * SAVED.length;
/** The register that leads to the record. */
export const RECORD = 12;

/** What values pass through. */
const VALUE = 17;
/** The number of the stack pointer where it is a base. */
const STACK = 31;
/** Where in a record its values begin, in bytes. */
const VALUES_OFFSET = 16;
/** What the instructions reach: offsets that are multiples of the size, up to this many times, and others. */
const SCALED_LIMIT = 1 << 12;
const UNSCALED_LIMIT = 1 << 8;

const LOAD_SCALED = 0x3940_0000; // ldrb wt,[xn,#offset]; with the logarithm of the size in the bits from 30 on
const LOAD_UNSCALED = 0x3840_0000; // ldurb wt,[xn,#offset]
const STORE = 0xf900_0000; // str xt,[xn,#offset]
const STORE_PAIR = 0xa900_0000; // stp xt,xu,[xn,#offset]
const STORE_VECTOR = 0xfd00_0000; // str dt,[xn,#offset]
const ADD_CONSTANT = 0x9100_0000; // add xd,xn,#value

/** See `RecordWriter.argument` of `jumps.ts`. The return address is in a register. */
export function argumentValue(index: number): RecordedValue {
  if (index < REGISTER_ARGUMENTS) return { kind: "register", register: 2 * index };
  const base = { register: SP, sizeBytes: 8 };
  return {
    kind: "memory",
    ...{ base, index: undefined, scale: 1, signedIndex: false, segmentBase: undefined },
    ...{ displacement: 8 * (index - REGISTER_ARGUMENTS), sizeBytes: 8 },
  };
}

/** See `RecordWriter.canRecord` of `jumps.ts`. */
export function canRecord(value: RecordedValue): boolean {
  if (value.kind === "vector") return true;
  if (value.kind === "register") return value.register <= SP;
  const { base, index, displacement } = value;
  return base?.register === SP && base.sizeBytes === 8 && index === undefined && displacement >= 0 &&
    loadOf(value) !== undefined;
}

/**
 * Writes the copying of values.
 *
 * @param values The values.
 * @param out Receives the code.
 */
export function appendValues(values: RecordAction["values"], out: SlotCode): void {
  if (values === "arguments") { for (const first of [0, 2, 4]) appendPair(first, out); }
  else if (values === "results") appendPair(0, out);
  else values.forEach((value, index) => appendValue(value, VALUES_OFFSET + 8 * index, out));
}

/** Writes the storing of two arguments or results. */
function appendPair(first: number, out: SlotCode): void {
  const offset = VALUES_OFFSET + 8 * first;
  out.words((STORE_PAIR | (offset / 8) << 15 | (first + 1) << 10 | RECORD << 5 | first) >>> 0);
}

function appendValue(value: RecordedValue, offset: number, out: SlotCode): void {
  const place = (offset / 8) << 10 | RECORD << 5;
  if (value.kind === "vector") {
    out.words((STORE_VECTOR | place | value.number) >>> 0);
    return;
  }
  const number = value.kind === "register" ? value.register / 2 : -1;
  const saved = SAVED.indexOf(number);
  if (value.kind === "memory") out.words(loadOf(value)!);
  else if (number === STACK) out.words((ADD_CONSTANT | SAVED_BYTES << 10 | STACK << 5 | VALUE) >>> 0);
  else if (saved >= 0) out.words(load(8 * saved, 8)!);
  const isThere = number >= 0 && number !== STACK && saved < 0;
  out.words((STORE | place | (isThere ? number : VALUE)) >>> 0);
}

/** The load of what is on the program's stack; undefined if no instruction reaches it. */
function loadOf({ displacement, sizeBytes }: RecordedMemory): number | undefined {
  return load(SAVED_BYTES + displacement, sizeBytes);
}

/** The load of what is at or above the stack pointer, with zeros above it. */
function load(offset: number, sizeBytes: number): number | undefined {
  const size = Math.log2(sizeBytes) << 30;
  const scaled = offset / sizeBytes;
  const operands = STACK << 5 | VALUE;
  if (Number.isInteger(scaled) && scaled < SCALED_LIMIT) return (LOAD_SCALED | size | scaled << 10 | operands) >>> 0;
  return offset < UNSCALED_LIMIT ? (LOAD_UNSCALED | size | offset << 12 | operands) >>> 0 : undefined;
}
