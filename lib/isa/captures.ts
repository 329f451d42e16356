/**
 * What a hit captures beside the values of its arguments, and where that is in a record.
 *
 * A capture is data: who enables a probe says what is wanted of memory and registers, a pad copies it at the hit, and what a
 * hit that stops the thread gives is the same. In a record the captures follow the values, one behind the other: a 32-bit
 * number of bytes that could be read, 4 bytes of nothing, the last pointer if there are any on the way, and room for all bytes
 * that are wanted.
 *
 * @module
 */

import type { RegisterAccess } from "./isa.ts";
import { CELL_BYTES, RECORD_CELLS_LIMIT, type RecordAction } from "./jumps.ts";

/** A string that an argument points to. */
export interface StringCapture {
  /** What is captured. */
  readonly kind: "string";
  /** Which argument, from 0 to 5, as `HitRecord.arg` counts them: 1 at a return is the value. */
  readonly argument: number;
  /**
   * Pointers on the way, 4 at most: how far behind the argument the first one is, in bytes, how far behind what that points to
   * the next one, and so on. By default there are none.
   */
  readonly through?: readonly number[] | undefined;
  /** What is added to the argument, or to the last pointer, in bytes, from -2^31 to 2^31 - 1; 0 by default. */
  readonly offsetBytes?: number | undefined;
  /** How many bytes at most, from 1 to 1024: up to that and including its NUL. */
  readonly sizeBytes: number;
}

/** Bytes that an argument points to. */
export interface BytesCapture {
  /** What is captured. */
  readonly kind: "bytes";
  /** Which argument, from 0 to 5, as `HitRecord.arg` counts them: 1 at a return is the value. */
  readonly argument: number;
  /**
   * Pointers on the way, 4 at most: how far behind the argument the first one is, in bytes, how far behind what that points to
   * the next one, and so on. By default there are none.
   */
  readonly through?: readonly number[] | undefined;
  /** What is added to the argument, or to the last pointer, in bytes, from -2^31 to 2^31 - 1; 0 by default. */
  readonly offsetBytes?: number | undefined;
  /** How many bytes, from 1 to 1024. */
  readonly sizeBytes: number;
}

/** Bytes that are on the stack, from the stack pointer on. */
export interface StackCapture {
  /** What is captured. */
  readonly kind: "stack";
  /** How many bytes, from 1 to 1024. */
  readonly sizeBytes: number;
}

/**
 * The general registers, the pc and the flags, in this order as `HitRecord.bytes`, by their numbers as
 * `HitRecord.readRegister`: on x86-64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15, rip and the flags; on aarch64 x0
 * to x30, sp, pc and pstate, of which a hit that does not stop the thread has only the flags.
 */
export interface RegistersCapture {
  /** What is captured. */
  readonly kind: "registers";
}

/** What is captured at a hit. */
export type Capture = StringCapture | BytesCapture | StackCapture | RegistersCapture;

/** What is captured of memory that an argument leads to. */
export type ArgumentCapture = StringCapture | BytesCapture;

/** The most bytes of one capture. */
export const CAPTURE_LIMIT_BYTES = 1024;
/** How many arguments there are to choose from. */
export const CAPTURE_ARGUMENTS = 6;
/** How many pointers there may be on the way to what is captured. */
const POINTERS_LIMIT = 4;
/** Where in a record its values begin, and how much there is in front of each capture, in bytes. */
const VALUES_OFFSET = 16;
const LENGTH_BYTES = 8;
const POINTER_BYTES = 8;
const NO_POINTERS: readonly number[] = [];

/** Where a capture is in a record. */
export interface PlacedCapture {
  /** The capture. */
  readonly capture: Capture;
  /** How far behind the beginning of the record its length is, in bytes. */
  readonly offsetBytes: number;
  /** How far behind the beginning of the record what was copied is, in bytes; the last pointer is in front of it. */
  readonly dataBytes: number;
  /** How much is copied at most, in bytes. */
  readonly sizeBytes: number;
}

/** The captures of a record. */
export interface CaptureLayout {
  /** Where each of them is. */
  readonly places: readonly PlacedCapture[];
  /** How many cells the record takes. */
  readonly cells: number;
}

/**
 * Tells how much of a record is for its values, and for what is in front of them.
 *
 * @param values The values.
 * @returns The size in bytes, at least one cell.
 */
export function sizeOfValues(values: RecordAction["values"]): number {
  return typeof values === "string" ? CELL_BYTES : Math.max(CELL_BYTES, VALUES_OFFSET + 8 * values.length);
}

/**
 * Lays out the captures of a record.
 *
 * @param captures What is captured.
 * @param registersBytes What {@linkcode sizeOfRegisters} says.
 * @param valuesBytes What {@linkcode sizeOfValues} says; one cell by default.
 * @returns Where it is.
 */
