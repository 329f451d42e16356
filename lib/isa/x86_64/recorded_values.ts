/**
 * The part of a pad that copies values into a record.
 *
 * *Problem.* When a pad writes a record, some of the program's registers are on the stack, the stack pointer has moved, and few
 * registers are free. A value may be in any register, or where any two of them lead.
 *
 * *Method.* What is in a register that the pad has not touched is stored from there; else it is fetched into rax first, as is
 * what is on the stack. What is elsewhere in memory is read as captures are (`capture.ts`), at an address that is made of rcx
 * and rdx, into which base and index are fetched.
 *
 * *Invariants.*
 * - rax, rcx and rdx are free, rbx leads to the record, and the flags have been saved.
 * - What is read without a test cannot fault: it is on the stack of a thread that runs, above its stack pointer or in the red
 *   zone, beside what the pushes of the pad have just written.
 *
 * @module
 */

import type { AddressRegister, RecordedMemory, RecordedValue } from "../recorded_value.ts";
import type { ReadPoint } from "../jumps.ts";
import { ARGUMENTS } from "./arguments.ts";
import { appendRead, type ReadCode } from "./capture.ts";
import { FS_BASE, GENERAL, RSP } from "./registers.ts";
import { isInt32, type SlotCode } from "./slot_code.ts";

const [RAX, RCX, RDX, STACK] = [0, 1, 2, 4];
/** The second byte of ModRM that says that there is no base, or no index. */
const NO_BASE = 5;
const NO_INDEX = 4;
/** The size of the red zone below the stack pointer, in bytes (psABI 3.2.2). */
const RED_ZONE_BYTES = 128;
/** Nothing that a function has on its stack is farther above the stack pointer, in bytes; some frames are larger. */
const FRAME_LIMIT_BYTES = 1 << 16;
/** What loads a value of a size into eax, or into rax. */
const LOADS: Readonly<Record<number, readonly number[]>> = {
  1: [0x0f, 0xb6],
  2: [0x0f, 0xb7],
  4: [0x8b],
  8: [0x48, 0x8b],
};

/** Where a pad has put the program's registers. */
export interface SavedRegisters {
  /** How far above the stack pointer those are that were pushed, by their numbers, in bytes. */
  readonly offsets: ReadonlyMap<number, number>;
  /** How far above the stack pointer that of the program is, in bytes. */
  readonly stackBytes: number;
}

/** See `RecordWriter.argument` of `jumps.ts`. */
export function argumentValue(index: number, atEntry: boolean): RecordedValue {
  if (index < ARGUMENTS.length) return { kind: "register", register: ARGUMENTS[index]! };
  const words = index - ARGUMENTS.length + (atEntry ? 1 : 0);
  const base = { register: RSP, sizeBytes: 8 };
  return {
    kind: "memory",
    ...{ base, index: undefined, scale: 1, signedIndex: false, segmentBase: undefined },
    ...{ displacement: 8 * words, sizeBytes: 8 },
  };
}

/** See `RecordWriter.canRecord` of `jumps.ts`. */
export function canRecord(value: RecordedValue): boolean {
  if (value.kind === "vector") return true;
  if (value.kind === "register") return GENERAL.includes(value.register);
  return [value.base, value.index].every((each) => each === undefined || GENERAL.includes(each.register));
}

/** See `RecordWriter.mayFault` of `jumps.ts`. */
export function mayFault(value: RecordedValue): boolean {
  if (value.kind !== "memory") return false;
  const { base, index, segmentBase, displacement } = value;
  const isOnStack = base?.register === RSP && base.sizeBytes === 8 && index === undefined &&
    segmentBase === undefined &&
    displacement >= -RED_ZONE_BYTES && displacement < FRAME_LIMIT_BYTES;
  return !isOnStack;
}

/** What values are fetched with. */
export interface ValueCode {
  /** Where the program's registers are. */
  readonly registers: SavedRegisters;
  /** With what memory is read that need not be readable: then all registers that this changes have been saved. */
  readonly read: ReadCode;
}

/**
 * Writes the copying of a value.
 *
 * @param value The value.
 * @param offset Where in the record it is to be, in bytes.
 * @param code With what.
 * @param out Receives the code.
 * @returns The instructions that read memory that need not be readable.
 */
