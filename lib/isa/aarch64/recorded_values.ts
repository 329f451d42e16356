/**
 * The part of a pad that copies values into a record.
 *
 * *Problem.* When a pad writes a record, some of the program's registers are on the stack, and the stack pointer has moved. A
 * value may be in any register, or where any two of them lead.
 *
 * *Method.* What is in a register that the pad has not touched is stored from there; what it has saved, or is on the stack,
 * passes through a register that is free. What is elsewhere in memory is read as captures are (`capture.ts`), at an address that
 * is made of x9 and x10, into which base and index are fetched.
 *
 * *Invariants.*
 * - x17 is free, and x12 leads to the record.
 * - What is read without a test is on the stack of a thread that runs, at or above its stack pointer.
 *
 * @module
 */

import type { RecordAction } from "../jumps.ts";
import type { AddressRegister, RecordedMemory, RecordedValue } from "../recorded_value.ts";
import { REGISTER_ARGUMENTS } from "./arguments.ts";
import { DESTINATION, type ReadCode, SOURCE } from "./capture.ts";
import { appendSum, VALUE } from "./constant_code.ts";
import { SP } from "./registers.ts";
import { SAVED, sizeOfSaved } from "./saved_registers.ts";
import type { SlotCode } from "./slot_code.ts";

/** The register that leads to the record. */
export const RECORD = 12;

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
const MOV = 0xaa00_03e0; // mov xd,xm
const CLEAR = 0xd280_0000; // mov xd,#0
const ADD_EXTENDED = 0x8b20_0000; // add xd,xn,rm,extension #shift
/** How an index of 4 or 8 bytes is extended. */
const EXTENSION = { unsigned: 2 << 13, signed: 6 << 13, whole: 3 << 13 };

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
  return [value.base, value.index].every((each) => each === undefined || each.register <= SP);
}

/** See `RecordWriter.mayFault` of `jumps.ts`. */
export function mayFault(value: RecordedValue): boolean {
  if (value.kind !== "memory") return false;
  const { base, index, displacement, sizeBytes } = value;
  const isOnStack = base?.register === SP && base.sizeBytes === 8 && index === undefined && displacement >= 0;
  return !isOnStack || load(sizeOfSaved(SAVED.reading) + displacement, sizeBytes) === undefined;
}

/** What values are fetched with. */
export interface ValueCode {
  /** The registers that have been saved. */
  readonly saved: readonly number[];
  /** With what memory is read that need not be readable. */
  readonly read: ReadCode;
}

/**
 * Writes the copying of values.
 *
 * @param values The values.
 * @param code With what.
 * @param out Receives the code.
 */
export function appendValues(values: RecordAction["values"], code: ValueCode, out: SlotCode): void {
  if (values === "arguments") { for (const first of [0, 2, 4]) appendPair(first, out); }
  else if (values === "results") appendPair(0, out);
  else values.forEach((value, index) => appendValue(value, VALUES_OFFSET + 8 * index, code, out));
}

/** Writes the storing of two arguments or results. */
function appendPair(first: number, out: SlotCode): void {
  const offset = VALUES_OFFSET + 8 * first;
  out.words((STORE_PAIR | (offset / 8) << 15 | (first + 1) << 10 | RECORD << 5 | first) >>> 0);
}

/**
 * Writes the copying of a value.
 *
 * @param value The value.
 * @param offset Where in the record it is to be, in bytes.
 * @param code With what.
 * @param out Receives the code.
 */
export function appendValue(value: RecordedValue, offset: number, { saved, read }: ValueCode, out: SlotCode): void {
  const place = (offset / 8) << 10 | RECORD << 5;
  if (value.kind === "vector") {
    out.words((STORE_VECTOR | place | value.number) >>> 0);
    return;
  }
  if (value.kind === "memory" && mayFault(value)) {
    appendAddress(value, saved, out);
    read.read(offset, value.sizeBytes);
    return;
  }
  const number = value.kind === "register" ? value.register / 2 : -1;
  const isThere = number >= 0 && number !== STACK && !saved.includes(number);
  if (value.kind === "memory") appendStackLoad(value, VALUE, saved, out);
  else if (!isThere) appendFetch(number, VALUE, saved, out);
  out.words((STORE | place | (isThere ? number : VALUE)) >>> 0);
}

/**
 * Writes the fetching of one of the program's registers.
 *
 * @param number The number of the register.
 * @param into That of the register that it gets into.
 * @param saved The registers that have been saved.
 * @param out Receives the code.
 */
export function appendFetch(number: number, into: number, saved: readonly number[], out: SlotCode): void {
  const index = saved.indexOf(number);
  if (number === STACK) appendSum(into, STACK, sizeOfSaved(saved), out);
  else out.words(index >= 0 ? load(8 * index, 8)! | into : (MOV | number << 16 | into) >>> 0);
}

/**
 * Writes the loading of what is on the stack, with zeros above it.
 *
 * @param value The value, of which {@linkcode mayFault} is false.
 * @param into The number of the register that it gets into.
 * @param saved The registers that have been saved.
 * @param out Receives the code.
 */
export function appendStackLoad(
  { displacement, sizeBytes }: RecordedMemory,
  into: number,
  saved: readonly number[],
  out: SlotCode,
): void {
  out.words(load(sizeOfSaved(saved) + displacement, sizeBytes)! | into);
}

/** The load of what is at or above the stack pointer, with zeros above it; undefined if no instruction reaches it. */
function load(offset: number, sizeBytes: number): number | undefined {
  const size = Math.log2(sizeBytes) << 30;
  const scaled = offset / sizeBytes;
  if (Number.isInteger(scaled) && scaled < SCALED_LIMIT) return LOAD_SCALED | size | scaled << 10 | STACK << 5;
  return offset < UNSCALED_LIMIT ? LOAD_UNSCALED | size | offset << 12 | STACK << 5 : undefined;
}

/** Writes the computing of the address of what is in memory, in x9. */
function appendAddress(value: RecordedMemory, saved: readonly number[], out: SlotCode): void {
  const { base, index, scale, signedIndex, displacement } = value;
  if (base?.sizeBytes === 8) appendFetch(base.register / 2, SOURCE, saved, out);
  else out.words((CLEAR | SOURCE) >>> 0);
  if (base?.sizeBytes === 4) appendTerm(base, 1, false, saved, out);
  if (index !== undefined) appendTerm(index, scale, signedIndex, saved, out);
  appendSum(SOURCE, SOURCE, displacement, out);
}

/** Writes the adding of a part of an address to x9. */
function appendTerm(
  { register, sizeBytes }: AddressRegister,
  scale: number,
  isSigned: boolean,
  saved: readonly number[],
  out: SlotCode,
): void {
  appendFetch(register / 2, DESTINATION, saved, out);
  const extension = EXTENSION[sizeBytes === 8 ? "whole" : isSigned ? "signed" : "unsigned"];
  out.words((ADD_EXTENDED | DESTINATION << 16 | extension | Math.log2(scale) << 10 | SOURCE << 5 | SOURCE) >>> 0);
}