export function layOut(
  captures: readonly Capture[],
  registersBytes: number,
  valuesBytes: number = CELL_BYTES,
): CaptureLayout {
  let end = valuesBytes;
  const places = captures.map((capture) => {
    const offsetBytes = end;
    const dataBytes = end + LENGTH_BYTES + (pointersOf(capture).length > 0 ? POINTER_BYTES : 0);
    const sizeBytes = capture.kind === "registers" ? registersBytes : capture.sizeBytes;
    end = dataBytes + Math.ceil(sizeBytes / 8) * 8;
    return { capture, offsetBytes, dataBytes, sizeBytes };
  });
  return { places, cells: Math.ceil(end / CELL_BYTES) };
}

/**
 * Puts together what several consumers want to be captured at one place.
 *
 * @param wishes All that they want.
 * @param registersBytes What {@linkcode sizeOfRegisters} says.
 * @param valuesBytes What {@linkcode sizeOfValues} says; one cell by default.
 * @returns What has to be captured, so that each finds its own in it; undefined if no record holds as much.
 */
export function unite(
  wishes: readonly Capture[],
  registersBytes: number,
  valuesBytes: number = CELL_BYTES,
): readonly Capture[] | undefined {
  const united: Capture[] = [];
  for (const capture of wishes) {
    const index = united.findIndex((other) => isSame(other, capture));
    if (index < 0) united.push(capture);
    else if (sizeOf(united[index]!) < sizeOf(capture)) united[index] = capture;
  }
  return layOut(united, registersBytes, valuesBytes).cells <= RECORD_CELLS_LIMIT ? united : undefined;
}

/**
 * Tells whether what is captured has all of what is wanted.
 *
 * @param captures What is captured.
 * @param wanted What is wanted.
 * @returns Whether it has.
 */
export function covers(captures: readonly Capture[], wanted: readonly Capture[]): boolean {
  return wanted.every((one) => captures.some((other) => isSame(other, one) && sizeOf(other) >= sizeOf(one)));
}

/**
 * Tells whether two captures are of the same thing, whatever their sizes are.
 *
 * @param one A capture.
 * @param other Another one.
 * @returns Whether they are.
 */
export function isSame(one: Capture, other: Capture): boolean {
  if (!isOfArgument(one) || !isOfArgument(other)) return one.kind === other.kind;
  return one.kind === other.kind && one.argument === other.argument &&
    (one.offsetBytes ?? 0) === (other.offsetBytes ?? 0) && pointersOf(one).join() === pointersOf(other).join();
}

/**
 * Lists the pointers on the way to what is captured.
 *
 * @param capture The capture.
 * @returns As {@linkcode BytesCapture.through}.
 */
export function pointersOf(capture: Capture): readonly number[] {
  return isOfArgument(capture) ? capture.through ?? NO_POINTERS : NO_POINTERS;
}

/**
 * Tells how much of a thing is wanted.
 *
 * @param capture What is wanted.
 * @returns The size in bytes; `Infinity` if that is all there is.
 */
export function sizeOf(capture: Capture): number {
  return capture.kind === "registers" ? Infinity : capture.sizeBytes;
}

/**
 * Tells how much the registers take that a capture of registers has.
 *
 * @param access The registers of the machine.
 * @returns The size in bytes.
 */
export function sizeOfRegisters({ captured }: RegisterAccess): number {
  return 8 * captured.length;
}

/**
 * Tells whether an argument leads to what is captured.
 *
 * @param capture The capture.
 * @returns Whether one does.
 */
export function isOfArgument(capture: Capture): capture is ArgumentCapture {
  return capture.kind === "string" || capture.kind === "bytes";
}

/**
 * Checks what a user wants to be captured.
 *
 * @param captures What is wanted.
 * @throws {RangeError} If there is no such argument, or if the offset or the size cannot be had.
 */
export function checkCaptures(captures: readonly Capture[]): void {
  for (const capture of captures) {
    if (capture.kind === "registers") continue;
    const { kind, sizeBytes } = capture;
    if (isOfArgument(capture)) checkArgument(capture);
    else if (kind !== "stack") {
      throw new RangeError(`Cannot capture ${kind}: nothing is called so that can be captured`);
    }
    if (!Number.isInteger(sizeBytes) || sizeBytes < 1 || sizeBytes > CAPTURE_LIMIT_BYTES) {
      throw new RangeError(`Cannot capture ${sizeBytes} bytes: it is not an integer from 1 to ${CAPTURE_LIMIT_BYTES}`);
    }
  }
}

function checkArgument({ argument, offsetBytes = 0, through = [] }: ArgumentCapture): void {
  if (!Number.isInteger(argument) || argument < 0 || argument >= CAPTURE_ARGUMENTS) {
    throw new RangeError(`Cannot capture what argument ${argument} points to: it is not an integer from 0 to 5`);
  }
  for (const bytes of [...through, offsetBytes]) {
    if ((bytes | 0) === bytes) continue;
    throw new RangeError(`Cannot capture what is ${bytes} bytes behind: it is not an integer from -2^31 to 2^31 - 1`);
  }
  if (through.length > POINTERS_LIMIT) {
    throw new RangeError(`Cannot capture through ${through.length} pointers: they are more than ${POINTERS_LIMIT}`);
  }
}