export function appendValue(
  value: RecordedValue,
  offset: number,
  { registers, read }: ValueCode,
  out: SlotCode,
): ReadPoint[] {
  if (value.kind === "vector") {
    const { number } = value;
    // movq %xmm,offset(%rbx)
    out.bytes(0x66, ...number >= 8 ? [0x44] : [], 0x0f, 0xd6, 0x83 | ((number & 7) << 3));
    out.half(offset);
    return [];
  }
  if (value.kind === "memory" && mayFault(value)) {
    appendAddress(value, registers, out);
    return appendRead(offset, value.sizeBytes, read, out);
  }
  const number = value.kind === "register" ? GENERAL.indexOf(value.register) : -1;
  const isThere = number >= 0 && number !== STACK && !registers.offsets.has(number);
  if (value.kind === "memory") appendStackLoad(value, RAX!, registers, out);
  else if (!isThere) appendFetch(number, RAX!, registers, out);
  const from = isThere ? number : RAX!;
  out.bytes(0x48 | ((from >> 3) << 2), 0x89, 0x83 | ((from & 7) << 3)); // mov %from,offset(%rbx)
  out.half(offset);
  return [];
}

/**
 * Writes the fetching of one of the program's registers.
 *
 * @param number The number of the register.
 * @param into That of the register that it gets into, below 8.
 * @param saved Where the program's registers are.
 * @param out Receives the code.
 */
export function appendFetch(
  number: number,
  into: number,
  { offsets, stackBytes }: SavedRegisters,
  out: SlotCode,
): void {
  const offset = offsets.get(number);
  if (number === STACK) {
    out.bytes(0x48, 0x8d, 0x84 | (into << 3), 0x24); // lea bytes(%rsp),%into
    out.half(stackBytes);
  } else if (offset !== undefined) {
    out.bytes(0x48, 0x8b, 0x44 | (into << 3), 0x24, offset); // mov offset(%rsp),%into
  } else {
    out.bytes(0x48 | ((number >> 3) << 2), 0x89, 0xc0 | ((number & 7) << 3) | into); // mov %number,%into
  }
}

/**
 * Writes the loading of what is on the stack, with zeros above it.
 *
 * @param value The value, of which {@linkcode mayFault} is false.
 * @param into The number of the register that it gets into, below 8.
 * @param saved Where the program's registers are.
 * @param out Receives the code.
 */
export function appendStackLoad(
  { displacement, sizeBytes }: RecordedMemory,
  into: number,
  { stackBytes }: SavedRegisters,
  out: SlotCode,
): void {
  out.bytes(...LOADS[sizeBytes]!, 0x84 | (into << 3), 0x24); // mov displacement(%rsp),%into
  out.half(stackBytes + displacement);
}

/** Writes the computing of the address of what is in memory, in r8. */
function appendAddress(value: RecordedMemory, saved: SavedRegisters, out: SlotCode): void {
  const { base, index, scale, signedIndex, segmentBase, displacement } = value;
  if (base !== undefined) appendAddressRegister(base, RCX!, false, saved, out);
  if (index !== undefined) appendAddressRegister(index, RDX!, signedIndex, saved, out);
  const isNear = isInt32(displacement);
  const hasBase = base !== undefined;
  out.bytes(0x4c, 0x8d, hasBase ? 0x84 : 0x04); // lea displacement(base,index,scale),%r8
  out.bytes((Math.log2(scale) << 6) | ((index === undefined ? NO_INDEX : RDX!) << 3) | (hasBase ? RCX! : NO_BASE));
  out.half(isNear ? displacement : 0);
  if (!isNear) {
    out.bytes(0x48, 0xb8); // movabs $displacement,%rax
    out.half(displacement);
    out.half(Math.floor(displacement / 2 ** 32));
    out.bytes(0x49, 0x01, 0xc0); // add %rax,%r8
  }
  if (segmentBase !== undefined) {
    out.bytes(0xf3, 0x48, 0x0f, 0xae, segmentBase === FS_BASE ? 0xc0 : 0xc8); // rdfsbase or rdgsbase %rax
    out.bytes(0x49, 0x01, 0xc0); // add %rax,%r8
  }
}

/** Writes the fetching of a register for an address. */
function appendAddressRegister(
  { register, sizeBytes }: AddressRegister,
  into: number,
  isSigned: boolean,
  saved: SavedRegisters,
  out: SlotCode,
): void {
  appendFetch(GENERAL.indexOf(register), into, saved, out);
  if (sizeBytes === 8) return;
  if (isSigned) out.bytes(0x48, 0x63, 0xc0 | (into << 3) | into); // movslq
  else out.bytes(0x89, 0xc0 | (into << 3) | into); // mov, which clears the upper half
}
